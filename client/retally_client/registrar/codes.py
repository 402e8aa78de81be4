"""Voters in roll order, their codes, and the files that hold them (docs/spec 1.2, 5.6).

voters      ->  order.csv   shuffled once; every registrar works from the same copy, or their styles disagree
order.csv   ->  codes       this registrar's codes: encrypted, in roll order, all that later steps need
            ->  list        voter, what else the list of voters says, and code, to be printed and handed out; sorted
                            by voter, so that a lost list does not tell anyone's position on the roll
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retally_client.faults import listed
from retally_client.keys import KEY_FILE_LIMIT, read_key, write_key
from retally_client.registrar.voters import NEEDED, Registered, found, read_voters, voters_csv
from retally_client.tables import read_table
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.secret.credentials import CODE_BYTES, new_code, parse_code

LABEL = "registrar codes"
_HEADER_BYTES = 32 + 4


@dataclass(frozen=True)
class Codes:
    """What one registrar (counted from 1) drew for one election, in roll order: a code of 15 bytes for each voter."""

    election_id: bytes
    registrar: int
    voters: tuple[Registered, ...]
    codes: tuple[bytes, ...] = field(repr=False)

    def position_of(self, wanted: str) -> int:
        """The position on the roll, from 0, of the only voter whom `wanted` can mean: her name or number, or a part.

        Raises Refused where it can mean nobody, or several, whom it names.
        """
        positions = found(self.voters, wanted)
        if not positions:
            raise Refused(f"there is no voter {wanted[:64]!r} in this codes file; a part of the name is enough")
        if len(positions) > 1:
            labels = sorted(self.voters[position].label for position in positions)
            raise Refused(listed(f"{wanted[:64]!r} can mean {len(labels):,} voters; say more of the name:", labels))
        return positions[0]


def make_codes(count: int) -> list[str]:
    """Fresh voter codes, 120 bits each from the operating system."""
    return [new_code() for _ in range(count)]


def style_indices(voters: Sequence[Registered], manifest: Manifest) -> list[int]:
    """The styles' indices in the manifest, in roll order. Raises Refused for a style that the manifest has not."""
    known = {style.id: index for index, style in enumerate(manifest.styles)}
    for voter in voters:
        if voter.style not in known:
            raise Refused(
                f"{voter.label} has the style {voter.style[:64]!r}, which the manifest does not have: "
                "draw the codes anew from a corrected list"
            )
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
        voters = read_voters(read_table(raw[end:], "the codes file", NEEDED), None).voters
    except Malformed:
        raise Malformed("this is not a registrar's codes file") from None
    if len(voters) != count:
        raise Malformed("this is not a registrar's codes file")
    drawn = tuple(raw[at : at + CODE_BYTES] for at in range(start, end, CODE_BYTES))
    return Codes(raw[:32], int.from_bytes(raw[32:_HEADER_BYTES], "little"), voters, drawn)
