"""The ARNs that rights are asked for: those of the log groups that a call is about.

A group's ARN ends with `:*`, however the call names the group; it goes without only where tags are
set and listed. Groups that a call names by what it points to (a query by its id, a record by its
pointer, groups by the SOURCE of a query) are looked up, so a group is not read by another way.
Source: service authorization reference, "Actions, resources, and condition keys for Amazon
CloudWatch Logs"; botocore's model, LogGroup.arn and LogGroup.logGroupArn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from opentrail.api.logs.backends import Parameters
from opentrail.api.logs.find import key_of, key_of_identifier
from opentrail.api.logs.queries import QueriesBackends, keys_of_source
from opentrail.api.outcome import Caller
from opentrail.errors import InvalidInput
from opentrail.logs.names import GroupKey
from opentrail.logs.query.errors import MalformedQuery
from opentrail.logs.query.parser import parse
from opentrail.logs.query.pointers import read_pointer

_OF_TAGS = ("TagResource", "UntagResource", "ListTagsForResource")
_OF_MANY = (
    "DescribeLogGroups", "DescribeMetricFilters", "DescribeQueries", "GetQueryResults",
    "ListLogGroups", "StartQuery", "StopQuery",
)  # fmt: skip
"""Operations that are about all groups where they name none."""
_LONGEST_QUERY = 10_000
"""Characters; a longer one is refused later [model]."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Tells what a call is about."""

    backends: QueriesBackends

    def resources(self, operation: str, parameters: Parameters, caller: Caller) -> Iterable[str]:
        """ARNs, or `*`; nothing of `parameters` has been checked.

        Raises:
            ApiError: what should name a group does not.
        """
        keys = self._keys(operation, parameters, caller)
        if keys and operation in _OF_TAGS:
            return [key.arn for key in keys]
        if keys:
            stream = parameters.get("logStreamName")
            return [key.stream_arn(str(stream)) if stream else key.any_arn for key in keys]
        return (key_of("*", caller).any_arn if operation in _OF_MANY else "*",)

    def _keys(self, operation: str, parameters: Parameters, caller: Caller) -> list[GroupKey]:
        found = []
        name = parameters.get("logGroupName")
        if isinstance(name, str) and name:
            found.append(key_of(name, caller))
        for member in ("logGroupIdentifier", "resourceIdentifier"):
            named = parameters.get(member)
            if isinstance(named, str) and named:
                found.append(key_of_identifier(named, caller))
        further = _FURTHER.get(operation)
        if further is not None:
            found += further(parameters, caller, self.backends)
        return list(dict.fromkeys(found))


def _tagged(parameters: Parameters, caller: Caller, _backends: QueriesBackends) -> list[GroupKey]:
    arn = parameters.get("resourceArn")
    return [key_of_identifier(arn, caller)] if isinstance(arn, str) else []


def _asked(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> list[GroupKey]:
    names = [key_of(name, caller) for name in _texts(parameters.get("logGroupNames"))]
    identifiers = _texts(parameters.get("logGroupIdentifiers"))
    named = names + [key_of_identifier(one, caller) for one in identifiers]
    text = parameters.get("queryString")
    if not isinstance(text, str) or len(text) > _LONGEST_QUERY:
        return named
    try:
        source = parse(text).source
    except MalformedQuery:
        return named
    return named if source is None else named + keys_of_source(source, caller, backends)


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _of_query(parameters: Parameters, caller: Caller, backends: QueriesBackends) -> list[GroupKey]:
    query_id = parameters.get("queryId")
    entry = backends.book.find(caller.account_id, query_id) if isinstance(query_id, str) else None
    return [] if entry is None else [key_of(name, caller) for name in entry.groups]


def _pointed_to(
    parameters: Parameters, _caller: Caller, _backends: QueriesBackends
) -> list[GroupKey]:
    pointer = parameters.get("logRecordPointer")
    if not isinstance(pointer, str):
        return []
    try:
        group = read_pointer(pointer).group
    except InvalidInput:
        return []  # the handler refuses it
    return [] if group is None else [group]


_FURTHER: dict[str, Callable[[Parameters, Caller, QueriesBackends], list[GroupKey]]] = {
    "GetLogRecord": _pointed_to,
    "GetQueryResults": _of_query,
    "ListTagsForResource": _tagged,
    "StartQuery": _asked,
    "StopQuery": _of_query,
    "TagResource": _tagged,
    "UntagResource": _tagged,
}
"""Operations that name groups in ways of their own."""
