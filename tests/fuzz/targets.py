"""Every reader of bytes from outside, as one function of bytes each, with what it may raise and what it must give back.

A target's `read` returns what was read, or raises one of `refusals`; anything else is a finding. Where `write` is
given, it is the one way to write what was read, and must give the same bytes again: so no two byte strings are read as
one value. Engine targets ask the reference and the native engine, which must agree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import httpcore
import httpx

from retally_client import api
from retally_client.adjudication.evidence_file import parse_evidence
from retally_client.authority.manifest_file import manifest_from_yaml
from retally_client.authority.paper_counts import COLUMNS, Counts, read_paper_counts
from retally_client.guardian.ceremony import secrets_from_bytes, secrets_to_bytes
from retally_client.guardian.decryption import read_journal
from retally_client.registrar.codes import codes_from_bytes
from retally_client.registrar.voters import NEEDED, VoterList, read_voters, voters_csv
from retally_client.tables import read_table
from retally_client.voter import reading
from retally_client.voter.choices import parse_selection
from retally_crypto.canonical import canonical_bytes, parse_canonical
from retally_crypto.checkpoints import format_checkpoint, open_checkpoint, parse_checkpoint
from retally_crypto.encoding import (
    b64_decode,
    b64_encode,
    b64url_decode,
    b64url_encode,
    hex_decode,
)
from retally_crypto.entries import Ballot, SignedEntry, parse_entry
from retally_crypto.entry_forms import check_encodings
from retally_crypto.entry_writing import entry_text
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.manifest import Manifest, check_manifest
from retally_crypto.notes import (
    VerifierKey,
    format_note,
    format_signature_lines,
    format_vkey,
    parse_note,
    parse_signature_lines,
    parse_vkey,
)
from retally_crypto.policy_text import format_policy, parse_policy
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.credentials import parse_code
from retally_crypto.secret.encrypt import open_ballot
from retally_crypto.secret.keyfiles import label_of
from retally_crypto.tile_files import encode_bundle, parse_tile_path
from retally_crypto.tiles import Bundle, bundle_path, decode_bundle, split_tile, tile_path
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_crypto.tracking import parse_tracking_code
from retally_crypto.web_bundle import is_origin, parse_listing
from retally_lab.boards.entry_examples import MANIFEST, points
from retally_lab.boards.manifests import ELECTION, PLURALITY_OR_BLANK, SCORE_TOTAL, manifest_members, signing_key
from retally_reference import engine as reference_engine
from retally_server.add_checkpoint import AddCheckpoint, format_add_checkpoint, parse_add_checkpoint
from retally_server.board.submissions import Submission
from retally_server.board.witness_addresses import parse_address
from retally_server.board.witness_client import WitnessClient
from retally_verify import fetching
from retally_verify.board import Board, open_board
from retally_verify.split_view import parse_split
from tests.fuzz import seeds
from tests.own_vectors import vectors


@dataclass(frozen=True)
class Target:
    """One reader. `where` names the function under test."""

    name: str
    where: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None = None
    refusals: tuple[type[Exception], ...] = (RetallyError,)


class EnginesDiffer(AssertionError):
    """The native and the reference engine answer differently."""


def check(target: Target, raw: bytes) -> None:
    """Reads `raw`; raises whatever is a finding."""
    try:
        value = target.read(raw)
    except target.refusals as refusal:
        str(refusal).encode("utf-8", "surrogatepass")
        return
    if target.write is not None:
        again = target.write(value)
        if again != raw:
            raise AssertionError(f"{target.name}: {raw[:200]!r} is written again as {again[:200]!r}")


def text_of(raw: bytes) -> str:
    """Any bytes as a text: with unpaired surrogates for what is not UTF-8, as arguments of a command have them."""
    return raw.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return text.encode("utf-8", "surrogateescape")


@cache
def _board_keys() -> tuple[VerifierKey, tuple[VerifierKey, ...]]:
    policy = parse_policy(seeds.board()["policy"].encode())
    return policy.board, policy.witnesses


def _entry(raw: bytes) -> bytes:
    entry = parse_entry(raw, ELECTION)
    if isinstance(entry, SignedEntry) and isinstance(entry.content, Manifest):
        check_manifest(entry.content)
    check_encodings(entry, MANIFEST)
    if isinstance(entry, Ballot):
        members = {
            name: getattr(entry, name) for name in ("ciphertexts", "credential", "election", "previous", "proof")
        }
        encoded = {name: b64url_encode(value) for name, value in members.items()}
        return canonical_bytes({**encoded, "kind": "ballot", "style": entry.style})
    return entry_text(entry.content) + b"\n" + format_signature_lines(entry.note.signatures)


@cache
def _native() -> Any:
    import retally_native

    return retally_native


def _agreed(name: str, *arguments: Any) -> Any:
    answers = []
    for engine in (reference_engine, _native()):
        try:
            answers.append(getattr(engine, name)(*arguments))
        except ValueError:
            answers.append("refused")
    if answers[0] != answers[1]:
        raise EnginesDiffer(f"{name}{arguments!r}: {answers[0]!r}, native {answers[1]!r}"[:2000])
    return answers[0]


def _points(raw: bytes) -> None:
    _agreed("invalid_points", raw)
    _agreed("add", raw, raw[: len(raw) - len(raw) % 32])
    _agreed("sum_columns", raw, len(raw) % 3)


def _scalars(raw: bytes) -> None:
    _agreed("invalid_scalars", raw)
    _agreed("multiply_base", raw[:64])
    _agreed("scalar_reduce", raw[:128])


@cache
def _statements() -> list[tuple[bytes, bytes, bytes]]:
    proofs = vectors("proofs.json")["proofs"]
    return [
        (bytes.fromhex(one["header"]), bytes.fromhex("".join(one["elements"])), one["tag"].encode()) for one in proofs
    ]


def _narg(raw: bytes) -> bool:
    statements = _statements()
    header, elements, tag = statements[raw[0] % len(statements) if raw else 0]
    return bool(_agreed("verify", header, elements, tag, raw[1:]))


def _relation(raw: bytes) -> None:
    header, elements, tag = _statements()[2]
    _agreed("verify", raw, elements, tag, bytes(96))
    _agreed("verify", header, raw, tag, bytes(96))
    _agreed("verify_batch", raw, b"", elements, tag, bytes(96), 1)


def _bundle(raw: bytes) -> tuple[bytes, ...]:
    _agreed("hash_leaves", raw[1:])
    return decode_bundle(raw[1:], _width(raw))


def _tile(raw: bytes) -> tuple[bytes, ...]:
    _agreed("merkle_root", raw[1:])
    return split_tile(raw[1:], _width(raw))


def _width(raw: bytes) -> int:
    if not raw:
        raise Malformed("no width")
    return raw[0]


def _width_and(content: bytes, width: int) -> bytes:
    return bytes([width]) + content


class _Answering(httpx.HTTPTransport):
    """Every connection is answered with these bytes, whatever is asked."""

    def __init__(self) -> None:
        super().__init__(verify=False, trust_env=False)

    def answer(self, raw: bytes) -> _Answering:
        self._pool = httpcore.ConnectionPool(network_backend=httpcore.MockBackend([raw]))
        return self


@cache
def _transport() -> _Answering:
    return _Answering()


def _http_answer(raw: bytes) -> None:
    """An answer on the wire, read as a file, as the answer to a ballot, and as a witness's."""
    transport = _transport().answer(raw)
    with patch.object(fetching, "ATTEMPTS", 1), patch.object(api, "ATTEMPTS", 1):
        with suppress(RetallyError):
            fetching.Fetcher("http://board.example/b", transport).fetch("checkpoint", 1000)
        with suppress(RetallyError):
            api.BoardServer("http://board.example/elections/b", transport).cast(b"{}")
    _witness(transport)


def _answering(status: int, raw: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _request: httpx.Response(status, stream=httpx.ByteStream(raw)))


def _witness(transport: httpx.BaseTransport) -> None:
    board, witnesses = _board_keys()
    client = WitnessClient(witnesses[0], "http://witness.example", board, 5.0, transport)
    head = SimpleNamespace(size=26, note=seeds.files()["checkpoint"], root=bytes(32))
    tree = SimpleNamespace(consistency_proof=lambda old, new: (bytes(32),), root=lambda size: bytes(32))
    client.submit(cast(Any, head), cast(Any, tree))


def _problem(raw: bytes) -> None:
    for status in (200, 409, 422, 429, 503):
        transport = httpx.MockTransport(
            lambda _request, status=status: httpx.Response(status, stream=httpx.ByteStream(raw))
        )
        with patch.object(api, "ATTEMPTS", 1):
            try:
                api.BoardServer("http://board.example/elections/b", transport).cast(b"{}")
            except RetallyError as error:
                if len(str(error)) > 2000:
                    raise AssertionError(f"an error of {len(str(error))} characters") from error


def _witness_answer(raw: bytes) -> None:
    for status in (200, 404, 409, 422, 500):
        _witness(_answering(status, raw))


class _Looked:
    location = "memory"

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, path: str, limit: int) -> bytes | None:
        return self._raw[:limit]


def _lookup(raw: bytes) -> list[int]:
    return reading._look_up(cast(Board, _Looked(raw)), bytes(32))


def _in_file(use: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    def read(raw: bytes) -> Any:
        with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
            file.write(raw)
            file.flush()
            return use(Path(file.name))

    return read


def _voters(raw: bytes) -> VoterList:
    """What was read is read alike from what is written of it."""
    read = read_voters(read_table(raw, "voters", NEEDED), None)
    again = read_voters(read_table(voters_csv(read.voters), "order.csv", NEEDED), None)
    if again.voters != read.voters:
        raise AssertionError(f"voters: {read.voters!r} are written and read as {again.voters!r}")
    return read


def _paper_counts(raw: bytes) -> Counts:
    return read_paper_counts(read_table(raw, "counts", COLUMNS), MANIFEST, ())


def _yaml(raw: bytes) -> Manifest:
    text = raw.decode("utf-8", "replace")
    for role in ("board", "registrar 1", "registrar 2", "guardian 1", "guardian 2", "guardian 3"):
        text = text.replace(f"<{role}>", format_vkey(signing_key(role.replace(" ", "-")).verifier_key))
    return manifest_from_yaml(text, signing_key("authority"))


@cache
def _scores() -> Manifest:
    return Manifest.model_validate(manifest_members([SCORE_TOTAL, PLURALITY_OR_BLANK]))


def _selection(raw: bytes) -> Any:
    for contest in _scores().contests:
        try:
            parse_selection(text_of(raw), contest)
        except RetallyError:
            continue


def _choices(raw: bytes) -> Any:
    from retally_client.voter.commands import _read_choices

    return _in_file(lambda path: _read_choices(path, MANIFEST, 0))(raw)


def _submission(raw: bytes) -> Any:
    submission = Submission.received(raw, 0.0)
    return submission.kind, submission.credential


def _add_checkpoint_bytes(request: AddCheckpoint) -> bytes:
    return format_add_checkpoint(request.old_size, request.proof, format_note(request.note))


def _any_address(raw: bytes) -> None:
    text = text_of(raw)
    for use in (lambda: open_board(text), lambda: api.BoardServer(text)):
        try:
            opened = cast(Any, use())
        except RetallyError:
            continue
        str(getattr(opened, "location", getattr(opened, "url", "")))


def _of_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda raw: read(text_of(raw))


def _listing(files: dict[str, bytes]) -> bytes:
    return "".join(f"{digest.hex()}  {path}\n" for path, digest in files.items()).encode()


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("canonical_json", "canonical.parse_canonical", parse_canonical, canonical_bytes),
        Target("note", "notes.parse_note", parse_note, format_note),
        Target(
            "signature_lines",
            "notes.parse_signature_lines",
            _of_text(parse_signature_lines),
            format_signature_lines,
        ),
        Target(
            "verifier_key", "notes.parse_vkey", lambda raw: parse_vkey(text_of(raw)), lambda k: bytes_of(format_vkey(k))
        ),
        Target("checkpoint_text", "checkpoints.parse_checkpoint", parse_checkpoint, format_checkpoint),
        Target(
            "checkpoint",
            "checkpoints.open_checkpoint",
            lambda raw: open_checkpoint(raw, *_board_keys(), 2),
        ),
        Target("receipt", "tlog_proof.parse_tlog_proof", parse_tlog_proof, format_tlog_proof),
        Target(
            "tile_path",
            "tiles.parse_tile_path",
            _of_text(parse_tile_path),
            lambda one: (bundle_path(one) if isinstance(one, Bundle) else tile_path(one)).encode(),
        ),
        Target("hash_tile", "tiles.split_tile, engine.merkle_root", _tile, lambda v: _width_and(b"".join(v), len(v))),
        Target(
            "entry_bundle",
            "tiles.decode_bundle, engine.hash_leaves",
            _bundle,
            lambda v: _width_and(encode_bundle(v) if v else b"", len(v)),
        ),
        Target("entry", "entries.parse_entry, entry_forms.check_encodings", _entry, lambda written: written),
        Target("ballot", "entries.parse_entry, entry_forms.check_encodings", _entry, lambda written: written),
        Target("narg", "engine.verify of every relation", _narg),
        Target("relation", "engine.verify, verify_batch: headers and instances", _relation),
        Target("points", "engine.invalid_points, add, sum_columns", _points),
        Target("scalars", "engine.invalid_scalars, multiply_base, scalar_reduce", _scalars),
        Target("ed25519_key", "engine.valid_ed25519_key", lambda raw: _agreed("valid_ed25519_key", raw)),
        Target(
            "base64url",
            "encoding.b64url_decode",
            lambda r: b64url_decode(text_of(r)),
            lambda v: b64url_encode(v).encode(),
        ),
        Target("base64", "encoding.b64_decode", _of_text(b64_decode), lambda v: b64_encode(v).encode()),
        Target("hex", "encoding.hex_decode", _of_text(hex_decode), lambda v: v.hex().encode()),
        Target("voter_code", "credentials.parse_code", _of_text(parse_code)),
        Target("tracking_code", "tracking.parse_tracking_code", _of_text(parse_tracking_code)),
        Target("policy", "policy.parse_policy", parse_policy, format_policy),
        Target("evidence", "adjudication.evidence_file.parse_evidence", parse_evidence),
        Target("split_view", "verifier.split_view.parse_split", parse_split),
        Target(
            "listing",
            "web_bundle.parse_listing",
            parse_listing,
            _listing,
        ),
        Target("origin", "web_bundle.is_origin", _of_text(is_origin)),
        Target("board_address", "verifier.board.open_board, api.BoardServer", _any_address),
        Target("witness_address", "server witness_addresses.parse_address", _of_text(parse_address)),
        Target("add_checkpoint", "add_checkpoint.parse_add_checkpoint", parse_add_checkpoint, _add_checkpoint_bytes),
        Target("witness_answer", "witness_client.WitnessClient.submit", _witness_answer),
        Target("ballot_lookup", "voter.reading._look_up", _lookup),
        Target("problem", "api.BoardServer: bodies of refusals", _problem),
        Target("http_answer", "verifier.fetching.Fetcher, api.BoardServer, WitnessClient on the wire", _http_answer),
        Target("key_file", "keyfiles.label_of", label_of),
        Target("voters", "tables.read_table, registrar.voters.read_voters", _voters),
        Target("spreadsheet", "spreadsheets.spreadsheet_rows", _voters),
        Target("paper_counts", "authority.paper_counts.read_paper_counts", _paper_counts),
        Target("codes_file", "registrar.codes.codes_from_bytes", codes_from_bytes),
        Target("ceremony_secrets", "guardian.ceremony.secrets_from_bytes", secrets_from_bytes, secrets_to_bytes),
        Target("journal", "guardian.decryption.read_journal", _in_file(lambda path: read_journal(path, bytes(16)))),
        Target("choices", "voter.choices.choices_from_json", _choices),
        Target("selection", "voter.choices.parse_selection", _selection),
        Target("manifest_yaml", "authority.manifest_file.manifest_from_yaml", _yaml),
        Target("opening", "ballots.open_ballot", lambda raw: open_ballot(raw, MANIFEST, ELECTION, points(1))),
        Target("submission", "server submissions.Submission", _submission),
    )
}
