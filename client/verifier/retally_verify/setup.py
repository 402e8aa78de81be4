"""The first stage of a verification: a board up to its opening, folded entry by entry, or recalled from what an earlier
run has kept (8.4).

    <election>.setup    what every entry came to, then the roll in order; written when the opening is in force

Recalled entries that are in force go through the fold again, with all their checks, except for the chunks of the
roll: they are most of the setup's bytes, and all that matters of them are the sums, which are kept. Of entries that
were refused only the reason is kept. All of them are bound to the board by their leaf hashes, like a kept range.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from retally_crypto.entries import Roll, SignedEntry
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.merkle import leaf_hash
from retally_crypto.ranges import WIDTH
from retally_crypto.rules.findings import CheckResult, Finding, Ruling, conclude, of_the_board
from retally_crypto.rules.fold import begin, rule_one
from retally_crypto.rules.state import BoardState
from retally_crypto.rules.v03_manifest import v03_unreadable
from retally_crypto.rules.v08_roll import v08_recalled_chunk
from retally_crypto.tiles import TILE_WIDTH
from retally_verify.files import Board
from retally_verify.reading import bundles_between, read_bundle
from retally_verify.roll_on_disk import ROLL_BYTES_AT_ONCE, DiskStorage, RollOnDisk
from retally_verify.whole_files import whole_file

_MAGIC = b"retally-setup-1\n"
_LENGTH = struct.Struct(">Q")
_EVENT = struct.Struct(">c32sI")
"""what it came to, leaf hash, length of what follows: the entry, a chunk's registrar and length, or JSON of kind,
check and reason."""
_IN_FORCE, _CHUNK, _REFUSED = b"E", b"C", b"R"
_CHUNK_OF = struct.Struct(">II")
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Setup:
    """A board's entries up to its opening, ruled on, or all of them where no opening is in force.

    `state` is None where entry 0 is no manifest: then `v03` is its check as a whole. `findings` name what was refused.
    `events` are what every entry came to, as `_event` packs them.
    """

    state: BoardState | None
    v03: CheckResult
    manifest_entry: bytes = field(repr=False)
    findings: tuple[Finding, ...]
    events: bytes = field(repr=False)

    @property
    def opened(self) -> int | None:
        """The index of the opening in force."""
        return None if self.state is None else self.state.opening_index

    @property
    def leaf_hashes(self) -> bytes:
        """32 bytes for every entry up to the opening."""
        return b"".join(leaf for _, leaf, _ in _events(self.events))


class _Fold:
    """A `Setup` in the making: entries one by one, as they are or as what they came to."""

    def __init__(self, storage: DiskStorage) -> None:
        self._storage = storage
        self._state: BoardState | None = None
        self._v03 = conclude("V03", of_the_board("V03", "the board has no entry"))
        self._manifest_entry = b""
        self._findings: list[Finding] = []
        self._events = bytearray()

    @property
    def opened(self) -> bool:
        return self._state is not None and self._state.opening_index is not None

    def setup(self) -> Setup:
        return Setup(self._state, self._v03, self._manifest_entry, tuple(self._findings), bytes(self._events))

    def take(self, raw: bytes) -> None:
        """The next entry."""
        if not self._events:
            self._begin(raw)
        elif self._state is not None and self._state.manifest_faults:
            self._state.size += 1
        elif self._state is not None:
            ruling = rule_one(self._state, raw)
            if ruling.check is not None and ruling.reason is not None:
                self._refused(ruling.kind, ruling.check, ruling.reason)
            else:
                self._state.size += 1
            self._events += _came_to(raw, ruling)

    def _begin(self, manifest_entry: bytes) -> None:
        self._manifest_entry = manifest_entry
        try:
            self._state = begin(manifest_entry, self._storage)
        except RetallyError as error:
            self._v03 = v03_unreadable(str(error))
        self._events += _event(_IN_FORCE, leaf_hash(manifest_entry), manifest_entry)

    def recall(self, what: bytes, leaf: bytes, content: bytes, roll: Callable[[], RollOnDisk]) -> None:
        """The next entry, from what it came to; `roll` gives the roll as it was when it was complete."""
        if what == _IN_FORCE:
            self.take(content)
            return
        if self._state is None:
            raise Malformed("a setup begins with its manifest")
        if what == _CHUNK:
            registrar, length = _CHUNK_OF.unpack(content)
            v08_recalled_chunk(self._state, registrar, length, roll)
            self._state.size += 1
        else:
            self._refused(*json.loads(content))
        self._events += _event(what, leaf, content)

    def _refused(self, kind: str | None, check: str, reason: str) -> None:
        state = self._state
        if state is None:
            raise AssertionError("nothing is ruled on without a manifest")
        self._findings.append(Finding(state.size, kind, check, reason))
        state.ballots.entries += kind == "ballot"
        state.size += 1


def read_setup(
    board: Board, size: int, storage: DiskStorage, hashed: Callable[[bytes], None], advance: Callable[[int], None]
) -> Setup:
    """The entries up to the opening, or all where there is none. `hashed` is told the leaf hashes of whole ranges
    before the opening's, or of all. Raises NotRead or Contradiction."""
    fold = _Fold(storage)
    pending: list[bytes] = []
    for bundle in bundles_between(0, size):
        raw, hashes = read_bundle(board, bundle)
        for entry in bundle.entries(raw):
            fold.take(entry)
            if fold.opened:
                break
        advance(bundle.width)
        pending.append(hashes)
        if fold.opened:
            # The range with the opening is read again as a range.
            return fold.setup()
        if len(pending) == WIDTH // TILE_WIDTH:
            hashed(b"".join(pending))
            pending = []
    hashed(b"".join(pending))
    return fold.setup()


# ---- kept ----


def keep_setup(path: Path, setup: Setup) -> None:
    """Writes a setup whose opening is in force, whole or not at all."""
    roll = roll_of(setup)
    digest = sha256()
    with whole_file(path) as file:
        head = _MAGIC + _LENGTH.pack(len(setup.events))
        for piece in (head, setup.events, *roll.rows()):
            file.write(piece)
            digest.update(piece)
        file.write(digest.digest())


def roll_of(setup: Setup) -> RollOnDisk:
    """The roll of a setup whose opening is in force."""
    roll = None if setup.state is None else setup.state.roll.names
    if not isinstance(roll, RollOnDisk):
        raise ValueError("the roll is complete before the opening")
    return roll


def recall_setup(path: Path, size: int, storage: DiskStorage) -> Setup | None:
    """What `keep_setup` has written; None if there is nothing, or it is damaged, or of more than `size` entries."""
    try:
        with path.open("rb") as file:
            end = _sound(file)
            setup = None if end is None else _recalled(file, end, storage)
    except FileNotFoundError:
        return None
    return setup if setup is not None and setup.opened is not None and setup.opened < size else None


def _recalled(file: BinaryIO, end: int, storage: DiskStorage) -> Setup | None:
    file.seek(len(_MAGIC))
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    events = file.read(length)
    fold = _Fold(storage)

    def rows() -> Iterator[bytes]:
        while file.tell() < end:
            yield file.read(min(end - file.tell(), ROLL_BYTES_AT_ONCE))

    for event in _events(events):
        fold.recall(*event, lambda: storage.roll(rows()))
    setup = fold.setup()
    # Entries that the rules no longer take for what they were kept as are read again.
    return setup if setup.events == events else None


def _sound(file: BinaryIO) -> int | None:
    """Where the roll ends, if the file is what was written."""
    file.seek(0, 2)
    end = file.tell() - 32
    file.seek(0)
    digest, left = sha256(), end
    while left > 0:
        piece = file.read(min(_AT_ONCE, left))
        digest.update(piece)
        left -= len(piece)
    return end if end > 0 and file.read() == digest.digest() else None


def _came_to(raw: bytes, ruling: Ruling) -> bytes:
    content = ruling.entry.content if isinstance(ruling.entry, SignedEntry) else None
    if ruling.check is not None:
        return _event(_REFUSED, leaf_hash(raw), json.dumps([ruling.kind, ruling.check, ruling.reason]).encode())
    if isinstance(content, Roll):
        return _event(_CHUNK, leaf_hash(raw), _CHUNK_OF.pack(content.registrar, len(content.styles)))
    return _event(_IN_FORCE, leaf_hash(raw), raw)


def _event(what: bytes, leaf: bytes, content: bytes) -> bytes:
    return _EVENT.pack(what, leaf, len(content)) + content


def _events(encoded: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    position = 0
    while position < len(encoded):
        what, leaf, length = _EVENT.unpack_from(encoded, position)
        position += _EVENT.size + length
        yield what, leaf, encoded[position - length : position]
