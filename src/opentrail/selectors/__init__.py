"""Event selectors: which records a trail takes."""

from opentrail.selectors.explain import Reason, explain
from opentrail.selectors.matching import compile_selectors
from opentrail.selectors.parse import parse_advanced, parse_basic, show_advanced, show_basic
from opentrail.selectors.values import (
    DEFAULT_SELECTORS,
    AdvancedEventSelector,
    DataResource,
    EventSelector,
    FieldSelector,
    InsightSelector,
    InvalidEventSelectors,
    SelectorLimits,
)

__all__ = [
    "DEFAULT_SELECTORS",
    "AdvancedEventSelector",
    "DataResource",
    "EventSelector",
    "FieldSelector",
    "InsightSelector",
    "InvalidEventSelectors",
    "Reason",
    "SelectorLimits",
    "compile_selectors",
    "explain",
    "parse_advanced",
    "parse_basic",
    "show_advanced",
    "show_basic",
]
