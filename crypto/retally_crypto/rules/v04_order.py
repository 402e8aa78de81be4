"""V04, first half: each kind is written by its key, in its phase and in its order (4.6).

"Once", "after" and "before" speak of entries in force: an entry that another check refused has no effect and can be put
right by a later one (8.3). The times of opening and closing are found by whoever reads the checkpoint files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from retally_crypto.entries import (
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianConfirmation,
    GuardianShares,
    Opening,
    PaperCount,
    Result,
    Roll,
    RollCommitment,
    RollReplacement,
    RollRevocation,
    SignedEntry,
    check_signatures,
)
from retally_crypto.errors import BadSignature
from retally_crypto.rules.findings import (
    Broken,
    CheckResult,
    Finding,
    TimesFinding,
    conclude,
    named,
    of_the_board,
)
from retally_crypto.rules.phases import PHASES, out_of_phase
from retally_crypto.rules.state import BoardState


def demand(condition: bool, reason: str) -> None:
    """Refuse the entry under V04 unless `condition` holds."""
    if not condition:
        raise Broken("V04", reason)


def v04_written_by_its_key_in_phase_and_order(state: BoardState, entry: SignedEntry) -> None:
    """The second test of an official's entry (8.1). Raises Broken."""
    try:
        check_signatures(entry, state.manifest)
    except BadSignature as error:
        raise Broken("V04", str(error)) from error
    v04_phase(state, entry.content.kind)
    if (order := ORDER.get(type(entry.content))) is not None:
        order(state, entry.content)


def v04_phase(state: BoardState, kind: str) -> None:
    """Raises Broken when `kind` may not be written in the board's present phase."""
    if state.phase not in PHASES[kind]:
        raise Broken("V04", out_of_phase(kind, state.phase))


def _commitment(state: BoardState, content: GuardianCommitment) -> None:
    _ceremony_open(state)
    demand(content.guardian not in state.ceremony.commitments, f"second commitment of guardian {content.guardian}")


def _shares(state: BoardState, content: GuardianShares) -> None:
    _ceremony_open(state)
    have = len(state.ceremony.commitments)
    demand(have == state.guardians, f"shares before all commitments ({have} of {state.guardians})")
    demand(content.guardian not in state.ceremony.shares, f"second shares of guardian {content.guardian}")


def _complaint(state: BoardState, content: GuardianComplaint) -> None:
    _ceremony_open(state)
    accuser, accused = content.guardian, content.against
    demand(accuser != accused, f"guardian {accuser} complains against itself")
    demand(accused in state.ceremony.shares, f"complaint before the shares of guardian {accused}")
    demand(
        (accuser, accused) not in state.ceremony.complaints,
        f"second complaint of guardian {accuser} against guardian {accused}",
    )


def _answer(state: BoardState, content: GuardianAnswer) -> None:
    _ceremony_open(state)
    pair = (content.complainant, content.guardian)
    demand(pair in state.ceremony.complaints, f"guardian {pair[1]} answers guardian {pair[0]}, who did not complain")
    demand(pair not in state.ceremony.answers, f"second answer of guardian {pair[1]} to guardian {pair[0]}")


def _confirmation(state: BoardState, content: GuardianConfirmation) -> None:
    ceremony = state.ceremony
    have = len(ceremony.shares)
    demand(have == state.guardians, f"confirmation before all shares ({have} of {state.guardians})")
    open_complaints = len(ceremony.complaints) - len(ceremony.answers)
    demand(open_complaints == 0, f"confirmation while {open_complaints} complaints are unanswered")
    demand(content.guardian not in ceremony.confirmations, f"second confirmation of guardian {content.guardian}")


def _ceremony_open(state: BoardState) -> None:
    demand(not state.ceremony.confirmations, "the ceremony is over: a guardian has confirmed it")


def _roll_commitment(state: BoardState, content: RollCommitment) -> None:
    demand(content.registrar not in state.roll.commitments, f"second roll-commitment of registrar {content.registrar}")


def _roll(state: BoardState, content: Roll) -> None:
    have = len(state.roll.commitments)
    demand(have == state.registrars, f"roll before all roll-commitments ({have} of {state.registrars})")
    expected = state.roll.lists[content.registrar].length
    demand(
        content.first == expected,
        f"registrar {content.registrar} continues at position {content.first} instead of {expected}",
    )


def _roll_change(state: BoardState, content: RollRevocation | RollReplacement) -> None:
    demand(state.roll.complete, f"{content.kind} before the roll is complete")


def _opening(state: BoardState, content: Opening) -> None:
    have = len(state.ceremony.confirmations)
    demand(have == state.guardians, f"opening before all confirmations ({have} of {state.guardians})")
    demand(state.roll.complete, "opening before the roll is complete")


def _paper_count(state: BoardState, content: PaperCount) -> None:
    place = (content.district, content.contest)
    demand(place not in state.tally.paper_counts, f"second paper-count of district {place[0]}, contest {place[1]}")
    decrypted = bool(state.tally.partial_decryptions)
    demand(
        content.late == decrypted,
        f"late is {str(content.late).lower()} after {len(state.tally.partial_decryptions)} partial-decryptions",
    )


def _result(state: BoardState, content: Result) -> None:
    demand(state.tally.result is None, "second result")
    have = len(state.tally.partial_decryptions)
    demand(have >= state.threshold, f"result after {have} of {state.threshold} partial-decryptions")


# A ballot, a closing and a partial decryption have no order beyond their phase.
ORDER: dict[type[Any], Callable[[BoardState, Any], None]] = {
    GuardianCommitment: _commitment,
    GuardianShares: _shares,
    GuardianComplaint: _complaint,
    GuardianAnswer: _answer,
    GuardianConfirmation: _confirmation,
    RollCommitment: _roll_commitment,
    Roll: _roll,
    RollRevocation: _roll_change,
    RollReplacement: _roll_change,
    Opening: _opening,
    PaperCount: _paper_count,
    Result: _result,
}


def v04_phases_and_times(state: BoardState, findings: Sequence[Finding], times: TimesFinding | None) -> CheckResult:
    """V04 as a whole; `times` is None where no checkpoint file was read."""
    failures, missing, remarks = list(named(findings, "V04")), [], []
    if state.opening_index is None:
        missing.append("opening is not on the board yet")
    if state.closing_index is None:
        missing.append("closing is not on the board yet")
    if not state.manifest.witnesses.keys:
        remarks.append("no witness: the times of opening and closing are not applicable")
    elif times is None:
        missing.append("checkpoint.opening and checkpoint.closing were not read")
    elif times.state == "fail":
        failures.extend(of_the_board("V04", *times.notes))
    elif times.state == "incomplete":
        missing.extend(times.notes)
    else:
        remarks.extend(times.notes)
    return conclude("V04", failures, missing, remarks)
