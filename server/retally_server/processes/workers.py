"""Several processes on one listening socket: `retally-server serve --workers N`.

This process opens the socket, starts the workers, starts one again that has died, and passes on SIGTERM. It reads no
request and knows no election. A connection that no worker has accepted yet waits in the socket, which they all have, so
that none is lost when a worker dies. Workers end when this process does.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType

import structlog

CANNOT_START = 3
_EARLY_SECONDS = 5.0
_PAUSE = 1.0
_BACKLOG = 2048
_PR_SET_PDEATHSIG = 1
_log = structlog.get_logger()


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens, for `run_workers` or one server. OSError if it cannot."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(address)
    opened.listen(_BACKLOG)
    return opened


def inherited(handle: int) -> socket.socket:
    """The socket that `run_workers` has given to this process, which from now on ends when its parent does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return socket.socket(fileno=handle)


def run_workers(
    command: Sequence[str], opened: socket.socket, number: int, environments: Sequence[Mapping[str, str]]
) -> int:
    """Runs `number` workers until SIGTERM or SIGINT; 0 then, 3 if one of the first could not start.

    Each is `command` with the number of the socket's handle as last argument, and its environment from `environments`.
    """
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)

    def start(place: int) -> subprocess.Popen[bytes]:
        handle = opened.fileno()
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(handle)],
            pass_fds=[handle],
            env={**os.environ, **environments[place]},
            start_new_session=True,  # Ctrl-C goes to this process only, which passes it on.
        )

    workers = [start(place) for place in range(number)]
    began = [time.monotonic()] * number
    again: set[int] = set()
    code = 0
    while not stopping:
        time.sleep(0.1)
        for place, worker in enumerate(workers):
            ended = worker.poll()
            if ended is None or stopping:
                continue
            lived = time.monotonic() - began[place]
            if ended == CANNOT_START and place not in again:
                # It said why. The others would not do better.
                stopping, code = True, CANNOT_START
                continue
            _log.error("worker died", worker=place, code=ended)
            if lived < _EARLY_SECONDS:
                time.sleep(_PAUSE)
            workers[place], began[place] = start(place), time.monotonic()
            again.add(place)
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    for worker in workers:
        worker.wait()
    return code
