"""docs/spec/vectors, pages 1, 2, 3 and 6: both engines and the reference verifier reproduce, accept and refuse them."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from retally_crypto import ballots as voting
from retally_crypto import credentials
from retally_crypto.canonical import canonical_bytes, parse_canonical
from retally_crypto.codes import decode_code, encode_code
from retally_crypto.encoding import b64url_encode
from retally_crypto.engine import Engine, choose_engine
from retally_crypto.engine import engine as in_use
from retally_crypto.entries import Ballot, SignedEntry, parse_entry
from retally_crypto.entry_forms import check_encodings
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest, layout
from retally_crypto.notes import format_vkey, open_signed_entry, parse_vkey, verify_note
from retally_crypto.secret.credentials import combine_secrets, parse_code, part_secret, public_part
from retally_crypto.secret.encrypt import encrypt, open_ballot
from retally_crypto.secret.sign import SigningKey
from retally_crypto.tracking import parse_tracking_code, tracking_code
from retally_reference import ballots as reference_ballots
from retally_reference import canonical as reference_canonical
from retally_reference import ed25519, entries, notes, sigma
from retally_reference import shapes as reference_shapes
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import parse
from retally_reference.manifest import read_manifest
from scripts.make_vectors import MAKERS, vector_file
from tests.own_vectors import FOLDER, unhex, vectors

KEYS, JSON, CODES = vectors("keys.json"), vectors("canonical_json.json"), vectors("codes.json")
PROOFS, BALLOTS = vectors("proofs.json"), vectors("ballots.json")


@pytest.fixture(params=["reference", "native"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine in turn."""
    if request.param == "native":
        pytest.importorskip("retally_native", reason="the native engine (retally_native) is not installed")
    before = in_use.NAME
    choose_engine(request.param)
    yield in_use
    choose_engine(before)


@pytest.mark.parametrize("name", MAKERS)
def test_the_vectors_are_made_again_byte_for_byte(name: str) -> None:
    assert vector_file(name) == (FOLDER / name).read_bytes()


def test_nothing_else_lies_among_the_vectors() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*MAKERS, "README.md"}


# ---- keys.json ----


def test_points_and_scalars(engine: Engine) -> None:
    for one in KEYS["points"]:
        assert engine.multiply_base(unhex(one["scalar"])).hex() == one["point"]
    for one in KEYS["reduced_scalars"]:
        assert engine.scalar_reduce(unhex(one["bytes"])).hex() == one["scalar"]


def test_encodings_to_refuse(engine: Engine) -> None:
    points, scalars = KEYS["refused_points"], KEYS["refused_scalars"]
    assert engine.invalid_points(unhex(*(one["encoding"] for one in points))) == list(range(len(points)))
    assert engine.invalid_scalars(unhex(*(one["encoding"] for one in scalars))) == list(range(len(scalars)))
    accepted = [
        one["encoding"] for one in KEYS["refused_ed25519_keys"] if engine.valid_ed25519_key(unhex(one["encoding"]))
    ]
    assert accepted == []


def test_signing_keys(engine: Engine) -> None:
    for one in KEYS["signing_keys"]:
        key = SigningKey.from_seed(one["name"], unhex(one["seed"]), one["type"]).verifier_key
        assert (format_vkey(key), parse_vkey(one["verifier_key"])) == (one["verifier_key"], key)
        assert engine.valid_ed25519_key(key.public_key)
        read = notes.parse_key(one["verifier_key"])
        assert (read.name, read.kind, read.public) == (key.name, one["type"], key.public_key)


def test_signed_entries() -> None:
    for one in KEYS["signed_entries"]:
        keys = [parse_vkey(text) for text in one["signers"]]
        assert verify_note(open_signed_entry(one["entry"].encode()), keys) == tuple(keys)
        text, lines = notes.parse_note(one["entry"].encode())
        assert text.decode() == one["text"]
        assert [ed25519.verify(k.public_key, text, n.signature) for k, n in zip(keys, lines, strict=True)] == [
            True,
            True,
        ]


# ---- canonical_json.json and codes.json ----


@pytest.mark.parametrize("text", JSON["accepted"])
def test_canonical_json_is_read_and_written(text: str) -> None:
    value = parse_canonical(text.encode())
    assert value == reference_canonical.parse_canonical(text.encode())
    assert canonical_bytes(value).decode() == text


@pytest.mark.parametrize("one", JSON["refused"], ids=[f"{one['why']}: {one['base64'][:20]}" for one in JSON["refused"]])
def test_other_bytes_are_no_canonical_json(one: dict[str, str]) -> None:
    raw = b64decode(one["base64"])
    with pytest.raises(Malformed):
        parse_canonical(raw)
    with pytest.raises(reference_canonical.Refusal):
        reference_canonical.parse_canonical(raw)


def test_a_voters_codes_make_her_credential(engine: Engine) -> None:
    election = unhex(CODES["election"])
    for voter in CODES["voters"]:
        secrets = []
        for code in voter["codes"]:
            assert parse_code(code["code"]).hex() == code["bytes"]
            assert encode_code(unhex(code["bytes"]), 24, 4, b"RETALLY-V01-code") == code["code"]
            secrets.append(part_secret(unhex(code["bytes"]), election, code["registrar"]))
            assert secrets[-1].hex() == code["secret"]
            assert public_part(secrets[-1]).hex() == code["part"]
        assert combine_secrets(secrets).hex() == voter["secret"]
        parts = [unhex(code["part"]) for code in voter["codes"]]
        assert credentials.combine_parts(parts).hex() == voter["credential"]
        assert engine.multiply_base(unhex(voter["secret"])).hex() == voter["credential"]


def test_the_roll(engine: Engine) -> None:
    election, voters = unhex(CODES["election"]), CODES["voters"]
    styles = [voter["style"] for voter in voters]
    for number, one in enumerate(CODES["roll_commitments"]):
        parts = unhex(*(voter["codes"][number]["part"] for voter in voters))
        assert credentials.roll_commitment(election, one["registrar"], parts, styles).hex() == one["commitment"]
    commitments = [unhex(one["commitment"]) for one in CODES["roll_commitments"]]
    assert credentials.roll_commitments_digest(election, commitments).hex() == CODES["commitments"]
    active = [(unhex(voter["credential"]), voter["style"]) for voter in voters]
    assert credentials.opened_roll_digest(election, active, len(active)).hex() == CODES["opened_roll"]
    new = CODES["replacement"]
    for number, (part, proof) in enumerate(zip(new["parts"], new["proofs"], strict=True), start=1):
        assert credentials.verify_part(unhex(part), unhex(proof), election, number, unhex(new["replaced"]))
        assert not credentials.verify_part(unhex(part), unhex(proof), election, number, unhex(new["credential"]))
    assert credentials.combine_parts([unhex(part) for part in new["parts"]]).hex() == new["credential"]


def test_codes_as_people_type_them() -> None:
    for one in CODES["accepted_voter_codes"]:
        assert parse_code(one["text"]).hex() == one["bytes"]
    for one in CODES["tracking_codes"]:
        assert tracking_code(unhex(one["body_hash"])) == one["code"]
        assert parse_tracking_code(one["code"]).matches(unhex(one["body_hash"]))


@pytest.mark.parametrize("one", CODES["refused_voter_codes"], ids=lambda one: one["why"])
def test_voter_codes_to_refuse(one: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        parse_code(one["text"])


@pytest.mark.parametrize("one", CODES["refused_tracking_codes"], ids=lambda one: one["why"])
def test_tracking_codes_to_refuse(one: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        parse_tracking_code(one["text"])
    with pytest.raises(Malformed):
        decode_code(one["text"], 30, 2, b"RETALLY-V01-tracking")


# ---- proofs.json, and the proofs of ballots.json ----


@pytest.mark.parametrize("one", PROOFS["proofs"] + BALLOTS["ballots"], ids=lambda one: one["name"])
def test_a_proof_and_everything_it_is_made_of(engine: Engine, one: dict[str, Any]) -> None:
    header, elements, tag, proof = (
        unhex(one["header"]),
        unhex(*one["elements"]),
        one["tag"].encode(),
        unhex(one["proof"]),
    )
    assert engine.session_id(tag).hex() == one["session_id"]
    assert engine.verify(header, elements, tag, proof)
    assert engine.verify_batch(header, b"", elements * 2, tag * 2, proof * 2, 2) == []
    relation = parse(RISTRETTO255, header + elements)
    witness = [int.from_bytes(unhex(scalar), "little") for scalar in one["witness"]]
    nonces = iter([int.from_bytes(unhex(nonce), "little") for nonce in one["prover_nonces"]])
    assert sigma.prove_batchable(tag, relation, witness, nonce_source=lambda: next(nonces)) == proof
    assert next(nonces, None) is None
    assert "".join(one["commitment"] + one["response"]) == one["proof"]
    commitment = unhex(*one["commitment"])
    challenge = sigma.derive_challenge(RISTRETTO255, unhex(one["session_id"]), header + elements, commitment)
    assert challenge.to_bytes(32, "little").hex() == one["challenge"]


@pytest.mark.parametrize("one", PROOFS["refused"], ids=lambda one: one["name"])
def test_a_proof_to_refuse(engine: Engine, one: dict[str, Any]) -> None:
    header, elements, tag, proof = (
        unhex(one["header"]),
        unhex(*one["elements"]),
        one["tag"].encode(),
        unhex(one["proof"]),
    )
    assert not engine.verify(header, elements, tag, proof)


# ---- ballots.json ----


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    raw = BALLOTS["manifest"].encode()
    assert hashlib.sha256(raw).hexdigest() == BALLOTS["election"]
    entry = parse_entry(raw, None)
    assert isinstance(entry, SignedEntry)
    assert isinstance(entry.content, Manifest)
    return entry.content


@pytest.fixture(scope="module")
def reference_manifest() -> dict[str, Any]:
    raw = BALLOTS["manifest"].encode()
    return read_manifest(json.loads(raw.split(b"\n")[0]))


@pytest.mark.parametrize("one", BALLOTS["ballots"], ids=lambda one: one["name"])
def test_a_ballot_is_made_again_from_its_seed(engine: Engine, manifest: Manifest, one: dict[str, Any]) -> None:
    election, key, credential = unhex(BALLOTS["election"]), unhex(BALLOTS["key"]), unhex(one["credential"])
    previous, seed = unhex(one["previous"]), unhex(one["seed"])
    assert engine.multiply_base(unhex(one["credential_secret"])) == credential
    sealed = encrypt(manifest, election, key, one["style_index"], credential, previous, one["choices"], seed)
    assert list(sealed.bits) == one["bits"]
    assert [nonce.hex() for nonce in sealed.nonces] == one["nonces"]
    assert sealed.ciphertexts.hex() == "".join(pair["A"] + pair["B"] for pair in one["ciphertexts"])
    assert sealed.body.decode() == one["body"]
    assert hashlib.sha256(sealed.body).hexdigest() == one["body_hash"] == sealed.body_hash.hex()
    assert sealed.tracking_code == one["tracking_code"]
    assert sealed.opening().decode() == one["opening"]
    opened = open_ballot(one["opening"].encode(), manifest, election, key)
    assert [list(choice) for choice in opened.choices] == one["choices"]
    assert ballot_entry(sealed.body, unhex(one["proof"])).decode() == one["entry"]
    shape = layout(manifest, one["style_index"])
    assert [list(contest.weights) for contest in shape.contests] == one["weights"]
    assert shape.template.header.hex() == one["header"]
    assert one["elements"] == [BALLOTS["key"], one["credential"], *(p[s] for p in one["ciphertexts"] for s in "AB")]


@pytest.mark.parametrize("one", BALLOTS["ballots"], ids=lambda one: one["name"])
def test_the_nonces_of_a_ballot_are_what_page_6_says(one: dict[str, Any]) -> None:
    def le(number: int) -> bytes:
        return number.to_bytes(4, "little")

    context = b"RETALLY-V01-nonce" + unhex(one["seed"], BALLOTS["election"], one["credential"], one["previous"])
    context += le(one["style_index"])
    wide = [
        hashlib.shake_256(context + le(contest) + le(bit)).digest(64)
        for contest, weights in enumerate(one["weights"])
        for bit in range(len(weights))
    ]
    numbers = [int.from_bytes(nonce, "little") % RISTRETTO255.order for nonce in wide]
    assert [number.to_bytes(32, "little").hex() for number in numbers] == one["nonces"]


def named_by_ours(raw: bytes, manifest: Manifest) -> str | None:
    """The check by which retally_crypto refuses an entry as a ballot."""
    election, key = unhex(BALLOTS["election"]), unhex(BALLOTS["key"])
    try:
        ballot = parse_entry(raw, election)
        if not isinstance(ballot, Ballot):
            return "V09"
        check_encodings(ballot, manifest)
    except Malformed:
        return "V09"
    return "V10" if voting.verify_ballots([ballot], manifest, election, key) else None


def named_by_reference(raw: bytes, manifest: dict[str, Any]) -> str | None:
    """The check by which the reference verifier does."""
    election, key = unhex(BALLOTS["election"]), unhex(BALLOTS["key"])
    try:
        ballot = entries.read_ballot(raw, manifest, election)
        entries.check_ballot_encodings(ballot, manifest)
    except reference_canonical.Refusal:
        return "V09"
    return "V10" if reference_ballots.false_proofs([ballot], manifest, election, key) else None


@pytest.mark.parametrize("one", BALLOTS["ballots"], ids=lambda one: one["name"])
def test_a_ballot_is_accepted(
    engine: Engine, manifest: Manifest, reference_manifest: dict[str, Any], one: dict[str, Any]
) -> None:
    raw = one["entry"].encode()
    assert named_by_ours(raw, manifest) is None, engine.NAME
    assert named_by_reference(raw, reference_manifest) is None
    shape = reference_shapes.shape_of(reference_manifest, one["style_index"])
    assert shape.header.hex() == one["header"]


@pytest.mark.parametrize("one", BALLOTS["refused"], ids=lambda one: one["name"])
def test_a_ballot_to_refuse(
    engine: Engine, manifest: Manifest, reference_manifest: dict[str, Any], one: dict[str, Any]
) -> None:
    raw = one["entry"].encode()
    assert named_by_ours(raw, manifest) == one["check"], engine.NAME
    assert named_by_reference(raw, reference_manifest) == one["check"]


def test_a_batch_names_exactly_the_ballots_to_refuse(engine: Engine, manifest: Manifest) -> None:
    election = unhex(BALLOTS["election"])
    raws = [one for pair in zip(BALLOTS["ballots"], BALLOTS["refused"][::-1], strict=False) for one in pair]
    ballots = [parse_entry(one["entry"].encode(), election) for one in raws]
    read = [ballot for ballot in ballots if isinstance(ballot, Ballot)]
    wrong = [at for at, one in enumerate(raws) if "check" in one]
    assert len(read) == len(raws)
    assert voting.verify_ballots(read, manifest, election, unhex(BALLOTS["key"])) == wrong, engine.NAME


def test_the_second_ballot_of_a_chain_names_the_first() -> None:
    first, second = BALLOTS["ballots"][:2]
    assert second["previous"] == first["body_hash"]
    assert json.loads(second["body"])["previous"] == b64url_encode(unhex(first["body_hash"]))
