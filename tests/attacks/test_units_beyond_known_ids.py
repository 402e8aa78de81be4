"""Where form ends and counting begins: both verifiers name the same check for the same odd units (docs/spec 8.3)."""

from pathlib import Path
from typing import Any

import pytest

from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election, members_of
from retally_reference.board import open_board
from retally_reference.verify import verify_board


def named_by_each(election: Election, folder: Path) -> tuple[list[str], list[str]]:
    """The checks that fail: by the record that server and auditor share, and by the reference verifier."""
    for name, content in election.files().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    policy = election.policy()
    ours = [check.number for check in election.record().checks(policy, None) if check.state == "fail"]
    report = verify_board(open_board(str(folder)), format_policy(policy))
    return ours, [check for check, state in report.states.items() if state == "fail"]


def test_an_honest_board_fails_nothing(honest_election: Election, tmp_path: Path) -> None:
    assert named_by_each(honest_election, tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"districts": []}, "V20"),
        ({"districts": ["nowhere"]}, "V09"),
        ({"contests": []}, "V19"),
        ({"contests": [{"contest": "mayor", "counts": []}]}, "V19"),
        ({"contests": [{"contest": "mayor", "counts": [0] * 300}]}, "V19"),
        ({"contests": [{"contest": "mayor", "counts": [0]}] * 65}, "V19"),
        ({"contests": [{"contest": "nothing", "counts": [1]}]}, "V09"),
    ],
)
def test_odd_units_of_a_result(honest_election: Election, tmp_path: Path, change: Any, check: str) -> None:
    election = honest_election.copy()
    at = election.index_of("result")
    units = members_of(election.entries[at])["units"]
    units[0].update(change)
    election.edit(at, units=units)
    assert named_by_each(election, tmp_path) == ([check], [check])


@pytest.mark.parametrize(("units", "check"), [([[]], "V20"), ([], "V20"), ([["nowhere"]], "V09")])
def test_odd_units_of_a_partial_decryption(honest_election: Election, tmp_path: Path, units: Any, check: str) -> None:
    election = honest_election.before("partial-decryption")
    election.decrypt(1)
    election.edit(election.index_of("partial-decryption"), units=units)
    ours, theirs = named_by_each(election, tmp_path)
    assert ours == theirs == [check]
