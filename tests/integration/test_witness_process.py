"""The witness as a process of its own: made, started, killed and started again by its command."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx

from retally_crypto.checkpoints import Checkpoint, open_cosigned_checkpoint
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import parse_vkey
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_server.add_checkpoint import format_add_checkpoint
from retally_server.board.hash_tree import HashTree
from tests.witness_processes import run, serving

LOG = SigningKey.from_seed("board.example/2027", bytes(32))


def test_a_killed_witness_has_forgotten_nothing_that_it_cosigned(tmp_path: Path) -> None:
    made = run(tmp_path, "key", "witness.example/w")
    assert made.returncode == 0, made.stderr
    key = parse_vkey(made.stdout.strip())
    tree = HashTree()
    for number in range(8):
        tree.append(leaf_hash(b"%d" % number))
    notes = {size: sign_checkpoint(Checkpoint(LOG.verifier_key.name, size, tree.root(size)), LOG) for size in (5, 8)}
    with serving(tmp_path) as (process, address):
        first = format_add_checkpoint(0, (), notes[5])
        assert httpx.post(f"{address}/add-checkpoint", content=first).status_code == 404
        assert run(tmp_path, "log", "add", str(LOG.verifier_key)).returncode == 0
        assert httpx.post(f"{address}/add-checkpoint", content=first).status_code == 200
        second = run(tmp_path, "serve", "--port", "0")
        assert (second.returncode, "another witness" in second.stderr) == (3, True)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    with serving(tmp_path) as (_, address):
        conflict = httpx.post(f"{address}/add-checkpoint", content=format_add_checkpoint(0, (), notes[8]))
        assert (conflict.status_code, conflict.text) == (409, "5\n")
        grown = format_add_checkpoint(5, tree.consistency_proof(5, 8), notes[8])
        answer = httpx.post(f"{address}/add-checkpoint", content=grown)
        assert answer.status_code == 200
        opened = open_cosigned_checkpoint(notes[8] + answer.content, LOG.verifier_key, [key], 1)
        assert opened.checkpoint.size == 8
