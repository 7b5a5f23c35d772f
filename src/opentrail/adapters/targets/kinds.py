"""Which kind of target a delivery's target is."""

from __future__ import annotations

from dataclasses import dataclass

from opentrail.adapters.targets.api_call import ApiCallTarget, is_api_call
from opentrail.adapters.targets.email import EmailTarget
from opentrail.adapters.targets.function import FunctionTarget
from opentrail.adapters.targets.upstream import LambdaTarget, LogGroupTarget, QueueTarget
from opentrail.adapters.targets.webhook import WebhookTarget
from opentrail.arn import Arn
from opentrail.errors import InvalidArn
from opentrail.ports.targets.outbox import Kept
from opentrail.ports.targets.target import Answer, Target
from opentrail.targets.mail import MAILTO
from opentrail.targets.webhook import is_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKinds:
    """See ports.targets.target.Targets."""

    webhooks: WebhookTarget
    emails: EmailTarget
    functions: FunctionTarget
    lambdas: LambdaTarget
    queues: QueueTarget
    topics: Target
    log_groups: LogGroupTarget
    calls: ApiCallTarget

    def of(self, target: str) -> Target | None:
        if is_webhook(target):
            return self.webhooks
        if target.startswith(MAILTO):
            return self.emails
        if is_api_call(target):
            return self.calls
        return self._named(target)

    def to_dead_letter(self, kept: Kept) -> Answer:
        return self.queues.to_dead_letter(kept)

    def _named(self, target: str) -> Target | None:
        try:
            arn = Arn.parse(target)
        except InvalidArn:
            return None
        if arn.service == "lambda":
            return self.lambdas if self.functions.find(target) is None else self.functions
        if arn.service == "logs" and not arn.resource.startswith("log-group:"):
            return None
        kinds = {"sqs": self.queues, "sns": self.topics, "logs": self.log_groups}
        return kinds.get(arn.service)
