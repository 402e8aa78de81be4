"""What the verifier keeps of a board that it has verified, and when it is not taken."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retally_crypto.errors import Malformed, Unusable
from retally_crypto.ranges import Rules, encode_summary, encode_sums, summarise
from retally_crypto.secret.encrypt import prove_ballot
from retally_lab.boards.election import Election
from retally_lab.boards.places import MemoryBoard, board_folder
from retally_verify import partitions, range_store, roll_on_disk
from retally_verify.board import Unreachable
from retally_verify.progress import Untold
from retally_verify.range_store import Range, RangeStore, WorkingFolder, alone_on
from retally_verify.watch_commands import Checks
from tests.verified import verify_board
from tests.wide_board import CHOICES, assert_as_the_record, finish, hashed, rules_of, short_ranges, wide_election


@pytest.fixture
def collected_by_nobody() -> Iterator[None]:
    """Cycles stay until somebody asks for them, as they may for a long time in a program that mostly waits."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def open_board() -> Election:
    return wide_election()


def bundles_read(board: MemoryBoard) -> set[str]:
    return {path.removeprefix("tile/entries/")[:3] for path in board.reads if path.startswith("tile/entries/")}


class Interrupted(MemoryBoard):
    """A board that stops answering before a certain bundle."""

    def __init__(self, files: dict[str, bytes], at: str) -> None:
        super().__init__(files)
        self.at = at

    def read(self, path: str, limit: int) -> bytes | None:
        if path.startswith(self.at):
            raise Unreachable("gone")
        return super().read(path, limit)


def test_an_interrupted_run_goes_on_where_it_was(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    with pytest.raises(Unreachable):
        verify_board(Interrupted(open_board.files(), "tile/entries/002"), open_board.policy(), signed_off=tmp_path)
    assert not (tmp_path / "signed-off.checkpoint").exists()
    board = MemoryBoard(open_board.files())
    report = verify_board(board, open_board.policy(), signed_off=tmp_path)
    assert bundles_read(board) == {"002"}
    assert_as_the_record(open_board, report)


def test_a_board_that_grew_costs_what_is_new(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    first = verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    assert first.verdict == "INCOMPLETE"
    grown = open_board.copy()
    grown.cast("north-9", CHOICES[0])
    board = MemoryBoard(grown.files())
    report = verify_board(board, grown.policy(), signed_off=tmp_path)
    assert bundles_read(board) == {"002"}
    assert_as_the_record(grown, report)
    same = MemoryBoard(grown.files())
    report = verify_board(same, grown.policy(), signed_off=tmp_path)
    assert bundles_read(same) == set()
    assert_as_the_record(grown, report)


def test_superseded_ballots_are_taken_out_once(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    election = finish(open_board.copy())
    verify_board(MemoryBoard(election.files()), election.policy(), signed_off=tmp_path)
    board = MemoryBoard(election.files())
    report = verify_board(board, election.policy(), signed_off=tmp_path)
    # Only officials' entries after the opening.
    assert bundles_read(board) == {"002"}
    assert_as_the_record(election, report)
    for out in tmp_path.glob("*.out"):
        out.write_bytes(out.read_bytes()[:-1])
    again = verify_board(MemoryBoard(election.files()), election.policy(), signed_off=tmp_path)
    assert_as_the_record(election, again)


def test_another_history_is_not_taken_for_the_one_signed_off(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    honest = verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    rewritten = open_board.copy()
    rewritten.entries[300] = rewritten.ballot("north-9", CHOICES[1])
    report = verify_board(
        MemoryBoard(rewritten.files()), rewritten.policy(), kept=[honest.checkpoint], signed_off=tmp_path
    )
    assert "V02" in report.failed
    assert_as_the_record(rewritten, report)


def test_a_damaged_summary_is_made_anew(open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    damaged = min(path for path in tmp_path.glob("*.range") if path.name.startswith("000000000256-"))
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    board = MemoryBoard(open_board.files())
    report = verify_board(board, open_board.policy(), signed_off=tmp_path)
    assert "001" in bundles_read(board)
    assert_as_the_record(open_board, report)


def test_a_run_leaves_nothing_but_what_it_signed_off(open_board: Election, tmp_path: Path) -> None:
    report = verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    assert (tmp_path / "signed-off.checkpoint").read_bytes() == report.checkpoint
    del report
    (tmp_path / "retally-run-x").mkdir()
    (tmp_path / "retally-run-x" / "lock").write_bytes(b"")
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    assert not list(tmp_path.glob("retally-run-x"))
    assert not list(tmp_path.glob("*.new"))


# ---- a signed-off setup ----


@pytest.mark.usefixtures("collected_by_nobody")
def test_a_mirror_that_verifies_for_weeks_leaves_no_working_folders(open_board: Election, tmp_path: Path) -> None:
    mirror = board_folder(tmp_path, open_board.files())
    checks = Checks(mirror, open_board.policy())
    for _ in range(2):
        assert checks.run() == []
        assert not list((mirror / "verified").glob("retally-run-*"))


def test_a_setup_is_recalled_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = wide_election(300, replaced=("south-8", "north-2"), hindered=True)
    opened = election.record().opening_index
    assert opened is not None
    assert opened > 2 * 256
    policy = election.policy()
    first = verify_board(MemoryBoard(election.files()), policy, signed_off=tmp_path)
    assert {"V04", "V08", "V09"} <= set(first.failed)
    finish(election)
    board = MemoryBoard(election.files())
    report = verify_board(board, policy, signed_off=tmp_path)
    assert not {"000", "001"} & bundles_read(board)
    assert_as_the_record(election, report)


@pytest.mark.parametrize("at", [0, 20, 200, -40, -1])
def test_a_damaged_setup_is_read_anew(
    at: int, open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    (kept,) = tmp_path.glob("*.setup")
    whole = kept.read_bytes()
    content = bytearray(whole)
    content[at] ^= 1
    for damaged in (bytes(content), whole[:at], b""):
        kept.write_bytes(damaged)
        board = MemoryBoard(open_board.files())
        report = verify_board(board, open_board.policy(), signed_off=tmp_path)
        assert "000" in bundles_read(board)
        assert_as_the_record(open_board, report)
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("opened_before", [True, False])
def test_another_setup_is_not_taken_for_the_one_signed_off(
    opened_before: bool, open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the opening's range is kept or read anew, and where the other board has not been opened at all."""
    short_ranges(monkeypatch)
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    opened = open_board.record().opening_index or 0
    other = open_board.copy()
    if opened_before:
        other.entries.insert(opened, b"{}")
    else:
        del other.entries[opened:]
    report = verify_board(MemoryBoard(other.files()), other.policy(), signed_off=tmp_path)
    assert_as_the_record(other, report)
    for kept in tmp_path.glob("*.range"):
        kept.unlink()
    report = verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    assert_as_the_record(open_board, report)


def test_a_checkpoint_from_before_the_opening_wipes_nothing(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    kept = sorted(path.name for path in tmp_path.glob("*.*"))
    early = open_board.copy()
    early.entries = early.entries[:5]
    assert_as_the_record(early, verify_board(MemoryBoard(early.files()), early.policy(), signed_off=tmp_path))
    assert sorted(path.name for path in tmp_path.glob("*.*")) == kept


# ---- one folder, many runs ----


def test_sums_are_those_of_the_same_ballots_not_of_the_same_places(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was being cleared when the machine went down, then a board with some ballots encrypted anew."""
    short_ranges(monkeypatch)
    first, second = finish(open_board.copy()), open_board.copy()
    name, last = "north-3", bytes(32)
    for index in open_board.record().ballots_of(open_board.voters[name].credential):
        sealed = second.seal(name, CHOICES[1], last)
        second.entries[index] = prove_ballot(sealed, second.voters[name].secret)
        last = sealed.body_hash
    finish(second)
    verify_board(MemoryBoard(first.files()), first.policy(), signed_off=tmp_path)
    for path in tmp_path.glob("*.*"):
        if path.suffix != ".out":
            path.unlink()
    assert list(tmp_path.glob("*.out"))
    report = verify_board(MemoryBoard(second.files()), second.policy(), signed_off=tmp_path)
    assert report.verdict == "PASS"


class SecondRun(Untold):
    """Begins a second run while the first one is at a certain stage."""

    def __init__(self, begin: Callable[[], object]) -> None:
        self.begin_run = begin
        self.refused = 0

    def stage(self, title: str, total: int | None = None) -> None:
        with pytest.raises(Unusable, match="another run"):
            self.begin_run()
        self.refused += 1


def test_two_runs_do_not_share_a_folder(open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = finish(open_board.copy())
    board, policy = MemoryBoard(election.files()), election.policy()
    second = SecondRun(lambda: verify_board(board, policy, signed_off=tmp_path))
    assert verify_board(board, policy, tell=second, signed_off=tmp_path).verdict == "PASS"
    assert second.refused == 2
    assert verify_board(board, policy, signed_off=tmp_path).verdict == "PASS"


def test_a_working_folder_goes_when_nobody_holds_it(tmp_path: Path) -> None:
    with alone_on(tmp_path):
        mine = WorkingFolder(tmp_path)
        other = WorkingFolder(tmp_path)
        assert mine.path.exists()
        other.remove()
        assert not other.path.exists()
        left = tmp_path / "retally-run-left"
        left.mkdir()
        (left / "rows-1-00").write_bytes(b"row")
        (left / "lock").write_bytes(b"")
        early = tmp_path / "retally-run-early"
        early.mkdir()
        theirs = [tmp_path / name for name in ("run-sheets", "retally-run-book")]
        for folder in theirs:
            folder.mkdir()
            (folder / "ballots.csv").write_bytes(b"mine")
        (tmp_path / "retally-run-notes").write_bytes(b"mine")
        (tmp_path / "retally-run-gone").symlink_to("nowhere")
        (tmp_path / "retally-run-link").symlink_to(theirs[0])
        (theirs[0] / "lock").write_bytes(b"")
        WorkingFolder(tmp_path).remove()
    assert not left.exists()
    assert not early.exists()
    assert all((folder / "ballots.csv").exists() for folder in theirs)
    assert (tmp_path / "retally-run-notes").exists()
    assert mine.path.exists()
    mine.remove()


def test_rows_that_were_removed_are_missed(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    monkeypatch.setattr(partitions, "HELD", 1 << 10)
    monkeypatch.setattr(roll_on_disk, "SMALL", 1 << 8)

    class Removes(Untold):
        def stage(self, title: str, total: int | None = None) -> None:
            for path in tmp_path.glob("retally-run-*/rows-*"):
                path.unlink()

    with pytest.raises(FileNotFoundError):
        verify_board(MemoryBoard(open_board.files()), open_board.policy(), tell=Removes(), signed_off=tmp_path)


def test_what_somebody_else_put_into_the_folder_stays(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=tmp_path)
    ours = [path for path in tmp_path.iterdir() if path.is_file() and path.name != "lock"]
    names = ("policy", "guardian-1.key", "1.range", "checkpoint", "checkpoint.opening", "notes.setup")
    theirs = [tmp_path / name for name in names]
    for path in theirs:
        path.write_bytes(b"mine")
    (tmp_path / "000000000000-256-0123456789abcdef.range.new").write_bytes(b"cut off")
    RangeStore(tmp_path).clear()
    assert len(ours) == 1 + 1 + 3
    assert not any(path.exists() for path in ours)
    left = [path for path in tmp_path.iterdir() if path.is_file() and path.name != "lock"]
    assert sorted(left) == sorted(theirs)


def test_a_store_tells_ranges_of_other_rules_and_versions_apart(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = rules_of(open_board)
    of = Range(256, 512, 256, rules)
    summary = summarise(rules, 256, [hashed(open_board.entries[256:512])], 256)
    RangeStore(tmp_path).put(of, encode_summary(summary))
    store = RangeStore(tmp_path)
    assert store.has(of)
    assert not store.has(replace(of, rules=Rules(rules.manifest_entry, bytes(32))))
    assert not store.has(replace(of, begin=257))
    assert store.find(of) == summary
    assert store.used.entries == 256
    monkeypatch.setattr(range_store, "VERIFIED_BY", b"a later version")
    assert not RangeStore(tmp_path).has(of)
    with pytest.raises(Malformed, match="not of 512"):
        RangeStore(tmp_path).put(replace(of, first=512, end=768, begin=512), encode_summary(summary))


def test_a_place_that_can_keep_nothing_is_named(open_board: Election, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(Unusable, match="file cannot keep what is verified"):
        verify_board(MemoryBoard(open_board.files()), open_board.policy(), signed_off=file)


class WrongOnce(MemoryBoard):
    """A board that serves another bundle in the place of one, its tile to match, the first time; then it may stop."""

    def __init__(self, files: dict[str, bytes], wrong: dict[str, bytes], stops: bool) -> None:
        super().__init__(files)
        self.wrong = wrong
        self.stops = stops

    def read(self, path: str, limit: int) -> bytes | None:
        right = super().read(path, limit)
        if self.stops and not self.wrong and path.startswith("tile/entries/"):
            raise Unreachable("gone")
        return self.wrong.pop(path, right)


@pytest.mark.parametrize("stops", [False, True])
def test_a_new_bundle_that_is_wrong_costs_nothing_that_was_kept(
    stops: bool, open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    early = open_board.copy()
    early.entries = early.entries[:512]
    verify_board(MemoryBoard(early.files()), early.policy(), signed_off=tmp_path)
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    assert any(name.endswith(".range") for name in kept)
    other = open_board.copy()
    other.entries[600] = b"{}"
    wrong = {path: raw for path, raw in other.files().items() if path.startswith(("tile/entries/002", "tile/0/002"))}
    assert len(wrong) == 2
    board = WrongOnce(open_board.files(), wrong, stops)
    if stops:
        with pytest.raises(Unreachable):
            verify_board(board, open_board.policy(), signed_off=tmp_path)
        left = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
        assert kept.items() <= left.items()
    else:
        assert_as_the_record(open_board, verify_board(board, open_board.policy(), signed_off=tmp_path))
    honest = MemoryBoard(open_board.files())
    assert_as_the_record(open_board, verify_board(honest, open_board.policy(), signed_off=tmp_path))


def test_what_was_kept_of_another_board_goes_when_this_one_is_verified(
    open_board: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    longer = open_board.copy()
    longer.entries[300] = b"{}"
    verify_board(MemoryBoard(longer.files()), longer.policy(), signed_off=tmp_path)
    early = open_board.copy()
    early.entries = early.entries[:640]
    assert_as_the_record(early, verify_board(MemoryBoard(early.files()), early.policy(), signed_off=tmp_path))
    kept = {tuple(map(int, path.name.split("-")[:2])) for path in tmp_path.glob("*.range")}
    assert kept == {(0, 256), (256, 256), (512, 128)}
    board = MemoryBoard(early.files())
    assert_as_the_record(early, verify_board(board, early.policy(), signed_off=tmp_path))
    assert not bundles_read(board)


def test_only_sums_are_kept_as_sums(open_board: Election, tmp_path: Path) -> None:
    of = Range(256, 512, 256, rules_of(open_board))
    store = RangeStore(tmp_path)
    summary = summarise(of.rules, 256, [hashed(open_board.entries[256:512])], 256)
    store.put(of, encode_summary(summary))
    whole = encode_sums(summary.sums)
    store.put_sums(of, [256], whole)
    for wrong in (b"", whole[:-1], whole[:20]):
        with pytest.raises(Malformed, match="not the sums"):
            store.put_sums(of, [256], wrong)
    assert store.sums_of(of) == summary.sums
