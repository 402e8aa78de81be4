"""Voters in roll order, their codes, and the files that hold them (docs/spec 1.2, 5.6).

voters.csv  ->  order.csv   shuffled once; every registrar works from the same copy, or their styles disagree
order.csv   ->  codes       this registrar's codes: encrypted, in roll order, all that later steps need
            ->  list        voter and code, to be printed and handed out; sorted by voter, so that a lost list
                            does not tell anyone's position on the roll
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retally_client.keys import KEY_FILE_LIMIT, read_key, write_key
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.secret.credentials import CODE_BYTES, new_code, parse_code

LABEL = "registrar codes"
LONGEST_NAME = 300
_HEADER_BYTES = 32 + 4


@dataclass(frozen=True)
class Registered:
    """A voter as the registrars know her, and the id of her ballot style."""

    voter: str
    style: str


@dataclass(frozen=True)
class Codes:
    """What one registrar (counted from 1) drew for one election, in roll order: a code of 15 bytes for each voter."""

    election_id: bytes
    registrar: int
    voters: tuple[Registered, ...]
    codes: tuple[bytes, ...] = field(repr=False)

    def position_of(self, voter: str) -> int:
        """The voter's position on the roll, from 0. Raises Refused for an unknown one."""
        for position, known in enumerate(self.voters):
            if known.voter == voter:
                return position
        raise Refused(f"there is no voter {voter!r} in this codes file")


def make_codes(count: int) -> list[str]:
    """Fresh voter codes, 120 bits each from the operating system."""
    return [new_code() for _ in range(count)]


def read_voters(lines: Iterable[str]) -> tuple[Registered, ...]:
    """Voters from CSV with the columns voter and style, in their order. Raises Malformed, naming the line."""
    rows = csv.DictReader(lines, strict=True)
    seen: dict[str, int] = {}
    voters: list[Registered] = []
    try:
        if rows.fieldnames is None or set(rows.fieldnames) != {"voter", "style"}:
            raise Malformed("the list of voters: its first line is voter,style")
        for row in rows:
            voter, style, line = row["voter"], row["style"], rows.line_num
            if not voter or not style or None in row:
                raise Malformed(f"the list of voters, line {line}: a voter and a style are needed, and nothing else")
            if len(voter) > LONGEST_NAME or not voter.isprintable() or voter != voter.strip():
                raise Malformed(f"the list of voters, line {line}: at most {LONGEST_NAME} printable characters a name")
            if voter in seen:
                raise Malformed(f"the list of voters, line {line}: the voter of line {seen[voter]} again")
            seen[voter] = line
            voters.append(Registered(voter, style))
    except csv.Error as error:
        raise Malformed(f"the list of voters, line {rows.line_num}: {error}") from None
    if not voters:
        raise Malformed("the list of voters is empty")
    return tuple(voters)


def shuffled(voters: Sequence[Registered]) -> tuple[Registered, ...]:
    """The voters in an order drawn from the operating system's randomness."""
    order = list(voters)
    secrets.SystemRandom().shuffle(order)
    return tuple(order)


def voters_csv(voters: Sequence[Registered]) -> bytes:
    """The inverse of `read_voters`."""
    return _csv(("voter", "style"), ((known.voter, known.style) for known in voters))


def printable_list(voters: Sequence[Registered], codes: Sequence[str], column: str = "code") -> bytes:
    """CSV with the columns voter and code, or what else stands in `codes`, sorted by voter."""
    pairs = [(known.voter, code) for known, code in zip(voters, codes, strict=True)]
    return _csv(("voter", column), sorted(pairs))


def style_indices(voters: Sequence[Registered], manifest: Manifest) -> list[int]:
    """The styles' indices in the manifest, in roll order. Raises Refused for a style that the manifest has not."""
    known = {style.id: index for index, style in enumerate(manifest.styles)}
    for position, voter in enumerate(voters):
        if voter.style not in known:
            raise Refused(f"position {position} has the style {voter.style[:64]!r}, which the manifest does not have")
    return [known[voter.style] for voter in voters]


def codes_of(order: Sequence[Registered], typed: Sequence[str], election_id: bytes, registrar: int) -> Codes:
    """Codes drawn for voters in roll order."""
    if len(order) != len(typed):
        raise ValueError(f"{len(typed)} codes for {len(order)} voters")
    return Codes(election_id, registrar, tuple(order), tuple(parse_code(code) for code in typed))


def write_codes(path: Path, codes: Codes, passphrase: str) -> None:
    """A new encrypted codes file. Raises FileExistsError rather than overwrite one, Unusable if it would be too long
    to be read again."""
    secret = codes_to_bytes(codes)
    if 4 * len(secret) // 3 + 1024 > KEY_FILE_LIMIT:
        raise Unusable(f"{len(codes.voters)} voters do not fit one codes file: hold more than one election")
    write_key(path, secret, passphrase, LABEL)


def read_codes(path: Path, passphrase: str, policy: TrustPolicy) -> Codes:
    """The codes of an election's registrar. Raises Refused if they were drawn for another election."""
    codes = codes_from_bytes(read_key(path, passphrase, LABEL))
    if codes.election_id != policy.election_id:
        raise Refused(f"{path} holds codes of election {codes.election_id.hex()}, not of this one")
    return codes


def codes_to_bytes(codes: Codes) -> bytes:
    """election id ‖ LE(registrar, 4) ‖ all codes ‖ the order as CSV: to be encrypted before it touches a disk."""
    return b"".join(
        (
            codes.election_id,
            codes.registrar.to_bytes(4, "little"),
            len(codes.codes).to_bytes(4, "little"),
            *codes.codes,
            voters_csv(codes.voters),
        )
    )


def codes_from_bytes(raw: bytes) -> Codes:
    """The inverse of `codes_to_bytes`. Raises Malformed without repeating anything secret."""
    count = int.from_bytes(raw[_HEADER_BYTES : _HEADER_BYTES + 4], "little")
    start = _HEADER_BYTES + 4
    end = start + CODE_BYTES * count
    try:
        voters = read_voters(io.StringIO(raw[end:].decode("utf-8"), newline=""))
    except (Malformed, UnicodeDecodeError):
        raise Malformed("this is not a registrar's codes file") from None
    if len(voters) != count:
        raise Malformed("this is not a registrar's codes file")
    drawn = tuple(raw[at : at + CODE_BYTES] for at in range(start, end, CODE_BYTES))
    return Codes(raw[:32], int.from_bytes(raw[32:_HEADER_BYTES], "little"), voters, drawn)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
