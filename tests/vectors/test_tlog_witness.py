"""Cosignatures of three foreign witnesses, and a recorded exchange with one, replayed through our primitives."""

import base64
import re
from dataclasses import dataclass
from typing import Any

import pytest

from retally_crypto.checkpoints import (
    Checkpoint,
    add_cosignatures,
    open_checkpoint,
    open_cosigned_checkpoint,
    parse_checkpoint,
    verify_checkpoint,
)
from retally_crypto.encoding import b64_decode
from retally_crypto.errors import BadProof, BadSignature, Malformed
from retally_crypto.merkle import TreeHead, leaf_hash
from retally_crypto.notes import VerifierKey, parse_note, parse_vkey, verifier_key
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint
from retally_crypto.tree_proofs import consistency_proof, hash_source, span_root, verify_consistency
from tests.shared_vectors import vectors_json

CAPTURED = vectors_json("tlog", "captured", "cosigned.json")
RECORDED = vectors_json("tlog", "torchwood-litewitness", "add_checkpoint.json")
LEAVES = [leaf_hash(leaf.encode()) for leaf in CAPTURED["leaves"]]


@dataclass(frozen=True)
class AddCheckpoint:
    """An add-checkpoint request body of C2SP tlog-witness, split into its parts."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes


def read_request(body: str) -> AddCheckpoint:
    head, _, note = body.partition("\n\n")
    old, *proof = head.split("\n")
    match = re.fullmatch(r"old (0|[1-9][0-9]*)", old)
    assert match is not None
    return AddCheckpoint(int(match[1]), tuple(b64_decode(line, 32) for line in proof), note.encode())


@pytest.mark.parametrize("case", CAPTURED["captured"], ids=lambda case: case["tool"])
def test_a_foreign_witness_cosignature_makes_a_quorum(case: dict[str, Any]) -> None:
    log, witness = parse_vkey(case["log_vkey"]), parse_vkey(case["witness_vkey"])
    opened = open_cosigned_checkpoint(case["cosigned_checkpoint"].encode(), log, [witness], 1)
    assert opened.head == TreeHead(5, span_root(0, 5, hash_source(LEAVES)))
    assert [key for key, _ in opened.cosignatures] == [witness]
    assert 1_750_000_000 < opened.cosignatures[0][1] < 1_900_000_000


@pytest.mark.parametrize("case", CAPTURED["captured"], ids=lambda case: case["tool"])
def test_a_captured_exchange_is_what_we_would_have_sent_and_accepted(case: dict[str, Any]) -> None:
    log, witness = parse_vkey(case["log_vkey"]), parse_vkey(case["witness_vkey"])
    signer = SigningKey.from_seed(log.name, bytes.fromhex(CAPTURED["log_seed_hex"]))
    assert signer.verifier_key == log
    source = hash_source(LEAVES)
    last = TreeHead(0, span_root(0, 0, source))
    for exchange in case["requests"]:
        request = read_request(exchange["body"])
        checkpoint = verify_checkpoint(request.note, log)
        ours = Checkpoint(log.name, checkpoint.size, span_root(0, checkpoint.size, source))
        assert sign_checkpoint(ours, signer) == request.note
        assert request.proof == consistency_proof(request.old_size, checkpoint.size, source)
        if last.size:
            verify_consistency(last, checkpoint.head, request.proof)
        last = checkpoint.head
        cosigned = add_cosignatures(request.note, exchange["response"].encode())
        assert open_checkpoint(cosigned, log, [witness], 1).cosigned
    assert cosigned.decode() == case["cosigned_checkpoint"]


@pytest.mark.parametrize("case", CAPTURED["captured"], ids=lambda case: case["tool"])
def test_any_changed_bit_of_a_foreign_cosignature_is_refused(case: dict[str, Any]) -> None:
    log, witness = parse_vkey(case["log_vkey"]), parse_vkey(case["witness_vkey"])
    raw = case["cosigned_checkpoint"]
    blob = raw.rpartition(" ")[2].strip()
    for place in (12, 20, 40, 90):
        changed = blob[:place] + ("A" if blob[place] != "A" else "B") + blob[place + 1 :]
        with pytest.raises(BadSignature):
            open_checkpoint(raw.replace(blob, changed).encode(), log, [witness], 1)


def test_two_foreign_witnesses_and_ours_are_counted_on_one_checkpoint() -> None:
    cases = [case for case in CAPTURED["captured"] if case["log_vkey"].startswith("board.example/e1+")]
    log = parse_vkey(cases[0]["log_vkey"])
    note = cases[0]["requests"][-1]["body"].partition("\n\n")[2].encode()
    for case in cases:
        note = add_cosignatures(note, case["requests"][-1]["response"].encode())
    witnesses = [parse_vkey(case["witness_vkey"]) for case in cases]
    assert len(witnesses) == 2
    assert open_checkpoint(note, log, witnesses, 2).cosigned
    ours = SigningKey.from_seed("witness.example/ours", b"\x07" * 32, 4)
    note = add_cosignatures(note, cosign(parse_note(note).text, ours, 1_800_000_000))
    opened = open_cosigned_checkpoint(note, log, [*witnesses, ours.verifier_key], 3)
    assert opened.cosignatures[-1] == (ours.verifier_key, 1_800_000_000)


def test_a_post_quantum_cosignature_is_an_unknown_signature_and_stands_in_nobodys_way() -> None:
    case = CAPTURED["ml_dsa_44"]
    log = parse_vkey(case["log_vkey"])
    raw = case["cosigned_checkpoint"].encode()
    assert verify_checkpoint(raw, log).size == 5
    assert [len(signature.signature) for signature in parse_note(raw).signatures] == [64, 8 + 2420]
    with pytest.raises(Malformed):
        parse_vkey(case["cosigner_vkey"])


def answer(request: AddCheckpoint, log: VerifierKey, last: TreeHead | None) -> tuple[int, TreeHead | None]:
    """The HTTP status that C2SP tlog-witness asks for, in the order of its page, and the tree head remembered after."""
    checkpoint = parse_checkpoint(parse_note(request.note).text)
    if checkpoint.origin != log.name:
        return 404, last
    try:
        verify_checkpoint(request.note, log)
    except BadSignature:
        return 403, last
    if request.old_size > checkpoint.size:
        return 400, last
    if request.old_size != (last.size if last else 0):
        return 409, last
    if last is None:
        return (422, last) if request.proof else (200, checkpoint.head)
    try:
        verify_consistency(last, checkpoint.head, request.proof)
    except BadProof:
        return 422, last
    return 200, checkpoint.head


def with_canonical_base64(body: str) -> str:
    """The same request with its signature blob written canonically; the blob's bytes stay as they are."""
    front, _, blob = body.rpartition(" ")
    return f"{front} {base64.b64encode(base64.b64decode(blob)).decode()}\n"


def test_a_recorded_exchange_with_a_witness_gets_the_recorded_answers() -> None:
    log = verifier_key(RECORDED["origin"], bytes.fromhex(RECORDED["log_public_key_hex"]))
    last: TreeHead | None = None
    statuses = []
    for step in RECORDED["steps_in_order"]:
        status, last = answer(read_request(with_canonical_base64(step["request_body"])), log, last)
        statuses.append(status)
    # That version of the witness answered 403 for an unknown log, where the specification now says 404.
    assert statuses == [404 if "unknown log" in step["assert"] else step["http"] for step in RECORDED["steps_in_order"]]
    assert last is not None
    assert last.size == 5


def test_the_recorded_signature_with_non_zero_trailing_bits_is_malformed_before_it_is_wrong() -> None:
    bodies = [step["request_body"] for step in RECORDED["steps_in_order"]]
    not_canonical = [body for body in bodies if with_canonical_base64(body) != body]
    assert len(not_canonical) == 1
    with pytest.raises(Malformed, match="not canonical base64"):
        parse_note(read_request(not_canonical[0]).note)
