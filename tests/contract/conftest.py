"""One server for the tests that do not need their own."""

import signal
from collections.abc import Iterator

import pytest
from running import FORKING, Running, running

LONGEST = (
    "test_kill.py", "test_terraform.py", "test_responses_killed.py", "test_insights_weeks.py",
    "test_insights_story.py", "test_event_store_proof.py", "test_event_rules.py",
    "test_audit_tools.py", "test_import_logs.py", "test_sessions.py",
)  # fmt: skip
"""Files that take a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: none is left to the end, when the other processes are done."""
    items.sort(
        key=lambda one: LONGEST.index(one.path.name) if one.path.name in LONGEST else len(LONGEST)
    )


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs started here can be interrupted, also where a shell runs the tests in the background.

    Such a shell has its children ignore SIGINT, and theirs inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def forking() -> Iterator[None]:
    """What forks the commands ends with the tests."""
    yield
    for one in FORKING.values():
        one.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("opentrail") / "data") as made:
        yield made
