"""The databases that tests run on: SQLite in a folder, and PostgreSQL in a cluster that is ours alone.

Tests name a folder and never a database: `address(folder)` is that of the folder's own, on whatever kind the fixture
`database` has chosen for the test. The cluster is started once a test process and removed with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from retally_lab.postgresql_cluster import Cluster


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
