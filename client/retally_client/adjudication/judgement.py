"""Who a file of evidence proves at fault (docs/spec 11.2 to 11.4). Nobody is asked, nothing is read but the file.

    keys          the manifest hashes to the election's id, so its board and witnesses are that election's
    checkpoints   whose right signatures are on each of them; one that the board did not sign says nothing
    statements    which root, and which leaf hash, a checkpoint has somewhere: by itself, or by a proof that verifies
    faults        two checkpoints that state different things about one place

Anybody can write such a file. Hence a signature or a proof that is wrong is no fault of anybody, and never spoils what
others signed: it is passed over, and named in the findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from retally_client.adjudication.evidence_file import Evidence, Inclusion, Prefix, SentEntry
from retally_crypto.checkpoints import open_checkpoint, verify_checkpoint
from retally_crypto.entries import SignedEntry, election_id, parse_entry
from retally_crypto.errors import BadProof, Malformed, RetallyError
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead, leaf_hash, verify_inclusion
from retally_crypto.notes import VerifierKey
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import policy_from_manifest
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_crypto.tree_proofs import verify_consistency

NOTHING = "proves nothing"


@dataclass(frozen=True)
class Statement:
    """What checkpoint number `checkpoint` has: the root over its first `place` entries, or the leaf hash of entry
    `place`."""

    checkpoint: int
    about: Literal["root", "leaf"]
    place: int
    value: bytes


@dataclass(frozen=True)
class Contradiction:
    """Two statements about one place that no append-only log can both make, and the witnesses who signed both."""

    first: Statement
    second: Statement
    witnesses: tuple[str, ...]

    def __str__(self) -> str:
        one = self.first
        place = f"the first {one.place:,} entries" if one.about == "root" else f"entry {one.place:,}"
        return (
            f"{place}: checkpoint {one.checkpoint} has the {one.about} hash {one.value.hex()}, "
            f"checkpoint {self.second.checkpoint} has {self.second.value.hex()}"
        )


@dataclass(frozen=True)
class Judgement:
    """What a file proves. `findings` say of each checkpoint, receipt and proof of the file what was found."""

    election: bytes
    title: str
    board: str
    contradictions: tuple[Contradiction, ...]
    findings: tuple[str, ...]

    @property
    def board_at_fault(self) -> bool:
        return bool(self.contradictions)

    @property
    def witnesses_at_fault(self) -> tuple[str, ...]:
        """Names of witnesses, sorted."""
        return tuple(sorted({name for one in self.contradictions for name in one.witnesses}))

    @property
    def verdict(self) -> str:
        """One of the three answers of 11.4."""
        if not self.board_at_fault:
            return NOTHING
        if not self.witnesses_at_fault:
            return "proves the board's operator at fault"
        return f"proves the board's operator and the witnesses {', '.join(self.witnesses_at_fault)} at fault"


@dataclass(frozen=True)
class _Speaker:
    head: TreeHead
    witnesses: frozenset[str]


def judge(evidence: Evidence) -> Judgement:
    """Who is at fault. Raises Malformed if the manifest is not that of the file's election, or not a right one."""
    policy, title = _keys(evidence)
    receipts = [_receipt(sent) for sent in evidence.receipts]
    speakers: list[_Speaker | None] = []
    statements: list[Statement] = []
    findings: list[str] = []
    for raw in (*evidence.checkpoints, *(None if one is None else one.checkpoint for one in receipts)):
        speaker, found = _speaker(raw, policy)
        findings.append(f"checkpoint {len(speakers)}: {found}")
        if speaker is not None:
            statements.append(Statement(len(speakers), "root", speaker.head.size, speaker.head.root))
        speakers.append(speaker)
    for stated, found in (
        *_stated_by_prefixes(evidence.prefixes, speakers),
        *_stated_by_inclusions(evidence.inclusions, speakers),
        *_stated_by_receipts(evidence, receipts, speakers),
    ):
        findings.append(found)
        if stated is not None:
            statements.append(stated)
    contradictions = tuple(_contradictions(statements, speakers))
    return Judgement(evidence.election, title, policy.board.name, contradictions, tuple(findings))


def _keys(evidence: Evidence) -> tuple[TrustPolicy, str]:
    if election_id(evidence.manifest) != evidence.election:
        raise Malformed("evidence: the manifest is not that of the election, their hashes differ")
    try:
        policy = policy_from_manifest(evidence.manifest)
        entry = parse_entry(evidence.manifest, None)
    except RetallyError as error:
        raise Malformed(f"evidence: {error}") from None
    if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
        raise Malformed("evidence: this entry is not a manifest")
    return policy, entry.content.title


def _receipt(sent: SentEntry) -> TlogProof | None:
    try:
        proof = parse_tlog_proof(sent.receipt)
    except RetallyError:
        return None
    return None if proof.extra is not None else proof


def _speaker(raw: bytes | None, policy: TrustPolicy) -> tuple[_Speaker | None, str]:
    if raw is None:
        return None, "says nothing, it is that of a receipt in another form"
    try:
        head = verify_checkpoint(raw, policy.board).head
    except RetallyError as error:
        return None, f"says nothing: {error}"
    names = [key.name for key in policy.witnesses if _cosigned(raw, policy.board, key)]
    signers = ", ".join([policy.board.name, *names])
    return _Speaker(head, frozenset(names)), f"{head.size:,} entries, root {head.root.hex()}, signed by {signers}"


def _cosigned(raw: bytes, board: VerifierKey, witness: VerifierKey) -> bool:
    # One witness at a time: a wrong line under another's key must not hide this one's.
    try:
        return bool(open_checkpoint(raw, board, (witness,), 1).cosignatures)
    except RetallyError:
        return False


Stated = tuple[Statement | None, str]


def _stated_by_prefixes(prefixes: Sequence[Prefix], speakers: Sequence[_Speaker | None]) -> Iterator[Stated]:
    for number, prefix in enumerate(prefixes):
        what = f"prefix {number}: "
        head = _head(prefix.checkpoint, speakers)
        if head is None:
            yield None, f"{what}states nothing, nor does checkpoint {prefix.checkpoint}"
        elif not 0 < prefix.size < head.size:
            yield None, f"{what}states nothing, {prefix.size} is no size before checkpoint {prefix.checkpoint}"
        else:
            try:
                verify_consistency(TreeHead(prefix.size, prefix.root), head, prefix.proof)
            except BadProof as error:
                yield None, f"{what}states nothing: {error}"
            else:
                yield (
                    Statement(prefix.checkpoint, "root", prefix.size, prefix.root),
                    f"{what}checkpoint {prefix.checkpoint} has the root {prefix.root.hex()} at {prefix.size:,} entries",
                )


def _stated_by_inclusions(inclusions: Sequence[Inclusion], speakers: Sequence[_Speaker | None]) -> Iterator[Stated]:
    for number, inclusion in enumerate(inclusions):
        place = Statement(inclusion.checkpoint, "leaf", inclusion.index, inclusion.leaf)
        yield _included(f"inclusion {number}: ", place, inclusion.proof, speakers)


def _stated_by_receipts(
    evidence: Evidence, receipts: Sequence[TlogProof | None], speakers: Sequence[_Speaker | None]
) -> Iterator[Stated]:
    for number, (sent, proof) in enumerate(zip(evidence.receipts, receipts, strict=True)):
        what = f"receipt {number}: "
        if proof is None:
            yield None, f"{what}states nothing, it has not the form of a receipt"
        elif sent.entry is None:
            yield None, f"{what}states no entry, the one that was sent is not in the file"
        else:
            place = Statement(len(evidence.checkpoints) + number, "leaf", proof.index, leaf_hash(sent.entry))
            yield _included(what, place, proof.hashes, speakers)


def _included(what: str, place: Statement, proof: Sequence[bytes], speakers: Sequence[_Speaker | None]) -> Stated:
    head = _head(place.checkpoint, speakers)
    if head is None:
        return None, f"{what}states nothing, nor does checkpoint {place.checkpoint}"
    try:
        verify_inclusion(place.value, place.place, proof, head)
    except BadProof as error:
        return None, f"{what}states nothing: {error}"
    return place, f"{what}checkpoint {place.checkpoint} has the leaf hash {place.value.hex()} at entry {place.place:,}"


def _head(number: int, speakers: Sequence[_Speaker | None]) -> TreeHead | None:
    speaker = speakers[number] if number < len(speakers) else None
    return None if speaker is None else speaker.head


def _contradictions(statements: Sequence[Statement], speakers: Sequence[_Speaker | None]) -> Iterator[Contradiction]:
    for one, other in combinations(statements, 2):
        if (one.about, one.place) != (other.about, other.place) or one.value == other.value:
            continue
        first, second = speakers[one.checkpoint], speakers[other.checkpoint]
        if one.checkpoint != other.checkpoint and first is not None and second is not None:
            yield Contradiction(one, other, tuple(sorted(first.witnesses & second.witnesses)))
