"""Questions to recorded calls, as tests ask them; a refusal shows the nearest calls."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec

from opentrail.access import needed_policy
from opentrail.record import Record, read_record

MOST_SHOWN = 5


class RecordedCalls:
    """The calls recorded so far, in order; its `add` is a sink."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def add(self, raw: bytes) -> None:
        """Take one record."""
        self._records.append(read_record(raw))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records as JSON objects."""
        return [msgspec.json.decode(one.raw) for one in self._records]

    def clear(self) -> None:
        """Forget what was called so far."""
        self._records.clear()

    def assert_called(
        self, service: str, name: str, *, times: int | None = None, **parameters: Any
    ) -> None:
        """Fail unless the call was made with these requestParameters, in their record spelling.

        Args:
            service: The event source, with or without `.amazonaws.com`.
            times: How often exactly; None for at least once.
            parameters: Each must be there with an equal value; others may be there too.
        """
        found = self._matching(service, name, parameters)
        if len(found) == times or (times is None and found):
            return
        wanted = _shown(service, name, parameters)
        often = "at least once" if times is None else f"{times} times"
        nearest = self._nearest(service, name)
        raise AssertionError(f"{wanted} was called {len(found)} times, expected {often}.{nearest}")

    def assert_not_called(self, service: str, name: str, **parameters: Any) -> None:
        """Fail if the call was made with these requestParameters."""
        found = self._matching(service, name, parameters)
        if found:
            lines = "\n".join(f"  {_line(one)}" for one in found[:MOST_SHOWN])
            raise AssertionError(
                f"{_shown(service, name, parameters)} was called {len(found)} times:\n{lines}"
            )

    def assert_no_denied(self) -> None:
        """Fail if a call was refused for want of permission."""
        denied = [one for one in self.records if _is_denied(str(one.get("errorCode") or ""))]
        if denied:
            lines = "\n".join(f"  {_line(one)}" for one in denied[:MOST_SHOWN])
            raise AssertionError(f"{len(denied)} calls were denied:\n{lines}")

    def recorded_policy(self) -> dict[str, Any]:
        """An IAM policy that allows what succeeded, and nothing more."""
        return needed_policy(one.head for one in self._records)

    def _matching(
        self, service: str, name: str, parameters: dict[str, Any]
    ) -> list[dict[str, Any]]:
        return [
            one
            for one in self.records
            if (_service(one), one["eventName"]) == (service.removesuffix(".amazonaws.com"), name)
            and all(_equal(one, key, value) for key, value in parameters.items())
        ]

    def _nearest(self, service: str, name: str) -> str:
        if not self._records:
            return " Nothing was called."
        wanted = f"{service.removesuffix('.amazonaws.com')}:{name}"
        lines = list(dict.fromkeys(_line(one) for one in self.records))
        lines.sort(key=lambda one: -difflib.SequenceMatcher(None, wanted, one).ratio())
        return " The nearest calls:\n" + "\n".join(f"  {one}" for one in lines[:MOST_SHOWN])


def _service(record: dict[str, Any]) -> str:
    return str(record["eventSource"]).removesuffix(".amazonaws.com")


def _equal(record: dict[str, Any], key: str, value: Any) -> bool:
    parameters = record.get("requestParameters") or {}
    return key in parameters and parameters[key] == value


def _shown(service: str, name: str, parameters: dict[str, Any]) -> str:
    inner = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
    return f"{service.removesuffix('.amazonaws.com')}:{name}({inner})"


def _line(record: dict[str, Any]) -> str:
    failed = f" -> {record['errorCode']}" if record.get("errorCode") else ""
    shown = _shown(_service(record), record["eventName"], record.get("requestParameters") or {})
    return shown + failed


def _is_denied(code: str) -> bool:
    return "AccessDenied" in code or "Unauthorized" in code or "AuthFailure" in code
