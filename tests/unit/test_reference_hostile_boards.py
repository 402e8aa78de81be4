"""What strangers put into a folder or on a board costs the reference verifier no more than reading it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election, members_of, sign
from retally_reference import merkle, roll
from retally_reference.findings import NAMED
from retally_reference.merkle import Tree, leaf_hash, merkle_root, node_hash
from retally_reference.report import Report
from retally_reference.verify import verify_board


def _named_pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("plant", "says"),
    [(_named_pipe, "no regular file"), (_loop, "no regular file"), (_link_to_a_device, "a link that leads out of")],
)
def test_what_is_no_regular_file_of_the_folder_is_named_and_never_waited_for(
    tmp_path: Path, plant: Callable[[Path], None], says: str
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    plant(folder / "checkpoint")
    program = (
        "import sys; from retally_reference.board import open_board\n"
        "try: open_board(sys.argv[1])('checkpoint')\n"
        "except OSError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.startswith("checkpoint")
    assert says in done.stdout


def verify(election: Election) -> Report:
    return verify_board(election.files().get, format_policy(election.policy()))


def split_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 as it is written."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(split_root(leaves[:half]), split_root(leaves[half:]))


def test_a_tree_gives_its_root_at_every_size() -> None:
    leaves = [leaf_hash(bytes([at % 256, at // 256])) for at in range(1030)]
    tree = Tree(b"".join(leaves))
    for size in (*range(20), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 1024, 1029, 1030):
        assert tree.root(size) == split_root(leaves[:size]) == merkle_root(b"".join(leaves[:size]))
    with pytest.raises(ValueError, match="1031 of a tree of 1030"):
        tree.root(1031)


def test_entries_that_fail_a_check_are_counted_beyond_the_first_hundred(honest_election: Election) -> None:
    election = honest_election.copy()
    first = len(election.entries)
    for number in range(NAMED + 1234):
        election.append(b"junk %d" % number)
    notes = verify(election).notes_of("V09")
    assert [note.split(":")[0] for note in notes[:-1]] == [f"entry {first + at}" for at in range(NAMED)]
    assert notes[-1] == "and 1,234 more entries"


def test_junk_costs_memory_like_its_bytes_and_a_hash(honest_election: Election) -> None:
    """In a process of its own, which nothing else has filled."""
    program = """
import sys, tracemalloc
from retally_reference.board import Entries
from retally_reference.findings import Finding, Refused
from retally_reference.merkle import Tree
tracemalloc.start()
entries, refused, hashes = Entries(), Refused(), bytearray()
for at in range(40_000):
    if at % 200 == 0:
        entries.add([bytes(35)] * 200)
    refused.add(Finding(at, "V09", f"entry {at} is no canonical JSON"))
    hashes += bytes(32)
tree = Tree(bytes(hashes))
del hashes
print(tracemalloc.get_traced_memory()[0] / 40_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 35 + 2 + 32 + 5


def test_the_roll_is_hashed_once_however_many_openings_are_false(
    honest_election: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    election = honest_election.copy()
    del election.entries[election.index_of("opening") + 1 :]
    right = election.entries.pop()
    for at in range(3):
        election.append(sign({**members_of(right), "roll": bytes([at]) * 32}, [election.authority]))
    election.append(right)
    hashed: list[int] = []
    honest = sha256

    class Counted:
        """The hash functions, one of which counts what it hashes of the roll."""

        @staticmethod
        def sha256(content: bytes = b"") -> object:
            hashed.extend([len(content)] * content.startswith(b"RETALLY-V01-opened-roll"))
            return honest(content)

    monkeypatch.setattr(roll, "hashlib", Counted)
    report = verify(election)
    assert (report.state_of("V08"), len(report.notes_of("V08"))) == ("fail", 3)
    assert len(hashed) == 1


def test_a_false_partial_decryption_does_not_hash_the_tree_again(
    honest_election: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    election = honest_election.copy()
    first = election.index_of("partial-decryption")
    right = members_of(election.entries[first])
    guardian = next(one for one in election.guardians if one.number == right["guardian"])
    del election.entries[first:]
    for number in range(3000):
        election.append(b"junk %d" % number)
    size = len(election.entries)
    for at in range(20):
        election.append(sign({**right, "size": size, "root": bytes([at]) * 32}, [guardian.key]))
    hashed: list[bytes] = []
    honest = merkle.node_hash

    def counted(left: bytes, below: bytes) -> bytes:
        hashed.append(left)
        return honest(left, below)

    monkeypatch.setattr(merkle, "node_hash", counted)
    report = verify(election)
    assert (report.state_of("V17"), len(report.notes_of("V17"))) == ("fail", 21)
    assert len(hashed) < 3 * size
