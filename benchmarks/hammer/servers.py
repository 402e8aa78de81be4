"""A real `retally-server serve` in a process of its own on loopback, and the processor time that it used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from retally_crypto.errors import Unusable

START_SECONDS = 3600.0
"""A board of a million entries is replayed, proofs and all, before a server listens."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class RunningServer:
    """One server process, listening at `address`, http://127.0.0.1:PORT."""

    process: subprocess.Popen[bytes]
    address: str
    started_after: float

    def cpu_seconds(self) -> float:
        """Processor time of this process so far, its threads included."""
        return cpu_seconds(self.process.pid)

    def memory(self) -> int:
        """Bytes of memory that it holds now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Unusable("the server has ended")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def running(
    data: Path,
    settings: Mapping[str, str],
    log: Path,
    command: tuple[str, ...] = ("-m", "retally_server.operator.cli", "serve"),
) -> Iterator[RunningServer]:
    """Starts a server on `data` with these `RETALLY_…` settings and stops it gracefully at the end.

    Its log is appended to `log`. Raises Unusable if it does not come up.
    """
    environment = {**os.environ, "RETALLY_PORT": "0", "RETALLY_DATA": str(data), **settings}
    begun = time.monotonic()
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as sink:
        # The command is this interpreter and our own module.
        process = subprocess.Popen([sys.executable, *command], env=environment, stdout=sink, stderr=sink)  # noqa: S603
    try:
        address = _address(process, log, before, begun + START_SECONDS)
        yield RunningServer(process, address, time.monotonic() - begun)
    finally:
        process.terminate()
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path, before: int, until: float) -> str:
    while time.monotonic() < until:
        if process.poll() is not None:
            raise Unusable(f"the server ended with exit code {process.returncode}; its log is {log}")
        for line in log.read_bytes()[before:].splitlines():
            if b'"listening"' in line:
                address = f"http://127.0.0.1:{json.loads(line)['port']}"
                if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                    return address
        time.sleep(0.02)
    raise Unusable(f"the server does not answer; its log is {log}")
