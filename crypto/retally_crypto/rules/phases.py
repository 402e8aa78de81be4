"""In which phase of an election each kind of entry may be written (4.6)."""

from __future__ import annotations

from typing import Literal

Phase = Literal["setup", "voting", "tally"]

PHASES: dict[str, tuple[Phase, ...]] = {
    "manifest": (),
    "guardian-commitment": ("setup",),
    "guardian-shares": ("setup",),
    "guardian-complaint": ("setup",),
    "guardian-answer": ("setup",),
    "guardian-confirmation": ("setup",),
    "roll-commitment": ("setup",),
    "roll": ("setup",),
    "roll-revocation": ("setup", "voting"),
    "roll-replacement": ("setup", "voting"),
    "opening": ("setup",),
    "ballot": ("voting",),
    "closing": ("voting",),
    "paper-count": ("tally",),
    "partial-decryption": ("tally",),
    "result": ("tally",),
}


def out_of_phase(kind: str, phase: Phase) -> str:
    """What is wrong with an entry that its phase does not allow."""
    return f"a {kind} belongs to {' or '.join(PHASES[kind]) or 'index 0 only'}, the board is in {phase}"
