"""Addresses of e-mail: those that one person's mailbox may have, and targets that name one."""

from __future__ import annotations

import re

from opentrail.errors import InvalidInput

MAILTO = "mailto:"
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")


def check_address(text: str) -> None:
    """Nothing, if the text is the address of one person.

    Raises:
        InvalidInput: it is not; a comma or a line's end would make it more than one.
    """
    if not _ADDRESS.fullmatch(text):
        raise InvalidInput(f"{text[:100]!r} is not an e-mail address")


def is_mail(target: str) -> bool:
    """Whether a target is `mailto:` and the address of one person."""
    return target.startswith(MAILTO) and _ADDRESS.fullmatch(target, len(MAILTO)) is not None
