"""`opentrail org`: the organization, its accounts and its units.

A running server takes a change up within a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.tree import Tree

from opentrail.adapters.ids import SystemIds
from opentrail.app.anchors import open_state
from opentrail.app.settings import read_settings
from opentrail.app.wiring import default_account, identities_path
from opentrail.cli.terminal import fail, output, safe
from opentrail.errors import InvalidInput
from opentrail.ports.state import Change, StateStore
from opentrail.trail.organization import (
    ORGANIZATION_KEY,
    ORGANIZATION_KIND,
    Account,
    Organization,
    OrganizationalUnit,
    check_account_id,
)

org = typer.Typer(help="The organization: its accounts and units.", no_args_is_help=True)


@org.command("create")
def create(
    management_account: Annotated[
        str, typer.Option(help="Its management account; the first key's, unless given.")
    ] = "",
    name: Annotated[str, typer.Option(help="That account's name.")] = "management",
    email: Annotated[str, typer.Option(help="Its e-mail address.")] = "management@example.com",
) -> None:
    """Make the organization."""
    data = read_settings(os.environ).data
    if not management_account and not identities_path(data).exists():
        fail("there is no key yet whose account could be it; give --management-account")
    account_id = management_account or default_account(data)
    check_account_id(account_id)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = open_state(data)
    if state.get(ORGANIZATION_KIND, ORGANIZATION_KEY) is not None:
        fail("there is an organization already; see: opentrail org show")
    now, root = _now(), f"r-{_id(4)}"
    made = Organization(
        id=f"o-{_id(10)}",
        root_id=root,
        management_account_id=account_id,
        created=now,
        accounts=(),
    ).joined_by(Account(id=account_id, name=name, email=email, parent_id=root, joined=now))
    _save(state, made, 0)
    output.print(f"made organization {made.id}, management account {account_id}")


@org.command("show")
def show(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Show the organization."""
    organization, _ = _read(open_state(read_settings(os.environ).data))
    if format == "json":
        output.print_json(data={"format": 1, **msgspec.to_builtins(organization)})
        return
    tree = Tree(f"{organization.id}  root {organization.root_id}")
    _grow(tree, organization, organization.root_id)
    output.print(tree)
    if organization.delegated_admins:
        admins = ", ".join(one.account_id for one in organization.delegated_admins)
        output.print(f"delegated administrators of CloudTrail: {admins}")


@org.command("accounts")
def accounts() -> None:
    """List the accounts."""
    organization, _ = _read(open_state(read_settings(os.environ).data))
    table = Table("account", "name", "e-mail", "below", "since", box=None)
    for one in organization.accounts:
        since = f"{one.joined:%Y-%m-%d}"
        table.add_row(one.id, safe(one.name), safe(one.email), one.parent_id, since)
    output.print(table)


@org.command("add-account")
def add_account(
    account: Annotated[str, typer.Argument(help="Twelve digits.")],
    name: Annotated[str, typer.Option(help="The account's name.")] = "",
    email: Annotated[str, typer.Option(help="Its e-mail address.")] = "",
    parent: Annotated[str, typer.Option(help="The root or a unit; the root.")] = "",
) -> None:
    """Let an account join; the organization's trails take its events from now on."""

    def change(organization: Organization) -> Organization:
        return organization.joined_by(
            Account(
                id=account,
                name=name or account,
                email=email or f"{account}@example.com",
                parent_id=parent or organization.root_id,
                joined=_now(),
                joined_method="INVITED",
            )
        )

    _change(change)
    output.print(f"account {account} joined")


@org.command("remove-account")
def remove_account(account: Annotated[str, typer.Argument(help="Twelve digits.")]) -> None:
    """Let an account leave; its log files stay where they are."""
    _change(lambda organization: organization.left_by(account))
    output.print(f"account {account} left")


@org.command("add-unit")
def add_unit(
    name: Annotated[str, typer.Argument(help="The organizational unit's name.")],
    parent: Annotated[str, typer.Option(help="The root or a unit; the root.")] = "",
) -> None:
    """Make an organizational unit."""

    def change(organization: Organization) -> Organization:
        unit = OrganizationalUnit(
            id=f"ou-{organization.root_id.removeprefix('r-')}-{_id(8)}",
            name=name,
            parent_id=parent or organization.root_id,
        )
        return organization.with_unit(unit)

    output.print(f"made {_change(change).units[-1].id}")


@org.command("move-account")
def move_account(
    account: Annotated[str, typer.Argument(help="Twelve digits.")],
    parent: Annotated[str, typer.Argument(help="The root or a unit.")],
) -> None:
    """Put an account below another parent."""
    _change(lambda organization: organization.moved(account, parent))
    output.print(f"account {account} is below {parent}")


@org.command("delete")
def delete() -> None:
    """Dissolve the organization; its trails become trails of the management account alone."""
    state = open_state(read_settings(os.environ).data)
    organization, version = _read(state)
    members = organization.member_account_ids
    if members:
        fail(f"accounts are still in it: {', '.join(members)}; remove them first")
    state.apply([Change(ORGANIZATION_KIND, ORGANIZATION_KEY, None, expected=version)])
    output.print(f"organization {organization.id} is no more")


def _change(change: Callable[[Organization], Organization]) -> Organization:
    state = open_state(read_settings(os.environ).data)
    organization, version = _read(state)
    changed = change(organization)
    _save(state, changed, version)
    return changed


def _read(state: StateStore) -> tuple[Organization, int]:
    document = state.get(ORGANIZATION_KIND, ORGANIZATION_KEY)
    if document is None:
        raise InvalidInput("there is no organization; make one with: opentrail org create")
    return msgspec.json.decode(document.body, type=Organization), document.version


def _save(state: StateStore, organization: Organization, version: int) -> None:
    body = msgspec.json.encode(organization)
    state.apply([Change(ORGANIZATION_KIND, ORGANIZATION_KEY, body, expected=version)])


def _grow(tree: Tree, organization: Organization, parent_id: str) -> None:
    for unit in organization.children_of(parent_id):
        _grow(tree.add(f"{unit.id}  {safe(unit.name)}"), organization, unit.id)
    for one in organization.accounts:
        if one.parent_id == parent_id:
            own = one.id == organization.management_account_id
            tree.add(f"{one.id}  {safe(one.name)}{'  (management)' if own else ''}")


def _id(length: int) -> str:
    return SystemIds().unique16().lower()[:length]


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - a command's start
