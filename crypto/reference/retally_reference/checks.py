"""Page 8.2: what V01 to V20 conclude. Nothing here reads a file: the driver (`verify`) has read what is ruled on."""

import hashlib
from collections.abc import Mapping, Sequence

from retally_reference.canonical import Refusal
from retally_reference.election import Election
from retally_reference.entries import Official, read_official, wrong_signature
from retally_reference.findings import Finding
from retally_reference.history import Contradicted, Ignored, hold_checkpoint, hold_receipt
from retally_reference.manifest import Manifest, broken_rules
from retally_reference.merkle import merkle_root
from retally_reference.notes import Head, Policy, has_quorum, open_checkpoint
from retally_reference.report import Conclusion, conclude

NO_WITNESS = "no witness: split views cannot be excluded"


def v01_checkpoint(raw: bytes, policy: Policy) -> tuple[Head | None, Conclusion]:
    """The board's signature and the witnesses' quorum; None if either is not there."""
    try:
        head = open_checkpoint(raw, policy)
    except Refusal as refusal:
        return None, conclude([Finding(None, "V01", str(refusal))])
    if not has_quorum(head, policy):
        reason = f"{len(head.times)} witnesses cosigned, the quorum is {policy.quorum}"
        return None, conclude([Finding(None, "V01", reason)])
    return head, conclude([], [], [] if policy.witnesses else [NO_WITNESS])


def v02_root(hashes: bytes, head: Head) -> list[Finding]:
    """The entries, by their leaf hashes, are the checkpoint's."""
    if merkle_root(hashes) == head.root:
        return []
    return [Finding(None, "V02", f"the {head.size} entries do not hash to the checkpoint's root")]


def v02_history(hashes: bytes, policy: Policy, kept: Sequence[bytes], receipts: Sequence[bytes]) -> Conclusion:
    """All that was kept agrees with this board; what proves nothing is named and ignored."""
    held = [hold_checkpoint(f"kept checkpoint {n}", raw, policy, hashes) for n, raw in enumerate(kept, start=1)]
    held += [hold_receipt(f"receipt {n}", raw, policy, hashes) for n, raw in enumerate(receipts, start=1)]
    failures = [Finding(None, "V02", one.reason) for one in held if isinstance(one, Contradicted)]
    return conclude(failures, [], [one.reason for one in held if isinstance(one, Ignored)])


def v03_manifest(entries: Sequence[bytes], policy: Policy) -> tuple[Manifest | None, Conclusion]:
    """Entry 0 is the policy's manifest and keeps the rules of 4.1; None if not."""
    if not entries:
        return None, conclude([Finding(None, "V03", "the board has no entry")])
    try:
        entry = read_official(entries[0])
    except Refusal as refusal:
        return None, conclude([Finding(0, "V03", str(refusal))])
    if entry.kind != "manifest":
        return None, conclude([Finding(0, "V03", f"a {entry.kind}, not a manifest")])
    failures = [Finding(0, "V03", reason) for reason in _wrong_with_manifest(entry, entries[0], policy)]
    return None if failures else entry.members, conclude(failures)


def _wrong_with_manifest(entry: Official, raw: bytes, policy: Policy) -> list[str]:
    manifest, identity = entry.members, hashlib.sha256(raw).digest()
    reasons = broken_rules(manifest)
    wrong = wrong_signature(entry, manifest)
    if wrong is not None:
        reasons.append(wrong)
    if identity != policy.election:
        reasons.append(f"election {identity.hex()}, the policy names {policy.election.hex()}")
    if manifest["board"] != policy.board:
        reasons.append("another board key than the policy's")
    witnesses = manifest["witnesses"]
    if tuple(witnesses["keys"]) != policy.witnesses or witnesses["quorum"] != policy.quorum:
        reasons.append("other witnesses or another quorum than the policy's")
    return reasons


def v04_times(e: Election, policy: Policy, checkpoints: Mapping[str, bytes | None]) -> Conclusion:
    """The second half of V04: with witnesses, opening and closing were seen in time.

    checkpoints: `checkpoint.opening` and `checkpoint.closing` by what they are of; None for a file that is not there.
    """
    if not policy.witnesses:
        return conclude([], [], ["no witness: the times of opening and closing are not applicable"])
    failures: list[Finding] = []
    missing: list[str] = []
    places = {"opening": (e.opening, e.manifest["opens"]), "closing": (e.closing, e.manifest["closes"])}
    for name, (index, due) in places.items():
        raw = checkpoints[name]
        if raw is not None:
            wrong = _wrong_with_time(e, policy, raw, index, due)
            failures += [Finding(None, "V04", f"checkpoint.{name}{wrong}")] if wrong else []
        elif index is not None:
            missing.append(f"checkpoint.{name} is not there")
    return conclude(failures, missing)


def _wrong_with_time(e: Election, policy: Policy, raw: bytes, index: int | None, due: int) -> str | None:
    """What is wrong with the checkpoint of an entry that was due then; its index is None if it is not in force."""
    try:
        head = open_checkpoint(raw, policy)
    except Refusal as refusal:
        return f": {refusal}"
    if not has_quorum(head, policy):
        return f": {len(head.times)} cosignatures, the quorum is {policy.quorum}"
    if index is None:
        return None
    hashes = e.hashes[: 32 * head.size]
    consistent = len(hashes) == 32 * head.size and merkle_root(hashes) == head.root
    in_time = sum(due <= time <= due + e.manifest["grace"] for time in head.times)
    right = consistent and head.size > index and in_time >= policy.quorum
    return None if right else f" is not consistent, does not cover entry {index}, or is out of time"


def v04_to_v20(e: Election, times: Conclusion) -> dict[str, Conclusion]:
    """After the last entry."""
    refused = {check: [one for one in e.refused if one.check == check] for check in _REFUSING}
    committed, confirmed = len(e.ceremony.commitments), len(e.ceremony.confirmations)
    no_opening = _missing(e.opening is None, "there is no opening in force")
    uncommitted = _missing(committed < e.n, f"{committed} of {e.n} guardians committed")
    unconfirmed = _missing(confirmed < e.n, f"{confirmed} of {e.n} guardians confirmed")
    no_roll = _missing(not e.roll.credentials, "the roll is incomplete")
    no_closing = _missing(e.closing is None, "there is no closing in force")
    return {
        "V04": conclude(
            [*refused["V04"], *times.failures], no_opening + no_closing + list(times.missing), times.remarks
        ),
        "V05": conclude(refused["V05"], uncommitted),
        "V06": conclude(e.ceremony.void + refused["V06"], unconfirmed),
        "V07": conclude(refused["V07"], uncommitted + no_opening),
        "V08": conclude(refused["V08"], no_roll + no_opening),
        "V09": conclude(refused["V09"]),
        **{check: conclude(refused[check], no_opening) for check in ("V10", "V11", "V12", "V13")},
        "V14": conclude(refused["V14"], no_closing),
        "V15": conclude(refused["V15"] + _unequal_numbers(e), no_closing),
        **_v16_to_v20(e, refused, no_closing),
    }


_REFUSING = [f"V{number:02}" for number in range(4, 21)]
"""The checks that can refuse an entry."""


def _missing(condition: bool, reason: str) -> list[str]:
    return [reason] if condition else []


def _unequal_numbers(e: Election) -> list[Finding]:
    numbers = e.numbers()
    equal = numbers["accepted"] == numbers["counted"] + numbers["superseded"]
    if e.closing is None or (equal and numbers["credentials"] >= numbers["voted"]):
        return []
    return [Finding(None, "V15", f"the numbers do not add up: {numbers}")]


def _v16_to_v20(e: Election, refused: Mapping[str, list[Finding]], no_closing: list[str]) -> dict[str, Conclusion]:
    none_compared = _missing(not e.aggregates_compared, "no partial decryption got so far")
    have = len(e.partials)
    too_few = _missing(have < e.k, f"{have} of {e.k} valid partial decryptions")
    no_result = _missing(e.result is None, "there is no result in force")
    counts = e.counting.counts if e.combine() and e.counting else None
    # A result that says so is refused for it already.
    unfound = None in (counts or []) and not refused["V18"]
    not_found = [Finding(None, "V18", "a count was not found within its bound")] if unfound else []
    return {
        "V16": conclude(refused["V16"], no_closing + none_compared),
        "V17": conclude(refused["V17"], no_closing + too_few),
        "V18": conclude(refused["V18"] + not_found, no_closing + too_few),
        "V19": conclude(refused["V19"], no_closing + no_result + too_few),
        "V20": conclude(refused["V20"], no_closing),
    }
