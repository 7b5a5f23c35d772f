"""An organization in an ApiWorld."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from api_world import ACCOUNT, ApiWorld

from opentrail.ports.state import Change
from opentrail.trail.organization import (
    ORGANIZATION_KEY,
    ORGANIZATION_KIND,
    Account,
    Organization,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)

Setting = Callable[[ApiWorld], None]


def account(number: str) -> Account:
    return Account(id=number, name=number, email="a@example.com", parent_id="r-root", joined=NOW)


def organization(management: str = ACCOUNT, *members: str, **values: Any) -> Setting:
    def make(world: ApiWorld) -> None:
        made = Organization(
            id="o-0123456789", root_id="r-root", management_account_id=management, created=NOW,
            accounts=tuple(account(one) for one in (management, *members)), **values,
        )  # fmt: skip
        body = msgspec.json.encode(made)
        world.state.apply([Change(ORGANIZATION_KIND, ORGANIZATION_KEY, body)])

    return make
