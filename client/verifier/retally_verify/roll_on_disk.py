"""The roll and everybody's chain in files, so that a verifier's memory does not grow with the electorate.

In roll order once, for the digest that the opening names, and by name in `Partitions`, to be settled part by part with
the ballots' rows. Only credentials about which more has to be known are held in memory, as the checks know them: those
that were looked at before the ballots are settled, or that are set `apart`.
"""

from __future__ import annotations

import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from retally_crypto.chains import INDEX, ROLL_ROW, Settled, chain_of, position_of, settle
from retally_crypto.engine import records
from retally_crypto.manifest import Manifest
from retally_crypto.ranges import ROW
from retally_crypto.rules.state import BoardState, Credential, Credentials
from retally_crypto.tally import Tally
from retally_verify.partitions import PARTS, Partitions

SMALL = 1 << 20
_IN_ORDER = struct.Struct(">32sH")
ROLL_BYTES_AT_ONCE = _IN_ORDER.size << 14

TakeOut = Callable[[bytes, Tally], None]
"""Takes the ballots at these indices, as `chains.INDEX` packs them, in order, out of a tally."""


class DiskStorage:
    """A verifier's `Storage`: files in `folder` as soon as they are no longer small."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rolls = 0

    def spool(self) -> BinaryIO:
        return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SMALL, dir=str(self._folder)))

    def credentials(self) -> CredentialsOnDisk:
        self._rolls += 1
        return CredentialsOnDisk(self._folder, self.spool(), str(self._rolls))


class CredentialsOnDisk(Credentials):
    """See the module's docstring. First the roll, then `expect`, `add` for every range, `set_apart` and `settle`."""

    def __init__(self, folder: Path, in_order: BinaryIO, name: str) -> None:
        self._in_order = in_order
        self._extended = 0
        self._roll = Partitions(folder, f"roll-{name}", ROLL_ROW.size)
        self._held: dict[bytes, Credential] = {}
        self._replacements: list[bytes] = []
        self._settled: Settled | None = None
        self._end = 0
        self._rows = Partitions(folder, f"rows-{name}", ROW.size)
        self._apart: set[bytes] = set()
        self._styles: list[str] = []
        self._sums: Tally | None = None
        self._take_out: TakeOut | None = None

    # ---- as a mapping ----

    def __getitem__(self, name: bytes) -> Credential:
        if name in self._held:
            return self._held[name]
        found = position_of(name, self._roll.part(name[0])) if name else None
        if found is None:
            raise KeyError(name)
        if self._settled is not None:
            return chain_of(name, found[1], self._rows.part(name[0]), self._end, self._styles)
        self._held[name] = Credential(found[1])
        return self._held[name]

    def __iter__(self) -> Iterator[bytes]:
        yield from (name for name, _ in self._roll_order())
        yield from self._replacements

    def __len__(self) -> int:
        return self._extended + len(self._replacements)

    def active(self) -> Iterator[tuple[bytes, int]]:
        for name, style in self._roll_order():
            if name not in self._held or self._held[name].active:
                yield name, style
        for name in self._replacements:
            if self._held[name].active:
                yield name, self._held[name].style

    def _roll_order(self) -> Iterator[tuple[bytes, int]]:
        for rows in self.in_order():
            yield from _IN_ORDER.iter_unpack(rows)

    def in_order(self) -> Iterator[bytes]:
        """The roll as it was when it was complete, some rows of credential and style at a time."""
        for at in range(0, self._extended * _IN_ORDER.size, ROLL_BYTES_AT_ONCE):
            self._in_order.seek(at)
            yield self._in_order.read(min(ROLL_BYTES_AT_ONCE, self._extended * _IN_ORDER.size - at))

    # ---- the roll ----

    def extend(self, names: bytes, styles: Sequence[int]) -> None:
        self.extend_in_order(
            b"".join(_IN_ORDER.pack(names[32 * at : 32 * at + 32], style) for at, style in enumerate(styles))
        )

    def extend_in_order(self, rows: bytes) -> None:
        """As `extend`, with rows as `in_order` gives them."""
        self._in_order.seek(self._extended * _IN_ORDER.size)
        self._in_order.write(rows)
        placed = [
            ROLL_ROW.pack(name, position, style)
            for position, (name, style) in enumerate(_IN_ORDER.iter_unpack(rows), start=self._extended)
        ]
        self._roll.add(records.sort_records(b"".join(placed), ROLL_ROW.size))
        self._extended += len(placed)

    def first_repeated(self) -> int | None:
        positions = []
        for number in PARTS:
            roll = self._roll.part(number)
            repeated = records.repeated_records(records.cut_records(roll, ROLL_ROW.size, 0, 32), 32)
            for at in range(0, len(repeated), 32):
                name = repeated[at : at + 32]
                positions.append(
                    sorted(position for other, position, _ in ROLL_ROW.iter_unpack(roll) if other == name)[1]
                )
        return min(positions, default=None)

    def replace(self, name: bytes, credential: Credential) -> None:
        self._held[name] = credential
        self._replacements.append(name)

    # ---- the voting ----

    def expect(self, manifest: Manifest, take_out: TakeOut) -> None:
        """Rows and sums will follow; `take_out` is asked for the ballots that do not count."""
        self._sums = Tally(manifest)
        self._take_out = take_out

    def add(self, manifest: Manifest, rows: bytes, sums: dict[int, bytes]) -> None:
        """One range's rows and sums."""
        if self._sums is None:
            raise ValueError("nothing is expected")
        self._rows.add(rows)
        for style, total in sums.items():
            self._sums.accept(manifest.styles[style].district, total)

    def rows(self, part: int) -> bytes:
        """The rows of the ballots of one part of the credentials."""
        return self._rows.part(part)

    def set_apart(self, names: set[bytes]) -> set[bytes]:
        """These are ruled on ballot by ballot, whether or not they are on the roll, and with them those that the setup
        has looked at: it may have revoked or replaced them. Returns all of them."""
        self._apart = names | set(self._held)
        return self._apart

    def settle(self, state: BoardState, end: int) -> Settled:
        """Settles the ballots of all credentials that are not apart, the voting ending at index `end`."""
        self._styles = [style.id for style in state.manifest.styles]
        settled = Settled()
        for number in PARTS:
            rows = self._rows.part(number)
            if rows:
                settle(self._roll.part(number), rows, self._apart, end, self._styles, settled)
        state.ballots.accepted += settled.accepted
        state.ballots.superseded += settled.superseded
        self._settled, self._end = settled, end
        return settled

    @property
    def settled(self) -> Settled | None:
        return self._settled

    def voted(self) -> int:
        known = sum(bool(credential.ballots) for credential in self._held.values())
        return known + (self._settled.counted.total() if self._settled else 0)

    def count(self, state: BoardState) -> tuple[Counter[str], Tally]:
        if self._sums is None or self._take_out is None:
            raise ValueError("no ballots were read")
        settled = self.settle(state, state.size)
        districts = [style.district for style in state.manifest.styles]
        per_district: Counter[str] = Counter()
        for style, number in settled.counted.items():
            per_district[districts[style]] += number
        self._take_out(records.sort_records(bytes(settled.out), INDEX.size), self._sums)
        for credential in self._held.values():
            if credential.ballots:
                per_district[districts[credential.style]] += 1
                self._sums.accept(districts[credential.style], credential.last_ciphertexts)
        return per_district, self._sums
