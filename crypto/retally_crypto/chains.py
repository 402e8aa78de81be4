"""Which ballots of an open board are accepted and which one of each credential counts, from rows on their own (V11,
V12; 7.1).

`rows` of range summaries and the roll's rows, both sorted, are settled for any part of the credentials by itself. Left
apart are the credentials about which more has to be known: those that a revocation or replacement names, and those with
a point A that may stand twice (V13). Their ballots go through `retally_crypto.record` one by one, in board order.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from retally_crypto.ranges import ROW
from retally_crypto.rules.findings import Broken
from retally_crypto.rules.state import NO_BALLOT, Credential
from retally_crypto.rules.v04_order import out_of_phase
from retally_crypto.rules.v10_v13_ballots import FALSE_PROOF, NOT_ON_ROLL, other_style, v12_chain

ROLL_ROW = struct.Struct(">32sQH")
"""credential, position, style's index."""
INDEX = struct.Struct(">Q")

Fault = tuple[int, str, str]
"""index, check, reason."""


@dataclass
class Settled:
    """What some credentials' ballots come to. `out` are the indices of the ballots whose proofs hold and that do not
    count, as INDEX packs them: they are in the sums of their ranges and have to be taken out."""

    accepted: int = 0
    superseded: int = 0
    counted: Counter[int] = field(default_factory=Counter)
    out: bytearray = field(default_factory=bytearray)
    refused: list[Fault] = field(default_factory=list)


def settle(
    roll: bytes, rows: bytes, apart: Collection[bytes], end: int, styles: Sequence[str], settled: Settled
) -> None:
    """Settles these credentials' ballots, those at `end` and later being outside the voting, and adds it to `settled`.

    `roll` and `rows` are sorted and of the same part of the credentials; `styles` are the names of the manifest's
    styles. Ballots of credentials that are `apart` are only taken out of the sums.
    """
    on_roll = {name: style for name, _, style in ROLL_ROW.iter_unpack(roll)}
    current, last, counting = b"", NO_BALLOT, -1
    style_of_credential: int | None = None
    for credential, index, style, proven, body_hash, previous in ROW.iter_unpack(rows):
        if credential != current:
            current, last, counting = credential, NO_BALLOT, -1
            style_of_credential = on_roll.get(credential)
        if credential in apart:
            if proven:
                settled.out += INDEX.pack(index)
            continue
        fault = _fault(index >= end, style_of_credential, style, proven, last, previous, styles)
        if fault is not None:
            settled.refused.append((index, *fault))
            if proven:
                settled.out += INDEX.pack(index)
            continue
        settled.accepted += 1
        if counting >= 0:
            settled.superseded += 1
            settled.out += INDEX.pack(counting)
        else:
            settled.counted[style] += 1
        last, counting = body_hash, index


def _fault(
    late: bool, on_roll: int | None, style: int, proven: bool, last: bytes, previous: bytes, styles: Sequence[str]
) -> tuple[str, str] | None:
    """The check that a well-formed ballot falls under, and why: in the order of 8.1."""
    if late:
        return "V04", out_of_phase("ballot", "tally")
    if on_roll is None:
        return "V11", NOT_ON_ROLL
    if style != on_roll:
        return "V11", other_style(styles[style], styles[on_roll])
    if not proven:
        return "V10", FALSE_PROOF
    try:
        v12_chain(last, previous)
    except Broken as broken:
        return broken.check, broken.reason
    return None


def copies(rows: bytes) -> bytes:
    """The indices (INDEX) of ballots whose proofs hold and that stand on the board before with the very same body.

    Of ballots with one body at most one is ever accepted: each names the one before it, back to zero. So a copy uses no
    point A again in the sense of V13.
    """
    found = bytearray()
    current, bodies = b"", set[bytes]()
    for credential, index, _, proven, body_hash, _ in ROW.iter_unpack(rows):
        if credential != current:
            current, bodies = credential, set()
        if proven and body_hash in bodies:
            found += INDEX.pack(index)
        elif proven:
            bodies.add(body_hash)
    return bytes(found)


def chain_of(name: bytes, style: int, rows: bytes, end: int, styles: Sequence[str]) -> Credential:
    """One credential with its accepted ballots, from rows among which are its own."""
    credential = Credential(style)
    for index, own, proven, body_hash, previous in rows_of(name, rows):
        if _fault(index >= end, style, own, proven, credential.last_body_hash, previous, styles) is None:
            credential.ballots.append(index)
            credential.last_body_hash = body_hash
    return credential


def rows_of(name: bytes, rows: bytes) -> Iterator[tuple[int, int, bool, bytes, bytes]]:
    """(index, style, whether the proof holds, H(body), previous) of one credential's ballots in sorted rows."""
    for at in range(_first(name, rows, ROW.size), len(rows), ROW.size):
        credential, index, style, proven, body_hash, previous = ROW.unpack_from(rows, at)
        if credential != name:
            return
        yield index, style, proven, body_hash, previous


def position_of(name: bytes, roll: bytes) -> tuple[int, int] | None:
    """(position, style) of a credential in sorted rows of the roll."""
    at = _first(name, roll, ROLL_ROW.size)
    if roll[at : at + 32] != name:
        return None
    _, position, style = ROLL_ROW.unpack_from(roll, at)
    return position, style


def _first(name: bytes, rows: bytes, width: int) -> int:
    """Where the first row stands whose beginning is not below `name`."""
    low, high = 0, len(rows) // width
    while low < high:
        middle = (low + high) // 2
        if rows[middle * width : middle * width + 32] < name:
            low = middle + 1
        else:
            high = middle
    return low * width
