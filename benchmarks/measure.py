"""One run with one engine on so many cores, as one JSON document: `python -m benchmarks.measure [--quick]`.

The engine and the number of threads are chosen before a process starts, by RETALLY_ENGINE and RAYON_NUM_THREADS, so
`python -m benchmarks` starts one process for each. A selection is one encrypted bit of a ballot.

The raw figures bound what batch verification can cost: the same points decoded, and one multi-scalar multiplication
of the same points with scalars of the same lengths (128 bits for commitments, full length for everything else),
decoding included, without transcripts, hashing and the rest.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

from retally_crypto.ballots import FIRST, ballot_statement, verify_ballots
from retally_crypto.engine import choose_engine_from_environment, engine, records
from retally_crypto.entries import Ballot, election_id, parse_entry
from retally_crypto.manifest import Manifest, layout
from retally_crypto.ranges import ROW, Rules, summarise
from retally_crypto.secret.encrypt import SealedBallot, encrypt, prove_ballot
from retally_crypto.secret.sign import sign_entry
from retally_crypto.tile_files import encode_bundle
from retally_lab.boards.manifests import contest, manifest, signing_key

OPTIONS = 11
"""Options of the one contest, of which a voter may choose one or none: 12 bits."""

LOGARITHMS, BOUND = 200, 2_100_000
HASHED_LEAVES = 65_536


@dataclass(frozen=True)
class Run:
    """What was measured. Times are the best of `repeats`."""

    engine: str
    version: str
    ballots: int
    selections: int
    points_per_ballot: int
    bytes_per_entry: int
    repeats: int
    microseconds_per_selection: dict[str, float]
    microseconds_per_leaf: float
    microseconds_per_node: float
    milliseconds_for_logarithms: float


def best(repeats: int, work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the fastest of so many calls: the others were disturbed."""
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def fresh_scalars(count: int, length: int = 64) -> bytes:
    """So many random scalars: of full length, or of as many bytes as given."""
    wide = b"".join(secrets.token_bytes(length).ljust(64, b"\0") for _ in range(count))
    return engine.scalar_reduce(wide)


@dataclass(frozen=True)
class Electorate:
    """An open election with so many voters who vote once."""

    manifest: Manifest
    entry: bytes
    key: bytes
    voters: tuple[bytes, ...]

    @property
    def election_id(self) -> bytes:
        return election_id(self.entry)

    def encrypt(self) -> list[SealedBallot]:
        choices = [[1, *([0] * (OPTIONS - 1))]]
        return [
            encrypt(self.manifest, self.election_id, self.key, 0, credential, FIRST, choices, secrets.token_bytes(32))
            for credential in map(engine.multiply_base, self.voters)
        ]

    def prove(self, sealed: list[SealedBallot]) -> list[bytes]:
        return [prove_ballot(one, secret) for one, secret in zip(sealed, self.voters, strict=True)]

    def read(self, entries: list[bytes]) -> list[Ballot]:
        ballots = [parse_entry(raw, self.election_id) for raw in entries]
        return [ballot for ballot in ballots if isinstance(ballot, Ballot)]

    def verify_singly(self, ballots: list[Ballot]) -> bool:
        header = layout(self.manifest, 0).template.header
        statements = (ballot_statement(ballot, self.election_id, self.key) for ballot in ballots)
        return all(
            engine.verify(header, elements, tag, ballot.proof)
            for ballot, (elements, tag) in zip(ballots, statements, strict=True)
        )

    def verify_as_a_board(self, bundles: list[bytes]) -> bool:
        """From bundles to the summaries of two ranges at a time, as `retally verify` does it."""
        half = -(-len(bundles) // 2)
        with ThreadPoolExecutor(2) as pool:
            return all(pool.map(self._verify_range, (bundles[:half], bundles[half:])))

    def _verify_range(self, bundles: list[bytes]) -> bool:
        hashed = [(bundle, records.hash_leaves(bundle)) for bundle in bundles]
        summary = summarise(Rules(self.entry, self.key), 0, hashed, 0)
        return all(proven for _, _, _, proven, _, _ in ROW.iter_unpack(summary.rows)) and not summary.malformed

    def verify_together(self, ballots: list[Ballot]) -> bool:
        return not verify_ballots(ballots, self.manifest, self.election_id, self.key)


def measure(ballot_count: int, single_count: int, repeats: int, clock: Callable[[], float] = time.perf_counter) -> Run:
    """Everything, with so many ballots; fewer of them are verified singly."""
    fastest = partial(best, clock=clock)
    rules = manifest([contest("question", OPTIONS, 0, 1)])
    voters = tuple(fresh_scalars(1) for _ in range(ballot_count))
    entry = sign_entry(rules, [signing_key("authority")])
    electorate = Electorate(rules, entry, engine.multiply_base(fresh_scalars(1)), voters)
    shape = layout(rules, 0)
    selections = ballot_count * shape.n_bits

    sealed = electorate.encrypt()
    entries = electorate.prove(sealed)
    ballots = electorate.read(entries)
    bundles = [encode_bundle(entries[at : at + 256]) for at in range(0, len(entries), 256)]
    if not (
        electorate.verify_together(ballots)
        and electorate.verify_singly(ballots[:single_count])
        and electorate.verify_as_a_board(bundles)
    ):
        raise AssertionError("an honest ballot is refused: nothing was measured")

    commitments = 32 * shape.template.equations
    weighed = b"".join(ballot.proof[:commitments] for ballot in ballots)
    multiplied = b"".join(ballot.credential + ballot.ciphertexts for ballot in ballots)
    scalars = fresh_scalars(len(weighed) // 32, 16) + fresh_scalars(len(multiplied) // 32)
    points = weighed + multiplied

    leaves = secrets.token_bytes(32 * HASHED_LEAVES)
    counts = [secrets.randbelow(BOUND) for _ in range(LOGARITHMS)]
    sums = engine.multiply_base(b"".join(count.to_bytes(32, "little") for count in counts))

    def logarithms() -> None:
        if engine.discrete_logs(sums, [BOUND] * LOGARITHMS) != counts:
            raise AssertionError("a discrete logarithm is wrong: nothing was measured")

    single = single_count * shape.n_bits
    seconds = {
        "encrypt": fastest(repeats, electorate.encrypt) / selections,
        "prove": fastest(repeats, lambda: electorate.prove(sealed)) / selections,
        "verify singly": fastest(repeats, lambda: electorate.verify_singly(ballots[:single_count])) / single,
        "verify in a batch": fastest(repeats, lambda: electorate.verify_together(ballots)) / selections,
        "verify a board's range": fastest(repeats, lambda: electorate.verify_as_a_board(bundles)) / selections,
        "raw decompressions": fastest(repeats, lambda: engine.invalid_points(points)) / selections,
        "raw multi-scalar multiplication": fastest(repeats, lambda: engine.multi_scalar_multiply(scalars, points))
        / selections,
    }
    return Run(
        engine=engine.NAME,
        version=engine.VERSION,
        ballots=ballot_count,
        selections=selections,
        points_per_ballot=len(points) // 32 // ballot_count,
        bytes_per_entry=len(entries[0]),
        repeats=repeats,
        microseconds_per_selection={name: round(1e6 * time, 2) for name, time in seconds.items()},
        microseconds_per_leaf=round(
            1e6 * fastest(repeats, lambda: [records.hash_leaves(bundle) for bundle in bundles]) / ballot_count, 2
        ),
        microseconds_per_node=round(
            1e6 * fastest(repeats, lambda: records.merkle_root(leaves)) / (HASHED_LEAVES - 1), 3
        ),
        milliseconds_for_logarithms=round(1e3 * fastest(repeats, logarithms), 1),
    )


def main() -> None:
    """Measure with the engine in use and print the run."""
    parser = argparse.ArgumentParser(prog="benchmarks.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer ballots, once each")
    quick = parser.parse_args().quick
    choose_engine_from_environment()
    native = engine.NAME == "native"
    ballots, single = (2048, 256) if native else (64, 16)
    run = measure(ballots // 16, single // 8, 1) if quick else measure(ballots, single, 3)
    json.dump(asdict(run), sys.stdout)


if __name__ == "__main__":
    main()
