"""An organization: one management account, member accounts, delegated administrators.

Source: AWS Organizations API reference (shapes and patterns of ids); spec: api, section 12.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from opentrail.errors import InvalidInput, StateConflict

ORGANIZATION_KIND = "organization"
"""The state documents of Organization; there is one, with the key below."""

ORGANIZATION_KEY = "organization"

_ACCOUNT = re.compile(r"\d{12}")
_NAME = re.compile(r"[ -~]{1,50}")
_UNIT_NAME = re.compile(r"\S(.{0,126}\S)?", re.DOTALL)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account of the organization.

    Attributes:
        parent_id: The root's or an organizational unit's id.
        joined_method: `CREATED` or `INVITED`.
    """

    id: str
    name: str
    email: str
    parent_id: str
    joined: datetime
    joined_method: str = "CREATED"


class OrganizationalUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A group of accounts below the root or below another unit."""

    id: str
    name: str
    parent_id: str


class DelegatedAdmin(msgspec.Struct, frozen=True):
    """A member account that may manage the organization's trails."""

    account_id: str
    since: datetime


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """The whole organization; every change gives a new value.

    Attributes:
        id: `o-…`.
        root_id: `r-…`.
        all_features: False for one that was made for consolidated billing only.
        trusted_access: Whether CloudTrail may work in every account of it.
    """

    id: str
    root_id: str
    management_account_id: str
    created: datetime
    accounts: tuple[Account, ...]
    units: tuple[OrganizationalUnit, ...] = ()
    delegated_admins: tuple[DelegatedAdmin, ...] = ()
    all_features: bool = True
    trusted_access: bool = True

    @property
    def member_account_ids(self) -> tuple[str, ...]:
        """Every account but the management account, in order."""
        ids = (account.id for account in self.accounts)
        return tuple(sorted(one for one in ids if one != self.management_account_id))

    @property
    def arn(self) -> str:
        """The organization's ARN."""
        return self._arn(f"organization/{self.id}")

    def account(self, account_id: str) -> Account | None:
        """The account of that id; None if it is not in the organization."""
        return next((one for one in self.accounts if one.id == account_id), None)

    def account_arn(self, account_id: str) -> str:
        """The ARN of an account in it."""
        return self._arn(f"account/{self.id}/{account_id}")

    def unit_arn(self, unit_id: str) -> str:
        """The ARN of an organizational unit, or of the root."""
        kind = "root" if unit_id == self.root_id else "ou"
        return self._arn(f"{kind}/{self.id}/{unit_id}")

    def children_of(self, parent_id: str) -> tuple[OrganizationalUnit, ...]:
        """The units right below a parent."""
        return tuple(unit for unit in self.units if unit.parent_id == parent_id)

    def is_delegated_admin(self, account_id: str) -> bool:
        """Whether the account may manage the organization's trails."""
        return any(admin.account_id == account_id for admin in self.delegated_admins)

    def joined_by(self, account: Account) -> Organization:
        """With one more account.

        Raises:
            StateConflict: it is in already.
            InvalidInput: its id, name, address or parent does not fit.
        """
        check_account_id(account.id)
        if not _NAME.fullmatch(account.name) or not _EMAIL.fullmatch(account.email):
            raise InvalidInput(
                f"account {account.id}: a name of up to 50 characters and an e-mail address "
                f"are needed, not {account.name[:60]!r} and {account.email[:60]!r}"
            )
        if self.account(account.id) is not None:
            raise StateConflict(f"account {account.id} is in the organization already")
        self._check_parent(account.parent_id)
        return self._with(accounts=(*self.accounts, account))

    def left_by(self, account_id: str) -> Organization:
        """Without an account; it is no delegated administrator any more either.

        Raises:
            InvalidInput: it is not in, or it is the management account.
        """
        if self.account(account_id) is None:
            raise InvalidInput(f"account {account_id} is not in the organization {self.id}")
        if account_id == self.management_account_id:
            raise InvalidInput(f"{account_id} is the management account and can't leave")
        return self._with(
            accounts=tuple(one for one in self.accounts if one.id != account_id),
            delegated_admins=tuple(
                one for one in self.delegated_admins if one.account_id != account_id
            ),
        )

    def moved(self, account_id: str, parent_id: str) -> Organization:
        """With an account below another parent.

        Raises:
            InvalidInput: there is no such account or parent.
        """
        if self.account(account_id) is None:
            raise InvalidInput(f"account {account_id} is not in the organization {self.id}")
        self._check_parent(parent_id)
        return self._with(
            accounts=tuple(
                msgspec.structs.replace(one, parent_id=parent_id) if one.id == account_id else one
                for one in self.accounts
            )
        )

    def with_unit(self, unit: OrganizationalUnit) -> Organization:
        """With one more organizational unit.

        Raises:
            InvalidInput: its name or parent does not fit, or a sibling has the name.
        """
        self._check_parent(unit.parent_id)
        if not _UNIT_NAME.fullmatch(unit.name):
            raise InvalidInput(f"organizational unit: {unit.name[:60]!r} is no name")
        if any(one.name == unit.name for one in self.children_of(unit.parent_id)):
            raise InvalidInput(f"there is an organizational unit {unit.name!r} already")
        return self._with(units=(*self.units, unit))

    def with_admin(self, admin: DelegatedAdmin) -> Organization:
        """With one more delegated administrator; whether it may be one is the caller's to check."""
        return self._with(delegated_admins=(*self.delegated_admins, admin))

    def without_admin(self, account_id: str) -> Organization:
        """Without a delegated administrator."""
        return self._with(
            delegated_admins=tuple(
                one for one in self.delegated_admins if one.account_id != account_id
            )
        )

    def _with(self, **values: object) -> Organization:
        return msgspec.structs.replace(self, **values)

    def _arn(self, resource: str) -> str:
        return f"arn:aws:organizations::{self.management_account_id}:{resource}"

    def _check_parent(self, parent_id: str) -> None:
        if parent_id != self.root_id and all(unit.id != parent_id for unit in self.units):
            raise InvalidInput(
                f"{parent_id!r} is neither the root {self.root_id} nor an organizational unit"
            )


def check_account_id(account_id: str) -> None:
    """Nothing, if it is an account's id.

    Raises:
        InvalidInput: it is none.
    """
    if not _ACCOUNT.fullmatch(account_id):
        raise InvalidInput(f"account {account_id[:60]!r}: expected twelve digits")
