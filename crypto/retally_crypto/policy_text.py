"""The trust policy as a file: written, read, and made from a manifest (docs/spec 9.1).

Promise: `parse_policy` returns only for the one text that `format_policy` writes for what was read.
"""

from __future__ import annotations

from retally_crypto.encoding import hex_decode
from retally_crypto.engine import engine
from retally_crypto.entries import SignedEntry, check_signatures, election_id, parse_entry
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest, check_manifest
from retally_crypto.notes import COSIGNATURE_V1, ED25519, VerifierKey, format_vkey, parse_vkey
from retally_crypto.policy import TrustPolicy

HEADER = "retally-policy/v1"

MAX_BYTES = 64 * 1024


def format_policy(policy: TrustPolicy) -> bytes:
    """The policy's file."""
    names = [f"w{number}" for number in range(1, len(policy.witnesses) + 1)]
    lines = [HEADER, f"election {policy.election_id.hex()}", f"log {format_vkey(policy.board)}"]
    lines += [f"witness {name} {format_vkey(key)}" for name, key in zip(names, policy.witnesses, strict=True)]
    if names:
        lines += [f"group witnesses {policy.quorum} {' '.join(names)}", "quorum witnesses"]
    else:
        lines.append("quorum none")
    return "".join(line + "\n" for line in lines).encode()


def parse_policy(raw: bytes) -> TrustPolicy:
    """The policy in a file that has exactly the lines of 9.1. Raises Malformed, naming the line."""
    if len(raw) > MAX_BYTES:
        raise Malformed(f"trust policy of {len(raw)} bytes: at most {MAX_BYTES} are allowed")
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise Malformed("trust policy is not UTF-8") from None
    if len(lines) < 5 or lines[-1] != "" or lines[0] != HEADER:
        raise Malformed(f"trust policy: its first line is {HEADER}, and every line ends in a newline")
    election = hex_decode(_after("election ", lines[1], 2), 32, "trust policy, line 2: the election id")
    board = parse_vkey(_after("log ", lines[2], 3))
    witnesses = tuple(
        _witness(line, number) for number, line in enumerate(lines[3:], start=1) if line.startswith("witness ")
    )
    policy = TrustPolicy(election, board, witnesses, _quorum(lines, len(witnesses)))
    if format_policy(policy) != raw:
        raise Malformed("trust policy: other lines than those of docs/spec 9.1, or in another order")
    _require_sound(policy)
    return policy


def policy_from_manifest(manifest_entry: bytes) -> TrustPolicy:
    """The policy that a manifest implies, for a person who has checked the manifest by other means.

    Raises Malformed if it is no manifest, BadSignature if it is not signed by the authority it names, Refused if it
    breaks a rule of 4.1.
    """
    entry = parse_entry(manifest_entry, None)
    if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
        raise Malformed("this entry is not a manifest")
    manifest = entry.content
    check_signatures(entry, manifest)
    faults = check_manifest(manifest)
    if faults:
        raise Refused(f"the manifest breaks a rule: {faults[0]}")
    return TrustPolicy(election_id(manifest_entry), manifest.board, manifest.witnesses.keys, manifest.witnesses.quorum)


def _after(prefix: str, line: str, number: int) -> str:
    if not line.startswith(prefix):
        raise Malformed(f"trust policy, line {number}: it begins with {prefix.strip()!r}")
    return line[len(prefix) :]


def _witness(line: str, number: int) -> VerifierKey:
    return parse_vkey(_after(f"witness w{number} ", line, 3 + number))


def _quorum(lines: list[str], witnesses: int) -> int:
    if not witnesses:
        return 0
    if len(lines) != witnesses + 6:
        raise Malformed("trust policy: a group line and a quorum line follow the witnesses")
    digits = _after("group witnesses ", lines[witnesses + 3], witnesses + 4).split(" ")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 2):
        raise Malformed(f"trust policy, line {witnesses + 4}: the quorum is a number")
    return int(digits)


def _require_sound(policy: TrustPolicy) -> None:
    if policy.board.algorithm != ED25519:
        raise Malformed("trust policy: the board's key is of signature type 1")
    for key in policy.witnesses:
        if key.algorithm != COSIGNATURE_V1:
            raise Malformed(f"trust policy: the key of witness {key.name} is of signature type 4")
    for key in (policy.board, *policy.witnesses):
        if not engine.valid_ed25519_key(key.public_key):
            raise Malformed(f"trust policy: the key of {key.name} is no canonical point of prime order")
    w, q = len(policy.witnesses), policy.quorum
    if w and not w < 2 * q <= 2 * w:
        raise Malformed(f"trust policy: the quorum is {q} of {w} witnesses, more than half are needed")
    publics = [policy.board.public_key, *(key.public_key for key in policy.witnesses)]
    names = [policy.board.name, *(key.name for key in policy.witnesses)]
    if len(set(publics)) != len(publics) or len(set(names)) != len(names):
        raise Malformed("trust policy: a key or a key name occurs twice")
