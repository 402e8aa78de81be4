"""The published totals as an election to run: districts, ballots in the order in which such ballots arrived, paper
counts.

Only the totals are real. Who voted for whom in which order is drawn at random, so that every candidate has the
published number of counted and superseded ballots.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

NOTICE = "synthetic re-enactment of published totals"
SCALES = (1, 100, 500)


@dataclass(frozen=True)
class Candidate:
    """One candidate's published totals; `superseded` are stored ballots that the operator did not count."""

    code: str
    paper: int
    online: int
    superseded: int


@dataclass(frozen=True)
class District:
    """A district's candidates in the published order, its spoilt papers, and the winners that follow from the
    totals."""

    number: str
    title: str
    candidates: tuple[Candidate, ...]
    paper_invalid: int

    @property
    def counted(self) -> int:
        return sum(candidate.online for candidate in self.candidates)

    @property
    def superseded(self) -> int:
        return sum(candidate.superseded for candidate in self.candidates)


@dataclass(frozen=True)
class PlannedBallot:
    """A ballot to cast: voter (position in the roll) and the candidate's position in her district."""

    voter: int
    district: int
    choice: int


@dataclass(frozen=True)
class Replay:
    """The re-enactment at one scale. Voters are numbered district by district; `ballots` is the order of arrival."""

    scale: int
    districts: tuple[District, ...]
    voters: tuple[int, ...]
    ballots: tuple[PlannedBallot, ...]


def load_replay(scale: int, most_ballots: int | None = None) -> Replay:
    """The re-enactment at a scale of SCALES; with `most_ballots` only the first districts that fit (one at least)."""
    raw = json.loads(_read(f"replay_scale_{scale}.json"))
    districts: list[District] = []
    total = 0
    for one in raw["districts"]:
        district = District(
            number=str(one["district"]),
            title=str(one["label"]),
            candidates=tuple(
                Candidate(row["code"], row["paper"], row["online"], row["online_superseded"])
                for row in one["candidates"]
            ),
            paper_invalid=one["paper_invalid"],
        )
        total += district.counted + district.superseded
        if most_ballots is not None and total > most_ballots and districts:
            break
        districts.append(district)
    return arranged(scale, districts, random.Random(2021))


def arranged(scale: int, districts: Sequence[District], chance: random.Random) -> Replay:
    """Voters and ballots that give exactly the totals of `districts`, arriving as ballots arrived then."""
    voters: list[int] = []
    ballots: list[PlannedBallot] = []
    arrivals: list[float] = []
    profile = _profile()
    for place, district in enumerate(districts):
        first_voter = len(voters)
        last = [choice for choice, candidate in enumerate(district.candidates) for _ in range(candidate.online)]
        earlier = [choice for choice, candidate in enumerate(district.candidates) for _ in range(candidate.superseded)]
        voters += [place] * len(last)
        again = chance.choices(range(len(last)), k=len(earlier)) if last else []
        votes: dict[int, list[int]] = {voter: [choice] for voter, choice in enumerate(last)}
        for voter, choice in zip(again, earlier, strict=True):
            votes[voter].insert(0, choice)
        for voter, choices in votes.items():
            times = sorted(_moment(profile, chance) for _ in choices)
            arrivals += times
            ballots += [PlannedBallot(first_voter + voter, place, choice) for choice in choices]
    order = sorted(range(len(ballots)), key=arrivals.__getitem__)
    return Replay(scale, tuple(districts), tuple(voters), tuple(ballots[position] for position in order))


def _moment(profile: tuple[list[float], list[float]], chance: random.Random) -> float:
    starts, shares = profile
    return chance.choices(starts, weights=shares)[0] + chance.random()


def _profile() -> tuple[list[float], list[float]]:
    shares = [float(row["share_normalised"]) for row in csv.DictReader(io.StringIO(_read("arrival_profile.csv")))]
    return [float(half_hour) for half_hour in range(len(shares))], shares


def _read(name: str) -> str:
    return (files("retally_lab") / "data" / name).read_text(encoding="utf-8")


def reversals(districts: Sequence[District]) -> Iterator[str]:
    """Numbers of the districts whose leader on paper is not the leader of paper and online together."""
    for district in districts:
        paper = max(district.candidates, key=lambda candidate: candidate.paper)
        combined = max(district.candidates, key=lambda candidate: candidate.paper + candidate.online)
        if paper is not combined:
            yield district.number
