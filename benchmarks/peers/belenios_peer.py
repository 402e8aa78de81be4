"""`belenios-tool election verify` on elections made with the same tool, by the slope between few and many ballots.

The command verifies everything in an election's archive. Both archives have the same voters, keys and question and
differ only in how many ballots were cast, so starting the process, reading the roll and checking keys drop out, and
what remains is one more ballot: read from the archive, parsed, its signature, the proofs of its bits, of their sum
and of the blank. Two forms of the question are measured, since Belenios has both: one answer or a blank, which is
one more encrypted bit (12, as the others have), and one answer or none (11 bits).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.environment import Unavailable, belenios_tool
from benchmarks.peers.figures import BELENIOS, Absent, Measurement, slope

OPTIONS = 11
GROUPS = ("Ed25519", "BELENIOS-2048", "RFC-3526-2048")
"""Every group that some version knows, by the names of its documentation; the one in use may know fewer."""

SLOW = frozenset({"RFC-3526-2048"})
"""Exponents as long as the modulus: measured once, to show that the other group is the one to compare with."""


@dataclass(frozen=True)
class Question:
    """One of 11, or nothing."""

    name: str
    blank: bool

    @property
    def bits(self) -> int:
        return OPTIONS + self.blank

    def template(self) -> str:
        question = {
            **({"blank": True} if self.blank else {}),
            "answers": [f"answer {at}" for at in range(OPTIONS)],
            "min": int(self.blank),
            "max": 1,
            "question": "Which?",
        }
        parties = {"administrator": "measured", "credential_authority": "measured"}
        return json.dumps({"description": "", "name": "measured", "questions": [question], **parties})

    def choice(self, number: int) -> str:
        """One answer; with a blank, that bit comes first."""
        answers = [int(at == number % OPTIONS) for at in range(OPTIONS)]
        return json.dumps([[0, *answers] if self.blank else answers])


WITH_BLANK = Question("one of 11 or blank", True)
WITHOUT_BLANK = Question("one of 11 or none", False)


class Refused(Exception):
    """The tool says no."""


@dataclass(frozen=True)
class Tool:
    """The program, in one folder."""

    program: Path
    folder: Path

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        command, settings = [str(self.program), *arguments], {**os.environ, "BELENIOS_USE_URANDOM": "1"}
        # The program is the peer, its arguments are ours.
        done = subprocess.run(  # noqa: S603
            command, cwd=self.folder, env=settings, input=given, capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            raise Refused(done.stderr.strip() or "without a word")
        return done.stdout

    def verify(self, processes: int = 1) -> float:
        """Seconds for so many processes at once to verify the whole election, each all of it.

        The processor's seconds for one process, passed seconds for several.
        """
        command = [str(self.program), "election", "verify"]
        start, used_before = time.perf_counter(), children_seconds()
        running = [
            subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
            for _ in range(processes)
        ]
        said = [each.communicate(timeout=300)[0] for each in running]
        taken = children_seconds() - used_before if processes == 1 else time.perf_counter() - start
        if any(each.returncode for each in running) or not all(b"all checks passed" in each for each in said):
            raise Refused(said[0].decode(errors="replace").strip())
        return taken


def children_seconds() -> float:
    """What processes that we started and that have ended took of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def known_groups(tool: Tool) -> list[str]:
    """Those that this version can make a key in."""
    known = []
    for group in GROUPS:
        try:
            tool("setup", "generate-trustee-key", "--group", group)
        except Refused as refusal:
            if "unknown group" not in str(refusal):
                raise
        else:
            known.append(group)
    return known


def open_election(tool: Tool, group: str, question: Question, voters: int) -> list[str]:
    """An archive with keys, roll and question, in the tool's folder; returns the voters' secret credentials."""
    folder = tool.folder
    identity = tool("setup", "generate-token").strip()
    common = ["--uuid", identity, "--group", group]
    (folder / "voters.txt").write_text("".join(f"voter{at}@example.com,voter{at}\n" for at in range(voters)))
    tool("setup", "generate-credentials", *common, "--file", "voters.txt")
    next(folder.glob("*.pubcreds")).rename(folder / "public_creds.json")
    secrets = next(folder.glob("*.privcreds")).read_text().splitlines()
    tool("setup", "generate-trustee-key", "--group", group)
    (folder / "public_keys.jsons").write_text(next(folder.glob("*.pubkey")).read_text())
    tool("setup", "make-trustees")
    (folder / "template.json").write_text(question.template())
    tool("setup", "make-election", *common, "--template", "template.json")
    tool("archive", "init")
    for once in ("election.json", "trustees.json", "public_creds.json", "public_keys.jsons"):
        (folder / once).unlink(missing_ok=True)
    return [line.split()[-1] for line in secrets]


def make_ballot(tool: Tool, credential: str, choice: str) -> str:
    """As a voter's computer would."""
    (tool.folder / "credential").write_text(credential + "\n")
    (tool.folder / "choice").write_text(choice)
    return tool("election", "generate-ballot", "--privcred", "credential", "--ballot", "choice")


def forge(ballot: str) -> str:
    """The ballot with another response in the proof of its first bit."""
    forged = json.loads(ballot)
    part = forged["answers"][0]["individual_proofs"][0][0]
    part["response"] = re.sub(r"\d$", lambda last: str((int(last[0]) + 1) % 10), part["response"])
    return json.dumps(forged, separators=(",", ":"))


def copy(tool: Tool, folder: Path) -> Tool:
    """The same election in another folder."""
    folder.mkdir()
    for archive in tool.folder.glob("*.bel"):
        shutil.copy(archive, folder)
    return Tool(tool.program, folder)


def cast(tool: Tool, ballot: str) -> None:
    """Into the archive."""
    tool("archive", "add-event", "--type=Ballot", given=ballot)


def two_sizes(program: Path, folder: Path, group: str, question: Question, few: int, many: int) -> tuple[Tool, Tool]:
    """One election with few ballots and, in a second folder, with many; a forged one is refused there."""
    folder.mkdir()
    tool = Tool(program, folder)
    *voters, forger = open_election(tool, group, question, many + 1)
    ballots = [make_ballot(tool, voter, question.choice(at)) for at, voter in enumerate(voters)]
    spoiled = copy(tool, folder / "spoiled")
    made = json.loads(ballots[0])["answers"][0]
    if len(made["choices"]) != question.bits or len(made["individual_proofs"]) != question.bits:
        raise AssertionError("a ballot has another number of bits: nothing was measured")
    for ballot in ballots[:few]:
        cast(tool, ballot)
    small = copy(tool, folder / "few")
    for ballot in ballots[few:]:
        cast(tool, ballot)
    try:
        cast(spoiled, forge(make_ballot(tool, forger, question.choice(0))))
        spoiled.verify()
    except Refused:
        return small, tool
    raise AssertionError("a forged ballot is accepted: nothing was measured")


@dataclass
class Case:
    """One group and one form of the question: an election with few ballots, the same with many, and their times."""

    group: str
    question: Question
    few: int
    many: int
    small: Tool
    large: Tool
    cores: list[int]
    times: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def round(self) -> None:
        """Both once on each number of cores."""
        for used in self.cores:
            self.times.setdefault(used, []).append((self.small.verify(used), self.large.verify(used)))

    def result(self, version: str, loads: list[float]) -> list[Measurement]:
        """The slope between the best times of all rounds, and each round's own."""
        rows = []
        for used, times in self.times.items():
            first, last = (min(column) for column in zip(*times, strict=True))
            per_ballot = slope((self.few, first), (self.many, last)) / used
            scale = 1e6 / self.question.bits
            rows.append(
                Measurement(
                    system=BELENIOS,
                    version=version,
                    step=f"verify, {self.group}, {self.question.name}",
                    cores=used,
                    selections_per_ballot=self.question.bits,
                    ballots=(self.many - self.few) * used,
                    microseconds_per_selection=scale * per_ballot,
                    rounds=[scale * (b - a) / (self.many - self.few) / used for a, b in times],
                    loads=loads,
                    details={"ms subtracted as start-up": 1e3 * (first - self.few * used * per_ballot)},
                )
            )
        return rows


@contextmanager
def failures_are_reasons() -> Iterator[None]:
    """What goes wrong with the tool says why it was not measured."""
    try:
        yield
    except (Refused, ValueError, OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"could not be measured: {error}") from error


class Belenios:
    """Each group that the tool knows; both forms of the question, and all cores, where it is not the slow one."""

    def __init__(self, cache: Path, cores: int, quick: bool) -> None:
        program = belenios_tool(cache)
        self.sha256 = hashlib.sha256(program.read_bytes()).hexdigest()
        self.home = tempfile.TemporaryDirectory()
        self.loads: list[float] = []
        self.cases: list[Case] = []
        home = Path(self.home.name)
        tool = Tool(program, home)
        with failures_are_reasons():
            self.version = re.findall(r"\d+(?:\.\d+)+", tool("--version"))[0]
            groups = known_groups(tool)
            for group in groups:
                slow = group in SLOW
                few, many = (1, 3) if quick else (1, 4) if slow else (4, 28)
                used = [1] if slow else sorted({1, cores})
                for question in (WITHOUT_BLANK,) if slow else (WITH_BLANK, WITHOUT_BLANK):
                    folder = home / str(len(self.cases))
                    small, large = two_sizes(program, folder, group, question, few, many)
                    self.cases.append(Case(group, question, few, many, small, large, used))
        self.unknown = [
            Absent(f"{BELENIOS} in {group}", "unknown to this version") for group in GROUPS if group not in groups
        ]

    def round(self) -> None:
        """Every case once."""
        self.loads.append(os.getloadavg()[0])
        with failures_are_reasons():
            for case in self.cases:
                case.round()

    def result(self) -> list[Measurement]:
        """The best of the rounds."""
        with failures_are_reasons():
            return [row for case in self.cases for row in case.result(self.version, self.loads)]
