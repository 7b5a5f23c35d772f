"""Saved queries: PutQueryDefinition and its fellows.

Source: CloudWatch Logs API reference. A saved query is kept as it was sent: whether it compiles is
told when it is run, since its parameters stand in it as `{{name}}`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opentrail.api.errors import ApiError
from opentrail.api.logs.backends import Parameters, milliseconds
from opentrail.api.logs.find import invalid, too_many
from opentrail.api.logs.pages import answer, page
from opentrail.api.logs.queries import QueriesBackends
from opentrail.api.outcome import Caller, Reply
from opentrail.ports.state import Change

QUERY_DEFINITION_KIND = "query_definition"
"""The state documents of QueryDefinition, keyed by `account/region/id`."""

MOST_DEFINITIONS = 1000
"""Of one account and region [doc]."""


class QueryParameter(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A parameter: `{{name}}` in the query."""

    name: str
    default_value: str | None = None
    description: str | None = None


class QueryDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A saved query.

    Attributes:
        modified: Milliseconds since 1970.
        token: The client's, of the call that made it.
    """

    definition_id: str
    name: str
    text: str
    modified: int
    groups: tuple[str, ...] = ()
    parameters: tuple[QueryParameter, ...] = ()
    language: str = "CWLI"
    token: str = ""


def put_query_definition(
    parameters: Parameters, caller: Caller, backends: QueriesBackends
) -> Reply:
    """The query is saved, or changed where an id is given."""
    known = _all(caller, backends)
    definition_id = parameters.get("queryDefinitionId")
    token = parameters.get("clientToken", "")
    if definition_id is None and token:
        # The same call again makes no second one.
        again = next((one for one, _ in known if one.token == token), None)
        if again is not None:
            return Reply({"queryDefinitionId": again.definition_id})
    version = 0
    if definition_id is None:
        if len(known) >= MOST_DEFINITIONS:
            raise too_many()
        definition_id = backends.ids.request_id()
    else:
        version = _version(definition_id, caller, backends)
    saved = QueryDefinition(
        definition_id=definition_id,
        name=parameters["name"],
        text=parameters["queryString"],
        modified=milliseconds(caller),
        groups=tuple(parameters.get("logGroupNames", ())),
        parameters=_parameters(parameters),
        language=parameters.get("queryLanguage", "CWLI"),
        token=token,
    )
    change = Change(
        QUERY_DEFINITION_KIND,
        _key(caller, definition_id),
        msgspec.json.encode(saved),
        expected=version,
    )
    return Reply({"queryDefinitionId": definition_id}, (change,))


def _parameters(parameters: Parameters) -> tuple[QueryParameter, ...]:
    found = msgspec.convert(parameters.get("parameters", ()), tuple[QueryParameter, ...])
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise invalid("Two parameters of the query have the same name.")
    return found


def describe_query_definitions(
    parameters: Parameters, caller: Caller, backends: QueriesBackends
) -> Reply:
    """Saved queries by name."""
    prefix, language = (
        parameters.get("queryDefinitionNamePrefix", ""),
        parameters.get("queryLanguage"),
    )
    wanted = [
        one
        for one, _ in _all(caller, backends)
        if one.name.startswith(prefix) and language in (None, one.language)
    ]
    paging = {"nextToken": parameters.get("nextToken"), "limit": parameters.get("maxResults", 1000)}
    shown, token = page(wanted, lambda one: (one.name, one.definition_id), paging)
    return Reply(answer("queryDefinitions", [_told(one) for one in shown], token))


def _told(one: QueryDefinition) -> dict[str, Any]:
    told: dict[str, Any] = {
        "queryLanguage": one.language,
        "queryDefinitionId": one.definition_id,
        "name": one.name,
        "queryString": one.text,
        "lastModified": one.modified,
        "logGroupNames": list(one.groups),
    }
    if one.parameters:
        told["parameters"] = msgspec.to_builtins(one.parameters)
    return told


def delete_query_definition(
    parameters: Parameters, caller: Caller, backends: QueriesBackends
) -> Reply:
    """The saved query is gone."""
    definition_id = parameters["queryDefinitionId"]
    version = _version(definition_id, caller, backends)
    change = Change(QUERY_DEFINITION_KIND, _key(caller, definition_id), None, expected=version)
    return Reply({"success": True}, (change,))


def _key(caller: Caller, definition_id: str) -> str:
    return f"{caller.account_id}/{caller.region}/{definition_id}"


def _version(definition_id: str, caller: Caller, backends: QueriesBackends) -> int:
    document = backends.logs.state.get(QUERY_DEFINITION_KIND, _key(caller, definition_id))
    if document is None:
        raise ApiError(
            "ResourceNotFoundException", "The specified query definition does not exist."
        )
    return document.version


def _all(caller: Caller, backends: QueriesBackends) -> list[tuple[QueryDefinition, int]]:
    prefix = f"{caller.account_id}/{caller.region}/"
    return [
        (msgspec.json.decode(one.body, type=QueryDefinition), one.version)
        for one in backends.logs.state.list(QUERY_DEFINITION_KIND, prefix)
    ]
