"""`retally mirror`, `retally gossip` and `retally evidence`: keeping a copy, comparing two, judging a split view."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer

from retally_crypto.errors import Malformed, Unusable
from retally_crypto.policy import TrustPolicy
from retally_verify.board import FolderBoard, TooLong, Unreachable, open_board
from retally_verify.commands import AsJson, Location, PolicyFile, read_policy, read_small
from retally_verify.console import err, out, plain, plain_errors, print_json, progress, say_waiting
from retally_verify.durable_files import create_durably
from retally_verify.exit_codes import DONE, INCOMPLETE, REFUSED
from retally_verify.following import Alert, Follower
from retally_verify.mirroring import mirror_board
from retally_verify.mistaken_files import taken_by
from retally_verify.run import verify_board
from retally_verify.split_view import (
    EVIDENCE_LIMIT,
    SplitView,
    find_split,
    format_split,
    parse_split,
    verify_split,
    views_of,
)

ALERT_SECONDS = 300


@plain_errors
def mirror(
    location: Location,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="where the copy is kept")],
    policy: PolicyFile,
    as_json: AsJson = False,
    follow: Annotated[bool, typer.Option("--follow", help="go on, and alert when the board misbehaves")] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.1, help="seconds between two looks")
    ] = 30.0,
    stall: Annotated[
        float, typer.Option("--stall", metavar="SECONDS", min=1, help="seconds of silence that are an alert")
    ] = 900.0,
    on_alert: Annotated[
        Path | None,
        typer.Option("--on-alert", metavar="FILE", help="program to run with the kind, a text and the evidence's path"),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="with --follow: run every check over what is new, too")
    ] = False,
) -> None:
    """Download a board into FOLDER, verified to its checkpoint; an earlier mirror is continued. Exit code 1 if
    checkpoint.opening or checkpoint.closing is wrong, or not the mirror's: it is not taken.

    With --follow until something is wrong: exit code 1 after a fork, a rollback, growth after the closing, files that
    do not fit, or with --verify a check that fails; 2 after a stall, unless --on-alert names a program, which is then
    told and the mirror goes on.
    """
    if verify and not follow:
        raise Unusable("--verify goes with --follow; retally verify checks a mirror once")
    trusted, board = read_policy(policy), open_board(location, say_waiting)
    if follow:
        checks = Checks(folder, trusted) if verify else None
        _follow(Follower(board, trusted, folder, stall, time.time), checks, every, on_alert, as_json)
    with progress("files") as bar:
        mirrored = mirror_board(board, trusted, folder, bar.begin, bar.advance)
    size, root = mirrored.head.checkpoint.size, mirrored.head.checkpoint.root.hex()
    if as_json:
        print_json({"folder": str(folder), "size": size, "root": root, "faults": mirrored.faults})
    else:
        out.print(f"{folder}: {size:,} entries, root {root}", markup=False)
        for fault in mirrored.faults:
            err.print(plain(f"fault: {fault}"), markup=False)
    raise typer.Exit(REFUSED if mirrored.faults else DONE)


class Checks:
    """Every check over a mirror as it grows: what was verified once is kept, so that each look costs what is new."""

    def __init__(self, folder: Path, policy: TrustPolicy) -> None:
        self._folder = folder
        self._policy = policy
        self._told: set[str] = set()

    def run(self) -> list[Alert]:
        """An alert for every check that fails and did not before."""
        report = verify_board(FolderBoard(self._folder), self._policy, signed_off=self._folder / "verified")
        new = [number for number in report.failed if number not in self._told]
        self._told.update(new)
        alerts = [Alert("check", f"{number} fails: {'; '.join(report.notes_of(number)[:1])}") for number in new]
        return alerts


def _follow(follower: Follower, checks: Checks | None, every: float, on_alert: Path | None, as_json: bool) -> None:
    while True:
        alerts = follower.step()
        if follower.changed:
            if not as_json:
                out.print(f"{follower.size:,} entries", markup=False)
            if checks is not None and follower.size:
                alerts += checks.run()
        for alert in alerts:
            _tell(alert, on_alert, as_json)
        if any(alert.kind != "stall" for alert in alerts):
            raise typer.Exit(REFUSED)
        if alerts and on_alert is None:
            raise typer.Exit(INCOMPLETE)
        time.sleep(every)


def _tell(alert: Alert, on_alert: Path | None, as_json: bool) -> None:
    evidence = "" if alert.evidence is None else str(alert.evidence)
    if as_json:
        print_json({"alert": alert.kind, "text": alert.text, "evidence": evidence or None})
    else:
        err.print(plain(f"{alert.kind}: {alert.text} {evidence}".rstrip()), markup=False)
    if on_alert is not None:
        program = str(on_alert if on_alert.is_absolute() else Path.cwd() / on_alert)
        try:
            subprocess.run([program, alert.kind, plain(alert.text), evidence], timeout=ALERT_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            err.print(f"retally: {program} could not be run: {type(error).__name__}", markup=False)


@plain_errors
def gossip(
    one: Location,
    other: Annotated[str, typer.Argument(metavar="URL|FOLDER", help="another copy or host of the same board")],
    policy: PolicyFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="where evidence of a split view goes")
    ] = Path("split-view.json"),
    as_json: AsJson = False,
) -> None:
    """Compare what two copies or hosts show of one board. Exit code 1 and evidence if they show two histories.

    A place with a checkpoint only, such as a witness under its hash of the origin, can be compared with a whole copy
    that is at least as new; 2 if neither has the tiles that it takes.
    """
    trusted = read_policy(policy)
    sizes, split, missing = _compare(one, other, trusted)
    if split is not None:
        _write_new(output, format_split(split))
    if as_json:
        evidence = None if split is None else str(output)
        print_json({"sizes": sizes, "split": split is not None, "evidence": evidence, "not compared": missing})
    elif split is not None:
        first, second = verify_split(split, trusted.board)
        err.print(
            plain(f"SPLIT VIEW: {trusted.board.name} signed two histories, of {first.size} and {second.size} entries; "
                  f"the proof is in {output}"), markup=False
        )  # fmt: skip
    else:
        lines = [f"{name}: {size:,} entries" for name, size in sizes.items()]
        out.print(plain("\n".join([*lines, *missing])), markup=False)
    raise typer.Exit(REFUSED if split else INCOMPLETE if missing else DONE)


def _compare(one: str, other: str, policy: TrustPolicy) -> tuple[dict[str, int], SplitView | None, list[str]]:
    views = [list(views_of(open_board(place, say_waiting), policy.board)) for place in (one, other)]
    for place, shown in zip((one, other), views, strict=True):
        if not shown:
            raise Unreachable(f"{place} has no checkpoint")
    every = [view for shown in views for view in shown]
    missing = []
    for position, left in enumerate(every):
        for right in every[position + 1 :]:
            try:
                split = find_split(left, right)
            except (Unreachable, TooLong) as error:
                missing.append(str(error))
                continue
            if split is not None:
                return {view.name: view.head.size for view in every}, split, missing
    return {view.name: view.head.size for view in every}, None, missing


def _write_new(path: Path, content: bytes) -> None:
    try:
        create_durably(path, content)
    except FileExistsError:
        raise Unusable(f"{path} is there already, and evidence is never overwritten") from None


@plain_errors
def evidence(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="evidence that retally gossip or retally mirror --follow wrote")
    ],
    policy: PolicyFile,
    as_json: AsJson = False,
) -> None:
    """Check somebody's evidence of a split view. Exit code 0: it is proved; 1 or 3: this file proves nothing."""
    trusted = read_policy(policy)
    content = read_small(file, EVIDENCE_LIMIT)
    try:
        split = parse_split(content)
    except Malformed as error:
        raise Malformed(f"{file}: {error}{taken_by(content)}") from None
    first, second = verify_split(split, trusted.board)
    if as_json:
        heads = [{"size": head.size, "root": head.root.hex()} for head in (first, second)]
        print_json({"proved": True, "board": trusted.board.name, "heads": heads})
    else:
        out.print(
            f"proved: {plain(trusted.board.name)} signed {first.size} entries with root {first.root.hex()}, and "
            f"{second.size} entries with root {second.root.hex()} that begin otherwise",
            markup=False,
        )
    raise typer.Exit(DONE)
