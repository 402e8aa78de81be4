"""Pages 5.1 to 5.5: the guardians' ceremony (V05, V06) and the keys that follow from it (V07).

Shares are sealed to their guardians: nobody else can look into them, so what a verifier checks are the commitments, the
answers to complaints, and that all guardians confirmed the same ceremony.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from retally_reference.edwards import Point
from retally_reference.findings import Finding, demand
from retally_reference.group import RISTRETTO255, add_all, decode_points
from retally_reference.statements import commitments_are_proved

CEREMONY = ("guardian-commitment", "guardian-shares", "guardian-complaint", "guardian-answer")
"""The kinds whose leaf hashes a confirmation covers, and of which none may follow the first confirmation."""


@dataclass
class Ceremony:
    """What the `n` guardians have published so far, of whom `k` can decrypt. `transcript`: leaf hashes, for 5.4."""

    election: bytes
    n: int
    k: int
    transcript: list[bytes]
    commitments: dict[int, list[Point]] = field(default_factory=dict)
    shares: set[int] = field(default_factory=set)
    complaints: list[tuple[int, int]] = field(default_factory=list)
    answers: set[tuple[int, int]] = field(default_factory=set)
    confirmations: set[int] = field(default_factory=set)
    void: list[Finding] = field(default_factory=list)

    @property
    def all_answered(self) -> bool:
        return all(pair in self.answers for pair in self.complaints)

    def commit(self, m: dict[str, Any]) -> None:
        """V05."""
        points = decode_points(m["commitments"])
        proved = commitments_are_proved(self.election, m["guardian"], points, m["proof"])
        demand("V05", proved, "the commitments are not proved")
        self.commitments[m["guardian"]] = points

    def complain(self, m: dict[str, Any], index: int) -> None:
        """A complaint always has its effect; the k-th accuser of one guardian makes the ceremony void."""
        self.complaints.append((m["guardian"], m["against"]))
        if sum(accused == m["against"] for _, accused in self.complaints) >= self.k:
            self.void.append(Finding(index, "V06", f"{self.k} or more guardians accuse guardian {m['against']}"))

    def answer(self, m: dict[str, Any]) -> None:
        """V06: the share that is revealed is the one committed to."""
        share = RISTRETTO255.decode_scalar(m["share"])
        right = RISTRETTO255.multiply_fixed(share, RISTRETTO255.generator)
        committed = _evaluate(self.commitments[m["guardian"]], m["complainant"])
        demand("V06", RISTRETTO255.equal(right, committed), "the answer's share is wrong")
        self.answers.add((m["complainant"], m["guardian"]))

    def confirm(self, m: dict[str, Any]) -> None:
        """V06."""
        seen = hashlib.sha256(b"".join(self.transcript)).digest()
        demand("V06", m["ceremony"] == seen, "another ceremony's hash")
        demand("V06", not self.void, "a ceremony that is void")
        self.confirmations.add(m["guardian"])

    def joint_key(self) -> Point:
        """K of 5.5."""
        return add_all(points[0] for points in self.commitments.values())

    def public_share(self, guardian: int) -> Point:
        """S_j of 5.5."""
        columns = zip(*(self.commitments[i] for i in sorted(self.commitments)), strict=True)
        return _evaluate([add_all(column) for column in columns], guardian)


def _evaluate(commitments: Sequence[Point], at: int) -> Point:
    powers = [pow(at, exponent, RISTRETTO255.order) for exponent in range(len(commitments))]
    return RISTRETTO255.multi_scalar_multiply(powers, commitments)
