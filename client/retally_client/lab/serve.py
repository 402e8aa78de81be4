"""`retally lab serve`: a small live election on loopback, open for voting, with the voters' codes printed. For trying.

One program holds every official's key and every voter's code here, so this election proves nothing to anyone.
"""

from __future__ import annotations

import time
from pathlib import Path

from retally_client.console import out
from retally_client.lab.officials import LiveElection, Officials
from retally_client.lab.roll import register
from retally_client.lab.server_process import make_server_folder, new_board_key, running_server
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy import format_policy

SLUG = "trial"
VOTING_SECONDS, GRACE_SECONDS = 7 * 86_400, 86_400
REGISTRARS, GUARDIANS, THRESHOLD = 2, 3, 2


def trial_manifest(officials: Officials, board_key: str, opens: int) -> Manifest:
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
            "client": {"origins": [], "bundle": None},
        }
    )


def serve(folder: Path, port: int, voters: int) -> None:
    """Runs until it is interrupted. Raises Unusable or OSError when it cannot start."""
    server = make_server_folder(folder / "server")
    officials = Officials.fresh(REGISTRARS, GUARDIANS)
    board_key = new_board_key(server, SLUG, "localhost/elections", officials.authority.verifier_key)
    with running_server(server, folder / "server.log", port) as address:
        manifest = trial_manifest(officials, board_key, int(time.time()))
        election = LiveElection(address, manifest, officials)
        election.create()
        election.ceremony(lambda line: None)
        registration = register(election, [0] * voters)
        election.open()
        policy = folder / "policy"
        policy.write_bytes(format_policy(election.policy))
        out.print(f"{manifest.title}, {manifest.notice}\n", markup=False)
        out.print(f"board   {election.url}\npolicy  {policy}\n", markup=False)
        for number, codes in enumerate(registration.codes, start=1):
            path = folder / f"voter-{number}.codes"
            path.touch(mode=0o600)
            path.write_text("".join(f"{code}\n" for code in codes))
            out.print(f"voter {number}  {path}  {'   '.join(codes)}", markup=False)
        out.print(
            f"\nVote:    .venv/bin/retally vote {election.url} --policy {policy} --code-file {folder / 'voter-1.codes'}"
            f"\nVerify:  .venv/bin/retally verify {election.url} --policy {policy}"
            "\nCtrl-C ends it.",
            markup=False,
        )
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            out.print("\nstopped")
