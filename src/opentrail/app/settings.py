"""Every setting in one place, with its environment variable; only this package reads them.

A field `delivery_interval_seconds` is the variable `OPENTRAIL_DELIVERY_INTERVAL_SECONDS`. An
`OPENTRAIL_…` variable that is no setting is an error: a misspelt one would be silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from opentrail.errors import InvalidInput
from opentrail.history.retention import parse_retention

PREFIX = "OPENTRAIL_"

DEFAULT_REGIONS = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
"""The regions that every AWS account has from the start."""

_REGION = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,12}){0,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs. The comment of a field is its line in docs/reference.

    Attributes:
        data: Directory of the journal, state, keys and the embedded services' data.
        host: Address to listen on.
        port: Port to listen on.
        region: Region of calls that name none, and of the lines `opentrail env` prints.
        regions: Enabled regions, comma separated; a multi-region trail has a digest in each.
        delivery_interval_seconds: Longest time a record waits for its log file to be closed.
        digest_interval_seconds: Time between two digest files of a trail.
        upstreams: Services behind the endpoint, as `s3=URL,*=URL`; empty starts the embedded ones.
        s3_access_key_id: Key that delivers to named upstreams: S3, and SNS, KMS, Logs and IAM.
        s3_secret_access_key: Its secret.
        trusted_proxies: Networks whose `X-Forwarded-For` is believed, comma separated; none.
        fail_modes: What becomes of calls that can't be recorded, as `s3/data=open`; closed.
        spool: Directory on a second disk for records in mode `spool`; none.
        spool_bytes: Most that may wait there.
        upstream_timeout_seconds: Longest silence of a service behind the endpoint.
        signature_checks: Whose signatures are checked, as `s3=refuse,*=note` (or `off`); off.
        secrets: `hide` hides secret values without a trace, `digest` keeps an HMAC of them.
        sensitive: `hide` or `show` what the models mark as sensitive and no rule calls secret.
        keep_omitted: Keep parameters too large for a record as files below `omitted/`.
        look_up_keys: Ask the upstream's STS and IAM who an unknown key belongs to.
        tls_certificate: PEM file with which to speak TLS; none.
        tls_key: PEM file of its private key.
        authorization: `open`: any key may do anything in its account, no root user is needed;
            `policies`: what the policies of the identities file allow.
        bucket_policies: `check` that a trail's bucket lets CloudTrail write, as AWS does; `ignore`.
        encryption: With a trail's KMS key: `store` asks the store to encrypt (SSE-KMS), `envelope`
            encrypts before sending; `auto` is `envelope` for the embedded store, else `store`.
        event_retention: How long events can be searched after they came in, also by account, as
            `90d,111122223333=forever`; LookupEvents shows 90 days whatever this says.
        insight_sensitivity: How readily unusual rates are told of: low, normal or high.
        quotas: Quotas other than the defaults, as `trails_per_region=10`.
        target_networks: Networks that webhooks and HTTP subscribers may be in besides public
            addresses, comma separated; none.
        smtp_url: Mail server for e-mail, as `smtp://user:password@host:587` or `smtps://…`; none.
        smtp_sender: Address that e-mail comes from.
        public_url: Address of this server in links that it sends; the one it listens on.
        log_level: debug, info, warning or error.
    """

    data: Path = Path("opentrail-data")
    host: str = "127.0.0.1"
    port: int = 4600
    region: str = "us-east-1"
    regions: tuple[str, ...] = DEFAULT_REGIONS
    delivery_interval_seconds: float = 60.0
    digest_interval_seconds: float = 3600.0
    upstreams: tuple[str, ...] = ()
    s3_access_key_id: str = ""
    s3_secret_access_key: str = ""
    trusted_proxies: tuple[str, ...] = ()
    fail_modes: tuple[str, ...] = ()
    spool: str = ""
    spool_bytes: int = 1024 * 1024 * 1024
    upstream_timeout_seconds: float = 900.0
    signature_checks: tuple[str, ...] = ()
    secrets: str = "hide"
    sensitive: str = "hide"
    keep_omitted: bool = False
    look_up_keys: bool = False
    tls_certificate: str = ""
    tls_key: str = ""
    authorization: str = "open"
    bucket_policies: str = "check"
    encryption: str = "auto"
    event_retention: tuple[str, ...] = ("90d",)
    insight_sensitivity: str = "normal"
    quotas: tuple[str, ...] = ()
    target_networks: tuple[str, ...] = ()
    smtp_url: str = ""
    smtp_sender: str = "opentrail@localhost"
    public_url: str = ""
    log_level: str = "info"

    def __post_init__(self) -> None:
        for region in (self.region, *self.regions):
            if not _REGION.fullmatch(region):
                raise InvalidInput(f"{region!r} is not a region name; expected one like us-east-1")
        if not 0 <= self.port <= 65535:
            raise InvalidInput(f"port {self.port} is not between 0 and 65535")
        if self.delivery_interval_seconds <= 0 or self.digest_interval_seconds < 1:
            raise InvalidInput("intervals must be positive; a digest's at least one second")
        if self.upstream_timeout_seconds <= 0 or self.spool_bytes < 0:
            raise InvalidInput("a timeout must be positive, a size not negative")
        _one_of("log level", self.log_level, ("debug", "info", "warning", "error"))
        _one_of("secrets", self.secrets, ("hide", "digest"))
        _one_of("authorization", self.authorization, ("open", "policies"))
        _one_of("bucket policies", self.bucket_policies, ("check", "ignore"))
        _one_of("encryption", self.encryption, ("auto", "store", "envelope"))
        _one_of("insight_sensitivity", self.insight_sensitivity, ("low", "normal", "high"))
        _one_of("sensitive", self.sensitive, ("hide", "show"))
        parse_retention(self.event_retention)
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise InvalidInput("TLS needs both tls_certificate and tls_key")


def _one_of(what: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise InvalidInput(f"{what} {value!r}: expected {', '.join(words)}")


def read_settings(environment: Mapping[str, str], **chosen: object) -> Settings:
    """Settings from the environment; what is `chosen` on the command line (not None) wins.

    Raises:
        InvalidInput: an unknown `OPENTRAIL_…` variable, or a value that does not fit.
    """
    known = {PREFIX + field.name.upper(): field for field in fields(Settings)}
    values: dict[str, object] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX):
            continue
        field = known.get(name)
        if field is None:
            raise InvalidInput(
                f"{name} is not a setting; expected one of {', '.join(sorted(known))}"
            )
        values[field.name] = _parse(name, text, field.default)
    values.update({name: value for name, value in chosen.items() if value is not None})
    return Settings(**values)  # type: ignore[arg-type] # each was parsed by its default's type


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that give `settings` again, for a child process."""
    found: dict[str, str] = {}
    for field in fields(Settings):
        value = getattr(settings, field.name)
        found[PREFIX + field.name.upper()] = (
            ",".join(value) if isinstance(value, tuple) else str(value)
        )
    return found


def _parse(name: str, text: str, default: object) -> object:
    try:
        if isinstance(default, Path):
            return Path(text)
        if isinstance(default, tuple):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(default, int | float):
            return type(default)(text)
    except KeyError as cause:
        raise InvalidInput(f"{name}={text!r} is neither true nor false") from cause
    except ValueError as cause:
        raise InvalidInput(f"{name}={text!r} is not a number") from cause
    return text
