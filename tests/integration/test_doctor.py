"""The doctor finds each fault that it looks for, and calls a sound installation sound."""

from __future__ import annotations

import json
import os
import resource
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.replay import Record
from retally_crypto.secret.sign import sign_checkpoint
from retally_lab.boards.election import MAYOR, Election, district, signing_key
from retally_server.operator import doctor
from retally_server.operator.doctor import Finding, examine, exit_code
from retally_server.settings import Settings
from tests.server_http import HERE, SLUG, Server
from tests.witnessed_trials import Trial

BOARD = signing_key("board.example/2027")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server that has stopped after a small election's opening."""
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    election.cast("north-1", [[1, 0, 0]])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(tmp_path / "data", port=port)
    server.http.post("/elections", content=election.entries[0])
    assert {answer.status_code for answer in server.append(election.entries[1:])} == {201}
    server.http.stop()
    return server.settings


def looked(settings: Settings, deep: bool = True, witnesses: bool = False) -> list[Finding]:
    return list(examine(settings, Record, deep, witnesses))


def wrong(settings: Settings, deep: bool = True) -> list[str]:
    return [finding.found for finding in looked(settings, deep) if finding.state == "wrong"]


def test_a_sound_installation_is_sound(settings: Settings) -> None:
    findings = looked(settings)
    assert [each for each in findings if each.state == "wrong"] == []
    assert exit_code(findings) in (0, 2)
    subjects = {finding.subject for finding in findings}
    assert subjects >= {"engine", "clock", "open files", "data folder", "lock store", "database", f"board {SLUG}"}
    (about_tiles,) = [each for each in findings if "every tile" in each.found]
    assert about_tiles.state == "well"


def test_the_doctor_changes_nothing(settings: Settings) -> None:
    def everything() -> dict[str, bytes]:
        folders = (settings.data, settings.locks)
        return {str(file): file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}

    before = everything()
    looked(settings)
    assert {name: content for name, content in everything().items() if not name.endswith(("-wal", "-shm"))} == before


def test_exit_codes_tell_wrong_from_warning() -> None:
    well, warning, bad = (Finding("x", state, "") for state in ("well", "warning", "wrong"))
    assert [exit_code(each) for each in ([well], [well, warning], [warning, bad])] == [0, 2, 1]


def damage_bundle(settings: Settings) -> None:
    bundle = max((settings.files / SLUG / "tile" / "entries" / "000.p").iterdir(), key=lambda file: int(file.name))
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"\x00")


def remove_tile(settings: Settings) -> None:
    for tile in (settings.files / SLUG / "tile" / "0").rglob("000.p/[0-9]*"):
        tile.unlink()


def change_entry(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "board.sqlite") as database:
        database.execute("DROP TRIGGER entries_no_update")
        database.execute("UPDATE entries SET raw = CAST(raw || 'x' AS BLOB) WHERE idx = 2")


def older_database(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "board.sqlite") as database:
        for table in ("checkpoints", "ballots", "entries"):
            database.execute(f"DROP TRIGGER {table}_no_delete")
        newest = database.execute("SELECT max(size) FROM checkpoints").fetchone()[0]
        database.execute("DELETE FROM checkpoints WHERE size = ?", (newest,))
        database.execute("DELETE FROM ballots WHERE idx = ?", (newest - 1,))
        database.execute("DELETE FROM entries WHERE idx = ?", (newest - 1,))


def another_history(settings: Settings) -> None:
    fork = sign_checkpoint(Checkpoint(BOARD.verifier_key.name, 3, bytes(32)), BOARD)
    (settings.locks / f"{SLUG}.checkpoint").write_bytes(fork)


def foreign_checkpoint(settings: Settings) -> None:
    other = signing_key("other.example/2027")
    (settings.files / SLUG / "checkpoint").write_bytes(
        sign_checkpoint(Checkpoint(other.verifier_key.name, 3, bytes(32)), other)
    )


def break_database(settings: Settings) -> None:
    for suffix in ("-wal", "-shm"):
        (settings.data / f"board.sqlite{suffix}").unlink(missing_ok=True)
    file = settings.data / "board.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"\xff" * 4096 * 4
    file.write_bytes(content)


def old_shape(settings: Settings) -> None:
    with sqlite3.connect(settings.data / "board.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")


FAULTS: dict[str, tuple[Any, str]] = {
    "a damaged bundle": (damage_bundle, "is missing or is not what the database says"),
    "a tile that is gone": (remove_tile, "is missing or is not what the database says"),
    "a changed entry": (change_entry, "do not hash to its newest checkpoint"),
    "an old copy of the database": (older_database, "the database is an old copy"),
    "a lock of another history": (another_history, "the database has another history than the lock"),
    "a checkpoint of somebody else": (foreign_checkpoint, "is not signed by the board's key"),
    "a broken database": (break_database, ""),
    "a database of an older shape": (old_shape, "has shape 0001"),
    "a lock that is gone": (lambda s: (s.locks / f"{SLUG}.checkpoint").unlink(), "there is no lock"),
    "a key that is gone": (lambda s: (s.keys / f"{SLUG}.key").unlink(), "its key is not in"),
    "a key that others may read": (lambda s: (s.keys / f"{SLUG}.key").chmod(0o644), "others may read"),
    "a data folder that others may write": (lambda s: s.data.chmod(0o777), "others may write"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_every_fault_is_found(settings: Settings, what: str) -> None:
    cause, said = FAULTS[what]
    cause(settings)
    found = wrong(settings)
    assert found, what
    assert any(said in each for each in found), found


def test_a_lock_store_inside_the_data_folder_is_wrong(settings: Settings) -> None:
    inside = settings.data / "locks"
    settings.locks.rename(inside)
    assert any(
        "one backup would restore both" in each for each in wrong(settings.model_copy(update={"lock_store": inside}))
    )


def test_a_disk_that_is_nearly_full_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(settings.data)

    class Full:
        f_bavail, f_frsize, f_favail, f_files = 10, real.f_frsize, real.f_favail, real.f_files

    monkeypatch.setattr(os, "statvfs", lambda _folder: Full)
    assert any("MiB and" in each for each in wrong(settings, False))


def test_a_folder_that_cannot_be_written_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor, "write_durably", refuse)
    assert any("cannot be written: Read-only" in each for each in wrong(settings, False))


def test_a_slow_disk_few_files_and_the_reference_engine_are_warnings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (64, 64))
    monkeypatch.setattr(doctor, "engine", type("Reference", (), {"NAME": "reference"}))
    warned = {each.subject for each in looked(settings, False) if each.state == "warning"}
    assert warned >= {"data folder", "open files", "engine"}


def test_a_web_client_that_was_changed_is_wrong(settings: Settings, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "bundle.sha256").write_text("nonsense\n")
    found = [each for each in looked(settings.model_copy(update={"web": pages}), False) if each.subject == "web client"]
    assert [each.state for each in found] == ["wrong"]


def test_a_port_in_use_is_a_warning(settings: Settings) -> None:
    with socket.create_server((settings.host, settings.port)):
        (found,) = [each for each in looked(settings, False) if each.subject == "address"]
    assert found.state == "warning"


def test_witnesses_that_confirm_are_well_that_are_down_a_warning_and_that_saw_more_wrong(tmp_path: Path) -> None:
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    trial = Trial(tmp_path, election)
    trial.send()
    election.ceremony()
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    trial.server.http.stop()
    database = trial.data / "board.sqlite"
    old_copy = database.read_bytes()

    def about_witnesses() -> list[str]:
        return [each.state for each in looked(trial.server.settings, False, True) if "witness" in each.subject]

    assert about_witnesses() == ["well"] * 3
    trial.start()
    election.roll()
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    trial.server.http.stop()
    trial.running = False
    database.write_bytes(old_copy)
    trial.witnesses[1].stop()
    assert about_witnesses() == ["wrong", "warning", "wrong"]
    assert any("the database is an old copy" in each for each in wrong(trial.server.settings, False))
    trial.stop()


def test_the_command_prints_json_and_exits_by_what_it_found(settings: Settings) -> None:
    command = [sys.executable, "-m", "retally_server.operator.cli", "doctor", "--deep", "--json"]
    environment = {**os.environ, "RETALLY_DATA": str(settings.data), "RETALLY_PORT": str(settings.port)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    assert done.returncode == said["exit"] in (0, 2)
    (settings.locks / f"{SLUG}.checkpoint").unlink()
    done = subprocess.run(command[:-1], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no lock" in done.stdout
    assert "\x1b" not in done.stdout
    assert HERE not in done.stdout
