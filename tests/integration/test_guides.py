"""One election with nothing but the commands that the guides show, each at its place, on a real server.

Names in the guides (`URL`, `CODE`, a key file) are replaced by the real ones; nothing else is. At the end every command
of every guide has been run.
"""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_lab.boards.evidence import written
from retally_lab.boards.places import board_folder
from retally_lab.server_process import ServerFolder, make_server_folder, running_server
from tests.guides import GUIDES, commands, filled_in, places
from tests.web_bundles import FILES, bundle, listing

ADDRESS = "https://ballots.example/elections/council-2027"
VOTERS = {"Ada Lind": "north", "Bo Falk": "north", "Cy Holm": "north", "Ida Jones": "south", "Ola Berg": "south"}
CHOICES = {"mayor": ["o1"], "budget": {"o1": 3, "o2": 1}}


class Town:
    """Everybody's folder on this disk, and which of the guides' commands were run."""

    def __init__(self, folder: Path, server: ServerFolder, url: str) -> None:
        self.folder = folder
        self.server = server
        self.url = url
        self.left = {
            guide: commands(guide)
            for guide in ("operator.md", "authority.md", "registrar.md", "guardian.md", "auditor.md")
        }

    def run(
        self,
        who: str,
        guide: str,
        starts: str,
        expect: int = 0,
        typed: str = "",
        names: Mapping[str, str] | None = None,
    ) -> str:
        """Runs the guide's command that starts like this in somebody's folder; returns what it prints."""
        found = [line for line in commands(guide) if line.startswith(starts)]
        assert len(found) >= 1, f"{guide} shows no command {starts}"
        line = found[0]
        if line in self.left[guide]:
            self.left[guide].remove(line)
        replaced = {"URL": self.url, ADDRESS: self.url, **(names or {})}
        return self.do(who, [replaced.get(word, word) for word in shlex.split(line)], expect, typed)

    def do(self, who: str, words: list[str], expect: int = 0, typed: str = "") -> str:
        """Runs a command in somebody's folder."""
        place = self.folder / who
        place.mkdir(exist_ok=True)
        if words[0] != "retally":
            program = {
                "retally-server": [sys.executable, "-m", "retally_server.operator.cli"],
                "python": [sys.executable],
            }
            done = subprocess.run(
                [*program[words[0]], *words[1:]],
                cwd=place,
                env=self.server.environment(0),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == expect, (words, done.stdout, done.stderr)
            return done.stdout
        before = Path.cwd()
        os.chdir(place)
        try:
            result = CliRunner().invoke(app, words[1:], input=typed)
        finally:
            os.chdir(before)
        assert result.exit_code == expect, (words, result.exit_code, result.stdout, result.stderr)
        return result.stdout

    def give(self, name: str, giver: str, *takers: str) -> None:
        """Copies a file from one folder to others."""
        for taker in takers:
            (self.folder / taker).mkdir(exist_ok=True)
            (self.folder / taker / name).write_bytes((self.folder / giver / name).read_bytes())


GUARDIANS = ("guardian-1", "guardian-2", "guardian-3")
REGISTRARS = ("registrar-1", "registrar-2")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    server = make_server_folder(tmp_path / "server")
    with running_server(server, tmp_path / "log") as address:
        yield Town(tmp_path, server, f"{address}/elections/council-2027")


def prepare(town: Town) -> str:
    """Keys, manifest, policy; returns the election id."""
    authority = town.run("authority", "authority.md", "retally authority init").strip()
    keys = {"board": town.run("operator", "operator.md", "retally-server board new", names={"KEY": authority}).strip()}
    for number, who in enumerate(REGISTRARS, start=1):
        name = {"elections.example/registrar-1": f"elections.example/registrar-{number}"}
        keys[f"registrar {number}"] = town.run(who, "registrar.md", "retally registrar init", names=name).strip()
    for number, who in enumerate(GUARDIANS, start=1):
        name = {"party.example/guardian": f"party.example/guardian-{number}"}
        keys[f"guardian {number}"] = town.run(who, "guardian.md", "retally guardian init", names=name).strip()
    assert set(keys) == set(places())
    now = int(time.time())
    opens, closes = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in (now, now + 1))
    text = filled_in(keys).replace("2027-09-18T08:00:00+03:00", opens).replace("2027-09-20T20:00:00+03:00", closes)
    (town.folder / "authority" / "election.yaml").write_text(text.replace("smallest_unit: 10", "smallest_unit: 3"))
    board_folder(town.folder / "authority" / "dist", bundle())
    digest = town.run("authority", "authority.md", "retally authority bundle").strip()
    assert digest == sha256(listing(FILES)).hexdigest()
    # It opens now, which is asked about.
    said = town.run("authority", "authority.md", "retally authority manifest", typed="y\n")
    town.run("authority", "authority.md", "retally policy manifest.entry")
    town.run("authority", "authority.md", "retally authority create")
    identity = next(line for line in said.splitlines() if line.startswith("election ")).removeprefix("election ")
    assert len(identity) == 64
    return identity


def hold_ceremony(town: Town) -> None:
    for who in GUARDIANS:
        town.run(who, "guardian.md", "retally policy https")
    for _ in range(3):
        said = [town.run(who, "guardian.md", "retally guardian step") for who in GUARDIANS]
    assert all("the ceremony is right and confirmed" in line for line in said)
    shown = town.run("guardian-1", "guardian.md", "retally guardian status")
    assert "confirmed    3 of 3  1 2 3" in shown


def publish_roll(town: Town) -> None:
    lines = "voter,style\n" + "".join(f"{voter},{style}\n" for voter, style in VOTERS.items())
    (town.folder / "registrar-1" / "voters.csv").write_text(lines)
    for name in ("policy", "manifest.entry"):
        town.give(name, "authority", *REGISTRARS)
    town.run("registrar-1", "registrar.md", "retally registrar order")
    town.give("order.csv", "registrar-1", "registrar-2")
    for number, who in enumerate(REGISTRARS, start=1):
        town.run(who, "registrar.md", "retally registrar codes", names={"1": str(number)})
    assert "5 links in" in town.run("registrar-1", "registrar.md", "retally registrar links")
    for act in ("commit", "roll"):
        for who in REGISTRARS:
            town.run(who, "registrar.md", f"retally registrar {act}")


def change_roll(town: Town) -> None:
    """Ida has moved away, Ola has lost a letter."""
    for act, voter in (("revoke", "Ida Jones"), ("replace", "Ola Berg")):
        draft = {"draft": str(town.folder / f"draft-{act}")}
        town.run("registrar-1", "registrar.md", f"retally registrar {act}", names={**draft, "Ida Jones": voter})
        for step in ("part", "sign") if act == "replace" else ("sign",):
            for who in REGISTRARS:
                town.run(who, "registrar.md", f"retally registrar {step}", typed="y\n", names=draft)
        town.run("registrar-2", "registrar.md", "retally registrar submit", names=draft)


def codes_of(town: Town, voter: str) -> str:
    """What the letters to a voter say, in the registrars' order."""
    codes = []
    for who in REGISTRARS:
        for name in ("new-code.csv", "print.csv"):
            rows = list(csv.reader((town.folder / who / name).read_text().splitlines()))
            mine = [row[-1] for row in rows if row[0] == voter]
            if mine:
                codes.append(mine[0])
                break
    assert len(codes) == len(REGISTRARS)
    return "".join(code + "\n" for code in codes)


def vote(town: Town, voter: str, test_first: bool = False) -> str:
    """Votes; returns the tracking code. The files are in the voter's folder."""
    who = voter.split()[0].lower()
    town.give("policy", "authority", who)
    (town.folder / who / "codes.txt").write_text(codes_of(town, voter))
    (town.folder / who / "choices.json").write_text(json.dumps(CHOICES))
    words = ["retally", "vote", town.url, "--policy", "policy", "--code-file", "codes.txt", "--choices", "choices.json"]
    if test_first:
        town.do(who, words, typed="y\ntest\ny\ncast\n")
        receipt = next((town.folder / who).glob("*.tlog-proof"))
        return receipt.name.removesuffix(".tlog-proof")
    said: dict[str, str] = json.loads(town.do(who, [*words, "--cast", "--json"]))
    return said["tracking_code"]


def one(town: Town, who: str, ending: str) -> str:
    """The name of the only file with this ending in a folder."""
    (found,) = (town.folder / who).glob(f"*{ending}")
    return found.name


def write_evidence(town: Town) -> None:
    """What a voter could hand over who met nothing wrong: her receipt and the board's checkpoint."""
    manifest = (town.folder / "journalist" / "manifest.entry").read_bytes()
    members = {
        "kind": "retally-evidence",
        "version": "RETALLY-V01",
        "election": sha256(manifest).digest(),
        "manifest": manifest,
        "checkpoints": [(town.folder / "auditor" / "board" / "checkpoint").read_bytes()],
        "receipts": [{"entry": None, "receipt": (town.folder / "bo" / one(town, "bo", ".tlog-proof")).read_bytes()}],
        "prefixes": [],
        "inclusions": [],
    }
    (town.folder / "journalist" / "EVIDENCE").write_bytes(written(members))


def test_an_election_from_the_commands_of_the_guides(town: Town) -> None:
    identity = prepare(town)
    hold_ceremony(town)
    publish_roll(town)
    town.run("authority", "authority.md", "retally authority open")
    change_roll(town)

    assert town.run("auditor", "auditor.md", "retally policy https") == ""
    assert f"election {identity}" in (town.folder / "auditor" / "policy").read_text()
    vote(town, "Ada Lind", test_first=True)
    code = vote(town, "Bo Falk")
    vote(town, "Ola Berg")
    tested = {"FILE.test": one(town, "ada", ".test")}
    assert "holds exactly these choices" in town.run("ada", "auditor.md", "retally check", names=tested)
    town.run("auditor", "auditor.md", "retally verify https", expect=2)

    # The second after `closes` has to have passed; the grace is long.
    time.sleep(1.1)
    town.run("authority", "authority.md", "retally authority close")
    counts = "".join(
        f"{line.strip()}\n" for line in (GUIDES / "authority.md").read_text().splitlines() if line.count(",") == 4
        and " " not in line.strip()
    )  # fmt: skip
    (town.folder / "authority" / "counts.csv").write_text(counts)
    town.run("authority", "authority.md", "retally authority paper", typed="y\n")
    # Nothing failed, so there is nothing to override.
    town.run("guardian-1", "guardian.md", "retally guardian decrypt URL guardian.key --policy policy --override", 1)
    for who in ("guardian-1", "guardian-3"):
        town.run(who, "guardian.md", "retally guardian decrypt URL")
    town.run("authority", "authority.md", "retally authority publish")

    town.run("guardian-2", "guardian.md", "retally verify")
    town.run("auditor", "auditor.md", "retally mirror")
    town.run("auditor", "auditor.md", "retally verify board")
    town.run("auditor", "auditor.md", "python -m retally_reference")
    town.give("manifest.entry", "authority", "journalist")
    town.run("journalist", "auditor.md", "retally policy manifest.entry")
    town.give(one(town, "bo", ".tlog-proof"), "bo", "journalist")
    receipt = {"RECEIPT": one(town, "bo", ".tlog-proof")}
    shown = town.run("journalist", "auditor.md", "retally verify URL --policy policy --receipt", names=receipt)
    assert "District" not in shown
    assert "North + South · Mayor · 3 ballots counted" in shown
    assert shown.strip().endswith("PASS · no witness")
    assert "it counts" in town.run("bo", "auditor.md", "retally track URL CODE", names={"CODE": code})
    files = {"FILE.tlog-proof": one(town, "bo", ".tlog-proof"), "FILE.ballot": one(town, "bo", ".ballot")}
    assert "it counts" in town.run("bo", "auditor.md", "retally track URL --receipt", names=files)
    with_page = {"https://mirror.example": "https://localhost:1"}
    shown = town.run("auditor", "auditor.md", "retally verify URL --policy policy --web", names=with_page)
    assert "the manifest names no web bundle" in shown
    write_evidence(town)
    shown = town.run("journalist", "auditor.md", "retally adjudicate", expect=1)
    assert shown.strip().endswith("proves nothing")
    town.give("policy", "authority", "cy")
    said = town.run("cy", "auditor.md", "retally track URL --own-code", typed=codes_of(town, "Cy Holm"))
    assert "No ballot was cast with your codes." in said

    assert town.left == {guide: [] for guide in town.left}
