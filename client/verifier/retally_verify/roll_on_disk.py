"""The roll in files, so that a verifier's memory does not grow with the electorate.

In roll order once, for the digest that the opening names, and by name in `Partitions`, to be settled bucket by bucket
with the ballots' rows, and to look single credentials up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator
from itertools import count, groupby
from pathlib import Path
from typing import BinaryIO, cast

from retally_crypto.chains import ROLL_ROW, position_of
from retally_crypto.engine import records
from retally_crypto.rules.state import IN_ORDER
from retally_verify.partitions import BUCKETS, Partitions

SMALL = 1 << 20
ROLL_BYTES_AT_ONCE = IN_ORDER.size << 14


class DiskStorage:
    """A verifier's `Storage`: files in `folder` as soon as they are no longer small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def spool(self) -> BinaryIO:
        return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SMALL, dir=str(self._folder)))

    def roll(self, rows: Iterable[bytes]) -> RollOnDisk:
        return RollOnDisk(rows, self.spool(), Partitions(self._folder, f"roll-{next(self._numbers)}", ROLL_ROW.size))


class RollOnDisk:
    """A roll (`rules.state.Roll`) in the files given, which are empty and nobody else's. `rows` are IN_ORDER."""

    def __init__(self, rows: Iterable[bytes], in_order: BinaryIO, by_name: Partitions) -> None:
        self._file = in_order
        self._by_name = by_name
        self._length = 0
        for some in rows:
            in_order.write(some)
            placed = [
                ROLL_ROW.pack(name, position, style)
                for position, (name, style) in enumerate(IN_ORDER.iter_unpack(some), start=self._length)
            ]
            by_name.add(records.sort_records(b"".join(placed), ROLL_ROW.size))
            self._length += len(placed)

    def __len__(self) -> int:
        return self._length

    def style_of(self, name: bytes) -> int | None:
        return dict(self.styles_of([name] if name else [])).get(name)

    def styles_of(self, names: Collection[bytes]) -> Iterator[tuple[bytes, int]]:
        """(credential, style's index) of those among these names that are on the roll."""
        for number, some in groupby(sorted(names), key=lambda name: name[0]):
            bucket = self.bucket(number)
            for name in some:
                found = position_of(name, bucket)
                if found is not None:
                    yield name, found[1]

    def in_order(self) -> Iterator[tuple[bytes, int]]:
        for rows in self.rows():
            yield from IN_ORDER.iter_unpack(rows)

    def rows(self) -> Iterator[bytes]:
        """The rows that the roll was made of, some at a time."""
        for at in range(0, self._length * IN_ORDER.size, ROLL_BYTES_AT_ONCE):
            self._file.seek(at)
            yield self._file.read(min(ROLL_BYTES_AT_ONCE, self._length * IN_ORDER.size - at))

    def bucket(self, number: int) -> bytes:
        """The credentials whose first byte is `number`, sorted (`chains.ROLL_ROW`)."""
        return self._by_name.bucket(number)

    def first_repeated(self) -> int | None:
        positions = []
        for number in BUCKETS:
            roll = self.bucket(number)
            repeated = records.repeated_records(records.cut_records(roll, ROLL_ROW.size, 0, 32), 32)
            for at in range(0, len(repeated), 32):
                name = repeated[at : at + 32]
                places = sorted(position for other, position, _ in ROLL_ROW.iter_unpack(roll) if other == name)
                positions.append(places[1])
        return min(positions, default=None)
