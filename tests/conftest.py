"""What holds for every test: names that are the same at each collection, and models of AWS read once."""

from collections import OrderedDict
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader

LONGEST = 40
MODELS = 200


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are told by their length: gzip's hold the time at which they were made."""
    if isinstance(val, bytes) and (len(val) > LONGEST or not val.isascii()):
        return f"{argname}-{len(val)}-bytes"
    return None


class Recent(OrderedDict[Any, Any]):
    """The files of models read last: each new client would read its own for a tenth of a second."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > MODELS:
            self.popitem(last=False)

    def __getitem__(self, key: Any) -> Any:
        self.move_to_end(key)
        return super().__getitem__(key)


class Once(list[str]):
    """Directories of models: boto3 adds its own with each session."""

    def append(self, path: str) -> None:
        if path not in self:
            super().append(path)


LOADER = create_loader()
LOADER._cache = Recent()
LOADER._search_paths = Once(LOADER.search_paths)
botocore.session.create_loader = lambda search_path_string=None: LOADER
