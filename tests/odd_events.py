"""Seeded records of odd shapes, and filters that find some of them.

Records are spelled as text, not dumped: numbers, escapes, spaces, members that come twice.
"""

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import re2

from opentrail.predicate.expression import All, Expression, FreeText, Not, Operator
from opentrail.predicate.expression import Any as AnyOf
from opentrail.predicate.expression import Test as FieldTest

START = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ["GetObject", "PutObject", "Getobject", "CreateUser", "AssumeRole", "", "É*", "a?b", "Get"]
SOURCES = ["s3.amazonaws.com", "iam.amazonaws.com", "sts.amazonaws.com", "s3.amazonaws.com.cn"]
ADDRESSES = ["10.0.0.1", "10.0.3.7", "192.168.7.9", "2001:db8::1", "::ffff:10.0.0.1", "10.0.0.01",
             "ec2.amazonaws.com", "AWS Internal", "fe80::1%eth0", ""]  # fmt: skip
ARNS = ["arn:aws:s3:::a", "arn:aws:s3:::a/b", "arn:aws:s3:::b", "arn:aws:iam::1:role/r", "a", ""]
WORDS = ["a", "b", "ab", "abc", "A", "é", "\U0001f600", 'q"uote', "back\\slash", "a/b", "true",
         "false", "null", "7", "10", "1.50", "1.5", "-0", "9.82E-5", "1e400", "\n", "\u0000", "\u212a",
         "\ud800", "k", "x" * 300]  # fmt: skip
NUMBERS = ["7", "10", "-0", "1.50", "9.82E-5", "1e400", "12345678901234567890123", "0", "-3.0"]
ACCOUNTS = ["111122223333", "444455556666", "1"]
NETWORKS = ["10.0.0.0/8", "10.0.0.0/22", "10.0.0.1", "2001:db8::/32", "::/0", "0.0.0.0/0"]
PATHS = [tuple(path.split(".")) for path in (
    "eventName", "eventSource", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "readOnly",
    "managementEvent", "eventCategory", "recipientAccountId", "eventID", "requestID",
    "sharedEventID", "eventTime", "eventVersion", "vpcEndpointId", "apiVersion", "errorMessage",
    "userIdentity.type", "userIdentity.arn", "userIdentity.userName", "userIdentity.accessKeyId",
    "userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.accountId", "userIdentity",
    "userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext",
    "resources.ARN", "resources.type", "resources", "resources.accountId",
    "requestParameters.bucketName", "requestParameters.key", "requestParameters.count",
    "requestParameters.list.name", "requestParameters.Host", "requestParameters",
    "responseElements.credentials.accessKeyId", "additionalEventData.bytes", "tlsDetails.tlsVersion",
    "insightDetails.eventName", "serviceEventDetails.x",
)]  # fmt: skip
HIDDEN = "\ud800"


class Number(str):
    """A number as it is to be spelled."""

    __slots__ = ()


class Records:
    """Makes records."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = 0

    def some(self, count: int) -> list[bytes]:
        """Distinct records, and some that come twice or at odds with another."""
        found: list[bytes] = []
        for _ in range(count):
            luck = self.chance.random()
            if found and luck < 0.02:
                found.append(self.chance.choice(found))
            elif luck < 0.03:
                found.append(self.chance.choice(WRECKS) + b"%d" % self.number)
            else:
                found.append(self.record())
            self.number += 1
        return found

    def record(self) -> bytes:
        chance = self.chance
        when = START + timedelta(seconds=chance.randrange(3000), minutes=chance.randrange(1000))
        made: dict[str, Any] = {
            "eventVersion": chance.choice(["1.0", "1.11"]),
            "userIdentity": self.identity(),
            "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": chance.choice(SOURCES),
            "eventName": chance.choice(NAMES),
            "awsRegion": chance.choice(["us-east-1", "eu-west-1"]),
            "sourceIPAddress": chance.choice(ADDRESSES),
            "userAgent": chance.choice(WORDS),
            "requestParameters": self.parameters(),
            "responseElements": chance.choice([None, {"credentials": {"accessKeyId": "ASIA1"}}]),
            "requestID": f"r-{chance.randrange(50)}",
            "eventID": f"e-{self.number}"
            if chance.random() < 0.97
            else f"e-{chance.randrange(99)}",
            "readOnly": chance.choice([True, False]),
            "resources": self.resources(),
            "managementEvent": True,
            "eventCategory": chance.choice(["Management", "Data", "Insight"]),
            "recipientAccountId": chance.choice(ACCOUNTS),
        }
        for name in chance.sample(list(made), chance.choice([0, 0, 1, 2, 5])):
            del made[name]
        for name in chance.sample(list(made), chance.choice([0, 0, 0, 1, 3])):
            made[name] = self.odd()
        if chance.random() < 0.2:
            made[chance.choice([path[0] for path in PATHS])] = self.odd()
        if chance.random() < 0.05:
            made["eventTime"] = chance.choice(
                ["20261120T010203Z", "2026-11-20T01:02:03.250Z", "yesterday", 5, None, HIDDEN]
            )
        return self.spelled(made)

    def identity(self) -> Any:
        chance = self.chance
        made: dict[str, Any] = {"type": chance.choice(["IAMUser", "AssumedRole", "Root"])}
        for name, values in (
            ("arn", ARNS), ("userName", WORDS), ("accessKeyId", ["AKIA1", "AKIA2"]),
            ("accountId", ACCOUNTS), ("principalId", ["AROA:s", "AIDA"]),
        ):  # fmt: skip
            if chance.random() < 0.7:
                made[name] = chance.choice(values)
        if chance.random() < 0.5:
            made["sessionContext"] = {
                "sessionIssuer": {"arn": chance.choice(ARNS), "userName": chance.choice(WORDS)},
                "attributes": {"mfaAuthenticated": chance.choice(["true", True, "false", None])},
            }
        return made

    def resources(self) -> Any:
        chance = self.chance
        return [
            {name: value for name, value in (("ARN", chance.choice(ARNS)), ("type", "AWS::S3::Object"),
             ("accountId", chance.choice(ACCOUNTS))) if chance.random() < 0.8}
            for _ in range(chance.choice([0, 1, 1, 2, 3]))
        ]  # fmt: skip

    def parameters(self) -> Any:
        chance = self.chance
        return {
            "bucketName": chance.choice(WORDS), "key": chance.choice(WORDS),
            "count": Number(chance.choice(NUMBERS)),
            "list": [{"name": chance.choice(WORDS)} for _ in range(chance.randrange(3))],
            "Host": [chance.choice(WORDS), [chance.choice(WORDS)]],
        }  # fmt: skip

    def odd(self, depth: int = 0) -> Any:
        chance = self.chance
        kind = chance.randrange(8 if depth < 3 else 5)
        match kind:
            case 0 | 1:
                return chance.choice(WORDS)
            case 2:
                return Number(chance.choice(NUMBERS))
            case 3:
                return chance.choice([True, False])
            case 4:
                return None
            case 5 | 6:
                return [self.odd(depth + 1) for _ in range(chance.randrange(3))]
            case _:
                names = ["arn", "type", "ARN", "x", "userName", "a.b", "sessionContext"]
                return {name: self.odd(depth + 1) for name in chance.sample(names, 2)}

    def spelled(self, value: Any) -> bytes:
        """The value as JSON, in one of its spellings."""
        style = self.chance.randrange(6)
        text = self._spelled(value, style)
        if style == 5 and isinstance(value, dict):
            # Of members with the same name the last one counts.
            name = self.chance.choice(["eventName", "requestParameters", "resources", "eventID"])
            text = f'{{"{name}": {self._spelled(self.odd(), 0)}, ' + text.lstrip("{ \n")
        return text.encode("utf-8", "surrogatepass" if style == 4 else "replace")

    def _spelled(self, value: Any, style: int) -> str:
        space = " " if style == 1 else "\n " if style == 2 else ""
        match value:
            case Number():
                return str(value)
            case dict():
                members = (
                    f"{self._text(name, style)}:{space}{self._spelled(one, style)}"
                    for name, one in value.items()
                )
                return "{" + f",{space}".join(members) + "}"
            case list():
                return "[" + f",{space}".join(self._spelled(one, style) for one in value) + "]"
            case str():
                return self._text(value, style)
            case _:
                return json.dumps(value)

    def _text(self, text: str, style: int) -> str:
        if style == 3 and self.chance.random() < 0.3:
            units = text.encode("utf-16-be", "surrogatepass").hex()
            return '"' + "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'
        if style == 4:
            return json.dumps(text, ensure_ascii=False)
        return json.dumps(text, ensure_ascii=style == 1)


WRECKS = [b"", b"no json", b"[1,2]", b"null", b'"text"', b'{"eventName":', b"\xff\xfe{}", b"{]",
          b'{"eventName":"GetObject"} trailing ', b'{"eventName":"\xff"}', b"[" * 2000]  # fmt: skip


class Filters:
    """Makes filters out of a limited number of tests, each of which is asked of every record once.

    Args:
        texts_of: The texts that some records have at a path.
    """

    def __init__(
        self, seed: int, texts_of: Callable[[tuple[str, ...]], Sequence[str]], leaves: int
    ) -> None:
        self.chance = random.Random(seed)
        self._texts_of = texts_of
        self.leaves: list[Expression] = [self._leaf() for _ in range(leaves)]

    def some(self, count: int) -> list[Expression]:
        """Trees of up to five or so tests."""
        return [self.tree(self.chance.choice([0, 1, 1, 2])) for _ in range(count)]

    def tree(self, depth: int) -> Expression:
        chance = self.chance
        if depth == 0:
            one = chance.choice(self.leaves)
            return Not(one) if chance.random() < 0.15 else one
        parts = tuple(
            self.tree(depth - 1 if chance.random() < 0.4 else 0)
            for _ in range(chance.choice([0, 1, 2, 2, 3, 5] if depth == 1 else [2, 3]))
        )
        made = All(parts) if chance.random() < 0.5 else AnyOf(parts)
        return Not(made) if chance.random() < 0.2 else made

    def _leaf(self) -> Expression:
        chance = self.chance
        if chance.random() < 0.06:
            return FreeText(self._part(chance.choice([*NAMES, *WORDS, "BUCKETNAME", "\\u"])) or "a")
        path = chance.choice(PATHS)
        operator = chance.choice(list(Operator))
        if operator is Operator.CIDR:
            path = chance.choice([("sourceIPAddress",), path])
            return FieldTest(path, operator, chance.choice(NETWORKS))
        if operator is Operator.EXISTS:
            return FieldTest(path, operator)
        value = chance.choice(self._texts_of(path) or WORDS) if chance.random() < 0.8 else (
            chance.choice(WORDS)
        )  # fmt: skip
        if operator is Operator.WILDCARD:
            value = self._pattern(value)
        elif operator is Operator.REGEX:
            # Half a character can stand in a record, but in no pattern.
            value = re2.escape(value.encode("utf-8", "replace").decode()[:40])
        elif operator not in {Operator.EQUALS, Operator.NOT_EQUALS}:
            value = self._part(value)
        return FieldTest(path, operator, value, chance.random() < 0.2)

    def _part(self, text: str) -> str:
        start = self.chance.choice([0, 0, len(text) // 2])
        return text[start : start + self.chance.randrange(1, 8)]

    def _pattern(self, text: str) -> str:
        letters = list(text[:40])
        for _ in range(self.chance.randrange(3)):
            if letters:
                letters[self.chance.randrange(len(letters))] = self.chance.choice("*?")
        return "".join(letters) + self.chance.choice(["", "*"])
