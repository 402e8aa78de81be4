"""What was changed, deleted, rolled back or started twice is refused by name or repaired, as the guide says."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retally_crypto.checkpoints import Checkpoint, verify_checkpoint
from retally_crypto.errors import Unusable
from retally_crypto.replay import Record
from retally_crypto.secret.sign import sign_checkpoint
from retally_lab.boards.election import CLOSES, GRACE, MAYOR, OPENS, Election, body_hash, district, signing_key
from retally_server.elections import Elections
from retally_server.settings import Settings
from tests.server_boards import read_board
from tests.server_http import HERE, SLUG, Server, require_receipt
from tests.witnessed_trials import Trial

BOARD = signing_key("board.example/2027")


class Installation:
    """A server's folders with an open election, 300 entries long, so that there are full and partial tiles."""

    def __init__(self, folder: Path) -> None:
        self.data, self.locks = folder / "data", folder / "data-locks"
        self.election = Election.create(
            contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), voters={"north": 4}
        )
        self.election.ceremony()
        self.election.roll()
        self.election.open()
        server = self.start()
        server.http.post("/elections", content=self.election.entries[0])
        server.append(self.election.entries[1:])
        self.files = self.data / "boards" / SLUG
        server.http.stop()

    def start(self) -> Server:
        return Server(self.data, address_rate=0, rate_ballots=1000)

    def cast(self, count: int) -> None:
        """So many ballots of one voter, each continuing the last."""
        server = self.start()
        for _ in range(count):
            self.election.cast("north-1", [[1, 0, 0]])
            (answer,) = server.append(self.election.entries[-1:])
            assert answer.status_code == 201
        server.http.stop()

    def goes_on(self) -> None:
        """The server starts, every entry is on the board, and a ballot is taken."""
        server = self.start()
        self.election.cast("north-2", [[0, 1, 0]])
        (answer,) = server.append(self.election.entries[-1:])
        assert answer.status_code == 201
        require_receipt(answer, self.election.entries[-1], len(self.election.entries) - 1)
        server.http.stop()
        assert read_board(self.files, BOARD.verifier_key) == self.election.entries

    def copy(self, where: Path) -> None:
        shutil.copytree(self.data, where / "data")
        shutil.copytree(self.locks, where / "locks")

    def restore(self, where: Path, *, locks: bool = False, files: bool = True) -> None:
        kept = None if files else {file: file.read_bytes() for file in self.files.rglob("*") if file.is_file()}
        shutil.rmtree(self.data)
        shutil.copytree(where / "data", self.data)
        for file, content in (kept or {}).items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if locks:
            shutil.rmtree(self.locks)
            shutil.copytree(where / "locks", self.locks)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    made = Installation(tmp_path_factory.mktemp("installation"))
    made.cast(270)
    return made


@pytest.fixture
def here(original: Installation, tmp_path: Path) -> Installation:
    """A copy of the installation to damage."""
    copy = object.__new__(Installation)
    copy.data, copy.locks, copy.files = tmp_path / "data", tmp_path / "data-locks", tmp_path / "data" / "boards" / SLUG
    shutil.copytree(original.data, copy.data)
    shutil.copytree(original.locks, copy.locks)
    copy.election = original.election.copy()
    return copy


def flip(file: Path, at: int = -1) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def largest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda file: int(file.name))


REPAIRED: dict[str, Callable[[Installation], object]] = {
    "a full hash tile is gone": lambda i: (i.files / "tile/0/000").unlink(),
    "a full bundle is gone": lambda i: (i.files / "tile/entries/000").unlink(),
    "a byte of a full hash tile": lambda i: flip(i.files / "tile/0/000", 100),
    "a byte of a full bundle": lambda i: flip(i.files / "tile/entries/000", 5_000),
    "a byte of a partial hash tile": lambda i: flip(largest(i.files / "tile/0/001.p")),
    "a byte of a partial bundle": lambda i: flip(largest(i.files / "tile/entries/001.p")),
    "a byte of a tile of the next level": lambda i: flip(largest(i.files / "tile/1/000.p")),
    "a tile that was cut short": lambda i: (i.files / "tile/0/000").write_bytes(b"short"),
    "all static files are gone": lambda i: shutil.rmtree(i.files),
    "the published checkpoint is gone": lambda i: (i.files / "checkpoint").unlink(),
    "a temporary file was left": lambda i: (i.files / ".checkpoint.0123").write_bytes(b"x"),
}


@pytest.mark.parametrize("what", REPAIRED)
def test_static_files_are_repaired_from_the_database(here: Installation, what: str) -> None:
    REPAIRED[what](here)
    here.goes_on()


def sql(here: Installation | Trial, *statements: str) -> None:
    with sqlite3.connect(here.data / "board.sqlite") as database:
        for statement in statements:
            database.execute(statement)


def dump(here: Installation) -> list[str]:
    with sqlite3.connect(here.data / "board.sqlite") as database:
        return list(database.iterdump())


REFUSED: dict[str, tuple[Callable[[Installation], object], str]] = {
    "a byte of an entry in the database": (
        lambda i: sql(
            i,
            "DROP TRIGGER entries_no_update",
            "UPDATE entries SET raw = CAST('X' || substr(raw, 2) AS BLOB) WHERE idx = 20",
        ),
        "does not have its leaf hash",
    ),
    "an entry and its hash": (
        lambda i: sql(
            i,
            "DROP TRIGGER entries_no_update",
            "UPDATE entries SET leaf_hash = randomblob(32) WHERE idx = 20",
        ),
        "does not have its leaf hash",
    ),
    "an entry is gone": (
        lambda i: sql(
            i,
            "DROP TRIGGER entries_no_delete",
            "DROP TRIGGER ballots_no_delete",
            "DELETE FROM ballots WHERE idx = 20",
            "DELETE FROM entries WHERE idx = 20",
        ),
        r"the database has \d+ of \d+ entries",
    ),
    "the newest checkpoint was signed by somebody else": (
        lambda i: sql(
            i,
            "DROP TRIGGER checkpoints_no_update",
            "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), 'board', 'bored') AS BLOB) "
            "WHERE size = (SELECT max(size) FROM checkpoints)",
        ),
        "is not signed by the board's key",
    ),
    "a byte of the lock": (
        lambda i: flip(i.locks / f"{SLUG}.checkpoint", 60),
        "lock",
    ),
    "the lock is gone": (lambda i: (i.locks / f"{SLUG}.checkpoint").unlink(), "there is no lock"),
    "the key is gone": (lambda i: (i.data / "keys" / f"{SLUG}.key").unlink(), "its key is not in"),
    "a byte of the key": (lambda i: flip(i.data / "keys" / f"{SLUG}.key", -5), "is not signed by the board's key"),
    "the key can be read by others": (lambda i: (i.data / "keys" / f"{SLUG}.key").chmod(0o644), "others may read"),
    "a byte of the published checkpoint": (lambda i: flip(i.files / "checkpoint", 60), "published checkpoint"),
    "a published checkpoint of a second history": (
        lambda i: (i.files / "checkpoint").write_bytes(
            sign_checkpoint(Checkpoint(BOARD.verifier_key.name, 100, bytes(32)), BOARD)
        ),
        "another history",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_repaired_stops_the_server_by_name_and_nothing_is_changed(here: Installation, what: str) -> None:
    cause, said = REFUSED[what]
    cause(here)
    before = dump(here)
    with pytest.raises(Unusable, match=said):
        Elections(Settings(data=here.data), lambda: OPENS + 10, Record)
    assert dump(here) == before


def test_an_old_backup_is_refused_whatever_was_restored_with_it(here: Installation, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    here.copy(backup)
    here.cast(3)
    newest = tmp_path / "newest"
    here.copy(newest)
    for files, said in ((False, "published checkpoint has size"), (True, "lock has size")):
        here.restore(backup, files=files)
        with pytest.raises(Unusable, match=said):
            here.start()
    here.restore(newest)
    here.goes_on()


def test_an_old_backup_with_its_lock_is_refused_when_a_witness_has_seen_more(tmp_path: Path) -> None:
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    trial = Trial(tmp_path, election)
    trial.send()
    election.ceremony()
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    trial.server.http.stop()
    locks = trial.data.with_name(f"{trial.data.name}-locks")
    shutil.copytree(trial.data, tmp_path / "old-data")
    shutil.copytree(locks, tmp_path / "old-locks")
    trial.start()
    election.roll()
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    trial.server.http.stop()
    for place, old in ((trial.data, "old-data"), (locks, "old-locks")):
        shutil.rmtree(place)
        shutil.copytree(tmp_path / old, place)
    trial.running = False
    with pytest.raises(Unusable, match="has seen another history"):
        trial.start()
    trial.running = False
    trial.stop()


@pytest.fixture
def witnessed(tmp_path: Path) -> Iterator[Trial]:
    """A board with witnesses, every entry confirmed by their quorum, its server not running."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    trial = Trial(tmp_path, election)
    election.ceremony()
    trial.send()
    trial.wait(lambda: trial.witnessed() == len(election.entries))
    trial.server.http.stop()
    trial.running = False
    yield trial
    trial.stop()


def test_a_quorum_that_the_database_lost_is_taken_back_from_the_published_checkpoint(witnessed: Trial) -> None:
    published = (witnessed.data / "boards" / SLUG / "checkpoint").read_bytes()
    size = len(witnessed.election.entries)
    sql(witnessed, "DROP TRIGGER cosigned_no_delete", f"DELETE FROM cosigned WHERE size = {size}")
    witnessed.start()
    assert witnessed.witnessed() == size
    assert (witnessed.data / "boards" / SLUG / "checkpoint").read_bytes() == published
    with sqlite3.connect(witnessed.data / "board.sqlite") as database:
        assert database.execute("SELECT note FROM cosigned WHERE size = ?", (size,)).fetchall() == [(published,)]


def test_a_published_quorum_of_a_size_that_never_was_is_refused(witnessed: Trial) -> None:
    with sqlite3.connect(witnessed.data / "board.sqlite") as database:
        sizes = [size for (size,) in database.execute("SELECT size FROM cosigned ORDER BY size")]
        size = sizes[-2]
        ((note,),) = database.execute("SELECT note FROM cosigned WHERE size = ?", (size,)).fetchall()
    (witnessed.data / "boards" / SLUG / "checkpoint").write_bytes(note)
    gone = ("cosigned", f"size >= {size}"), ("checkpoints", f"size = {size}")
    for table, which in gone:
        sql(witnessed, f"DROP TRIGGER {table}_no_delete", f"DELETE FROM {table} WHERE {which}")
    with pytest.raises(Unusable, match=f"the published checkpoint of size {size} is none of the database's"):
        witnessed.start()


def test_two_servers_on_one_folder_or_one_lock_store_cannot_both_go_on(here: Installation, tmp_path: Path) -> None:
    first = here.start()
    with pytest.raises(Unusable, match="another server runs"):
        here.start()
    # A copy of the database with the same lock store: whoever is second to publish finds the lock moved.
    shutil.copytree(here.data, tmp_path / "copy" / "data")
    (tmp_path / "copy" / "data-locks").symlink_to(here.locks)
    second = Server(tmp_path / "copy" / "data", address_rate=0, rate_ballots=1000)
    here.election.cast("north-2", [[1, 0, 0]])
    (answer,) = first.append(here.election.entries[-1:])
    assert answer.status_code == 201
    forked = here.election.ballot("north-3", [[0, 1, 0]])
    assert second.http.post(f"{HERE}/ballots", content=forked).status_code == 503
    assert second.http.get("/health/ready").status_code == 503
    shown = verify_checkpoint((tmp_path / "copy/data/boards" / SLUG / "checkpoint").read_bytes(), BOARD.verifier_key)
    assert shown.size == len(here.election.entries) - 1
    first.http.stop()
    second.http.stop()


def test_a_file_damaged_under_a_running_server_stays_until_it_is_started_again(here: Installation) -> None:
    server = here.start()
    flip(here.files / "tile/0/000", 100)
    here.election.cast("north-2", [[1, 0, 0]])
    (answer,) = server.append(here.election.entries[-1:])
    assert answer.status_code == 201
    server.http.stop()
    server = here.start()
    server.http.stop()
    assert read_board(here.files, BOARD.verifier_key) == here.election.entries


def test_a_clock_that_steps_back_or_ahead_refuses_by_its_own_time_and_harms_nothing(here: Installation) -> None:
    server = here.start()
    election = here.election

    def cast(name: str) -> int:
        raw = election.ballot(name, [[1, 0, 0]])
        status = server.http.post(f"{HERE}/ballots", content=raw).status_code
        if status == 201:
            election.append(raw)
        return status

    assert cast("north-2") == 201
    server.now = OPENS - 3_600
    assert cast("north-3") == 409
    server.now = CLOSES + GRACE + 1
    assert cast("north-3") == 409
    server.now = OPENS + 20
    assert cast("north-3") == 201
    server.http.stop()
    server = Server(here.data, address_rate=0, rate_ballots=1, rate_seconds=50)
    server.now = OPENS + 5_000
    assert cast("north-4") == 201
    assert cast("north-4") == 429
    # Set back by an hour, the voter does not have to wait for an hour.
    server.now = OPENS + 1_400
    assert cast("north-4") == 201
    server.http.stop()
    assert body_hash(election.entries[-1])
    server = here.start()
    server.http.stop()
    assert read_board(here.files, BOARD.verifier_key) == election.entries
