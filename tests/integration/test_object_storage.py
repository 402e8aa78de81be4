"""Tiles in a bucket: the same promises as a folder's, held against a real S3 server (versitygw)."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest
from obstore.store import S3Store

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.errors import Unusable
from retally_crypto.secret.sign import sign_checkpoint
from retally_lab.boards.election import MAYOR, Election, district, signing_key
from retally_server.board import object_storage
from retally_server.board.board_files import CHECKPOINT, BoardFiles
from retally_server.board.folder_storage import FolderStorage
from retally_server.board.storage_places import open_storage
from retally_server.board.tile_storage import TileStorage
from retally_verify.board import FolderBoard, HttpBoard
from retally_verify.run import verify_board
from tests.server_http import HERE, SLUG, Server, require_receipt

GATEWAY = Path(__file__).parents[2] / ".venv" / "judges" / "bin" / "versitygw"
ACCESS, SECRET = "retally-test", "never-to-be-seen-in-a-log"


class Bucket:
    """An S3 server of its own with one bucket, which is `folder`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "s3" / "tiles"
        self.folder.mkdir(parents=True)
        self._root = root
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        sidecar = self._root / "sidecar"
        sidecar.mkdir(exist_ok=True)
        command = [str(GATEWAY), "-q", "--port", f"127.0.0.1:{self.port}", "-a", ACCESS, "-s", SECRET]
        self._process = subprocess.Popen(
            [*command, "posix", "--sidecar", str(sidecar), str(self.folder.parent)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("versitygw does not answer")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    if not GATEWAY.exists():
        pytest.skip("versitygw is missing (scripts/judges.sh builds it where Go is)")
    there = Bucket(tmp_path)
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": there.address,
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": "*",
    }.items():
        monkeypatch.setenv(name, value)
    yield there
    there.stop()


def in_bucket(place: str = "s3://tiles/boards") -> TileStorage:
    return open_storage(place, Path("unused"), "2027", 2)


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> TileStorage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "files")
    request.getfixturevalue("bucket")
    return in_bucket()


def never(_there: bytes) -> bool:
    return False


def always(_there: bytes) -> bool:
    return True


# ---- what every storage promises ----


def test_what_was_kept_is_read_again_and_what_was_not_is_not_there(storage: TileStorage) -> None:
    assert storage.keep([("tile/0/000", b"a" * 8_192), ("tile/entries/000.p/3", b"b")]) == []
    assert storage.read("tile/0/000") == b"a" * 8_192
    assert storage.read("tile/entries/000.p/3") == b"b"
    assert storage.read("tile/0/001") is None
    assert storage.keep([]) == []


def test_damaged_files_are_named_and_written_anew(storage: TileStorage) -> None:
    storage.keep([("tile/0/000", b"right"), ("tile/0/001", b"other")])
    storage.keep([("tile/0/000", b"wrong")])
    assert storage.keep([("tile/0/000", b"right"), ("tile/0/001", b"other")]) == ["tile/0/000"]
    assert storage.read("tile/0/000") == b"right"


def test_partials_of_a_full_tile_are_removed_and_nothing_else(storage: TileStorage) -> None:
    kept = [("tile/0/000.p/7", b"x"), ("tile/0/000.p/9", b"y"), ("tile/0/000", b"z"), ("tile/0/001.p/1", b"w")]
    storage.keep(kept)
    storage.remove_partials("tile/0/000")
    assert [storage.read(name) for name, _ in kept] == [None, None, b"z", b"w"]


def test_a_checkpoint_is_replaced_by_a_newer_one_only(storage: TileStorage) -> None:
    storage.replace(CHECKPOINT, b"one", never)
    storage.replace(CHECKPOINT, b"one", never)
    storage.replace(CHECKPOINT, b"two", always)
    with pytest.raises(OSError, match="newer"):
        storage.replace(CHECKPOINT, b"one", never)
    assert storage.read(CHECKPOINT) == b"two"


@pytest.mark.parametrize(
    "name",
    ["../keys/2027.key", "/etc/passwd", "tile/../../x", "tile/0/../1", "", "tile/0/000\n", "checkpoint/x", "lock"],
)
def test_no_other_name_is_a_file(storage: TileStorage, name: str) -> None:
    for attempt in (
        lambda: storage.read(name),
        lambda: storage.keep([(name, b"x")]),
        lambda: storage.replace(name, b"x", always),
        lambda: storage.remove_partials(name),
    ):
        with pytest.raises(ValueError, match="no file of a board"):
            attempt()


# ---- a bucket ----


def test_two_who_replace_the_same_checkpoint_cannot_both_win(bucket: Bucket) -> None:
    slow, fast = in_bucket(), in_bucket()
    slow.replace(CHECKPOINT, b"first", always)

    def overtaken(_there: bytes) -> bool:
        fast.replace(CHECKPOINT, b"newer", always)
        return True

    with pytest.raises(OSError, match="object storage"):
        slow.replace(CHECKPOINT, b"older", overtaken)
    assert fast.read(CHECKPOINT) == b"newer"


def test_a_smaller_checkpoint_never_replaces_a_larger_one(bucket: Bucket) -> None:
    key = signing_key("board.example/2027")
    files = BoardFiles(in_bucket())
    notes = [sign_checkpoint(Checkpoint(key.verifier_key.name, size, bytes([size]) * 32), key) for size in (1, 2)]
    files.publish(notes[1])
    with pytest.raises(OSError, match="newer"):
        files.publish(notes[0])
    assert files.checkpoint() == notes[1]


@pytest.mark.parametrize(
    "place", ["s3://", "http://x/y", "s3://key:secret@bucket/x", "s3://bucket/x?secret=1", "bucket"]
)
def test_a_place_that_is_none_is_refused_without_being_repeated(place: str) -> None:
    with pytest.raises(Unusable) as refused:
        in_bucket(place)
    assert "secret" not in str(refused.value)


def small_election() -> Election:
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    return election


def new_server(folder: Path, **settings: Any) -> Server:
    return Server(folder, tiles="s3://tiles/boards", **settings)


def test_an_election_in_a_bucket_is_verified_from_the_server_and_from_the_bucket(
    bucket: Bucket, tmp_path: Path
) -> None:
    election = small_election()
    server = new_server(tmp_path / "data")
    server.http.post("/elections", content=election.entries[0])
    assert {answer.status_code for answer in server.append(election.entries[1:])} == {201}
    election.cast("north-1", [[1, 0, 0]])
    (answer,) = server.append(election.entries[-1:])
    require_receipt(answer, election.entries[-1], len(election.entries) - 1)
    assert not (tmp_path / "data" / "boards").exists()

    class ThroughServer(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            found = server.http.get(request.url.path)
            return httpx.Response(found.status_code, headers=found.headers, stream=httpx.ByteStream(found.content))

    for board in (
        HttpBoard(f"http://board.example{HERE}", ThroughServer()),
        FolderBoard(bucket.folder / "boards" / SLUG),
    ):
        report = verify_board(board, election.policy())
        assert {check.number: check.state for check in report.checks}["V02"] == "pass"
        assert report.head is not None
        assert report.head.size == len(election.entries)
    store = S3Store("tiles", prefix=f"boards/{SLUG}", client_options={"allow_http": True})
    attributes: dict[Any, Any] = dict(obstore.get(store, CHECKPOINT).attributes)
    assert attributes["Cache-Control"] == "public, max-age=2"
    assert attributes["Content-Type"] == "text/plain; charset=utf-8"
    server.http.stop()


def test_objects_that_are_gone_or_were_replaced_are_written_again_at_the_start(bucket: Bucket, tmp_path: Path) -> None:
    election = small_election()
    server = new_server(tmp_path / "data")
    server.http.post("/elections", content=election.entries[0])
    server.append(election.entries[1:])
    server.http.stop()
    size = len(election.entries)
    storage = in_bucket()
    bundle, tile = f"tile/entries/000.p/{size}", f"tile/0/000.p/{size}"
    right = {name: storage.read(name) for name in (bundle, tile)}
    content = right[bundle]
    assert content is not None
    storage.keep([(bundle, content[:-1] + b"\x00")])
    (bucket.folder / "boards" / SLUG / tile).unlink()
    again = new_server(tmp_path / "data")
    assert {name: storage.read(name) for name in (bundle, tile)} == right
    again.http.stop()


def test_a_bucket_that_is_away_stops_acknowledging_and_nothing_else(
    bucket: Bucket, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "_SECONDS", "2s")
    monkeypatch.setattr(object_storage, "_RETRIES", 0)
    election = small_election()
    server = new_server(tmp_path / "data")
    server.http.post("/elections", content=election.entries[0])
    assert {answer.status_code for answer in server.append(election.entries[1:])} == {201}
    before = server.http.get(f"{HERE}/checkpoint").content
    bucket.stop()
    ballot = election.ballot("north-1", [[1, 0, 0]])
    refused = server.http.post(f"{HERE}/ballots", content=ballot)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:retally:problem:not-stored")
    assert server.http.get("/health/ready").status_code == 503
    away = server.http.get(f"{HERE}/checkpoint")
    assert (away.status_code, away.json()["type"]) == (503, "urn:retally:problem:not-ready")
    assert server.http.get(HERE).status_code == 200
    bucket.start()
    assert server.http.get(f"{HERE}/checkpoint").content == before
    answer = server.http.post(f"{HERE}/ballots", content=ballot)
    assert answer.status_code in (200, 201)
    require_receipt(answer, ballot, len(election.entries))
    assert server.http.get("/health/ready").status_code == 200
    server.http.stop()
    written = "".join(capfd.readouterr())
    assert SECRET not in written
    assert ACCESS not in written
    assert SECRET not in refused.text + away.text


def test_a_server_whose_bucket_is_away_at_the_start_waits_for_it(
    bucket: Bucket, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    election = small_election()
    server = new_server(tmp_path / "data")
    server.http.post("/elections", content=election.entries[0])
    server.http.stop()
    bucket.stop()
    again = new_server(tmp_path / "data")
    assert again.http.get("/health/ready").status_code == 503
    bucket.start()
    assert {answer.status_code for answer in again.append(election.entries[1:])} <= {201, 503}
    assert {answer.status_code for answer in again.append(election.entries[1:])} <= {200, 201}
    assert again.http.get("/health/ready").status_code == 200
    again.http.stop()
    written = "".join(capfd.readouterr())
    assert "files not written" in written
    assert SECRET not in written
