"""Files of evidence as bytes (docs/spec 11.1).

Promise: what `parse_evidence` returns has every member within its limit, and came from the only bytes that say it. What
the checkpoints, receipts and proofs are worth is for `judgement` to find: here they are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from retally_crypto.canonical import Json, parse_canonical
from retally_crypto.encoding import b64url_decode
from retally_crypto.errors import Malformed
from retally_crypto.merkle import HASH_BYTES, MAX_PROOF_HASHES

KIND, VERSION = "retally-evidence", "RETALLY-V01"
EVIDENCE_LIMIT = 4_194_304
MOST_CHECKPOINTS = 16
"""Of each: signed checkpoints by themselves, and receipts."""
MOST_PROOFS = 64

T = TypeVar("T")


@dataclass(frozen=True)
class SentEntry:
    """A receipt and the entry that was sent for it, None if that is not at hand."""

    receipt: bytes
    entry: bytes | None


@dataclass(frozen=True)
class Prefix:
    """That checkpoint number `checkpoint` of the file had the root `root` when it had `size` entries."""

    checkpoint: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Inclusion:
    """That checkpoint number `checkpoint` of the file has the leaf hash `leaf` at `index`."""

    checkpoint: int
    index: int
    leaf: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Evidence:
    """A file of evidence: the election's id, its manifest entry, and what somebody says that others signed."""

    election: bytes
    manifest: bytes
    checkpoints: tuple[bytes, ...]
    receipts: tuple[SentEntry, ...]
    prefixes: tuple[Prefix, ...]
    inclusions: tuple[Inclusion, ...]


def parse_evidence(raw: bytes) -> Evidence:
    """Read a file of evidence; raises Malformed, naming the member."""
    members = _members(
        parse_canonical(raw, EVIDENCE_LIMIT),
        "the file",
        ("checkpoints", "election", "inclusions", "kind", "manifest", "prefixes", "receipts", "version"),
    )
    if members["kind"] != KIND or members["version"] != VERSION:
        raise Malformed(f"evidence: kind and version are not {KIND!r} and {VERSION!r}")
    return Evidence(
        election=_binary(members["election"], "election", HASH_BYTES),
        manifest=_binary(members["manifest"], "manifest"),
        checkpoints=_list(members["checkpoints"], "checkpoints", MOST_CHECKPOINTS, _binary),
        receipts=_list(members["receipts"], "receipts", MOST_CHECKPOINTS, _sent_entry),
        prefixes=_list(members["prefixes"], "prefixes", MOST_PROOFS, _prefix),
        inclusions=_list(members["inclusions"], "inclusions", MOST_PROOFS, _inclusion),
    )


def _sent_entry(value: Json, what: str) -> SentEntry:
    members = _members(value, what, ("entry", "receipt"))
    entry = members["entry"]
    return SentEntry(
        _binary(members["receipt"], f"{what}.receipt"), None if entry is None else _binary(entry, f"{what}.entry")
    )


def _prefix(value: Json, what: str) -> Prefix:
    members = _members(value, what, ("checkpoint", "proof", "root", "size"))
    return Prefix(
        _number(members["checkpoint"], f"{what}.checkpoint"),
        _number(members["size"], f"{what}.size"),
        _binary(members["root"], f"{what}.root", HASH_BYTES),
        _list(members["proof"], f"{what}.proof", MAX_PROOF_HASHES, _hash),
    )


def _inclusion(value: Json, what: str) -> Inclusion:
    members = _members(value, what, ("checkpoint", "index", "leaf", "proof"))
    return Inclusion(
        _number(members["checkpoint"], f"{what}.checkpoint"),
        _number(members["index"], f"{what}.index"),
        _binary(members["leaf"], f"{what}.leaf", HASH_BYTES),
        _list(members["proof"], f"{what}.proof", MAX_PROOF_HASHES, _hash),
    )


def _members(value: Json, what: str, names: tuple[str, ...]) -> dict[str, Json]:
    if not isinstance(value, dict) or tuple(sorted(value)) != names:
        raise Malformed(f"evidence: {what} is not an object of exactly {', '.join(names)}")
    return value


def _list(value: Json, what: str, most: int, read: Callable[[Json, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"evidence: {what} is not a list of at most {most}")
    return tuple(read(one, f"{what}[{place}]") for place, one in enumerate(value))


def _binary(value: Json, what: str, length: int | None = None) -> bytes:
    if not isinstance(value, str):
        raise Malformed(f"evidence: {what} is not base64url")
    return b64url_decode(value, length, f"evidence: {what}")


def _hash(value: Json, what: str) -> bytes:
    return _binary(value, what, HASH_BYTES)


def _number(value: Json, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"evidence: {what} is not an integer")
    return value
