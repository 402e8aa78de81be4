"""Pages 4.6, 5, 6.7, 8.1 and 8.3: every entry in board order, the one check that refuses it or the effect it has."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any

from retally_reference import sigma, tally
from retally_reference.ballots import BATCH, false_proofs, tag
from retally_reference.canonical import Refusal
from retally_reference.edwards import Point
from retally_reference.entries import (
    Ballot,
    check_ballot_encodings,
    check_official,
    is_ballot,
    read_ballot,
    read_official,
    wrong_signature,
)
from retally_reference.group import RISTRETTO255, encode_any
from retally_reference.linear_relation import Equation, LinearRelation
from retally_reference.manifest import Manifest
from retally_reference.merkle import Tree, leaf_hash

CEREMONY = ("guardian-commitment", "guardian-shares", "guardian-complaint", "guardian-answer")
IN_SETUP = (*CEREMONY, "guardian-confirmation", "roll-commitment", "roll", "opening")
ROLL_CHANGES = ("roll-revocation", "roll-replacement")
NAMED = 100
"""Entries that fail one check and are named in the report."""
IN_TALLY = ("paper-count", "partial-decryption", "result")


class Broken(Exception):
    """The entry at hand fails a check and has no effect."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(reason)
        self.check, self.reason = check, reason


def demand(check: str, condition: bool, reason: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(check, reason)


@dataclass
class Credential:
    """A credential that was ever on the roll: style, whether active, and its chain's last ballot."""

    style: int
    active: bool = True
    accepted: int = 0
    previous: bytes = bytes(32)
    ciphertexts: bytes = b""


@dataclass
class Refused:
    """Entries that fail a check. Of each check the first NAMED are kept with their reason, the others counted: entries
    that anyone may write cost no more memory than their bytes."""

    kept: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def add(self, index: int, broken: Broken) -> None:
        """The entry at `index` fails a check."""
        self.counted[broken.check] = self.counted.get(broken.check, 0) + 1
        kept = self.kept.setdefault(broken.check, [])
        if len(kept) < NAMED:
            kept.append((index, broken.reason))

    def named(self, check: str) -> list[str]:
        """A note for each entry that is kept, and one that counts the others."""
        notes = [f"entry {index}: {reason}" for index, reason in self.kept.get(check, [])]
        more = self.counted.get(check, 0) - len(notes)
        return [*notes, f"and {more:,} more entries"] if more else notes


@dataclass
class Election:
    """What is in force before entry `index`; `tree` is the whole board's."""

    manifest: Manifest
    id: bytes
    tree: Tree
    refused: Refused = field(default_factory=Refused)
    index: int = 1
    opening: int | None = None
    closing: int | None = None
    key: bytes = b""
    transcript: list[bytes] = field(default_factory=list)
    commitments: dict[int, list[Point]] = field(default_factory=dict)
    shares: set[int] = field(default_factory=set)
    complaints: list[tuple[int, int]] = field(default_factory=list)
    answers: set[tuple[int, int]] = field(default_factory=set)
    confirmations: set[int] = field(default_factory=set)
    accused: list[str] = field(default_factory=list)
    committed: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    hashers: dict[int, Any] = field(default_factory=dict)
    parts: dict[int, bytearray] = field(default_factory=dict)
    styles: dict[int, list[int]] = field(default_factory=dict)
    roll: dict[bytes, Credential] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    opened: tuple[int, bytes] | None = None
    public_shares: dict[int, Point] = field(default_factory=dict)
    ballot_entries: int = 0
    accepted: int = 0
    seen: set[bytes] = field(default_factory=set)
    counting: tally.Counting | None = None
    papers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    looked_at_v16: int = 0

    @property
    def n(self) -> int:
        return len(self.manifest["guardians"]["keys"])

    @property
    def k(self) -> int:
        return int(self.manifest["guardians"]["threshold"])

    @property
    def registrars(self) -> int:
        return len(self.manifest["registrars"])

    @property
    def phase(self) -> str:
        return "setup" if self.opening is None else "voting" if self.closing is None else "tally"

    @property
    def active(self) -> list[tuple[bytes, Credential]]:
        return [(name, credential) for name, credential in self.roll.items() if credential.active]

    @property
    def partials(self) -> dict[int, list[Point]]:
        return self.counting.partials if self.counting else {}

    def take(self, entries: Iterable[bytes], progress: Callable[[int], None]) -> None:
        """The board's entries after the manifest; `progress` is told the index that comes next."""
        for ballots, some in groupby(entries, key=is_ballot):
            if ballots:
                while block := list(islice(some, BATCH)):
                    self._ballots(block)
                    progress(self.index)
                continue
            for raw in some:
                try:
                    self._official(raw)
                except Broken as broken:
                    self.refused.add(self.index, broken)
                self.index += 1
                progress(self.index)

    # ---- ballots: V09, V04, V11, V10, V12, V13 in this order ----

    def _ballots(self, entries: Sequence[bytes]) -> None:
        rulings: list[tuple[Ballot | None, Broken | None]] = [self._before_proof(raw) for raw in entries]
        proved = [(at, ballot) for at, (ballot, broken) in enumerate(rulings) if ballot is not None and broken is None]
        wrong = false_proofs([b for _, b in proved], self.manifest, self.id, self.key) if proved else set()
        for position, (at, ballot) in enumerate(proved):
            if position in wrong:
                rulings[at] = (ballot, Broken("V10", "the proof does not verify"))
        for candidate, ruled in rulings:
            broken = self._chain(candidate) if candidate is not None and ruled is None else ruled
            if broken is not None:
                self.refused.add(self.index, broken)
            if self.closing is None:
                self.ballot_entries += 1
            self.index += 1

    def _before_proof(self, raw: bytes) -> tuple[Ballot | None, Broken | None]:
        try:
            ballot = read_ballot(raw, self.manifest, self.id)
            check_ballot_encodings(ballot, self.manifest)
        except Refusal as refusal:
            return None, Broken("V09", str(refusal))
        if self.phase != "voting":
            return ballot, Broken("V04", f"a ballot in the phase {self.phase}")
        credential = self.roll.get(ballot.credential)
        if credential is None or not credential.active:
            return ballot, Broken("V11", "a credential that is not active on the roll")
        if self.manifest["styles"][credential.style]["id"] != ballot.style:
            return ballot, Broken("V11", "a style that is not the credential's")
        return ballot, None

    def _chain(self, ballot: Ballot) -> Broken | None:
        credential = self.roll[ballot.credential]
        if ballot.previous != credential.previous:
            return Broken("V12", "previous is not the last accepted ballot of this credential")
        points = [ballot.ciphertexts[at : at + 32] for at in range(0, len(ballot.ciphertexts), 64)]
        if len(set(points)) < len(points) or not self.seen.isdisjoint(points):
            return Broken("V13", "an A that was used before")
        self.seen.update(points)
        self.accepted += 1
        credential.accepted += 1
        credential.previous, credential.ciphertexts = ballot.body_hash, ballot.ciphertexts
        return None

    # ---- officials: V09, V04, then the kind's own check ----

    def _official(self, raw: bytes) -> None:
        try:
            entry = read_official(raw)
            check_official(entry, self.manifest, self.id)
        except Refusal as refusal:
            raise Broken("V09", str(refusal)) from None
        wrong = wrong_signature(entry, self.manifest)
        demand("V04", wrong is None, f"{entry.kind}: {wrong}")
        self._phase_and_order(entry.kind, entry.members)
        getattr(self, "_" + entry.kind.replace("-", "_"))(entry.members)
        if entry.kind in CEREMONY:
            self.transcript.append(leaf_hash(raw))

    def _phase_and_order(self, kind: str, m: dict[str, Any]) -> None:
        """4.6."""
        allowed = ["setup"] if kind in IN_SETUP else ["voting"] if kind == "closing" else []
        allowed += ["tally"] if kind in IN_TALLY else ["setup", "voting"] if kind in ROLL_CHANGES else []
        demand("V04", self.phase in allowed, f"{kind} in the phase {self.phase}")
        guardian, registrar = m.get("guardian"), m.get("registrar")
        all_committed, all_shared = len(self.commitments) == self.n, len(self.shares) == self.n
        answered = all(pair in self.answers for pair in self.complaints)
        order: dict[str, Callable[[], bool]] = {
            "guardian-commitment": lambda: guardian not in self.commitments,
            "guardian-shares": lambda: all_committed and guardian not in self.shares,
            "guardian-complaint": lambda: (
                m["against"] in self.shares
                and m["against"] != guardian
                and (guardian, m["against"]) not in self.complaints
            ),
            "guardian-answer": lambda: (
                (m["complainant"], guardian) in self.complaints and (m["complainant"], guardian) not in self.answers
            ),
            "guardian-confirmation": lambda: all_shared and answered and guardian not in self.confirmations,
            "roll-commitment": lambda: registrar not in self.committed,
            "roll": lambda: (
                len(self.committed) == self.registrars and m["first"] == len(self.styles.get(registrar or 0, []))
            ),
            "roll-revocation": lambda: bool(self.roll),
            "roll-replacement": lambda: bool(self.roll),
            "opening": lambda: len(self.confirmations) == self.n and bool(self.roll),
            "paper-count": lambda: (
                (m["district"], m["contest"]) not in self.papers and m["late"] == bool(self.partials)
            ),
            "result": lambda: self.result is None and len(self.partials) >= self.k,
        }
        demand("V04", order.get(kind, lambda: True)(), f"{kind} out of order or a second time")
        demand("V04", kind not in CEREMONY or not self.confirmations, f"{kind} after a confirmation")

    def _guardian_commitment(self, m: dict[str, Any]) -> None:
        points = [RISTRETTO255.decode(m["commitments"][at : at + 32]) for at in range(0, 32 * self.k, 32)]
        equations = tuple(Equation(((j + 1, 1),), ((j, 0, 1),)) for j in range(self.k))
        relation = LinearRelation(RISTRETTO255, (RISTRETTO255.generator, *points), equations)
        context = tag("GuardianCommitment", self.id, m["guardian"].to_bytes(4, "little"))
        demand("V05", sigma.verify_batchable(context, relation, m["proof"]), "the commitments are not proved")
        self.commitments[m["guardian"]] = points

    def _guardian_shares(self, m: dict[str, Any]) -> None:
        self.shares.add(m["guardian"])

    def _guardian_complaint(self, m: dict[str, Any]) -> None:
        self.complaints.append((m["guardian"], m["against"]))
        if sum(accused == m["against"] for _, accused in self.complaints) >= self.k:
            self.accused.append(f"entry {self.index}: {self.k} or more guardians accuse guardian {m['against']}")

    def _guardian_answer(self, m: dict[str, Any]) -> None:
        share = RISTRETTO255.decode_scalar(m["share"])
        right = RISTRETTO255.multiply_fixed(share, RISTRETTO255.generator)
        committed = _evaluate(self.commitments[m["guardian"]], m["complainant"])
        demand("V06", RISTRETTO255.equal(right, committed), "the answer's share is wrong")
        self.answers.add((m["complainant"], m["guardian"]))

    def _guardian_confirmation(self, m: dict[str, Any]) -> None:
        demand("V06", m["ceremony"] == hashlib.sha256(b"".join(self.transcript)).digest(), "another ceremony's hash")
        demand("V06", not self.accused, "a ceremony that is void")
        self.confirmations.add(m["guardian"])

    def public_share(self, guardian: int) -> Point:
        """S_j of 5.5, once all guardians have committed."""
        if guardian not in self.public_shares:
            columns = zip(*(self.commitments[i] for i in sorted(self.commitments)), strict=True)
            self.public_shares[guardian] = _evaluate([_sum(column) for column in columns], guardian)
        return self.public_shares[guardian]

    # ---- the roll: V08 ----

    def _roll_commitment(self, m: dict[str, Any]) -> None:
        same = all(count == m["credentials"] for count, _ in self.committed.values())
        demand("V08", same, "a commitment to another number of credentials")
        self.committed[m["registrar"]] = (m["credentials"], m["commitment"])
        head = b"RETALLY-V01-roll" + self.id + m["registrar"].to_bytes(4, "little")
        self.hashers[m["registrar"]] = hashlib.sha256(head + m["credentials"].to_bytes(8, "little"))
        self.parts[m["registrar"]], self.styles[m["registrar"]] = bytearray(), []

    def _roll(self, m: dict[str, Any]) -> None:
        registrar, chunk = m["registrar"], m["styles"]
        count, commitment = self.committed[registrar]
        every = b"".join(self.committed[number][1] for number in sorted(self.committed))
        seen = hashlib.sha256(b"RETALLY-V01-roll-commitments" + self.id + every).digest()
        demand("V08", m["commitments"] == seen, "revealed to other commitments than those on this board")
        first, end = m["first"], m["first"] + len(chunk)
        demand("V08", end <= count, "more credentials than were committed to")
        for other, known in self.styles.items():
            if other != registrar:
                there = known[first:end]
                demand("V08", there == chunk[: len(there)], f"registrar {other} names another style")
        # A false chunk may come again and again: what was hashed before is not hashed anew.
        hasher = self.hashers[registrar].copy()
        for p, style in enumerate(chunk):
            hasher.update(m["parts"][32 * p : 32 * p + 32] + style.to_bytes(4, "little"))
        roll: dict[bytes, Credential] = {}
        if end == count:
            demand("V08", hasher.digest() == commitment, "the roll breaks its commitment")
            parts, styles = self.parts[registrar] + m["parts"], self.styles[registrar] + chunk
            if all(len(self.styles[other]) == count for other in self.committed if other != registrar):
                lists = [parts, *(own for other, own in self.parts.items() if other != registrar)]
                sums = [_sum([RISTRETTO255.decode(one[32 * p : 32 * p + 32]) for one in lists]) for p in range(count)]
                names = [encode_any(point) for point in sums]
                demand("V08", bytes(32) not in names, "a credential is the identity")
                demand("V08", len(set(names)) == count, "two credentials are equal")
                roll = {name: Credential(style) for name, style in zip(names, styles, strict=True)}
        self.hashers[registrar] = hasher
        self.parts[registrar] += m["parts"]
        self.styles[registrar] += chunk
        self.roll = roll or self.roll

    def _change(self, kind: str, m: dict[str, Any]) -> Credential:
        credential = self.roll.get(m["credential"])
        demand("V08", credential is not None and credential.active, "a credential that is not active on the roll")
        if credential is None or credential.accepted:
            raise Broken("V08", "a credential that has voted")
        demand("V08", self.changes.get(kind, 0) < self.manifest["caps"][kind], f"more {kind} than the cap")
        return credential

    def _roll_revocation(self, m: dict[str, Any]) -> None:
        self._change("revocations", m).active = False
        self.changes["revocations"] = self.changes.get("revocations", 0) + 1
        self.opened = None

    def _roll_replacement(self, m: dict[str, Any]) -> None:
        old = self._change("replacements", m)
        points = [RISTRETTO255.decode(m["parts"][at : at + 32]) for at in range(0, len(m["parts"]), 32)]
        for number, point in enumerate(points, start=1):
            relation = LinearRelation(
                RISTRETTO255, (RISTRETTO255.generator, point), (Equation(((1, 1),), ((0, 0, 1),)),)
            )
            context = tag("CredentialPart", self.id, number.to_bytes(4, "little"), m["credential"])
            proof = m["proofs"][64 * (number - 1) : 64 * number]
            demand(
                "V08", sigma.verify_batchable(context, relation, proof), f"registrar {number} does not prove its part"
            )
        name = encode_any(_sum(points))
        demand(
            "V08", name != bytes(32) and name not in self.roll, "a credential that is the identity or was on the roll"
        )
        old.active = False
        self.roll[name] = Credential(old.style)
        self.changes["replacements"] = self.changes.get("replacements", 0) + 1
        self.opened = None

    # ---- opening, closing, tally ----

    def _opening(self, m: dict[str, Any]) -> None:
        key = encode_any(_sum([self.commitments[i][0] for i in self.commitments]))
        demand("V07", m["key"] == key, "the key is not the sum of the commitments")
        for guardian in range(1, self.n + 1):
            share = self.public_share(guardian)
            demand("V07", not RISTRETTO255.is_identity(share), f"the share of guardian {guardian} is the identity")
        # False openings may come again and again: the roll is hashed once for each change of it.
        if self.opened is None:
            active = self.active
            listed = b"".join(name + credential.style.to_bytes(4, "little") for name, credential in active)
            head = b"RETALLY-V01-opened-roll" + self.id + len(active).to_bytes(8, "little")
            self.opened = len(active), hashlib.sha256(head + listed).digest()
        demand("V08", m["credentials"] == self.opened[0], "another number of credentials than are active")
        demand("V08", m["roll"] == self.opened[1], "another digest of the roll")
        self.opening, self.key = self.index, key

    def _closing(self, m: dict[str, Any]) -> None:
        demand("V14", m["ballots"] == self.ballot_entries, f"{self.ballot_entries} ballot entries stand before it")
        voted = [(one.style, one.ciphertexts) for one in self.roll.values() if one.accepted]
        self.counting = tally.count(self.manifest, self.id, voted)
        self.closing = self.index

    def _paper_count(self, m: dict[str, Any]) -> None:
        self.papers[(m["district"], m["contest"])] = m

    def _partial_decryption(self, m: dict[str, Any]) -> None:
        counting, guardian = self._counting(), m["guardian"]
        demand("V20", guardian not in counting.partials, f"guardian {guardian} decrypts twice")
        demand("V20", m["units"] == counting.reported, "other units than those that are reported")
        self.looked_at_v16 += 1
        demand("V16", m["aggregates"] == counting.digest, "other sums than those of the counted ballots")
        covered = self.closing is not None and self.closing < m["size"] <= self.index
        demand("V17", covered, f"size {m['size']} is not between the closing and this entry")
        root = self.tree.root(m["size"])
        demand("V17", m["root"] == root, f"another root than the board's at size {m['size']}")
        right = tally.partial_is_right(counting, m, self.public_share(guardian), self.id)
        demand("V17", right, "the proof does not verify")
        points = m["points"]
        counting.partials[guardian] = [RISTRETTO255.decode(points[at : at + 32]) for at in range(0, len(points), 32)]

    def _result(self, m: dict[str, Any]) -> None:
        counting = self._counting()
        for name, value in self.numbers().items():
            if name != "entries":
                demand("V15", m[name] == value, f"{name} is {m[name]} instead of {value}")
        shape = [(unit["districts"], unit["state"]) for unit in m["units"]]
        demand("V20", shape == [(unit.districts, unit.state) for unit in counting.units], "other units")
        self.combine()
        demand("V18", None not in (counting.counts or []), "a count was not found")
        demand("V18", m["combined"] == counting.combined, "another digest of the combination")
        demand("V19", m["units"] == tally.result_units(self.manifest, counting), "other counts")
        self.result = m

    def _counting(self) -> tally.Counting:
        if self.counting is None:
            raise Broken("V04", "nothing is counted before the closing")
        return self.counting

    def combine(self) -> bool:
        """Whether k guardians have decrypted; then the counts are there."""
        if self.counting is None or len(self.counting.partials) < self.k:
            return False
        if self.counting.counts is None:
            tally.combine(self.counting, self.id, self.k)
        return True

    def numbers(self) -> dict[str, int]:
        """The numbers of 7.7 and the number of ballot entries before the closing."""
        voted = sum(credential.accepted > 0 for credential in self.roll.values())
        return {
            "credentials": len(self.active),
            "entries": self.ballot_entries,
            "voted": voted,
            "accepted": self.accepted,
            "superseded": self.accepted - voted,
            "counted": self.counting.counted if self.counting else voted,
            "refused": self.ballot_entries - self.accepted,
        }


def _sum(points: Sequence[Point]) -> Point:
    total = RISTRETTO255.identity
    for point in points:
        total = RISTRETTO255.add(total, point)
    return total


def _evaluate(commitments: Sequence[Point], at: int) -> Point:
    powers = [pow(at, exponent, RISTRETTO255.order) for exponent in range(len(commitments))]
    return RISTRETTO255.multi_scalar_multiply(powers, commitments)
