"""Rows of fixed width in 256 buckets by their first byte, on disk where they are many: what is too much to sort in
memory at once, can be sorted bucket by bucket.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from retally_crypto.engine import records

BUCKETS = range(256)
HELD = 16 << 20
"""Bytes of rows in memory before they go to disk."""


class Partitions:
    """Rows of `width` bytes; files called `name`-<bucket> in `folder` once they are more than HELD."""

    def __init__(self, folder: Path, name: str, width: int) -> None:
        self._folder = folder
        self._name = name
        self._width = width
        self._held = [bytearray() for _ in BUCKETS]
        self._bytes = 0
        self._written: set[int] = set()

    def add(self, rows: bytes) -> None:
        """Adds sorted rows."""
        width, position, count = self._width, 0, len(rows) // self._width
        while position < count:
            first = rows[position * width]
            end = bisect_right(range(count), first, lo=position, key=lambda row: rows[row * width])
            self._held[first] += rows[position * width : end * width]
            position = end
        self._bytes += len(rows)
        if self._bytes >= HELD:
            self._flush()

    def bucket(self, number: int) -> bytes:
        """The rows whose first byte is `number`, sorted."""
        # A file that somebody has removed is an error, not an empty part.
        written = self._path(number).read_bytes() if number in self._written else b""
        return records.sort_records(written + self._held[number], self._width)

    def _flush(self) -> None:
        for number, held in enumerate(self._held):
            if held:
                with self._path(number).open("ab") as file:
                    file.write(held)
                held.clear()
                self._written.add(number)
        self._bytes = 0

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number:02x}"
