"""Every index of sessions keeps what its port promises."""

import random
from collections.abc import Callable
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opentrail.adapters.sessions import MemorySessionIndex, SqliteSessionIndex
from opentrail.ports.sessions import SessionIndex, SessionQuery, derived, rewrite
from opentrail.predicate import expression as ex
from opentrail.predicate.expression import Expression, Operator
from opentrail.predicate.matching import matcher
from opentrail.predicate.reading import decoded
from opentrail.sessions import PersonKind
from sessions.story import (
    ADMIN,
    HERE,
    THERE,
    across_accounts,
    assume,
    console,
    raw,
    record,
    role,
    service,
    stolen_key,
    user,
)

MAKERS: dict[str, Callable[[Path], SessionIndex]] = {
    "memory": lambda _path: MemorySessionIndex(),
    "sqlite": lambda path: SqliteSessionIndex(path / "sessions.sqlite"),
}


@pytest.fixture(params=MAKERS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> SessionIndex:
    return MAKERS[request.param](tmp_path)


def fields(index: SessionIndex, one: dict[str, Any]) -> tuple[str, str]:
    found = derived(index)(one)
    return found["person"][0], found["session"]


def test_a_chain_through_accounts_leads_to_the_person(index: SessionIndex) -> None:
    story = across_accounts()
    index.observe(raw(*story))

    chain = index.chain_of("ASIAB")

    assert chain is not None
    assert [link.event_name for link in chain.links] == [
        "AssumeRole",
        "AssumeRole",
        "AssumeRoleWithSAML",
    ]
    assert chain.person.id == "sso:anna@example.com"
    assert chain.complete
    assert not chain.conflicts
    assert fields(index, story[5]) == ("sso:anna@example.com", "ASIAB")
    assert fields(index, story[7]) == ("service:lambda.amazonaws.com", "ASIAFN")


def test_the_account_that_was_called_alone_knows_another_account(index: SessionIndex) -> None:
    story = across_accounts()
    index.observe(raw(*[one for one in story if one["recipientAccountId"] == THERE]))

    chain = index.chain_of("ASIAB")

    assert chain is not None
    assert chain.person.kind is PersonKind.ACCOUNT
    assert chain.person.id == f"account:{HERE}:AROAA:whoever"
    assert not chain.complete


def test_a_key_made_by_another_is_its_users_and_tells_its_maker(index: SessionIndex) -> None:
    index.observe(raw(*stolen_key()))

    chain = index.chain_of("AKIACARL2")

    assert chain is not None
    assert chain.person.id == f"arn:aws:iam::{HERE}:user/carl"
    assert [one.issuer.arn for one in chain.made_by] == [f"arn:aws:iam::{HERE}:user/mallory"]
    other = index.chain_of("AKIACARL1")
    assert other is not None
    assert not other.made_by


def test_a_console_session_spans_its_keys_and_what_services_do_for_it(index: SessionIndex) -> None:
    story = console()
    index.observe(raw(*story))

    sessions = {fields(index, one)[1] for one in story[1:4]}

    assert sessions == {"AIDADORA@2026-07-01T11:00:00Z"}


def test_a_switched_role_is_the_person_who_switched(index: SessionIndex) -> None:
    story = console()
    index.observe(raw(*story))

    who, session = fields(index, story[5])

    assert who == f"arn:aws:iam::{HERE}:user/dora"
    assert session == fields(index, story[4])[1] == "AROAOPS:dora@2026-07-01T11:10:00Z"


def test_a_session_name_proves_nobody(index: SessionIndex) -> None:
    forged = record(
        "12:00:00", "DeleteTrail", role("Open", "anna@example.com", "ASIAX", "11:59:00")
    )
    named = record("12:00:00", "DeleteTrail", role(ADMIN, "anna@example.com", "ASIAY", "11:59:00"))
    failed = {
        "type": "IAMUser",
        "accountId": HERE,
        "accessKeyId": "",
        "userName": "anna@example.com",
    }
    story = [
        forged,
        named,
        record("12:01:00", "ConsoleLogin", failed, source="signin.amazonaws.com"),
    ]
    index.observe(raw(*story))

    people = [derived(index)(one)["person"] for one in story]

    assert all(text.startswith("claimed:") for texts in people for text in texts)
    assert not index.keys_of_person(lambda text: text == "anna@example.com")
    assert len(index.keys_of_person(lambda text: text == "claimed:anna@example.com")) == 3


def test_the_same_session_name_of_two_people_is_told_apart_by_key(index: SessionIndex) -> None:
    story = [
        assume("12:00:00", user("anna", "AKIAANNA"), "A", "job", "ASIA1"),
        assume("12:00:00", user("mallory", "AKIAMALLORY"), "A", "job", "ASIA2"),
        record("12:01:00", "ListUsers", role("A", "job", "ASIA1", "12:00:00")),
        record("12:01:00", "DeleteUser", role("A", "job", "ASIA2", "12:00:00")),
    ]
    index.observe(raw(*story))

    assert fields(index, story[2])[0].endswith("user/anna")
    assert fields(index, story[3])[0].endswith("user/mallory")


def test_two_records_that_issue_one_key_are_a_conflict(index: SessionIndex) -> None:
    index.observe(
        raw(
            assume("12:00:00", user("anna", "AKIAANNA"), "A", "job", "ASIA1"),
            assume("12:00:00", user("mallory", "AKIAMALLORY"), "A", "job", "ASIA1"),
        )
    )

    chain = index.chain_of("ASIA1")

    assert chain is not None
    assert len(chain.conflicts) == 2
    assert chain.person.claimed
    assert not chain.complete


def test_one_key_of_two_principals_is_believed_of_neither(index: SessionIndex) -> None:
    story = [record("12:00:00", "ListUsers", user(name, "AKIA****")) for name in ("anna", "bob")]
    index.observe(raw(*story))

    chain = index.chain_of("AKIA****")

    assert chain is not None
    assert len(chain.disputed) == 1
    assert fields(index, story[0])[0].startswith("claimed:")
    assert fields(index, story[1])[0].startswith("claimed:")


def test_forged_records_that_lead_in_a_circle_end(index: SessionIndex) -> None:
    first, second = role("A", "a", "ASIA1", "12:00:00"), role("B", "b", "ASIA2", "12:00:00")
    story = [
        assume("12:01:00", first, "B", "b", "ASIA2"),
        assume("12:01:00", second, "A", "a", "ASIA1"),
    ]
    index.observe(raw(*story))

    chain = index.chain_of("ASIA1")

    assert chain is not None
    assert chain.cycle
    assert chain.person.claimed


def test_an_unseen_issuer_leaves_a_chain_that_says_so(index: SessionIndex) -> None:
    index.observe(raw(record("12:01:00", "ListUsers", role("A", "a", "ASIA1", "12:00:00"))))

    chain = index.chain_of("ASIA1")

    assert chain is not None
    assert chain.person.id == f"claimed:arn:aws:sts::{HERE}:assumed-role/A/a"
    assert not chain.complete
    assert index.chain_of("ASIA404") is None


def test_calls_of_services_belong_to_the_one_session_they_can_belong_to(
    index: SessionIndex,
) -> None:
    mine = role("A", "a", "ASIA1", "12:00:00")
    delegated = {**mine, "accessKeyId": "ASIAFAS", "invokedBy": "s3.amazonaws.com"}
    for_user = {
        **role("x", "x", "ASIAFAS2", "12:05:00"),
        **user("anna", "ASIAFAS2"),
        "invokedBy": "s3.amazonaws.com",
    }
    story = [
        record("12:01:00", "PutObject", mine),
        record("12:01:00", "Decrypt", delegated),
        record("12:05:00", "GetSecretValue", user("anna", "AKIAANNA")),
        record("12:05:00", "Decrypt", for_user),
    ]
    index.observe(raw(*story))

    assert fields(index, story[1])[1] == "ASIA1"
    assert fields(index, story[3])[1] == "AKIAANNA/2026-07-01"
    index.observe(raw(record("13:00:00", "GetSecretValue", user("anna", "AKIAANNA2"))))
    assert fields(index, story[3])[1] == "AIDAANNA@2026-07-01T12:05:00Z"


def test_sessions_are_listed_newest_first_and_by_what_is_asked(index: SessionIndex) -> None:
    index.observe(raw(*across_accounts(), *stolen_key(), *console()))

    every = index.sessions(SessionQuery())
    annas = index.sessions(SessionQuery(person=lambda text: text == "anna@example.com"))
    there = index.sessions(SessionQuery(account=THERE, start="2026-07-01T11:00:00Z"))

    assert [one.last for one in every] == sorted((one.last for one in every), reverse=True)
    assert {one.id for one in annas} >= {"ASIASSO", "ASIAA", "ASIAB"}
    assert [one.id for one in there] == ["AROAOPS:dora@2026-07-01T11:10:00Z"]
    assert index.sessions(SessionQuery(limit=2)) == every[:2]
    assert index.sessions(SessionQuery(end="2026-07-01T09:00:00Z")) == ()
    assert index.find_session(every[0].id) == every[0]
    assert index.find_session("ASIA404") is None


def test_what_is_old_is_forgotten_but_no_link_that_is_needed(index: SessionIndex) -> None:
    story = across_accounts()
    index.observe(raw(*story))

    assert index.expire("2026-07-01T09:00:00Z") == 0
    assert index.expire("2026-07-01T09:30:00Z") > 0

    assert fields(index, story[5]) == ("sso:anna@example.com", "ASIAB")
    assert index.find_session("ASIASSO") is None
    assert index.expire("2027-01-01T00:00:00Z") > 0
    assert index.sessions(SessionQuery()) == ()
    assert index.chain_of("ASIAB") is None


def test_unreadable_records_tell_nothing(index: SessionIndex) -> None:
    index.observe(
        [b"", b"[]", b"nul", b'{"userIdentity":', b'{"userIdentity":[1]}', b"\xff" * 9, b"[" * 9999]
    )

    assert len(index.sessions(SessionQuery())) == 1


def test_an_index_outlives_its_process(tmp_path: Path) -> None:
    first = SqliteSessionIndex(tmp_path / "sessions.sqlite")
    first.observe(raw(*across_accounts()[1:]))
    first.close()

    second = SqliteSessionIndex(tmp_path / "sessions.sqlite")
    second.observe(raw(*across_accounts()[:1]))

    assert fields(second, across_accounts()[5])[0] == "sso:anna@example.com"


# Random worlds: few keys, principals and times, so that all meets all; and every oddity of JSON.

_DIRECTORY = TemporaryDirectory()
_KEYS = ["ASIA1", "ASIA2", "ASIA3", "AKIA1", "AKIA2", "", None, 5, ["ASIA1"]]
_NAMES = ["A", "B"]
_TIMES = ["09:00:00", "09:00:01", "10:00:00"]


@st.composite
def identities(draw: st.DrawFn) -> Any:
    one = draw(st.sampled_from(["role", "user", "service", "account", "odd"]))
    key, name, created = (draw(st.sampled_from(some)) for some in (_KEYS, _NAMES, _TIMES))
    if one == "service":
        return service(draw(st.sampled_from(["ec2.amazonaws.com", "signin.amazonaws.com"])))
    if one == "account":
        return {"type": "AWSAccount", "accountId": HERE, "principalId": f"AROA{name}:s"}
    if one == "odd":
        return draw(
            st.sampled_from(
                [None, {}, [], "x", 1, {"type": 5}, {"principalId": {}}, {"arn": ["é\x00"]}]
            )
        )
    made = role(name, "s", "", created) if one == "role" else user(name)
    made["accessKeyId"] = key
    if one == "user" and draw(st.booleans()):
        made["sessionContext"] = {"attributes": {"creationDate": f"2026-07-01T{created}Z"}}
    if draw(st.integers(0, 3)) == 0:
        made["invokedBy"] = draw(st.sampled_from(["s3.amazonaws.com", "signin.amazonaws.com"]))
    return made


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    identity, time = draw(identities()), draw(st.sampled_from(_TIMES))
    flag = draw(st.sampled_from([{}, {}, {"sessionCredentialFromConsole": "true"}]))
    what = draw(st.sampled_from(["plain", "plain", "assume", "assume", "create", "odd"]))
    if what == "assume":
        key = draw(st.sampled_from(["ASIA1", "ASIA2", "ASIA3"]))
        return assume(time, identity, draw(st.sampled_from(_NAMES)), "s", key, **flag)
    if what == "create":
        made = {"accessKey": {"accessKeyId": "AKIA1", "userName": "A"}}
        return record(
            time,
            "CreateAccessKey",
            identity,
            source="iam.amazonaws.com",
            responseElements=made,
            **flag,
        )
    one = record(time, "ListUsers", identity, **flag)
    if what == "odd":
        one["eventTime"] = draw(
            st.sampled_from([None, "", 5, "yesterday", "20260701T090000Z", one["eventTime"]])
        )
    return one


_TEXTS = [
    "A", "claimed:s", "ec2.amazonaws.com", f"arn:aws:iam::{HERE}:user/A", "", "nobody",
    "ASIA1", "AKIA1/2026-07-01", "AROAA:s@2026-07-01T09:00:00Z", "AIDAA@2026-07-01T09:00:00Z",
]  # fmt: skip
_OPERATORS = [one for one in Operator if one is not Operator.CIDR]


def expressions() -> st.SearchStrategy[Expression]:
    tests = st.builds(
        ex.Test,
        st.sampled_from([("person",), ("session",), ("eventName",)]),
        st.sampled_from(_OPERATORS),
        st.sampled_from(_TEXTS),
    )
    return st.recursive(
        tests,
        lambda inner: st.one_of(
            st.builds(ex.Not, inner),
            st.builds(ex.All, st.lists(inner, max_size=2).map(tuple)),
            st.builds(ex.Any, st.lists(inner, max_size=2).map(tuple)),
        ),
        max_leaves=4,
    )


def fresh_file() -> Path:
    return Path(mkdtemp(dir=_DIRECTORY.name)) / "sessions.sqlite"


def about_everybody(index: SessionIndex, raws: list[bytes]) -> list[Expression]:
    """A test for each text of each record."""
    found = [derived(index)(one) for one in map(decoded, raws) if one is not None]
    people = {text for one in found for text in one.get("person", ())}
    sessions = {one["session"] for one in found if one}
    operators = (Operator.EQUALS, Operator.NOT_EQUALS, Operator.SUFFIX)
    pairs = [(("person",), one) for one in people] + [(("session",), one) for one in sessions]
    return [ex.Test(path, one, text) for (path, text), one in product(pairs, operators)]


def everything(index: SessionIndex, raws: list[bytes]) -> list[Any]:
    found = [derived(index)(one) for one in map(decoded, raws) if one is not None]
    listed = sorted(index.sessions(SessionQuery(limit=999)), key=lambda one: one.id)
    return [found, listed, [index.chain_of(f"ASIA{number}") for number in (1, 2, 3)]]


@pytest.mark.contract  # it takes long
@given(
    st.lists(records(), max_size=8), st.integers(), st.lists(expressions(), min_size=1, max_size=4)
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_order_and_repetition_change_nothing_and_rewriting_is_exact(
    story: list[dict[str, Any]], seed: int, asked: list[Expression]
) -> None:
    raws = raw(*story)
    shuffled = raws + raws[: len(raws) // 2]
    random.Random(seed).shuffle(shuffled)
    memory, sqlite = MemorySessionIndex(), SqliteSessionIndex(fresh_file())

    memory.observe(raws)
    for start in range(0, len(shuffled), 3):
        sqlite.observe(shuffled[start : start + 3])

    assert everything(memory, raws) == everything(sqlite, raws)
    asked = [*asked, *about_everybody(memory, raws)]
    for index, expression in product((memory, sqlite), asked):
        plain, ours = matcher(rewrite(expression, index)), matcher(expression, derived(index))
        assert [plain(one) for one in raws] == [ours(one) for one in raws]
    sqlite.close()
