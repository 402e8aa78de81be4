"""Usual mistakes at a command line, told before anything is done: a file that exists, a policy or a key of another
election."""

from __future__ import annotations

from pathlib import Path

from retally_crypto.entries import election_id
from retally_crypto.errors import Refused, RetallyError, Unusable
from retally_crypto.notes import VerifierKey, format_vkey
from retally_crypto.policy import TrustPolicy
from retally_crypto.secret.sign import SigningKey
from retally_verify.board import Board
from retally_verify.first_entry import first_entry
from retally_verify.report import Report


def require_new(path: Path, what: str) -> None:
    """Raises Unusable if there is a file where `what` is to be written: none is ever overwritten."""
    if path.exists():
        raise Unusable(f"{path} exists already and stays as it is: name another file for {what}, or move that one away")


def require_policy(policy: TrustPolicy, manifest_entry: bytes, policy_file: Path) -> None:
    """Raises Refused if the policy is not that of the election with this manifest."""
    found = election_id(manifest_entry)
    if found != policy.election_id:
        raise Refused(
            f"{policy_file} is the policy of another election: it names {policy.election_id.hex()[:16]}…, "
            f"and this one is {found.hex()[:16]}…. Take this election's policy, or its board"
        )


def distrust(report: Report, board: Board, policy_file: Path) -> Refused:
    """Why a board that did not verify cannot be worked on, the usual reason first: a policy of another election."""
    try:
        require_policy(report.policy, first_entry(board), policy_file)
    except Refused as other_election:
        return other_election
    except (RetallyError, OSError):
        # Then the checks say what is wrong.
        pass
    checks = ", ".join(report.failed) or "it is incomplete"
    return Refused(f"the board does not verify: {checks} (retally verify says why)")


def require_key(known: VerifierKey, key: SigningKey, whose: str) -> None:
    """Raises Refused if a key file does not hold the key that the manifest names for an official."""
    if key.verifier_key != known:
        raise Refused(
            f"the key is another one than the manifest's: the manifest names {format_vkey(known)} for {whose}, "
            f"and this file holds {format_vkey(key.verifier_key)}. Take the key file that was made for this election"
        )
