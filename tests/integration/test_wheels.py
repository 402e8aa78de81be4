"""What is handed out, in an empty environment: the verifier's wheels alone, with and without the native engine, all
wheels together, and the reference verifier as one file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retally_lab.boards.places import board_folder
from scripts.make_wheels import ONE_FILE, PROJECT, make_wheels, one_file_verifier
from tests.own_vectors import OwnBoard, own_boards

VERIFIER = ("reference", "crypto", "verify")
EVERYTHING = (*VERIFIER, "client", "lab", "server")
NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|Temporary failure|Network is unreachable|ConnectTimeoutError|ProxyError"
)
"""What pip says when it reaches no package index; any other failure is one of our packages."""

QUIETLY = ("install", "--quiet", "--disable-pip-version-check")

BOARDS = {board.name: board for board in own_boards()}
HONEST = next(iter(BOARDS.values()))
TAMPERED = next(board for board in BOARDS.values() if board.expected["states"]["V10"] == "fail")


@dataclass(frozen=True)
class Environment:
    """An environment that had nothing but pip before our wheels, and a folder to run in."""

    folder: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        program, *rest = map(str, words)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RETALLY"))}
        return subprocess.run(
            [self.folder / "bin" / program, *rest],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**clean, "XDG_STATE_HOME": str(self.folder / "state")},
        )

    def modules_after(self, *words: str | Path) -> set[str]:
        """Every module that a run of `retally-verify` imported."""
        program = (
            f"import sys; from retally_verify.cli import main; sys.argv = {list(map(str, words))!r}\n"
            "try:\n    main()\nfinally:\n    sys.stderr.write('modules ' + ' '.join(sys.modules))"
        )
        return set(self.run("python", "-c", program).stderr.rpartition("modules ")[2].split())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All wheels that are pure Python, as `make wheels` builds them."""
    folder = tmp_path_factory.mktemp("wheels")
    make_wheels(folder)
    return folder


def locked() -> str:
    """The locked versions as constraints; pip would ask for the hash of our own wheels too if they had theirs."""
    text = (PROJECT / "requirements" / "runtime.txt").read_text()
    return "".join(f"{name}=={version}\n" for name, version in re.findall(r"^([\w.-]+)\S*==([^ \\]+)", text, re.M))


def environment(folder: Path, *chosen: Path) -> Environment:
    """Installs wheels into an empty environment, and what they ask for, in the locked versions, from the index."""
    made = empty(folder)
    constraints = folder / "constraints.txt"
    constraints.write_text(locked())
    options = ("--only-binary", ":all:", "--retries", "1", "-c", constraints)
    done = made.run("python", "-m", "pip", *QUIETLY, *options, *chosen)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip("no package index can be reached: the wheels were not installed with their dependencies")
    assert done.returncode == 0, done.stderr
    return made


def borrowing_environment(folder: Path, *chosen: Path) -> Environment:
    """Installs wheels into an empty environment that takes what they ask for, and nothing of ours, from this one."""
    made = empty(folder)
    done = made.run("python", "-m", "pip", *QUIETLY, "--no-deps", "--no-index", *chosen)
    assert done.returncode == 0, done.stderr
    own, borrowed = (sysconfig.get_path("purelib", vars=of) for of in ({"base": str(folder)}, None))
    Path(own, "borrowed.pth").write_text(f"{borrowed}\n")
    return made


def empty(folder: Path) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return Environment(folder)


def of(folder: Path, names: tuple[str, ...]) -> list[Path]:
    return [next(folder.glob(f"retally_{name}-*.whl")) for name in names]


@pytest.fixture(scope="module")
def on_reference(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory.mktemp("reference"), *of(wheels, VERIFIER))


@pytest.fixture(scope="module")
def on_native(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    built = sorted((PROJECT / ".venv" / "wheels").glob("retally_native-*.whl"))
    if not built:
        pytest.skip("the native engine was not built (scripts/setup.sh says why): its wheel was not tested")
    assert "-abi3-" in built[-1].name
    return borrowing_environment(tmp_path_factory.mktemp("native"), *of(wheels, VERIFIER), built[-1])


@pytest.fixture(scope="module", params=["reference", "native"])
def verifier(request: pytest.FixtureRequest) -> tuple[str, Environment]:
    """The verifier alone, on each engine."""
    return request.param, request.getfixturevalue(f"on_{request.param}")


def placed(folder: Path, board: OwnBoard) -> tuple[Path, Path]:
    """A board of the vectors and its policy, as files."""
    policy = folder / "policy"
    policy.write_bytes(board.policy)
    return board_folder(folder / "board", board.files), policy


def test_the_verifier_says_its_version_and_engine(verifier: tuple[str, Environment]) -> None:
    engine, made = verifier
    done = made.run("retally-verify", "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"retally-verify \S+ \({engine} engine \S+\)\n", done.stdout)


@pytest.mark.parametrize("board", [HONEST, TAMPERED], ids=lambda board: board.name)
def test_the_verifier_finds_what_the_vectors_say(
    verifier: tuple[str, Environment], board: OwnBoard, tmp_path: Path
) -> None:
    place, policy = placed(tmp_path, board)
    done = verifier[1].run("retally-verify", "verify", place, "--policy", policy, "--json", "--forget")
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (board.expected["exit_code"], board.expected["verdict"])
    assert {check["check"]: check["state"] for check in report["checks"]}.items() >= board.expected["states"].items()


def test_the_verifier_alone_has_nothing_of_the_other_roles(on_reference: Environment, tmp_path: Path) -> None:
    place, policy = placed(tmp_path, HONEST)
    modules = on_reference.modules_after("retally-verify", "verify", place, "--policy", policy)
    assert "retally_verify.run" in modules
    assert not {name for name in modules if name.startswith("retally_crypto.secret")}
    others = ("retally_client", "retally_server", "retally_lab", "retally_native", "yaml", "fastapi", "sqlalchemy")
    program = f"import importlib.util as found; print([name for name in {others!r} if found.find_spec(name)])"
    assert on_reference.run("python", "-c", program).stdout == "[]\n"


def test_all_wheels_install_together_and_run(wheels: Path, tmp_path: Path) -> None:
    made = borrowing_environment(tmp_path / "environment", *of(wheels, EVERYTHING))
    imported = "import retally_client, retally_lab, retally_server; print(retally_client, retally_lab, retally_server)"
    assert made.run("python", "-c", imported).stdout.count(str(made.folder)) == 3
    for words in (["retally", "--version"], ["retally", "lab", "demo", "--help"], ["retally-server", "--version"],
                  ["retally-witness", "--help"], ["retally", "registrar", "roll", "--help"]):  # fmt: skip
        done = made.run(*words)
        assert (done.returncode, done.stderr) == (0, ""), words


# ---- the reference verifier as one file ----


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("one-file") / ONE_FILE
    path.write_bytes(one_file_verifier())
    return path


@pytest.mark.parametrize("board", [HONEST, TAMPERED], ids=lambda board: board.name)
def test_the_one_file_verifies_with_nothing_but_python(one_file: Path, board: OwnBoard, tmp_path: Path) -> None:
    place, policy = placed(tmp_path, board)
    # Isolated and without site-packages: nothing of this environment can be imported.
    command = [sys.executable, "-I", "-S", *map(str, (one_file, place, "--policy", policy, "--json"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (board.expected["exit_code"], "")
    assert json.loads(done.stdout)["verdict"] == board.expected["verdict"]


def test_the_one_file_is_the_same_whenever_it_is_made(one_file: Path) -> None:
    os.utime(PROJECT / "crypto/reference/retally_reference/group.py")
    assert one_file_verifier() == one_file.read_bytes()
