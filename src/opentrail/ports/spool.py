"""Files that wait on the local disk until their destination takes them."""

from __future__ import annotations

from typing import Protocol


class Spool(Protocol):
    """Named files; small names made by OpenTrail itself."""

    def write(self, name: str, content: bytes) -> None:
        """Durable on return.

        Raises:
            Unavailable: the disk does not take it.
        """
        ...

    def read(self, name: str) -> bytes:
        """The content.

        Raises:
            IntegrityError: the file is gone.
        """
        ...

    def remove(self, name: str) -> None:
        """Gone on return; nothing happens if it was gone already."""
        ...

    def names(self) -> tuple[str, ...]:
        """All files, in no order."""
        ...
