"""The rules as the API last left them."""

from __future__ import annotations

from opentrail.ports.state import StateStore
from opentrail.rules.book import RuleBook
from opentrail.rules.rule import RULE_KIND, RULES_CHANGED_KEY, RULES_CHANGED_KIND


class RuleReader:
    """Reads all rules anew when one of them has changed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._book = RuleBook()
        self._version: int | None = None

    def book(self) -> RuleBook:
        """The rules with every change that was made before the call."""
        document = self._state.get(RULES_CHANGED_KIND, RULES_CHANGED_KEY)
        version = 0 if document is None else document.version
        if version != self._version:
            # Changes between the two looks are read now, and once more next time.
            self._book.read((one.key, one.version, one.body) for one in self._state.list(RULE_KIND))
            self._version = version
        return self._book

    def forget(self) -> None:
        """Read all rules next time, changed or not."""
        self._version = None
