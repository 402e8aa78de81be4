"""Where a board's static files are: a local folder, or a bucket that speaks S3 (`object_storage`).

Both promise the same: what `keep` and `replace` have returned from is durable, a reader finds a whole file or none, and
every failure is an OSError, after which the same may be tried again. Names come from `board_files` alone and are
checked all the same.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from retally_crypto.errors import Unusable
from retally_server.durable import write_durably

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


class FolderStorage:
    """A folder on a local disk (`durable`)."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / checked_name(name)).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        damaged = []
        for name, content in files:
            there = self.read(name)
            if there != content:
                if there is not None:
                    damaged.append(name)
                write_durably(self.folder / name, content)
        return damaged

    def replace(self, name: str, content: bytes, older: Callable[[bytes], bool]) -> None:
        there = self.read(name)
        if there is not None and there != content and not older(there):
            raise OSError(f"{name} is newer than what was to replace it")
        write_durably(self.folder / checked_name(name), content)

    def remove_partials(self, name: str) -> None:
        shutil.rmtree(self.folder / f"{checked_name(name)}.p", ignore_errors=True)


def open_storage(place: str | None, folder: Path, slug: str, checkpoint_seconds: int) -> TileStorage:
    """The storage of the board `slug`: at `place` (s3://bucket/prefix), or in `folder` where there is none.

    Raises Unusable if the place is none, or the library for it is not installed.
    """
    if place is None:
        return FolderStorage(folder / slug)
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Unusable("tiles: not of the form s3://bucket/prefix; credentials come from the environment (AWS_…)")
    try:
        from retally_server.board.object_storage import open_bucket
    except ImportError as error:
        raise Unusable("tiles: the package obstore is missing (retally-server[object-storage])") from error
    return open_bucket(parts.hostname, f"{parts.path.strip('/')}/{slug}".strip("/"), checkpoint_seconds)


def checked_name(name: str) -> str:
    """The name itself. ValueError if it is none of a board's files."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no file of a board")
    return name
