"""The altered copy is consistent in everything but the proof: nothing short of verifying ballots can find it."""

from __future__ import annotations

from pathlib import Path

import pytest

from retally_crypto.errors import Unusable
from retally_lab.boards.election import Election
from retally_lab.boards.files import members_of
from retally_lab.boards.places import board_folder
from retally_lab.fraud import altered_copy, read_entries, write_signed_board
from retally_verify.board import FolderBoard
from retally_verify.mirroring import mirror_board
from retally_verify.run import verify_board


@pytest.fixture
def board(honest_election: Election, tmp_path: Path) -> Path:
    return board_folder(tmp_path / "board", honest_election.files())


def test_before_the_decryption_nothing_but_the_ballots_proof_fails(honest_election: Election, tmp_path: Path) -> None:
    voted = honest_election.before("closing")
    index = voted.indices_of("ballot")[-1]
    board = board_folder(tmp_path / "board", voted.files())
    altered_copy(board, tmp_path / "altered", index, voted.board)
    report = verify_board(FolderBoard(tmp_path / "altered"), voted.policy())
    assert report.failed == ("V10",)
    assert report.notes_of("V10")[0].startswith(f"entry {index}: V10")


def test_after_it_the_published_result_does_not_follow_any_more_either(
    honest_election: Election, board: Path, tmp_path: Path
) -> None:
    index = honest_election.indices_of("ballot")[-1]
    altered_copy(board, tmp_path / "altered", index, honest_election.board)
    report = verify_board(FolderBoard(tmp_path / "altered"), honest_election.policy())
    assert {"V10", "V16"} <= set(report.failed)
    for number in ("V01", "V02", "V03", "V09", "V11", "V12", "V13", "V14"):
        assert report.state_of(number) == "pass", number


def test_the_copy_can_be_mirrored_like_any_board(honest_election: Election, board: Path, tmp_path: Path) -> None:
    altered_copy(board, tmp_path / "altered", honest_election.index_of("ballot"), honest_election.board)
    mirrored = mirror_board(FolderBoard(tmp_path / "altered"), honest_election.policy(), tmp_path / "mirror")
    assert mirrored.head.checkpoint.size == len(honest_election.entries)


def test_exactly_one_entry_differs_and_in_it_two_ciphertexts_are_exchanged(
    honest_election: Election, board: Path, tmp_path: Path
) -> None:
    index = honest_election.index_of("ballot")
    altered_copy(board, tmp_path / "altered", index, honest_election.board)
    before, after = read_entries(board), read_entries(tmp_path / "altered")
    assert before == honest_election.entries
    assert [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other] == [index]
    honest, forged = members_of(before[index]), members_of(after[index])
    assert {name for name in honest if honest[name] != forged[name]} == {"ciphertexts"}
    assert (len(honest["ciphertexts"]), set(honest)) == (len(forged["ciphertexts"]), set(forged))


def test_the_original_is_left_alone(honest_election: Election, board: Path, tmp_path: Path) -> None:
    for _ in range(2):
        altered_copy(board, tmp_path / "altered", honest_election.index_of("ballot"), honest_election.board)
    assert verify_board(FolderBoard(board), honest_election.policy()).verdict == "PASS"


def test_an_officials_entry_is_no_ballot(honest_election: Election, board: Path, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="is an official's and not a ballot"):
        altered_copy(board, tmp_path / "altered", honest_election.index_of("opening"), honest_election.board)


def test_a_board_written_again_is_the_same_board(honest_election: Election, board: Path, tmp_path: Path) -> None:
    write_signed_board(tmp_path / "again", read_entries(board), honest_election.board)
    files = {str(path.relative_to(board)): path.read_bytes() for path in board.rglob("*") if path.is_file()}
    again = tmp_path / "again"
    assert files == {str(path.relative_to(again)): path.read_bytes() for path in again.rglob("*") if path.is_file()}
