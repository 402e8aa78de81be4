"""`retally lab serve`: a small live election on loopback, open for voting, with the link and the voters' codes printed;
and beside it a finished one, the re-enactment of published totals, whose results and verification can be looked at.

One program holds every official's key and every voter's code here, so these elections prove nothing to anyone.
"""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from retally_crypto.engine import engine
from retally_crypto.errors import Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy_text import format_policy
from retally_lab import demo
from retally_lab.officials import LiveElection, Officials
from retally_lab.replay import NOTICE, load_replay
from retally_lab.roll import register
from retally_lab.server_process import ServerFolder, make_server_folder, new_board_key, running_server
from retally_verify.console import out

SLUG = "trial"
VOTING_SECONDS, GRACE_SECONDS = 7 * 86_400, 86_400
REGISTRARS, GUARDIANS, THRESHOLD = 2, 3, 2


def trial_manifest(officials: Officials, board_key: str, opens: int, client: dict[str, Any]) -> Manifest:
    """A small election: one choice, an approval and a score contest in one ballot; no witness."""

    def options(*titles: str) -> list[dict[str, str]]:
        return [{"id": f"o{number}", "title": title} for number, title in enumerate(titles, start=1)]

    contests = [
        {
            "id": "chair",
            "title": "Who chairs the reading club?",
            "options": options("Ada", "Emmy", "Sofya"),
            "limit": "total",
            "score": 1,
            "min": 0,
            "max": 1,
        },
        {
            "id": "days",
            "title": "Which days suit you? As many as you like",
            "options": options("Monday", "Wednesday", "Friday"),
            "limit": "option",
            "score": 1,
            "min": 0,
            "max": 3,
        },
        {
            "id": "books",
            "title": "How much would you like to read each of these? 0 to 5",
            "options": options("A novel", "A history", "A book of proofs"),
            "limit": "option",
            "score": 5,
            "min": 0,
            "max": 15,
        },
    ]
    return Manifest.model_validate(
        {
            "kind": "manifest",
            "version": "RETALLY-V01",
            "title": "The reading club",
            "notice": "a trial: every key and every code is in one place",
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
            "contests": contests,
            "districts": [{"id": "club", "title": "The club", "merge": None}],
            "styles": [{"id": "member", "district": "club", "contests": [contest["id"] for contest in contests]}],
            "smallest_unit": 2,
            "caps": {"revocations": 0, "replacements": 0},
            "client": client,
        }
    )


def serve(folder: Path, port: int, voters: int, web: Path | None = None, results: bool = True) -> None:
    """Runs until it is interrupted. `web` is a build of the web client; without one there are no pages.

    With `results` the re-enactment runs too, after the trial is open for voting. Raises Unusable or OSError when it
    cannot start.
    """
    port = port or _free_port()
    _require_free(port)
    server = make_server_folder(folder / "server", web)
    officials = Officials.fresh(REGISTRARS, GUARDIANS)
    others = Officials.fresh(demo.REGISTRARS, demo.GUARDIANS)
    board_key = new_board_key(server, SLUG, "localhost/elections", officials.authority.verifier_key)
    finished_key = new_board_key(server, demo.SLUG, "localhost/elections", others.authority.verifier_key)
    with running_server(server, folder / "server.log", port) as address:
        client = _client(server, port)
        manifest = trial_manifest(officials, board_key, int(time.time()), client)
        election = LiveElection(address, manifest, officials)
        election.create()
        election.ceremony(lambda line: None)
        codes = register(election, [0] * voters).codes
        election.open()
        _print_trial(folder, election, codes, None if web is None else f"http://localhost:{port}")
        if results and engine.NAME == "reference":
            out.print("The reference engine is too slow for the re-enactment beside it: no finished election here.")
        elif results:
            out.print(f"\nA finished election is being made meanwhile: {NOTICE}.")
            replay = load_replay(500)
            finished = demo.demo_manifest(replay, others, finished_key, int(time.time()), client)
            ended = demo.re_enact(LiveElection(address, finished, others), replay, folder)
            _print_finished(ended, None if web is None else f"http://localhost:{port}")
        out.print("\nCtrl-C ends it.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.print("\nstopped")


def _client(server: ServerFolder, port: int) -> dict[str, Any]:
    """The manifest's `client`: the pages of this very server, and the digest of their listing (docs/spec page 10)."""
    if server.web is None:
        return demo.NO_PAGES
    digest = hashlib.sha256((server.web / "bundle.sha256").read_bytes()).digest()
    return {"origins": [f"http://localhost:{port}", f"http://127.0.0.1:{port}"], "bundle": digest}


def _print_trial(folder: Path, election: LiveElection, codes: tuple[tuple[str, ...], ...], page: str | None) -> None:
    policy = folder / "policy"
    policy.write_bytes(format_policy(election.policy))
    out.print(f"{election.manifest.title}, {election.manifest.notice}\n", markup=False)
    for number, own in enumerate(codes, start=1):
        path = folder / f"voter-{number}.codes"
        path.touch(mode=0o600)
        path.write_text("".join(f"{code}\n" for code in own))
        out.print(f"voter {number}  {path}  {'   '.join(own)}", markup=False, soft_wrap=True)
    if page is not None:
        # Without the codes: a browser keeps whole links in its history.
        out.print(f"\nvote     {_link(page, '#/vote', election)}", markup=False, soft_wrap=True)
        out.print("         and type or paste the codes of one voter there", markup=False)
        out.print(f"election {_link(page, '#/election', election)}", markup=False, soft_wrap=True)
    out.print(f"board    {election.url}\npolicy   {policy}", markup=False, soft_wrap=True)
    out.print(
        f"by hand  .venv/bin/retally vote {election.url} --policy {policy} --code-file {folder / 'voter-1.codes'}"
        f"\nverify   .venv/bin/retally verify {election.url} --policy {policy}",
        markup=False,
        soft_wrap=True,
    )


def _print_finished(election: LiveElection, page: str | None) -> None:
    out.print(f"\n{election.manifest.title}: {election.manifest.notice}", markup=False, soft_wrap=True)
    if page is not None:
        out.print(f"results  {_link(page, '#/results', election)}", markup=False, soft_wrap=True)
        out.print(f"verify   {_link(page, 'verify.html#', election)}", markup=False, soft_wrap=True)
    out.print(f"board    {election.url}", markup=False, soft_wrap=True)


def _link(page: str, route: str, election: LiveElection) -> str:
    """Everything after the number sign stays in the browser, and in its history."""
    board = f"/elections/{election.url.rpartition('/')[2]}"
    named = urlencode([("board", board), ("election", election.policy.election_id.hex())], safe="/")
    return f"{page}/{route}{'' if route.endswith('#') else '?'}{named}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Unusable(f"port {port} is taken: name another one with --port (0 takes a free one)") from error
