"""Boards of any size that verify, made fast: the re-enactment of the published totals at full scale.

The election is made as any other, by the roles' own functions, but for two things: voters' secrets are drawn at once
instead of from codes on paper, and `fabricate` makes the ballots, which knows every secret. Each ballot is as good as
one from a voter's device and no verifier can tell them apart, so the manifest says what it is: a synthetic
re-enactment of published totals. Never part of an election.

    make_ballots(folder, replay)      folder/open: the static files of a board with every ballot, still open
    close_board(folder, replay, n)    folder/board-n: its first n ballots, closed, decrypted and with a result
    folder/policy                     what an auditor trusts
    folder/counts-<n>.json            how many votes each candidate has by the plan

Every key is in the folder, in the clear.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import IO

from benchmarks.full_scale.tiles import TileWriter
from benchmarks.hammer.ballots import Unpublished
from retally_client.authority.acts import result_entry
from retally_client.guardian.ceremony import secrets_from_bytes, secrets_to_bytes
from retally_client.guardian.decryption import decrypt, make_journal, read_journal
from retally_client.registrar.roll import roll_commitment_entry, roll_entries
from retally_crypto.contests import ContestLayout
from retally_crypto.credentials import roll_commitment
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import engine
from retally_crypto.entries import Closing
from retally_crypto.errors import Unusable
from retally_crypto.manifest import layout
from retally_crypto.notes import format_vkey
from retally_crypto.policy_text import format_policy, parse_policy
from retally_crypto.relations import ORDER
from retally_crypto.secret.credentials import public_part
from retally_crypto.secret.sign import SigningKey, sign_entry
from retally_lab.demo import GUARDIANS, REGISTRARS, THRESHOLD, demo_manifest
from retally_lab.officials import Officials
from retally_lab.replay import Replay
from retally_verify.board import FolderBoard
from retally_verify.run import Verified, verified

FABRICATE = Path(__file__).resolve().parent / "fabricate"
FIRST = 2**64 - 1
"""In a job for `fabricate`: a ballot that replaces none."""

Told = Callable[[str], None]
Advance = Callable[[int], None]


def build_fabricate() -> Path:
    """The program that makes ballots, compiled. Raises Unusable without a Rust toolchain."""
    manifest = FABRICATE / "Cargo.toml"
    try:
        # Our own program; cargo is the user's.
        subprocess.run(  # noqa: S603
            ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", str(manifest)],  # noqa: S607
            check=True,
        )
    except FileNotFoundError:
        raise Unusable("a Rust toolchain (cargo) is needed for the program that makes ballots") from None
    return Path(os.environ.get("CARGO_TARGET_DIR") or FABRICATE / "target") / "release" / "fabricate"


def make_ballots(folder: Path, replay: Replay, told: Told, advance: Advance) -> None:
    """A new folder with a board of everything to the last ballot of `replay`, still open. Raises FileExistsError."""
    program = build_fabricate()
    folder.mkdir(parents=True)
    master = os.urandom(32)
    officials, key = _officials(master)
    election = Unpublished(demo_manifest(replay, officials, format_vkey(key.verifier_key), int(time.time())), officials)
    secrets = election.ceremony(lambda line: None)
    voters = _register(election, replay.voters, told)
    election.open()
    told(f"{len(replay.voters):,} credentials on the roll")
    (folder / "policy").write_bytes(format_policy(election.policy))
    board = TileWriter(folder / "open", key)
    board.append(election.entries)
    for entry in fabricated(program, election, replay, voters):
        board.append([entry])
        if board.size % 1024 == 0:
            advance(1024)
    board.publish()
    kept = {
        "scale": replay.scale,
        "setup": len(election.entries),
        "master": master.hex(),
        "guardians": [b64url_encode(secrets_to_bytes(each)) for each in secrets],
    }
    (folder / "election.json").write_text(json.dumps(kept) + "\n")
    told(f"{len(replay.ballots):,} ballots made")


def close_board(folder: Path, replay: Replay, size: int, told: Told) -> Path:
    """A board with the first `size` ballots of the open one, closed, decrypted and with its result.

    The plan's counts stand beside it in counts-<size>.json. Guardians verify the board before they decrypt it; what
    they have verified once is kept in folder/signed-off.
    """
    kept = json.loads((folder / "election.json").read_text())
    officials, key = _officials(bytes.fromhex(kept["master"]))
    policy = parse_policy((folder / "policy").read_bytes())
    board = folder / f"board-{size}"
    writer = TileWriter(board, key)
    writer.link(folder / "open", kept["setup"] + size)
    _write_counts(folder / f"counts-{size}.json", replay, size)

    def read() -> AbstractContextManager[Verified]:
        writer.publish()
        return verified(FolderBoard(board), policy, signed_off=folder / "signed-off")

    closing = Closing(election=policy.election_id, ballots=size)
    writer.append([sign_entry(closing, [officials.authority])])
    with read() as closed:
        for number in range(1, THRESHOLD + 1):
            own = secrets_from_bytes(b64url_decode(kept["guardians"][number - 1]))
            journal = folder / f"guardian-{number}-of-{size}.journal"
            make_journal(journal, own.journal)
            guardian = officials.guardians[number - 1]
            writer.append([decrypt(closed, own, guardian, read_journal(journal, own.journal))])
    with read() as decrypted:
        if decrypted.record is None:
            raise Unusable(f"{board} does not verify")
        writer.append([result_entry(decrypted.record, officials.authority)])
    writer.publish()
    told(f"{board.name}: {writer.size:,} entries")
    return board


def _officials(master: bytes) -> tuple[Officials, SigningKey]:
    """All officials' keys and the board's, from one secret: an election of ours can be closed later."""

    def key(name: str) -> SigningKey:
        return SigningKey.from_seed(name, sha256(master + name.encode()).digest())

    registrars = tuple(key(f"full-scale.invalid/registrar-{number}") for number in range(1, REGISTRARS + 1))
    guardians = tuple(key(f"full-scale.invalid/guardian-{number}") for number in range(1, GUARDIANS + 1))
    officials = Officials(key("full-scale.invalid/authority"), registrars, guardians)
    return officials, key("localhost/elections/full-scale")


def _register(election: Unpublished, styles: Sequence[int], told: Told) -> list[int]:
    """Every voter's secret, the sum of the registrars' parts; her credential is on the roll when this returns."""
    keys, eid = election.officials.registrars, election.policy.election_id
    own = [engine.scalar_reduce(os.urandom(64 * len(styles))) for _ in keys]
    parts = [public_part(secrets) for secrets in own]
    told("credentials made")
    for number, key in enumerate(keys, start=1):
        election.server.append(roll_commitment_entry(parts[number - 1], styles, number, eid, key))
    commitments = [roll_commitment(eid, number, each, styles) for number, each in enumerate(parts, start=1)]
    for number, key in enumerate(keys, start=1):
        for entry in roll_entries(parts[number - 1], styles, number, eid, commitments, key):
            election.server.append(entry)
    return [
        sum(int.from_bytes(each[at : at + 32], "little") for each in own) % ORDER for at in range(0, len(own[0]), 32)
    ]


def fabricated(program: Path, election: Unpublished, replay: Replay, voters: Sequence[int]) -> Iterator[bytes]:
    """Every planned ballot as an entry, in order of arrival. Raises Unusable if the program fails."""
    # Our own program, compiled from this folder.
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:  # noqa: S603
        if running.stdin is None or running.stdout is None:
            raise AssertionError("both are pipes")
        feeding = threading.Thread(target=_feed, args=(running.stdin, election, replay, voters))
        feeding.start()
        made = 0
        while length := running.stdout.read(2):
            yield running.stdout.read(int.from_bytes(length, "big"))
            made += 1
        feeding.join()
    if running.returncode or made != len(replay.ballots):
        raise Unusable(f"fabricate ended with {running.returncode} after {made} ballots")


def _feed(job: IO[bytes], election: Unpublished, replay: Replay, voters: Sequence[int]) -> None:
    with election.record() as record:
        key = record.joint_key
    if key is None:
        raise AssertionError("the opening is in force")
    manifest = election.manifest
    job.write(b"fabricate 1\n" + os.urandom(32) + election.policy.election_id + key)
    job.write(struct.pack("<I", len(manifest.styles)))
    shapes = [layout(manifest, index) for index in range(len(manifest.styles))]
    for style, shape in zip(manifest.styles, shapes, strict=True):
        name, header = style.id.encode(), shape.template.header
        job.write(struct.pack("<H", len(name)) + name + struct.pack("<I", len(header)) + header)
    last: dict[int, int] = {}
    bits = [_bits_by_choice(shape.contests[0]) for shape in shapes]
    with job:
        for position, ballot in enumerate(replay.ballots):
            chosen = bits[ballot.district][ballot.choice]
            job.write(voters[ballot.voter].to_bytes(32, "little"))
            job.write(struct.pack("<IQI", ballot.district, last.get(ballot.voter, FIRST), len(chosen)) + chosen)
            last[ballot.voter] = position


def _bits_by_choice(contest: ContestLayout) -> list[bytes]:
    """The bits of a ballot for the first option, for the second, …"""
    every = range(contest.options)
    return [bytes(contest.bits_of([int(at == chosen) for at in every])) for chosen in every]


def _write_counts(path: Path, replay: Replay, size: int) -> None:
    """Counted votes by district and candidate when the last ballot of every voter among the first `size` counts."""
    last = {ballot.voter: ballot for ballot in replay.ballots[:size]}
    counts = {one.number: {each.code: 0 for each in one.candidates} for one in replay.districts}
    for ballot in last.values():
        district = replay.districts[ballot.district]
        counts[district.number][district.candidates[ballot.choice].code] += 1
    # One bit an option, and one for who chooses none.
    selections = sum(len(replay.districts[ballot.district].candidates) + 1 for ballot in replay.ballots[:size])
    plan = {"ballots": size, "superseded": size - len(last), "selections": selections, "counts": counts}
    path.write_text(json.dumps(plan, indent=1) + "\n")
