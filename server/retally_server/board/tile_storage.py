"""What a board asks of the place where its static files are: a local folder (`folder_storage`) or a bucket
(`object_storage`), of which `storage_places` opens one.

Both promise the same: what `keep` and `replace` have returned from is durable, a reader finds a whole file or none, and
every failure is an OSError, after which the same may be tried again. Names come from `board_files` alone and are
checked all the same.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

_NAME = re.compile(r"checkpoint(\.[a-z]+)?|tile/[0-9a-z]+(/x?[0-9]{3})+(\.p/[0-9]{1,3})?")


class TileStorage(Protocol):
    """The files of one board. May be used from several threads."""

    def read(self, name: str) -> bytes | None:
        """A file, None if it is not there. OSError if the storage does not answer."""
        ...

    def keep(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        """Makes these files hold this content for good; returns the names of those that held another."""
        ...

    def replace(self, name: str, content: bytes, older: Callable[[bytes], bool]) -> None:
        """Replaces a file. OSError if `older` says of the one that is there that it is not older than `content`."""
        ...

    def remove_partials(self, name: str) -> None:
        """Removes the partial tiles of the full tile `name`; one that stays does no harm."""
        ...


def checked_name(name: str) -> str:
    """The name itself. ValueError if it is none of a board's files."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no file of a board")
    return name
