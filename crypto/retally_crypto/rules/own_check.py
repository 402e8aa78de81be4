"""The kind's own check and its effect: the third test of an official's entry (8.1), kind by kind as the table of
8.3."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from retally_crypto.entries import (
    Closing,
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianConfirmation,
    GuardianShares,
    Opening,
    PaperCount,
    PartialDecryption,
    Result,
    Roll,
    RollCommitment,
    RollReplacement,
    RollRevocation,
    SignedEntry,
)
from retally_crypto.rules.state import BoardState
from retally_crypto.rules.v05_v07_ceremony import (
    v05_commitment,
    v06_answer,
    v06_complaint,
    v06_confirmation,
    v06_shares,
    v07_opening,
)
from retally_crypto.rules.v08_roll import (
    v08_opening,
    v08_replacement,
    v08_revocation,
    v08_roll_chunk,
    v08_roll_commitment,
)
from retally_crypto.rules.v14_v15_counting import v14_closing
from retally_crypto.rules.v16_v20_decryption import v15_v20_v18_v19_result, v20_v16_v17_partial_decryption


def own_check(state: BoardState, entry: SignedEntry) -> None:
    """Rule on an entry that is well formed, signed and in order; if it passes it takes effect at index `state.size`.

    Raises Broken, and then nothing has changed.
    """
    content = entry.content
    if (ceremony_step := CEREMONY.get(type(content))) is not None:
        ceremony_step(state, content)
        state.ceremony.remember(entry.raw)
        if isinstance(content, GuardianCommitment):
            state.ceremony.commitment_entry_hashes[content.guardian] = sha256(entry.raw).digest()
    else:
        OTHERS[type(content)](state, content)


def _opening(state: BoardState, content: Opening) -> None:
    v07_opening(state, content)
    v08_opening(state, content)
    state.opening_index, state.joint_key = state.size, content.key


def _closing(state: BoardState, content: Closing) -> None:
    v14_closing(state, content)
    # What is counted is fixed from here on. Whoever folds sums it up before the next entry: the sums may be large.
    state.closing_index = state.size


def _paper_count(state: BoardState, content: PaperCount) -> None:
    state.tally.paper_counts[(content.district, content.contest)] = content


CEREMONY: dict[type[Any], Callable[[BoardState, Any], None]] = {
    GuardianCommitment: v05_commitment,
    GuardianShares: v06_shares,
    GuardianComplaint: v06_complaint,
    GuardianAnswer: v06_answer,
}

OTHERS: dict[type[Any], Callable[[BoardState, Any], None]] = {
    GuardianConfirmation: v06_confirmation,
    RollCommitment: v08_roll_commitment,
    Roll: v08_roll_chunk,
    RollRevocation: v08_revocation,
    RollReplacement: v08_replacement,
    Opening: _opening,
    Closing: _closing,
    PaperCount: _paper_count,
    PartialDecryption: v20_v16_v17_partial_decryption,
    Result: v15_v20_v18_v19_result,
}
