"""What every command prints by: one console, one way to show a stranger's text.

Fields of records are attacker's text: control and direction-changing characters are shown as
escapes, so that no user agent can move the cursor or hide a line.
"""

from __future__ import annotations

import sys
import unicodedata
from typing import NoReturn

import typer
from rich.console import Console

EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_INTERRUPTED = 130

output = Console(highlight=False, markup=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def safe(text: str) -> str:
    """`text` with control, format and unassigned characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character)[0] not in "CZ" or character == " "
        else character.encode("unicode_escape").decode()
        for character in text
    )


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """End with a message on stderr."""
    messages.print(f"opentrail: {safe(message)}")
    raise typer.Exit(code)


def is_terminal() -> bool:
    """Whether a person reads stdout."""
    return sys.stdout.isatty()
