"""A board up to its opening: read into a record entry by entry, or recalled from what an earlier run has kept (8.4).

    <election>.setup    what every entry came to, then the roll in order; written when the opening is in force

Recalled entries that are in force go through the record again, with all their checks, except for the chunks of the
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
from retally_crypto.rules.findings import CheckResult, Ruling, conclude
from retally_crypto.rules.v03_manifest import v03_unreadable
from retally_crypto.sparse_record import SparseRecord
from retally_crypto.tiles import TILE_WIDTH, decode_bundle
from retally_verify.board import Board
from retally_verify.reading import bundles_between, read_bundle
from retally_verify.roll_on_disk import ROLL_BYTES_AT_ONCE, CredentialsOnDisk, DiskStorage
from retally_verify.whole_files import whole_file

_MAGIC = b"retally-setup-1\n"
_LENGTH = struct.Struct(">Q")
_EVENT = struct.Struct(">c32sI")
"""what it came to, leaf hash, length of what follows: the entry, a chunk's registrar and length, or JSON of kind,
check and reason."""
_IN_FORCE, _CHUNK, _REFUSED = b"E", b"C", b"R"
_CHUNK_OF = struct.Struct(">II")
_AT_ONCE = 1 << 20

RecallRoll = Callable[[], CredentialsOnDisk]
"""Gives the roll as it was when it was complete."""


@dataclass
class Setup:
    """`record` is None where entry 0 is no manifest, and `no_manifest` says so. `opened` is the opening's index, None
    where there is none. `leaf_hashes` are those of all entries up to it, `events` what they came to."""

    record: SparseRecord | None = None
    no_manifest: CheckResult = field(default_factory=lambda: conclude("V03", ("the board has no entry",)))
    manifest_entry: bytes = field(default=b"", repr=False)
    events: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def opened(self) -> int | None:
        return None if self.record is None else self.record.opening_index

    @property
    def leaf_hashes(self) -> bytes:
        """32 bytes for every entry up to the opening."""
        return b"".join(leaf for _, leaf, _ in _events(self.events))

    def take(self, raw: bytes, storage: DiskStorage) -> None:
        """The next entry."""
        if not self.events:
            self.manifest_entry = raw
            try:
                self.record = SparseRecord(raw, storage)
            except RetallyError as error:
                self.no_manifest = v03_unreadable(str(error))
            self.events += _event(_IN_FORCE, leaf_hash(raw), raw)
        elif self.record is not None:
            (ruling,) = self.record.replay([raw])
            if not self.record.manifest_faults:
                self.events += _came_to(raw, ruling)

    def recall(self, what: bytes, leaf: bytes, content: bytes, storage: DiskStorage, roll: RecallRoll) -> None:
        """The next entry, from what it came to."""
        if what == _IN_FORCE:
            self.take(content, storage)
            return
        if self.record is None:
            raise Malformed("a setup begins with its manifest")
        if what == _CHUNK:
            registrar, length = _CHUNK_OF.unpack(content)
            self.record.recall_roll(leaf, registrar, length, roll)
        else:
            self.record.recall_refused(leaf, *json.loads(content))
        self.events += _event(what, leaf, content)


def read_setup(
    board: Board, size: int, storage: DiskStorage, hashed: Callable[[bytes], None], advance: Callable[[int], None]
) -> Setup:
    """The entries up to the opening, or all where there is none. `hashed` is told the leaf hashes of whole ranges
    before the opening's, or of all. Raises NotRead or Contradiction."""
    setup = Setup()
    pending: list[bytes] = []
    for bundle in bundles_between(0, size):
        raw, hashes = read_bundle(board, bundle)
        for entry in decode_bundle(raw, bundle.width):
            setup.take(entry, storage)
            if setup.opened is not None:
                break
        advance(bundle.width)
        pending.append(hashes)
        if setup.opened is not None:
            # The range with the opening is read again as a range.
            return setup
        if len(pending) == WIDTH // TILE_WIDTH:
            hashed(b"".join(pending))
            pending = []
    hashed(b"".join(pending))
    return setup


# ---- kept ----


def keep_setup(path: Path, setup: Setup) -> None:
    """Writes a setup whose opening is in force, whole or not at all."""
    credentials = None if setup.record is None else setup.record.roll.credentials
    if not isinstance(credentials, CredentialsOnDisk):
        raise ValueError("the roll is complete before the opening")
    digest = sha256()
    with whole_file(path) as file:
        head = _MAGIC + _LENGTH.pack(len(setup.events))
        for piece in (head, bytes(setup.events), *credentials.in_order()):
            file.write(piece)
            digest.update(piece)
        file.write(digest.digest())


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
    setup = Setup()

    def roll() -> CredentialsOnDisk:
        credentials = storage.credentials()
        while file.tell() < end:
            credentials.extend_in_order(file.read(min(end - file.tell(), ROLL_BYTES_AT_ONCE)))
        return credentials

    for event in _events(events):
        setup.recall(*event, storage, roll)
    # Entries that the record no longer takes for what they were kept as are read again.
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


def _events(encoded: bytes | bytearray) -> Iterator[tuple[bytes, bytes, bytes]]:
    position = 0
    while position < len(encoded):
        what, leaf, length = _EVENT.unpack_from(encoded, position)
        position += _EVENT.size + length
        yield what, leaf, bytes(encoded[position - length : position])
