"""Functions that run here: a program, or a Python handler `(event, context)`.

They have ARNs as Lambda's, so that rules, alarms and subscriptions name them as they name those.
"""

from __future__ import annotations

import re

import msgspec

from opentrail.arn import Arn, partition_of
from opentrail.errors import InvalidArn, InvalidInput

FUNCTION_KIND = "function"
"""State documents of functions; their keys are "account/region/name"."""

LONGEST_SECONDS = 900
"""As Lambda."""

RETRIES = 2
"""Runs after one that failed, as Lambda for asynchronous calls."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HANDLER = re.compile(r"(/[^\0:]{1,1000}):([A-Za-z_][A-Za-z0-9_]{0,100})")


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function's definition.

    Attributes:
        command: Program and arguments, without a shell; () for a Python handler.
        python: Absolute path of a file, `:` and the handler's name; "" for a command.
        role: ARN of the role whose credentials it gets, "" for none.
        dry_run: It is told as if it ran, and does not.
        needs_approval: A person has to allow each run.
    """

    name: str
    account_id: str
    region: str
    command: tuple[str, ...] = ()
    python: str = ""
    timeout_seconds: int = 30
    role: str = ""
    dry_run: bool = False
    needs_approval: bool = False

    @property
    def arn(self) -> str:
        """As Lambda's."""
        partition = partition_of(self.region)
        return f"arn:{partition}:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def key(self) -> str:
        """Of its state document."""
        return f"{self.account_id}/{self.region}/{self.name}"

    @property
    def handler(self) -> tuple[str, str]:
        """File and name of a Python handler."""
        file, _, name = self.python.rpartition(":")
        return file, name


def checked(function: Function) -> Function:
    """The function, if it can be run.

    Raises:
        InvalidInput: it can't; the message says what is wrong.
    """
    if not _NAME.fullmatch(function.name):
        raise InvalidInput(
            f"function name {function.name[:100]!r}: expected 1 to 64 letters, digits, - or _"
        )
    if bool(function.command) == bool(function.python):
        raise InvalidInput(
            f"function {function.name} needs a command or a Python handler, not both"
        )
    if function.python and not _HANDLER.fullmatch(function.python):
        raise InvalidInput(
            f"Python handler {function.python[:200]!r}: expected an absolute path, a colon and a "
            "name, as /srv/respond.py:handler"
        )
    if not 1 <= function.timeout_seconds <= LONGEST_SECONDS:
        raise InvalidInput(
            f"time-out {function.timeout_seconds} s is not between 1 and {LONGEST_SECONDS}"
        )
    if function.role:
        check_role(function.role, function.account_id)
    return function


def check_role(role: str, account_id: str) -> None:
    """Nothing, if a role can act for an account.

    Raises:
        InvalidInput: the text is no role's ARN, or it is a role of another account: whoever may
            write rules in one account would else act in the other.
    """
    try:
        arn = Arn.parse(role)
    except InvalidArn as cause:
        raise InvalidInput(f"role {role[:200]!r} is not an ARN") from cause
    if arn.service != "iam" or not arn.resource.startswith("role/"):
        raise InvalidInput(f"{role[:200]} is not the ARN of a role")
    if arn.account != account_id:
        raise InvalidInput(f"role {role[:200]} is not of account {account_id}")


def function_key(target: str) -> str:
    """The key of the function that an ARN of Lambda names, without version or alias; "" if none."""
    try:
        arn = Arn.parse(target)
    except InvalidArn:
        return ""
    kind, _, name = arn.resource.partition(":")
    if arn.service != "lambda" or kind != "function":
        return ""
    return f"{arn.account}/{arn.region}/{name.partition(':')[0]}"
