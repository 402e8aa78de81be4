"""What was signed earlier or elsewhere is held against the board: kept checkpoints, receipts, the times of the
witnesses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retally_crypto.errors import Unusable
from retally_crypto.merkle import leaf_hash
from retally_crypto.policy_text import format_policy
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.tlog_proof import TlogProof
from retally_crypto.tree_proofs import hash_source, inclusion_proof
from retally_lab.boards.election import CLOSES, GRACE, OPENS, Election, signing_key, write_board
from retally_lab.boards.files import checkpoint
from retally_lab.boards.places import MemoryBoard
from retally_reference.verify import verify_board as reference_verify_board
from retally_verify.kept import keep, read_kept
from retally_verify.report import Report
from retally_verify.run import verify_board
from tests.conftest import finished_election


def receipt(election: Election, index: int, size: int | None = None) -> bytes:
    """The receipt that the board gave for an entry when it had `size` entries."""
    entries = election.entries[:size]
    hashes = [leaf_hash(raw) for raw in entries]
    proof = inclusion_proof(index, len(entries), hash_source(hashes))
    return format_tlog_proof(TlogProof(index, proof, checkpoint(hashes, election.board, (), CLOSES)))


def early_checkpoint(election: Election, size: int) -> bytes:
    return checkpoint([leaf_hash(raw) for raw in election.entries[:size]], election.board, (), CLOSES)


def verified(election: Election, kept: tuple[bytes, ...] = (), receipts: tuple[bytes, ...] = ()) -> Report:
    return verify_board(MemoryBoard(election.files()), election.policy(), kept, receipts)


# ---- kept checkpoints ----


def test_every_checkpoint_the_board_ever_signed_agrees_with_it(honest_election: Election) -> None:
    sizes = range(len(honest_election.entries) + 1)
    report = verified(honest_election, tuple(early_checkpoint(honest_election, size) for size in sizes))
    assert (report.verdict, report.notes_of("V02")) == ("PASS", ())


def test_a_board_that_was_rewritten_contradicts_the_checkpoint_kept_before(honest_election: Election) -> None:
    first, second = honest_election.copy(), honest_election.copy()
    first.paper("south", "mayor", [1, 2, 3], late=True)
    second.paper("south", "mayor", [3, 2, 1], late=True)
    kept = early_checkpoint(first, len(first.entries))
    assert verified(second).verdict == "PASS"
    report = verified(second, (kept,))
    assert report.failed == ("V02",)
    assert f"kept checkpoint 1: at {len(first.entries)} entries the board signed root" in report.notes_of("V02")[0]


def test_a_board_that_became_shorter_contradicts_the_checkpoint_kept_before(honest_election: Election) -> None:
    short = honest_election.copy()
    short.entries.pop()
    report = verified(short, (early_checkpoint(honest_election, len(honest_election.entries)),))
    assert report.failed == ("V02",)
    assert "here are only" in report.notes_of("V02")[0]


def test_what_the_board_did_not_sign_proves_nothing_and_is_named(honest_election: Election) -> None:
    stranger = checkpoint([bytes(32)], signing_key("board.example/other"), (), CLOSES)
    report = verified(honest_election, (stranger, b"", b"\xff" * 50), (b"no receipt",))
    assert report.verdict == "PASS"
    ignored = report.notes_of("V02")
    assert [note.split(" ignored")[0] for note in ignored] == [
        "kept checkpoint 1",
        "kept checkpoint 2",
        "kept checkpoint 3",
        "receipt 1",
    ]


def test_kept_checkpoints_come_back_smallest_first_and_only_for_their_own_board(
    honest_election: Election, tmp_path: Path
) -> None:
    policy, sizes = honest_election.policy(), (9, 10, 100)
    shown = [early_checkpoint(honest_election, size) for size in sizes]
    for size, note in zip(sizes, shown, strict=True):
        keep(tmp_path, policy, size, bytes([size]) * 32, note)
    keep(tmp_path, policy, 10, bytes([10]) * 32, b"not written over the first")
    keep(tmp_path, policy, 10, bytes([11]) * 32, b"another root")
    assert read_kept(tmp_path, policy) == (shown[0], shown[1], b"another root", shown[2])
    other = Election.create(title="Another election")
    assert read_kept(tmp_path, other.policy()) == ()


@pytest.mark.parametrize("damage", [b"", b"\0" * 300, early_checkpoint])
def test_a_kept_checkpoint_that_the_disk_has_damaged_is_kept_again(
    damage: bytes | Callable[[Election, int], bytes], honest_election: Election, tmp_path: Path
) -> None:
    policy, note = honest_election.policy(), early_checkpoint(honest_election, 9)
    keep(tmp_path, policy, 9, bytes(32), note)
    (path,) = tmp_path.rglob("*.checkpoint")
    path.write_bytes(damage if isinstance(damage, bytes) else damage(honest_election, 9)[:-2])
    keep(tmp_path, policy, 9, bytes(32), note)
    assert read_kept(tmp_path, policy) == (note,)


def test_an_oversized_kept_file_is_an_error_that_names_it(honest_election: Election, tmp_path: Path) -> None:
    keep(tmp_path, honest_election.policy(), 1, bytes(32), b"x" * 1_000_001)
    with pytest.raises(Unusable, match=r"kept checkpoint .* is longer"):
        read_kept(tmp_path, honest_election.policy())


# ---- receipts ----


def test_every_honest_receipt_is_included(honest_election: Election) -> None:
    ballots = honest_election.indices_of("ballot")
    receipts = tuple(receipt(honest_election, index, index + 1) for index in ballots)
    report = verified(honest_election, receipts=receipts)
    assert (report.verdict, report.notes_of("V02"), len(receipts)) == ("PASS", (), 6)


def test_a_ballot_dropped_after_its_receipt_fails_v02_alone(honest_election: Election) -> None:
    last = honest_election.indices_of("ballot")[-1]
    given = receipt(honest_election, last, last + 1)
    dropped = honest_election.before("closing")
    del dropped.entries[last]
    dropped.close()
    report = verified(dropped, receipts=(given,))
    assert report.failed == ("V02",)
    assert report.notes_of("V02")[0].startswith(f"receipt 1: at {last + 1} entries the board signed root ")


def test_a_receipt_beyond_the_end_of_the_board_fails_v02(honest_election: Election) -> None:
    given = receipt(honest_election, len(honest_election.entries) - 1)
    short = honest_election.copy()
    short.entries.pop()
    report = verified(short, receipts=(given,))
    assert report.failed == ("V02",)
    assert "here are only" in report.notes_of("V02")[0]


@pytest.mark.parametrize("fault", ["wrong path", "wrong index", "no path"])
def test_a_receipt_that_anyone_could_have_made_proves_nothing(honest_election: Election, fault: str) -> None:
    """Its checkpoint is the board's own, and only the path is wrong: no evidence against the board (page 8)."""
    hashes = [leaf_hash(raw) for raw in honest_election.entries]
    index = honest_election.index_of("ballot")
    path = list(inclusion_proof(index, len(hashes), hash_source(hashes)))
    if fault == "wrong path":
        path[0] = bytes(32)
    if fault == "no path":
        path = []
    if fault == "wrong index":
        index += 1
    signed = checkpoint(hashes, honest_election.board, (), CLOSES)
    bogus = format_tlog_proof(TlogProof(index, tuple(path), signed))
    report = verified(honest_election, receipts=(bogus,))
    assert (report.verdict, report.failed) == ("PASS", ())
    assert report.notes_of("V02") == ("receipt 1 ignored: it proves no entry of the tree that it names",)
    policy = format_policy(honest_election.policy())
    reference = reference_verify_board(honest_election.files().get, policy, (), (bogus,))
    assert (reference.verdict, set(reference.states.values()) & {"fail"}) == ("PASS", set())


# ---- the times of opening and closing ----


@pytest.fixture(scope="module")
def witnessed() -> Election:
    """A finished election with two of three witnesses as quorum."""
    return finished_election(witness_count=(2, 3))


def timed(election: Election, opening: int = OPENS, closing: int = CLOSES) -> dict[str, bytes]:
    return write_board(election.entries, election.board, election.witnesses, opening, closing)


def v04(election: Election, files: dict[str, bytes]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    report = verify_board(MemoryBoard(files), election.policy())
    return report.state_of("V04"), report.notes_of("V04"), report.failed


@pytest.mark.parametrize("late", [0, GRACE])
def test_opening_and_closing_within_the_grace_pass(witnessed: Election, late: int) -> None:
    report = verify_board(MemoryBoard(timed(witnessed, OPENS + late, CLOSES + late)), witnessed.policy())
    assert (report.verdict, report.verdict_line) == ("PASS", "PASS")


@pytest.mark.parametrize(
    ("opening", "closing", "name"),
    [
        (OPENS - 1, CLOSES, "opening"),
        (OPENS + GRACE + 1, CLOSES, "opening"),
        (OPENS, CLOSES - 1, "closing"),
        (OPENS, CLOSES + GRACE + 1, "closing"),
    ],
)
def test_a_second_too_early_or_too_late_fails_v04(witnessed: Election, opening: int, closing: int, name: str) -> None:
    state, notes, failed = v04(witnessed, timed(witnessed, opening, closing))
    assert (state, failed) == ("fail", ("V04",))
    assert f"checkpoint.{name}: 0 cosignatures" in notes[0]


@pytest.mark.parametrize("name", ["checkpoint.opening", "checkpoint.closing"])
def test_an_absent_time_is_incomplete(witnessed: Election, name: str) -> None:
    files = timed(witnessed)
    del files[name]
    assert v04(witnessed, files) == ("incomplete", (f"{name} is not there",), ())


@pytest.mark.parametrize("size", [0, 1])
def test_a_checkpoint_that_does_not_cover_its_entry_fails_v04(witnessed: Election, size: int) -> None:
    files = timed(witnessed)
    hashes = [leaf_hash(raw) for raw in witnessed.entries[:size]]
    files["checkpoint.opening"] = checkpoint(hashes, witnessed.board, witnessed.witnesses, OPENS)
    state, notes, _ = v04(witnessed, files)
    assert (state, f"does not cover entry {witnessed.index_of('opening')}" in notes[0]) == ("fail", True)


def test_a_checkpoint_of_another_history_fails_v04(witnessed: Election) -> None:
    files = timed(witnessed)
    hashes = [leaf_hash(b"other %d" % at) for at in range(len(witnessed.entries))]
    for leaves in (hashes, hashes * 2):
        files["checkpoint.closing"] = checkpoint(leaves, witnessed.board, witnessed.witnesses, CLOSES)
        state, notes, _ = v04(witnessed, files)
        assert (state, "not consistent with the board" in notes[0]) == ("fail", True)


def test_a_time_with_too_few_witnesses_fails_v04(witnessed: Election) -> None:
    files = timed(witnessed)
    hashes = [leaf_hash(raw) for raw in witnessed.entries[: witnessed.index_of("opening") + 1]]
    files["checkpoint.opening"] = checkpoint(hashes, witnessed.board, witnessed.witnesses[:1], OPENS)
    state, notes, failed = v04(witnessed, files)
    assert (state, failed) == ("fail", ("V04",))
    assert "checkpoint.opening: " in notes[0]


def test_a_newest_checkpoint_with_too_few_witnesses_fails_v01_and_leaves_the_rest_open(witnessed: Election) -> None:
    files = timed(witnessed)
    hashes = [leaf_hash(raw) for raw in witnessed.entries]
    files["checkpoint"] = checkpoint(hashes, witnessed.board, witnessed.witnesses[:1], CLOSES)
    report = verify_board(MemoryBoard(files), witnessed.policy())
    assert (report.failed, report.manifest, report.head) == (("V01",), None, None)
    assert {report.state_of(f"V{number:02}") for number in range(2, 21)} == {"incomplete"}
