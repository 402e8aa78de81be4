"""Runs in an environment of its own, with the PyPI packages tlog-scales and metamorphic-log: `scripts/judges.sh`.

Reads one JSON document from standard input (folder, keys, and proofs that our code made) and prints what each package
confirmed. Any doubt of theirs is an exception.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def tlog_scales(case: dict[str, Any]) -> dict[str, Any]:
    """Signatures, root, every entry's inclusion, and consistency with the older checkpoint, all from the files."""
    backend, reader_module = import_module("tlog_scales.backend"), import_module("tlog_scales.reader")
    signing, tiles, tlog = (import_module(f"tlog_scales.{name}") for name in ("signing", "tiles", "tlog"))
    reader = reader_module.TilesReader(backend.LocalBackend(Path(case["folder"])))
    newest = reader.get_checkpoint()
    newest.verify(signing.Vkey.from_string(case["board"]))
    witnesses = signing.VkeySet(*(signing.Vkey.from_string(vkey) for vkey in case["witnesses"]))
    cosigned = len(witnesses.verify(newest.signatures, newest))
    if reader.calculate_root_hash() != newest.root_hash:
        raise AssertionError("the tiles have another root")
    for index in range(newest.size):
        leaf = tiles.leaf_hash(reader.get_entry(index))
        reader.get_inclusion_proof(index, newest.size).check(leaf, newest.root_hash)
    older = tlog.Checkpoint.from_text(case["older"])
    older.verify(signing.Vkey.from_string(case["board"]))
    proof = reader.get_consistency_proof(older.size, newest.size)
    proof.check(older.root_hash, newest.root_hash)
    if [value.hex() for value in proof.node_hashes] != case["consistency"]:
        raise AssertionError("our consistency proof is another one")
    return {"size": newest.size, "cosigned": cosigned, "older": older.size}


def metamorphic_log(case: dict[str, Any]) -> dict[str, Any]:
    """The board's signature, our inclusion proofs and our consistency proof."""
    judge = import_module("metamorphic_log")
    note = (Path(case["folder"]) / "checkpoint").read_text(encoding="utf-8")
    head = judge.checkpoint_verify(note, [case["board"]])
    for one in case["inclusions"]:
        proof = [bytes.fromhex(value) for value in one["proof"]]
        judge.checkpoint_verify_inclusion(note, [case["board"]], one["index"], bytes.fromhex(one["leaf"]), proof)
    consistency = [bytes.fromhex(value) for value in case["consistency"]]
    judge.checkpoint_verify_consistency(case["older"], note, [case["board"]], consistency)
    return {"size": head.size, "inclusions": len(case["inclusions"])}


JUDGES = {"tlog-scales": tlog_scales, "metamorphic-log": metamorphic_log}

if __name__ == "__main__":
    print(json.dumps(JUDGES[sys.argv[1]](json.load(sys.stdin))))
