"""The strict signature check against botocore's signer, and against every kind of change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from wire import observed_request

from opentrail.aws.observed import ObservedRequest
from opentrail.aws.routing import read_scope
from opentrail.aws.sigv4 import SignatureRefused, SigningSecret, verify

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG"
BODY = b'{"Name":"main"}'
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.GetTrail"


def signed(
    *, token: str | None = None, method: str = "POST", path: str = "/", presigned: bool = False
) -> ObservedRequest:
    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest(
        method, f"http://127.0.0.1:4600{path}", data=BODY, headers={} if presigned else headers
    )
    kind = SigV4QueryAuth if presigned else SigV4Auth
    kind(Credentials(KEY, SECRET, token), "cloudtrail", "us-east-1").add_auth(request)
    return observed_request(request.prepare())


def secret(token: str = "", expires: datetime | None = None) -> SigningSecret:
    return SigningSecret(secret_access_key=SECRET, session_token=token, expires=expires)


def check(
    request: ObservedRequest, known: SigningSecret | None = None, now: datetime | None = None
) -> None:
    verify(request, read_scope(request), known or secret(), now or datetime.now(UTC),
           service="cloudtrail")  # fmt: skip


def code_of(request: ObservedRequest, known: SigningSecret | None = None,
            now: datetime | None = None) -> str:  # fmt: skip
    with pytest.raises(SignatureRefused) as refused:
        check(request, known, now)
    return refused.value.code


def with_header(request: ObservedRequest, name: str, value: str) -> ObservedRequest:
    headers = tuple((key, value if key.lower() == name else text) for key, text in request.headers)
    return rebuilt(request, headers=headers)


def rebuilt(request: ObservedRequest, **values: object) -> ObservedRequest:
    members = {name: getattr(request, name) for name in request.__struct_fields__}
    del members["first_headers"]
    return ObservedRequest(**(members | values))


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize("path", ["/", "/a%20b", "/?x=1&a=%20b&empty", "/%C3%A4?b=2&a=1&a=0"])
def test_what_botocore_signed_is_let_in(path: str, presigned: bool) -> None:
    check(signed(path=path, presigned=presigned))


def test_a_session_needs_its_token() -> None:
    check(signed(token="t0ken"), secret("t0ken"))

    assert code_of(signed(token="other"), secret("t0ken")) == "UnrecognizedClientException"
    assert code_of(signed(), secret("t0ken")) == "UnrecognizedClientException"
    assert code_of(signed(token="t0ken")) == "UnrecognizedClientException"


def test_a_sessions_end_is_not_part_of_it() -> None:
    now = datetime.now(UTC)

    check(signed(token="t"), secret("t", now + timedelta(seconds=5)), now)
    assert code_of(signed(token="t"), secret("t", now), now) == "ExpiredTokenException"


@pytest.mark.parametrize(
    ("seconds", "let_in"), [(299, True), (302, False), (-299, True), (-302, False)]
)
def test_five_minutes_of_skew_are_allowed(seconds: int, let_in: bool) -> None:
    request = signed()
    now = datetime.now(UTC) + timedelta(seconds=seconds)

    if let_in:
        check(request, now=now)
    else:
        assert code_of(request, now=now) == "InvalidSignatureException"


def test_a_presigned_url_ends() -> None:
    request = signed(presigned=True)

    check(request, now=datetime.now(UTC) + timedelta(minutes=50))
    later = datetime.now(UTC) + timedelta(minutes=67)
    assert code_of(request, now=later) == "InvalidSignatureException"


def resigned_for(service: str) -> ObservedRequest:
    request = AWSRequest("POST", "http://127.0.0.1:4600/", data=BODY)
    SigV4Auth(Credentials(KEY, SECRET), service, "us-east-1").add_auth(request)
    return observed_request(request.prepare())


def authorization(request: ObservedRequest) -> str:
    return request.header("authorization") or ""


MUTATIONS: dict[str, tuple[Callable[[ObservedRequest], ObservedRequest], str]] = {
    "method": (lambda r: rebuilt(r, method="PUT"), "InvalidSignatureException"),
    "path": (lambda r: rebuilt(r, target="/other"), "InvalidSignatureException"),
    "query": (lambda r: rebuilt(r, target="/?a=b"), "InvalidSignatureException"),
    "body": (lambda r: rebuilt(r, body=BODY + b" "), "InvalidSignatureException"),
    "target": (
        lambda r: with_header(r, "x-amz-target", TARGET.replace("Get", "Delete")),
        "InvalidSignatureException",
    ),
    "host": (lambda r: with_header(r, "host", "other:4600"), "InvalidSignatureException"),
    "no time": (lambda r: with_header(r, "x-amz-date", "yesterday"), "IncompleteSignature"),
    "other second": (
        lambda r: with_header(r, "x-amz-date", swapped(r.header("x-amz-date") or "")),
        "InvalidSignatureException",
    ),
    "signature": (
        lambda r: with_header(r, "authorization", authorization(r)[:-1] + "g"),
        "InvalidSignatureException",
    ),
    "signature cut": (
        lambda r: with_header(r, "authorization", authorization(r)[:-1]),
        "InvalidSignatureException",
    ),
    "region": (
        lambda r: with_header(r, "authorization", authorization(r).replace("us-east", "eu-west")),
        "InvalidSignatureException",
    ),
    "service": (lambda _r: resigned_for("s3"), "InvalidSignatureException"),
    "terminator": (
        lambda r: with_header(r, "authorization", authorization(r).replace("aws4_request", "x")),
        "IncompleteSignature",
    ),
    "fewer signed headers": (
        lambda r: with_header(r, "authorization", authorization(r).replace(";x-amz-target", "")),
        "IncompleteSignature",
    ),
    "one more x-amz header": (
        lambda r: rebuilt(r, headers=(*r.headers, ("X-Amz-Extra", "1"))), "IncompleteSignature",
    ),
    "a header twice": (
        lambda r: rebuilt(r, headers=(*r.headers, ("X-Amz-Target", TARGET))),
        "InvalidSignatureException",
    ),
    "no authorization": (
        lambda r: rebuilt(r, headers=tuple(one for one in r.headers if one[0] != "Authorization")),
        "MissingAuthenticationToken",
    ),
    "another scheme": (
        lambda r: with_header(r, "authorization", "Basic eDp5"), "IncompleteSignature",
    ),
    "no date": (
        lambda r: rebuilt(r, headers=tuple(one for one in r.headers if one[0] != "X-Amz-Date")),
        "IncompleteSignature",
    ),
}  # fmt: skip


def swapped(date: str) -> str:
    """The same time, another second."""
    return date[:14] + ("1" if date[14] == "0" else "0") + "Z"


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_part_is_refused(name: str) -> None:
    mutate, code = MUTATIONS[name]

    assert code_of(mutate(signed())) == code


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify(signed(), read_scope(signed()), None, datetime.now(UTC), service="cloudtrail")

    assert refused.value.code == "UnrecognizedClientException"


def test_a_key_whose_secret_was_never_seen_lets_nobody_in() -> None:
    assert code_of(signed(), SigningSecret(secret_access_key="")) == "UnrecognizedClientException"


def test_blanks_around_and_inside_a_value_do_not_matter() -> None:
    request = signed()
    spaced = tuple(
        (name, f"  {value} " if name == "Content-Type" else value)
        for name, value in request.headers
    )

    check(rebuilt(request, headers=spaced))


def test_a_copied_request_is_the_same() -> None:
    request = signed()

    check(msgspec.structs.replace(request))
