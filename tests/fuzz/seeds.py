"""Well-formed and nearly well-formed examples of every format, from the specification's vectors and from the corpus.

`corpus/<target>.jsonl` holds what fuzzing found worth keeping: one JSON string of base64 a line.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from retally_crypto.canonical import canonical_bytes
from retally_crypto.notes import parse_note
from retally_crypto.secret.encrypt import encrypt
from retally_lab.boards.entry_examples import BALLOT, MANIFEST, MANIFEST_MEMBERS, OFFICIAL, points, signed
from retally_lab.boards.manifests import ELECTION
from tests.own_vectors import vectors
from tests.spreadsheets import Cell, ods, xlsx

CORPUS = Path(__file__).parent / "corpus"
GET = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\nhello"
PROBLEM = b'{"check":"V12","reason":"the chain goes on elsewhere","type":"urn:retally:problem:refused"}'
REFUSAL = (
    b"HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/problem+json\r\nRetry-After: 3\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(PROBLEM), PROBLEM)
)
REDIRECT = (
    b"HTTP/1.1 302 Found\r\nLocation: https://other.example/x\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
SEALED = encrypt(MANIFEST, ELECTION, points(1), 0, points(1), bytes(32), ((1, 0, 0), (1, 0, 1, 0)), bytes(range(32)))
VOTERS = b'voter,style\nAnna Example,north\n"Ben, junior",south\nChlo\xc3\xa9,north\n'


def kept(target: str) -> list[bytes]:
    """The corpus of a target."""
    path = CORPUS / f"{target}.jsonl"
    if not path.exists():
        return []
    return [b64decode(json.loads(line)) for line in path.read_text(encoding="ascii").splitlines()]


def keep(target: str, examples: list[bytes]) -> None:
    """Writes a target's corpus, shortest first."""
    lines = [
        json.dumps(b64encode(one).decode()) + "\n" for one in sorted(set(examples), key=lambda one: (len(one), one))
    ]
    (CORPUS / f"{target}.jsonl").write_text("".join(lines), encoding="ascii")


@cache
def board() -> Any:
    """The honest board of the vectors: `policy`, `entries` and `files` (base64 by path)."""
    return vectors("board.json")


@cache
def entries() -> tuple[bytes, ...]:
    """Its entries."""
    return tuple(text.encode() for text in board()["entries"])


@cache
def files() -> dict[str, bytes]:
    """Its files."""
    return {path: b64decode(content) for path, content in board()["files"].items()}


def examples_of(target: str) -> list[bytes]:
    """What the mutants of a target are made from; never empty."""
    return [*_EXAMPLES[target](), *kept(target)]


def _canonical() -> list[bytes]:
    found = vectors("canonical_json.json")
    return [*(text.encode() for text in found["accepted"]), *(b64decode(one["base64"]) for one in found["refused"])]


def _keys() -> list[bytes]:
    return [key["verifier_key"].encode() for key in vectors("keys.json")["signing_keys"]]


def _records(*names: str) -> list[bytes]:
    found = vectors("keys.json")
    return [
        bytes.fromhex(one.get("point") or one.get("encoding") or one["scalar"]) for name in names for one in found[name]
    ]


def _texts(*names: str) -> list[bytes]:
    found = vectors("codes.json")
    return [one.get("text", one.get("code")).encode() for name in names for one in found[name]]


def _evidence() -> list[bytes]:
    found = vectors("evidence.json")
    files = [one["file"].encode() for name in ("judged", "refused") for one in found[name]]
    return sorted(files, key=len)[:30]


def _narg() -> list[bytes]:
    found = vectors("proofs.json")
    first = {proof["tag"] + "".join(proof["elements"]): at for at, proof in reversed(list(enumerate(found["proofs"])))}
    mutants = [(first.get(one["tag"] + "".join(one["elements"]), 0), one["proof"]) for one in found["refused"]]
    return [
        bytes([at]) + bytes.fromhex(proof) for at, proof in [*enumerate(p["proof"] for p in found["proofs"]), *mutants]
    ]


def _official() -> list[bytes]:
    return [*(signed(members) for members in OFFICIAL.values()), signed(MANIFEST_MEMBERS), entries()[0]]


def _receipts() -> list[bytes]:
    manifest = files()["checkpoint"]
    hashes = b"".join(b64encode(bytes([at]) * 32) + b"\n" for at in range(3))
    head = b"c2sp.org/tlog-proof@v1\nindex 7\n"
    return [head + hashes + b"\n" + manifest, head.replace(b"\n", b"\nextra AAAA\n", 1) + b"\n" + manifest]


def _additions() -> list[bytes]:
    note = files()["checkpoint"]
    return [b"old 0\n\n" + note, b"old 20\n" + b64encode(bytes(32)) + b"\n" + b64encode(b"\x01" * 32) + b"\n\n" + note]


def _split() -> list[bytes]:
    note = files()["checkpoint"].decode()
    members = {"first": note, "kind": "retally-split-view", "proof": ["A" * 43], "root": "A" * 43, "second": note}
    return [json.dumps(members, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"]


def _listings() -> list[bytes]:
    found = vectors("web_bundle.json")
    texts = [one["listing"].encode() for name in ("bundles", "refused") for one in found[name] if "listing" in one]
    return [text for text in texts if len(text) < 8000]


def _origins() -> list[bytes]:
    found = vectors("web_bundle.json")
    return [text.encode() for name in ("origins", "no_origins") for text in found[name]]


def _key_files() -> list[bytes]:
    header = (
        b'{"iterations":3,"kdf":"argon2id","kind":"retally-key","label":"guardian 1","lanes":4,"memory":65536,'
        b'"nonce":"AAAAAAAAAAAAAAAA","salt":"AAAAAAAAAAAAAAAAAAAAAA"}'
    )
    return [header + b"\n" + b"A" * 64 + b"\n"]


def _yaml() -> list[bytes]:
    text = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "authority.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    return [block.encode() for block in blocks]


def _ceremony_secrets() -> list[bytes]:
    secret = "A" * 43
    members = {"coefficients": [secret, secret], "election": secret, "journal": "A" * 22}
    return [json.dumps(members | {"private_key": secret, "public_key": secret}, separators=(",", ":")).encode()]


def _addresses() -> list[bytes]:
    return [
        text.encode() for text in ("https://witness.example/w", "http://127.0.0.1:8010", "http://[::1]:80/a/b/", "x")
    ]


def _spreadsheets() -> list[bytes]:
    rows: list[list[Cell]] = [["voter", "style", "number"], ["Anna Example", "north", 7], ["Ben", "south", 8]]
    return [make({"Voters": rows}) for make in (xlsx, ods)]


def _paper_counts() -> list[bytes]:
    contest = MANIFEST.contest(MANIFEST.styles[0].contests[0])
    options = [*(option.id for option in contest.options), "invalid"]
    rows = "".join(f"{MANIFEST.styles[0].district};{contest.id};school-1;{option};12\n" for option in options)
    return [f"district;contest;station;option;votes\n{rows}".encode()]


def _codes_files() -> list[bytes]:
    return [bytes(32) + (1).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(45) + VOTERS]


_EXAMPLES: dict[str, Callable[[], list[bytes]]] = {
    "canonical_json": _canonical,
    "note": lambda: [files()["checkpoint"], *_official()],
    "signature_lines": lambda: [files()["checkpoint"].partition(b"\n\n")[2]],
    "verifier_key": _keys,
    "checkpoint_text": lambda: [parse_note(files()["checkpoint"]).text, b"o\n0\n" + b64encode(bytes(32)) + b"\nx\n"],
    "checkpoint": lambda: [files()["checkpoint"], files()["checkpoint.opening"], files()["checkpoint.closing"]],
    "receipt": _receipts,
    "tile_path": lambda: [path.encode() for path in (*files(), "tile/0/x001/x234/067", "tile/63/000.p/255")],
    "hash_tile": lambda: [b"\x03" + bytes(96), b"\x1a" + files()["tile/0/000.p/26"]],
    "entry_bundle": lambda: [b"\x1a" + files()["tile/entries/000.p/26"], b"\x01\x00\x00", b"\x02\x00\x01a\x00\x00"],
    "entry": _official,
    "ballot": lambda: [canonical_bytes(BALLOT), next(one for one in entries() if b"\n" not in one)],
    "narg": _narg,
    "relation": lambda: (
        [bytes.fromhex(one["header"]) for one in vectors("proofs.json")["proofs"]]
        + [bytes.fromhex("".join(one["elements"])) for one in vectors("proofs.json")["proofs"]]
    ),
    "points": lambda: _records("points", "refused_points"),
    "scalars": lambda: (
        [bytes.fromhex(one["scalar"]) for one in vectors("keys.json")["points"]] + _records("refused_scalars")
    ),
    "ed25519_key": lambda: (
        _records("refused_ed25519_keys") + [b64decode(text.split(b"+", 2)[2])[1:] for text in _keys()]
    ),
    "base64url": lambda: [b"", b"AA", b"AAA", b"AAAA", b"_-8", b"AB", b"A"],
    "base64": lambda: [b"", b"AA==", b"AAA=", b"AAAA", b"+/8=", b"AB=="],
    "hex": lambda: [b"", b"00", b"00ff", b"0 0", b"FF"],
    "voter_code": lambda: _texts("accepted_voter_codes", "refused_voter_codes"),
    "tracking_code": lambda: _texts("tracking_codes", "refused_tracking_codes"),
    "policy": lambda: [
        board()["policy"].encode(),
        board()["policy"].partition("witness")[0].encode() + b"quorum none\n",
    ],
    "evidence": _evidence,
    "split_view": _split,
    "listing": _listings,
    "origin": _origins,
    "board_address": _addresses,
    "witness_address": _addresses,
    "add_checkpoint": _additions,
    "witness_answer": lambda: [files()["checkpoint"].partition(b"\n\n")[2], b"26\n"],
    "ballot_lookup": lambda: [b'{"ballots":[{"index":7},{"index":9}],"credential":"x"}', b'{"ballots":[]}'],
    "problem": lambda: [PROBLEM, b"{}", b"[]", b'{"check":7,"reason":[1]}'],
    "http_answer": lambda: [GET, REFUSAL, REDIRECT, CHUNKED],
    "key_file": _key_files,
    "voters": lambda: [VOTERS],
    "spreadsheet": _spreadsheets,
    "paper_counts": _paper_counts,
    "codes_file": _codes_files,
    "ceremony_secrets": _ceremony_secrets,
    "journal": lambda: [b'{"journal": "AAAAAAAAAAAAAAAAAAAAAA", "entry": null}', b'{"journal": "AA", "entry": "AAAA"}'],
    "choices": lambda: [b'{"blank":["o1"],"approval":{"o1":1,"o2":0}}', b'{"blank":[],"approval":[]}'],
    "selection": lambda: [b"1", b"1 2", b"1=3 2=1", b"1,2", b""],
    "manifest_yaml": _yaml,
    "submission": lambda: [*_official(), canonical_bytes(BALLOT)],
    "opening": lambda: [SEALED.opening()],
}
TARGETS = tuple(_EXAMPLES)
