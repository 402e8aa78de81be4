"""A trial election with all of its ballots made ahead of time: encrypted and proved as a voter's device does it.

    trial = make_trial(folder, voters=1000)     make it: `folder` is new; or read_trial(folder) later
    trial.install(data)                         the board's key into the data folder of a server that does not run yet
    trial.set_up("http://127.0.0.1:8000")       manifest, ceremony, roll, opening: posted to the running server
    trial.ballots[i]                            an entry, to be posted to trial.url(address) + "/ballots"
    trial.continues[i]                          its voter's ballot before, which must be on the board first; or None
    trial.finish(address, folder)               closing, decryption, result: then the board verifies with PASS
    trial.policy                                what an auditor needs to verify it

The ballots stand in the order in which they are to be cast. The same trial can be set up on any number of servers, one
after the other: its entries are bytes that never change. Ballots are taken for a day from when it was made, and it can
be closed at any time of that day: longer than `GRACE_SECONDS` no manifest allows.

Test equipment: every key of every official is in the folder, in the clear.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from retally_client.api import BoardServer
from retally_client.guardian.ceremony import Secrets, secrets_from_bytes, secrets_to_bytes
from retally_crypto.ballots import FIRST
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import parse_entry
from retally_crypto.errors import Refused
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import policy_from_manifest
from retally_crypto.replay import Record
from retally_crypto.secret.encrypt import encrypt, prove_ballot
from retally_crypto.secret.sign import SigningKey
from retally_lab.casting import Voter
from retally_lab.officials import LiveElection, Officials
from retally_lab.roll import register
from retally_server.board.board_keys import make_board_key

SLUG = "hammered"
DISTRICTS, GUARDIANS, THRESHOLD, REGISTRARS = 15, 3, 2, 2
OPTIONS = 14
"""Of the one contest of every district, as many as the longest of the 15 districts of 2021 had; one or none is chosen,
so that a ballot has 15 bits."""

AGAIN = 0.1
"""Share of the voters who vote a second time."""

VOTING_SECONDS, GRACE_SECONDS = 1, 86_400
VOTERS_AT_ONCE = 100

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Trial:
    """One election and its ballots; see the module's docstring. `setup` are the officials' entries to the opening."""

    folder: Path
    manifest: Manifest
    setup: tuple[bytes, ...]
    ballots: tuple[bytes, ...]
    continues: tuple[int | None, ...]
    officials: Officials
    secrets: tuple[Secrets, ...]

    @property
    def policy(self) -> TrustPolicy:
        """The trust policy of this election."""
        return policy_from_manifest(self.setup[0])

    @staticmethod
    def url(address: str) -> str:
        """The board's prefix on the server at `address`, http://host:port."""
        return f"{address}/elections/{SLUG}"

    def install(self, data: Path) -> None:
        """Puts the board's key into a server's data folder, made if it is not there."""
        shutil.copytree(self.folder / "keys", data / "keys", dirs_exist_ok=True)

    def set_up(self, address: str, advance: Advance = lambda entries: None) -> None:
        """Posts every official's entry to the opening. Raises Refused or Unusable."""
        server = BoardServer(self.url(address))
        server.create(self.setup[0])
        for entry in self.setup[1:]:
            server.append(entry)
            advance(1)

    def finish(self, address: str, folder: Path) -> None:
        """Closes voting, decrypts, publishes. The guardians' journals go into `folder`. Raises Refused or Unusable."""
        election = LiveElection(address, self.manifest, self.officials)
        election.close()
        election.decrypt(self.secrets, range(1, THRESHOLD + 1), folder, lambda line: None)
        election.publish()


def make_trial(
    folder: Path,
    voters: int,
    options: int = OPTIONS,
    again: float = AGAIN,
    processes: int = 1,
    advance: Advance = lambda ballots: None,
) -> Trial:
    """A trial election into a new folder; `advance` is told how many more ballots are made.

    Ballots are made in so many processes; with one, in this one. Raises FileExistsError.
    """
    folder.mkdir(parents=True)
    master = os.urandom(32)
    board = make_board_key(folder / "keys", SLUG, "localhost/elections", None)
    officials = _officials(master)
    election = Unpublished(_manifest(officials, format_vkey(board), options), officials)
    election.create()
    secrets = election.ceremony(lambda line: None)
    chance = random.Random(2021)  # noqa: S311 - who votes when in a trial is no secret
    registered = register(election, [chance.randrange(DISTRICTS) for _ in range(voters)]).voters
    election.open()
    order, continues = _arrivals(voters, again, chance)
    ballots = _cast(election, registered, order, processes, advance)
    kept = {"master": master.hex(), "secrets": [b64url_encode(secrets_to_bytes(each)) for each in secrets]}
    (folder / "officials.json").write_text(json.dumps(kept))
    (folder / "continues.json").write_text(json.dumps(continues))
    _write(folder / "setup", election.entries)
    _write(folder / "ballots", ballots)
    return read_trial(folder)


def read_trial(folder: Path) -> Trial:
    """The trial that `make_trial` made in this folder."""
    kept = json.loads((folder / "officials.json").read_text())
    setup = _read(folder / "setup")
    entry = parse_entry(setup[0], None)
    manifest = getattr(entry, "content", None)
    if not isinstance(manifest, Manifest):
        raise Refused(f"{folder} holds no trial election")
    return Trial(
        folder=folder,
        manifest=manifest,
        setup=setup,
        ballots=_read(folder / "ballots"),
        continues=tuple(json.loads((folder / "continues.json").read_text())),
        officials=_officials(bytes.fromhex(kept["master"])),
        secrets=tuple(secrets_from_bytes(b64url_decode(each)) for each in kept["secrets"]),
    )


class Unpublished(LiveElection):
    """An election whose entries are admitted to a record in memory instead of to a server."""

    def __init__(self, manifest: Manifest, officials: Officials) -> None:
        super().__init__("http://127.0.0.1", manifest, officials)
        self.entries = [self.entry]
        self._record = Record(self.entry)
        self.server = _IntoRecord(self._record, self.entries)

    def create(self) -> None:
        """The manifest is there from the beginning."""

    @contextmanager
    def record(self) -> Iterator[Record]:
        yield self._record


class _IntoRecord(BoardServer):
    def __init__(self, record: Record, entries: list[bytes]) -> None:
        super().__init__("http://127.0.0.1/elections/nowhere")
        self._record = record
        self._entries = entries

    def append(self, entry: bytes) -> int:
        (ruling,) = self._record.admit([entry])
        if ruling.index is None:
            raise Refused(f"{ruling.check}: {ruling.reason}")
        self._entries.append(entry)
        return ruling.index


def _officials(master: bytes) -> Officials:
    def key(name: str) -> SigningKey:
        return SigningKey.from_seed(f"hammer.invalid/{name}", sha256(master + name.encode()).digest())

    return Officials(
        key("authority"),
        tuple(key(f"registrar-{number}") for number in range(1, REGISTRARS + 1)),
        tuple(key(f"guardian-{number}") for number in range(1, GUARDIANS + 1)),
    )


def _manifest(officials: Officials, board_key: str, options: int) -> Manifest:
    opens = int(time.time())
    numbers = [str(number) for number in range(1, DISTRICTS + 1)]
    return Manifest.model_validate(
        {
            "kind": "manifest",
            "version": "RETALLY-V01",
            "title": "A trial under load",
            "notice": "a trial: nobody votes here",
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
                    "id": number,
                    "title": f"Deputy of district {number}",
                    "options": [{"id": f"o{at}", "title": f"Candidate {at}"} for at in range(1, options + 1)],
                    "limit": "total",
                    "score": 1,
                    "min": 0,
                    "max": 1,
                }
                for number in numbers
            ],
            "districts": [{"id": number, "title": f"District {number}", "merge": None} for number in numbers],
            "styles": [{"id": number, "district": number, "contests": [number]} for number in numbers],
            "smallest_unit": 0,
            "caps": {"revocations": 0, "replacements": 0},
            "client": {"origins": [], "bundle": None},
        }
    )


def _arrivals(voters: int, again: float, chance: random.Random) -> tuple[list[int], list[int | None]]:
    """The voter of every ballot in order, and the place of the ballot that each one continues."""
    moments = [(chance.random(), voter) for voter in range(voters)]
    second = chance.sample(moments, round(again * voters))
    moments += [(chance.uniform(first, 1), voter) for first, voter in second]
    order = [voter for _, voter in sorted(moments)]
    last: dict[int, int] = {}
    continues: list[int | None] = []
    for place, voter in enumerate(order):
        continues.append(last.get(voter))
        last[voter] = place
    return order, continues


def _cast(
    election: Unpublished, voters: Sequence[Voter], order: Sequence[int], processes: int, advance: Advance
) -> list[bytes]:
    with election.record() as record:
        key = record.joint_key
    if key is None:
        raise Refused("the opening is not in force")
    counts = [0] * len(voters)
    for voter in order:
        counts[voter] += 1
    tasks = [
        (
            election.entry,
            key,
            list(zip(voters[at : at + VOTERS_AT_ONCE], counts[at : at + VOTERS_AT_ONCE], strict=True)),
        )
        for at in range(0, len(voters), VOTERS_AT_ONCE)
    ]
    chains: list[list[bytes]] = []

    def keep(made: list[list[bytes]]) -> None:
        chains.extend(made)
        advance(sum(map(len, made)))

    if processes == 1:
        for task in tasks:
            keep(_chains(*task))
    else:
        # One thread each: the engine gains less from a second core within one ballot than from a second ballot.
        os.environ["RAYON_NUM_THREADS"] = "1"
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            for made in pool.map(_chains, *zip(*tasks, strict=True)):
                keep(made)
        del os.environ["RAYON_NUM_THREADS"]
    return [chains[voter].pop(0) for voter in order]


def _chains(manifest_entry: bytes, key: bytes, voters: Sequence[tuple[Voter, int]]) -> list[list[bytes]]:
    """So many ballots of each voter, one continuing the other."""
    record = Record(manifest_entry)
    manifest, chance = record.manifest, random.Random(os.urandom(8))  # noqa: S311 - a trial's votes
    chains = []
    for voter, count in voters:
        contest = manifest.contest(manifest.styles[voter.style].contests[0])
        chain: list[bytes] = []
        previous = FIRST
        for _ in range(count):
            chosen = chance.randrange(-1, len(contest.options))
            choices = [[int(option == chosen) for option in range(len(contest.options))]]
            sealed = encrypt(
                manifest, record.election_id, key, voter.style, voter.credential, previous, choices, os.urandom(32)
            )
            chain.append(prove_ballot(sealed, voter.secret))
            previous = sealed.body_hash
        chains.append(chain)
    return chains


def _write(path: Path, entries: Sequence[bytes]) -> None:
    """Each entry after its length in two bytes, as in an entry bundle."""
    with path.open("wb") as file:
        for entry in entries:
            file.write(len(entry).to_bytes(2, "big") + entry)


def _read(path: Path) -> tuple[bytes, ...]:
    raw, at, entries = path.read_bytes(), 0, []
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        entries.append(raw[at + 2 : end])
        at = end
    return tuple(entries)
