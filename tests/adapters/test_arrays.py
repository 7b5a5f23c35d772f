"""Arrays come back from their file; a file that is cut short or another's is told."""

from pathlib import Path

import numpy as np
import pytest

from opentrail.adapters.events.segments.arrays import Arrays, ArraysDamaged, write_arrays


def written(path: Path) -> bytes:
    arrays = {"a": np.arange(100, dtype=np.uint32), "none": np.zeros(0, np.int64),
              "b": np.array([1.5, -2])}  # fmt: skip
    assert write_arrays(path, arrays) == path.stat().st_size
    return path.read_bytes()


def test_arrays_come_back(tmp_path: Path) -> None:
    written(tmp_path / "file")

    found = Arrays(tmp_path / "file")

    # The smallest lies first.
    assert list(found) == ["none", "b", "a"]
    assert found["a"].tolist() == list(range(100))
    assert found["none"].tolist() == []
    assert found["b"].tolist() == [1.5, -2]


@pytest.mark.parametrize("kept", [0, 1, 15, 16, 40, 200, -64])
def test_a_file_that_is_cut_short_is_damaged(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(written(path)[:kept])

    with pytest.raises(ArraysDamaged):
        Arrays(path)


def test_another_s_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"PAR1" * 100)

    with pytest.raises(ArraysDamaged):
        Arrays(tmp_path / "file")
