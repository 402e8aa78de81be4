"""What the fault tests themselves rest on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from tests.faults.processes import process_at

_LISTENS_AND_NEVER_RESTS = """
import os, socket, threading
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
def restless():
    while True:
        for handle in [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]:
            os.close(handle)
for _ in range(3):
    threading.Thread(target=restless, daemon=True).start()
threading.Event().wait()
"""


def test_a_server_is_found_while_it_opens_and_closes_its_files() -> None:
    process = subprocess.Popen([sys.executable, "-c", _LISTENS_AND_NEVER_RESTS], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert {process_at(port) for _ in range(200)} == {process.pid}
    finally:
        process.kill()
        process.communicate()


def test_who_speaks_to_a_server_is_not_taken_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert process_at(port) == os.getpid()
