"""What every attack is made of: the honest election it starts from, the board that comes out, and two verifiers.

The operator is the adversary: it holds the board's and the authority's keys, and for some attacks those of
registrars, guardians or witnesses, so every tampered board is signed again by whoever the attack has on its side.

An attack is a function that returns a `Tampered` board, registered with the check that must refuse it:

    @attack("V10")
    def a_ballot_copied_to_another_credential() -> Tampered: ...

`Verdicts.of` runs `retally verify` and the reference verifier, which share no code above the group, over the same
files; `assert_only` demands that both refuse the board under exactly that check, name the entry, and agree on all
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal

from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election, contest, district, members_of
from retally_lab.boards.places import MemoryBoard
from retally_reference.report import Report as ReferenceReport
from retally_reference.verify import verify_board as reference_verify_board
from retally_verify.report import Report
from retally_verify.report_document import units_of
from retally_verify.run import verify_board

CHECKS: Final = tuple(f"V{number:02}" for number in range(1, 22))
MAYOR: Final = contest("mayor", 2, "total", 1, 0, 1)
COUNCIL: Final = contest("council", 1, "option", 1, 0, 1)
IDENTITY: Final = bytes(32)
NOT_CANONICAL_POINT: Final = b"\xff" * 32
GENERATOR: Final = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
"""A good encoding of a point that is none of an honest board's."""
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
NOT_CANONICAL_SCALAR: Final = ORDER.to_bytes(32, "little")
"""The order itself: zero, written in a second way."""

BALLOTS: Final = 5
"""Ballot entries on the honest election's board, one of them superseded."""

State = Literal["fail", "incomplete"]


@dataclass(frozen=True)
class Tampered:
    """A board as the operator publishes it, what an auditor brings along, and what a verifier has to name.

    `names` are the beginnings of the notes of the check that fails, one for each note, in order.
    """

    files: Mapping[str, bytes]
    policy: TrustPolicy
    names: tuple[str, ...]
    kept: tuple[bytes, ...] = ()
    receipts: tuple[bytes, ...] = ()

    @classmethod
    def board(cls, election: Election, *indices: int, names: Sequence[str] = (), **more: Any) -> Tampered:
        """The election's board as it stands; the entries at `indices` are those to be named."""
        return cls(election.files(), election.policy(), (*(f"entry {at}: " for at in indices), *names), **more)

    def with_file(self, path: str, content: bytes | None) -> Tampered:
        """The same with one file exchanged, or taken away."""
        files = {name: raw for name, raw in self.files.items() if name != path}
        return replace(self, files=files if content is None else {**files, path: content})


@dataclass(frozen=True)
class Attack:
    """A tampered board to be, and the one check that refuses it; `state` is incomplete where something is missing."""

    name: str
    check: str
    state: State
    build: Callable[[], Tampered]


ATTACKS: Final[dict[str, Attack]] = {}


def attack(check: str, state: State = "fail") -> Callable[[Callable[[], Tampered]], Callable[[], Tampered]]:
    """Register a function as an attack that check `check` refuses."""

    def register(build: Callable[[], Tampered]) -> Callable[[], Tampered]:
        enrol(build.__name__, check, build, state)
        return build

    return register


def enrol(name: str, check: str, build: Callable[[], Tampered], state: State = "fail") -> None:
    """Register an attack under a name of its own."""
    if name in ATTACKS:
        raise ValueError(f"two attacks are called {name}")
    ATTACKS[name] = Attack(name, check, state, build)


@dataclass(frozen=True)
class Verdicts:
    """What the two verifiers found on one board."""

    ours: Report
    theirs: ReferenceReport

    @classmethod
    def of(cls, board: Tampered) -> Verdicts:
        return cls(
            verify_board(MemoryBoard(board.files), board.policy, board.kept, board.receipts),
            reference_verify_board(board.files.get, format_policy(board.policy), board.kept, board.receipts),
        )

    def assert_agree(self) -> None:
        """The same verdict, exit code, state of every check, counts and reconciliation, and the same entries named."""
        ours = {check: (self.ours.state_of(check), _named(self.ours.notes_of(check))) for check in CHECKS}
        theirs = {check: (self.theirs.state_of(check), _named(self.theirs.notes_of(check))) for check in CHECKS}
        assert ours == theirs
        assert (self.ours.verdict, self.ours.exit_code) == (self.theirs.verdict, self.theirs.exit_code)
        assert self.our_counts() == self.theirs.counts
        outcome = self.ours.outcome
        numbers = None if outcome is None else vars(outcome.reconciliation)
        assert numbers == self.theirs.reconciliation

    def our_counts(self) -> list[dict[str, Any]] | None:
        """The counts of `retally verify` in the form of the reference verifier."""
        outcome = self.ours.outcome
        if outcome is None or outcome.counts is None:
            return None
        return [
            {
                "districts": list(unit.unit.districts),
                "state": unit.unit.state,
                "counted": unit.unit.counted,
                "contests": [{"contest": one.contest, "counts": list(one.counts)} for one in unit.contests],
            }
            for unit in units_of(outcome)
        ]

    def assert_only(self, check: str, state: State, names: Sequence[str]) -> None:
        """Both refuse the board under `check` alone, naming these entries or files and no other."""
        self.assert_agree()
        for report in (self.ours, self.theirs):
            assert report.failed == ((check,) if state == "fail" else ())
            assert report.state_of(check) == state
            assert report.exit_code == (1 if state == "fail" else 2)
            notes = report.notes_of(check)
            found = [note.startswith(name) for note, name in zip(notes, names, strict=False)]
            assert len(found) == len(names), (check, notes, names)
            assert all(found), (check, notes, names)


def _named(notes: Sequence[str]) -> list[str]:
    """The entries that notes name, in order; one may break several rules of the manifest."""
    return list(dict.fromkeys(note.split(":")[0] for note in notes if note.startswith("entry ")))


# ---- the election that attacks start from ----


@cache
def _honest() -> Election:
    election = Election.create((MAYOR, COUNCIL), voters={"north": 4, "south": 4})
    election.ceremony()
    election.roll()
    election.open()
    vote(election)
    election.close()
    election.paper("north", "mayor", [10, 20])
    election.decrypt(1, 3)
    election.result()
    return election


def vote(election: Election) -> None:
    """Four voters, one of whom votes twice: 1 to 1 in the north, 2 to 0 in the south."""
    election.cast("north-1", [[0, 1], [1]])
    election.cast("south-1", [[1, 0]])
    election.cast("north-1", [[1, 0], [1]])
    election.cast("north-2", [[0, 1], [0]])
    election.cast("south-4", [[1, 0]])


def honest() -> Election:
    """A finished election in which everyone was honest: north votes on mayor and council, south on mayor only."""
    return _honest().copy()


def at_polls() -> Election:
    """The honest election just before it closes."""
    return _honest().before("closing")


def at_count() -> Election:
    """The honest election after its closing and paper count, before anyone decrypts."""
    return _honest().before("partial-decryption")


def finish(election: Election) -> Election:
    """Close, decrypt and publish whatever the board is by now."""
    election.close()
    return publish(election)


def publish(election: Election) -> Election:
    """Decrypt and publish a board that is closed."""
    election.decrypt(1, 2)
    election.result()
    return election


def refused(raw: bytes, at: Callable[[], Election] = at_polls) -> Tampered:
    """A ballot or another entry slipped in during voting, on a board that is then finished as if nothing were."""
    election = at()
    index = election.append(raw)
    return Tampered.board(finish(election), index)


@cache
def _witnessed() -> Election:
    election = Election.create((MAYOR,), (district("north"),), witness_count=(2, 3), voters={"north": 2})
    election.ceremony()
    election.roll()
    election.open()
    election.cast("north-1", [[1, 0]])
    election.cast("north-2", [[0, 1]])
    election.close()
    election.decrypt(1, 3)
    election.result()
    return election


def witnessed() -> Election:
    """A finished honest election that two of three witnesses have to cosign."""
    return _witnessed().copy()


@cache
def another_election() -> Election:
    """An election beside the honest one, open, with the same keys and other codes: where ballots are replayed from."""
    election = Election.create((MAYOR, COUNCIL), title="Another election")
    election.ceremony()
    election.roll()
    election.open()
    election.cast("south-1", [[1, 0]])
    return election


def commitments_only() -> Election:
    """The honest election after the guardians' commitments."""
    return _honest().before("guardian-shares")


def shared_only() -> Election:
    """The honest election after the guardians' shares, before any confirmation."""
    return _honest().before("guardian-confirmation")


def at_opening() -> Election:
    """The honest election just before its opening."""
    return _honest().before("opening")


def just_opened() -> Election:
    """The honest election just after its opening."""
    return _honest().before("ballot")


def members(election: Election, index: int) -> dict[str, Any]:
    """The JSON members of an entry."""
    return members_of(election.entries[index])
