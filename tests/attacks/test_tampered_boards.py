"""Every tampered board fails exactly one check, in two verifiers that share no code above the group.

Both must name the same check and the same entry, and agree on the state of all others, on the counts and on the exit
code (docs/spec, page 8).
"""

from __future__ import annotations

from collections import Counter

import pytest

from retally_lab.attacks import scenarios
from retally_lab.attacks.scenarios.log import another_boards_checkpoint, receipt, signed_head, unsigned_checkpoint
from retally_lab.attacks.tampering import ATTACKS, CHECKS, Attack, Tampered, Verdicts, honest, witnessed

assert scenarios.__all__


@pytest.mark.parametrize("attack", [pytest.param(one, id=f"{one.check}-{name}") for name, one in ATTACKS.items()])
def test_both_verifiers_refuse_it_under_this_check_alone(attack: Attack) -> None:
    board = attack.build()
    Verdicts.of(board).assert_only(attack.check, attack.state, board.names)


def test_every_check_that_a_board_can_fail_has_an_attack() -> None:
    failing = Counter(attack.check for attack in ATTACKS.values() if attack.state == "fail")
    assert set(failing) == set(CHECKS) - {"V21"}


def test_the_honest_board_passes_in_both_with_the_same_counts() -> None:
    verdicts = Verdicts.of(Tampered.board(honest()))
    verdicts.assert_agree()
    assert {verdicts.ours.state_of(check) for check in CHECKS} == {"pass", "not applicable"}
    assert (verdicts.ours.verdict, verdicts.ours.exit_code) == ("PASS", 0)
    counts = verdicts.our_counts()
    assert counts is not None
    assert [unit["contests"][0]["counts"] for unit in counts] == [[1, 1], [2, 0]]


def test_an_honest_board_with_witnesses_passes_in_both() -> None:
    verdicts = Verdicts.of(Tampered.board(witnessed()))
    verdicts.assert_agree()
    assert verdicts.ours.verdict == "PASS"


def test_what_the_board_really_signed_fails_nothing() -> None:
    election = honest()
    kept = tuple(signed_head(election, size) for size in (0, 1, 7, len(election.entries)))
    at = election.index_of("ballot")
    board = Tampered(
        election.files(), election.policy(), (), kept, (receipt(election, at), receipt(election, at, at + 1))
    )
    verdicts = Verdicts.of(board)
    verdicts.assert_agree()
    assert (verdicts.ours.verdict, verdicts.ours.notes_of("V02")) == ("PASS", ())


def test_what_the_board_never_signed_proves_nothing_against_it() -> None:
    """Otherwise anyone could make an honest board fail with a file of his own."""
    election = honest()
    kept = (another_boards_checkpoint(), unsigned_checkpoint(election), b"", b"\xff")
    genuine = receipt(election, election.index_of("ballot"))
    receipts = (genuine.replace(b"tlog-proof@v1\n", b"tlog-proof@v1\nextra AAAA\n"), genuine[:-10], b"", b"\xff")
    verdicts = Verdicts.of(Tampered(election.files(), election.policy(), (), kept, receipts))
    verdicts.assert_agree()
    assert verdicts.ours.verdict == "PASS"
    assert len(verdicts.ours.notes_of("V02")) == len(verdicts.theirs.notes_of("V02")) == 8
