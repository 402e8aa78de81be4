"""The tables of commands: true to the commands, and enough for help, version and completion without them."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from retally_client import cli as client
from retally_verify import cli as verifier
from retally_verify.command_table import OnUse

HEAVY = {"httpx", "cryptography", "pydantic", "yaml", "rich", "asyncio", "numpy", "retally_server", "distributed"}

REPORT = """
import sys
from {module} import main
sys.argv = {words!r}
try:
    main()
finally:
    print("modules", *sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


def commands_of(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], OnUse]]:
    if isinstance(command, OnUse):
        yield words, command
        return
    context = typer.Context(command)
    for name in command.list_commands(context):
        yield from commands_of((*words, name), command.get_command(context, name))


COMMANDS = dict(commands_of((), typer.main.get_command(client.app)))


def test_every_role_is_in_the_table() -> None:
    tops = {words[0] for words in COMMANDS}
    assert {"verify", "vote", "authority", "guardian", "registrar", "lab", "adjudicate"} <= tops


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_line_of_help_is_the_first_sentence_of_the_docstring(words: tuple[str, ...]) -> None:
    stub = COMMANDS[words]
    module, _, name = stub.place.partition(":")
    docstring = " ".join((inspect.getdoc(getattr(importlib.import_module(module), name)) or "").split())
    assert re.split(r"(?<=[.?]) ", docstring)[0] == stub.line


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_no_types_of_python(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(client.app, [*words, "--help"])
    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: retally {' '.join(words)} [OPTIONS]")
    assert not re.search(r"<\w", done.output), done.output
    assert not re.search(r"\bPath\b|\bstr\b|\bint\b|\blist\[", done.output), done.output


def test_the_verifier_alone_has_the_same_commands() -> None:
    own = dict(commands_of((), typer.main.get_command(verifier.app)))
    assert set(own) == {("verify",), ("policy",), ("mirror",), ("gossip",), ("evidence",)}
    assert all(COMMANDS[words] is command for words, command in own.items())


def run(module: str, *words: str, **environment: str) -> tuple[int, str, set[str]]:
    """Runs a program of ours in a process of its own: exit code, standard output, the packages it imported."""
    program = REPORT.format(module=module, words=list(words))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ | environment
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("modules ")]
    assert told, done.stderr
    return done.returncode, done.stdout, set(told[-1].split()[1:])


@pytest.mark.parametrize(
    "words",
    [
        "retally --help",
        "retally --version",
        "retally guardian --help",
        "retally lab --help",
        "retally-verify --help",
        "retally-verify --version",
    ],
)
def test_help_and_version_import_no_command(words: str) -> None:
    program, *rest = words.split()
    module = "retally_client.cli" if program == "retally" else "retally_verify.cli"
    code, _, modules = run(module, program, *rest)
    assert code == 0
    assert not modules & HEAVY


def test_completion_imports_no_command() -> None:
    asked = {"_RETALLY_COMPLETE": "complete_bash", "COMP_WORDS": "retally guardian st", "COMP_CWORD": "2"}
    code, said, modules = run("retally_client.cli", "retally", **asked)
    assert (code, said.split()) == (0, ["step", "status"])
    assert not modules & HEAVY


def test_completion_knows_a_commands_options() -> None:
    asked = {"_RETALLY_COMPLETE": "complete_bash", "COMP_WORDS": "retally verify --sign", "COMP_CWORD": "2"}
    code, said, _ = run("retally_client.cli", "retally", **asked)
    assert (code, said.split()) == (0, ["--signed-off"])


def test_the_command_itself_never_imports_the_lab() -> None:
    _, said, modules = run("retally_client.cli", "retally", "verify", "--help")
    assert "URL|FOLDER" in said
    assert "retally_lab" not in modules


def test_without_the_lab_there_is_no_such_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_of_others", dict)
    assert "lab" not in CliRunner().invoke(client.app, ["--help"]).output
    done = CliRunner().invoke(client.app, ["lab", "demo"])
    assert (done.exit_code, "No such command 'lab'" in done.output) == (3, True)
