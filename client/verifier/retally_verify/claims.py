"""What else was said about this board, to be held against its entries: kept checkpoints, receipts (V02), and the two
checkpoints by which opening and closing took effect (V04). docs/spec, 8.2, 9.2, 9.3.

Claims are read before the entries, so that one pass over the board meets every size and index they speak of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint, verify_checkpoint
from retally_crypto.errors import BadProof, Malformed, RetallyError
from retally_crypto.merkle import TreeHead, verify_inclusion
from retally_crypto.policy import TrustPolicy
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.findings import State, TimesFinding
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_verify.files import CHECKPOINT_LIMIT, Board, TooLong


@dataclass(frozen=True)
class Effect:
    """`checkpoint.opening` or `checkpoint.closing`: the verified checkpoint, or why there is none."""

    name: str
    checkpoint: CosignedCheckpoint | None
    fault: str | None


@dataclass
class Claims:
    """Statements to compare, and what the board has at the places they speak of (filled in while it is read)."""

    heads: list[tuple[str, TreeHead]] = field(default_factory=list)
    receipts: list[tuple[str, TlogProof, TreeHead]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    roots: dict[int, bytes] = field(default_factory=dict)
    leaves: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sizes = {head.size for _, head in self.heads}
        self.sizes |= {effect.checkpoint.checkpoint.size for effect in self.effects if effect.checkpoint}
        self.indices = {proof.index for _, proof, _ in self.receipts}

    def meet_leaf(self, index: int, leaf: bytes) -> None:
        if index in self.indices:
            self.leaves[index] = leaf

    def contradictions(self, size: int) -> list[str]:
        """What contradicts a board of `size` entries, after all of them were met. Empty when nothing does.

        A receipt speaks through its checkpoint. Where this board has the root that the receipt's checkpoint names, it
        has every entry of that tree; an inclusion proof that does not fit is then the receipt's own fault, and is
        ignored.
        """
        found: dict[str, str] = {}
        for name, head in self.heads:
            if head.size > size:
                found[name] = f"{name}: the board signed {head.size} entries, here are only {size}"
            elif head.size > 0 and self.roots[head.size] != head.root:
                found[name] = (
                    f"{name}: at {head.size} entries the board signed root {head.root.hex()}, "
                    f"here it is {self.roots[head.size].hex()}"
                )
        for name, proof, head in self.receipts:
            if name not in found and not self._proves(proof, head):
                self.ignored.append(f"{name} ignored: it proves no entry of the tree that it names")
        return list(found.values())

    def _proves(self, proof: TlogProof, head: TreeHead) -> bool:
        try:
            verify_inclusion(self.leaves.get(proof.index, b""), proof.index, proof.hashes, head)
        except (BadProof, ValueError):
            return False
        return True


def read_claims(board: Board, policy: TrustPolicy, kept: Sequence[bytes], receipts: Sequence[bytes]) -> Claims:
    """Everything claimed about the board of `policy`. What its key did not sign proves nothing: ignored, by name."""
    heads: list[tuple[str, TreeHead]] = []
    opened: list[tuple[str, TlogProof, TreeHead]] = []
    ignored = []
    for position, raw in enumerate(kept, start=1):
        name = f"kept checkpoint {position}"
        try:
            heads.append((name, verify_checkpoint(raw, policy.board).head))
        except RetallyError as error:
            ignored.append(f"{name} ignored: {error}")
    for position, raw in enumerate(receipts, start=1):
        name = f"receipt {position}"
        try:
            proof = parse_tlog_proof(raw)
            if proof.extra is not None:
                raise Malformed("a receipt has no extra data")
            head = verify_checkpoint(proof.checkpoint, policy.board).head
        except RetallyError as error:
            ignored.append(f"{name} ignored: {error}")
            continue
        heads.append((name, head))
        opened.append((name, proof, head))
    effects = [_effect(board, policy, name) for name in ("opening", "closing")] if policy.witnesses else []
    return Claims(heads, opened, effects, ignored)


def _effect(board: Board, policy: TrustPolicy, name: str) -> Effect:
    try:
        raw = board.read(f"checkpoint.{name}", CHECKPOINT_LIMIT)
    except TooLong as error:
        return Effect(name, None, str(error))
    if raw is None:
        return Effect(name, None, None)
    try:
        return Effect(name, open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum), None)
    except RetallyError as error:
        return Effect(name, None, f"checkpoint.{name}: {error}")


def v04_times(claims: Claims, policy: TrustPolicy, record: ElectionRecord, size: int) -> TimesFinding | None:
    """Whether opening and closing took effect at the quorum's times; None for a board without witnesses."""
    if not policy.witnesses:
        return None
    manifest = record.manifest
    rules = {
        "opening": (record.opening_index, manifest.opens),
        "closing": (record.closing_index, manifest.closes),
    }
    failures, missing = [], []
    for effect in claims.effects:
        index, due = rules[effect.name]
        if effect.fault is not None:
            failures.append(effect.fault)
        elif effect.checkpoint is None:
            if index is not None:
                missing.append(f"checkpoint.{effect.name} is not there")
        elif index is not None:
            failures += _effect_faults(
                effect.name, effect.checkpoint, index, due, manifest.grace, policy.quorum, claims, size
            )
    state: State = "fail" if failures else "incomplete" if missing else "pass"
    return TimesFinding(state, (*failures, *missing))


def _effect_faults(
    name: str, opened: CosignedCheckpoint, index: int, due: int, grace: int, quorum: int, claims: Claims, size: int
) -> list[str]:
    head = opened.head
    if head.size <= index:
        return [f"checkpoint.{name} of size {head.size} does not cover entry {index}"]
    if head.size > size or claims.roots[head.size] != head.root:
        return [f"checkpoint.{name} of size {head.size} is not consistent with the board"]
    in_time = sum(due <= time <= due + grace for _, time in opened.cosignatures)
    if in_time < quorum:
        return [f"checkpoint.{name}: {in_time} cosignatures from {due} to {due + grace}, the quorum is {quorum}"]
    return []
