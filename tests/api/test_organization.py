"""Organization trails and the Organizations API, as each kind of account sees them."""

from pathlib import Path
from typing import Any

import pytest
from api_world import ACCOUNT, OTHER, THIRD, ApiWorld
from botocore.exceptions import ClientError
from organizations import organization

from opentrail.api.organizations import HANDLERS
from opentrail.ports.state import Change
from opentrail.trail.organization import (
    ORGANIZATION_KEY,
    ORGANIZATION_KIND,
    Organization,
    OrganizationalUnit,
)

MANAGER, MEMBER, STRANGER = ACCOUNT, OTHER, THIRD
ARN = f"arn:aws:cloudtrail:us-east-1:{MANAGER}:trail/all"


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    made = ApiWorld(tmp_path)
    organization(MANAGER, MEMBER)(made)
    return made


def code_of(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return refused.value.response["Error"]["Code"]


def make(world: ApiWorld, account: str = MANAGER) -> Any:
    client = world.client(account=account)
    client.create_trail(
        Name="all", S3BucketName="audit", IsOrganizationTrail=True, IsMultiRegionTrail=True
    )
    return client


def test_members_see_the_organizations_trail_and_can_not_change_it(world: ApiWorld) -> None:
    make(world)
    member = world.client(account=MEMBER)

    assert [one["TrailARN"] for one in member.describe_trails()["trailList"]] == [ARN]
    assert [one["TrailARN"] for one in member.list_trails()["Trails"]] == [ARN]
    assert member.get_trail(Name=ARN)["Trail"]["IsOrganizationTrail"]
    assert member.get_trail_status(Name=ARN)["IsLogging"] is False
    assert code_of(member.get_trail, Name="all") == "TrailNotFoundException"
    for call in (member.start_logging, member.stop_logging, member.delete_trail):
        assert code_of(call, Name=ARN) == "NotOrganizationMasterAccountException"
    stranger = world.client(account=STRANGER)
    assert stranger.list_trails()["Trails"] == []
    assert code_of(stranger.get_trail, Name=ARN) == "TrailNotFoundException"


def test_a_delegated_administrator_manages_the_trails_of_the_organization(world: ApiWorld) -> None:
    manager, member = world.client(account=MANAGER), world.client(account=MEMBER)
    manager.register_organization_delegated_admin(MemberAccountId=MEMBER)

    made = member.create_trail(Name="all", S3BucketName="audit", IsOrganizationTrail=True)
    member.start_logging(Name=made["TrailARN"])
    refused = code_of(member.update_trail, Name=made["TrailARN"], IsOrganizationTrail=False)
    manager.deregister_organization_delegated_admin(DelegatedAdminAccountId=MEMBER)

    assert made["TrailARN"] == ARN
    assert refused == "NotOrganizationMasterAccountException"
    assert code_of(member.stop_logging, Name=ARN) == "NotOrganizationMasterAccountException"
    assert manager.get_trail_status(Name="all")["IsLogging"] is True


def test_a_trail_becomes_the_organizations_and_one_accounts_again(world: ApiWorld) -> None:
    manager, member = world.client(account=MANAGER), world.client(account=MEMBER)
    manager.create_trail(Name="all", S3BucketName="audit", IsMultiRegionTrail=True)

    manager.update_trail(Name="all", IsOrganizationTrail=True)
    assert len(member.list_trails()["Trails"]) == 1
    manager.update_trail(Name="all", IsOrganizationTrail=False)

    assert member.list_trails()["Trails"] == []
    assert manager.get_trail(Name="all")["Trail"]["IsOrganizationTrail"] is False


def test_the_bucket_must_let_the_organizations_files_in(world: ApiWorld) -> None:
    world.store.policies["audit"] = world.store.policies["audit"].replace(
        '"Resource": "*"',
        f'"Resource": ["arn:aws:s3:::audit", "arn:aws:s3:::audit/AWSLogs/{MANAGER}/*"]',
    )
    client = world.client()

    client.create_trail(Name="own", S3BucketName="audit")
    code = code_of(client.create_trail, Name="all", S3BucketName="audit", IsOrganizationTrail=True)

    assert code == "InsufficientS3BucketPolicyException"


def organizations_client(world: ApiWorld, account: str) -> Any:
    return world.client(account=account, service="organizations")


def test_the_organization_is_described_to_its_accounts(world: ApiWorld) -> None:
    for account in (MANAGER, MEMBER):
        found = organizations_client(world, account).describe_organization()["Organization"]
        assert found["Id"] == "o-0123456789"
        assert found["MasterAccountId"] == MANAGER
        assert found["FeatureSet"] == "ALL"
    client = organizations_client(world, STRANGER)
    assert code_of(client.describe_organization) == "AWSOrganizationsNotInUseException"
    client = organizations_client(world, MEMBER)
    assert code_of(client.list_accounts) == "AccessDeniedException"
    client = organizations_client(world, MANAGER)
    assert code_of(client.create_organization) == "AccessDeniedException"


def test_accounts_units_and_administrators_are_listed_in_pages(world: ApiWorld) -> None:
    unit = OrganizationalUnit(id="ou-root-12345678", name="dev", parent_id="r-root")

    def change(found: Organization) -> Organization:
        return found.with_unit(unit).moved(MEMBER, unit.id)

    world.change(ORGANIZATION_KIND, ORGANIZATION_KEY, Organization, change)
    client = organizations_client(world, MANAGER)
    world.client().register_organization_delegated_admin(MemberAccountId=MEMBER)

    pages = client.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1})
    assert [one["Id"] for page in pages for one in page["Accounts"]] == [MANAGER, MEMBER]
    assert client.describe_account(AccountId=MEMBER)["Account"]["Arn"].endswith(f"/{MEMBER}")
    assert client.list_roots()["Roots"][0]["Id"] == "r-root"
    units = client.list_organizational_units_for_parent(ParentId="r-root")["OrganizationalUnits"]
    assert [one["Name"] for one in units] == ["dev"]
    assert client.describe_organizational_unit(OrganizationalUnitId=unit.id)["OrganizationalUnit"]
    below = client.list_accounts_for_parent(ParentId=unit.id)["Accounts"]
    assert [one["Id"] for one in below] == [MEMBER]
    assert client.list_parents(ChildId=MEMBER)["Parents"][0]["Id"] == unit.id
    children = client.list_children(ParentId="r-root", ChildType="ACCOUNT")["Children"]
    assert [one["Id"] for one in children] == [MANAGER]
    admins = client.list_delegated_administrators()["DelegatedAdministrators"]
    assert [one["Id"] for one in admins] == [MEMBER]
    services = client.list_delegated_services_for_account(AccountId=MEMBER)["DelegatedServices"]
    assert services[0]["ServicePrincipal"] == "cloudtrail.amazonaws.com"
    assert client.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert client.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"] == []
    assert client.list_tags_for_resource(ResourceId=MEMBER)["Tags"] == []
    for call, values in (
        (client.describe_account, {"AccountId": "8" * 12}),
        (client.list_accounts_for_parent, {"ParentId": "r-none"}),
        (client.list_parents, {"ChildId": "8" * 12}),
        (client.describe_organizational_unit, {"OrganizationalUnitId": "ou-root-87654321"}),
    ):
        assert code_of(call, **values).endswith("NotFoundException")


def test_only_reading_operations_are_answered() -> None:
    assert all(name.startswith(("List", "Describe")) for name in HANDLERS)


def test_a_delegated_administrators_trail_is_named_and_counted_as_the_managers(
    world: ApiWorld,
) -> None:
    manager, member = world.client(account=MANAGER), world.client(account=MEMBER)
    manager.register_organization_delegated_admin(MemberAccountId=MEMBER)
    manager.create_trail(Name="all", S3BucketName="audit")
    wanted = {"S3BucketName": "audit", "IsOrganizationTrail": True}

    taken = code_of(member.create_trail, Name="all", **wanted)
    for number in range(4):
        manager.create_trail(Name=f"trail-{number}", S3BucketName="audit")
    full = code_of(member.create_trail, Name="sixth", **wanted)

    assert taken == "TrailAlreadyExistsException"
    assert full == "MaximumNumberOfTrailsExceededException"
    assert manager.get_trail(Name="all")["Trail"]["IsOrganizationTrail"] is False
    assert member.create_trail(Name="own", S3BucketName="audit")["TrailARN"].split(":")[4] == MEMBER


def test_a_trail_outlives_its_organization_as_one_accounts(world: ApiWorld) -> None:
    client = make(world)
    world.state.apply([Change(ORGANIZATION_KIND, ORGANIZATION_KEY, None)])

    answer = client.update_trail(Name="all", IsOrganizationTrail=False)

    assert answer["IsOrganizationTrail"] is False


def test_who_left_the_organization_manages_nothing_of_it(world: ApiWorld) -> None:
    manager, member = world.client(account=MANAGER), world.client(account=MEMBER)
    manager.register_organization_delegated_admin(MemberAccountId=MEMBER)
    make(world)

    # The trail itself still names the account: the server takes it out within a second.
    world.change(
        ORGANIZATION_KIND, ORGANIZATION_KEY, Organization, lambda found: found.left_by(MEMBER)
    )

    assert code_of(member.stop_logging, Name=ARN) == "NotOrganizationMasterAccountException"
    assert code_of(member.create_trail, Name="mine", S3BucketName="audit",
                   IsOrganizationTrail=True) == "OrganizationsNotInUseException"  # fmt: skip
