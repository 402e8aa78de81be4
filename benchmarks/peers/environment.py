"""Where the peers live: electionguard in a virtual environment, belenios-tool unpacked from Debian's package.

electionguard 1.4.0 admits Python 3.11 but does not import there: dataclasses have refused unhashable defaults since
3.11, and `electionguard.tally`, which the package's `__init__` imports, has one. Ballots need neither. So the worker
imports the modules that make and verify ballots without running that `__init__`; no module of electionguard is
changed, and nothing that is measured is replaced. Only what those modules import is installed (electionguard.in says
what, electionguard.txt has the hashes), not the windows, databases and test tools that the package asks for as well.

belenios-tool is taken from the path if it is installed, and otherwise unpacked from what `apt-get download` brings,
which needs no root and changes nothing on the system; apt has checked its hash. Its version is whatever the
distribution has, and part of the figures.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.figures import BELENIOS, ELECTIONGUARD

FOLDER = Path(__file__).resolve().parent
LOCK = FOLDER / "electionguard.txt"
DEFAULT = FOLDER.parent / ".peers"


class Unavailable(Exception):
    """A peer that cannot be had here; says why."""


def call(command: list[str], folder: Path | None = None, settings: dict[str, str] | None = None) -> str:
    """Run to the end and return what was printed; what went wrong is the reason why something is missing."""
    surroundings = {**os.environ, **(settings or {})}
    try:
        # Commands are this interpreter, the system's package tools and the peers, with arguments of our own.
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{Path(command[0]).name} did not run: {type(error).__name__}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{Path(command[0]).name} failed: {said[-1] if said else 'without a word'}")
    return done.stdout


def electionguard_python(cache: Path) -> Path:
    """The interpreter of an environment that has exactly what the lock file says; made if absent or outdated."""
    home = cache / ELECTIONGUARD
    python = home / "bin" / "python"
    stamp = home / "made-from"
    made_from = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == made_from):
        shutil.rmtree(home, ignore_errors=True)
        home.parent.mkdir(parents=True, exist_ok=True)
        call([sys.executable, "-m", "venv", str(home)])
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        call([str(python), "-m", "pip", "install", *options, "-r", str(LOCK)])
        stamp.write_text(made_from)
    return python


def belenios_tool(cache: Path) -> Path:
    """The installed tool, or the one of Debian's package unpacked in the cache."""
    installed = shutil.which(BELENIOS)
    if installed:
        return Path(installed)
    home = cache / BELENIOS
    tool = home / "usr" / "bin" / BELENIOS
    if not tool.exists():
        fetched = cache / "packages"
        shutil.rmtree(fetched, ignore_errors=True)
        fetched.mkdir(parents=True)
        try:
            call(["apt-get", "-q", "download", BELENIOS], fetched)
            package = next(fetched.glob("*.deb"))
            call(["dpkg-deb", "-x", str(package), str(home)])
        except (Unavailable, StopIteration) as error:
            raise Unavailable(
                f"neither installed nor to be downloaded ({error}); `apt-get install {BELENIOS}` on Debian"
            ) from error
    if not os.access(tool, os.X_OK):
        raise Unavailable("the downloaded package has no such program")
    return tool
