"""Quotas as the setting gives them."""

import pytest

from opentrail.errors import InvalidInput
from opentrail.trail.quotas import Quotas, parse_quotas


def test_what_is_not_named_is_as_awss_but_for_calls_a_second() -> None:
    assert parse_quotas(()) == Quotas()
    assert parse_quotas(["trails_per_region=20", "lookup_events_per_second=2"]) == Quotas(
        trails_per_region=20, lookup_events_per_second=2
    )
    assert {Quotas().calls_per_second(one) for one in ("LookupEvents", "GetTrail", "AddTags")} == {
        0
    }


@pytest.mark.parametrize(
    "text", ["trails=5", "trails_per_region", "tags_per_resource=-1", "event_selectors=many", "=5"]
)
def test_a_quota_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="quota"):
        parse_quotas([text])


@pytest.mark.parametrize(
    ("operation", "rate"),
    [("LookupEvents", 2), ("ListInsightsData", 3), ("DescribeTrails", 10), ("GetTrail", 10),
     ("ListTags", 10), ("CreateTrail", 1), ("StopLogging", 1)],
)  # fmt: skip
def test_each_operation_has_the_rate_of_its_class(operation: str, rate: int) -> None:
    quotas = Quotas(lookup_events_per_second=2, insights_data_per_second=3, reads_per_second=10,
                    writes_per_second=1)  # fmt: skip

    assert quotas.calls_per_second(operation) == rate
