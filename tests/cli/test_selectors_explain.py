"""`opentrail selectors explain` over files, the right and the wrong ones."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from opentrail.cli.main import commands
from opentrail.errors import InvalidInput

MANAGEMENT = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
RECORD = {
    "eventVersion": "1.11", "eventID": "e1", "eventTime": "2026-01-01T00:00:00Z",
    "awsRegion": "us-east-1", "eventCategory": "Management", "eventName": "ListUsers",
    "eventSource": "iam.amazonaws.com", "readOnly": True,
}  # fmt: skip


def explained(folder: Path, given: bytes, records: bytes) -> Any:
    (folder / "selectors.json").write_bytes(given)
    (folder / "records").write_bytes(records)
    words = [str(folder / "records"), "--file", str(folder / "selectors.json"), "--format", "json"]
    done = CliRunner().invoke(commands, ["selectors", "explain", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


LOG_FILE = gzip.compress(encoded({"Records": [RECORD, RECORD]}))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([MANAGEMENT], True),
        ({"AdvancedEventSelectors": [MANAGEMENT]}, True),
        ({"TrailName": "main", "EventSelectors": [{"ReadWriteType": "WriteOnly"}]}, False),
        ([{"ReadWriteType": "ReadOnly"}], True),
    ],
)
def test_a_log_file_is_explained_record_by_record(tmp_path: Path, given: Any, taken: bool) -> None:
    done = explained(tmp_path, encoded(given), LOG_FILE)

    told = json.loads(done.stdout)["records"]
    assert [one["taken"] for one in told] == [taken, taken]
    assert done.exit_code == (0 if taken else 1)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (b"{", "JSON"),
        (b"[1, 2]", "a number"),
        (b'"x"', "neither"),
        (b"{}", "neither"),
        (b"[]", "neither"),
        (encoded({"EventSelectors": [{"DataResources": "x"}]}), "a list is expected"),
        (encoded([{"FieldSelectors": "x"}]), "a list is expected"),
        (encoded([{"FieldSelectors": [{"Field": "eventCategory", "Equals": "Data"}]}]),
         "a list is expected"),
        (encoded({"EventSelectors": [{}], "AdvancedEventSelectors": [MANAGEMENT]}), "both"),
        (encoded([{"ReadWriteType": "Any"}]), "enum value set"),
    ],
)  # fmt: skip
def test_selectors_that_are_none_are_refused_in_words(
    tmp_path: Path, given: bytes, named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        explained(tmp_path, given, encoded(RECORD))


@pytest.mark.parametrize(
    "records", [b"5", b"[5]", b'{"Records":5}', b"no JSON", LOG_FILE[:30], encoded([{}])]
)
def test_records_that_are_none_are_refused_in_words(tmp_path: Path, records: bytes) -> None:
    with pytest.raises(InvalidInput):
        explained(tmp_path, encoded([MANAGEMENT]), records)
