"""How long events are kept, as the setting spells it."""

from datetime import timedelta

import pytest

from opentrail.errors import InvalidInput
from opentrail.history.retention import parse_retention


def test_spans_are_read_by_account() -> None:
    assert parse_retention(("90d", "111122223333=forever", "444455556666=7d")) == {
        "": timedelta(days=90),
        "111122223333": None,
        "444455556666": timedelta(days=7),
    }


@pytest.mark.parametrize(
    "texts",
    [
        ("0d",),
        ("90",),
        ("d",),
        ("-1d",),
        ("1=9d",),
        ("90d", "30d"),
        ("9d ",),
        ("٣d",),
        ("00d",),
        ("999999d",),
    ],
)
def test_what_is_no_span_is_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="event retention"):
        parse_retention(texts)
