"""`retally-witness` as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of its commands on this data folder."""
    command = [sys.executable, "-m", "retally_server.witness.cli", *arguments]
    environment = {**os.environ, "RETALLY_WITNESS_DATA": str(data)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running witness and its address; it is ended at the end of the block if it still runs."""
    command = [sys.executable, "-m", "retally_server.witness.cli", "serve", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        port = next(json.loads(line)["port"] for line in process.stderr if '"listening"' in line)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=60)
