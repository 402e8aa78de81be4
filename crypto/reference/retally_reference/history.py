"""Pages 9.2 and 9.3: receipts and checkpoints that somebody kept, held against the board as it is now (V02)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retally_reference.canonical import Refusal, base64_standard, refuse_unless
from retally_reference.merkle import merkle_root, node_hash
from retally_reference.notes import LARGEST_SIZE, LONGEST_NOTE, Head, Policy, open_checkpoint


@dataclass(frozen=True)
class Contradicted:
    """The board signed something else before."""

    reason: str


@dataclass(frozen=True)
class Ignored:
    """What proves nothing, for or against the board."""

    reason: str


def hold_checkpoint(name: str, raw: bytes, policy: Policy, hashes: bytes) -> Head | Contradicted | Ignored:
    """Whether another checkpoint of the board is a beginning of this one, whose leaf hashes are given."""
    try:
        # Whoever kept it cares for what the board signed; cosignatures are not looked at.
        head = open_checkpoint(raw, Policy(policy.election, policy.board, (), 0))
    except Refusal as refusal:
        return Ignored(f"{name} ignored: {refusal}")
    if head.size * 32 > len(hashes):
        return Contradicted(f"{name}: the board signed {head.size} entries, here are only {len(hashes) // 32}")
    if merkle_root(hashes[: 32 * head.size]) != head.root:
        return Contradicted(f"{name}: at {head.size} entries the board signed another root")
    return head


def hold_receipt(name: str, raw: bytes, policy: Policy, hashes: bytes) -> Head | Contradicted | Ignored:
    """The same for the checkpoint of a receipt, which proves that an entry is in its tree."""
    try:
        index, proof, checkpoint = parse_receipt(raw)
    except Refusal as refusal:
        return Ignored(f"{name} ignored: {refusal}")
    head = hold_checkpoint(name, checkpoint, policy, hashes)
    if not isinstance(head, Head):
        return head
    # The board has the tree that the receipt names, so a proof that does not fit is the receipt's own fault.
    leaf = hashes[32 * index : 32 * index + 32]
    if len(leaf) != 32 or root_of_inclusion(leaf, index, head.size, proof) != head.root:
        return Ignored(f"{name} ignored: it proves no entry of the tree that it names")
    return head


def parse_receipt(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """9.2: index, hashes and checkpoint of a tlog-proof without extra data."""
    refuse_unless(len(raw) <= LONGEST_NOTE, f"a receipt of {len(raw)} bytes")
    head, blank, checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Refusal("a receipt that is not ASCII") from None
    right = bool(blank) and len(lines) >= 2 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index ")
    refuse_unless(right, "a receipt of another form")
    digits = lines[1][6:]
    right = re.fullmatch("0|[1-9][0-9]{0,18}", digits) is not None and int(digits) <= LARGEST_SIZE
    refuse_unless(right, "a receipt without an index below 2^63")
    proof = [base64_standard(line) for line in lines[2:]]
    right = all(len(one) == 32 for one in proof) and len(proof) <= 63
    refuse_unless(right, "a receipt whose hashes have another length")
    return int(digits), proof, checkpoint


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """RFC 6962 section 2.1.1: the root that an inclusion proof leads to; None if it has another length."""
    if index >= size:
        return None
    node, last, rest = index, size - 1, list(proof)
    value = leaf
    while last > 0:
        if node % 2 or node < last:
            if not rest:
                return None
            sibling = rest.pop(0)
            value = node_hash(sibling, value) if node % 2 else node_hash(value, sibling)
        node, last = node // 2, last // 2
    return None if rest else value
