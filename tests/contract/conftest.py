"""One server for the tests that do not need their own."""

import signal
from collections.abc import Iterator

import pytest
from running import FORKING, Running, running


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
