"""The guide for witnesses, operators and watchers, command by command, with real processes and the real clock."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from retally_crypto.notes import parse_vkey
from retally_crypto.policy_text import format_policy, policy_from_manifest
from retally_lab.boards.election import MAYOR, ORIGIN, Election, district
from retally_lab.server_process import ServerFolder, running_server
from tests.guides import GUIDES
from tests.server_boards import write_board_key
from tests.server_http import SLUG, kind_of

GUIDE = re.compile(r"^ {4,}(retally(?:-server|-witness)? .*)$", re.MULTILINE)
RETALLY = "from retally_client.cli import main; main()"


class Place:
    """A folder in which the guide's commands are run, and which of them have been."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "server" / "data"
        self.ran: set[tuple[str, ...]] = set()

    def run(self, expect: int, *words: str) -> str:
        program = {
            "retally": ["-c", RETALLY],
            "retally-server": ["-m", "retally_server.operator.cli"],
            "retally-witness": ["-m", "retally_server.witness.cli"],
        }[words[0]]
        done = subprocess.run(
            [sys.executable, *program, *words[1:]],
            cwd=self.folder,
            env={**os.environ, "RETALLY_DATA": str(self.data), "XDG_STATE_HOME": str(self.folder / "state")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, (words, done.stdout, done.stderr)
        self.ran.add(named(words))
        return done.stdout.strip()

    @contextmanager
    def witness(self, data: str) -> Iterator[str]:
        """`retally-witness serve` on a free port; yields its address."""
        words = ["serve", "--data", data, "--host", "127.0.0.1", "--port", "0"]
        command = [sys.executable, "-m", "retally_server.witness.cli", *words]
        process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.ran.add(named(("retally-witness", *words)))
        try:
            assert process.stderr is not None
            port = next(json.loads(line)["port"] for line in process.stderr if '"listening"' in line)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.communicate(timeout=30)


def named(words: tuple[str, ...]) -> tuple[str, ...]:
    """Program, commands and options of a command line, without what they are given."""
    commands = [word for word in words[:3] if re.fullmatch(r"[a-z-]+", word)]
    return (*commands[: 3 if words[1] in ("log", "board") else 2], *(w for w in words if w.startswith("--")))


def test_every_command_of_the_guide_does_what_it_says(tmp_path: Path) -> None:
    place, now = Place(tmp_path), int(time.time())
    keys = [place.run(0, "retally-witness", "key", f"witness.example/{n}", "--data", f"w{n}") for n in range(3)]
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        opens=now - 20,
        closes=now - 10,
        witnesses={"keys": keys, "quorum": 2},
    )
    election.ceremony()
    election.roll()
    election.open()
    write_board_key(place.data)
    policy = policy_from_manifest(election.entries[0])
    (tmp_path / "policy").write_bytes(format_policy(policy))
    with ExitStack() as running:
        addresses = []
        for number, key in enumerate(keys):
            place.run(0, "retally-witness", "log", "add", str(policy.board), "--data", f"w{number}")
            addresses.append(running.enter_context(place.witness(f"w{number}")))
            place.run(0, "retally-server", "board", "witness", SLUG, key, addresses[-1])
        said = place.run(0, "retally-server", "board", "witness", SLUG, keys[0], "--forget")
        assert parse_vkey(keys[0]).name not in said
        place.run(0, "retally-server", "board", "witness", SLUG, keys[0], addresses[0])
        server = ServerFolder(place.data, tmp_path / "passphrase")
        server.passphrase_file.write_text("none of the keys here is encrypted\n")
        with running_server(server, tmp_path / "server.log") as address:
            url = f"{address}/elections/{SLUG}"
            httpx.post(f"{address}/elections", content=election.entries[0], trust_env=False).raise_for_status()

            def send() -> None:
                size = httpx.get(url, trust_env=False).json()["size"]
                for raw in election.entries[size:]:
                    answer = httpx.post(f"{url}/{kind_of(raw)}", content=raw, trust_env=False, timeout=30)
                    assert answer.status_code == 201, answer.text

            send()
            election.cast("north-1", [[1, 0, 0]])
            election.cast("north-2", [[0, 1, 0]])
            send()
            place.run(0, "retally", "mirror", url, "early", "--policy", "policy")
            election.close()
            election.decrypt(1)
            election.result()
            send()
            wait_for(lambda: httpx.get(url, trust_env=False).json()["witnessed"] == len(election.entries))
            assert "PASS" in place.run(0, "retally", "verify", url, "--policy", "policy")
            place.run(0, "retally", "mirror", url, "board", "--policy", "policy")
            place.run(0, "retally", "gossip", url, "early", "--policy", "policy")
            lone = f"{addresses[0]}/{sha256(ORIGIN.encode()).hexdigest()}"
            place.run(0, "retally", "gossip", lone, "board", "--policy", "policy")
        listed = place.run(0, "retally-witness", "log", "list", "--data", "w1").split()
        assert listed[1] == ORIGIN
        assert listed[3] == "0"
        (tmp_path / "server" / "data-locks" / f"{SLUG}.checkpoint").unlink()
        place.run(0, "retally-server", "board", "lock", SLUG)
        tell = tmp_path / "tell"
        tell.write_text('#!/bin/sh\necho "$1" > told\n')
        tell.chmod(0o755)
        forked = election.copy()
        forked.entries[-1:] = [election.entries[election.index_of("ballot")]]
        for path, content in forked.files().items():
            (tmp_path / "forked" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "forked" / path).write_bytes(content)
        follow = ["--policy", "policy", "--follow", "--on-alert", "./tell"]
        place.run(1, "retally", "mirror", "forked", "board", *follow)
        assert (tmp_path / "told").read_text() == "fork\n"
        place.run(1, "retally", "gossip", "forked", "board", "--policy", "policy")
        place.run(0, "retally", "evidence", "split-view.json", "--policy", "policy")
    shown = {named(tuple(line.split())) for line in GUIDE.findall((GUIDES / "witness.md").read_text(encoding="utf-8"))}
    assert len(shown) >= 8
    assert shown - place.ran == set()


def wait_for(done: object) -> None:
    deadline = time.monotonic() + 30
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_command_that_cannot_run_says_why(tmp_path: Path) -> None:
    place = Place(tmp_path)
    key = place.run(0, "retally-witness", "key", "witness.example/1", "--data", "w")
    place.run(3, "retally-server", "board", "witness", SLUG, key)
    place.run(3, "retally-server", "board", "witness", SLUG, key, "ftp://witness.example")
    place.run(3, "retally-server", "board", "witness", SLUG, key, "http://user@witness.example")
    place.run(3, "retally-server", "board", "witness", "../up", key, "http://witness.example")
    place.run(3, "retally-server", "board", "lock", SLUG)
    place.run(3, "retally-witness", "serve", "--data", "nowhere")


@pytest.mark.parametrize("line", ["", "no address", "key+00000000+AA== http://w.example"])
def test_a_damaged_file_of_addresses_stops_the_server(tmp_path: Path, line: str) -> None:
    place = Place(tmp_path)
    key = place.run(0, "retally-witness", "key", "witness.example/1", "--data", "w")
    (place.data / "keys").mkdir(parents=True)
    (place.data / "keys" / f"{SLUG}.witnesses").write_text(f"{line}\n")
    place.run(3, "retally-server", "board", "witness", SLUG, key, "http://witness.example")
