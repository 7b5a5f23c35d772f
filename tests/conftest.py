"""Names of tests that are the same each time they are collected."""

import pytest

LONGEST = 40


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are told by their length: gzip's hold the time at which they were made."""
    if isinstance(val, bytes) and (len(val) > LONGEST or not val.isascii()):
        return f"{argname}-{len(val)}-bytes"
    return None
