"""The key ceremony: shares that fit their commitments, a key nobody holds (docs/spec 5.1 to 5.5)."""

import hashlib
from itertools import combinations

import pytest

from retally_crypto.engine import engine
from retally_crypto.errors import CannotDecrypt, Unusable
from retally_crypto.guardians import ceremony_hash, check_share, joint_key, share_public_key, verify_commitment
from retally_crypto.relations import ORDER
from retally_crypto.secret.guardians import (
    Polynomial,
    commit,
    new_encryption_key,
    new_polynomial,
    open_share,
    seal_share,
    secret_share,
    share_for,
)
from retally_crypto.tally import lagrange

ELECTION = hashlib.sha256(b"an election").digest()
OTHER_ELECTION = hashlib.sha256(b"another election").digest()
HASHES = (hashlib.sha256(b"entry 1").digest(), hashlib.sha256(b"entry 2").digest())
N, K = 4, 3


@pytest.fixture(scope="module")
def polynomials() -> dict[int, Polynomial]:
    return {guardian: new_polynomial(K) for guardian in range(1, N + 1)}


@pytest.fixture(scope="module")
def published(polynomials: dict[int, Polynomial]) -> dict[int, tuple[bytes, bytes]]:
    return {guardian: commit(polynomial, ELECTION, guardian) for guardian, polynomial in polynomials.items()}


def shares_of(polynomials: dict[int, Polynomial]) -> dict[int, bytes]:
    return {
        j: secret_share(polynomials[j], j, {i: share_for(p, j) for i, p in polynomials.items() if i != j})
        for j in polynomials
    }


def test_a_polynomial_never_shows_itself() -> None:
    polynomial = new_polynomial(K)
    assert len(set(polynomial.coefficients)) == K
    assert all(
        repr(c)[2:-1] not in repr(polynomial) and c.hex() not in repr(polynomial) for c in polynomial.coefficients
    )


def test_a_commitment_proves_its_coefficients(published: dict[int, tuple[bytes, bytes]]) -> None:
    commitments, proof = published[2]
    assert len(commitments) == 32 * K
    assert len(proof) == 64 * K
    assert verify_commitment(commitments, proof, ELECTION, 2)


def test_a_commitment_counts_for_its_guardian_and_election_only(published: dict[int, tuple[bytes, bytes]]) -> None:
    commitments, proof = published[2]
    assert not verify_commitment(commitments, proof, ELECTION, 1)
    assert not verify_commitment(commitments, proof, OTHER_ELECTION, 2)
    assert not verify_commitment(published[1][0], proof, ELECTION, 2)
    assert not verify_commitment(commitments[:64], proof, ELECTION, 2)
    assert not verify_commitment(commitments, proof[:-1], ELECTION, 2)
    assert not verify_commitment(commitments[:-1], proof, ELECTION, 2)
    assert not verify_commitment(b"", b"", ELECTION, 2)


def test_a_guardian_cannot_prove_a_key_that_cancels_the_others(published: dict[int, tuple[bytes, bytes]]) -> None:
    mine = new_polynomial(K)
    commitments, proof = commit(mine, ELECTION, 4)
    others = joint_key([published[i][0] for i in (1, 2, 3)])
    rogue = engine.subtract(commitments[:32], others) + commitments[32:]
    assert joint_key([published[1][0], published[2][0], published[3][0], rogue]) == commitments[:32]
    assert not verify_commitment(rogue, proof, ELECTION, 4)


def test_a_share_is_the_polynomial_at_its_recipient() -> None:
    one, two, three = (n.to_bytes(32, "little") for n in (1, 2, 3))
    assert share_for(Polynomial((one, two, three)), 5) == (1 + 2 * 5 + 3 * 25).to_bytes(32, "little")
    with pytest.raises(ValueError, match="counted from 1"):
        share_for(Polynomial((one,)), 0)


def test_a_share_fits_the_commitments_of_its_sender_for_its_recipient_only(
    polynomials: dict[int, Polynomial], published: dict[int, tuple[bytes, bytes]]
) -> None:
    share = share_for(polynomials[1], 2)
    assert check_share(share, published[1][0], 2)
    assert not check_share(share, published[1][0], 3)
    assert not check_share(share, published[2][0], 2)
    assert not check_share(bytes(32), published[1][0], 2)
    assert not check_share(share[:-1], published[1][0], 2)
    not_reduced = (int.from_bytes(share, "little") + ORDER).to_bytes(32, "little")
    assert not check_share(not_reduced, published[1][0], 2)


def test_an_answer_to_a_complaint_convinces_anyone_and_stands_in_for_the_share(
    polynomials: dict[int, Polynomial], published: dict[int, tuple[bytes, bytes]]
) -> None:
    answer = share_for(polynomials[3], 1)
    assert check_share(answer, published[3][0], 1)
    received = {2: share_for(polynomials[2], 1), 3: answer, 4: share_for(polynomials[4], 1)}
    commitments = [published[i][0] for i in range(1, N + 1)]
    assert engine.multiply_base(secret_share(polynomials[1], 1, received)) == share_public_key(commitments, 1)


def test_shares_have_the_public_keys_that_anyone_computes(
    polynomials: dict[int, Polynomial], published: dict[int, tuple[bytes, bytes]]
) -> None:
    commitments = [published[i][0] for i in range(1, N + 1)]
    for guardian, share in shares_of(polynomials).items():
        assert engine.multiply_base(share) == share_public_key(commitments, guardian)


def test_any_k_guardians_have_the_joint_key_between_them_and_fewer_do_not(
    polynomials: dict[int, Polynomial], published: dict[int, tuple[bytes, bytes]]
) -> None:
    shares = shares_of(polynomials)
    key = joint_key([published[i][0] for i in range(1, N + 1)])

    def together(guardians: tuple[int, ...]) -> bytes:
        total = sum(factor * int.from_bytes(shares[i], "little") for i, factor in lagrange(guardians).items())
        return engine.multiply_base((total % ORDER).to_bytes(32, "little"))

    assert all(together(chosen) == key for chosen in combinations(range(1, N + 1), K))
    assert together(tuple(range(1, N + 1))) == key
    assert all(together(chosen) != key for chosen in combinations(range(1, N + 1), K - 1))


def test_a_guardian_receives_nothing_from_itself(polynomials: dict[int, Polynomial]) -> None:
    with pytest.raises(ValueError, match="guardian 1"):
        secret_share(polynomials[1], 1, {1: share_for(polynomials[1], 1)})


def test_a_sealed_share_has_eighty_bytes_and_opens_for_its_recipient() -> None:
    private, public = new_encryption_key()
    share = share_for(new_polynomial(K), 2)
    sealed = seal_share(share, public, ELECTION, 1, 2, *HASHES)
    assert len(sealed) == 80
    assert open_share(sealed, private, ELECTION, 1, 2, *HASHES) == share


@pytest.mark.parametrize(
    ("election", "sender", "recipient", "hashes"),
    [
        (OTHER_ELECTION, 1, 2, HASHES),
        (ELECTION, 3, 2, HASHES),
        (ELECTION, 1, 3, HASHES),
        (ELECTION, 1, 2, HASHES[::-1]),
        (ELECTION, 1, 2, (HASHES[0], HASHES[0])),
    ],
)
def test_a_sealed_share_opens_in_its_own_place_only(
    election: bytes, sender: int, recipient: int, hashes: tuple[bytes, bytes]
) -> None:
    private, public = new_encryption_key()
    sealed = seal_share(bytes(32), public, ELECTION, 1, 2, *HASHES)
    with pytest.raises(CannotDecrypt, match=f"of guardian {sender} for guardian {recipient}"):
        open_share(sealed, private, election, sender, recipient, *hashes)


def test_an_altered_sealed_share_does_not_open() -> None:
    private, public = new_encryption_key()
    sealed = seal_share(bytes(32), public, ELECTION, 1, 2, *HASHES)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotDecrypt):
            open_share(bytes(altered), private, ELECTION, 1, 2, *HASHES)
    for other_length in (sealed[:-1], sealed + b"\0", b""):
        with pytest.raises(CannotDecrypt, match="instead of 80"):
            open_share(other_length, private, ELECTION, 1, 2, *HASHES)


def test_nothing_is_sealed_to_a_key_of_low_order() -> None:
    with pytest.raises(Unusable, match="guardian 2"):
        seal_share(bytes(32), bytes(32), ELECTION, 1, 2, *HASHES)


def test_the_ceremony_hash_is_over_the_leaves_in_order() -> None:
    leaves = [hashlib.sha256(bytes([i])).digest() for i in range(3)]
    assert ceremony_hash(leaves) == hashlib.sha256(b"".join(leaves)).digest()
    assert ceremony_hash(leaves[::-1]) != ceremony_hash(leaves)
