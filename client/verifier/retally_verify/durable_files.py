"""Files of what cannot be read from the board again: there whole or not at all, after a crash of the machine too.

    replace_durably    kept checkpoints and journals
    create_durably     a file that must not be there yet: keys, ballots, evidence

A durable write is, in this order,

    open(".<name>.<pid>", O_WRONLY|O_CREAT|O_EXCL) write fsync   contents before the name: else an empty file may stay
    rename(".<name>.<pid>", "<name>")                            readers see the old file or the new one
    open(folder, O_RDONLY|O_DIRECTORY) fsync                     the name itself is durable only now

(Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014). `create_durably` needs no rename: it writes under
the name itself, which nobody reads yet, and takes it away again if it fails. What can be read again: `whole_files`.
"""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600
"""The mode of a file that only its owner can read."""

SHARED = 0o666
"""The mode of a file that whoever the umask allows can read."""


def replace_durably(path: Path, content: bytes, mode: int = SHARED) -> None:
    """Writes a file or replaces it, durable when this returns: after a crash it is the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    create_durably(temporary, content, mode)
    temporary.replace(path)
    _sync_folder(path)


def create_durably(path: Path, content: bytes, mode: int = SHARED) -> None:
    """A new file, durable when this returns. Raises FileExistsError if there is one, or a link of that name."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    _sync_folder(path)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
