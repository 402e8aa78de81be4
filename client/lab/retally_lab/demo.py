"""`retally lab demo`: the disputed count re-enacted with real encryption over a real server, and verified from public
files.

the server starts · manifest · ceremony · roll · opening · every ballot over HTTP · closing · decryption · result
mirror the public files · verify them · the table · one altered ballot · verify again, and be refused
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from retally_client.authority.acts import paper_count_entry
from retally_crypto.engine import engine
from retally_crypto.entries import Station
from retally_crypto.errors import Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import ED25519, format_vkey
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.keyfiles import label_of, open_key_file
from retally_crypto.secret.sign import SigningKey
from retally_lab.casting import cast_all
from retally_lab.chart import Margin, draw_margins
from retally_lab.fraud import altered_copy
from retally_lab.officials import LiveElection, Officials
from retally_lab.replay import NOTICE, District, Replay, load_replay, reversals
from retally_lab.roll import register
from retally_lab.server_process import ServerFolder, make_server_folder, new_board_key, running_server
from retally_verify.board import FolderBoard, open_board
from retally_verify.console import err, out, progress
from retally_verify.mirroring import mirror_board
from retally_verify.report import Report
from retally_verify.report_document import units_of
from retally_verify.report_text import checks_table, reconciliation_table
from retally_verify.run import Verified, verified

SLUG = "re-enactment"
GUARDIANS, THRESHOLD, REGISTRARS = 5, 3, 2
REFERENCE_BALLOTS = 300
"""Ballots on the reference engine: as many as it encrypts, takes in and verifies in about the time the native engine
needs for all."""
VOTING_SECONDS, GRACE_SECONDS = 5, 86_400


@dataclass(frozen=True)
class Demonstration:
    """What the demo leaves behind, and whether everything came out as published."""

    folder: Path
    equal: bool
    verdict: str
    refused_by: tuple[str, ...]

    @property
    def succeeded(self) -> bool:
        return self.equal and self.verdict == "PASS" and "V10" in self.refused_by


NO_PAGES: dict[str, Any] = {"origins": [], "bundle": None}
"""The manifest's `client` where no web page takes part."""


def demo_manifest(
    replay: Replay, officials: Officials, board_key: str, opens: int, client: dict[str, Any] = NO_PAGES
) -> Manifest:
    """The manifest of the re-enactment: one district, one contest and one style for each published district; no
    witness."""
    return Manifest.model_validate(
        {
            "kind": "manifest",
            "version": "RETALLY-V01",
            "title": f"Single-mandate districts, September 2021, scale 1:{replay.scale}",
            "notice": NOTICE,
            "authority": format_vkey(officials.authority.verifier_key),
            "board": board_key,
            "registrars": [format_vkey(key.verifier_key) for key in officials.registrars],
            "guardians": {
                "keys": [format_vkey(key.verifier_key) for key in officials.guardians],
                "threshold": THRESHOLD,
            },
            "witnesses": {"keys": [], "quorum": 0},
            "opens": opens,
            "closes": opens + VOTING_SECONDS,
            "grace": GRACE_SECONDS,
            "contests": [
                {
                    "id": district.number,
                    "title": f"Deputy of {district.title}",
                    "options": [{"id": candidate.code, "title": candidate.code} for candidate in district.candidates],
                    "limit": "total",
                    "score": 1,
                    "min": 0,
                    "max": 1,
                }
                for district in replay.districts
            ],
            "districts": [{"id": one.number, "title": one.title, "merge": None} for one in replay.districts],
            "styles": [
                {"id": one.number, "district": one.number, "contests": [one.number]} for one in replay.districts
            ],
            "smallest_unit": 10,
            "caps": {"revocations": 0, "replacements": 0},
            "client": client,
        }
    )


def run_demo(folder: Path, scale: int, smaller: Replay | None = None) -> Demonstration:
    """The whole re-enactment into a new folder, or a `smaller` one.

    Raises Unusable, Refused or OSError when something does not work.
    """
    reference = engine.NAME == "reference"
    replay = smaller or load_replay(scale, REFERENCE_BALLOTS if reference else None)
    started = time.monotonic()
    out.print(f"[bold]{NOTICE}[/bold]: the ballots are generated, only the totals are real")
    out.print(
        f"{len(replay.districts)} districts, {sum(len(one.candidates) for one in replay.districts)} coded candidates, "
        f"{len(replay.voters):,} voters, {len(replay.ballots):,} ballots, {engine.NAME} engine"
    )
    if reference:
        out.print("The reference engine is slow: this is a smaller replay, of the first districts only.")
    server = make_server_folder(folder / "server")
    officials = Officials.fresh(REGISTRARS, GUARDIANS)
    board_key = new_board_key(server, SLUG, "localhost/elections", officials.authority.verifier_key)
    with running_server(server, folder / "server.log") as address:
        manifest = demo_manifest(replay, officials, board_key, int(time.time()))
        election = re_enact(LiveElection(address, manifest, officials), replay, folder)
        with progress("mirroring the public files") as bar:
            mirror_board(open_board(election.url), election.policy, folder / "board", bar.begin, bar.advance)
    (folder / "policy").write_bytes(format_policy(election.policy))
    _done(f"the server is stopped; its public files are in {folder / 'board'}")
    with _verified(folder / "board", election.policy) as honest:
        report = honest.report
        equal = _show_result(replay, report, folder)
        refused = () if honest.record is None else _show_fraud(folder, server, election.policy, honest.record)
    done = Demonstration(folder, equal, report.verdict, refused)
    _farewell(done, time.monotonic() - started)
    return done


def re_enact(election: LiveElection, replay: Replay, folder: Path) -> LiveElection:
    """The whole election, from the manifest to the result; guardians' journals go into `folder`."""
    manifest, officials = election.manifest, election.officials
    election.create()
    _done(f"election {election.policy.election_id.hex()}")
    with _quiet("key ceremony"):
        secrets = election.ceremony(lambda line: None)
    _done(f"key ceremony: {GUARDIANS} guardians, any {THRESHOLD} decrypt")
    with progress("registering voters") as bar:
        voters = register(election, replay.voters, bar.begin, bar.advance).voters
    _done(f"roll: {len(voters):,} credentials, each the sum of {REGISTRARS} registrars' parts")
    election.open()
    with election.record() as record:
        joint_key = record.joint_key
    if joint_key is None:
        raise Unusable("the opening is not in force")
    began = time.monotonic()
    with progress("casting ballots over HTTP") as bar:
        bar.begin(len(replay.ballots))
        cast_all(election.url, manifest, election.policy, joint_key, voters, replay.ballots, bar.advance)
    seconds = time.monotonic() - began
    _done(f"{len(replay.ballots):,} ballots cast, every receipt checked: {len(replay.ballots) / seconds:,.0f} a second")
    while time.time() <= manifest.closes:
        time.sleep(0.2)
    election.close()
    with election.record() as record:
        for district in replay.districts:
            station = Station(
                id="all",
                invalid=district.paper_invalid,
                votes=tuple(candidate.paper for candidate in district.candidates),
            )
            election.server.append(
                paper_count_entry(record, officials.authority, district.number, district.number, [station])
            )
    _done("voting closed, paper counts entered")
    with _quiet("guardians verify and decrypt"):
        election.decrypt(secrets, range(1, THRESHOLD + 1), folder / "guardians", lambda line: None)
    _done(f"{THRESHOLD} guardians verified the board and decrypted the sums")
    election.publish()
    _done("result published")
    return election


@contextmanager
def _verified(board: Path, policy: TrustPolicy) -> Iterator[Verified]:
    with ExitStack() as files_of_run:
        with progress("verifying every entry") as bar:
            done = files_of_run.enter_context(verified(FolderBoard(board), policy, tell=bar))
        yield done


def _show_result(replay: Replay, report: Report, folder: Path) -> bool:
    out.print()
    out.print(checks_table(report.checks))
    counts = _counts(report)
    margins = []
    reversed_districts = set(reversals(replay.districts))
    table = Table(box=None, pad_edge=False, title=f"paper, online, combined: {NOTICE}", title_justify="left")
    for column in ("district", "leader on paper", "paper", "online", "combined", "leader combined"):
        table.add_column(column, justify="right" if column in ("paper", "online", "combined") else "left")
    for district in replay.districts:
        online = counts.get(district.number, ())
        equal = list(online) == [candidate.online for candidate in district.candidates]
        row, margin = _district_row(district, online, equal)
        margins.append(margin)
        style = "bold red" if district.number in reversed_districts else ""
        table.add_row(*row, style=style)
    out.print()
    out.print(table)
    out.print()
    if report.outcome is not None:
        out.print(reconciliation_table(report.outcome))
    equal = all(
        list(counts.get(one.number, ())) == [candidate.online for candidate in one.candidates]
        for one in replay.districts
    )
    superseded = report.outcome.reconciliation.superseded if report.outcome else -1
    equal = equal and superseded == sum(one.superseded for one in replay.districts)
    out.print()
    if equal:
        _done(f"counts equal the published online totals at scale 1:{replay.scale}, {superseded} ballots superseded")
    else:
        out.print("[bold red]the counts differ from the published totals[/]")
    reversing = sum(margin.reversed for margin in margins)
    out.print(f"{reversing} of {len(margins)} districts reverse when the online count is added (red)")
    if draw_margins(margins, folder / "result.svg"):
        out.print(f"picture: {folder / 'result.svg'}", markup=False)
    style = "bold green" if report.verdict == "PASS" else "bold red"
    out.print(report.verdict_line, style=style, markup=False)
    return equal


def _counts(report: Report) -> dict[str, tuple[int | None, ...]]:
    if report.outcome is None:
        return {}
    return {
        district: contest.counts
        for counted in units_of(report.outcome)
        for contest in counted.contests
        for district in counted.unit.districts
    }


def _district_row(district: District, online: tuple[int | None, ...], equal: bool) -> tuple[list[str], Margin]:
    paper = [candidate.paper for candidate in district.candidates]
    votes = [count or 0 for count in online] or [0] * len(paper)
    total = [p + o for p, o in zip(paper, votes, strict=True)]
    leader, winner = paper.index(max(paper)), total.index(max(total))
    rival_paper = max(value for place, value in enumerate(paper) if place != leader)
    rival_total = max(value for place, value in enumerate(total) if place != leader)
    row = [
        escape(district.title),
        district.candidates[leader].code,
        f"{paper[leader]:,} : {paper[winner] if winner != leader else rival_paper:,}",
        f"{votes[leader]:,} : {votes[winner] if winner != leader else votes[total.index(rival_total)]:,}",
        f"{total[leader]:,} : {total[winner] if winner != leader else rival_total:,}",
        district.candidates[winner].code + (" ⇄" if winner != leader else "") + ("" if equal else " differs"),
    ]
    return row, Margin(district.title, paper[leader] - rival_paper, total[leader] - rival_total)


def _show_fraud(folder: Path, server: ServerFolder, policy: TrustPolicy, record: ElectionRecord) -> tuple[str, ...]:
    index = next(ballots[-1] for credential in record.roll.everyone() if (ballots := record.ballots_of(credential)))
    forged = folder / "board-altered"
    altered_copy(folder / "board", forged, index, _board_key(server))
    out.print(
        f"\nNow the operator exchanges two ciphertexts in the ballot at entry {index}, rewrites every tile and signs "
        "the new board with its own key:",
        markup=False,
    )
    with _verified(forged, policy) as done:
        refused = done.report
    for number in refused.failed:
        for note in refused.notes_of(number)[:1]:
            out.print(f"  {note}", markup=False)
    out.print(refused.verdict_line, style="bold red" if refused.verdict == "FAIL" else "", markup=False)
    return refused.failed


def _board_key(server: ServerFolder) -> SigningKey:
    # The demo plays the operator too, and so has the board's key and its passphrase.
    content = (server.data / "keys" / f"{SLUG}.key").read_bytes()
    passphrase = server.passphrase_file.read_text().split("\n", 1)[0]
    label = label_of(content)
    seed = open_key_file(content, passphrase, label)
    return SigningKey.from_seed(label.removeprefix("board "), seed, ED25519)


def _farewell(done: Demonstration, seconds: float) -> None:
    out.print(f"\n{seconds:.0f} seconds. The board stays here; verify it yourself:", markup=False)
    out.print(f"  .venv/bin/retally verify {done.folder / 'board'} --policy {done.folder / 'policy'}", markup=False)
    out.print(
        f"  .venv/bin/python -m retally_reference {done.folder / 'board'} --policy {done.folder / 'policy'}",
        markup=False,
    )


def _done(line: str) -> None:
    out.print(f"[green]✓[/] {escape(line)}")


@contextmanager
def _quiet(title: str) -> Iterator[None]:
    if not err.is_terminal:
        yield
        return
    with err.status(title):
        yield
