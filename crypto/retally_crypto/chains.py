"""Which ballots of an open board are accepted and which one of each credential counts, from rows on their own (V11,
V12; 7.1).

`rows` of range summaries and the roll's rows, both sorted, are settled for any range of the credentials by itself, by
the one rule for a ballot. Not settled here are *flagged* credentials, about which more has to be known: those that a
revocation or replacement names, and those with a point A that may stand twice (V13). Their ballots go through the fold
one by one, in board order (`retally_crypto.rules.fold`).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from retally_crypto.ranges import ROW
from retally_crypto.rules.ballot import NO_BALLOT, BallotFacts, Chain, rule_ballot
from retally_crypto.rules.findings import Finding
from retally_crypto.rules.state import Credential

ROLL_ROW = struct.Struct(">32sQH")
"""credential, position, style's index."""
INDEX = struct.Struct(">Q")


@dataclass(frozen=True)
class SettledBallots:
    """What some credentials' ballots come to: numbers, counted ballots by style, and what was refused.

    `uncounted` are the indices of the ballots whose proofs hold and that do not count, as INDEX packs them: they are in
    the sums of their ranges and have to be subtracted.
    """

    accepted: int
    superseded: int
    counted: Counter[int]
    uncounted: bytes
    refused: tuple[Finding, ...]


def settle(roll: bytes, rows: bytes, flagged: Collection[bytes], end: int, styles: Sequence[str]) -> SettledBallots:
    """Settles these credentials' ballots, those at `end` and later being outside the voting.

    `roll` and `rows` are sorted and of the same range of the credentials; `styles` are the names of the manifest's
    styles. Ballots of flagged credentials are only among the uncounted.
    """
    unused = [Chain(style, True, NO_BALLOT) for style in range(len(styles))]
    chains = {name: unused[style] for name, _, style in ROLL_ROW.iter_unpack(roll)}
    accepted = superseded = 0
    counted: Counter[int] = Counter()
    uncounted, refused = bytearray(), []
    credential, counting, skipped = b"", -1, False
    chain: Chain | None = None
    for facts in _facts(rows):
        if facts.credential != credential:
            # Rows are sorted by credential, then index: a chain begins here, and none is ever taken up again.
            credential, counting = facts.credential, -1
            chain = chains.get(credential)
            skipped = credential in flagged
        if skipped:
            if facts.proven:
                uncounted += INDEX.pack(facts.at)
            continue
        fault = rule_ballot(facts, chain, "tally" if facts.at >= end else "voting", styles)
        if fault is not None:
            refused.append(Finding(facts.at, "ballot", *fault))
            if facts.proven:
                uncounted += INDEX.pack(facts.at)
            continue
        accepted += 1
        if counting >= 0:
            superseded += 1
            uncounted += INDEX.pack(counting)
        else:
            counted[facts.style] += 1
        chain, counting = Chain(facts.style, True, facts.body_hash), facts.at
    return SettledBallots(accepted, superseded, counted, bytes(uncounted), tuple(refused))


def _facts(rows: bytes) -> Iterator[BallotFacts]:
    """Rows as they are: the struct's members are the facts', so that a million ballots cost no call each."""
    return map(partial(tuple.__new__, BallotFacts), ROW.iter_unpack(rows))


def joined(several: Sequence[SettledBallots]) -> SettledBallots:
    """What different credentials' ballots come to together."""
    counted: Counter[int] = Counter()
    for one in several:
        counted.update(one.counted)
    return SettledBallots(
        accepted=sum(one.accepted for one in several),
        superseded=sum(one.superseded for one in several),
        counted=counted,
        uncounted=b"".join(one.uncounted for one in several),
        refused=tuple(finding for one in several for finding in one.refused),
    )


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
    for facts in rows_of(name, rows):
        if rule_ballot(facts, credential.chain, "tally" if facts.at >= end else "voting", styles) is None:
            credential.ballots.append(facts.at)
            credential.last_body_hash = facts.body_hash
    return credential


def rows_of(name: bytes, rows: bytes) -> Iterator[BallotFacts]:
    """One credential's ballots in sorted rows."""
    for at in range(_first(name, rows, ROW.size), len(rows), ROW.size):
        facts = BallotFacts._make(ROW.unpack_from(rows, at))
        if facts.credential != name:
            return
        yield facts


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
