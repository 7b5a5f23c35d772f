"""PutDashboard, GetDashboard, ListDashboards, DeleteDashboards; tags of dashboards and alarms.

A dashboard belongs to an account, whatever the region. Source: CloudWatch API reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from opentrail.alarms.telling.changes import tags_change
from opentrail.api.cloudwatch.alarm_input import tags_of
from opentrail.api.cloudwatch.backends import (
    CloudWatchBackends,
    Parameters,
    no_token,
    read_token,
    token_of,
    wrong_value,
)
from opentrail.api.cloudwatch.dashboard_body import findings, told
from opentrail.api.cloudwatch.documents import find_alarm, put_alarm, put_change
from opentrail.api.errors import ApiError
from opentrail.api.outcome import Caller, Reply
from opentrail.api.wire import read_json
from opentrail.arn import partition_of
from opentrail.ports.state import Change, Document

DASHBOARD_KIND = "dashboard"
MOST_DASHBOARDS = 5000
"""Of an account: ours, AWS has no limit."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PAGE = 1000
_SHOWN = 50
"""Errors that a message lists."""

Tags = tuple[tuple[str, str], ...]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard.

    Attributes:
        body: As it was put.
        modified: Epoch seconds.
    """

    account_id: str
    name: str
    body: str
    modified: float
    tags: Tags = ()

    @property
    def key(self) -> str:
        return f"{self.account_id}/{self.name}"


_DASHBOARD = msgspec.json.Decoder(Dashboard)


def dashboard_arn(account_id: str, region: str, name: str) -> str:
    """The ARN of a dashboard, which is in no region."""
    return f"arn:{partition_of(region)}:cloudwatch::{account_id}:dashboard/{name}"


def put_dashboard(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """The dashboard is made or replaced; what is passed over is told."""
    name, body = parameters["DashboardName"], parameters["DashboardBody"]
    _check_name(name)
    warnings = _checked(body)
    document = _find(name, caller, backends)
    known = None if document is None else _DASHBOARD.decode(document.body)
    if known is None and len(_all(caller, backends)) >= MOST_DASHBOARDS:
        raise wrong_value(f"The account has {MOST_DASHBOARDS} dashboards; more are not allowed.")
    made = Dashboard(
        account_id=caller.account_id,
        name=name,
        body=body,
        modified=round(caller.now.timestamp(), 3),
        tags=tags_of(parameters.get("Tags", ())) if known is None else known.tags,
    )
    return Reply(
        {"DashboardValidationMessages": warnings},
        (_kept(made, 0 if document is None else document.version),),
    )


def _kept(dashboard: Dashboard, version: int) -> Change:
    body = msgspec.json.encode(dashboard)
    return Change(DASHBOARD_KIND, dashboard.key, body, expected=version)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise wrong_value(
            "The value for field DashboardName contains invalid characters. It can only contain "
            "alphanumerics, dash (-) and underscore (_).\n"
        )


def _checked(text: str) -> list[Any]:
    """What is passed over in a body.

    Raises:
        ApiError: DashboardInvalidInputError, with all that is wrong.
    """
    try:
        body = read_json(text.encode())
    except ApiError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(
            "DashboardInvalidInputError", "The field DashboardBody must be a valid JSON object"
        )
    found = findings(body)
    if not found.errors:
        return list(told(found.warnings[:_SHOWN]))
    shown = [{"dataPath": path, "message": message} for path, message in found.errors[:_SHOWN]]
    raise ApiError(
        "DashboardInvalidInputError",
        f"The dashboard body is invalid, there are {len(found.errors)} validation errors:\n"
        f"{json.dumps(shown, indent=2, ensure_ascii=False)}",
        members={"dashboardValidationMessages": list(told(found.errors[:_SHOWN]))},
    )


def get_dashboard(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """One dashboard."""
    name = parameters["DashboardName"]
    _check_name(name)
    document = _find(name, caller, backends)
    if document is None:
        raise _not_found(name)
    return Reply({
        "DashboardArn": dashboard_arn(caller.account_id, caller.region, name),
        "DashboardBody": _DASHBOARD.decode(document.body).body,
        "DashboardName": name,
    })  # fmt: skip


def list_dashboards(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Dashboards by name, a page at a time."""
    place = read_token(parameters.get("NextToken"))
    if place is not None and (len(place) != 1 or not isinstance(place[0], str)):
        raise no_token()
    after = "" if place is None else place[0]
    documents = _all(caller, backends, parameters.get("DashboardNamePrefix", ""))
    found = [_DASHBOARD.decode(one.body) for one in documents]
    found = [one for one in found if one.name > after]
    answer: dict[str, Any] = {
        "DashboardEntries": [
            {
                "DashboardName": one.name,
                "DashboardArn": dashboard_arn(caller.account_id, caller.region, one.name),
                "LastModified": one.modified,
                "Size": len(one.body.encode()),
            }
            for one in found[:_PAGE]
        ]
    }
    if len(found) > _PAGE:
        answer["NextToken"] = token_of(found[_PAGE - 1].name)
    return Reply(answer)


def delete_dashboards(
    parameters: Parameters, caller: Caller, backends: CloudWatchBackends
) -> Reply:
    """All of them, or none."""
    changes: list[Change] = []
    for name in dict.fromkeys(parameters["DashboardNames"]):
        document = _find(name, caller, backends)
        if document is None:
            raise _not_found(name)
        changes.append(Change(DASHBOARD_KIND, document.key, None, expected=document.version))
    return Reply({}, tuple(changes))


def _find(name: str, caller: Caller, backends: CloudWatchBackends) -> Document | None:
    return backends.state.get(DASHBOARD_KIND, f"{caller.account_id}/{name}")


def _all(caller: Caller, backends: CloudWatchBackends, prefix: str = "") -> tuple[Document, ...]:
    return backends.state.list(DASHBOARD_KIND, f"{caller.account_id}/{prefix}")


def _not_found(name: str) -> ApiError:
    return ApiError("DashboardNotFoundError", f"Dashboard {name[:255]} does not exist", 404)


def tag_resource(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Tags added; one of the same key is replaced."""
    tags, keep = _tagged(parameters["ResourceARN"], caller, backends)
    added = {one["Key"]: one["Value"] for one in parameters["Tags"]}
    whole = dict(tags) | added
    checked = tags_of([{"Key": key, "Value": value} for key, value in whole.items()])
    return Reply({}, keep(checked))


def untag_resource(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """Tags removed by key; absent ones are passed over."""
    tags, keep = _tagged(parameters["ResourceARN"], caller, backends)
    gone = set(parameters["TagKeys"])
    return Reply({}, keep(tuple(one for one in tags if one[0] not in gone)))


def list_tags(parameters: Parameters, caller: Caller, backends: CloudWatchBackends) -> Reply:
    """The tags of an alarm or dashboard."""
    tags, _ = _tagged(parameters["ResourceARN"], caller, backends)
    return Reply({"Tags": [{"Key": key, "Value": value} for key, value in tags]})


def _tagged(
    arn: str, caller: Caller, backends: CloudWatchBackends
) -> tuple[Tags, Callable[[Tags], tuple[Change, ...]]]:
    """A resource's tags, and the changes that keep others."""
    partition = partition_of(caller.region)
    alarms = f"arn:{partition}:cloudwatch:{caller.region}:{caller.account_id}:alarm:"
    if arn.startswith(alarms):
        known = find_alarm(arn.removeprefix(alarms), caller, backends)
        if known is not None:
            alarm, version = known.alarm, known.version
            now = round(caller.now.timestamp(), 3)
            return alarm.tags, lambda tags: (
                put_alarm(msgspec.structs.replace(alarm, tags=tags), version),
                put_change(tags_change(alarm, now)),
            )
    boards = dashboard_arn(caller.account_id, caller.region, "")
    if arn.startswith(boards):
        document = _find(arn.removeprefix(boards), caller, backends)
        if document is not None:
            board, version = _DASHBOARD.decode(document.body), document.version
            return board.tags, lambda tags: (
                _kept(msgspec.structs.replace(board, tags=tags), version),
            )
    raise ApiError("ResourceNotFoundException", f"Unknown resource: {arn[:1024]}", 404)
