"""Files of evidence as anyone can write them, right or forged (docs/spec 11): boards that signed two histories.

The manifest is that of `retally_lab.boards.election`; the entries behind it are noise, for who is at fault depends on
signatures and hashes alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.merkle import leaf_hash
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint
from retally_crypto.tlog_proof import TlogProof
from retally_crypto.tree_proofs import consistency_proof, hash_source, inclusion_proof, span_root
from retally_lab.boards.election import Election
from retally_lab.boards.files import CLOSES, binary

Case = dict[str, Any]
"""The members of a file before they are written; byte strings stay byte strings."""


@dataclass(frozen=True)
class History:
    """One of the logs that a board could show: what is said about it is signed by whoever one likes."""

    entries: tuple[bytes, ...]
    board: SigningKey

    @property
    def _hashes(self) -> list[bytes]:
        return [leaf_hash(raw) for raw in self.entries]

    def leaf(self, index: int) -> bytes:
        return self._hashes[index]

    def root(self, size: int) -> bytes:
        return span_root(0, size, hash_source(self._hashes))

    def checkpoint(self, size: int, witnesses: Sequence[SigningKey] = ()) -> bytes:
        """The signed checkpoint of the first `size` entries."""
        return signed(self.board, size, self.root(size), witnesses)

    def receipt(self, index: int, size: int, witnesses: Sequence[SigningKey] = ()) -> bytes:
        """What a voter gets whose ballot is entry `index` of `size`."""
        proof = inclusion_proof(index, size, hash_source(self._hashes))
        return format_tlog_proof(TlogProof(index, proof, self.checkpoint(size, witnesses)))

    def prefix(self, number: int, old: int, new: int) -> Case:
        """That checkpoint `number` of the file, over `new` entries, had this root when it had `old`."""
        proof = consistency_proof(old, new, hash_source(self._hashes))
        return {"checkpoint": number, "size": old, "root": self.root(old), "proof": list(proof)}

    def inclusion(self, number: int, index: int, size: int) -> Case:
        """That checkpoint `number` of the file, over `size` entries, has this leaf hash at `index`."""
        proof = inclusion_proof(index, size, hash_source(self._hashes))
        return {"checkpoint": number, "index": index, "leaf": self.leaf(index), "proof": list(proof)}


def signed(board: SigningKey, size: int, root: bytes, witnesses: Sequence[SigningKey] = ()) -> bytes:
    """A checkpoint as the board and these witnesses would sign it, whatever stands behind it."""
    head = Checkpoint(board.verifier_key.name, size, root)
    raw = sign_checkpoint(head, board)
    for witness in witnesses:
        raw = add_cosignatures(raw, cosign(format_checkpoint(head), witness, CLOSES))
    return raw


def histories(election: Election) -> tuple[History, History]:
    """Two logs of 40 entries that part at entry 10; the first is the one that receipts and kept checkpoints are of."""
    common = [election.entries[0], *(b"entry %d" % number for number in range(1, 10))]
    first, second = ([*common, *(b"%s %d" % (label, number) for number in range(10, 40))] for label in (b"a", b"b"))
    return History(tuple(first), election.board), History(tuple(second), election.board)


def evidence(election: Election, **members: Any) -> Case:
    """A file about this election, with these members and nothing else in it."""
    return {
        "kind": "retally-evidence",
        "version": "RETALLY-V01",
        "election": election.election_id,
        "manifest": election.entries[0],
        "checkpoints": [],
        "receipts": [],
        "prefixes": [],
        "inclusions": [],
        **members,
    }


def written(members: Mapping[str, Any]) -> bytes:
    """The file's bytes."""
    return json.dumps(binary(members), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
