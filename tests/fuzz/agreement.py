"""What the three implementations read from the same bytes: `retally_crypto`, the reference verifier, and the browser's
code in Node.

Each format has one value that all must give, in JSON, or all must refuse. Formats that only two of them read have two
readers. The reference's readers end in `Refusal`, the browser's in an error of its own; any other exception is a fault.
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retally_client.adjudication.evidence_file import parse_evidence
from retally_crypto.canonical import parse_canonical
from retally_crypto.checkpoints import open_checkpoint, parse_checkpoint
from retally_crypto.encoding import b64_decode, b64_encode, b64url_decode, hex_decode
from retally_crypto.entries import Ballot, SignedEntry, parse_entry
from retally_crypto.entry_forms import check_encodings
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.manifest import Manifest, check_manifest
from retally_crypto.notes import MAX_SIGNATURES, Note, format_vkey, parse_note, parse_vkey
from retally_crypto.policy_text import parse_policy
from retally_crypto.secret.credentials import parse_code
from retally_crypto.secret.encrypt import open_ballot
from retally_crypto.tiles import decode_bundle
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_crypto.tracking import parse_tracking_code, tracking_code
from retally_crypto.web_bundle import is_origin, parse_listing
from retally_lab.boards.entry_examples import MANIFEST, MANIFEST_MEMBERS, points
from retally_lab.boards.manifests import ELECTION
from retally_reference import board as reference_board
from retally_reference import canonical as reference_canonical
from retally_reference import ed25519 as reference_ed25519
from retally_reference import engine as reference_engine
from retally_reference import entries as reference_entries
from retally_reference import notes as reference_notes
from retally_reference.canonical import Refusal, refuse_unless
from retally_reference.history import parse_receipt
from retally_reference.manifest import broken_rules, read_manifest
from tests.fuzz import seeds
from tests.own_vectors import vectors

Value = Any
Reader = Callable[[bytes], Value]
REFUSED = "refused"

TEXTS = frozenset({"verifier_key", "base64url", "base64", "hex", "voter_code", "tracking_code", "origin", "opening"})
"""Formats that are read from a text, which in a browser is always well-formed: other bytes are not compared."""


def outcome(read: Reader, raw: bytes) -> Value:
    """The value, or REFUSED. An exception that is no refusal goes on."""
    try:
        return read(raw)
    except (RetallyError, Refusal):
        return REFUSED


def _note(note: Note) -> Value:
    lines = [[one.name, one.key_id.hex(), b64_encode(one.signature)] for one in note.signatures]
    return [b64_encode(note.text), lines]


def _reference_note(raw: bytes) -> Value:
    text, lines = reference_notes.parse_note(raw)
    refuse_unless(len(lines) <= MAX_SIGNATURES, "more lines than a checkpoint may have")
    return [b64_encode(text), [[one.name, one.id.hex(), b64_encode(one.signature)] for one in lines]]


def _reference_key(key: reference_notes.Key) -> str:
    return f"{key.name}+{key.id.hex()}+{b64_encode(bytes([key.kind]) + key.public)}"


def _checkpoint_text(raw: bytes) -> Value:
    read = parse_checkpoint(raw)
    if read.extensions:
        raise Malformed("a Retally checkpoint has three lines")
    return [read.origin, str(read.size), read.root.hex()]


def _checkpoint(raw: bytes) -> Value:
    trusted = parse_policy(seeds.board()["policy"].encode())
    opened = open_checkpoint(raw, trusted.board, trusted.witnesses, trusted.quorum)
    times = sorted(str(time) for _, time in opened.cosignatures)
    return [str(opened.head.size), opened.head.root.hex(), times]


def _reference_checkpoint(raw: bytes) -> Value:
    trusted = reference_notes.parse_policy(seeds.board()["policy"].encode())
    head = reference_notes.open_checkpoint(raw, trusted)
    return [str(head.size), head.root.hex(), sorted(map(str, head.times))]


def _receipt(raw: bytes) -> Value:
    proof = parse_tlog_proof(raw)
    if proof.extra is not None:
        raise Malformed("a receipt has no extra data")
    return [str(proof.index), [one.hex() for one in proof.hashes]]


def _reference_receipt(raw: bytes) -> Value:
    index, proof, checkpoint = parse_receipt(raw)
    _reference_note(checkpoint)
    return [str(index), [one.hex() for one in proof]]


def _bundle(raw: bytes) -> Value:
    if not raw:
        raise Malformed("no width")
    return [entry.hex() for entry in decode_bundle(raw[1:], raw[0])]


def _reference_bundle(raw: bytes) -> Value:
    refuse_unless(bool(raw), "no width")
    entries, used = reference_board.split_bundle(raw[1:], raw[0], 0)
    refuse_unless(used == len(raw) - 1, "something behind it")
    return [entry.hex() for entry in entries]


def _entry(raw: bytes) -> Value:
    entry = parse_entry(raw, ELECTION)
    check_encodings(entry, MANIFEST)
    return [entry.style, entry.body_hash.hex()] if isinstance(entry, Ballot) else entry.kind


def _reference_entry(raw: bytes) -> Value:
    manifest = read_manifest(MANIFEST_MEMBERS)
    if reference_entries.is_ballot(raw):
        ballot = reference_entries.read_ballot(raw, manifest, ELECTION)
        reference_entries.check_ballot_encodings(ballot, manifest)
        return [ballot.style, ballot.body_hash.hex()]
    official = reference_entries.read_official(raw)
    reference_entries.check_official(official, manifest, ELECTION)
    return official.kind


def _manifest(raw: bytes) -> Value:
    entry = parse_entry(raw, None)
    if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
        raise Malformed("no manifest")
    return not check_manifest(entry.content)


def _reference_manifest(raw: bytes) -> Value:
    official = reference_entries.read_official(raw)
    refuse_unless(official.kind == "manifest", "no manifest")
    return not broken_rules(read_manifest(parse_canonical(official.text[:-1])))


def _statement(raw: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    proofs = vectors("proofs.json")["proofs"]
    one = proofs[raw[0] % len(proofs) if raw else 0]
    return bytes.fromhex(one["header"]), bytes.fromhex("".join(one["elements"])), one["tag"].encode(), raw[1:]


def _records(name: str) -> Reader:
    def read(raw: bytes) -> Value:
        try:
            return getattr(reference_engine, name)(raw)
        except ValueError:
            raise Malformed("no whole number of records") from None

    return read


def _policy(raw: bytes) -> Value:
    read = parse_policy(raw)
    return [read.election_id.hex(), [format_vkey(key) for key in (read.board, *read.witnesses)], read.quorum]


def _reference_policy(raw: bytes) -> Value:
    read = reference_notes.parse_policy(raw)
    return [read.election.hex(), [_reference_key(key) for key in (read.board, *read.witnesses)], read.quorum]


def _evidence(raw: bytes) -> Value:
    read = parse_evidence(raw)
    lengths = [len(one) for one in (read.checkpoints, read.receipts, read.prefixes, read.inclusions)]
    return [read.election.hex(), *lengths]


def _opening(raw: bytes) -> Value:
    opened = open_ballot(raw, MANIFEST, ELECTION, points(1))
    return [opened.style, opened.credential.hex(), [list(choice) for choice in opened.choices]]


READERS: dict[str, Sequence[Reader]] = {
    "canonical_json": (parse_canonical, reference_canonical.parse_canonical),
    "note": (lambda raw: _note(parse_note(raw)), _reference_note),
    "verifier_key": (
        lambda raw: format_vkey(parse_vkey(raw.decode())),
        lambda raw: _reference_key(reference_notes.parse_key(raw.decode())),
    ),
    "checkpoint_text": (_checkpoint_text,),
    "checkpoint": (_checkpoint, _reference_checkpoint),
    "receipt": (_receipt, _reference_receipt),
    "entry_bundle": (_bundle, _reference_bundle),
    "entry": (_entry, _reference_entry),
    "ballot": (_entry, _reference_entry),
    "manifest": (_manifest, _reference_manifest),
    "narg": (lambda raw: reference_engine.verify(*_statement(raw)),),
    "points": (_records("invalid_points"),),
    "scalars": (_records("invalid_scalars"),),
    "ed25519_key": (reference_engine.valid_ed25519_key, reference_ed25519.valid_ed25519_key),
    "base64url": (
        lambda raw: b64url_decode(raw.decode()).hex(),
        lambda raw: reference_canonical.base64url(raw.decode()).hex(),
    ),
    "base64": (
        lambda raw: b64_decode(raw.decode()).hex(),
        lambda raw: reference_canonical.base64_standard(raw.decode()).hex(),
    ),
    "hex": (lambda raw: hex_decode(raw.decode()).hex(),),
    "voter_code": (lambda raw: parse_code(raw.decode()).hex(),),
    "tracking_code": (lambda raw: tracking_code(parse_tracking_code(raw.decode()).prefix + bytes(13)),),
    "policy": (_policy, _reference_policy),
    "evidence": (_evidence,),
    "listing": (lambda raw: {path: digest.hex() for path, digest in parse_listing(raw).items()},),
    "origin": (lambda raw: is_origin(raw.decode()),),
    "opening": (_opening,),
}
"""What is read by whom, before the browser's code is asked. Where the engines alone read it, the reference engine is
asked here: that the native one agrees with it is a property of its own."""


def setup() -> dict[str, Any]:
    """What the browser's readers have to know."""
    trusted = parse_policy(seeds.board()["policy"].encode())
    return {
        "manifest": MANIFEST_MEMBERS,
        "election": ELECTION.hex(),
        "board": format_vkey(trusted.board),
        "witnesses": [format_vkey(key) for key in trusted.witnesses],
        "statements": vectors("proofs.json")["proofs"],
        "jointKey": points(1).hex(),
    }


def ask_browser(node: str, program: Path, asked: Sequence[tuple[str, bytes]]) -> list[Value]:
    """What the browser's readers make of each (format, bytes): the value or REFUSED. AssertionError for a fault."""
    lines = [json.dumps(setup()), *(json.dumps([name, b64encode(raw).decode()]) for name, raw in asked)]
    done = subprocess.run(
        [node, str(program)], input="\n".join(lines), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(asked)
    for (name, raw), one in zip(asked, answers, strict=True):
        assert "fault" not in one, (name, raw, one)
    return [one.get("value", REFUSED) for one in answers]
