"""Functions that run here (see targets.function)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from opentrail.adapters.targets.calls import ServerCalls
from opentrail.adapters.targets.running import Run, run_function
from opentrail.errors import InvalidInput, Unavailable
from opentrail.ports.state import StateStore
from opentrail.ports.targets.outbox import ANSWER_BYTES, Delivery
from opentrail.ports.targets.target import NO_TERMS, Answer, Outcome, Target, Terms
from opentrail.targets.function import FUNCTION_KIND, RETRIES, Function, function_key


class FunctionTarget(Target):
    """See ports.targets.target."""

    event_name = "FunctionRun"

    def __init__(self, state: StateStore, calls: ServerCalls) -> None:
        self._state = state
        self._calls = calls

    def find(self, target: str) -> Function | None:
        """The function of that ARN, None if it is not one that runs here."""
        key = function_key(target)
        document = self._state.get(FUNCTION_KIND, key) if key else None
        return None if document is None else msgspec.json.decode(document.body, type=Function)

    def terms(self, delivery: Delivery) -> Terms:
        function = self.find(delivery.target)
        if function is None:
            return NO_TERMS
        return Terms(
            dry_run=function.dry_run,
            needs_approval=function.needs_approval,
            max_attempts=RETRIES,
        )

    def send(self, delivery: Delivery, now: datetime) -> Answer:  # noqa: ARG002 - the port's
        function = self.find(delivery.target)
        if function is None:
            raise InvalidInput(f"there is no function {delivery.target[:200]} any more")
        if function.account_id != delivery.account_id:
            raise InvalidInput(f"{function.arn} is not of account {delivery.account_id}")
        environment = self._environment(function, delivery)
        try:
            run = run_function(function, delivery.payload, delivery.id, environment)
        except OSError as cause:  # no process, no file descriptor, no room for the event
            raise Unavailable(f"{function.name} can't be run: {cause}", code="NotRun") from cause
        return _answer(run)

    def _environment(self, function: Function, delivery: Delivery) -> Mapping[str, str]:
        """What SDKs look for; a key only if the function has a role."""
        found = {
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "OPENTRAIL_DELIVERY_ID": delivery.id,
            "OPENTRAIL_CAUSE": delivery.cause,
        }
        if function.role:
            key = self._calls.assume(function.role, delivery.id, function.region)
            found |= {
                "AWS_ENDPOINT_URL": self._calls.endpoint,
                "AWS_ACCESS_KEY_ID": key.access_key_id,
                "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
                "AWS_SESSION_TOKEN": key.session_token,
            }
            if self._calls.ca_bundle:
                found["AWS_CA_BUNDLE"] = self._calls.ca_bundle
        return found


def _answer(run: Run) -> Answer:
    if run.succeeded:
        content = run.result or run.output
        return Answer(
            outcome=Outcome.DELIVERED,
            status=run.status,
            content=content[:ANSWER_BYTES],
            acted=True,
        )
    return Answer(
        outcome=Outcome.FAILED,
        status=run.status,
        detail=f"the function ended with {run.status}",
        content=run.output[-ANSWER_BYTES:],  # what went wrong stands at the end
        acted=True,
    )
