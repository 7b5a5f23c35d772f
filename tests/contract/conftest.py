"""One server for the tests that do not need their own."""

from collections.abc import Iterator

import pytest
from running import Running, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("opentrail") / "data") as made:
        yield made
