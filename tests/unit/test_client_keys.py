"""Key files: private, durable, encrypted, and never written over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import typer

from retally_client import keys
from retally_client.keys import (
    exclusive,
    load_signing_key,
    new_signing_key,
    read_key,
    read_passphrase,
    replace_private,
    write_key,
    write_private,
)
from retally_crypto.errors import CannotDecrypt, Malformed, Unusable


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made durable, in order: `file` or `folder`."""
    seen: list[str] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    return seen


def full_disk(handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_private_file_is_readable_by_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "key", b"secret")
        replace_private(tmp_path / "key", b"other")
        with exclusive(tmp_path / "key"):
            pass
    finally:
        os.umask(before)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_private_file_is_durable_with_its_name(tmp_path: Path, synced: list[str]) -> None:
    write_private(tmp_path / "key", b"secret")
    assert synced == ["file", "folder"]


def test_a_private_file_is_never_written_over(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"


def test_a_private_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "link", b"secret")
    assert in_folder(tmp_path) == {"link"}


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "key", b"secret")
    assert in_folder(tmp_path) == set()


def test_replacing_is_durable_before_the_name_changes(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private(tmp_path / "journal", b"old")
    synced.clear()
    rename = Path.replace

    def noting(self: Path, target: Path) -> Path:
        synced.append("rename")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", noting)
    replace_private(tmp_path / "journal", b"new")
    assert synced == ["file", "folder", "rename", "folder"]
    assert (tmp_path / "journal").read_bytes() == b"new"
    assert in_folder(tmp_path) == {"journal"}


def test_a_replacement_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(tmp_path / "journal", b"old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        replace_private(tmp_path / "journal", b"new")
    assert (tmp_path / "journal").read_bytes() == b"old"
    assert in_folder(tmp_path) == {"journal"}


def test_what_a_crashed_replacement_left_does_not_hinder_the_next(tmp_path: Path) -> None:
    write_private(tmp_path / "journal", b"old")
    (tmp_path / f".journal.{os.getpid()}").write_bytes(b"half")
    replace_private(tmp_path / "journal", b"new")
    assert ((tmp_path / "journal").read_bytes(), in_folder(tmp_path)) == (b"new", {"journal"})


def test_a_signing_key_comes_back_and_its_file_does_not_hold_it_openly(tmp_path: Path) -> None:
    key = new_signing_key(tmp_path / "key", "party.example/guardian", "guardian", "a passphrase")
    again = load_signing_key(tmp_path / "key", "guardian", "a passphrase")
    assert (again.verifier_key, again.sign(b"text")) == (key.verifier_key, key.sign(b"text"))
    assert b"party.example" not in (tmp_path / "key").read_bytes()
    assert mode(tmp_path / "key") == 0o600


def test_a_second_key_of_the_same_name_of_file_is_refused(tmp_path: Path) -> None:
    key = new_signing_key(tmp_path / "key", "first", "guardian", "a passphrase")
    with pytest.raises(FileExistsError):
        new_signing_key(tmp_path / "key", "second", "guardian", "a passphrase")
    assert load_signing_key(tmp_path / "key", "guardian", "a passphrase").verifier_key == key.verifier_key


def test_a_wrong_passphrase_and_a_key_of_another_role_do_not_open(tmp_path: Path) -> None:
    write_key(tmp_path / "key", b"very secret", "a passphrase", "guardian")
    with pytest.raises(CannotDecrypt) as caught:
        read_key(tmp_path / "key", "another passphrase", "guardian")
    assert "another passphrase" not in str(caught.value)
    with pytest.raises(Unusable, match="authority"):
        read_key(tmp_path / "key", "a passphrase", "authority")


def test_what_is_no_key_file_is_malformed_and_an_endless_one_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_bytes(b"no key\n")
    with pytest.raises(Malformed):
        read_key(tmp_path / "key", "a passphrase", "guardian")
    monkeypatch.setattr(keys, "KEY_FILE_LIMIT", 6)
    with pytest.raises(Unusable, match="too long for a key file"):
        read_key(tmp_path / "key", "a passphrase", "guardian")


# ---- passphrases ----


def test_the_passphrase_is_the_first_line_of_the_file_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    (tmp_path / "passphrase").write_text(" with spaces \nsecond line\n", encoding="utf-8")
    assert read_passphrase(confirm=False) == read_passphrase(confirm=True) == " with spaces "


def test_a_short_passphrase_is_refused_for_a_new_key_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    (tmp_path / "passphrase").write_text("seven77\n")
    assert read_passphrase(confirm=False) == "seven77"
    with pytest.raises(Unusable, match="at least 8 characters") as caught:
        read_passphrase(confirm=True)
    assert "seven77" not in str(caught.value)


def test_a_passphrase_file_that_is_no_text_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    (tmp_path / "passphrase").write_bytes(b"\xff\xfe secret")
    with pytest.raises(Unusable, match="is not UTF-8") as caught:
        read_passphrase(confirm=False)
    assert "secret" not in str(caught.value)


def test_a_typed_passphrase_is_unseen_asked_twice_if_new_and_on_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RETALLY_PASSPHRASE_FILE", raising=False)
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append(options)
        return "a passphrase"

    monkeypatch.setattr(typer, "prompt", prompt)
    assert read_passphrase(confirm=True) == "a passphrase"
    read_passphrase(confirm=False)
    assert [(one["hide_input"], one["confirmation_prompt"], one["err"]) for one in asked] == [
        (True, True, True),
        (True, False, True),
    ]
