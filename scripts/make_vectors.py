"""Write docs/spec/vectors: `make vectors`, or `python -m scripts.make_vectors`. Equal runs write equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scripts.vectors.ballots import ballots
from scripts.vectors.boards import board, tampered_boards
from scripts.vectors.ceremony import ceremony
from scripts.vectors.counting import tally
from scripts.vectors.evidence import evidence_files
from scripts.vectors.primitives import canonical_json, codes, keys
from scripts.vectors.proofs import proofs
from scripts.vectors.web_bundle import web_bundle

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "spec" / "vectors"

MAKERS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "keys.json": keys,
    "canonical_json.json": canonical_json,
    "codes.json": codes,
    "proofs.json": proofs,
    "ballots.json": ballots,
    "ceremony.json": ceremony,
    "tally.json": tally,
    "board.json": board,
    "tampered_boards.json": tampered_boards,
    "web_bundle.json": web_bundle,
    "evidence.json": evidence_files,
}


def written(value: Any) -> Any:
    """Byte strings as lower-case hex, everything else as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {name: written(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [written(member) for member in value]
    return value


def vector_file(name: str) -> bytes:
    """The bytes of one vector file, made anew."""
    return json.dumps(written(MAKERS[name]()), indent=1, ensure_ascii=False).encode() + b"\n"


def main() -> None:
    """Make and write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in MAKERS:
        (FOLDER / name).write_bytes(vector_file(name))


if __name__ == "__main__":
    main()
