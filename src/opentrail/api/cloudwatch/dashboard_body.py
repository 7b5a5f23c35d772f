"""What is wrong with a dashboard's body, and what of it will be passed over.

Only what a console needs is checked: widgets of known types, where they are, and what they show.
Source: CloudWatch API reference, "Dashboard body structure and syntax"; messages as AWS gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_WIDGETS = 500
MOST_METRICS = 500
"""Of one widget."""
MOST_ITEMS = 62
"""Of a metric: its names, 30 dimensions, how it is drawn."""
_WIDTH, _HEIGHT = 24, 1000
_BODY = frozenset({"widgets", "start", "end", "periodOverride", "variables"})
_WIDGET = frozenset({"type", "x", "y", "width", "height", "properties"})
_SHORT = (1, 5, 10, 30)
_VIEWS = ("timeSeries", "singleValue", "gauge", "bar", "pie", "table")
_LOG_VIEWS = ("table", "timeSeries", "bar", "pie")


@dataclass(slots=True)
class Findings:
    """(path, message) of what makes a body invalid, and of what is passed over."""

    errors: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def wrong(self, path: str, message: str) -> None:
        self.errors.append((path, message))

    def passed_over(self, path: str, message: str) -> None:
        self.warnings.append((path, message))


def findings(body: Mapping[str, Any]) -> Findings:
    """What is to be said of a body."""
    found = Findings()
    for name in body.keys() - _BODY:
        found.passed_over("/", f'The "{name[:100]}" property is not expected, will be ignored')
    if "periodOverride" in body:
        _one_of(found, body, "periodOverride", ("auto", "inherit"), "")
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        found.wrong("/", "Should have required property 'widgets'")
        return found
    if len(widgets) > MOST_WIDGETS:
        found.wrong("/widgets", f"Should NOT have more than {MOST_WIDGETS} items")
        return found
    for number, widget in enumerate(widgets):
        _widget(found, widget, f"/widgets/{number}")
    found.warnings.sort()
    return found


def _widget(found: Findings, widget: Any, path: str) -> None:
    if not isinstance(widget, dict):
        found.wrong(path, "Should be object")
        return
    for name in widget.keys() - _WIDGET:
        found.passed_over(
            path,
            f'The "{name[:100]}" property is not expected to be part of a widget definition, will '
            "be ignored",
        )
    for name, low, high in (("x", 0, _WIDTH - 1), ("y", 0, None),
                            ("width", 1, _WIDTH), ("height", 1, _HEIGHT)):  # fmt: skip
        _whole(found, widget, name, (low, high), path)
    kind, properties = widget.get("type"), widget.get("properties")
    check = _KINDS.get(kind) if isinstance(kind, str) else None
    if kind is None:
        found.wrong(path, "Should have required property 'type'")
    elif check is None:
        allowed = ", ".join(_KINDS)
        found.wrong(f"{path}/type", f"Should be equal to one of the allowed values: {allowed}")
    if not isinstance(properties, dict):
        found.wrong(path, "Should have required property 'properties'")
    elif check is not None:
        check(found, properties, f"{path}/properties")


def _whole(
    found: Findings,
    widget: Mapping[str, Any],
    name: str,
    bounds: tuple[int, int | None],
    path: str,
) -> None:
    value, (low, high) = widget.get(name), bounds
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        found.wrong(f"{path}/{name}", "Should be integer")
    elif value < low:
        found.wrong(f"{path}/{name}", f"Should be >= {low}")
    elif high is not None and value > high:
        found.wrong(f"{path}/{name}", f"Should be <= {high}")


def _one_of(
    found: Findings, given: Mapping[str, Any], name: str, allowed: Sequence[str], path: str
) -> None:
    if name in given and given[name] not in allowed:
        told = ", ".join(allowed)
        found.wrong(f"{path}/{name}", f"Should be equal to one of the allowed values: {told}")


def _text(found: Findings, given: Mapping[str, Any], name: str, path: str) -> None:
    """A text that must be there."""
    if name not in given:
        found.wrong(path, f"Should have required property '{name}'")
    elif not isinstance(given[name], str):
        found.wrong(f"{path}/{name}", "Should be string")


def _text_widget(found: Findings, properties: Mapping[str, Any], path: str) -> None:
    _text(found, properties, "markdown", path)
    _one_of(found, properties, "background", ("transparent", "solid"), path)


def _log_widget(found: Findings, properties: Mapping[str, Any], path: str) -> None:
    _text(found, properties, "query", path)
    _text(found, properties, "region", path)
    _one_of(found, properties, "view", _LOG_VIEWS, path)


def _alarm_widget(found: Findings, properties: Mapping[str, Any], path: str) -> None:
    alarms = properties.get("alarms")
    if alarms is None:
        found.wrong(path, "Should have required property 'alarms'")
        return
    if not isinstance(alarms, list) or len(alarms) > 100:
        found.wrong(f"{path}/alarms", "Should be array of at most 100 items")
        return
    for number, arn in enumerate(alarms):
        if not isinstance(arn, str) or ":alarm:" not in arn:
            found.wrong(f"{path}/alarms/{number}", "Should be the ARN of an alarm")


def _metric_widget(found: Findings, properties: Mapping[str, Any], path: str) -> None:
    metrics = properties.get("metrics")
    if metrics is None and "annotations" not in properties:
        found.wrong(path, "Should have required property 'metrics'")
    elif metrics is not None and not isinstance(metrics, list):
        found.wrong(f"{path}/metrics", "Should be array")
    elif metrics is not None:
        if len(metrics) > MOST_METRICS:
            found.wrong(f"{path}/metrics", f"Should NOT have more than {MOST_METRICS} items")
        else:
            for number, metric in enumerate(metrics):
                _metric(found, metric, f"{path}/metrics/{number}")
    if metrics is not None:
        _text(found, properties, "region", path)
    _one_of(found, properties, "view", _VIEWS, path)
    period = properties.get("period", 60)
    if not isinstance(period, int) or not (period in _SHORT or (period > 0 and period % 60 == 0)):
        found.wrong(f"{path}/period", "Should be 1, 5, 10, 30 or a multiple of 60")


def _metric(found: Findings, metric: Any, path: str) -> None:
    """Names and dimensions are texts; at the end may stand how it is drawn."""
    if not isinstance(metric, list):
        found.wrong(path, "Should be array")
        return
    if not metric:
        found.wrong(path, "Should NOT have less than 1 items")
        return
    if len(metric) > MOST_ITEMS + 1:
        found.wrong(path, f"Should NOT have more than {MOST_ITEMS + 1} items")
        return
    names = metric[:-1] if isinstance(metric[-1], dict) else metric
    for place, item in enumerate(names):
        if not isinstance(item, str) or not item:
            found.wrong(
                f"{path}/{place}", 'Invalid metric field type, only "String" type is allowed'
            )
    if not names and "expression" not in metric[-1]:
        found.wrong(path, "Should have required property 'expression'")


def _anything(found: Findings, properties: Mapping[str, Any], path: str) -> None:
    """A widget that the console shows as a box with its name."""


_KINDS: Mapping[str, Callable[[Findings, Mapping[str, Any], str], None]] = {
    "metric": _metric_widget,
    "text": _text_widget,
    "log": _log_widget,
    "alarm": _alarm_widget,
    "explorer": _anything,
    "custom": _anything,
}


def told(pairs: Sequence[tuple[str, str]]) -> Iterator[Mapping[str, str]]:
    """As answers show them."""
    for path, message in pairs:
        yield {"DataPath": path, "Message": message}
