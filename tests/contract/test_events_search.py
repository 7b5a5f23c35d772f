"""boto3 calls, then `opentrail events` and the door below `/-/events/`, signed by botocore."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from running import ACCOUNT, BIN, Running, running, wait_for

from opentrail.adapters.identities import read_file

pytestmark = [pytest.mark.contract, pytest.mark.alone, pytest.mark.timeout(300)]

FOREIGN = "210987654321"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("searched") / "data") as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="sought")
        for number in range(20):
            s3.put_object(Bucket="sought", Key=f"key-{number}", Body=b"x")
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="sought", Key="missing")
        wait_for(lambda: total(server, "bucket = sought") >= 22)
        yield server


def total(server: Running, *words: str) -> int:
    return int(server.run("opentrail", "events", "search", *words, "--count").stdout)


def signed(
    server: Running,
    name: str,
    asked: dict[str, Any] | None,
    *,
    service: str = "opentrail",
    method: str = "POST",
    query: str = "",
    key: tuple[str, str] | None = None,
    **headers: str,
) -> tuple[HTTPConnection, HTTPResponse]:
    own = server.exports["AWS_ACCESS_KEY_ID"], server.exports["AWS_SECRET_ACCESS_KEY"]
    body = b"" if asked is None else json.dumps(asked).encode()
    target = f"/-/events/{name}" + (f"?{query}" if query else "")
    request = AWSRequest(
        method, f"http://127.0.0.1:{server.port}{target}", data=body, headers=headers
    )
    SigV4Auth(Credentials(*(key or own)), service, "us-east-1").add_auth(request)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, target, body=body, headers=dict(request.prepare().headers.items()))
    return connection, connection.getresponse()


def called(
    server: Running, name: str, asked: dict[str, Any] | None, **options: Any
) -> tuple[int, Any]:
    connection, response = signed(server, name, asked, **options)
    content = json.loads(response.read())
    connection.close()
    return response.status, content


def names(content: Any) -> list[str]:
    return [one["record"]["eventName"] for one in content["events"]]


def foreign_key(server: Running) -> tuple[str, str]:
    server.run("opentrail", "keys", "create", "--user", "eve", "--account", FOREIGN)
    entry = next(
        one for one in read_file(server.data / "identities.toml").entries if one.account == FOREIGN
    )
    key = entry.access_key_id, entry.secret_access_key
    unknown = "UnrecognizedClientException"
    wait_for(lambda: called(server, "count", {}, key=key)[1].get("__type") != unknown)
    return key


def test_the_command_line_finds_by_any_field(searched: Running) -> None:
    found = searched.run(
        "opentrail", "events", "search", "bucket = sought AND error exists", "--format", "jsonl"
    )

    (record,) = map(json.loads, found.stdout.splitlines())
    assert record["eventName"] == "GetObject"
    assert record["requestParameters"]["key"] == "missing"
    assert total(searched, "eventName", "=", "PutObject", "bucket = sought") == 20


def test_what_search_prints_is_what_tail_prints(searched: Running) -> None:
    words = ("bucket = sought", "--format", "jsonl")
    tailed = searched.run("opentrail", "events", "tail", "--no-follow", *words).stdout
    found = searched.run("opentrail", "events", "search", "--all", "--oldest-first", *words).stdout

    assert sorted(tailed.splitlines()) == sorted(found.splitlines())
    assert len(tailed.splitlines()) == 22


@pytest.mark.parametrize("service", ["opentrail", "cloudtrail"])
def test_http_finds_a_page_at_a_time(searched: Running, service: str) -> None:
    asked = {"filter": "bucket = sought AND eventName = PutObject", "limit": 15}
    status, first = called(searched, "search", asked, service=service)
    _, second = called(searched, "search", asked | first["next"], service=service)

    assert status == 200
    assert first["version"] == 1
    assert first["total"] == second["total"] == {"events": 20, "exact": True}
    keys = [one["record"]["requestParameters"]["key"] for one in first["events"] + second["events"]]
    assert sorted(keys) == sorted(f"key-{number}" for number in range(20))
    assert second["next"] is None


def test_http_answers_by_query_string_too(searched: Running) -> None:
    query = urlencode(
        {"filter": "bucket = sought", "limit": 3, "newestFirst": "false"}, quote_via=quote
    )
    status, found = called(searched, "search", None, method="GET", query=query)

    assert status == 200
    assert names(found) == ["CreateBucket", "PutObject", "PutObject"]


def test_http_counts_facets_histograms_and_shows(searched: Running) -> None:
    here = {"filter": "bucket = sought"}
    _, counted = called(searched, "count", here)
    _, facets = called(searched, "facets", here | {"fields": ["eventName", "error"]})
    _, histogram = called(searched, "histogram", here | {"widthSeconds": 3600})
    _, page = called(searched, "search", here | {"limit": 1})
    event_id = page["events"][0]["record"]["eventID"]
    _, shown = called(searched, "show", {"event": event_id[:18]})

    assert counted["total"] == {"events": 22, "exact": True}
    by_name, by_error = facets["facets"]
    assert by_name["values"][0] == {"value": "PutObject", "events": 20}
    assert (by_error["field"], by_error["missing"]) == ("errorCode", 21)
    assert sum(one["events"] for one in histogram["intervals"]) == 22
    assert shown["event"]["record"]["eventID"] == event_id


@pytest.mark.parametrize(
    ("name", "asked", "status", "code"),
    [
        ("search", {"filter": "userIdentity.am = x"}, 400, "InvalidFilterException"),
        ("search", {"filtre": "x"}, 400, "ValidationException"),
        ("search", {"limit": 1_001}, 400, "ValidationException"),
        ("search", {"since": "soon"}, 400, "ValidationException"),
        ("search", {"after": "x"}, 400, "ValidationException"),
        ("facets", {"fields": ["eventNam"]}, 400, "InvalidFilterException"),
        ("show", {"event": "0" * 36}, 404, "EventNotFoundException"),
        ("tail", {"filter": "(("}, 400, "InvalidFilterException"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_modelled_error(
    searched: Running, name: str, asked: dict[str, Any], status: int, code: str
) -> None:
    answered, content = called(searched, name, asked)

    assert (answered, content["__type"]) == (status, code)
    if code == "InvalidFilterException":
        assert isinstance(content["offset"], int)


def test_a_foreign_account_sees_nothing(searched: Running) -> None:
    key = foreign_key(searched)
    _, content = called(searched, "search", {"filter": "bucket = sought"}, key=key)
    _, page = called(searched, "search", {"filter": "bucket = sought", "limit": 1})
    event_id = page["events"][0]["record"]["eventID"]
    status, _ = called(searched, "show", {"event": event_id}, key=key)

    assert (content["events"], content["total"]["events"]) == ([], 0)
    assert status == 404


def test_without_a_right_signature_nothing_is_told(searched: Running) -> None:
    own = searched.exports["AWS_ACCESS_KEY_ID"]
    assert called(searched, "search", {}, key=(own, "wrong"))[0] == 403
    assert called(searched, "search", {}, service="s3")[0] == 403


def test_looking_is_recorded_once_a_call(searched: Running) -> None:
    marker = "bucket = looked-for"
    called(searched, "search", {"filter": marker, "limit": 7})
    called(searched, "search", {"filter": "bucket == looked-for"})
    wait_for(lambda: total(searched, "eventSource = opentrail.amazonaws.com looked-for") >= 2)

    found = searched.run(
        "opentrail", "events", "search", "eventSource = opentrail.amazonaws.com looked-for",
        "--oldest-first", "--format", "jsonl",
    ).stdout  # fmt: skip
    first, second = map(json.loads, found.splitlines())
    assert first["eventName"] == "SearchEvents"
    assert first["requestParameters"] == {"filter": marker, "limit": 7}
    assert first["userIdentity"]["accessKeyId"] == searched.exports["AWS_ACCESS_KEY_ID"]
    assert first["recipientAccountId"] == ACCOUNT
    assert (first["readOnly"], "errorCode" in first) == (True, False)
    assert second["errorCode"] == "InvalidFilterException"


class Tail:
    """A client of Server-Sent Events, line by line."""

    def __init__(self, server: Running, asked: dict[str, Any], **headers: str) -> None:
        self.connection, self.response = signed(server, "tail", asked, **headers)
        assert self.response.status == 200, self.response.read()
        self.last_id = ""

    def take(self, count: int) -> list[Any]:
        found = []
        while len(found) < count:
            line = self.response.readline()
            assert line, "the tail ended"
            if line.startswith(b"id: "):
                self.last_id = line[4:].strip().decode()
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
        return found

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def test_a_tail_tells_within_two_seconds_and_goes_on_where_it_broke(searched: Running) -> None:
    s3 = searched.client("s3")
    asked = {"filter": "bucket = sought AND eventName = DeleteObject"}
    tail = Tail(searched, asked)
    while not tail.last_id:
        line = tail.response.readline()
        tail.last_id = line[4:].strip().decode() if line.startswith(b"id: ") else ""

    begun = time.monotonic()
    s3.delete_object(Bucket="sought", Key="key-0")
    (seen,) = tail.take(1)
    took = time.monotonic() - begun
    tail.close()
    for number in range(1, 6):
        s3.delete_object(Bucket="sought", Key=f"key-{number}")
    again = Tail(searched, asked, **{"Last-Event-ID": tail.last_id})
    rest = again.take(5)
    again.close()

    assert took < 2
    keys = [one["record"]["requestParameters"]["key"] for one in (seen, *rest)]
    assert keys == [f"key-{number}" for number in range(6)]


def test_a_tail_goes_on_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.client("s3").create_bucket(Bucket="kept")
        asked = {"filter": "eventName = PutObject", "resumeFrom": 0}
        tail = Tail(server, asked)
        server.client("s3").put_object(Bucket="kept", Key="a", Body=b"")
        seen = tail.take(1)
        begun = time.monotonic()
        server.stop()
        stopped = time.monotonic() - begun
        tail.close()
        server.start()
        server.client("s3").put_object(Bucket="kept", Key="b", Body=b"")
        again = Tail(server, asked, **{"Last-Event-ID": tail.last_id})
        server.client("s3").put_object(Bucket="kept", Key="c", Body=b"")
        seen += again.take(2)
        again.close()

    assert [one["record"]["requestParameters"]["key"] for one in seen] == ["a", "b", "c"]
    assert stopped < 5


def test_the_command_follows_and_resumes(searched: Running, tmp_path: Path) -> None:
    s3 = searched.client("s3")
    command = [
        str(BIN / "opentrail"),
        "events",
        "tail",
        "eventName = PutObjectTagging",
        "--format",
        "json",
    ]
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            command, env=searched.environment(), stdout=file, stderr=subprocess.PIPE
        )
        time.sleep(2.5)
        tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
        begun = time.monotonic()
        s3.put_object_tagging(Bucket="sought", Key="key-10", Tagging=tags)
        wait_for(lambda: out.read_bytes().count(b"\n") >= 1)
        took = time.monotonic() - begun
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    (seen,) = map(json.loads, out.read_text().splitlines())
    s3.put_object_tagging(Bucket="sought", Key="key-11", Tagging=tags)
    again = searched.run(
        *["opentrail", *command[1:]], "--no-follow", "--resume-from", str(seen["sequence"] + 1)
    )

    assert process.returncode == 130
    assert b"--resume-from" in told
    assert took < 2
    assert [
        json.loads(one)["record"]["requestParameters"]["key"] for one in again.stdout.splitlines()
    ] == ["key-11"]


def test_policies_say_who_may_search(tmp_path: Path) -> None:
    with running(tmp_path / "data", OPENTRAIL_AUTHORIZATION="policies") as server:
        key = foreign_key(server)
        status, content = called(server, "search", {}, key=key)

    assert (status, content["__type"]) == (403, "AccessDeniedException")
    assert "opentrail:SearchEvents" in content["message"]


def test_what_no_server_brought_into_the_store_is_tailed_from_the_journal(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.client("s3").create_bucket(Bucket="last")
        server.kill()
        assert [one["eventName"] for one in server.records(name="CreateBucket")] == ["CreateBucket"]


def test_a_presigned_url_is_enough(searched: Running) -> None:
    own = searched.exports["AWS_ACCESS_KEY_ID"], searched.exports["AWS_SECRET_ACCESS_KEY"]
    query = urlencode({"filter": "bucket = sought", "fields": "eventName"}, quote_via=quote)
    url = f"http://127.0.0.1:{searched.port}/-/events/facets?{query}"
    request = AWSRequest("GET", url)
    SigV4QueryAuth(Credentials(*own), "opentrail", "us-east-1", expires=60).add_auth(request)
    with urlopen(request.url) as answer:
        content = json.loads(answer.read())

    assert {"value": "CreateBucket", "events": 1} in content["facets"][0]["values"]


def test_the_program_of_the_page_prints_events(searched: Running, tmp_path: Path) -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "how-to" / "watch-live.md"
    s3 = searched.client("s3")
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [str(BIN / "python"), "-u", "-c", program.replace("4600", str(searched.port))],
            env=searched.environment(), stdout=file, stderr=file,
        )  # fmt: skip
        wait_for(lambda: b": opentrail" in out.read_bytes())
        with pytest.raises(s3.exceptions.NoSuchKey):
            s3.get_object(Bucket="sought", Key="also-missing")
        wait_for(lambda: b"also-missing" in out.read_bytes())
        process.kill()
        process.wait()


def test_a_pipe_that_closes_ends_quietly(searched: Running) -> None:
    done = subprocess.run(
        f"{BIN / 'opentrail'} events search --all --format jsonl | head -1",
        shell=True, env=searched.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert json.loads(done.stdout)
    assert "Traceback" not in done.stderr
