"""The databases that tests run on: SQLite in a folder, and PostgreSQL in a cluster that is ours alone.

Tests name a folder and never a database: `address(folder)` is that of the folder's own, on whatever kind the fixture
`database` has chosen for the test. The cluster is started once a test process and removed with it. Its roles are those
of production: `owner` owns the tables, `server` may read and insert.
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
from collections.abc import Callable, Iterator
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


class Databases:
    """What kind of database this test uses, and which one belongs to which folder."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._names: dict[Path, str] = {}
        self._made = 0
        self.kind = "sqlite"

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            self._cluster = Cluster()
        return self._cluster

    @contextlib.contextmanager
    def use(self, kind: str) -> Iterator[None]:
        """For as long as this lasts, every folder's database is of this kind."""
        before, self.kind = self.kind, kind
        try:
            yield
        finally:
            self.kind = before
            for name in self._names.values():
                self.cluster.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self._names.clear()

    def address(self, folder: Path, role: str = "server") -> str:
        """The address of the database of this folder, made when it is asked for first; on PostgreSQL for this role."""
        if self.kind == "sqlite":
            return f"sqlite:///{folder / 'board.sqlite'}"
        return self.cluster.address(self.name(folder), role)

    def name(self, folder: Path) -> str:
        """The PostgreSQL database of this folder."""
        if folder not in self._names:
            self._made += 1
            self._names[folder] = f"test_{self._made}"
            self.cluster.create(self._names[folder], "template")
        return self._names[folder]

    def backup(self, folder: Path) -> Callable[[], None]:
        """Copies the database of a folder as it is now; the function returned puts that copy in its place. No server
        may run on it meanwhile."""
        if self.kind == "sqlite":
            files = {path: path.read_bytes() for path in folder.glob("board.sqlite*")}

            def put_back() -> None:
                for path in folder.glob("board.sqlite*"):
                    path.unlink()
                for path, content in files.items():
                    path.write_bytes(content)

            return put_back
        name = self.name(folder)
        copy = f"{name}_copy"
        self._names[folder / "copy"] = copy
        self._replace(copy, name)
        return lambda: self._replace(name, copy)

    def _replace(self, name: str, source: str) -> None:
        self.cluster.execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'",
        )
        self.cluster.create(name, source)

    def end(self) -> None:
        """Removes the cluster, if there is one."""
        if self._cluster is not None:
            self._cluster.stop()
            self._cluster = None


DATABASES = Databases()
