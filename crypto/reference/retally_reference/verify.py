"""Page 8: V01 to V21 over a board, and one verdict. This is the whole verifier, in the order of the page.

    report = verify_board(read, policy)

`read` gives the board's files, `policy` is the text of a trust policy. Nothing that a file can contain raises: it
fails its check.
"""

import hashlib
import re
from collections.abc import Callable, Sequence

from retally_reference.board import Entries, Missing, Read, bundles
from retally_reference.canonical import Refusal, base64_standard, refuse_unless
from retally_reference.election import Election
from retally_reference.entries import Official, read_official, wrong_signature
from retally_reference.manifest import broken_rules
from retally_reference.merkle import Tree, leaf_hash, node_hash
from retally_reference.notes import LARGEST_SIZE, LONGEST_NOTE, Head, Policy, has_quorum, open_checkpoint, parse_policy
from retally_reference.report import CHECKS, NOT_APPLICABLE, Report
from retally_reference.tally import result_units

NO_WITNESS = "no witness: split views cannot be excluded"
Progress = Callable[[str, int, int], None]
"""What was done with entries (read, verified), how many so far, and of how many."""


def verify_board(
    read: Read,
    policy: bytes,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    progress: Progress = lambda what, done, size: None,
) -> Report:
    """All checks. Refusal if the policy is none; OSError if the board does not answer or has no checkpoint."""
    trusted = parse_policy(policy)
    report = Report(witnesses=len(trusted.witnesses), election=trusted.election)
    election = _verify(read, trusted, kept, receipts, progress, report)
    for check in CHECKS:
        if check not in report.states and check != "V21":
            report.conclude(check, (), ["an earlier check leaves nothing to look at"])
    offline = "this verifier was not served by the board"
    unnamed = election is not None and election.manifest["client"]["bundle"] is None
    report.states["V21"] = NOT_APPLICABLE
    report.notes["V21"] = ["the manifest names no web bundle" if unnamed else offline]
    return report


def _verify(
    read: Read, policy: Policy, kept: Sequence[bytes], receipts: Sequence[bytes], progress: Progress, report: Report
) -> Election | None:
    raw = read("checkpoint")
    if raw is None:
        raise OSError("there is no checkpoint: this is no board, or nothing was published yet")
    head = v01_checkpoint(raw, policy, report)
    if head is None:
        return None
    report.checkpoint, report.size, report.root = raw, head.size, head.root
    entries, tree = v02_entries(read, head, policy, kept, receipts, progress, report)
    if tree is None:
        return None
    rest = iter(entries)
    election = v03_manifest(next(rest, None), tree, policy, report)
    if election is None:
        return None
    report.accepted, report.title, report.notice = True, election.manifest["title"], election.manifest["notice"]
    election.take(rest, lambda index: progress("verified", index, head.size))
    _conclude(election, v04_times(read, policy, election), report)
    return election


def v01_checkpoint(raw: bytes, policy: Policy, report: Report) -> Head | None:
    """The board's signature and the witnesses' quorum."""
    try:
        head = open_checkpoint(raw, policy)
    except Refusal as refusal:
        report.conclude("V01", [str(refusal)])
        return None
    if not has_quorum(head, policy):
        report.conclude("V01", [f"{len(head.times)} witnesses cosigned, the quorum is {policy.quorum}"])
        return None
    report.conclude("V01", [], [], [] if policy.witnesses else [NO_WITNESS])
    return head


def v02_entries(
    read: Read,
    head: Head,
    policy: Policy,
    kept: Sequence[bytes],
    receipts: Sequence[bytes],
    progress: Progress,
    report: Report,
) -> tuple[Entries, Tree | None]:
    """Entries hash to tiles and root; kept checkpoints and receipts agree. No tree if the entries are not the
    checkpoint's."""
    entries, hashes = Entries(), bytearray()
    try:
        for bundle, claimed in bundles(read, head.size):
            for index, (entry, leaf) in enumerate(zip(bundle, claimed, strict=True), start=entries.count):
                if leaf_hash(entry) != leaf:
                    raise Refusal(f"entry {index} does not hash to its place in the level-0 tile")
                hashes += leaf
            entries.add(bundle)
            progress("read", entries.count, head.size)
    except Missing as missing:
        report.conclude("V02", [], [str(missing)])
        return entries, None
    except Refusal as refusal:
        report.conclude("V02", [str(refusal)])
        return entries, None
    tree = Tree(bytes(hashes))
    if tree.root(head.size) != head.root:
        report.conclude("V02", [f"the {head.size} entries do not hash to the checkpoint's root"])
        return entries, None
    failures: list[str] = []
    ignored: list[str] = []
    for number, raw in enumerate(kept, start=1):
        _hold_against(f"kept checkpoint {number}", raw, policy, tree, failures, ignored)
    for number, raw in enumerate(receipts, start=1):
        _hold_receipt_against(f"receipt {number}", raw, policy, tree, failures, ignored)
    report.conclude("V02", failures, [], ignored)
    return entries, tree


def _hold_against(
    name: str, raw: bytes, policy: Policy, tree: Tree, failures: list[str], ignored: list[str]
) -> Head | None:
    """Whether another checkpoint of the board is a beginning of this one. One that the board did not sign proves
    nothing."""
    try:
        head = open_checkpoint(raw, Policy(policy.election, policy.board, (), 0))
    except Refusal as refusal:
        ignored.append(f"{name} ignored: {refusal}")
        return None
    if head.size > tree.size:
        failures.append(f"{name}: the board signed {head.size} entries, here are only {tree.size}")
    elif tree.root(head.size) != head.root:
        failures.append(f"{name}: at {head.size} entries the board signed another root")
    return head


def _hold_receipt_against(
    name: str, raw: bytes, policy: Policy, tree: Tree, failures: list[str], ignored: list[str]
) -> None:
    try:
        index, proof, checkpoint = parse_receipt(raw)
    except Refusal as refusal:
        ignored.append(f"{name} ignored: {refusal}")
        return
    before = len(failures)
    head = _hold_against(name, checkpoint, policy, tree, failures, ignored)
    if head is None or len(failures) > before:
        return
    # The board has the tree that the receipt names, so a proof that does not fit is the receipt's own fault.
    leaf = tree.leaf(index)
    if len(leaf) != 32 or root_of_inclusion(leaf, index, head.size, proof) != head.root:
        ignored.append(f"{name} ignored: it proves no entry of the tree that it names")


def parse_receipt(raw: bytes) -> tuple[int, list[bytes], bytes]:
    """9.2: index, hashes and checkpoint of a tlog-proof without extra data."""
    refuse_unless(len(raw) <= LONGEST_NOTE, f"a receipt of {len(raw)} bytes")
    head, blank, checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Refusal("a receipt that is not ASCII") from None
    right = bool(blank) and len(lines) >= 2 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index ")
    refuse_unless(right, "a receipt of another form")
    digits = lines[1][6:]
    right = re.fullmatch("0|[1-9][0-9]{0,18}", digits) is not None and int(digits) <= LARGEST_SIZE
    refuse_unless(right, "a receipt without an index below 2^63")
    proof = [base64_standard(line) for line in lines[2:]]
    refuse_unless(
        all(len(one) == 32 for one in proof) and len(proof) <= 63, "a receipt whose hashes have another length"
    )
    return int(digits), proof, checkpoint


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """RFC 6962 section 2.1.1: the root that an inclusion proof leads to; None if it has another length."""
    if index >= size:
        return None
    node, last, rest = index, size - 1, list(proof)
    value = leaf
    while last > 0:
        if node % 2 or node < last:
            if not rest:
                return None
            sibling = rest.pop(0)
            value = node_hash(sibling, value) if node % 2 else node_hash(value, sibling)
        node, last = node // 2, last // 2
    return None if rest else value


def v03_manifest(raw: bytes | None, tree: Tree, policy: Policy, report: Report) -> Election | None:
    """Entry 0 is the policy's manifest and keeps the rules of 4.1."""
    if raw is None:
        report.conclude("V03", ["the board has no entry"])
        return None
    try:
        entry: Official = read_official(raw)
    except Refusal as refusal:
        report.conclude("V03", [f"entry 0: {refusal}"])
        return None
    if entry.kind != "manifest":
        report.conclude("V03", [f"entry 0: a {entry.kind}, not a manifest"])
        return None
    manifest, identity = entry.members, hashlib.sha256(raw).digest()
    failures = [f"entry 0: {rule}" for rule in broken_rules(manifest)]
    wrong = wrong_signature(entry, manifest)
    if wrong is not None:
        failures.append(f"entry 0: {wrong}")
    if identity != policy.election:
        failures.append(f"entry 0: election {identity.hex()}, the policy names {policy.election.hex()}")
    if manifest["board"] != policy.board:
        failures.append("entry 0: another board key than the policy's")
    witnesses = manifest["witnesses"]
    if tuple(witnesses["keys"]) != policy.witnesses or witnesses["quorum"] != policy.quorum:
        failures.append("entry 0: other witnesses or another quorum than the policy's")
    report.conclude("V03", failures)
    if failures:
        return None
    return Election(manifest, identity, tree, transcript=[tree.leaf(0)])


def v04_times(read: Read, policy: Policy, election: Election) -> tuple[list[str], list[str], list[str]]:
    """The second half of V04: failures, what is missing, remarks."""
    if not policy.witnesses:
        return [], [], ["no witness: the times of opening and closing are not applicable"]
    failures: list[str] = []
    missing: list[str] = []
    manifest = election.manifest
    for name, index, due in (
        ("opening", election.opening, manifest["opens"]),
        ("closing", election.closing, manifest["closes"]),
    ):
        raw = read(f"checkpoint.{name}")
        if raw is None:
            missing += [f"checkpoint.{name} is not there"] if index is not None else []
            continue
        try:
            head = open_checkpoint(raw, policy)
        except Refusal as refusal:
            failures.append(f"checkpoint.{name}: {refusal}")
            continue
        if not has_quorum(head, policy):
            failures.append(f"checkpoint.{name}: {len(head.times)} cosignatures, the quorum is {policy.quorum}")
        elif index is not None:
            tree = election.tree
            consistent = head.size <= tree.size and tree.root(head.size) == head.root
            in_time = sum(due <= time <= due + manifest["grace"] for time in head.times)
            if not consistent or head.size <= index or in_time < policy.quorum:
                failures.append(f"checkpoint.{name} is not consistent, does not cover entry {index}, or is out of time")
    return failures, missing, []


def _conclude(e: Election, times: tuple[list[str], list[str], list[str]], report: Report) -> None:
    """V04 to V20 after the last entry."""

    def named(check: str) -> list[str]:
        return e.refused.named(check)

    no_opening = [] if e.opening is not None else ["there is no opening in force"]
    no_closing = [] if e.closing is not None else ["there is no closing in force"]
    uncommitted = [f"{len(e.commitments)} of {e.n} guardians committed"] if len(e.commitments) < e.n else []
    unconfirmed = [f"{len(e.confirmations)} of {e.n} guardians confirmed"] if len(e.confirmations) < e.n else []
    no_roll = [] if e.roll else ["the roll is incomplete"]
    report.conclude("V04", named("V04") + times[0], no_opening + no_closing + times[1], times[2])
    report.conclude("V05", named("V05"), uncommitted)
    report.conclude("V06", e.accused + named("V06"), unconfirmed)
    report.conclude("V07", named("V07"), uncommitted + no_opening)
    report.conclude("V08", named("V08"), no_roll + no_opening)
    report.conclude("V09", named("V09"))
    for check in ("V10", "V11", "V12", "V13"):
        report.conclude(check, named(check), no_opening)
    report.conclude("V14", named("V14"), no_closing)
    numbers = e.numbers()
    sums = (
        numbers["credentials"] >= numbers["voted"] and numbers["accepted"] == numbers["counted"] + numbers["superseded"]
    )
    unequal = [] if sums or no_closing else [f"the numbers do not add up: {numbers}"]
    report.conclude("V15", named("V15") + unequal, no_closing)
    none_looked_at = [] if e.looked_at_v16 else ["no partial decryption got so far"]
    have = len(e.partials)
    too_few = [f"{have} of {e.k} valid partial decryptions"] if have < e.k else []
    report.conclude("V16", named("V16"), no_closing + none_looked_at)
    report.conclude("V17", named("V17"), no_closing + too_few)
    combined = e.combine()
    found = e.counting.counts if e.counting and e.counting.counts else []
    not_found = ["a count was not found within its bound"] if None in found and not named("V18") else []
    no_result = [] if e.result is not None else ["there is no result in force"]
    report.conclude("V18", named("V18") + not_found, no_closing + too_few)
    report.conclude("V19", named("V19"), no_closing + no_result + too_few)
    report.conclude("V20", named("V20"), no_closing)
    if e.counting is not None:
        report.reconciliation = numbers
        shown = ("district", "contest", "stations", "late")
        report.papers = [{name: paper[name] for name in shown} for paper in e.papers.values()]
        report.counts = result_units(e.manifest, e.counting) if combined else None
