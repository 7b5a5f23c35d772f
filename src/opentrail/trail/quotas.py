"""AWS's quotas, as far as this installation keeps to them.

Source: spec: quotas, section 2; AWS general reference, "AWS CloudTrail endpoints and quotas".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from opentrail.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """How much of each there may be. The comment of a field is its line in docs/reference.

    Attributes:
        trails_per_region: Trails in a region, shadow trails counted; AWS: 5.
        event_selectors: Basic event selectors of a trail; AWS: 5.
        data_resources: Data resources in the basic selectors of a trail; AWS: 250.
        selector_values: Values in all conditions of a trail's advanced selectors; AWS: 500.
        tags_per_resource: Tags of a trail; AWS: 50.
        delegated_administrators: Delegated administrators of an organization; AWS: 3.
        rules_per_event_bus: Rules of EventBridge on one event bus; AWS: 300.
        targets_per_rule: Targets of one of them; AWS: 5.
        lookup_events_per_second: LookupEvents calls of an account in a region; 0 is no limit.
            AWS: 2.
        insights_data_per_second: ListInsightsData calls; 0 is no limit. AWS: 2.
        reads_per_second: Get, describe and list calls of each operation; 0 is no limit. AWS: 10.
        writes_per_second: Other calls of each operation; 0 is no limit. AWS: 1.
    """

    trails_per_region: int = 5
    event_selectors: int = 5
    data_resources: int = 250
    selector_values: int = 500
    tags_per_resource: int = 50
    delegated_administrators: int = 3
    rules_per_event_bus: int = 300
    targets_per_rule: int = 5
    lookup_events_per_second: int = 0
    insights_data_per_second: int = 0
    reads_per_second: int = 0
    writes_per_second: int = 0

    def calls_per_second(self, operation: str) -> int:
        """The rate for an operation; 0 is no limit."""
        if operation == "LookupEvents":
            return self.lookup_events_per_second
        if operation == "ListInsightsData":
            return self.insights_data_per_second
        if operation.startswith(("Get", "Describe", "List", "Search")):
            return self.reads_per_second
        return self.writes_per_second


def parse_quotas(texts: Iterable[str]) -> Quotas:
    """Quotas from `name=number` texts; what is not named has its default.

    Raises:
        InvalidInput: a name is unknown, or a value is no number.
    """
    known = [field.name for field in fields(Quotas)]
    chosen: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in known:
            raise InvalidInput(f"quota {name!r} is not known; expected one of {', '.join(known)}")
        if not number.isascii() or not number.isdigit():
            raise InvalidInput(f"quota {name}: {number!r} is not a number of 0 or more")
        chosen[name] = int(number)
    return Quotas(**chosen)
