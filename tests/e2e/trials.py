"""A real server with the built web client, and small elections on it in any state, for a browser to meet.

The server is a process of its own on a fixed loopback port, so that a test can kill it and start it again behind an
open page. Officials act through the same functions as their commands.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from retally_client.guardian.ceremony import Secrets
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_lab.casting import cast_all
from retally_lab.officials import LiveElection, Officials
from retally_lab.replay import PlannedBallot
from retally_lab.roll import Registration, register
from retally_lab.server_process import ServerFolder, make_server_folder, new_board_key

ROOT = Path(__file__).parents[2]
WEB = ROOT / "client" / "web" / "dist"
READY_SECONDS = 60.0


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bundle_digest() -> bytes:
    """The digest of the build that is served (docs/spec page 10)."""
    return hashlib.sha256((WEB / "bundle.sha256").read_bytes()).digest()


class Server:
    """A ballot server on a fixed port, with the page."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder: ServerFolder = make_server_folder(folder / "server")
        self.log = folder / "server.log"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.settings = {"RETALLY_WEB": str(WEB), **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "retally_server.operator.cli", "serve"],
                env=self.folder.environment(self.port) | self.settings,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            try:
                if httpx.get(f"{self.address}/health", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not answer within {READY_SECONDS:.0f} seconds")

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Graceful, and certain."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@dataclass(frozen=True)
class Invited:
    """What a voter has in her hands: where to vote, and the codes from her letters."""

    link: str
    codes: tuple[str, ...]


def plain_contests() -> list[dict[str, Any]]:
    """A choice of one, an approval and a score contest."""

    def options(*titles: str) -> list[dict[str, str]]:
        return [{"id": f"o{number}", "title": title} for number, title in enumerate(titles, start=1)]

    return [
        {
            "id": "chair",
            "title": "Who chairs the club?",
            "options": options("Ada", "Emmy", "Sofya"),
            "limit": "total",
            "score": 1,
            "min": 0,
            "max": 1,
        },
        {
            "id": "days",
            "title": "Which days suit you?",
            "options": options("Monday", "Wednesday", "Friday"),
            "limit": "option",
            "score": 1,
            "min": 0,
            "max": 3,
        },
        {
            "id": "books",
            "title": "How much would you like to read each of these?",
            "options": options("A novel", "A history"),
            "limit": "option",
            "score": 5,
            "min": 0,
            "max": 10,
        },
    ]


@dataclass
class Trial:
    """One election on a server, with its officials' secrets and its voters' codes."""

    server: Server
    slug: str
    folder: Path
    live: LiveElection
    registration: Registration
    secrets: list[Secrets] = field(repr=False)

    @property
    def manifest(self) -> Manifest:
        return self.live.manifest

    @property
    def election_id(self) -> str:
        return self.live.policy.election_id.hex()

    def codes(self, voter: int) -> tuple[str, ...]:
        return self.registration.codes[voter]

    def size(self) -> int:
        """Entries on the board, as an auditor reads it."""
        head = self.live.report().head
        assert head is not None
        return head.size

    def link(self, page: str, *more: tuple[str, str], document: str = "") -> str:
        """The address of a page for this election: everything is in the fragment, which browsers never send."""
        named = [("board", f"/elections/{self.slug}"), ("election", self.election_id), *more]
        return f"{self.server.address}/{document}#/{page}?{urlencode(named)}"

    def invited(self, voter: int) -> Invited:
        return Invited(self.link("vote"), self.codes(voter))

    def verify_link(self) -> str:
        named = urlencode([("board", f"/elections/{self.slug}"), ("election", self.election_id)])
        return f"{self.server.address}/verify.html#{named}"

    def cast(self, ballots: Sequence[PlannedBallot]) -> None:
        """Ballots in elections with one contest, cast by a program."""
        with self.live.record() as record:
            key = record.joint_key
        assert key is not None
        cast_all(
            self.live.url,
            self.manifest,
            self.live.policy,
            key,
            self.registration.voters,
            ballots,
            lambda _: None,
        )

    def finish(self) -> None:
        """Wait for the closing time, close, decrypt with as many guardians as it takes, publish."""
        time.sleep(max(0.0, self.manifest.closes + 1 - time.time()))
        self.live.close()
        numbers = range(1, self.manifest.guardians.threshold + 1)
        self.live.decrypt(self.secrets, numbers, self.folder / f"{self.slug}-journals", lambda _: None)
        self.live.publish()


def new_trial(
    server: Server,
    slug: str,
    voters: Sequence[int],
    opening: bool = True,
    board_made: Callable[[str], None] = lambda board_key: None,
    **members: Any,
) -> Trial:
    """An election that is open for voting, one voter for each style index in `voters`, two codes each.

    `members` replace those of the manifest; `opening=False` leaves it before its opening. `board_made` is told the
    board's verifier key before the server starts with it.
    """
    officials = Officials.fresh(2, 3)
    board_key = new_board_key(server.folder, slug, "localhost/elections", officials.authority.verifier_key)
    board_made(board_key)
    server.stop()
    server.start()
    opens = int(time.time())
    contests = members.pop("contests", plain_contests())
    manifest = Manifest.model_validate(
        {
            "kind": "manifest",
            "version": "RETALLY-V01",
            "title": "The reading club",
            "notice": "a trial: every key and every code is in one place",
            "authority": format_vkey(officials.authority.verifier_key),
            "board": board_key,
            "registrars": [format_vkey(key.verifier_key) for key in officials.registrars],
            "guardians": {"keys": [format_vkey(key.verifier_key) for key in officials.guardians], "threshold": 2},
            "witnesses": {"keys": [], "quorum": 0},
            "opens": opens,
            "closes": opens + 86_400,
            "grace": 86_400,
            "contests": contests,
            "districts": [{"id": "club", "title": "The club", "merge": None}],
            "styles": [{"id": "member", "district": "club", "contests": [one["id"] for one in contests]}],
            "smallest_unit": 2,
            "caps": {"revocations": 0, "replacements": 0},
            "client": {"origins": [server.address], "bundle": bundle_digest()},
            **members,
        }
    )
    live = LiveElection(server.address, manifest, officials)
    live.create()
    secrets = live.ceremony(lambda _: None)
    registration = register(live, list(voters))
    if opening:
        live.open()
    return Trial(server, slug, server.log.parent, live, registration, secrets)
