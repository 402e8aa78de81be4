"""Files that are there whole or not at all, for a reader and after a crash of this program.

Not durable: for what can be read from the board again. What cannot, such as kept checkpoints: `durable_files`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which has its name and takes an older one's place when the block is through."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as file:
        yield file
    temporary.replace(path)


def replace_whole(path: Path, content: bytes) -> None:
    """Writes a file or replaces it. Not durable: a crash of the machine may leave anything under its name."""
    with whole_file(path) as file:
        file.write(content)
