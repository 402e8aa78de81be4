"""One file of a board's folder, from an archive that a stranger may have packed (docs/spec, 3.1).

Only regular files are read. A named pipe would keep a reader waiting for ever, a device may never end or may act when
it is opened, and a symbolic link can lead to either: what the file is, is asked before it is opened, and again of what
was opened, which never waits. A link that stays within the folder is followed, because people who keep several copies
of a board save space with them; one that leads out of it is not, because the folder then is not the board's record, and
a packed link would choose which file of this machine is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a link that leads back to itself",
}


class NotRegular(OSError):
    """Something else than a regular file within the folder; `strerror` says what."""

    def __init__(self, what: str) -> None:
        super().__init__(None, what)


def read_within(folder: Path, path: str, limit: int) -> bytes:
    """At most `limit` bytes from the beginning of the file at `path` below `folder`.

    Raises FileNotFoundError or NotADirectoryError if there is none, NotRegular if it is no regular file of the folder,
    OSError if it cannot be read.
    """
    root = os.path.realpath(folder)
    place = os.path.realpath(os.path.join(root, path))
    if os.path.commonpath([root, place]) != root:
        raise NotRegular("it is a link that leads out of the folder; copy there the file that it stands for")
    _demand_regular(os.lstat(place))
    handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        _demand_regular(os.fstat(handle))
        return file.read(limit)


def _demand_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise NotRegular(f"it is {kind}, not a regular file")
