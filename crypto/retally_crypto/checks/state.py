"""What is in force on a board after some of its entries: the memory that the checks of page 8 read and change.

Nothing here decides. Ballots' bytes are not kept: for each credential the hash of its last body and its last
ciphertexts remain, because that ballot is the one that counts unless another follows (7.1). The counted ciphertexts
are summed once, at the closing. Keeping a running sum instead would need every superseded ballot's ciphertexts a
second time to take them out.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from retally_crypto.credentials import RollHasher
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
from retally_crypto.tally import Aggregates, Unit

if TYPE_CHECKING:
    from retally_crypto.checks.v16_v20_decryption import Combination

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

    `hashers` have hashed what each registrar has revealed so far, as its commitment demands.
    """

    commitments: dict[int, RollCommitment] = field(default_factory=dict)
    hashers: dict[int, RollHasher] = field(default_factory=dict)
    parts: dict[int, bytearray] = field(default_factory=dict)
    styles: dict[int, array[int]] = field(default_factory=dict)
    complete: bool = False
    credentials: dict[bytes, Credential] = field(default_factory=dict)
    active: int = 0
    revocations: int = 0
    replacements: int = 0


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
    size: int = 0
    opening_index: int | None = None
    closing_index: int | None = None
    joint_key: bytes | None = None
    ceremony: CeremonyState = field(default_factory=CeremonyState)
    roll: RollState = field(default_factory=RollState)
    ballots: BallotState = field(default_factory=BallotState)
    tally: TallyState = field(default_factory=TallyState)

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
