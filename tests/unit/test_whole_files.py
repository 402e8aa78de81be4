"""Files written whole or not at all: what is durable is durable with its name, and a failure leaves what was there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from retally_verify.durable_files import PRIVATE, create_durably, replace_durably
from retally_verify.whole_files import replace_whole, whole_file


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reached the disk and when the name was given, in order."""
    seen: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noting(handle: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def renaming(path: Path, target: Path) -> Path:
        seen.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noting)
    monkeypatch.setattr(Path, "replace", renaming)
    return seen


@pytest.mark.parametrize(
    ("write", "steps"),
    [
        (create_durably, ["file", "folder"]),
        (replace_durably, ["file", "folder", "name", "folder"]),
        (replace_whole, ["name"]),
    ],
)
def test_the_contents_are_durable_before_the_name_is(
    write: Callable[[Path, bytes], None], steps: list[str], tmp_path: Path, done: list[str]
) -> None:
    write(tmp_path / "file", b"content")
    assert (done, (tmp_path / "file").read_bytes()) == (steps, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("write", [replace_durably, replace_whole])
def test_a_replacement_takes_the_older_ones_place(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    write(tmp_path / "file", b"the first, and longer")
    write(tmp_path / "file", b"the second")
    assert (tmp_path / "file").read_bytes() == b"the second"


def test_a_private_file_is_its_owners_and_another_one_what_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        replace_durably(tmp_path / "private", b"", PRIVATE)
        replace_durably(tmp_path / "shared", b"")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "shared")] == [0o600, 0o644]


def test_a_disk_that_fails_leaves_the_older_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_durably(tmp_path / "file", b"new")
    with pytest.raises(OSError, match="No space"):
        create_durably(tmp_path / "other", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


def test_a_block_that_fails_leaves_the_older_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def broken_off() -> None:
        with whole_file(tmp_path / "file") as file:
            file.write(b"ne")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        broken_off()
    assert (tmp_path / "file").read_bytes() == b"old"
    replace_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_new_file_takes_nobodys_place(tmp_path: Path) -> None:
    create_durably(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        create_durably(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
