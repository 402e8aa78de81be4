"""Take one check away, and its attack passes unnoticed: no check is there for show, and no attack misses its check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from retally_crypto import chains, entries, ranges, record
from retally_crypto.checkpoints import CosignedCheckpoint, parse_checkpoint
from retally_crypto.engine import engine
from retally_crypto.notes import parse_note
from retally_crypto.rules import (
    ballot,
    fold,
    own_check,
    v05_v07_ceremony,
    v08_roll,
    v10_v13_ballots,
    v16_v20_decryption,
)
from retally_crypto.rules.findings import TITLES, Fault
from retally_lab.attacks import scenarios
from retally_lab.attacks.tampering import ATTACKS, Verdicts
from retally_verify import claims, run, stages

assert scenarios.__all__


def nothing(*arguments: Any) -> None:
    """A check that accepts."""


def answering(value: Any) -> Callable[..., Any]:
    """A check that gives one answer whatever it is asked."""
    return lambda *arguments: value


def unsigned(raw: bytes, *keys_and_quorum: Any) -> CosignedCheckpoint:
    """A checkpoint as it stands, whoever signed it."""
    return CosignedCheckpoint(parse_checkpoint(parse_note(raw).text), (), 0, raw)


def every_proof_holds(rules: Any, reading: Any, style: int, buffers: Any, count: int) -> tuple[list[int], bytes]:
    """Sums of everything, without a look at the proofs."""
    return [], engine.sum_columns(buffers[0], len(buffers[0]) // 32 // count)


def sorted_json(raw: bytes) -> Any:
    """JSON in any spelling."""
    return dict(sorted(json.loads(raw).items()))


WITHOUT: dict[str, tuple[Any, str, Callable[..., Any], str]] = {
    "V01": (run, "open_cosigned_checkpoint", unsigned, "a_checkpoint_signed_by_another_key_of_the_boards_name"),
    "V02": (claims.Claims, "contradictions", answering([]), "a_ballot_dropped_after_its_receipt"),
    "V03": (record, "v03_policy", answering(()), "a_manifest_swapped_for_another_elections"),
    "V04": (fold, "v04_written_by_its_key_in_phase_and_order", nothing, "a_closing_that_a_registrar_signed_as_well"),
    "V05": (v05_v07_ceremony, "verify_commitment", answering(True), "a_guardians_key_without_proof"),
    "V06": (v05_v07_ceremony, "check_share", answering(True), "a_complaint_answered_with_a_wrong_share"),
    "V07": (own_check, "v07_opening", nothing, "a_joint_key_that_the_operator_knows"),
    "V08": (v08_roll, "demand", nothing, "a_registrar_that_breaks_its_commitment"),
    "V09": (entries, "parse_canonical", sorted_json, "an_entry_with_an_escaped_character_in_its_style"),
    "V10": (ranges, "proofs_of_style", every_proof_holds, "a_hundred_votes_simulated_without_any_secret"),
    "V11": (ballot, "v11_credential_and_style", nothing, "a_revoked_credential_that_votes"),
    "V12": (ballot, "v12_chain", nothing, "new_codes_that_continue_a_ballot_of_the_old_ones"),
    "V13": (v10_v13_ballots, "v13_points", answering(set()), "nonces_used_in_two_ballots_of_one_voter"),
    "V14": (own_check, "v14_closing", nothing, "a_closing_that_counts_a_ballot_too_many"),
    "V15": (v16_v20_decryption, "v15_result_numbers", nothing, "a_result_that_hides_the_second_vote_of_a_voter"),
    "V16": (v16_v20_decryption, "v16_partial_aggregates", nothing, "sums_of_other_ciphertexts"),
    "V17": (
        v16_v20_decryption,
        "verify_partial_decryption",
        answering(True),
        "a_partial_decryption_with_a_share_nobody_has",
    ),
    "V18": (v16_v20_decryption, "v18_result_combined", nothing, "a_result_from_another_combination"),
    "V19": (v16_v20_decryption, "v19_result_counts", nothing, "a_result_with_other_counts"),
    "V20": (v16_v20_decryption, "v20_partial_units", nothing, "a_guardian_that_decrypts_twice"),
}
"""For each check: where and under which name it is looked up, what accepts in its place, and an attack."""


def test_every_check_is_taken_away_once() -> None:
    assert set(WITHOUT) == set(TITLES) - {"V21"}
    assert {check: ATTACKS[name].check for check, (*_, name) in WITHOUT.items()} == {check: check for check in WITHOUT}


@pytest.mark.parametrize("check", WITHOUT)
def test_without_the_check_its_attack_goes_unnoticed(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, accepting, attack_name = WITHOUT[check]
    attack = ATTACKS[attack_name]
    board = attack.build()
    Verdicts.of(board).assert_only(check, attack.state, board.names)
    monkeypatch.setattr(place, name, accepting)
    verdicts = Verdicts.of(board)
    assert check not in verdicts.ours.failed
    with pytest.raises(AssertionError):
        verdicts.assert_only(check, attack.state, board.names)


IN_ROWS = {
    "V04": "a_ballot_after_the_closing",
    "V10": "a_proof_taken_from_another_ballot",
    "V11": "a_credential_that_is_not_on_the_roll",
    "V12": "a_chain_that_is_forked",
}
"""Checks that most ballots meet as rows (docs/spec 8.4), and an attack that only the rows show."""


@pytest.mark.parametrize("check", IN_ROWS)
def test_without_the_check_of_the_rows_its_attack_goes_unnoticed(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    board = ATTACKS[IN_ROWS[check]].build()
    assert any(note.startswith(board.names) for note in Verdicts.of(board).ours.notes_of(check))
    rule = ballot.rule_ballot

    def without(*facts: Any) -> Fault | None:
        found = rule(*facts)
        return None if found is not None and found.check == check else found

    monkeypatch.setattr(chains, "rule_ballot", without)
    notes = Verdicts.of(board).ours.notes_of(check)
    assert not any(note.startswith(board.names) for note in notes)


def test_without_the_search_for_points_twice_they_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    board = ATTACKS["one_nonce_of_another_voters_ballot"].build()
    assert Verdicts.of(board).ours.failed == ("V13",)
    monkeypatch.setattr(stages, "_with_points_twice", answering(set()))
    assert "V13" not in Verdicts.of(board).ours.failed
