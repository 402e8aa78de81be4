"""Other people's tools judge our log, our tiles, our proofs and our witnesses' clients: none of them knows our code.

| judge | what it judges |
|---|---|
| Go's golang.org/x/mod/sumdb note and tlog | every checkpoint, cosignature, tile and entry |
| Tessera's fsck | re-derives every tile from the entry bundles |
| tlog-scales | signatures, root, inclusion and consistency, from the files |
| metamorphic-log | the checkpoint, our inclusion and consistency proofs |
| torchwood's litewitness | cosigns our server's checkpoints |

`scripts/judges.sh` installs them; where one cannot be had its tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from retally_crypto.checkpoints import open_checkpoint
from retally_crypto.encoding import b64_encode
from retally_crypto.merkle import EMPTY_ROOT, leaf_hash
from retally_crypto.notes import VerifierKey
from retally_crypto.tree_proofs import consistency_proof, hash_source, inclusion_proof
from retally_lab.boards.election import MAYOR, Election, district
from retally_lab.boards.files import signing_key
from retally_verify.board import FolderBoard
from retally_verify.run import verify_board
from tests.server_boards import KEY, accepted, ballots, new_log, read_board, send
from tests.witnessed_trials import Trial, answering

JUDGES = Path(__file__).parents[2] / ".venv" / "judges"
SIZES = (3, 256, 300, 700)


def judge(name: str) -> str:
    """The path of an installed judge; skips the test where there is none."""
    path = JUDGES / ("python/bin/python" if name in ("tlog-scales", "metamorphic-log") else f"bin/{name}")
    if not path.exists():
        pytest.skip(f"the third-party judge {name} is not installed: run scripts/judges.sh")
    return str(path)


def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)


@dataclass(frozen=True)
class Judged:
    """A board that our server wrote, and what is to be known of it."""

    folder: Path
    board: VerifierKey
    witnesses: tuple[VerifierKey, ...]
    older: bytes
    entries: list[bytes]


@pytest.fixture(scope="module", params=SIZES)
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A board without witnesses that grew in batches, through tiles of more than one level."""
    folder = tmp_path_factory.mktemp(f"grown-{request.param}")
    store, log = new_log(folder)
    seen = [(folder / "files" / "checkpoint").read_bytes()]
    while (size := read_size(folder)) < request.param:
        accepted(send(log, ballots(size, min(97, request.param - size))))
        seen.append((folder / "files" / "checkpoint").read_bytes())
    store.close()
    return Judged(folder / "files", KEY.verifier_key, (), seen[-2], read_board(folder / "files"))


def read_size(folder: Path) -> int:
    return int((folder / "files" / "checkpoint").read_bytes().split(b"\n")[1])


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """A board whose checkpoints a quorum of two in three cosigned."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    election.ceremony()
    election.roll()
    trial = Trial(tmp_path_factory.mktemp("witnessed"), election)
    trial.send()
    election.open()
    trial.send()
    older = trial.server.http.get("/elections/2027/checkpoint").content
    election.cast("north-1", [[1, 0, 0]])
    election.cast("north-2", [[0, 1, 0]])
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    keys = tuple(witness.verifier_key for witness in election.witnesses)
    yield Judged(trial.data / "boards" / "2027", election.board.verifier_key, keys, older, election.entries)
    trial.stop()


def judge_in_go(board: Judged, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run(judge("judges"), str(folder or board.folder), str(board.board), *map(str, board.witnesses))


def test_gos_own_log_code_finds_every_entry_of_our_boards(grown: Judged) -> None:
    verdict = judge_in_go(grown)
    assert verdict.returncode == 0, verdict.stderr
    assert json.loads(verdict.stdout)["size"] == len(grown.entries)


def test_gos_own_log_code_counts_the_witnesses_of_every_checkpoint(witnessed: Judged) -> None:
    verdict = judge_in_go(witnessed)
    assert verdict.returncode == 0, verdict.stderr
    cosignatures = json.loads(verdict.stdout)["cosignatures"]
    assert set(cosignatures) == {"checkpoint", "checkpoint.pending", "checkpoint.opening"}
    assert cosignatures["checkpoint"] >= 2
    assert cosignatures["checkpoint.opening"] >= 2


@pytest.mark.parametrize("victim", ["tile/entries/000.p/*", "tile/0/000.p/*", "checkpoint"])
def test_gos_own_log_code_notices_one_flipped_byte(witnessed: Judged, tmp_path: Path, victim: str) -> None:
    copy = tmp_path / "board"
    shutil.copytree(witnessed.folder, copy)
    newest = max(copy.glob(victim), key=lambda path: path.stat().st_size)
    content = bytearray(newest.read_bytes())
    content[40] ^= 1
    newest.write_bytes(bytes(content))
    assert judge_in_go(witnessed, copy).returncode == 1


def fsck_confirms(board: Judged, folder: Path, key_file: Path) -> bool:
    """Whether Tessera's fsck says that it derived every tile. Its exit code is 0 either way, so its words decide."""
    key_file.write_text(f"{board.board}\n")
    command = [judge("fsck"), "-N=8", "--ui=false", f"--storage_url=file://{folder}/", f"--public_key={key_file}"]
    said = run(*command).stderr
    assert f"checking log of size {len(board.entries)}" in said, said[:2000]
    return f"Successfully fsck'd log with size {len(board.entries)} " in said


def test_tesseras_fsck_derives_the_same_tiles(grown: Judged, tmp_path: Path) -> None:
    assert fsck_confirms(grown, grown.folder, tmp_path / "key")


def test_tesseras_fsck_notices_a_wrong_tile(grown: Judged, tmp_path: Path) -> None:
    copy = tmp_path / "board"
    shutil.copytree(grown.folder, copy)
    for tile in (copy / "tile" / "0").rglob("*"):
        if tile.is_file():
            tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
    assert not fsck_confirms(grown, copy, tmp_path / "key")


def case(board: Judged) -> dict[str, Any]:
    source = hash_source([leaf_hash(raw) for raw in board.entries])
    size, old = len(board.entries), int(board.older.split(b"\n")[1])
    return {
        "folder": str(board.folder),
        "board": str(board.board),
        "witnesses": [str(key) for key in board.witnesses],
        "older": board.older.decode(),
        "consistency": [value.hex() for value in consistency_proof(old, size, source)],
        "inclusions": [
            {
                "index": index,
                "leaf": leaf_hash(raw).hex(),
                "proof": [value.hex() for value in inclusion_proof(index, size, source)],
            }
            for index, raw in enumerate(board.entries)
        ],
    }


def judge_in_python(name: str, given: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    script = Path(__file__).parents[1] / "judges" / "python_judges.py"
    return run(judge(name), "-I", str(script), name, given=json.dumps(given))


def test_tlog_scales_agrees_with_our_files_and_proofs(grown: Judged) -> None:
    verdict = judge_in_python("tlog-scales", case(grown))
    assert verdict.returncode == 0, verdict.stderr
    assert json.loads(verdict.stdout)["size"] == len(grown.entries)


def test_tlog_scales_agrees_with_our_cosignatures(witnessed: Judged) -> None:
    verdict = judge_in_python("tlog-scales", case(witnessed))
    assert verdict.returncode == 0, verdict.stderr
    assert json.loads(verdict.stdout)["cosigned"] >= 2


def test_metamorphic_log_verifies_our_checkpoint_and_proofs(grown: Judged) -> None:
    verdict = judge_in_python("metamorphic-log", case(grown))
    assert verdict.returncode == 0, verdict.stderr
    assert json.loads(verdict.stdout) == {"size": len(grown.entries), "inclusions": len(grown.entries)}


@pytest.mark.parametrize("name", ["tlog-scales", "metamorphic-log"])
def test_a_wrong_proof_is_refused_by_the_judges(grown: Judged, name: str) -> None:
    wrong = case(grown)
    wrong["consistency"] = [bytes(32).hex(), *wrong["consistency"][1:]]
    assert judge_in_python(name, wrong).returncode != 0


# ---- litewitness ----


@contextmanager
def litewitness(folder: Path, name: str, seed: bytes, log: VerifierKey) -> Iterator[str]:
    """torchwood's witness with this key, its log added the way its own tool does; yields its address."""
    program = judge("litewitness")
    for tool in ("ssh-agent", "ssh-add"):
        if shutil.which(tool) is None:
            pytest.skip(f"litewitness keeps its key in an SSH agent, and {tool} is missing (Debian: openssh-client)")
    folder.mkdir()
    key, agent, database = folder / "key", folder / "agent", folder / "witness.db"
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    running = [subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL)]
    try:
        until(agent.exists)
        subprocess.run(["ssh-add", str(key)], env={**os.environ, "SSH_AUTH_SOCK": str(agent)}, check=True, timeout=30)
        command = [
            program,
            "-name",
            name,
            "-db",
            str(database),
            "-ssh-agent",
            str(agent),
            "-key",
            sha256(private.public_key().public_bytes_raw()).hexdigest(),
            "-listen",
            f"localhost:{port}",
        ]
        running.append(subprocess.Popen(command, cwd=folder))
        address = f"http://localhost:{port}"
        until(lambda: answers(address))
        with sqlite3.connect(database) as connection:
            connection.execute("INSERT INTO log VALUES (?, 0, ?)", (log.name, b64_encode(EMPTY_ROOT)))
            connection.execute("INSERT INTO key VALUES (?, ?)", (log.name, str(log)))
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(timeout=30)


def answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def until(done: Any) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_litewitness_cosigns_a_whole_election(tmp_path: Path) -> None:
    judge("litewitness")
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        witness_count=(2, 3),
        opens=now - 20,
        closes=now - 10,
    )
    election.ceremony()
    election.roll()
    key = election.witnesses[0]
    seed = witness_seed(key.verifier_key.name)
    with litewitness(tmp_path / "litewitness", key.verifier_key.name, seed, election.board.verifier_key) as address:
        trial = Trial(tmp_path, election, time.time(), {0: address})
        try:
            trial.witnesses[1].broken = answering(503, b"")
            trial.send()
            election.open()
            trial.send()
            election.cast("north-1", [[1, 0, 0]])
            election.cast("north-2", [[0, 1, 0]])
            trial.send()
            election.close()
            trial.send()
            election.decrypt(1)
            election.result()
            trial.send()
            trial.wait(lambda: trial.witnessed() == len(election.entries))
            report = verify_board(FolderBoard(trial.data / "boards" / "2027"), election.policy())
            assert report.verdict == "PASS"
            keys = [witness.verifier_key for witness in election.witnesses]
            note = (trial.data / "boards" / "2027" / "checkpoint").read_bytes()
            opened = open_checkpoint(note, election.board.verifier_key, keys, 2)
            assert [each.name for each, _ in opened.cosignatures] == ["witness-1", "witness-3"]
            trial.server.http.stop()
            trial.start()
        finally:
            trial.stop()


def witness_seed(name: str) -> bytes:
    """The seed that `retally_lab.boards.files.signing_key` gives a key of this name."""
    seed = sha256(name.encode()).digest()
    assert (
        signing_key(name, 4).verifier_key.public_key
        == Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    )
    return seed
