"""Reading a board from a place that nobody trusts: limits hold, nothing is followed, silence is not emptiness."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from retally_lab.boards.places import answering, serving
from retally_verify import fetching
from retally_verify.board import FolderBoard, HttpBoard, TooLong, Unreachable, open_board
from retally_verify.fetching import ATTEMPTS, TooSlow


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits; what the reader would have waited is in the list."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def test_a_file_is_read_whole_when_it_has_the_length_allowed_and_not_a_byte_more() -> None:
    board = serving({"checkpoint": b"x" * 100})
    assert board.read("checkpoint", 100) == b"x" * 100
    with pytest.raises(TooLong, match="longer than the 99 bytes"):
        board.read("checkpoint", 99)


def test_a_body_without_end_is_given_up_at_the_limit() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b"x" * 1000

    board = answering(lambda request: httpx.Response(200, content=endless()))
    with pytest.raises(TooLong, match="longer"):
        board.read("checkpoint", 5000)
    assert sent <= 7000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/checkpoint"})

    with pytest.raises(Unreachable, match=f"status {status}"):
        answering(handler).read("checkpoint", 100)
    assert asked == ["https://board.example/elections/2027/checkpoint"]


def test_a_compressed_answer_is_refused_and_none_is_asked_for() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        return httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, content=iter([gzip.compress(b"\0" * 10_000_000)])
        )

    with pytest.raises(Unreachable, match="compressed"):
        answering(handler).read("checkpoint", 100_000)
    assert asked == ["identity"]


def test_a_file_that_is_not_there_is_none_and_every_other_status_an_error() -> None:
    assert serving({}).read("checkpoint", 100) is None
    for status in (204, 206, 401, 403, 410, 429, 500, 503):
        with pytest.raises(Unreachable, match=f"status {status}"):
            answering(lambda request, status=status: httpx.Response(status)).read("checkpoint", 100)  # type: ignore[misc]


def test_a_connection_that_breaks_is_tried_again_and_then_read(pauses: list[float]) -> None:
    left = [httpx.ConnectError("no"), httpx.ReadTimeout("slow")]

    def handler(request: httpx.Request) -> httpx.Response:
        if left:
            raise left.pop()
        return httpx.Response(200, content=iter([b"here"]))

    assert answering(handler).read("checkpoint", 100) == b"here"
    assert pauses == [1, 2]


def test_a_server_that_never_answers_is_unreachable_and_not_an_empty_board() -> None:
    tries = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ConnectError("no")

    with pytest.raises(Unreachable, match="does not answer: ConnectError"):
        answering(handler).read("checkpoint", 100)
    assert tries == ATTEMPTS


def test_nobody_listening_on_this_machine_is_unreachable_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "not even an address")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Unreachable, match="ConnectError"):
        open_board("http://127.0.0.1:9/elections/x").read("checkpoint", 100)


@pytest.mark.parametrize(
    "location",
    [
        "https://",
        "https://user@board.example/elections/x",
        "https://board.example/elections/x?key=1",
        "https://board.example/elections/x#top",
        "http://[::1/elections/x",
        "http://board.example:99999/elections/x",
        "ftp://board.example/elections/x",
        "/there/is/no/such/folder",
        "\0",
    ],
)
def test_what_is_no_board_is_unreachable_at_once(location: str) -> None:
    with pytest.raises(Unreachable):
        open_board(location)


def test_an_address_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    assert isinstance(open_board("HTTPS://board.example/elections/x/"), HttpBoard)
    assert isinstance(open_board(str(tmp_path)), FolderBoard)


def test_a_folder_obeys_the_same_limits(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"x" * 100)
    board = FolderBoard(tmp_path)
    assert board.read("checkpoint", 100) == b"x" * 100
    assert board.read("tile/0/000", 100) is None
    assert board.read("checkpoint/000", 100) is None
    with pytest.raises(TooLong, match="longer than the 99 bytes"):
        board.read("checkpoint", 99)
    (tmp_path / "tile").mkdir()
    with pytest.raises(Unreachable, match=r"tile in .* cannot be read"):
        board.read("tile", 100)


def _named_pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link_out_of_the_folder(path: Path) -> None:
    outside = path.parent.parent / "outside"
    outside.write_bytes(b"another file")
    path.symlink_to(outside)


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (_named_pipe, "a named pipe, not a regular file"),
        (_socket, "a socket, not a regular file"),
        (_loop, "a link that leads back to itself, not a regular file"),
        (_link_to_a_device, "a link that leads out of the folder"),
        (_link_out_of_the_folder, "a link that leads out of the folder"),
    ],
)
def test_what_is_no_regular_file_of_the_folder_is_named_and_never_waited_for(
    tmp_path: Path, plant: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    plant(folder / "checkpoint")
    # In a process of its own: who waits for a named pipe cannot be stopped from within.
    program = (
        "import sys; from pathlib import Path; from retally_verify.board import FolderBoard\n"
        "try: FolderBoard(Path(sys.argv[1])).read('checkpoint', 100)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.startswith(f"Unreachable checkpoint in {folder} cannot be read: it is")
    assert says in done.stdout


def test_a_device_is_not_opened_even_within_the_folder() -> None:
    with pytest.raises(Unreachable, match="zero in /dev cannot be read: it is a device, not a regular file"):
        FolderBoard(Path("/dev")).read("zero", 100)


def test_a_link_within_the_folder_and_a_folder_behind_a_link_are_read(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "first").write_bytes(b"x")
    (tmp_path / "archive" / "checkpoint").symlink_to("first")
    (tmp_path / "newest").symlink_to(tmp_path / "archive")
    assert FolderBoard(tmp_path / "newest").read("checkpoint", 100) == b"x"


def test_a_board_whose_every_file_comes_just_in_time_is_given_up_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal now
        now += 59
        return httpx.Response(200, content=iter([b"x" * 1000]))

    monkeypatch.setattr(time, "monotonic", lambda: now)
    board = answering(handler)
    for at in range(10):
        assert board.read(f"tile/entries/{at:03}", 1000) == b"x" * 1000
    with pytest.raises(TooSlow) as refused:
        board.read("tile/entries/010", 1000)
    text = str(refused.value)
    assert text.startswith(
        "https://board.example/elections/2027 is too slow: 11 files took 11 minutes. Try again later:"
    )
    assert "`retally mirror`" in text
    # Whoever goes on, as a follower does, has all its patience again.
    assert board.read("checkpoint", 1000) is not None


def test_a_slow_line_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal now
        now += 40
        return httpx.Response(200, content=iter([bytes(1_500_000)]))

    monkeypatch.setattr(time, "monotonic", lambda: now)
    board = answering(handler)
    for at in range(500):
        assert board.read(f"tile/entries/{at:03}", 2_000_000) is not None


def test_all_attempts_at_a_file_have_one_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal now
        now += 61
        raise httpx.ReadTimeout("slow")

    monkeypatch.setattr(time, "monotonic", lambda: now)
    with pytest.raises(Unreachable, match="not answered in full within 60 seconds"):
        answering(handler).read("checkpoint", 100)
    assert now == 61


def test_whoever_waits_is_told_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "WORTH_SAYING_SECONDS", 0.01)
    told: list[str] = []
    enough = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        assert enough.wait(20)
        return httpx.Response(200, content=iter([b"x"]))

    def waits(address: str, seconds: float) -> None:
        told.append(address)
        if len(told) == 2:
            enough.set()

    board = HttpBoard("https://board.example/b", httpx.MockTransport(handler), waits)
    assert board.read("checkpoint", 100) == b"x"
    assert set(told) == {"https://board.example/b/checkpoint"}
