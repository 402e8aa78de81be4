"""The lock store: how far each board was ever let out, kept where no backup of the database can take it back.

One small file per board holds the newest signed checkpoint. It is compared and swapped after the database has the
checkpoint and the tiles are written, and before anybody sees it: published, sent to a witness, or given as a receipt.
So whatever left this server is at most as new as its lock, and a database that is behind the lock is an old copy.

The folder belongs on another disk than the data folder if there is one, and **never into the same backup**: a lock
that is restored together with its database guards nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retally_crypto.errors import Unusable
from retally_server.durable import make_folder, write_durably


class LockMovedError(Unusable):
    """The lock is not what this server wrote last: another one publishes this board."""


class BoardLock:
    """The lock of one board."""

    def __init__(self, folder: Path, slug: str) -> None:
        """`folder` need not exist yet."""
        self.path = folder / f"{slug}.checkpoint"

    def read(self) -> bytes | None:
        """The newest checkpoint that was let out, None if there is no lock. OSError if it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def swap(self, expected: bytes | None, new: bytes) -> None:
        """Replaces the lock by `new`; durable on return. LockMovedError unless it holds `expected`, or `new` already.

        `new` may be there when an earlier swap failed after the file was renamed; it is then written once more.
        """
        with self.swapped(expected, new):
            pass

    @contextmanager
    def swapped(self, expected: bytes | None, new: bytes) -> Iterator[None]:
        """As `swap`, and nobody else can swap before this context ends: what is published in it is the newest."""
        with self.alone():
            found = self.read()
            if found not in (expected, new):
                raise LockMovedError(
                    f"the lock {self.path} was changed by somebody else: does a second server publish this board?"
                )
            write_durably(self.path, new)
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until no other process is in this context for this board, however long that takes."""
        make_folder(self.path.parent.resolve())
        handle = os.open(self.path.with_suffix(".guard"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
