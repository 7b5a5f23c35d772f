"""What becomes of an organization's trail when the organization changes."""

from datetime import UTC, datetime

from opentrail.app.organization import kept_to
from opentrail.trail.organization import Account, Organization
from opentrail.trail.trail import Trail

MANAGER, MEMBER, LATE = "123456789012", "222222222222", "333333333333"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
TRAIL = Trail(
    arn=f"arn:aws:cloudtrail:us-east-1:{MANAGER}:trail/all", name="all", account_id=MANAGER,
    home_region="us-east-1", s3_bucket_name="audit", created=NOW,
    organization_id="o-0123456789", member_account_ids=(MEMBER,),
)  # fmt: skip


def organization(*members: str, name: str = "o-0123456789") -> Organization:
    return Organization(
        id=name, root_id="r-root", management_account_id=MANAGER, created=NOW,
        accounts=tuple(
            Account(id=one, name=one, email="a@example.com", parent_id="r-root", joined=NOW)
            for one in (MANAGER, *members)
        ),
    )  # fmt: skip


def test_it_has_the_accounts_that_are_in_the_organization() -> None:
    assert kept_to(TRAIL, organization(MEMBER)) == TRAIL
    assert kept_to(TRAIL, organization(MEMBER, LATE)).accounts == (MANAGER, MEMBER, LATE)
    assert kept_to(TRAIL, organization(LATE)).accounts == (MANAGER, LATE)
    assert kept_to(TRAIL, organization()).accounts == (MANAGER,)


def test_without_its_organization_it_is_a_trail_of_its_own_account() -> None:
    for now in (None, organization(MEMBER, LATE, name="o-9876543210")):
        kept = kept_to(TRAIL, now)
        assert kept.accounts == (MANAGER,)
        assert kept.organization_id == ""
