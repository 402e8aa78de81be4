"""`retally verify --scheduler`: ranges of tiles as tasks of a Dask cluster (extra `cluster`; docs/guides/auditor.md).

Workers fetch their tiles from the board's static files themselves; only summaries come back. A worker that is killed
costs the ranges it was at: the scheduler gives them to another. What depends on more than one range is settled here,
from summaries that are bound to the board's tree by their leaf hashes, so verdict and report are those of a run without
a cluster. Workers are trusted like this machine: one that lies about a proof is believed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from retally_crypto.engine import choose_engine, engine
from retally_crypto.errors import RetallyError, Unusable
from retally_verify.board import Board, FolderBoard, open_board
from retally_verify.range_store import Range
from retally_verify.reading import Task, ballot_sums, verified_range

CONNECT_SECONDS = 20
AHEAD = 3
"""Tasks for each thread of the cluster that are handed out before their turn."""

T = TypeVar("T")


class Cluster:
    """The workers of a scheduler, as `Workers`. Raises Unusable if there is none, or if they have another Retally."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise Unusable("--scheduler needs dask.distributed: pip install 'retally-verify[cluster]'") from None
        try:
            self._client: _Client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TypeError) as error:
            raise Unusable(f"there is no scheduler at {address}: {type(error).__name__}") from None
        try:
            self._compare(address)
        except Unusable:
            self.close()
            raise

    def _compare(self, address: str) -> None:
        """The workers have what this machine has."""
        try:
            others = self._client.run(what_verifies, engine.NAME)
        except Exception:
            # Whatever a worker raises comes back, as a plain Exception where it cannot even be read there.
            raise Unusable(f"a worker of {address} cannot run Retally; has it retally-verify?") from None
        if not others:
            raise Unusable(f"the scheduler at {address} has no workers")
        for worker, other in others.items():
            own = what_verifies(engine.NAME)
            if other != own:
                raise Unusable(f"worker {worker} has {other}, this machine has {own}")

    def close(self) -> None:
        """Leaves the cluster as it is."""
        self._client.close()

    def verify(self, board: Board, ranges: Iterable[Range]) -> Iterator[bytes]:
        return self._each(verify_there, ((_location(board), wanted) for wanted in ranges))

    def sum_ballots(self, board: Board, tasks: Iterable[Task]) -> Iterator[bytes]:
        return self._each(sum_ballots_there, ((_location(board), *task) for task in tasks))

    def _each(self, work: Callable[..., T], tasks: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """Results in the order of the tasks; never more than a few for each thread are under way or waiting here."""
        ahead = AHEAD * max(1, sum(self._client.nthreads().values()))
        running: deque[_Future] = deque()
        try:
            for task in tasks:
                running.append(self._client.submit(work, engine.NAME, *task, pure=False))
                if len(running) >= ahead:
                    yield cast(T, _result(running.popleft()))
            while running:
                yield cast(T, _result(running.popleft()))
        finally:
            for future in running:
                future.cancel()


def _location(board: Board) -> str:
    """The board's, for processes that run in another folder."""
    return str(Path(board.location).resolve()) if isinstance(board, FolderBoard) else board.location


def _result(future: _Future) -> object:
    """What a worker found. Raises what it raised, and Unusable if the cluster failed."""
    try:
        return future.result()
    except (RetallyError, OSError):
        raise
    except Exception as error:
        raise Unusable(f"the cluster has failed: {type(error).__name__}") from None


def what_verifies(name: str) -> str:
    """Version and engine, once the engine of that name is chosen: all machines must have the same."""
    _use(name)
    return f"retally-verify {version('retally-verify')}, {engine.NAME} engine {engine.VERSION}"


def verify_there(name: str, location: str, wanted: Range) -> bytes:
    """A worker's task, with the engine of that name: `verified_range` of the board at `location`, as the worker reaches
    it."""
    _use(name)
    return verified_range(open_board(location), wanted)


def sum_ballots_there(name: str, location: str, of: Range, indices: Sequence[int], leaf_hashes: bytes) -> bytes:
    """A worker's task, with the engine of that name: `ballot_sums`."""
    _use(name)
    return ballot_sums(open_board(location), of, indices, leaf_hashes)


def _use(name: str) -> None:
    # A worker that joined late was not asked, and would take what is installed.
    if name != engine.NAME:
        choose_engine(name)


class _Future(Protocol):
    def result(self) -> object: ...
    def cancel(self) -> None: ...


class _Client(Protocol):
    """What is used of `distributed.Client`."""

    def run(self, work: Callable[[str], str], name: str) -> dict[str, str]: ...
    def nthreads(self) -> dict[str, int]: ...
    def submit(self, work: Callable[..., object], *task: object, pure: bool) -> _Future: ...
    def close(self) -> None: ...
