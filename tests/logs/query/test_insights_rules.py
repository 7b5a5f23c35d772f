"""Queries that parse and still cannot be compiled."""

import pytest

from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.parser import parse
from opentrail.logs.query.rules import check

_STATS = " | stats count(*) as c by x"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("fields @message | dedup @message | filter ispresent(@message)",
         "unexpected symbol found filter"),
        ("dedup a | sort a", "unexpected symbol found sort"),
        ("filter @message like /GET/ | diff",
         "Diff compilation Failed : Diff operation has to be used after Pattern"),
        ("parse @message /(?<status>\\d+)/ | relevantfields status where toNumber(status) = 200",
         "Query cannot be compiled"),
        ("fields a | anomaly", "'anomaly' is not supported yet"),
        ("sort a | pattern @message", "pattern can't follow sort"),
        ("FIELDS strlen(@message) AS n | STATS sum(n) AS b BY @logStream | STATS avg(b) BY bin(5m)",
         "bin needs @timestamp"),
        ("stats count(*) as c by x | sort c | stats sum(c)", "sort can only follow the last stats"),
        ("stats count(*) as c by x | limit 3 | stats sum(c)", "limit can only follow the last"),
        ("filter a = 1" + _STATS * 11, "at most 10 stats"),
        ('parse @message "a * b *" as x', "2 * and 1 aliases"),
        ("parse @message /(\\d+)/", "names no group"),
        ("parse @message /(?<x>[/", "is no regular expression"),
        ("filter a like /(?=x)/", "is no regular expression"),
        ("filter a like /(a{1000}){1000}/", "is no regular expression"),
        ('fields regexReplace(a, "(", "")', "is no regular expression"),
        ('fields regexReplace(a, "(x)", "$2")', "names group 2"),
        ('fields regexReplace(a, b, "")', "must be a string"),
        ("fields f()", "'f' is no function"),
        ("stats countFrequent(a)", "not supported yet"),
        ("fields strlen(a, b)", "takes 1 arguments, not 2"),
        ("fields strlen(*)", "does not take *"),
        ("fields case(a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1,a=1,1)",
         "at most 10 branches"),
        ("stats topk(a, 3) by b", "topk can't be used with by"),
        ("fields sum(a)", "computes over rows"),
        ("filter count(*) > 1", "computes over rows"),
        ("stats count(*) by sum(a)", "computes over rows"),
        ("stats sum(avg(a))", "can't be used within sum"),
        ("stats a by b", "neither computed over rows nor a column"),
        ("stats count(*) offset 1h", "needs bin()"),
        ("fields bin(a)", "must be a duration"),
        ("fields strlen(5m)", "can't be a duration"),
        ("limit 100001", "at most 100000 rows"),
    ],
)  # fmt: skip
def test_the_rule_is_told(query: str, message: str) -> None:
    with pytest.raises(MalformedQuery) as told:
        check(parse(query))

    assert message in str(told.value)
    assert 0 <= told.value.start <= told.value.end <= len(query)


@pytest.mark.parametrize(
    "query",
    [
        "pattern @message | diff",
        "pattern @message | sort @sampleCount desc | limit 3",
        "sort a | dedup a | limit 5",
        "stats count(*) by bin(5m) offset 1h",
        "stats count(*) as c by bin(5m) as @timestamp | stats sum(c) by bin(1h)",
        "stats max(a) as x, min(a) as y, x - y as z",
        "stats count(*) by bin(h)",
        'stats sum(strcontains(@message, "x"))/count(*) * 100',
        "fields COUNT_DISTINCT",
        "stats count_distinct(a), countDistinct(a)",
    ],
)  # fmt: skip
def test_the_rules_let_the_rest_through(query: str) -> None:
    check(parse(query))
