"""The identities file: accounts, users with their access keys, and roles, in TOML.

```toml
[accounts.123456789012]
alias = "demo"

[[keys]]
account = "123456789012"
user = "admin"            # "" stands for the account's root user
user_id = "AIDA…"
access_key_id = "AKIA…"
secret_access_key = "…"

[[roles]]                 # so that sessions carry the role's own id
account = "123456789012"
role = "reader"           # with its path, if it has one
role_id = "AROA…"

[[services]]              # a service of yours that calls others, as AWS's own services do
account = "123456789012"
service = "backup.example.com"
access_key_id = "AKIA…"
secret_access_key = "…"

[[policies]]              # heeded with OPENTRAIL_AUTHORIZATION=policies
name = "auditors"
attached_to = ["arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:role/audit-*"]
document = '''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", …}]}'''
```
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from opentrail.access.policy import parse_identity_policy
from opentrail.errors import InvalidInput
from opentrail.record.principal import Credential, Principal, PrincipalType

DEFAULT_ACCOUNT = "123456789012"
"""The account that moto, the embedded demonstration environment, answers for."""

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"  # noqa: S105 - an alphabet
_KEY_NAMES = ("account", "user", "user_id", "access_key_id", "secret_access_key")
_SERVICE_NAMES = ("account", "service", "access_key_id", "secret_access_key")
_ROLE_NAMES = ("account", "role", "role_id")
_ACCOUNT = re.compile(r"\d{12}")
_USER = re.compile(r"[\w+=,.@-]{0,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEntry:
    """One access key of the file.

    Attributes:
        user: "" for the account's root user.
    """

    account: str
    user: str
    user_id: str
    access_key_id: str
    secret_access_key: str

    def credential(self) -> Credential:
        """The key as access rules see it."""
        if not self.user:
            principal = Principal(
                type=PrincipalType.ROOT,
                account_id=self.account,
                principal_id=self.account,
                arn=f"arn:aws:iam::{self.account}:root",
            )
        else:
            principal = Principal(
                type=PrincipalType.IAM_USER,
                account_id=self.account,
                principal_id=self.user_id,
                arn=f"arn:aws:iam::{self.account}:user/{self.user}",
                user_name=self.user,
            )
        return Credential(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            principal=principal,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """A role and its unique id.

    Attributes:
        role: The name, with the path before it if there is one (`team/reader`).
    """

    account: str
    role: str
    role_id: str

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return f"arn:aws:iam::{self.account}:role/{self.role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A service with a key of its own; its calls are told as AWS tells its services' calls.

    Attributes:
        service: Its name in records (`backup.example.com`).
    """

    account: str
    service: str
    access_key_id: str
    secret_access_key: str

    def credential(self) -> Credential:
        """The key as access rules see it."""
        return Credential(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            principal=Principal(
                type=PrincipalType.AWS_SERVICE,
                account_id=self.account,
                invoked_by=self.service,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """An identity policy and whom it is attached to.

    Attributes:
        document: JSON, as written.
        attached_to: ARNs of users and roles, or names of services; `*` and `?` are wildcards.
    """

    name: str
    document: str
    attached_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentitiesFile:
    """The whole file.

    Attributes:
        aliases: Account alias by account id.
    """

    aliases: dict[str, str]
    entries: tuple[IdentityEntry, ...]
    roles: tuple[RoleEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    policies: tuple[PolicyEntry, ...] = ()


def read_file(path: Path) -> IdentitiesFile:
    """The identities in `path`; none if there is no such file.

    Raises:
        InvalidInput: not TOML, or an entry lacks something; the entry is named.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return IdentitiesFile({}, ())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise InvalidInput(f"{path} is not valid TOML: {cause}") from cause
    aliases = {
        str(account): str(values.get("alias", ""))
        for account, values in content.get("accounts", {}).items()
    }
    return IdentitiesFile(
        aliases,
        tuple(
            IdentityEntry(**_texts(path, f"key {number}", _KEY_NAMES, one))
            for number, one in enumerate(_list(content, "keys"), 1)
        ),
        tuple(
            RoleEntry(**_texts(path, f"role {number}", _ROLE_NAMES, one))
            for number, one in enumerate(_list(content, "roles"), 1)
        ),
        tuple(
            ServiceEntry(**_texts(path, f"service {number}", _SERVICE_NAMES, one))
            for number, one in enumerate(_list(content, "services"), 1)
        ),
        tuple(
            _policy(path, number, one) for number, one in enumerate(_list(content, "policies"), 1)
        ),
    )


def make_default(path: Path) -> IdentityEntry:
    """A new file with one account and one user; its key."""
    entry = new_key("admin", DEFAULT_ACCOUNT)
    _write(path, IdentitiesFile({DEFAULT_ACCOUNT: ""}, (entry,)))
    return entry


def add_key(path: Path, user: str, account: str) -> IdentityEntry:
    """A new key of `user` ("" for root), kept in the file; a known user keeps its id.

    Raises:
        InvalidInput: the user's name or the account's id does not fit.
    """
    content = read_file(path)
    entry = new_key(user, account)
    for known in content.entries:
        if (known.account, known.user) == (account, user):
            entry = replace(entry, user_id=known.user_id)
    aliases = {account: ""} | content.aliases
    _write(path, replace(content, aliases=aliases, entries=(*content.entries, entry)))
    return entry


def remove_key(path: Path, access_key_id: str) -> None:
    """The file without that key.

    Raises:
        InvalidInput: there is no such key.
    """
    content = read_file(path)
    left = tuple(one for one in content.entries if one.access_key_id != access_key_id)
    if len(left) == len(content.entries):
        raise InvalidInput(f"{path} has no access key {access_key_id}")
    _write(path, replace(content, entries=left))


def new_key(user: str, account: str) -> IdentityEntry:
    """A fresh key pair.

    Raises:
        InvalidInput: the user's name or the account's id does not fit.
    """
    if not _ACCOUNT.fullmatch(account):
        raise InvalidInput(f"account {account!r}: expected twelve digits")
    if not _USER.fullmatch(user):
        raise InvalidInput(f"user {user!r}: expected up to 64 letters, digits or _+=,.@-")
    return IdentityEntry(
        account=account,
        user=user,
        user_id="AIDA" + _random(_BASE32, 17) if user else account,
        access_key_id="AKIA" + _random(_BASE32, 16),
        secret_access_key=_random(_SECRET_CHARACTERS, 40),
    )


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))


def _list(content: dict[str, object], name: str) -> list[object]:
    found = content.get(name, [])
    return found if isinstance(found, list) else []


def _texts(path: Path, what: str, names: tuple[str, ...], values: object) -> dict[str, str]:
    """The members `names` of an entry; `what` tells an error's reader which one it is."""
    if not isinstance(values, dict) or not all(isinstance(values.get(one), str) for one in names):
        raise InvalidInput(f"{path}: {what} needs {', '.join(names)}, all texts")
    if not _ACCOUNT.fullmatch(values["account"]):
        raise InvalidInput(
            f"{path}: {what} has account {values['account']!r}; expected twelve digits"
        )
    return {name: values[name] for name in names}


def _policy(path: Path, number: int, values: object) -> PolicyEntry:
    if not isinstance(values, dict) or not all(
        isinstance(values.get(one), str) for one in ("name", "document")
    ):
        raise InvalidInput(f"{path}: policy {number} needs name and document, both texts")
    attached = values.get("attached_to")
    if not isinstance(attached, list) or not all(isinstance(one, str) for one in attached):
        raise InvalidInput(f"{path}: policy {values['name']} needs attached_to, a list of texts")
    try:
        parse_identity_policy(values["document"])
    except InvalidInput as problem:
        raise InvalidInput(f"{path}: policy {values['name']}: {problem}") from problem
    return PolicyEntry(
        name=values["name"], document=values["document"], attached_to=tuple(attached)
    )


def _write(path: Path, content: IdentitiesFile) -> None:
    lines = ["# Accounts, users and access keys of this OpenTrail; see `opentrail keys --help`."]
    for account, alias in sorted(content.aliases.items()):
        lines += ["", f"[accounts.{account}]", f"alias = {_quoted(alias)}"]
    for entry in content.entries:
        lines += [
            "",
            "[[keys]]",
            f"account = {_quoted(entry.account)}",
            f"user = {_quoted(entry.user)}",
            f"user_id = {_quoted(entry.user_id)}",
            f"access_key_id = {_quoted(entry.access_key_id)}",
            f"secret_access_key = {_quoted(entry.secret_access_key)}",
        ]
    for role in content.roles:
        lines += [
            "",
            "[[roles]]",
            f"account = {_quoted(role.account)}",
            f"role = {_quoted(role.role)}",
            f"role_id = {_quoted(role.role_id)}",
        ]
    for service in content.services:
        lines += [
            "",
            "[[services]]",
            f"account = {_quoted(service.account)}",
            f"service = {_quoted(service.service)}",
            f"access_key_id = {_quoted(service.access_key_id)}",
            f"secret_access_key = {_quoted(service.secret_access_key)}",
        ]
    for policy in content.policies:
        attached = ", ".join(_quoted(one) for one in policy.attached_to)
        lines += [
            "",
            "[[policies]]",
            f"name = {_quoted(policy.name)}",
            f"attached_to = [{attached}]",
            f"document = {_quoted(policy.document)}",
        ]
    aside = path.with_suffix(".part")
    fd = os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def _quoted(text: str) -> str:
    # Every JSON text is a TOML text too.
    return json.dumps(text)
