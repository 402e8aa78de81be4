"""Pages 3 and 9.1: signed notes, verifier keys, checkpoints with cosignatures, the trust policy."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from retally_reference import ed25519
from retally_reference.canonical import Refusal, base64_standard, refuse_unless
from retally_reference.merkle import merkle_root

SIGNATURE, COSIGNATURE = 0x01, 0x04
LONGEST_NOTE, MOST_SIGNATURES = 1_000_000, 64
LARGEST_SIZE = 2**63 - 1
DASH = "\u2014"


@dataclass(frozen=True)
class Key:
    """A verifier key: name, signature type, 32 bytes of Ed25519 public key."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


@dataclass(frozen=True)
class Line:
    """A signature line: key name, key id, signature."""

    name: str
    id: bytes
    signature: bytes

    def is_of(self, key: Key) -> bool:
        return self.name == key.name and self.id == key.id


@dataclass(frozen=True)
class Head:
    """What a checkpoint says: tree size and root; with the times of its valid cosignatures."""

    size: int
    root: bytes
    times: tuple[int, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Page 9.1: all that an auditor knows from elsewhere."""

    election: bytes
    board: Key
    witnesses: tuple[Key, ...]
    quorum: int


def parse_key(text: str) -> Key:
    """A key from `name+hex id+base64(type ‖ public key)`; the id must be the one that follows from the rest."""
    parts = text.split("+", 2)
    refuse_unless(len(parts) == 3, "a verifier key has three parts")
    raw = base64_standard(parts[2])
    refuse_unless(_is_name(parts[0]), "a key name is not empty and holds no space and no plus")
    refuse_unless(len(raw) == 33 and raw[0] in (SIGNATURE, COSIGNATURE), "a verifier key of another type or length")
    key = Key(parts[0], raw[0], raw[1:])
    refuse_unless(parts[1] == key.id.hex(), f"the id of key {key.name} is not the one that follows from it")
    return key


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() or letter < " " for letter in name)


def parse_note(raw: bytes) -> tuple[bytes, list[Line]]:
    """The text of a note, with its last newline, and its signature lines. Nothing is verified here."""
    refuse_unless(len(raw) <= LONGEST_NOTE, f"a note of {len(raw)} bytes")
    refuse_unless(not any(byte < 0x20 and byte != 0x0A for byte in raw), "a note with a control character")
    try:
        content = raw.decode()
    except UnicodeDecodeError:
        raise Refusal("a note that is not UTF-8") from None
    text, blank, block = content.rpartition("\n\n")
    refuse_unless(bool(blank) and block.endswith("\n"), "a note without signature lines after an empty line")
    lines = [_parse_line(line) for line in block[:-1].split("\n")]
    return (text + "\n").encode(), lines


def _parse_line(line: str) -> Line:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    refuse_unless(dash == DASH and _is_name(name), "a note with a line that is no signature line")
    raw = base64_standard(encoded)
    refuse_unless(len(raw) >= 5, "a signature line that is too short")
    return Line(name, raw[:4], raw[4:])


def open_checkpoint(raw: bytes, policy: Policy) -> Head:
    """3.1: a checkpoint signed by the board's key, and by no known key wrongly or twice. The quorum is looked at
    later."""
    text, lines = parse_note(raw)
    refuse_unless(len(lines) <= MOST_SIGNATURES, f"a checkpoint with more than {MOST_SIGNATURES} signature lines")
    known = [(key, line) for line in lines for key in (policy.board, *policy.witnesses) if line.is_of(key)]
    refuse_unless(len({key for key, _ in known}) == len(known), "a checkpoint that a known key signs twice")
    refuse_unless(any(key == policy.board for key, _ in known), "a checkpoint that the board's key has not signed")
    times = []
    for key, line in known:
        if key == policy.board:
            refuse_unless(ed25519.verify(key.public, text, line.signature), "a wrong signature of the board")
        else:
            times.append(_cosignature_time(key, line.signature, text))
    return Head(*_parse_checkpoint(text, policy.board.name), tuple(times))


def _cosignature_time(key: Key, signature: bytes, text: bytes) -> int:
    time = int.from_bytes(signature[:8], "big")
    message = b"cosignature/v1\ntime %d\n" % time + text
    right = len(signature) == 72 and 0 < time < 2**63 and ed25519.verify(key.public, message, signature[8:])
    refuse_unless(right, f"a wrong cosignature of {key.name}")
    return time


def _parse_checkpoint(text: bytes, origin: str) -> tuple[int, bytes]:
    lines = text.decode().split("\n")
    refuse_unless(len(lines) == 4 and lines[3] == "", "a checkpoint of another form than three lines")
    refuse_unless(lines[0] == origin, f"a checkpoint of another origin than {origin}")
    number = re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]) is not None
    refuse_unless(number and int(lines[1]) <= LARGEST_SIZE, "a checkpoint whose size is no number below 2^63")
    root = base64_standard(lines[2])
    refuse_unless(len(root) == 32, "a checkpoint whose root has another length than 32 bytes")
    refuse_unless(
        lines[1] != "0" or root == merkle_root(b""), "a checkpoint of no entries with another root than theirs"
    )
    return int(lines[1]), root


def has_quorum(head: Head, policy: Policy) -> bool:
    """Whether enough different witnesses cosigned; each is counted once because none signs twice."""
    return len(head.times) >= policy.quorum


def parse_policy(raw: bytes) -> Policy:
    """9.1: exactly these lines in this order."""
    try:
        lines = raw.decode().split("\n")
    except UnicodeDecodeError:
        raise Refusal("a policy that is not UTF-8") from None
    refuse_unless(len(lines) >= 5 and lines[0] == "retally-policy/v1" and lines[-1] == "", "a policy of another form")
    refuse_unless(re.fullmatch("election [0-9a-f]{64}", lines[1]) is not None, "a policy without election id")
    board = parse_key(_rest_of(lines[2], "log "))
    witness_lines = [line for line in lines[3:] if line.startswith("witness ")]
    keys = tuple(parse_key(_rest_of(line, f"witness w{n} ")) for n, line in enumerate(witness_lines, start=1))
    after = lines[3 + len(keys) : -1]
    quorum = 0
    if keys:
        names = " ".join(f"w{n}" for n in range(1, len(keys) + 1))
        found = re.fullmatch(rf"group witnesses ([1-9][0-9]?) {names}", after[0]) if len(after) == 2 else None
        refuse_unless(found is not None and after[1] == "quorum witnesses", "a policy without its quorum")
        quorum = int(found.group(1)) if found else 0
    else:
        refuse_unless(after == ["quorum none"], "a policy without witnesses says: quorum none")
    _check_policy_keys(board, keys, quorum)
    return Policy(bytes.fromhex(lines[1][9:]), board, keys, quorum)


def _rest_of(line: str, beginning: str) -> str:
    refuse_unless(line.startswith(beginning), f"a policy line that does not begin with {beginning!r}")
    return line[len(beginning) :]


def _check_policy_keys(board: Key, witnesses: Sequence[Key], quorum: int) -> None:
    refuse_unless(board.kind == SIGNATURE, "a policy whose board key is of another type")
    refuse_unless(all(key.kind == COSIGNATURE for key in witnesses), "a policy with a witness key of another type")
    keys = [board, *witnesses]
    for key in keys:
        refuse_unless(ed25519.valid_ed25519_key(key.public), f"the key of {key.name} is no point of prime order")
    distinct = len({key.name for key in keys}) == len({key.public for key in keys}) == len(keys)
    refuse_unless(distinct, "a policy that names a key twice")
    refuse_unless(
        quorum <= len(witnesses) <= 2 * quorum - 1 if witnesses else True, "a policy whose quorum is too small"
    )
