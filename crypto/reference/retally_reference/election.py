"""Pages 4.6, 6.7, 8.1 and 8.3: every entry in board order, the one check that refuses it or the effect it has.

The table `KINDS` is 4.6 and 8.3: when an entry of a kind may come, and the kind's own check with its effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from retally_reference import tally
from retally_reference.ballots import false_proofs, rule_ballot, well_formed
from retally_reference.canonical import Refusal
from retally_reference.ceremony import CEREMONY, Ceremony
from retally_reference.edwards import Point
from retally_reference.entries import Ballot, check_official, is_ballot, read_official, wrong_signature
from retally_reference.findings import Broken, Fault, Finding, demand
from retally_reference.group import RISTRETTO255, decode_points, encode_any
from retally_reference.manifest import Manifest
from retally_reference.merkle import leaf_hash, merkle_root
from retally_reference.roll import Roll

BATCH = 64
"""Ballots whose proofs are verified together."""

Members = dict[str, Any]


@dataclass
class Election:
    """What is in force before entry `index`, and what was refused so far.

    `hashes` are the leaf hashes of the whole board, for the roots that partial decryptions name.
    """

    manifest: Manifest
    id: bytes
    hashes: bytes
    ceremony: Ceremony
    roll: Roll
    refused: list[Finding] = field(default_factory=list)
    index: int = 1
    opening: int | None = None
    closing: int | None = None
    key: bytes = b""
    ballot_entries: int = 0
    accepted: int = 0
    used: set[bytes] = field(default_factory=set)
    counting: tally.Counting | None = None
    papers: dict[tuple[str, str], Members] = field(default_factory=dict)
    result: Members | None = None
    aggregates_compared: bool = False

    @property
    def n(self) -> int:
        return self.ceremony.n

    @property
    def k(self) -> int:
        return self.ceremony.k

    @property
    def phase(self) -> str:
        return "setup" if self.opening is None else "voting" if self.closing is None else "tally"

    @property
    def partials(self) -> dict[int, list[Point]]:
        return self.counting.partials if self.counting else {}

    def combine(self) -> bool:
        """Whether k guardians have decrypted; then the counts are there."""
        if self.counting is None or len(self.counting.partials) < self.k:
            return False
        if self.counting.counts is None:
            tally.combine(self.counting, self.id, self.k)
        return True

    def numbers(self) -> dict[str, int]:
        """The numbers of 7.7 and the number of ballot entries before the closing."""
        voted = sum(credential.accepted > 0 for credential in self.roll.credentials.values())
        return {
            "credentials": len(self.roll.active),
            "entries": self.ballot_entries,
            "voted": voted,
            "accepted": self.accepted,
            "superseded": self.accepted - voted,
            "counted": self.counting.counted if self.counting else voted,
            "refused": self.ballot_entries - self.accepted,
        }


def begin(manifest: Manifest, identity: bytes, hashes: bytes) -> Election:
    """The election after its manifest, on a board with these leaf hashes."""
    guardians = manifest["guardians"]
    ceremony = Ceremony(identity, len(guardians["keys"]), guardians["threshold"], [hashes[:32]])
    return Election(manifest, identity, hashes, ceremony, Roll(identity, len(manifest["registrars"]), manifest["caps"]))


def take(e: Election, entries: Sequence[bytes], progress: Callable[[int], None]) -> None:
    """The board's entries after the manifest; `progress` is told the index that comes next."""
    position = 0
    while position < len(entries):
        end = position
        while end < len(entries) and end - position < BATCH and is_ballot(entries[end]):
            end += 1
        if end > position:
            _take_ballots(e, entries[position:end])
        else:
            end = position + 1
            try:
                _take_official(e, entries[position])
            except Broken as broken:
                e.refused.append(broken.fault.at(e.index))
            e.index += 1
        position = end
        progress(e.index)


# ---- ballots ----


def _take_ballots(e: Election, batch: Sequence[bytes]) -> None:
    """The batch holds ballots alone, so phase, roll and key are the same for all of it."""
    ballots = [well_formed(raw, e.manifest, e.id) for raw in batch]
    # Whom the rule would refuse for a false proof gets as far as V10: only these proofs have to be looked at.
    doubtful = [(at, one) for at, one in enumerate(ballots) if isinstance(one, Ballot) and _proof_decides(e, one)]
    wrong = false_proofs([ballot for _, ballot in doubtful], e.manifest, e.id, e.key) if doubtful else set()
    false = {doubtful[position][0] for position in wrong}
    for at, ballot in enumerate(ballots):
        fault = _rule(e, ballot, proof_holds=at not in false)
        if fault is not None:
            e.refused.append(fault.at(e.index))
        elif isinstance(ballot, Ballot):
            _accept(e, ballot)
        if e.closing is None:
            e.ballot_entries += 1
        e.index += 1


def _proof_decides(e: Election, ballot: Ballot) -> bool:
    fault = _rule(e, ballot, proof_holds=False)
    return fault is not None and fault.check == "V10"


def _rule(e: Election, ballot: Ballot | Fault, proof_holds: bool) -> Fault | None:
    credential = e.roll.credentials.get(ballot.credential) if isinstance(ballot, Ballot) else None
    return rule_ballot(ballot, e.manifest, e.phase, credential, e.used, proof_holds)


def _accept(e: Election, ballot: Ballot) -> None:
    """6.7: the ballot that counts is now this one, and the next has to name it."""
    credential = e.roll.credentials[ballot.credential]
    credential.accepted += 1
    credential.previous, credential.ciphertexts = ballot.body_hash, ballot.ciphertexts
    e.used.update(ballot.first_points)
    e.accepted += 1


# ---- officials' entries: V09, V04, then the kind's own check ----


def _take_official(e: Election, raw: bytes) -> None:
    try:
        entry = read_official(raw)
        check_official(entry, e.manifest, e.id)
    except Refusal as refusal:
        raise Broken(Fault("V09", str(refusal))) from None
    wrong = wrong_signature(entry, e.manifest)
    demand("V04", wrong is None, f"{entry.kind}: {wrong}")
    kind = KINDS[entry.kind]
    demand("V04", e.phase in kind.phases, f"{entry.kind} in the phase {e.phase}")
    demand("V04", kind.in_order(e, entry.members), f"{entry.kind} out of order or a second time")
    ceremony_over = entry.kind in CEREMONY and bool(e.ceremony.confirmations)
    demand("V04", not ceremony_over, f"{entry.kind} after a confirmation")
    kind.effect(e, entry.members)
    if entry.kind in CEREMONY:
        e.ceremony.transcript.append(leaf_hash(raw))


def _open(e: Election, m: Members) -> None:
    key = encode_any(e.ceremony.joint_key())
    demand("V07", m["key"] == key, "the key is not the sum of the commitments")
    for guardian in range(1, e.n + 1):
        share = e.ceremony.public_share(guardian)
        demand("V07", not RISTRETTO255.is_identity(share), f"the share of guardian {guardian} is the identity")
    e.roll.open(m)
    e.opening, e.key = e.index, key


def _close(e: Election, m: Members) -> None:
    demand("V14", m["ballots"] == e.ballot_entries, f"{e.ballot_entries} ballot entries stand before it")
    voted = [(one.style, one.ciphertexts) for one in e.roll.credentials.values() if one.accepted]
    e.counting = tally.count(e.manifest, e.id, voted)
    e.closing = e.index


def _paper_count(e: Election, m: Members) -> None:
    e.papers[(m["district"], m["contest"])] = m


def _partial_decryption(e: Election, m: Members) -> None:
    counting, closing = _closed(e)
    guardian = m["guardian"]
    demand("V20", guardian not in counting.partials, f"guardian {guardian} decrypts twice")
    demand("V20", m["units"] == counting.reported, "other units than those that are reported")
    e.aggregates_compared = True
    demand("V16", m["aggregates"] == counting.digest, "other sums than those of the counted ballots")
    covered = closing < m["size"] <= e.index
    demand("V17", covered, f"size {m['size']} is not between the closing and this entry")
    root = merkle_root(e.hashes[: 32 * m["size"]])
    demand("V17", m["root"] == root, f"another root than the board's at size {m['size']}")
    right = tally.partial_is_right(counting, m, e.ceremony.public_share(guardian), e.id)
    demand("V17", right, "the proof does not verify")
    counting.partials[guardian] = decode_points(m["points"])


def _result(e: Election, m: Members) -> None:
    counting, _ = _closed(e)
    for name, value in e.numbers().items():
        # How many ballot entries there are is the closing's to say, and no member of a result.
        if name != "entries":
            demand("V15", m[name] == value, f"{name} is {m[name]} instead of {value}")
    named = [(unit["districts"], unit["state"]) for unit in m["units"]]
    demand("V20", named == [(unit.districts, unit.state) for unit in counting.units], "other units")
    e.combine()
    demand("V18", None not in (counting.counts or []), "a count was not found")
    demand("V18", m["combined"] == counting.combined, "another digest of the combination")
    demand("V19", m["units"] == tally.result_units(e.manifest, counting), "other counts")
    e.result = m


def _closed(e: Election) -> tuple[tally.Counting, int]:
    if e.counting is None or e.closing is None:
        raise Broken(Fault("V04", "nothing is counted before the closing"))
    return e.counting, e.closing


@dataclass(frozen=True)
class Kind:
    """When an entry of this kind may come (4.6), and the kind's own check with the effect it has (8.3)."""

    phases: tuple[str, ...]
    in_order: Callable[[Election, Members], bool]
    effect: Callable[[Election, Members], None]


def _anywhere(e: Election, m: Members) -> bool:
    return True


def _complaint_in_order(e: Election, m: Members) -> bool:
    once = (m["guardian"], m["against"]) not in e.ceremony.complaints
    return m["against"] in e.ceremony.shares and m["against"] != m["guardian"] and once


def _answer_in_order(e: Election, m: Members) -> bool:
    pair = (m["complainant"], m["guardian"])
    return pair in e.ceremony.complaints and pair not in e.ceremony.answers


def _confirmation_in_order(e: Election, m: Members) -> bool:
    c = e.ceremony
    return len(c.shares) == c.n and c.all_answered and m["guardian"] not in c.confirmations


KINDS = {
    "manifest": Kind((), _anywhere, lambda e, m: None),
    "guardian-commitment": Kind(
        ("setup",),
        lambda e, m: m["guardian"] not in e.ceremony.commitments,
        lambda e, m: e.ceremony.commit(m),
    ),
    "guardian-shares": Kind(
        ("setup",),
        lambda e, m: len(e.ceremony.commitments) == e.n and m["guardian"] not in e.ceremony.shares,
        lambda e, m: e.ceremony.shares.add(m["guardian"]),
    ),
    "guardian-complaint": Kind(("setup",), _complaint_in_order, lambda e, m: e.ceremony.complain(m, e.index)),
    "guardian-answer": Kind(("setup",), _answer_in_order, lambda e, m: e.ceremony.answer(m)),
    "guardian-confirmation": Kind(("setup",), _confirmation_in_order, lambda e, m: e.ceremony.confirm(m)),
    "roll-commitment": Kind(("setup",), lambda e, m: m["registrar"] not in e.roll.lists, lambda e, m: e.roll.commit(m)),
    "roll": Kind(("setup",), lambda e, m: e.roll.may_reveal(m["registrar"], m["first"]), lambda e, m: e.roll.reveal(m)),
    "roll-revocation": Kind(("setup", "voting"), lambda e, m: bool(e.roll.credentials), lambda e, m: e.roll.revoke(m)),
    "roll-replacement": Kind(
        ("setup", "voting"), lambda e, m: bool(e.roll.credentials), lambda e, m: e.roll.replace(m)
    ),
    "opening": Kind(("setup",), lambda e, m: len(e.ceremony.confirmations) == e.n and bool(e.roll.credentials), _open),
    "closing": Kind(("voting",), _anywhere, _close),
    "paper-count": Kind(
        ("tally",),
        lambda e, m: (m["district"], m["contest"]) not in e.papers and m["late"] == bool(e.partials),
        _paper_count,
    ),
    "partial-decryption": Kind(("tally",), _anywhere, _partial_decryption),
    "result": Kind(("tally",), lambda e, m: e.result is None and len(e.partials) >= e.k, _result),
}
