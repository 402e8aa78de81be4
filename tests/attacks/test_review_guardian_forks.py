"""A guardian is shown one board in the ceremony and another one later: it refuses, also where there is no witness."""

from __future__ import annotations

from pathlib import Path

from retally_client.guardian.commands import verified_board
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election
from retally_lab.boards.places import board_folder
from retally_verify.report import Report


def verified(url: str, policy: Path, key_file: Path | None) -> Report:
    with verified_board(url, policy, key_file) as done:
        return done.report


def test_a_guardian_refuses_a_board_that_forks_from_the_one_of_its_ceremony(tmp_path: Path) -> None:
    election = Election.create()
    election.commit(1)
    fork = election.copy()
    policy, key_file = tmp_path / "policy", tmp_path / "guardian.key"
    policy.write_bytes(format_policy(election.policy()))
    election.commit(2)
    first = verified(str(board_folder(tmp_path / "first", election.files())), policy, key_file)
    assert first.state_of("V02") == "pass"
    fork.commit(3)
    fork.commit(2)
    forked = str(board_folder(tmp_path / "fork", fork.files()))
    assert verified(forked, policy, key_file).failed == ("V02",)
    assert verified(forked, policy, None).failed == ()
    election.commit(3)
    grown = verified(str(board_folder(tmp_path / "grown", election.files())), policy, key_file)
    assert grown.failed == ()
