"""The SQL that queries become."""

import pytest

from opentrail.logs.query.parser import parse
from opentrail.logs.query.plan.fields import Holds
from opentrail.logs.query.plan.planning import plan
from opentrail.logs.query.plan.scope import Moments


@pytest.mark.parametrize(
    "query", ["stats count(*) as n by bin(5m)", "filter a = 1 | stats count(*) as n by bin(5m)"]
)
def test_rows_that_are_not_shown_get_no_texts(query: str) -> None:
    made = plan(parse(query), Holds.EVENTS, Moments(now=0, start=0, end=1))

    assert -1 < made.main.find("LIMIT 10000") < made.main.find("strftime")
    assert made.main.endswith("ORDER BY g0 DESC NULLS LAST LIMIT 10000")
