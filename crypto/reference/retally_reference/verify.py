"""Page 8: a board is read, and V01 to V21 are concluded about it. This is the whole verifier in the order of the page.

    report = verify_board(read, policy)

`read` gives the board's files, `policy` is the text of a trust policy. Nothing that a file can contain raises: it
fails its check.
"""

from collections.abc import Sequence
from dataclasses import replace

from retally_reference.board import Missing, Progress, Read, read_entries
from retally_reference.canonical import Refusal
from retally_reference.checks import v01_checkpoint, v02_history, v02_root, v03_manifest, v04_times, v04_to_v20
from retally_reference.election import Election, begin, take
from retally_reference.findings import Finding
from retally_reference.merkle import leaf_hash
from retally_reference.notes import parse_policy
from retally_reference.report import CHECKS, NOT_APPLICABLE, Conclusion, Report, conclude
from retally_reference.tally import result_units

NOTHING_TO_LOOK_AT = "an earlier check leaves nothing to look at"
NO_BUNDLE, NOT_SERVED = "the manifest names no web bundle", "this verifier was not served by the board"


def verify_board(
    read: Read,
    policy: bytes,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    progress: Progress = lambda what, done, size: None,
) -> Report:
    """All checks. Refusal if the policy is none; OSError if the board does not answer or has no checkpoint."""
    trusted = parse_policy(policy)
    raw = read("checkpoint")
    if raw is None:
        raise OSError("there is no checkpoint: this is no board, or nothing was published yet")
    head, v01 = v01_checkpoint(raw, trusted)
    report = Report(len(trusted.witnesses), trusted.election).concluding(V01=v01)
    if head is None:
        return _complete(report, NOT_SERVED)
    report = replace(report, checkpoint=raw, size=head.size, root=head.root)
    try:
        entries = read_entries(read, head.size, progress)
    except Missing as missing:
        return _complete(report.concluding(V02=conclude([], [str(missing)])), NOT_SERVED)
    except Refusal as refusal:
        return _complete(report.concluding(V02=conclude([Finding(None, "V02", str(refusal))])), NOT_SERVED)
    hashes = b"".join(map(leaf_hash, entries))
    of_another_tree = v02_root(hashes, head)
    if of_another_tree:
        return _complete(report.concluding(V02=conclude(of_another_tree)), NOT_SERVED)
    manifest, v03 = v03_manifest(entries, trusted)
    report = report.concluding(V02=v02_history(hashes, trusted, kept, receipts), V03=v03)
    if manifest is None:
        return _complete(report, NOT_SERVED)
    report = replace(report, accepted=True, title=manifest["title"], notice=manifest["notice"])
    election = begin(manifest, trusted.election, hashes)
    take(election, entries[1:], lambda index: progress("verified", index, head.size))
    seen = {name: read(f"checkpoint.{name}") for name in ("opening", "closing")} if trusted.witnesses else {}
    report = report.concluding(**v04_to_v20(election, v04_times(election, trusted, seen)))
    return _complete(_with_counts(report, election), NO_BUNDLE if manifest["client"]["bundle"] is None else NOT_SERVED)


def _with_counts(report: Report, election: Election) -> Report:
    if election.counting is None:
        return report
    shown = ("district", "contest", "stations", "late")
    return replace(
        report,
        reconciliation=election.numbers(),
        papers=[{name: paper[name] for name in shown} for paper in election.papers.values()],
        counts=result_units(election.manifest, election.counting) if election.combine() else None,
    )


def _complete(report: Report, why_not_v21: str) -> Report:
    """With a conclusion for the checks that did not get their turn, and for V21, which asks who serves the page."""
    left = [check for check in CHECKS if check not in report.conclusions]
    report = report.concluding(**{check: conclude([], [NOTHING_TO_LOOK_AT]) for check in left})
    return report.concluding(V21=Conclusion(NOT_APPLICABLE, remarks=(why_not_v21,)))
