"""A mirror is the board, verified; an interrupted one is continued; one that would overwrite evidence is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.errors import BadProof, BadSignature, Refused
from retally_crypto.policy import TrustPolicy
from retally_crypto.secret.sign import sign_checkpoint
from retally_crypto.tiles import Tile, tile_path
from retally_lab.boards.election import CLOSES, Election, signing_key, write_board
from retally_lab.boards.files import checkpoint
from retally_lab.boards.places import MemoryBoard
from retally_verify.board import CHECKPOINT_LIMIT, FolderBoard, Unreachable
from retally_verify.mirroring import mirror_board
from retally_verify.run import verify_board

KEY = signing_key("board.example/2027")
POLICY = TrustPolicy(bytes(32), KEY.verifier_key, (), 0)
WRONG = {"checkpoint.opening": b"opening\n"}


def plain_board(size: int, salt: str = "") -> dict[str, bytes]:
    """A board of any entries: a mirror looks at hashes only."""
    return write_board([b"entry %d %s" % (at, salt.encode()) for at in range(size)], KEY)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_mirror_has_every_file_and_verifies_like_the_board(honest_election: Election, tmp_path: Path) -> None:
    files = honest_election.files()
    mirrored = mirror_board(MemoryBoard(files), honest_election.policy(), tmp_path / "mirror")
    assert mirrored.head.checkpoint.size == len(honest_election.entries)
    assert files_in(tmp_path / "mirror") == files
    assert verify_board(FolderBoard(tmp_path / "mirror"), honest_election.policy()).verdict == "PASS"


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 256 * 256 + 3])
def test_a_mirror_of_any_size_has_exactly_the_boards_files(size: int, tmp_path: Path) -> None:
    files = plain_board(size)
    announced: list[int] = []
    done: list[int] = []
    mirror_board(MemoryBoard(files), POLICY, tmp_path / "mirror", announced.append, done.append)
    assert files_in(tmp_path / "mirror") == files
    assert announced == [sum(done)] == [len(files) - 1]


def wrong_signature(files: Mapping[str, bytes]) -> bytes:
    lines = files["checkpoint.opening"].split(b"\n")
    lines[4] = files["checkpoint"].split(b"\n")[4]
    return b"\n".join(lines)


def without_quorum(files: Mapping[str, bytes]) -> bytes:
    lines = files["checkpoint.opening"].split(b"\n")
    return b"\n".join([*lines[:5], b""])


WRONG_EFFECTS: dict[str, tuple[Callable[[Mapping[str, bytes]], bytes], str]] = {
    "nothing": (lambda files: b"", "does not end in a newline"),
    "garbage": (lambda files: b"opening\n", "no signature lines"),
    "too long": (lambda files: b"x" * (CHECKPOINT_LIMIT + 1), "is longer than"),
    "another signature": (wrong_signature, "does not verify"),
    "no quorum": (without_quorum, "0 witness cosignatures, the quorum is 2"),
}


@pytest.mark.parametrize(("wrong", "said"), WRONG_EFFECTS.values(), ids=WRONG_EFFECTS)
def test_a_wrong_time_of_opening_is_not_taken_and_hinders_nothing_else(
    wrong: Callable[[Mapping[str, bytes]], bytes], said: str, witnessed: Election, tmp_path: Path
) -> None:
    files = witnessed.files()
    mirrored = mirror_board(MemoryBoard(files | {"checkpoint.opening": wrong(files)}), witnessed.policy(), tmp_path)
    (fault,) = mirrored.faults
    assert fault.startswith("checkpoint.opening: ")
    assert said in fault
    assert files_in(tmp_path) == {path: content for path, content in files.items() if path != "checkpoint.opening"}
    mirrored = mirror_board(MemoryBoard(files), witnessed.policy(), tmp_path)
    assert (mirrored.taken, mirrored.faults) == (("checkpoint.opening",), ())
    assert files_in(tmp_path) == files


def test_a_time_of_opening_of_another_history_is_not_taken(witnessed: Election, tmp_path: Path) -> None:
    other = witnessed.copy()
    other.entries[3] = b"{}"
    shown = witnessed.files() | {"checkpoint.opening": other.files()["checkpoint.opening"]}
    mirrored = mirror_board(MemoryBoard(shown), witnessed.policy(), tmp_path)
    assert len(mirrored.faults) == 1
    assert "is not the board's" in mirrored.faults[0]
    assert not (tmp_path / "checkpoint.opening").exists()


def test_the_times_of_opening_and_closing_are_taken_once_and_stay(witnessed: Election, tmp_path: Path) -> None:
    files, policy = witnessed.files(), witnessed.policy()
    mirror_board(MemoryBoard(files), policy, tmp_path)
    later = {"checkpoint.opening": files["checkpoint"]}
    gone = {path: content for path, content in files.items() if path != "checkpoint.opening"}
    for shown, said in ((files | later, "another one"), (gone, "has not"), (files | WRONG, "another one")):
        mirrored = mirror_board(MemoryBoard(shown), policy, tmp_path)
        assert mirrored.taken == ()
        assert len(mirrored.faults) == 1
        assert said in mirrored.faults[0]
        assert files_in(tmp_path) == files


def test_a_time_of_opening_that_the_checkpoint_does_not_cover_yet_waits(witnessed: Election, tmp_path: Path) -> None:
    """The server writes it before the checkpoint that covers it."""
    before = witnessed.before("opening").files()
    opening = {"checkpoint.opening": witnessed.files()["checkpoint.opening"]}
    mirrored = mirror_board(MemoryBoard(before | opening), witnessed.policy(), tmp_path)
    assert (mirrored.taken, mirrored.faults) == ((), ())
    assert files_in(tmp_path) == before
    assert mirror_board(MemoryBoard(witnessed.files()), witnessed.policy(), tmp_path).faults == ()
    assert files_in(tmp_path).items() >= witnessed.files().items()


def test_what_is_there_already_is_not_fetched_again(tmp_path: Path) -> None:
    mirror_board(MemoryBoard(plain_board(600)), POLICY, tmp_path)
    grown = MemoryBoard(plain_board(900))
    mirror_board(grown, POLICY, tmp_path)
    again = {path for path in grown.reads if not path.startswith("checkpoint")} & set(plain_board(600))
    assert again == set()
    assert plain_board(900).items() <= files_in(tmp_path).items()


def test_an_interrupted_mirror_has_no_new_checkpoint_and_is_continued(tmp_path: Path) -> None:
    mirror_board(MemoryBoard(plain_board(300)), POLICY, tmp_path)
    broken = plain_board(900)
    missing = broken.pop("tile/entries/002")
    with pytest.raises(Unreachable, match="tile/entries/002 is not there"):
        mirror_board(MemoryBoard(broken), POLICY, tmp_path)
    assert files_in(tmp_path)["checkpoint"] == plain_board(300)["checkpoint"]
    mirror_board(MemoryBoard(broken | {"tile/entries/002": missing}), POLICY, tmp_path)
    assert files_in(tmp_path)["checkpoint"] == plain_board(900)["checkpoint"]


def test_the_checkpoint_is_written_last(witnessed: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    replace = Path.replace

    def noting(self: Path, target: Path) -> Path:
        written.append(str(target.relative_to(tmp_path)))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noting)
    files = witnessed.files()
    mirror_board(MemoryBoard(files), witnessed.policy(), tmp_path)
    assert (written[-1], set(written)) == ("checkpoint", set(files))


def altered(files: Mapping[str, bytes], path: str, content: bytes) -> MemoryBoard:
    assert path in files
    return MemoryBoard({**files, path: content})


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("tile/entries/000.p/3", b"\0\1a\0\1b\0\1c", "does not hold the hashes"),
        ("tile/entries/000.p/3", b"\0\1a\0\1b", "tile/entries/000.p/3: entry bundle"),
        ("tile/entries/000.p/3", b"\0", "tile/entries/000.p/3: entry bundle"),
        ("tile/entries/000.p/3", b"", "tile/entries/000.p/3: entry bundle"),
        ("tile/0/000.p/3", bytes(96), "does not hold the hashes"),
        ("tile/0/000.p/3", b"", "does not hold the hashes"),
    ],
)
def test_entries_and_tiles_that_do_not_fit_are_refused(path: str, content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(BadProof, match=reason):
        mirror_board(altered(plain_board(3), path, content), POLICY, tmp_path)
    assert "checkpoint" not in files_in(tmp_path)


def test_other_entries_with_their_own_tiles_are_refused_by_the_root(tmp_path: Path) -> None:
    board = MemoryBoard(plain_board(3, "altered") | {"checkpoint": plain_board(3)["checkpoint"]})
    with pytest.raises(BadProof, match="the checkpoint says"):
        mirror_board(board, POLICY, tmp_path)
    assert "checkpoint" not in files_in(tmp_path)


@pytest.mark.parametrize("tile", [Tile(1, 0, 256), Tile(1, 1, 1), Tile(2, 0, 1)])
def test_a_wrong_tile_above_the_lowest_level_is_refused(tile: Tile, tmp_path: Path) -> None:
    size = 256 * 256 + 256
    board = altered(plain_board(size), tile_path(tile), bytes(32 * tile.width))
    with pytest.raises(BadProof, match="does not hold the hashes"):
        mirror_board(board, POLICY, tmp_path)


def test_a_board_that_rewrote_its_last_entries_does_not_replace_what_it_signed(tmp_path: Path) -> None:
    before = plain_board(300)
    mirror_board(MemoryBoard(before), POLICY, tmp_path)
    entries = [b"entry %d " % at for at in range(299)] + [b"another"] * 200
    with pytest.raises(BadProof, match=r"at 300 entries .* has the signed root"):
        mirror_board(MemoryBoard(write_board(entries, KEY)), POLICY, tmp_path)
    assert before.items() <= files_in(tmp_path).items()


def test_a_board_that_became_shorter_does_not_replace_what_it_signed(tmp_path: Path) -> None:
    mirror_board(MemoryBoard(plain_board(300)), POLICY, tmp_path)
    with pytest.raises(BadProof, match="has 300 entries that the board signed, memory shows only 299"):
        mirror_board(MemoryBoard(plain_board(299)), POLICY, tmp_path)


def test_a_folder_with_another_board_is_left_alone(tmp_path: Path) -> None:
    other = write_board([b"entry"], signing_key("other.example/2027"))
    (tmp_path / "checkpoint").write_bytes(other["checkpoint"])
    with pytest.raises(Refused, match="something else than this board"):
        mirror_board(MemoryBoard(plain_board(3)), POLICY, tmp_path)
    assert files_in(tmp_path) == {"checkpoint": other["checkpoint"]}


def test_a_checkpoint_of_an_absurd_size_ends_at_the_first_missing_file(tmp_path: Path) -> None:
    signed = sign_checkpoint(Checkpoint(KEY.verifier_key.name, 2**62, bytes(32)), KEY)
    with pytest.raises(Unreachable, match="tile/entries/000 is not there"):
        mirror_board(MemoryBoard({"checkpoint": signed}), POLICY, tmp_path)


def test_a_checkpoint_by_a_stranger_fetches_nothing(tmp_path: Path) -> None:
    board = MemoryBoard({"checkpoint": checkpoint([], signing_key("stranger"), (), CLOSES)})
    with pytest.raises((Refused, BadSignature)):
        mirror_board(board, POLICY, tmp_path / "mirror")
    assert (board.reads, files_in(tmp_path)) == (["checkpoint"], {})


def test_a_place_without_a_checkpoint_is_no_board(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no checkpoint"):
        mirror_board(MemoryBoard({}), POLICY, tmp_path)
