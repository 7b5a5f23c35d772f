"""Signing keys, identities and the spool, as their ports promise."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from opentrail.adapters.identities import (
    DirectoryIdentities,
    add_key,
    make_default,
    read_file,
    remove_key,
)
from opentrail.adapters.ids import SystemIds
from opentrail.adapters.signers import FileSigner
from opentrail.adapters.spool import LocalSpool, MemorySpool
from opentrail.adapters.state import MemoryStateStore
from opentrail.errors import IntegrityError, InvalidInput
from opentrail.ports.spool import Spool
from opentrail.record.principal import Credential, Principal, PrincipalType, Session

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
ACCOUNT = "123456789012"


# Signing keys


def test_a_key_is_made_once_and_signs_until_it_is_time(tmp_path: Path) -> None:
    signer = FileSigner(tmp_path, MemoryStateStore())
    first = signer.current_key("us-east-1", NOW)

    assert signer.current_key("us-east-1", NOW + timedelta(days=19)) == first
    assert signer.current_key("eu-west-1", NOW) != first
    second = signer.current_key("us-east-1", NOW + timedelta(days=21))
    assert second != first
    assert second.valid_from < first.valid_to  # they overlap


def test_a_signature_is_checked_by_the_listed_key(tmp_path: Path) -> None:
    signer = FileSigner(tmp_path, MemoryStateStore())
    key = signer.current_key("us-east-1", NOW)

    signature = signer.sign(key.fingerprint, b"message")

    public = load_der_public_key(key.value)
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    assert key.fingerprint == hashlib.md5(key.value).hexdigest()
    assert b"\x2a\x86\x48\x86\xf7" not in key.value[:20]  # PKCS#1, no algorithm inside


def test_old_keys_are_listed_for_the_time_they_were_valid(tmp_path: Path) -> None:
    signer = FileSigner(tmp_path, MemoryStateStore())
    first = signer.current_key("us-east-1", NOW)
    second = signer.rotate("us-east-1", NOW + timedelta(days=90))

    assert signer.public_keys("us-east-1", NOW, NOW) == (first,)
    assert signer.public_keys("us-east-1", NOW, NOW + timedelta(days=91)) == (first, second)
    assert signer.public_keys("us-east-1", NOW - timedelta(days=9), NOW - timedelta(days=8)) == ()


def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    FileSigner(tmp_path, MemoryStateStore()).current_key("us-east-1", NOW)

    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_lost_private_key_is_told(tmp_path: Path) -> None:
    signer = FileSigner(tmp_path, MemoryStateStore())

    with pytest.raises(IntegrityError):
        signer.sign("0" * 32, b"message")


# Identities


def identities(tmp_path: Path, state: MemoryStateStore | None = None) -> DirectoryIdentities:
    return DirectoryIdentities(tmp_path / "identities.toml", state or MemoryStateStore())


def test_a_key_of_the_file_belongs_to_its_user(tmp_path: Path) -> None:
    entry = add_key(tmp_path / "identities.toml", "alice", ACCOUNT)

    found = identities(tmp_path).find(entry.access_key_id)

    assert found is not None
    assert found.secret_access_key == entry.secret_access_key
    assert found.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert found.principal.principal_id == entry.user_id
    assert identities(tmp_path).principal_id(found.principal.arn) == entry.user_id


def test_a_new_key_of_the_file_is_known_at_once(tmp_path: Path) -> None:
    path = tmp_path / "identities.toml"
    make_default(path)
    identities = DirectoryIdentities(path, MemoryStateStore())

    entry = add_key(path, "late", "111122223333")

    assert identities.find(entry.access_key_id) == entry.credential()


def test_a_key_without_a_user_is_the_root_users(tmp_path: Path) -> None:
    entry = add_key(tmp_path / "identities.toml", "", ACCOUNT)

    found = identities(tmp_path).find(entry.access_key_id)

    assert found is not None
    assert found.principal.type is PrincipalType.ROOT
    assert found.principal.arn == f"arn:aws:iam::{ACCOUNT}:root"


def test_two_keys_of_a_user_share_its_id(tmp_path: Path) -> None:
    path = tmp_path / "identities.toml"

    assert add_key(path, "a", ACCOUNT).user_id == add_key(path, "a", ACCOUNT).user_id
    assert len(read_file(path).entries) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_removed_key_is_unknown_and_an_absent_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "identities.toml"
    entry = make_default(path)

    remove_key(path, entry.access_key_id)

    assert identities(tmp_path).find(entry.access_key_id) is None
    with pytest.raises(InvalidInput, match="AKIANONE"):
        remove_key(path, "AKIANONE")


def test_roles_aliases_and_odd_characters_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "identities.toml"
    path.write_text(
        f'[accounts.{ACCOUNT}]\nalias = "a\\"b\\\\c"\n'
        f'[[roles]]\naccount = "{ACCOUNT}"\nrole = "team/reader"\nrole_id = "AROA1"\n'
    )

    add_key(path, "alice", ACCOUNT)

    assert identities(tmp_path).account_alias(ACCOUNT) == 'a"b\\c'
    assert identities(tmp_path).principal_id(f"arn:aws:iam::{ACCOUNT}:role/team/reader") == "AROA1"


def test_policies_are_those_of_the_user_the_role_or_the_service(tmp_path: Path) -> None:
    statement = '{"Statement": {"Effect": "Allow", "Action": "NAME", "Resource": "*"}}'
    entries = {
        "user": f"arn:aws:iam::{ACCOUNT}:user/al*",
        "role": f"arn:aws:iam::{ACCOUNT}:role/audit-*",
        "session": f"arn:aws:sts::{ACCOUNT}:assumed-role/audit-all/one",
        "service": "backup.example.com",
        "other": "arn:aws:iam::999999999999:user/alice",
    }
    (tmp_path / "identities.toml").write_text(
        "".join(
            f"[[policies]]\nname = '{name}'\nattached_to = ['{arn}']\n"
            f"document = '{statement.replace('NAME', name)}'\n"
            for name, arn in entries.items()
        )
    )

    def attached(**values: Any) -> list[str]:
        usual = {"type": PrincipalType.IAM_USER, "account_id": ACCOUNT}
        found = identities(tmp_path).policies(Principal(**(usual | values)))
        return [policy.statements[0].actions.patterns[0] for policy in found]

    session = Session(issuer_arn=f"arn:aws:iam::{ACCOUNT}:role/audit-all", created=NOW)
    assumed = f"arn:aws:sts::{ACCOUNT}:assumed-role/audit-all"
    assert attached(arn=f"arn:aws:iam::{ACCOUNT}:user/alice") == ["user"]
    assert attached(arn=f"arn:aws:iam::{ACCOUNT}:user/bob") == []
    assert attached(arn=f"{assumed}/one", session=session) == ["role", "session"]
    assert attached(arn=f"{assumed}/two", session=session) == ["role"]
    assert attached(invoked_by="backup.example.com") == ["service"]
    assert attached() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml", "not valid TOML"),
        ("[[keys]]\nuser = 'x'\n", "key 1 needs account"),
        ("[[keys]]\naccount='1'\nuser=''\nuser_id=''\naccess_key_id=''\nsecret_access_key=''\n",
         "twelve digits"),
        ("[[roles]]\nrole = 1\n", "role 1 needs account"),
        ("[[policies]]\nname = 'p'\n", "policy 1 needs name and document"),
        ("[[policies]]\nname = 'p'\ndocument = '{}'\n", "policy p needs attached_to"),
        ("[[policies]]\nname='p'\nattached_to=[]\ndocument='{}'\n", "policy p: .*no Statement"),
        (("[[policies]]\nname='p'\nattached_to=[]\ndocument='"
         '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}}'
         "'\n"), "policy p: statement 1 has a Principal"),
        (("[[policies]]\nname='p'\nattached_to=[]\ndocument='"
         '{"Statement": {"Sid": "All", "Effect": "Deny", "Action": "*"}}'
         "'\n"), "policy p: All has neither Resource nor NotResource"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "identities.toml"
    path.write_text(text)

    with pytest.raises(InvalidInput, match=told):
        read_file(path)


@pytest.mark.parametrize(("user", "account"), [("a b", ACCOUNT), ("a" * 65, ACCOUNT), ("a", "12")])
def test_a_key_for_nobody_is_refused(tmp_path: Path, user: str, account: str) -> None:
    with pytest.raises(InvalidInput):
        add_key(tmp_path / "identities.toml", user, account)


def test_learned_keys_survive_a_restart(tmp_path: Path) -> None:
    make_default(tmp_path / "identities.toml")
    state = MemoryStateStore()
    session = Credential(
        access_key_id="ASIA1", secret_access_key="s", session_token="t", expires=NOW,
        principal=Principal(type=PrincipalType.ASSUMED_ROLE, account_id=ACCOUNT, arn="arn:r"),
    )  # fmt: skip
    identities(tmp_path, state).learn([session])
    identities(tmp_path, state).learn_principals({"arn:r": "AROA1"})

    again = identities(tmp_path, state)

    assert again.find("ASIA1") == session
    assert again.principal_id("arn:r") == "AROA1"


def test_no_secret_shows_where_a_credential_is_printed(tmp_path: Path) -> None:
    entry = make_default(tmp_path / "identities.toml")
    found = identities(tmp_path).find(entry.access_key_id)

    assert entry.secret_access_key not in repr(found)


# Spools


@pytest.fixture(params=["memory", "local"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    return MemorySpool() if request.param == "memory" else LocalSpool(tmp_path / "spool")


def test_a_spooled_file_waits_until_it_is_removed(spool: Spool) -> None:
    spool.write("one", b"1")
    spool.write("two", b"2")

    assert sorted(spool.names()) == ["one", "two"]
    assert spool.read("one") == b"1"
    spool.remove("one")
    spool.remove("one")
    assert spool.names() == ("two",)


def test_a_lost_spooled_file_is_told(spool: Spool) -> None:
    with pytest.raises(IntegrityError):
        spool.read("none")


def test_a_half_written_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "one.part").write_bytes(b"ha")

    assert LocalSpool(tmp_path).names() == ()


# Ids


def test_ids_are_random_uuids_and_never_the_same() -> None:
    made = SystemIds()
    found = {made.event_id() for _ in range(5000)}

    assert len(found) == 5000
    for one in found:
        assert one[14] == "4"
        assert one[19] in "89ab"
        assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]


def test_sessions_are_kept_over_a_restart_and_forgotten_a_week_after_their_end(
    tmp_path: Path,
) -> None:
    path, state = tmp_path / "identities.toml", MemoryStateStore()
    make_default(path)
    principal = Principal(type=PrincipalType.ASSUMED_ROLE, account_id=ACCOUNT)
    ends = {
        "ASIALIVE": timedelta(hours=1),
        "ASIAENDED": timedelta(days=-1),
        "ASIALONGAGO": timedelta(days=-8),
    }
    DirectoryIdentities(path, state).learn(
        [
            Credential(
                access_key_id=key,
                secret_access_key="s",
                principal=principal,
                expires=datetime.now(UTC) + end,
            )
            for key, end in ends.items()
        ]
    )

    again = DirectoryIdentities(path, state)

    assert again.find("ASIALIVE") is not None
    assert again.find("ASIAENDED") is not None  # who calls with it in vain is still told
    assert again.find("ASIALONGAGO") is None


def test_a_service_has_a_key_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "identities.toml"
    make_default(path)
    path.write_text(
        path.read_text() + f'\n[[services]]\naccount = "{ACCOUNT}"\nservice = "b.example.com"\n'
        'access_key_id = "AKIASERVICE"\nsecret_access_key = "s"\n'
    )
    add_key(path, "alice", ACCOUNT)  # writes the file anew

    found = DirectoryIdentities(path, MemoryStateStore()).find("AKIASERVICE")

    assert found is not None
    assert found.principal.type is PrincipalType.AWS_SERVICE
    assert found.principal.invoked_by == "b.example.com"
