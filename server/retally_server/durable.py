"""Files that are there after a power cut, or not there at all.

`write_durably` makes these system calls on the happy path, in this order:

    openat(folder, ".<name>.<random>", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC)   a name no reader asks for
    write(file, …)                                  until every byte is in
    fsync(file)                                     contents before the name: else an empty file may stay behind
    close(file)
    rename(".<name>.<random>", "<name>")            readers see the old file or the new one, never a part
    open(folder, O_RDONLY|O_DIRECTORY) fsync(folder) close(folder)          the name itself is durable only now

and for a folder that is not there yet `mkdir` and `fsync` of its parent. Why each is needed: Pillai et al., "All File
Systems Are Not Created Equal" (OSDI 2014), and for what fsync promises after it failed once, Rebello et al., "Can
Applications Recover from fsync Failures?" (USENIX ATC 2020): a failed fsync is never tried again on the same file, the
whole write is made anew under a new temporary name.
"""

import contextlib
import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable. OSError if that fails."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Makes a folder and its missing parents, durably. OSError if that fails."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replaces the file at `path` by `content`, atomically and durably. On OSError an old file is untouched."""
    make_folder(path.parent)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            unwritten = memoryview(content)
            while unwritten:
                unwritten = unwritten[os.write(handle, unwritten) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
