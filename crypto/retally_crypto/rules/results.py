"""What a board comes to, as values: the counted ballots, the sums, the counts and the reconciliation (7.1 to 7.7).

The checks compute them and whoever shows a result reads them; nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from retally_crypto.entries import PaperCount
from retally_crypto.tally import Aggregates, Unit


@dataclass(frozen=True)
class Counting:
    """Fixed by the closing: counted ballots by district id, all units, and the aggregates of the reported ones
    (7.2, 7.3) with their digest (7.4)."""

    per_district: dict[str, int]
    units: tuple[Unit, ...]
    aggregates: Aggregates
    digest: bytes

    @property
    def reported(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit.state == "reported")


@dataclass(frozen=True)
class Reconciliation:
    """The six numbers of 7.7 with the number of ballot entries; always from the board, never from the result."""

    credentials: int
    entries: int
    voted: int
    accepted: int
    superseded: int
    counted: int
    refused: int


@dataclass(frozen=True)
class ContestCounts:
    """Counts of one contest in one unit, one for each option in the manifest's order; None where none was found
    (V18)."""

    contest: str
    counts: tuple[int | None, ...]


@dataclass(frozen=True)
class UnitCounts:
    """One unit with the counts of its contests; none for a unit that is withheld."""

    unit: Unit
    contests: tuple[ContestCounts, ...]


@dataclass(frozen=True)
class Combination:
    """The aggregates decrypted: digest over the points, and the counts unit by unit."""

    digest: bytes
    units: tuple[UnitCounts, ...]
    not_found: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a closed board says, computed from it alone and shown also when checks fail.

    `counts` holds every unit in order; it is None while fewer than k partial decryptions are valid. `paper_counts`
    are the authority's own figures, never verified.
    """

    units: tuple[Unit, ...]
    counts: tuple[UnitCounts, ...] | None
    reconciliation: Reconciliation
    paper_counts: tuple[PaperCount, ...]
    combined: bytes | None
