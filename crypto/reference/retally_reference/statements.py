"""Pages 2.4, 5 and 7.5: the tag of a proof, and what guardians and registrars prove. The ballot's relation is in
`shapes`.
"""

from collections.abc import Sequence

from retally_reference import sigma
from retally_reference.edwards import Point
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import Equation, LinearRelation

SUITE = "sigma-proofs_Shake128_Ristretto255"


def tag(relation: str, *context: bytes) -> bytes:
    """2.4."""
    return f"RETALLY-V01-{relation}-{b''.join(context).hex()}-DSFS-with-{SUITE}".encode()


def _holds(context: bytes, elements: Sequence[Point], equations: Sequence[Equation], proof: bytes) -> bool:
    relation = LinearRelation(RISTRETTO255, (RISTRETTO255.generator, *elements), tuple(equations))
    return sigma.verify_batchable(context, relation, proof)


def commitments_are_proved(election: bytes, guardian: int, commitments: Sequence[Point], proof: bytes) -> bool:
    """5.1: the guardian knows the coefficients of its polynomial."""
    equations = [Equation(((at + 1, 1),), ((at, 0, 1),)) for at in range(len(commitments))]
    return _holds(tag("GuardianCommitment", election, guardian.to_bytes(4, "little")), commitments, equations, proof)


def part_is_proved(election: bytes, registrar: int, replaced: bytes, part: Point, proof: bytes) -> bool:
    """5.7: the registrar knows the secret of its part of the credential that comes in the place of `replaced`."""
    context = tag("CredentialPart", election, registrar.to_bytes(4, "little"), replaced)
    return _holds(context, [part], [Equation(((1, 1),), ((0, 0, 1),))], proof)


def decryption_is_proved(context: bytes, share: Point, pairs: Sequence[tuple[Point, Point]], proof: bytes) -> bool:
    """7.5: S = s·G and M = s·A for every (A, M), with one s."""
    # Elements: 0 G, 1 S, then A_1, M_1, …
    elements = [share, *(point for pair in pairs for point in pair)]
    equations = [Equation(((1, 1),), ((0, 0, 1),))]
    equations += [Equation(((3 + 2 * j, 1),), ((0, 2 + 2 * j, 1),)) for j in range(len(pairs))]
    return _holds(context, elements, equations, proof)
