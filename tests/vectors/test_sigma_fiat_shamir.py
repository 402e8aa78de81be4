"""The Fiat-Shamir draft's published vectors: SHAKE128 duplex sponge, session identifier, codecs, example protocol.

The example protocol (sumcheck over Mersenne31) is no part of Retally; it is written out here so that no vector of
these files is left out, and because it exercises sponge and codecs together.
"""

from collections.abc import Callable
from typing import Any

import pytest

from retally_reference.fiat_shamir import (
    DuplexSponge,
    decode_uint,
    derive_session_id,
    deserialize_field,
    deserialize_string,
    deserialize_uint,
    serialize_field,
    serialize_string,
    serialize_uint,
)
from tests.shared_vectors import vectors_json

Vector = dict[str, Any]

VECTORS: list[Vector] = [
    *vectors_json("sigma", "fiatShamirShake128Vectors.json"),
    *vectors_json("sigma", "fiatShamirCodecVectors.json"),
]
MERSENNE31 = 2**31 - 1


def number(value: int | str) -> int:
    return value if isinstance(value, int) else int(value, 16)


def replay(vector: Vector) -> bytes:
    sponge, squeezed = DuplexSponge(bytes.fromhex(vector["SessionId"])), b""
    for operation in vector["Operations"]:
        if operation["type"] == "absorb":
            sponge.absorb(bytes.fromhex(operation["data"]))
        else:
            assert operation["type"] == "squeeze"
            squeezed += sponge.squeeze(operation["length"])
    return squeezed


def sumcheck_sponge(vector: Vector, claimed: int) -> DuplexSponge:
    sponge = DuplexSponge(bytes.fromhex(vector["SessionId"]))
    sponge.absorb(serialize_uint(vector["NumVariables"], 2**32) + serialize_field([claimed], MERSENNE31))
    return sponge


def sumcheck_challenge(sponge: DuplexSponge) -> int:
    return int.from_bytes(sponge.squeeze(4), "little") % MERSENNE31


def sumcheck_prove(vector: Vector, table: list[int]) -> tuple[bytes, int]:
    sponge, proof = sumcheck_sponge(vector, sum(table) % MERSENNE31), b""
    for _ in range(vector["NumVariables"]):
        even = sum(table[::2]) % MERSENNE31
        message = serialize_field([even, (sum(table[1::2]) - even) % MERSENNE31], MERSENNE31)
        sponge.absorb(message)
        proof += message
        r = sumcheck_challenge(sponge)
        table = [(a + r * (b - a)) % MERSENNE31 for a, b in zip(table[::2], table[1::2], strict=True)]
    return proof, table[0]


def sumcheck_accepts(vector: Vector, evaluation: int | None) -> bool:
    """Whether every step passes; without an evaluation, every step but the last comparison."""
    claimed, rest = number(vector["ClaimedSum"]), bytes.fromhex(vector["Narg"])
    sponge = sumcheck_sponge(vector, claimed)
    for _ in range(vector["NumVariables"]):
        try:
            (a, b), rest = deserialize_field(rest, MERSENNE31, 2)
        except ValueError:
            return False
        if (2 * a + b - claimed) % MERSENNE31:
            return False
        sponge.absorb(serialize_field([a, b], MERSENNE31))
        claimed = (a + b * sumcheck_challenge(sponge)) % MERSENNE31
    return not rest and evaluation in (None, claimed)


def check_sponge(vector: Vector) -> None:
    assert replay(vector).hex() == vector["Output"]


def check_session_id(vector: Vector) -> None:
    assert derive_session_id(bytes.fromhex(vector["Tag"])).hex() == vector["Output"]


def check_decode(vector: Vector) -> None:
    squeezed = replay(vector) if "Operations" in vector else bytes.fromhex(vector["Input"])
    assert squeezed.hex() == vector.get("Output", vector.get("Input"))
    assert decode_uint(squeezed, number(vector["Modulus"])) == number(vector["Challenge"])


def check_serialize_string(vector: Vector) -> None:
    content = bytes.fromhex(vector["Input"])
    assert serialize_string(content).hex() == vector["Output"]
    assert deserialize_string(serialize_string(content) + b"rest") == (content, b"rest")


def check_serialize_uint(vector: Vector) -> None:
    value, modulus = number(vector["Value"]), number(vector["Modulus"])
    assert serialize_uint(value, modulus).hex() == vector["Output"]
    assert deserialize_uint(serialize_uint(value, modulus) + b"rest", modulus) == (value, b"rest")


def check_serialize_field(vector: Vector) -> None:
    assert vector["ByteOrder"] == "big-endian"
    value, modulus = number(vector["Value"]), number(vector["Modulus"])
    assert serialize_field([value], modulus, "big").hex() == vector["Output"]


def check_deserialize(vector: Vector) -> None:
    source = bytes.fromhex(vector["Input"])
    readers: dict[str, Callable[[], object]] = {
        "DeserializeVarLenString": lambda: deserialize_string(source),
        "DeserializeUint": lambda: deserialize_uint(source, number(vector["Modulus"])),
        "DeserializeField": lambda: deserialize_field(source, number(vector["Modulus"]), vector["ExtensionDegree"]),
    }
    read = readers[vector["Function"]]
    if vector.get("Expected") == "reject":
        with pytest.raises(ValueError, match=r"fit|canonical"):
            read()
    else:
        assert read() == (tuple(map(number, vector["Coordinates"])), b"")


def check_sumcheck(vector: Vector) -> None:
    assert number(vector["Modulus"]) == MERSENNE31
    if "Tag" in vector:
        assert derive_session_id(bytes.fromhex(vector["Tag"])).hex() == vector["SessionId"]
    if vector.get("Expected") == "reject":
        assert not sumcheck_accepts(vector, None)
        return
    proof, evaluation = sumcheck_prove(vector, vector["Witness"])
    assert (proof.hex(), evaluation) == (vector["Narg"], number(vector["FinalEvaluation"]))
    assert sumcheck_accepts(vector, evaluation)
    assert not sumcheck_accepts(vector, evaluation + 1)


CHECKS: dict[str, Callable[[Vector], None]] = {
    "DuplexSponge": check_sponge,
    "DeriveSessionID": check_session_id,
    "DecodeUint": check_decode,
    "SerializeVarLenString": check_serialize_string,
    "SerializeUint": check_serialize_uint,
    "SerializeField": check_serialize_field,
    "DeserializeVarLenString": check_deserialize,
    "DeserializeUint": check_deserialize,
    "DeserializeField": check_deserialize,
    "Sumcheck": check_sumcheck,
}


def test_every_function_in_the_vector_files_is_checked() -> None:
    assert len(VECTORS) == 26
    assert {vector["Function"] for vector in VECTORS} == set(CHECKS)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["Id"]))
def test_fiat_shamir_vector(vector: Vector) -> None:
    CHECKS[vector["Function"]](vector)
