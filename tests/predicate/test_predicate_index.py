"""An index answers what asking every predicate answers, and asks few."""

from typing import Any as AnyValue

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opentrail.predicate.expression import All, Any, Expression, FreeText, Not, Operator, Reference
from opentrail.predicate.expression import Test as Compared
from opentrail.predicate.index import Path, Predicate, PredicateIndex, allowed
from opentrail.predicate.matching import record_matcher

KEYS = (("eventName",), ("eventSource",))
NAME, SOURCE, BUCKET = ("eventName",), ("eventSource",), ("requestParameters", "bucketName")
TEXTS = st.sampled_from(["Put", "put", "Get", "s3", "S3", ""])

TESTS = st.builds(
    Compared,
    st.sampled_from([NAME, SOURCE, BUCKET]),
    st.sampled_from([one for one in Operator if one is not Operator.CIDR]),
    TEXTS,
    st.booleans(),
    st.booleans(),
) | st.builds(Reference, st.sampled_from([NAME, BUCKET]), st.just(Operator.EQUALS), st.just(SOURCE))
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    TESTS | st.builds(FreeText, TEXTS),
    lambda part: st.one_of(
        st.builds(Not, part),
        st.lists(part, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(part, max_size=3).map(lambda parts: Any(tuple(parts))),
    ),
    max_leaves=8,
)
VALUES = TEXTS | st.lists(TEXTS, max_size=2) | st.none() | st.fixed_dictionaries({"name": TEXTS})
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "eventName": VALUES,
        "eventSource": VALUES,
        "requestParameters": st.none() | st.fixed_dictionaries({}, optional={"bucketName": VALUES}),
    },
)


@given(st.lists(EXPRESSIONS, max_size=6), RECORDS)
def test_the_index_finds_what_asking_all_finds(
    expressions: list[Expression], record: dict[str, AnyValue]
) -> None:
    predicates = {
        number: Predicate(record_matcher(one), one) for number, one in enumerate(expressions)
    }

    found = PredicateIndex(predicates, KEYS).matching(record)

    assert sorted(found) == [n for n, one in predicates.items() if one.holds(record)]


@pytest.mark.parametrize("most_values", [0, 1, 1000])
@pytest.mark.parametrize("keys", [(), (NAME,), (BUCKET, NAME), KEYS])
@settings(max_examples=60)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=6), RECORDS)
def test_no_way_of_finding_changes_what_is_found(
    keys: tuple[Path, ...],
    most_values: int,
    expressions: list[Expression],
    record: dict[str, AnyValue],
) -> None:
    """By a key, by another, by what must be there, and by nothing."""
    predicates = {
        number: Predicate(record_matcher(one), one) for number, one in enumerate(expressions)
    }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("opentrail.predicate.index.MOST_VALUES", most_values)
        index = PredicateIndex(predicates, keys)

    assert sorted(index.matching(record)) == [
        number for number, one in predicates.items() if one.holds(record)
    ]


def test_a_record_is_asked_by_its_key_alone() -> None:
    asked: list[int] = []

    def asking(number: int) -> Predicate:
        def holds(_: AnyValue) -> bool:
            asked.append(number)
            return True

        return Predicate(holds, Compared(NAME, Operator.EQUALS, f"Call{number}"))

    index = PredicateIndex({number: asking(number) for number in range(1000)}, KEYS)

    assert index.matching({"eventName": "call7"}) == [7]
    assert asked == [7]


def test_values_of_any_are_united_and_of_all_one_is_enough() -> None:
    put, get = (Compared(NAME, Operator.EQUALS, one) for one in ("Put", "Get"))
    other = Compared(SOURCE, Operator.EQUALS, "s3")

    assert allowed(Any((put, get)), NAME) == {"put", "get"}
    assert allowed(Any((put, other)), NAME) is None
    assert allowed(All((Any((put, get)), put)), NAME) == {"put"}
    assert allowed(Not(put), NAME) is None
    assert allowed(Any(()), NAME) == frozenset()


def test_texts_of_one_array_may_pass_different_parts() -> None:
    both = All(tuple(Compared(NAME, Operator.EQUALS, one) for one in ("Put", "Get")))

    index = PredicateIndex({1: Predicate(record_matcher(both), both)}, KEYS)

    assert index.matching({"eventName": ["Put", "Get"]}) == [1]
