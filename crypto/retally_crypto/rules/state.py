"""What is in force on a board after some of its entries: the memory that the checks of page 8 read and change.

Nothing here decides, and nothing reads a file of its own accord. The registrars' lists and the roll that they sum to
are behind a `Storage`, because a verifier keeps them on disk; whatever else has to be known of a credential is in
memory, and only of those of which there is more to say than the roll does (`RollState.known`). Ballots' bytes are not
kept: for each credential that voted the hash of its last body and its last ciphertexts remain, because that ballot is
the one that counts unless another follows (7.1).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import BinaryIO, Protocol

from retally_crypto.ballots import READ, ballot_form
from retally_crypto.credentials import RollHasher, roll_positions
from retally_crypto.engine import Form
from retally_crypto.entries import (
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianShares,
    PaperCount,
    PartialDecryption,
    Result,
    RollCommitment,
)
from retally_crypto.manifest import Manifest, layout
from retally_crypto.merkle import leaf_hash
from retally_crypto.rules.ballot import NO_BALLOT, Chain
from retally_crypto.rules.findings import Finding
from retally_crypto.rules.phases import Phase
from retally_crypto.rules.results import Combination, Counting

IN_ORDER = struct.Struct(">32sH")
"""credential, style's index: a row of the roll in its order."""


@dataclass(slots=True)
class Credential:
    """One credential that was ever on the roll: its style's index, whether it is active, and its chain."""

    style: int
    active: bool = True
    last_body_hash: bytes = NO_BALLOT
    last_ciphertexts: bytes = b""
    ballots: list[int] = field(default_factory=list)

    @property
    def chain(self) -> Chain:
        return Chain(self.style, self.active, self.last_body_hash)


class Roll(Protocol):
    """The credentials that the registrars' parts sum to, in order. It never changes: what becomes of them is in
    `RollState`."""

    def __len__(self) -> int: ...

    def style_of(self, name: bytes) -> int | None:
        """The index of a credential's style; None if it is not among them."""

    def in_order(self) -> Iterator[tuple[bytes, int]]:
        """(credential, style's index) of each."""

    def first_repeated(self) -> int | None:
        """The first position whose credential stands at an earlier one."""


class RollInMemory:
    """A `Roll` of some hundred bytes a credential. `rows` are IN_ORDER."""

    def __init__(self, rows: Iterable[bytes]) -> None:
        self._styles: dict[bytes, int] = {}
        self._repeated: int | None = None
        self._length = 0
        for some in rows:
            for name, style in IN_ORDER.iter_unpack(some):
                if name in self._styles and self._repeated is None:
                    self._repeated = self._length
                self._styles[name] = style
                self._length += 1

    def __len__(self) -> int:
        return self._length

    def style_of(self, name: bytes) -> int | None:
        return self._styles.get(name)

    def in_order(self) -> Iterator[tuple[bytes, int]]:
        return iter(self._styles.items())

    def first_repeated(self) -> int | None:
        return self._repeated


class RegistrarsList:
    """What one registrar has revealed so far: parts and styles by position, 36 bytes each (5.6)."""

    def __init__(self, spool: BinaryIO) -> None:
        self._spool = spool
        self.length = 0

    def append(self, parts: bytes, styles: Sequence[int]) -> None:
        self._spool.seek(36 * self.length)
        self._spool.write(roll_positions(parts, styles))
        self.length += len(styles)

    def truncate(self, length: int) -> None:
        self.length = length

    def forget(self) -> None:
        """Let go of the rows; the length stays."""
        self._spool.close()

    def parts(self, first: int, end: int) -> bytes:
        """The parts of positions first..end-1, 32 bytes each."""
        return b"".join(row[:32] for row in self._rows(first, end))

    def styles(self, first: int, end: int) -> list[int]:
        """The style indices of positions first..end-1, fewer where the list ends before."""
        return [int.from_bytes(row[32:], "little") for row in self._rows(first, min(end, self.length))]

    def _rows(self, first: int, end: int) -> list[bytes]:
        if first >= end:
            return []
        self._spool.seek(36 * first)
        rows = self._spool.read(36 * (end - first))
        return [rows[at : at + 36] for at in range(0, len(rows), 36)]


class Storage(Protocol):
    """Where that is kept which grows with the electorate while the roll is being made."""

    def spool(self) -> BinaryIO:
        """A file to write and read, empty."""

    def roll(self, rows: Iterable[bytes]) -> Roll:
        """The roll with these rows (IN_ORDER)."""


class Memory:
    """Everything in memory: the server's choice."""

    def spool(self) -> BinaryIO:
        return io.BytesIO()

    def roll(self, rows: Iterable[bytes]) -> Roll:
        return RollInMemory(rows)


@dataclass
class CeremonyState:
    """Ceremony entries in force (4.2), by guardian; complaints and answers by (complainant, accused).

    `commitment_entry_hashes` are SHA-256 of the whole commitment entries, which sealed shares are bound to (5.2).
    """

    commitments: dict[int, GuardianCommitment] = field(default_factory=dict)
    shares: dict[int, GuardianShares] = field(default_factory=dict)
    complaints: dict[tuple[int, int], GuardianComplaint] = field(default_factory=dict)
    answers: dict[tuple[int, int], GuardianAnswer] = field(default_factory=dict)
    confirmations: set[int] = field(default_factory=set)
    leaf_hashes: list[bytes] = field(default_factory=list)
    commitment_entry_hashes: dict[int, bytes] = field(default_factory=dict)
    void: list[Finding] = field(default_factory=list)

    def remember(self, raw: bytes) -> None:
        """Add an entry to the transcript that the guardians confirm (5.4)."""
        self.leaf_hashes.append(leaf_hash(raw))


@dataclass
class RollState:
    """Registrars' commitments and parts, and once they are complete the credentials in roll order (5.6, 5.7).

    `lists` hold what each registrar has revealed so far, and `hashers` have hashed it, as its commitment demands.
    `void` says what is wrong with the lists once they were complete and gave no roll. `names` is the roll; `known` are
    the credentials that have voted, were revoked or replaced, or came by a replacement: those are `added`, in order.
    `opened` is the digest of the active credentials after so many revocations and replacements.
    """

    storage: Storage

    commitments: dict[int, RollCommitment] = field(default_factory=dict)
    hashers: dict[int, RollHasher] = field(default_factory=dict)
    lists: dict[int, RegistrarsList] = field(default_factory=dict)
    void: str | None = None
    names: Roll | None = None
    known: dict[bytes, Credential] = field(default_factory=dict)
    added: list[bytes] = field(default_factory=list)
    active: int = 0
    revocations: int = 0
    replacements: int = 0
    opened: tuple[int, bytes] | None = None

    @property
    def complete(self) -> bool:
        return self.names is not None

    def find(self, name: bytes) -> Credential | None:
        """The credential of that name, None if it was never on the roll. Whoever changes it puts it into `known`."""
        if name in self.known:
            return self.known[name]
        style = None if self.names is None else self.names.style_of(name)
        return None if style is None else Credential(style)

    def everyone(self) -> Iterator[bytes]:
        """Every credential that was ever on the roll: in roll order, replacements last."""
        yield from (name for name, _ in (self.names.in_order() if self.names is not None else ()))
        yield from self.added

    def active_ones(self) -> Iterator[tuple[bytes, int]]:
        """(credential, style's index) of every active one: in roll order, replacements last."""
        for name, style in self.names.in_order() if self.names is not None else ():
            if name not in self.known or self.known[name].active:
                yield name, style
        for name in self.added:
            if self.known[name].active:
                yield name, self.known[name].style


@dataclass
class BallotState:
    """Numbers of 7.1, the points A of accepted ballots (V13), and the numbers of ballots before the closing.

    `voted` is the number of credentials with an accepted ballot.
    """

    entries: int = 0
    accepted: int = 0
    superseded: int = 0
    voted: int = 0
    points: set[bytes] = field(default_factory=set)

    @property
    def refused(self) -> int:
        return self.entries - self.accepted

    @property
    def counted(self) -> int:
        return self.accepted - self.superseded


@dataclass
class TallyState:
    """Entries of the tally in force (4.5), partial decryptions by guardian, and roots by size after the closing."""

    counting: Counting | None = None
    paper_counts: dict[tuple[str, str], PaperCount] = field(default_factory=dict)
    partial_decryptions: dict[int, PartialDecryption] = field(default_factory=dict)
    combination: Combination | None = None
    result: Result | None = None
    roots: dict[int, bytes] = field(default_factory=dict)


@dataclass
class BoardState:
    """Everything in force on one election's board. `manifest_faults` are the rules that the manifest breaks by itself:
    then nothing else is in force."""

    manifest: Manifest
    election_id: bytes
    roll: RollState
    manifest_faults: tuple[Finding, ...] = ()
    size: int = 0
    opening_index: int | None = None
    closing_index: int | None = None
    joint_key: bytes | None = None
    ceremony: CeremonyState = field(default_factory=CeremonyState)
    ballots: BallotState = field(default_factory=BallotState)
    tally: TallyState = field(default_factory=TallyState)

    @cached_property
    def ballot_forms(self) -> tuple[Form, ...]:
        """The one way to write a ballot of each style."""
        return tuple(
            ballot_form(style.id, layout(self.manifest, index), self.election_id, READ)
            for index, style in enumerate(self.manifest.styles)
        )

    @cached_property
    def style_names(self) -> tuple[str, ...]:
        return tuple(style.id for style in self.manifest.styles)

    @property
    def phase(self) -> Phase:
        if self.opening_index is None:
            return "setup"
        return "voting" if self.closing_index is None else "tally"

    @property
    def threshold(self) -> int:
        return self.manifest.guardians.threshold

    @property
    def guardians(self) -> int:
        return len(self.manifest.guardians.keys)

    @property
    def registrars(self) -> int:
        return len(self.manifest.registrars)

    def after_setup(self, names: Roll) -> BoardState:
        """A state of its own to rule on what follows the opening: this one stays as it is. `names` are the credentials
        of the roll that will be asked for. Nothing of the ceremony changes any more, so that is shared."""
        copies = {name: replace(one, ballots=list(one.ballots)) for name, one in self.roll.known.items()}
        roll = replace(self.roll, names=names, known=copies, added=list(self.roll.added))
        return replace(self, roll=roll, ballots=replace(self.ballots, points=set()), tally=TallyState())

    def after_closing(self, counting: Counting) -> BoardState:
        """A state of its own to rule on the tally, with the counting fixed: this one stays as it is."""
        return replace(self, tally=TallyState(counting=counting))
