"""The witness's rules: every status code of c2sp.org/tlog-witness, and that it never cosigns two histories."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_crypto.checkpoints import Checkpoint, format_checkpoint, open_cosigned_checkpoint
from retally_crypto.encoding import b64_encode
from retally_crypto.errors import Unusable
from retally_crypto.merkle import EMPTY_ROOT, leaf_hash
from retally_crypto.notes import COSIGNATURE_V1, parse_vkey
from retally_crypto.secret.sign import SigningKey, sign_checkpoint, sign_note
from retally_server.add_checkpoint import BODY_LIMIT, format_add_checkpoint
from retally_server.board.hash_tree import HashTree
from retally_server.witness.app import create_witness
from retally_server.witness.cli import app as command
from retally_server.witness.keys import make_witness_key, read_witness_key
from retally_server.witness.rules import Reply, add_checkpoint
from retally_server.witness.store import EVIDENCE_LIMIT, Seen, Store
from tests.server_http import Http

LOG = SigningKey.from_seed("board.example/2027", bytes(32))
OTHER = SigningKey.from_seed("board.example/other", bytes([1]) * 32)
WITNESS = SigningKey.from_seed("witness.example/w", bytes([2]) * 32, COSIGNATURE_V1)
NOW = 1_800_000_000


def tree_of(size: int, history: str = "a") -> HashTree:
    tree = HashTree()
    for number in range(size):
        tree.append(leaf_hash(f"{'a' if number < 3 else history}{number}".encode()))
    return tree


def signed(size: int, history: str = "a", key: SigningKey = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(key.verifier_key.name, size, tree_of(size, history).root(size)), key)


def request(old: int, size: int, history: str = "a", proof: tuple[bytes, ...] | None = None) -> bytes:
    if proof is None:
        proof = tree_of(size, history).consistency_proof(old, size) if 0 < old <= size else ()
    return format_add_checkpoint(old, proof, signed(size, history))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "witness.sqlite")
    opened.add_log(LOG.verifier_key.name, LOG.verifier_key)
    yield opened
    opened.close()


def ask(store: Store, body: bytes) -> Reply:
    return add_checkpoint(store, WITNESS, lambda: NOW, body)


def test_a_growing_log_is_cosigned_and_the_cosignature_verifies(store: Store) -> None:
    for old, size in ((0, 1), (1, 3), (3, 3), (3, 8), (8, 300)):
        reply = ask(store, request(old, size))
        assert (reply.status, reply.media_type) == (200, "text/plain; charset=utf-8"), reply.content
        opened = open_cosigned_checkpoint(signed(size) + reply.content, LOG.verifier_key, [WITNESS.verifier_key], 1)
        assert opened.checkpoint.size == size
        assert opened.cosignatures == ((WITNESS.verifier_key, NOW),)
        assert store.seen()[LOG.verifier_key.name].size == size


def test_the_latest_checkpoint_is_stored_before_the_answer_and_survives_a_restart(store: Store, tmp_path: Path) -> None:
    assert ask(store, request(0, 5)).status == 200
    with sqlite3.connect(tmp_path / "witness.sqlite") as another:
        assert another.execute("SELECT size FROM latest").fetchall() == [(5,)]
    store.close()
    again = Store(tmp_path / "witness.sqlite")
    assert ask(again, request(0, 7)).status == 409
    assert ask(again, request(5, 7)).status == 200
    again.close()


def test_nothing_is_cosigned_if_it_cannot_be_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr("retally_server.witness.store.Latest.replace", full)
        with pytest.raises(sqlite3.OperationalError):
            ask(store, request(0, 5))
        http = Http(create_witness(store, WITNESS, lambda: NOW))
        answer = http.post("/add-checkpoint", content=request(0, 5))
        assert (answer.status_code, b"\xe2\x80\x94" in answer.content) == (500, False)
        http.stop()
    assert store.seen() == {}
    assert ask(store, request(0, 5)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 00\n\n" + signed(1),
        b"old -1\n\n" + signed(1),
        b"old +1\n\n" + signed(1),
        b"old 9223372036854775808\n\n" + signed(1),
        b"new 0\n\n" + signed(1),
        b"old 0\r\n\r\n" + signed(1),
        b"old  0\n\n" + signed(1),
        b"\nold 0\n\n" + signed(1),
        b"old 1\nAAAA\n\n" + signed(2),
        b"old 1\n" + b64_encode(bytes(32)).rstrip("=").encode() + b"\n\n" + signed(2),
        b"old 1\n" + (b64_encode(bytes(32)).encode() + b"\n") * 64 + b"\n" + signed(2),
        b"old 0\n\n" + signed(1)[:-1],
        b"old 0\n\n" + signed(1) + b"junk\n",
        b"old 0\n\n" + sign_note(b"board.example/2027\nmany\nAAAA\n", [LOG]),
        b"old 0\n\n" + sign_note(b"board.example/2027\n1\n", [LOG]),
        b"\xff\n\n" + signed(1),
        request(5, 3, proof=()),
        b"old 0\n\n" + b"a" * BODY_LIMIT,
    ],
)
def test_what_is_not_a_request_is_answered_400(store: Store, body: bytes) -> None:
    assert ask(store, body).status == 400
    assert store.seen() == {}


def test_an_unknown_log_is_answered_404(store: Store) -> None:
    assert ask(store, format_add_checkpoint(0, (), signed(1, key=OTHER))).status == 404


def test_a_checkpoint_without_the_logs_right_signature_is_answered_403(store: Store) -> None:
    text = format_checkpoint(Checkpoint(LOG.verifier_key.name, 1, leaf_hash(b"a0")))
    stranger = SigningKey.from_seed(LOG.verifier_key.name, bytes([9]) * 32)
    assert ask(store, b"old 0\n\n" + sign_note(text, [stranger])).status == 403
    right = signed(1)
    wrong = right.replace(text.split(b"\n")[2], b64_encode(leaf_hash(b"b0")).encode())
    assert wrong != right
    assert ask(store, b"old 0\n\n" + wrong).status == 403
    line = right.split(b"\n\n")[1]
    assert ask(store, b"old 0\n\n" + right + line).status == 403
    assert store.seen() == {}


def test_signatures_of_strangers_are_ignored_and_not_kept(store: Store) -> None:
    text = format_checkpoint(Checkpoint(LOG.verifier_key.name, 1, leaf_hash(b"a0")))
    assert ask(store, b"old 0\n\n" + sign_note(text, [OTHER, LOG])).status == 200
    assert OTHER.verifier_key.name.encode() not in store.seen()[LOG.verifier_key.name].note


def test_any_of_several_keys_of_a_log_may_sign(store: Store) -> None:
    second = SigningKey.from_seed(LOG.verifier_key.name, bytes([7]) * 32)
    text = format_checkpoint(Checkpoint(LOG.verifier_key.name, 1, leaf_hash(b"a0")))
    body = b"old 0\n\n" + sign_note(text, [second])
    assert ask(store, body).status == 403
    store.add_log(LOG.verifier_key.name, second.verifier_key)
    assert ask(store, body).status == 200


@pytest.mark.parametrize("old", [0, 3, 4, 6])
def test_another_old_size_is_answered_409_with_the_size(store: Store, old: int) -> None:
    assert ask(store, request(0, 5)).status == 200
    reply = ask(store, request(old, 7))
    assert (reply.status, reply.content, reply.media_type) == (409, b"5\n", "text/x.tlog.size")
    assert store.seen()[LOG.verifier_key.name].size == 5


def test_before_the_first_checkpoint_the_old_size_is_zero(store: Store) -> None:
    reply = ask(store, request(1, 2))
    assert (reply.status, reply.content) == (409, b"0\n")


def test_a_proof_that_does_not_lead_to_the_new_root_is_answered_422(store: Store) -> None:
    assert ask(store, request(0, 5)).status == 200
    assert ask(store, request(5, 7, history="b")).status == 422
    assert ask(store, request(5, 7, proof=())).status == 422
    good = tree_of(7).consistency_proof(5, 7)
    assert ask(store, request(5, 7, proof=(*good, bytes(32)))).status == 422
    assert ask(store, request(5, 7, proof=good[::-1])).status == 422
    assert store.seen()[LOG.verifier_key.name].size == 5
    assert ask(store, request(5, 7)).status == 200


def test_from_size_zero_the_proof_must_be_empty(store: Store) -> None:
    assert ask(store, request(0, 5, proof=(bytes(32),))).status == 422


def test_an_empty_tree_has_one_root_only(store: Store) -> None:
    empty = sign_note(f"{LOG.verifier_key.name}\n0\n{b64_encode(bytes(32))}\n".encode(), [LOG])
    assert ask(store, b"old 0\n\n" + empty).status == 422
    right = sign_note(f"{LOG.verifier_key.name}\n0\n{b64_encode(EMPTY_ROOT)}\n".encode(), [LOG])
    assert ask(store, b"old 0\n\n" + right).status == 200
    assert ask(store, request(0, 4)).status == 200


def test_two_roots_at_one_size_are_refused_and_kept_as_evidence(store: Store) -> None:
    assert ask(store, request(0, 5)).status == 200
    assert ask(store, request(5, 5, history="b", proof=())).status == 422
    assert ask(store, request(0, 5, history="c")).status == 409
    assert set(store.evidence(LOG.verifier_key.name)) == {signed(5, "b"), signed(5, "c")}
    assert ask(store, request(5, 5)).status == 200


def test_evidence_cannot_fill_the_disk(store: Store) -> None:
    assert ask(store, request(0, 5)).status == 200
    for number in range(EVIDENCE_LIMIT + 5):
        ask(store, request(5, 5, history=f"h{number}-", proof=()))
    assert len(store.evidence(LOG.verifier_key.name)) == EVIDENCE_LIMIT


def test_of_two_requests_at_once_only_one_history_is_cosigned(store: Store) -> None:
    assert ask(store, request(0, 5)).status == 200
    bodies = [request(5, 8, "b", tree_of(8, "a").consistency_proof(5, 8)), request(5, 8)] + [request(5, 9)] * 6
    replies: list[Reply] = []
    threads = [threading.Thread(target=lambda body=body: replies.append(ask(store, body))) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status for reply in replies).count(200) == 1


def test_the_database_itself_takes_nothing_back(store: Store, tmp_path: Path) -> None:
    name = LOG.verifier_key.name
    assert ask(store, request(0, 5)).status == 200
    for size, root in ((4, tree_of(4).root(4)), (5, bytes(32))):
        with pytest.raises(sqlite3.IntegrityError, match="takes nothing back"), store.latest(name) as latest:
            latest.replace(Seen(size, root, b""))
    with sqlite3.connect(tmp_path / "witness.sqlite") as another:
        for statement in ("DELETE FROM latest", "UPDATE latest SET size = 1", "DELETE FROM evidence"):
            if statement.endswith("evidence"):
                another.execute("INSERT INTO evidence VALUES ('o', 1, x'00', x'00')")
            with pytest.raises(sqlite3.IntegrityError):
                another.execute(statement)
    assert store.seen()[name].size == 5


def test_over_http_it_answers_as_the_specification_says(store: Store) -> None:
    http = Http(create_witness(store, WITNESS, lambda: NOW))
    shown = f"/{sha256(LOG.verifier_key.name.encode()).hexdigest()}/checkpoint"
    assert http.get(shown).status_code == 404
    answer = http.post("/add-checkpoint", content=request(0, 5))
    assert answer.status_code == 200
    conflict = http.post("/add-checkpoint", content=request(0, 6))
    assert (conflict.status_code, conflict.content) == (409, b"5\n")
    assert conflict.headers["content-type"] == "text/x.tlog.size"
    latest = http.get(shown)
    assert latest.content == signed(5) + answer.content
    assert http.post("/add-checkpoint", content=b"a" * (BODY_LIMIT + 1)).status_code == 413
    assert http.get("/add-checkpoint").status_code == 405
    assert http.get("/health").status_code == 200
    http.stop()


@pytest.mark.parametrize("passphrase", [None, "a long passphrase"])
def test_the_command_makes_a_key_and_names_logs(tmp_path: Path, passphrase: str | None) -> None:
    runner, data = CliRunner(), ["--data", str(tmp_path / "w")]
    secret = []
    if passphrase is not None:
        (tmp_path / "passphrase").write_text(passphrase + "\n")
        secret = ["--passphrase-file", str(tmp_path / "passphrase")]
    made = runner.invoke(command, ["key", "witness.example/w", *data, *secret])
    assert made.exit_code == 0, made.output
    vkey = parse_vkey(made.stdout.strip().splitlines()[-1])
    assert (vkey.name, vkey.algorithm) == ("witness.example/w", COSIGNATURE_V1)
    assert (tmp_path / "w" / "witness.key").stat().st_mode & 0o077 == 0
    assert runner.invoke(command, ["key", "witness.example/w", *data, *secret]).exit_code == 3
    assert runner.invoke(command, ["log", "add", str(LOG.verifier_key), *data]).exit_code == 0
    assert runner.invoke(command, ["log", "add", str(vkey), *data]).exit_code == 3
    listed = runner.invoke(command, ["log", "list", *data])
    assert listed.stdout == f"{LOG.verifier_key} {LOG.verifier_key.name} 0 0\n"


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "witness.key"
    key = make_witness_key(path, "witness.example/w", None)
    assert read_witness_key(path, None).verifier_key == key
    path.chmod(0o644)
    with pytest.raises(Unusable, match="others may read"):
        read_witness_key(path, None)


def test_two_witnesses_never_serve_from_one_database(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "w.sqlite"), Store(tmp_path / "w.sqlite")
    first.serve_alone()
    with pytest.raises(Unusable, match="another witness"):
        second.serve_alone()
    second.add_log(LOG.verifier_key.name, LOG.verifier_key)
    assert first.keys_of(LOG.verifier_key.name) == [LOG.verifier_key]
    first.close()
    second.close()
