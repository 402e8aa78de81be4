"""Runs in electionguard's environment, by path: `python -I electionguard_worker.py BALLOTS PROCESSES`.

Measured is `CiphertextBallot.is_valid_encryption`, the library's own verification of a ballot: the disjunctive
Chaum-Pedersen proof of each selection, the constant one of the contest, and the hashes. The ballot has one contest
with 11 options and the placeholder that electionguard adds for a voter who chooses none; the numbers are the standard
ones (4096 bits). Prints one JSON document. Imports nothing of Retally.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import logging
import multiprocessing
import sys
import time
import types
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

OPTIONS = 11
EXPONENTIATIONS = 50


def without_init(name: str) -> None:
    """Make the package's modules importable one by one: its `__init__` fails from Python 3.11 on (environment.py)."""
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"{name} is not installed")
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    sys.modules[name] = package


class Election:
    """Made with electionguard's own modules, which only its environment has."""

    def __init__(self) -> None:
        from electionguard import manifest  # type: ignore[import-not-found]
        from electionguard.election import make_ciphertext_election_context  # type: ignore[import-not-found]
        from electionguard.elgamal import elgamal_keypair_random  # type: ignore[import-not-found]
        from electionguard.group import rand_q  # type: ignore[import-not-found]

        now = datetime.now(UTC)
        options = [manifest.SelectionDescription(f"option-{at}", at, f"person-{at}") for at in range(OPTIONS)]
        rule = manifest.VoteVariationType.one_of_m
        contest = manifest.ContestDescription("contest", 0, "district", rule, 1, 1, "contest", options)
        whole = manifest.Manifest(
            "election",
            "1.0",
            manifest.ElectionType.general,
            now,
            now,
            [manifest.GeopoliticalUnit("district", "district", manifest.ReportingUnitType.unknown)],
            [],
            [manifest.Candidate(f"person-{at}") for at in range(OPTIONS)],
            [contest],
            [manifest.BallotStyle("style", ["district"])],
        )
        self.manifest = manifest.InternalManifest(whole)
        key = elgamal_keypair_random().public_key
        self.context = make_ciphertext_election_context(1, 1, key, rand_q(), whole.crypto_hash())

    def ballot(self, number: int) -> Any:
        """An encrypted ballot for one of the options."""
        from electionguard import ballot
        from electionguard.encrypt import encrypt_ballot  # type: ignore[import-not-found]
        from electionguard.group import rand_q

        choice = ballot.PlaintextBallotSelection(f"option-{number % OPTIONS}", 1)
        plain = ballot.PlaintextBallot(
            f"ballot-{number}", "style", [ballot.PlaintextBallotContest("contest", [choice])]
        )
        return encrypt_ballot(plain, self.manifest, self.context, rand_q())

    def accepts(self, ballot: Any) -> bool:
        """What is measured."""
        accepted: bool = ballot.is_valid_encryption(
            self.manifest.manifest_hash, self.context.elgamal_public_key, self.context.crypto_extended_base_hash
        )
        return accepted


def verify_all(election: Election, ballots: list[Any]) -> float:
    """The processor's seconds for all of them."""
    start = time.process_time()
    if not all(election.accepts(each) for each in ballots):
        raise AssertionError("an honest ballot is refused: nothing was measured")
    return time.process_time() - start


def at_once(processes: int, work: Callable[[], object]) -> float:
    """Passed seconds until as many forked processes have done the work, each all of it."""
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work) for _ in range(processes)]
    start = time.perf_counter()
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    taken = time.perf_counter() - start
    if any(each.exitcode for each in workers):
        raise AssertionError("a process failed: nothing was measured")
    return taken


def exponentiations(election: Election, ballot: Any) -> tuple[int, float]:
    """How many modular exponentiations one ballot takes, and the seconds of one with the same lengths."""
    from electionguard import group

    original, calls = group.powmod, []

    def counted(*numbers: Any) -> Any:
        calls.append(1)
        return original(*numbers)

    group.powmod = counted
    try:
        election.accepts(ballot)
    finally:
        group.powmod = original
    prime = group.mpz(group.get_large_prime())
    base = group.mpz(election.context.elgamal_public_key.value)
    exponents = [group.mpz(group.rand_q().value) for _ in range(EXPONENTIATIONS)]
    start = time.process_time()
    for exponent in exponents:
        original(base, exponent, prime)
    return len(calls), (time.process_time() - start) / EXPONENTIATIONS


def main() -> None:
    """Measure and print."""
    ballot_count, processes = map(int, sys.argv[1:3])
    without_init("electionguard")
    logging.disable(logging.CRITICAL)
    election = Election()
    ballots = [election.ballot(number) for number in range(ballot_count)]
    forged = election.ballot(ballot_count)
    one, other = forged.contests[0].ballot_selections[:2]
    one.proof, other.proof = other.proof, one.proof
    if election.accepts(forged):
        raise AssertionError("a forged ballot is accepted: nothing was measured")
    alone = verify_all(election, ballots)
    together = at_once(processes, lambda: verify_all(election, ballots))
    count, seconds = exponentiations(election, ballots[0])
    found = {
        "version": importlib.metadata.version("electionguard"),
        "gmpy2": importlib.metadata.version("gmpy2"),
        "ballots": ballot_count,
        "selections_per_ballot": len(ballots[0].contests[0].ballot_selections),
        "seconds_alone": alone,
        "processes": processes,
        "seconds_together": together,
        "exponentiations_per_ballot": count,
        "seconds_per_exponentiation": seconds,
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
