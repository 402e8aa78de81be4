"""A PostgreSQL of our own for a while: a cluster in a temporary folder, on a free port of this machine.

Its roles are those of production: `owner` owns the tables, `server` may read and insert.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from retally_server.database import postgres
from retally_server.database.store import Store


def _version(binary: Path) -> int:
    return int(binary.parts[-3])


_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
ABSENT = None if _BINARIES else "PostgreSQL is not installed (Debian: apt-get install postgresql)"


class Cluster:
    """A PostgreSQL of our own on a free port of this machine."""

    def __init__(self) -> None:
        self._binaries = _BINARIES[-1].parent
        self.folder = Path(tempfile.mkdtemp(prefix="retally-postgresql-"))
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        initdb = [str(self._binaries / "initdb"), "--no-sync", "-A", "trust", "-U", "super"]
        subprocess.run([*initdb, "-D", str(self.folder / "data")], check=True, **self._as_user())
        self.start()
        self.execute("CREATE ROLE owner LOGIN", "CREATE ROLE server LOGIN")
        self.create("template")
        self.migrate("template")

    def start(self) -> None:
        """Starts it and waits until it takes connections; recovery after a crash included."""
        self._process = subprocess.Popen(
            [
                *(str(self._binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"),
            ],
            **self._as_user(),
        )
        deadline = time.monotonic() + 120
        while True:
            try:
                self.execute("SELECT 1")
                return
            except SQLAlchemyError:
                assert self._process.poll() is None, (self.folder / "output").read_text()
                assert time.monotonic() < deadline, (self.folder / "output").read_text()
                time.sleep(0.05)

    def crash(self) -> None:
        """Ends it as kill -9 does, with its children: nothing is written down any more."""
        main = self._process.pid
        processes = [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(30)
        deadline = time.monotonic() + 30
        while not all(_is_dead(each) for each in processes):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it and removes its folder."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, name: str, template: str = "template1") -> None:
        """A database of `owner`."""
        self.execute(f"CREATE DATABASE {name} OWNER owner TEMPLATE {template}")

    def migrate(self, name: str) -> None:
        """Makes the tables as their owner and gives `server` what a server needs."""
        store = Store(self.address(name, "owner"))
        store.migrate()
        with store.engine.begin() as connection:
            postgres.grant(connection, "server")
        store.close()

    def address(self, name: str, role: str = "server") -> str:
        """The address of a database for this role."""
        return f"postgresql+pg8000://{role}@127.0.0.1:{self.port}/{name}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Executes statements as superuser."""
        engine = create_engine(self.address(database, "super"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def _as_user(self) -> dict[str, Any]:
        # PostgreSQL refuses to run as root.
        user = {} if os.geteuid() else {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        output = (self.folder / "output").open("ab")
        return {**user, "cwd": self.folder, "stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}


def _is_dead(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
