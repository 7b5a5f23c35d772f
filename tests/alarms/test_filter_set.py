"""A set of patterns finds what each of them finds."""

import json

import pytest

from opentrail.alarms.filter_pattern import FilterPattern, LogMessage
from opentrail.alarms.filter_set import FilterSet

PATTERNS = [
    "{ $.eventName = Put || $.eventName = Get }", "{ $.eventSource = s3* }", "error", "[a, b]", "",
    "{ $.eventName != Put }", "{ $.errorCode NOT EXISTS }", "{ $.eventName = Put && $.n > 3 }",
    "{ $.a[*].b = 1 }",
]  # fmt: skip
MESSAGES = [
    json.dumps(one)
    for one in (
        {"eventName": "Put", "n": 4}, {"eventName": "Put", "n": 2, "errorCode": "x"},
        {"eventName": "List", "eventSource": "s3.amazonaws.com"}, {"a": [{"b": 1}]}, {},
        {"eventName": ["Put"], "eventSource": None},
    )
] + ["an error", "error", "{", "[]", ""]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_the_set_finds_what_each_finds(message: str) -> None:
    patterns = {number: FilterPattern(text) for number, text in enumerate(PATTERNS)}

    found = FilterSet(patterns).matching(LogMessage(message))

    assert sorted(found) == [
        number for number, one in patterns.items() if one.matches(LogMessage(message))
    ]
