"""The attacks, by what they touch: importing this package registers all of them in `tampering.ATTACKS`."""

from retally_lab.attacks.scenarios import (
    altered_ballots,
    ceremony,
    chains,
    counting,
    decryption,
    forged_ballots,
    form,
    log,
    manifest,
    order,
    roll,
)

__all__ = [
    "altered_ballots",
    "ceremony",
    "chains",
    "counting",
    "decryption",
    "forged_ballots",
    "form",
    "log",
    "manifest",
    "order",
    "roll",
]
