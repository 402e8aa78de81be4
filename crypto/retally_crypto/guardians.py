"""Guardians: a joint key that nobody ever holds, as anyone checks it (docs/spec 5.1 to 5.5).

Every guardian publishes commitments to its polynomial's coefficients and proves that it knows them; the joint key and
the public key of every share follow from these. What a guardian keeps to itself: `retally_crypto.secret.guardians`.

Guardians are counted from 1 in the manifest's order. Scalars and points are 32 bytes each.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from retally_crypto.engine import engine
from retally_crypto.relations import ORDER, Template, compile_relation, tag

GUARDIAN_COMMITMENT: Final = """
Relation GuardianCommitment(F_0, ..., F_k-1):
  Witness: a_0, ..., a_k-1
  Equations:
    F_j = a_j*G                  for j = 0..k-1
"""


def verify_commitment(commitments: bytes, proof: bytes, election_id: bytes, guardian: int) -> bool:
    """Whether the guardian knows every coefficient behind its commitments (V05)."""
    if not commitments or len(commitments) % 32:
        return False
    template = commitment_relation(len(commitments) // 32)
    return engine.verify(template.header, commitments, commitment_tag(template, election_id, guardian), proof)


def check_share(share: bytes, commitments: bytes, recipient: int) -> bool:
    """Whether x·G = Σ_l j^l·F_l: the share is the one its sender committed to for guardian j (5.2, 5.3)."""
    if len(share) != 32 or engine.invalid_scalars(share):
        return False
    return engine.multiply_base(share) == _evaluate(commitments, recipient)


def ceremony_hash(leaf_hashes: Iterable[bytes]) -> bytes:
    """`ceremony` (5.4), from the leaf hashes, in board order, of the manifest and every ceremony entry before the
    confirmations."""
    return hashlib.sha256(b"".join(leaf_hashes)).digest()


def joint_key(commitments: Sequence[bytes]) -> bytes:
    """K = Σ_i F_i,0 (5.5). May be the identity, 32 zero bytes, which V07 refuses."""
    return engine.sum_columns(b"".join(of_one[:32] for of_one in commitments), 1)


def share_public_key(commitments: Sequence[bytes], guardian: int) -> bytes:
    """S_j = Σ_i Σ_l j^l·F_i,l (5.5), from all n guardians' commitments. May be the identity, which V07 refuses."""
    return _evaluate_sum(tuple(commitments), guardian)


# False openings may come again and again, and every one asks for all guardians' keys.
@lru_cache(maxsize=64)
def _evaluate_sum(commitments: tuple[bytes, ...], at: int) -> bytes:
    return _evaluate(engine.sum_columns(b"".join(commitments), len(commitments[0]) // 32), at)


def _evaluate(commitments: bytes, at: int) -> bytes:
    powers = b"".join(pow(at, exponent, ORDER).to_bytes(32, "little") for exponent in range(len(commitments) // 32))
    return engine.multi_scalar_multiply(powers, commitments)


def commitment_relation(threshold: int) -> Template:
    """The relation GuardianCommitment with k = `threshold` (5.1)."""
    return compile_relation(GUARDIAN_COMMITMENT, k=threshold)


def commitment_tag(template: Template, election_id: bytes, guardian: int) -> bytes:
    """The tag of its proof: election id, guardian."""
    return tag(template.name, election_id, guardian.to_bytes(4, "little"))
