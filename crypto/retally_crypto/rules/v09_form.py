"""V09: every entry is canonical, well formed for its kind, and its points and scalars are well encoded (pages 1, 3
and 4).

An entry without a newline byte is a ballot's, every other one an official's (8.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.entries import Ballot, SignedEntry, parse_entry
from retally_crypto.entry_forms import check_ballot_shape, check_encodings
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest
from retally_crypto.rules.findings import Broken, CheckResult, Finding, conclude, named
from retally_crypto.rules.state import BoardState


def is_ballot(raw: bytes) -> bool:
    """Whether an entry counts as one of kind ballot, well formed or not."""
    return b"\n" not in raw


def v09_official_form(state: BoardState, raw: bytes) -> SignedEntry:
    """The first test of an official's entry. Raises Broken."""
    try:
        entry = parse_entry(raw, state.election_id)
        if not isinstance(entry, SignedEntry):
            raise Malformed("a ballot entry has no newline")
        check_encodings(entry, state.manifest)
    except Malformed as error:
        raise Broken("V09", str(error)) from error
    return entry


def v09_ballot_form(raw: bytes, manifest: Manifest, election_id: bytes) -> Ballot:
    """The first test of a ballot but for its points and scalars, which the batch of proofs looks at. Raises Broken."""
    try:
        entry = parse_entry(raw, election_id)
        if not isinstance(entry, Ballot):
            raise Malformed("an official's entry is a signed note")
        check_ballot_shape(entry, manifest)
    except Malformed as error:
        raise Broken("V09", str(error)) from error
    return entry


def v09_ballot_encodings(ballot: Ballot, manifest: Manifest) -> None:
    """Points and scalars of one ballot. Raises Broken."""
    try:
        check_encodings(ballot, manifest)
    except Malformed as error:
        raise Broken("V09", str(error)) from error


def v09_entries_well_formed(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V09 as a whole."""
    del state
    return conclude("V09", named(findings, "V09"))
