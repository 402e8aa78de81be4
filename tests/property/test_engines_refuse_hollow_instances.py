"""Both engines refuse an instance of which a proof would attest nothing, although its equations hold.

Checks 9 and 10 of instance validation in draft-irtf-cfrg-sigma-protocols-03. The proofs are made here, by a prover that
validates nothing: were it not for those checks, they would verify.
"""

import hashlib
import secrets

import pytest

from tests.property.engines import L, Proved, agreed, encode_scalar, multiple

TAG = b"hollow"
X, Y = 31337, 271828


def prove_without_validation(statement: Proved) -> bytes:
    """A batchable proof written from the draft, over elements of known logarithm."""
    nonces = [secrets.randbelow(L) for _ in statement.witness]
    commitment = b"".join(
        multiple(sum(c * nonces[scalar] * statement.logarithms[element] for scalar, element, c in terms))
        for _, terms in statement.equations
    )
    session = agreed("session_id", TAG)
    squeezed = hashlib.shake_128(session + bytes(168 - 32) + statement.header + statement.elements + commitment).digest(
        48
    )
    challenge = int.from_bytes(squeezed, "little")
    return commitment + b"".join(
        encode_scalar(nonce + challenge * secret) for nonce, secret in zip(nonces, statement.witness, strict=True)
    )


def verdicts(statement: Proved, proof: bytes) -> tuple[object, object]:
    """What both engines say, of one proof and of a batch of three."""
    arguments = (statement.elements * 3, TAG * 3, proof * 3, 3)
    return (
        agreed("verify", statement.header, statement.elements, TAG, proof),
        agreed("verify_batch", statement.header, b"", *arguments),
    )


def weighted_image(weight: int, y: int) -> Proved:
    """w*X - Y = t*G: the image is the identity when Y = w*X."""
    difference = (weight * X - y) % L
    return Proved([([(1, weight), (2, -1)], [(0, 0, 1)])], [1, X, y], [difference])


def cancelling_column(y: int) -> Proved:
    """X = a*G + t*X - t*Y: nothing is said of t when Y = X."""
    return Proved([([(1, 1)], [(0, 0, 1), (1, 1, 1), (1, 2, -1)])], [1, X, y], [(X - 99 * (X - y)) % L, 99])


def rescued_column(y: int) -> Proved:
    """The same with a second equation in which t does occur, T = t*G."""
    first = cancelling_column(y)
    return Proved([*first.equations, ([(3, 1)], [(1, 0, 1)])], [*first.logarithms, 99], first.witness)


@pytest.mark.parametrize(
    "valid",
    [
        weighted_image(5, Y),
        weighted_image(2**32 - 1, Y),
        weighted_image(2**200, Y),
        cancelling_column(Y),
        rescued_column(X),
    ],
    ids=["small-image", "32-bit-image", "large-image", "column", "rescued-column"],
)
def test_the_prover_of_these_tests_is_right(valid: Proved) -> None:
    assert verdicts(valid, prove_without_validation(valid)) == (True, [])


@pytest.mark.parametrize("weight", [1, 5, 2**32 - 1, 2**32, 2**200, L - 1, L - 7], ids=hex)
def test_an_image_that_is_the_identity_is_refused(weight: int) -> None:
    hollow = weighted_image(weight, weight * X % L)
    assert hollow.witness == [0]
    assert verdicts(hollow, prove_without_validation(hollow)) == (False, [0, 1, 2])
    assert agreed("prove", hollow.header, hollow.elements, TAG, hollow.witness_bytes, []) == "refused"


def test_a_column_that_is_the_identity_is_refused() -> None:
    hollow = cancelling_column(X)
    assert verdicts(hollow, prove_without_validation(hollow)) == (False, [0, 1, 2])
    assert agreed("prove", hollow.header, hollow.elements, TAG, hollow.witness_bytes, []) == "refused"


def test_a_coefficient_of_zero_makes_no_column() -> None:
    hollow = Proved([([(1, 1)], [(0, 0, 1), (1, 1, 0)])], [1, X], [X, 7])
    assert verdicts(hollow, prove_without_validation(hollow)) == (False, [0, 1, 2])


def test_an_element_that_is_the_identity_is_refused() -> None:
    hollow = Proved([([(1, 1)], [(0, 0, 1), (0, 2, 1)])], [1, X, 0], [X])
    assert hollow.elements.endswith(bytes(32))
    assert verdicts(hollow, prove_without_validation(hollow)) == (False, [0, 1, 2])


def test_a_commitment_that_is_the_identity_is_refused() -> None:
    # X = x*G with a nonce of zero: the equation holds, and the response gives the witness away.
    statement = Proved([([(1, 1)], [(0, 0, 1)])], [1, X], [X])
    challenge = hashlib.shake_128(
        agreed("session_id", TAG) + bytes(168 - 32) + statement.header + statement.elements + bytes(32)
    ).digest(48)
    proof = bytes(32) + encode_scalar(int.from_bytes(challenge, "little") * X)
    assert verdicts(statement, proof) == (False, [0, 1, 2])
