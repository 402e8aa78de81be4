"""What is in force on a board after some of its entries: the memory that the checks of page 8 read and change.

Nothing here decides. What grows with the electorate is behind a `Storage`, so that a verifier can keep it on disk: the
registrars' lists until the roll is complete, and the credentials with their chains. In memory, ballots' bytes are not
kept: for each credential the hash of its last body and its last ciphertexts remain, because that ballot is the one that
counts unless another follows (7.1), and the counted ciphertexts are summed once, at the closing.
"""

from __future__ import annotations

import io
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from retally_crypto.ballots import READ, ballot_form
from retally_crypto.contests import layout
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
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import leaf_hash
from retally_crypto.tally import Aggregates, Tally, Unit

if TYPE_CHECKING:
    from retally_crypto.rules.v16_v20_decryption import Combination

Phase = Literal["setup", "voting", "tally"]
NO_BALLOT = bytes(32)


@dataclass(slots=True)
class Credential:
    """One credential that was ever on the roll: its style's index, whether it is active, and its chain."""

    style: int
    active: bool = True
    last_body_hash: bytes = NO_BALLOT
    last_ciphertexts: bytes = b""
    ballots: list[int] = field(default_factory=list)


class Credentials(Mapping[bytes, Credential]):
    """Every credential that was ever on the roll, by name: in roll order, replacements last."""

    @abstractmethod
    def active(self) -> Iterator[tuple[bytes, int]]:
        """(credential, style's index) of every active one, in order."""

    @abstractmethod
    def extend(self, names: bytes, styles: Sequence[int]) -> None:
        """Put more credentials on the roll: 32 bytes a name, one style's index for each."""

    @abstractmethod
    def first_repeated(self) -> int | None:
        """The first position whose credential stands at an earlier one; asked once, when all are on the roll."""

    @abstractmethod
    def replace(self, name: bytes, credential: Credential) -> None:
        """Add a credential that replaces another."""

    @abstractmethod
    def voted(self) -> int:
        """How many have an accepted ballot."""

    @abstractmethod
    def count(self, state: BoardState) -> tuple[Counter[str], Tally]:
        """The number of counted ballots by district, and their sums; asked once, by the closing."""


class CredentialsInMemory(Credentials):
    """Some 300 bytes each, and a ballot's ciphertexts for who has voted."""

    def __init__(self) -> None:
        self._known: dict[bytes, Credential] = {}
        self._extended = 0
        self._repeated: int | None = None

    def __getitem__(self, name: bytes) -> Credential:
        return self._known[name]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def active(self) -> Iterator[tuple[bytes, int]]:
        return ((name, credential.style) for name, credential in self._known.items() if credential.active)

    def extend(self, names: bytes, styles: Sequence[int]) -> None:
        for offset, style in enumerate(styles):
            name = names[32 * offset : 32 * offset + 32]
            if name in self._known and self._repeated is None:
                self._repeated = self._extended + offset
            self._known[name] = Credential(style)
        self._extended += len(styles)

    def first_repeated(self) -> int | None:
        return self._repeated

    def replace(self, name: bytes, credential: Credential) -> None:
        self._known[name] = credential

    def voted(self) -> int:
        return sum(bool(credential.ballots) for credential in self._known.values())

    def count(self, state: BoardState) -> tuple[Counter[str], Tally]:
        tally = Tally(state.manifest)
        districts = [style.district for style in state.manifest.styles]
        per_district: Counter[str] = Counter()
        for credential in self._known.values():
            if credential.ballots:
                district = districts[credential.style]
                per_district[district] += 1
                tally.accept(district, credential.last_ciphertexts)
        return per_district, tally


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
    """Where that is kept which grows with the electorate."""

    def spool(self) -> BinaryIO:
        """A file to write and read, empty."""

    def credentials(self) -> Credentials:
        """A roll without anybody."""


class Memory:
    """Everything in memory: the server's choice."""

    def spool(self) -> BinaryIO:
        return io.BytesIO()

    def credentials(self) -> Credentials:
        return CredentialsInMemory()


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
    void: list[str] = field(default_factory=list)

    def remember(self, raw: bytes) -> None:
        """Add an entry to the transcript that the guardians confirm (5.4)."""
        self.leaf_hashes.append(leaf_hash(raw))


@dataclass
class RollState:
    """Registrars' commitments and parts, and once they are complete the credentials in roll order (5.6, 5.7).

    `lists` hold what each registrar has revealed so far, and `hashers` have hashed it, as its commitment demands.
    `void` says what is wrong with the lists once they were complete and gave no roll. `opened` is the digest of the
    active credentials after so many revocations and replacements.
    """

    storage: Storage

    commitments: dict[int, RollCommitment] = field(default_factory=dict)
    hashers: dict[int, RollHasher] = field(default_factory=dict)
    lists: dict[int, RegistrarsList] = field(default_factory=dict)
    complete: bool = False
    void: str | None = None
    credentials: Credentials = field(default_factory=CredentialsInMemory)
    active: int = 0
    revocations: int = 0
    replacements: int = 0
    opened: tuple[int, bytes] | None = None


@dataclass
class BallotState:
    """Numbers of 7.1, the points A of accepted ballots (V13), and the numbers of ballots before the closing."""

    entries: int = 0
    accepted: int = 0
    superseded: int = 0
    points: set[bytes] = field(default_factory=set)

    @property
    def refused(self) -> int:
        return self.entries - self.accepted

    @property
    def counted(self) -> int:
        return self.accepted - self.superseded


@dataclass(frozen=True)
class Counting:
    """Fixed by the closing: counted ballots by district id, all units, and the aggregates of the reported ones
    (7.2, 7.3)."""

    per_district: dict[str, int]
    units: tuple[Unit, ...]
    aggregates: Aggregates
    digest: bytes

    @property
    def reported(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit.state == "reported")


@dataclass
class TallyState:
    """Entries of the tally in force (4.5), partial decryptions by guardian, and roots by size from the closing on."""

    counting: Counting | None = None
    paper_counts: dict[tuple[str, str], PaperCount] = field(default_factory=dict)
    partial_decryptions: dict[int, PartialDecryption] = field(default_factory=dict)
    combination: Combination | None = None
    result: Result | None = None
    roots: dict[int, bytes] = field(default_factory=dict)


@dataclass
class BoardState:
    """Everything in force on one election's board."""

    manifest: Manifest
    election_id: bytes
    roll: RollState
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
