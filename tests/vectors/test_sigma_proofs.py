"""The sigma draft's published proofs over P-256: made again byte for byte, accepted, and their mutants refused."""

from itertools import combinations
from typing import Any

import pytest

from retally_reference.fiat_shamir import OVERSAMPLING, DuplexSponge, decode_uint, derive_session_id
from retally_reference.linear_relation import failed_check, parse, serialize
from retally_reference.sigma import (
    NonceSource,
    batch_verify,
    prove_batchable,
    prove_compact,
    verify_batchable,
    verify_compact,
)
from tests.shared_vectors import vectors_json
from tests.vectors.p256 import P256_GROUP

Vector = dict[str, Any]

VALID: list[Vector] = vectors_json("sigma", "valid_P256.json")
ADVERSARIAL: list[Vector] = vectors_json("sigma", "adversarial_P256.json")
REJECTED = [vector for vector in ADVERSARIAL if vector["Expected"] == "reject"]
BASELINES = [vector for vector in ADVERSARIAL if vector["Expected"] == "accept"]
BATCHABLE = [vector for vector in VALID if vector["Flavor"] == "batchable"]
BY_ID = {vector["Id"]: vector for vector in VALID}


def name(vector: Vector) -> str:
    return str(vector["Id"]).removeprefix("sigma-protocols/p256/")


def seeded_nonces(vector: Vector) -> NonceSource:
    """The draft's "Seeded PRNG": the nonces its published proofs were made with."""
    marker = {"batchable": "DSFS", "compact": "CMPT"}[vector["Flavor"]]
    tag = f"TestDRNG-SIGMA-PROOFS-{marker}-{vector['Ciphersuite']}-{vector['Relation']}"
    sponge = DuplexSponge(derive_session_id(tag.encode()))
    return lambda: decode_uint(sponge.squeeze(P256_GROUP.scalar_length + OVERSAMPLING), P256_GROUP.order)


def accepted(vector: Vector) -> bool:
    try:
        relation = parse(P256_GROUP, bytes.fromhex(vector["Instance"]))
    except ValueError:
        return False
    verify = {"batchable": verify_batchable, "compact": verify_compact}[vector["Flavor"]]
    return verify(vector["Tag"].encode(), relation, bytes.fromhex(vector["NargString"]))


def accepted_in_a_batch(vectors: list[Vector]) -> bool:
    try:
        relations = [parse(P256_GROUP, bytes.fromhex(vector["Instance"])) for vector in vectors]
    except ValueError:
        return False
    proofs = [bytes.fromhex(vector["NargString"]) for vector in vectors]
    return batch_verify(P256_GROUP, [vector["Tag"].encode() for vector in vectors], relations, proofs)


def test_the_vector_files_hold_what_these_tests_expect() -> None:
    assert (len(VALID), len(REJECTED), len(BASELINES)) == (14, 29, 4)
    assert {vector["Ciphersuite"] for vector in VALID + ADVERSARIAL} == {"sigma-proofs_Shake128_P256"}
    assert {vector["Function"] for vector in VALID + ADVERSARIAL} == {"SigmaProof"}


@pytest.mark.parametrize("vector", VALID, ids=name)
def test_session_id_and_instance_are_those_of_the_vector(vector: Vector) -> None:
    assert derive_session_id(vector["Tag"].encode()).hex() == vector["SessionId"]
    relation = parse(P256_GROUP, bytes.fromhex(vector["Instance"]))
    assert failed_check(relation) is None
    assert serialize(relation).hex() == vector["Instance"]


@pytest.mark.parametrize("vector", VALID, ids=name)
def test_proof_is_reproduced_byte_for_byte_from_the_seeded_nonces(vector: Vector) -> None:
    relation = parse(P256_GROUP, bytes.fromhex(vector["Instance"]))
    encoded = bytes.fromhex(vector["Witness"])
    witness = [P256_GROUP.decode_scalar(encoded[i : i + 32]) for i in range(0, len(encoded), 32)]
    prove = {"batchable": prove_batchable, "compact": prove_compact}[vector["Flavor"]]
    proof = prove(vector["Tag"].encode(), relation, witness, nonce_source=seeded_nonces(vector))
    assert proof.hex() == vector["NargString"]


@pytest.mark.parametrize("vector", VALID + BASELINES, ids=name)
def test_valid_proof_is_accepted(vector: Vector) -> None:
    assert accepted(vector)


@pytest.mark.parametrize("vector", REJECTED, ids=name)
def test_adversarial_proof_is_rejected_while_its_base_is_accepted(vector: Vector) -> None:
    assert not accepted(vector)
    assert accepted(BY_ID[vector["BaseId"]])


@pytest.mark.parametrize("flavour", ["batchable", "compact"])
def test_a_proof_is_not_accepted_under_the_other_flavour(flavour: str) -> None:
    other = {"batchable": "compact", "compact": "batchable"}[flavour]
    for vector in VALID:
        if vector["Flavor"] == flavour:
            assert not accepted({**vector, "Flavor": other})


def test_the_empty_batch_is_accepted() -> None:
    assert accepted_in_a_batch([])


def test_all_valid_batchable_proofs_verify_as_one_batch() -> None:
    assert len(BATCHABLE) == 7
    assert accepted_in_a_batch(BATCHABLE)


@pytest.mark.parametrize("pair", list(combinations(BATCHABLE, 2)), ids=lambda pair: "+".join(map(name, pair)))
def test_any_two_valid_batchable_proofs_verify_as_one_batch(pair: tuple[Vector, Vector]) -> None:
    assert accepted_in_a_batch(list(pair))


@pytest.mark.parametrize("vector", [v for v in REJECTED if v["Flavor"] == "batchable"], ids=name)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_batch_that_holds_one_adversarial_proof_is_rejected(vector: Vector, position: int) -> None:
    batch = [BATCHABLE[0], BATCHABLE[1]]
    assert not accepted_in_a_batch([*batch[:position], vector, *batch[position:]])
