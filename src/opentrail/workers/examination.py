"""What keeps a trail from delivering, looked at from outside as CloudTrail would.

The checks are those of CreateTrail, and what GetTrailStatus tells; each says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from opentrail.access.policy import InvalidPolicy, parse_policy
from opentrail.errors import Unavailable
from opentrail.ports.destinations import DestinationNotFound, Destinations
from opentrail.ports.objects import ObjectStore, PoliciesUnknown
from opentrail.ports.state import StateStore
from opentrail.trail.access import (
    Need,
    allowing,
    bucket_needs,
    denying,
    key_needs,
    role_needs,
    topic_needs,
    trusts_cloudtrail,
    unmet,
)
from opentrail.trail.status import STATUS_KIND, TrailStatus, status_key
from opentrail.trail.trail import Trail


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question.

    Attributes:
        about: `logging`, `bucket`, `topic`, `key`, `log group`, `role` or `delivery`.
        good: Whether nothing is to be done.
        text: What was found, and the next step if something is to be done.
        statements: Policy statements that are missing, ready to paste.
    """

    about: str
    good: bool
    text: str
    statements: tuple[dict[str, Any], ...] = ()


def examine(
    trail: Trail,
    state: StateStore,
    store: ObjectStore,
    destinations: Destinations,
    *,
    checks_bucket_policies: bool,
) -> Iterator[Finding]:
    """Everything there is to say of a trail, good and bad."""
    yield _logging(trail)
    yield from _guarded("bucket", _bucket(trail, store, checks_policies=checks_bucket_policies))
    if trail.sns_topic_arn:
        yield from _guarded("topic", _topic(trail, destinations))
    if trail.kms_key_id:
        yield from _guarded("key", _key(trail, destinations))
    if trail.cloud_watch_logs_log_group_arn:
        yield from _guarded("log group", _log_group(trail, destinations))
        yield from _guarded("role", _role(trail, destinations))
    yield from _deliveries(trail, state)


def _guarded(about: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    try:
        yield from findings
    except Unavailable as problem:
        yield Finding(about=about, good=False, text=f"can't be looked at: {problem}")


def _logging(trail: Trail) -> Finding:
    if trail.is_logging:
        return Finding(about="logging", good=True, text="the trail is logging")
    return Finding(
        about="logging",
        good=False,
        text=f"the trail is not logging; start it: aws cloudtrail start-logging --name {trail.arn}",
    )


def _bucket(trail: Trail, store: ObjectStore, *, checks_policies: bool) -> Iterator[Finding]:
    bucket = trail.s3_bucket_name
    if not store.bucket_exists(bucket):
        text = f"bucket {bucket} does not exist; make it: aws s3 mb s3://{bucket}"
        yield Finding(about="bucket", good=False, text=text)
        return
    yield Finding(about="bucket", good=True, text=f"bucket {bucket} exists")
    if not checks_policies:
        return
    try:
        policy = store.bucket_policy(bucket)
    except PoliciesUnknown:
        yield Finding(about="bucket", good=True, text="the store has no bucket policies")
        return
    yield from _allowed(
        "bucket", f"the policy of bucket {bucket}", [policy or ""], bucket_needs(trail)
    )


def _topic(trail: Trail, destinations: Destinations) -> Iterator[Finding]:
    arn = trail.sns_topic_arn
    try:
        policy = destinations.topics.policy(arn)
    except DestinationNotFound:
        yield Finding(about="topic", good=False, text=f"topic {arn} does not exist")
        return
    yield from _allowed("topic", f"the policy of topic {arn}", [policy], topic_needs(trail))


def _key(trail: Trail, destinations: Destinations) -> Iterator[Finding]:
    arn = trail.kms_key_id
    try:
        key = destinations.keys.find(arn, trail.home_region)
    except DestinationNotFound:
        yield Finding(about="key", good=False, text=f"key {arn} does not exist")
        return
    if not key.enabled:
        text = f"key {arn} is not enabled; enable it: aws kms enable-key --key-id {arn}"
        yield Finding(about="key", good=False, text=text)
    yield from _allowed("key", f"the policy of key {arn}", [key.policy], key_needs(trail))


def _log_group(trail: Trail, destinations: Destinations) -> Iterator[Finding]:
    arn = trail.cloud_watch_logs_log_group_arn
    if destinations.log_groups.exists(arn):
        yield Finding(about="log group", good=True, text=f"log group {arn} exists")
    else:
        yield Finding(about="log group", good=False, text=f"log group {arn} does not exist")


def _role(trail: Trail, destinations: Destinations) -> Iterator[Finding]:
    arn = trail.cloud_watch_logs_role_arn
    try:
        role = destinations.roles.find(arn)
    except DestinationNotFound:
        yield Finding(about="role", good=False, text=f"role {arn} does not exist")
        return
    if not trusts_cloudtrail(role.trust_policy, trail):
        yield Finding(
            about="role",
            good=False,
            text=f"the trust policy of {arn} does not let cloudtrail.amazonaws.com assume it",
            statements=(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                },
            ),
        )
    yield from _allowed("role", f"the policies of role {arn}", role.policies, role_needs(trail))


def _allowed(
    about: str, what: str, policies: Iterable[str], needs: tuple[Need, ...]
) -> Iterator[Finding]:
    texts = [policy for policy in policies if policy]
    problem = _unreadable(texts)
    if problem:
        yield Finding(about=about, good=False, text=f"{what} allows nothing: {problem}")
        return
    missing = unmet(texts, needs)
    if not missing:
        yield Finding(about=about, good=True, text=f"{what} lets CloudTrail in")
    yield from _denied(about, what, texts, missing)
    # What is denied needs a statement that allows it all the same, once the other is gone.
    absent = [need for need in missing if not allowing(texts, need)]
    if absent:
        actions = ", ".join(f"{need.action} on {need.resource}" for need in absent)
        yield Finding(
            about=about,
            good=False,
            text=f"{what} does not allow {actions}; add to its Statement:",
            statements=tuple(need.statement() for need in absent),
        )


def _denied(
    about: str, what: str, policies: list[str], missing: tuple[Need, ...]
) -> Iterator[Finding]:
    """An explicit deny wins over whatever is pasted; so the statement has to go or change."""
    for need in missing:
        for name in denying(policies, need):
            yield Finding(
                about=about,
                good=False,
                text=f"{what}: statement {name} denies {need.action} on {need.resource}; take it "
                "away, or let it leave out cloudtrail.amazonaws.com",
            )


def _unreadable(policies: Iterable[str]) -> str:
    for text in policies:
        try:
            parse_policy(text)
        except InvalidPolicy as problem:
            return str(problem)
    return ""


def _deliveries(trail: Trail, state: StateStore) -> Iterator[Finding]:
    prefix = status_key(trail.arn, "")
    for document in state.list(STATUS_KIND, prefix):
        region = document.key.removeprefix(prefix)
        status = msgspec.json.decode(document.body, type=TrailStatus)
        errors = {
            "log files": status.latest_delivery_error,
            "digests": status.latest_digest_delivery_error,
            "notifications": status.latest_notification_error,
            "log events": status.latest_logs_delivery_error,
        }
        for what, code in errors.items():
            if code:
                yield Finding(
                    about="delivery",
                    good=False,
                    text=f"{what} of {region} are not delivered: {code}; they are kept and tried "
                    "again",
                )
        if status.latest_delivery_time is not None and not any(errors.values()):
            when = f"{status.latest_delivery_time:%Y-%m-%d %H:%M:%S} UTC"
            text = f"the last log file of {region} was delivered {when}"
            yield Finding(about="delivery", good=True, text=text)
