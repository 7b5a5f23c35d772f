"""Metric math: what expressions come to."""

import contextlib
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentrail.alarms.metric_math import (
    Environment,
    InvalidExpression,
    Line,
    evaluated,
    parse_expression,
    references,
)
from pace import within

T = 1_795_334_400
GRID = range(T, T + 300, 60)


def line(*values: float | None) -> Line:
    return Line({T + 60 * at: one for at, one in enumerate(values) if one is not None}, 60)


METRICS = {
    "m1": line(1.0, 2.0, None, 4.0, 5.0),
    "m2": line(10.0, None, 30.0, 40.0, 50.0),
    "errors": line(0.0, 0.0, 0.0, 0.0, 1.0),
    "empty": line(),
}


def environment(expression: str, **others: str) -> Environment:
    return Environment(METRICS, {"e": expression, **others}, GRID)


def lines(expression: str, **others: str) -> list[list[float | None]]:
    found = evaluated(environment(expression, **others), "e")
    return [[one.points.get(time) for time in GRID] for one in found]


N = None


@pytest.mark.parametrize(("expression", "values"), [
    ("m1 + m2", [11.0, N, N, 44.0, 55.0]), ("m2 / m1", [10.0, N, N, 10.0, 10.0]), ("m1 - 1", [0.0, 1.0, N, 3.0, 4.0]),
    ("-m1 ^ 2", [-1.0, -4.0, N, -16.0, -25.0]), ("2 ^ -m1 * 8", [4.0, 2.0, N, 0.5, 0.25]), ("m1 / errors", [N, N, N, N, 5.0]),
    ("2 + 3 * m1 - 4 / 2", [3.0, 6.0, N, 12.0, 15.0]), ("(2 + 3) * m1", [5.0, 10.0, N, 20.0, 25.0]),
    ("m1 > 2", [0.0, 0.0, N, 1.0, 1.0]), ("m1 >= 2 AND m2 < 50", [0.0, N, N, 1.0, 0.0]), ("m1 == 1 || m1 != 4", [1.0, 1.0, N, 0.0, 1.0]),
    ("FILL(m1, 0)", [1.0, 2.0, 0.0, 4.0, 5.0]), ("FILL(m1, REPEAT)", [1.0, 2.0, 2.0, 4.0, 5.0]), ("FILL(m1,LINEAR)", [1.0, 2.0, 3.0, 4.0, 5.0]),
    ("FILL(empty, 7)", [7.0] * 5), ("FILL(m1, m2)", [1.0, 2.0, 30.0, 4.0, 5.0]), ("FILL(empty, REPEAT)", [N] * 5),
    ("IF(m1 > 3, m2, 0)", [0.0, 0.0, N, 40.0, 50.0]), ("IF(m1 > 3, 1)", [N, N, N, 1.0, 1.0]), ("IF(1, m1, m2)", [1.0, 2.0, N, 4.0, 5.0]),
    ("IF(FILL(m2, 0) == 0, 1, 0)", [0.0, 1.0, 0.0, 0.0, 0.0]), ("IF(0, 1, m1)", [1.0, 2.0, N, 4.0, 5.0]),
    ("RATE(m1)", [N, 1 / 60, N, 2 / 120, 1 / 60]), ("DIFF(m1)", [N, 1.0, N, 2.0, 1.0]), ("DIFF_TIME(m1)", [N, 60.0, N, 120.0, 60.0]),
    ("RUNNING_SUM(m1)", [1.0, 3.0, N, 7.0, 12.0]), ("ABS(0 - m1)", [1.0, 2.0, N, 4.0, 5.0]), ("CEIL(m1 / 2)", [1.0, 1.0, N, 2.0, 3.0]),
    ("FLOOR(m1 / 2)", [0.0, 1.0, N, 2.0, 2.0]), ("LOG10(m2)", [1.0, N, math.log10(30), math.log10(40), math.log10(50)]),
    ("LOG(errors)", [N, N, N, N, 0.0]), ("m1 / PERIOD(m1)", [1 / 60, 2 / 60, N, 4 / 60, 5 / 60]),
    ("m1 / SUM(m1)", [1 / 12, 2 / 12, N, 4 / 12, 5 / 12]), ("m1 - AVG(m1)", [-2.0, -1.0, N, 1.0, 2.0]), ("m1 / MAX(m1)", [0.2, 0.4, N, 0.8, 1.0]),
    ("m1 - MIN(m1)", [0.0, 1.0, N, 3.0, 4.0]), ("m1 * 0 + STDDEV(m1)", [math.sqrt(2.5), math.sqrt(2.5), N, math.sqrt(2.5), math.sqrt(2.5)]),
    ("SUM(METRICS())", [11.0, 2.0, 30.0, 44.0, 56.0]), ("SUM([m1, m2])", [11.0, 2.0, 30.0, 44.0, 55.0]), ("AVG([m1,m2])", [5.5, 2.0, 30.0, 22.0, 27.5]),
    ("MAX([m1, m2])", [10.0, 2.0, 30.0, 40.0, 50.0]), ("MIN(METRICS('m'))", [1.0, 2.0, 30.0, 4.0, 5.0]), ('SUM(METRICS("err"))', [0.0, 0.0, 0.0, 0.0, 1.0]),
    ("TIME_SERIES(METRIC_COUNT(METRICS()))", [4.0] * 5), ("TIME_SERIES(DATAPOINT_COUNT(m1))", [4.0] * 5), ("DATAPOINT_COUNT(METRICS())", [3.0, 2.0, 2.0, 3.0, 3.0]),
    ("FIRST(SORT([m1, m2], SUM, DESC))", [10.0, N, 30.0, 40.0, 50.0]), ("LAST(SORT([m1, m2, empty], MAX, ASC, 2))", [10.0, N, 30.0, 40.0, 50.0]),
    ("MINUTE(m1)", [0.0, 1.0, N, 3.0, 4.0]), ("HOUR(errors)", [8.0] * 5), ("DAY(errors)", [7.0] * 5), ("DATE(errors)", [22.0] * 5),
    ("MONTH(errors)", [11.0] * 5), ("YEAR(errors)", [2026.0] * 5), ("EPOCH(errors) - EPOCH(errors) + 1", [1.0] * 5),
    ("errors + .5e1", [5.0, 5.0, 5.0, 5.0, 6.0]), ("TIME_SERIES(20)", [20.0] * 5), ("fill(m1, 0)", [1.0, 2.0, 0.0, 4.0, 5.0]),
    ("m1 ^ 1000 ^ 2", [1.0, N, N, N, N]), ("(0 - m1) ^ 0.5", [N] * 5),
])  # fmt: skip
def test_one_line(expression: str, values: list[float | None]) -> None:
    (found,) = lines(expression)

    assert [value is None for value in found] == [value is None for value in values]
    assert [one for one in found if one is not None] == pytest.approx(
        [one for one in values if one is not None]
    )


def test_arrays_are_worked_on_line_by_line() -> None:
    assert lines("METRICS('m') * 2") == [
        [2.0, 4.0, N, 8.0, 10.0], [20.0, N, 60.0, 80.0, 100.0], [N] * 5,
    ]  # fmt: skip
    assert lines("100 - [m1, m2]")[1] == [90.0, N, 70.0, 60.0, 50.0]
    assert lines("REMOVE_EMPTY(METRICS())") == lines("[m1, m2, errors]")
    assert lines("SLICE(METRICS(), 1, 2)") == lines("[m2]")
    assert lines("SLICE(METRICS(), 3)") == lines("[empty]")
    assert len(lines("DIFF(METRICS())")) == 4


def test_expressions_refer_to_one_another() -> None:
    assert lines("e1 * 2 + e2", e1="m1 + 1", e2="SUM([e1, m1])") == lines(
        "(m1 + 1) * 2 + 2 * m1 + 1"
    )


@pytest.mark.parametrize(("expression", "told"), [
    ("", "it ends"), ("m1 +", "it ends"), ("m1 m2", "'m2' stands at 3"), ("(m1", "it ends where )"), ("m1)", "')' stands"), ("m1 $ 2", "not understood"),
    ("nope + 1", "'nope' is the id of no metric"), ("SUM(m1, m2)", "1 argument"), ("SUM(5)", "takes time series"), ("5", "comes to a number"),
    ("SUM(m1)", "comes to a number"), ("NOSUCH(m1)", "is no function"), ("SEARCH('{a}', 'Sum')", "SEARCH is not done"), ("SELECT AVG(x) FROM y", "Metrics Insights"),
    ("e", "refers to itself"), ("e1", "refers to itself"), ("'text'", "comes to a text"), ("REPEAT", "comes to a text"), ("m1 + 'a'", "not a text"),
    ("FILL(m1, ASC)", "REPEAT or LINEAR"), ("FILL(m1)", "2 arguments"), ("IF(m1)", "2 or 3"), ("IF('a', 1, 2)", "IF takes"), ("SORT(METRICS(), m1, ASC)", "orders by"),
    ("SLICE(METRICS(), 0 - 1)", "from 0 on"), ("[m1] + [m2]", "not two"), ("[1, 2]", "an array holds"), ("METRICS(5)", "a text in quotes"), ("FIRST(METRICS('zz'))", "of no time series"),
    ("ANOMALY_DETECTION_BAND(m1)", "can't be told"), ("ANOMALY_DETECTION_BAND(5)", "takes the id"), ("(" * 60 + "m1" + ")" * 60, "nests deeper"),
    ("m1" + " " * 2100, "2048 are allowed"), ("1..2", "stands at"), ("m1 = 2", "not understood"), ("'open", "not understood"),
])  # fmt: skip
def test_what_cannot_be_worked_out_is_told(expression: str, told: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        lines(expression, e1="e2", e2="e1")
    assert told in str(caught.value)


def test_one_that_is_wrong_does_not_spoil_the_others() -> None:
    made = environment("bad + 1", bad="(", good="m1")

    for _ in range(2):
        with pytest.raises(InvalidExpression, match="it ends"):
            evaluated(made, "e")
    assert evaluated(made, "good") == (METRICS["m1"],)


def test_a_band_comes_from_whoever_knows_it() -> None:
    low, high = line(0.0), line(2.0)
    asked: list[Any] = []

    def band(name: str, width: float) -> tuple[Line, Line]:
        asked.append((name, width))
        return high, low

    made = Environment(
        METRICS,
        {"e": "ANOMALY_DETECTION_BAND(m1, 3)", "f": "ANOMALY_DETECTION_BAND(m1)"},
        GRID,
        band,
    )

    assert evaluated(made, "e") == (high, low)
    assert evaluated(made, "f") == (high, low)
    assert asked == [("m1", 3.0), ("m1", 2.0)]


def test_references_are_found() -> None:
    assert list(references(parse_expression("FILL(m1, REPEAT) + -m2 * [e1, 2][0]".replace("[0]", "")))) == [
        "m1", "REPEAT", "m2", "e1",
    ]  # fmt: skip


@pytest.mark.parametrize("expression", [
    "m1" + "+m1" * 680, "-" * 2000 + "1", "2" + "^2" * 1000, "(" * 2040, "[" * 2040, "m1" + "*1" * 1000, "ABS(" * 500, "1" * 2048, '"' * 2047, "a" * 2048,
])  # fmt: skip
def test_hostile_expressions_take_no_time(expression: str) -> None:
    with within(1), contextlib.suppress(InvalidExpression):
        lines(expression)


def test_long_chains_of_expressions_are_worked_out_or_told() -> None:
    chain = {f"e{one}": f"e{one + 1} + 1" for one in range(499)} | {"e499": "m1"}
    made = Environment(METRICS, chain, GRID)

    with suppress(InvalidExpression):
        evaluated(made, "e0")
    for one in range(499, -1, -1):
        evaluated(made, f"e{one}")
    assert evaluated(made, "e0")[0].points[T] == 500.0


@given(st.text(alphabet="m12e+-*/^()[], <>=&|'\"SUMFILAVGREPT0.", max_size=50))
def test_any_text_is_worked_out_or_refused(expression: str) -> None:
    try:
        for found in lines(expression):
            assert all(one is None or math.isfinite(one) for one in found)
    except InvalidExpression:
        pass
