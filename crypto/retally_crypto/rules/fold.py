"""The fold over a board's entries: what is decided of each, in order, and what it changes (8.1).

Every function takes the state below an entry and rules on the entry at index `state.size`. What is in force changes the
state, what is refused changes nothing. Whoever folds has the tree, moves `state.size` and `state.ballots.entries`, and
fixes the counting after an accepted closing.
"""

from __future__ import annotations

from retally_crypto.entries import SignedEntry, election_id, parse_entry
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import leaf_hash
from retally_crypto.rules.findings import Broken, Fault, Ruling
from retally_crypto.rules.own_check import own_check
from retally_crypto.rules.state import BoardState, RollState, Storage
from retally_crypto.rules.v03_manifest import v03_manifest_rules
from retally_crypto.rules.v04_order import v04_written_by_its_key_in_phase_and_order
from retally_crypto.rules.v09_form import is_ballot, v09_official_form
from retally_crypto.rules.v10_v13_ballots import Candidate, candidates, judge


def begin(manifest_entry: bytes, storage: Storage) -> BoardState:
    """The state after entry 0. Raises Malformed if that is no manifest."""
    entry = parse_entry(manifest_entry, None)
    if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
        raise Malformed("entry 0 is not a manifest")
    state = BoardState(entry.content, election_id(manifest_entry), RollState(storage), size=1)
    state.manifest_faults = v03_manifest_rules(entry, entry.content)
    state.ceremony.leaf_hashes.append(leaf_hash(manifest_entry))
    return state


def rule_official(state: BoardState, raw: bytes) -> Ruling:
    """Rule on an entry that is not a ballot's."""
    entry: SignedEntry | None = None
    fault: Fault | None = None
    try:
        entry = v09_official_form(state, raw)
        v04_written_by_its_key_in_phase_and_order(state, entry)
        own_check(state, entry)
    except Broken as broken:
        fault = broken.fault
    check, reason = fault or (None, None)
    return Ruling(state.size, None if entry is None else entry.content.kind, check, reason, entry)


def rule_candidate(state: BoardState, candidate: Candidate) -> Ruling:
    """Rule on a ballot whose proof was looked at."""
    check, reason = judge(state, candidate) or (None, None)
    return Ruling(state.size, "ballot", check, reason, candidate.ballot)


def rule_one(state: BoardState, raw: bytes) -> Ruling:
    """Rule on an entry of either sort, by itself."""
    if is_ballot(raw):
        return rule_candidate(state, candidates(state, [raw])[0])
    return rule_official(state, raw)
