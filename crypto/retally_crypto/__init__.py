"""What an election is made of, as pure functions: formats, group, relations, and the rules of every check (docs/spec).

    from retally_crypto import Record, parse_policy

    record = Record(entries[0])                 # entry 0 is the manifest
    for ruling in record.replay(entries[1:]):   # in force, or refused by one check, and why
        print(ruling)
    outcome = record.outcome()                  # units, counts and reconciliation; None before the closing
    checks = record.checks(parse_policy(policy_file), None)

Nothing here reads a file, asks a server or looks at a clock. `retally_verify` reads whole boards and applies the same
rules to them. What handles secrets is in `retally_crypto.secret`, and who only verifies never imports it.

    entries, manifest, policy       one model for each kind of entry, and the trust policy
    rules                           one module for each group of checks, V03 to V20; `rules.ballot` for a ballot
    record, replay                  what is in force on a board, and the fold over its entries
    ranges, chains                  the same from rows, for boards that are too long to fold
    tally, ballots, guardians       encrypted sums and counts, ballots' proofs, the guardians' ceremony
    notes, checkpoints, merkle      signed notes, checkpoints with cosignatures, and the tree they are about
    tiles, tlog_proof               the log as static files, and a receipt, as they are read
    tree_proofs, tile_proofs        proofs, from hashes and from tiles of a host that nobody trusts
    tile_files, receipts,           the same files, receipts, policies and entries as they are written
    policy_text, entry_writing
    engine, relations               the group operations in use, and what is proved, in the draft's notation
    errors                          everything that bytes from outside can cause

Names are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retally_crypto.engine import choose_engine
    from retally_crypto.entries import Ballot, Entry, SignedEntry, election_id, parse_entry
    from retally_crypto.errors import (
        BadProof,
        BadSignature,
        CannotDecrypt,
        Malformed,
        Refused,
        RetallyError,
        Unusable,
    )
    from retally_crypto.manifest import Manifest
    from retally_crypto.policy import TrustPolicy
    from retally_crypto.policy_text import format_policy, parse_policy
    from retally_crypto.record import ElectionRecord
    from retally_crypto.replay import Record
    from retally_crypto.rules.findings import CheckResult, Finding, Ruling
    from retally_crypto.rules.results import Outcome

__all__ = [
    "BadProof",
    "BadSignature",
    "Ballot",
    "CannotDecrypt",
    "CheckResult",
    "ElectionRecord",
    "Entry",
    "Finding",
    "Malformed",
    "Manifest",
    "Outcome",
    "Record",
    "Refused",
    "RetallyError",
    "Ruling",
    "SignedEntry",
    "TrustPolicy",
    "Unusable",
    "choose_engine",
    "election_id",
    "format_policy",
    "parse_entry",
    "parse_policy",
]

_PLACES = {
    "engine": ("choose_engine",),
    "entries": ("Ballot", "Entry", "SignedEntry", "election_id", "parse_entry"),
    "errors": (
        "BadProof",
        "BadSignature",
        "CannotDecrypt",
        "Malformed",
        "Refused",
        "RetallyError",
        "Unusable",
    ),
    "manifest": ("Manifest",),
    "policy": ("TrustPolicy",),
    "policy_text": ("format_policy", "parse_policy"),
    "record": ("ElectionRecord",),
    "replay": ("Record",),
    "rules.findings": ("CheckResult", "Finding", "Ruling"),
    "rules.results": ("Outcome",),
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
