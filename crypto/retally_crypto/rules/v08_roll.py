"""V08: the roll is what the registrars committed to, and every change of it keeps its rule (5.6, 5.7).

No registrar can choose its parts after seeing the others': all commit before any reveals, what is revealed names all
commitments, so that it cannot be shown again on a board with others, and a replacement's parts carry proofs. So nobody
but the voter, given one honest registrar, knows the secret of a credential.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from retally_crypto.credentials import (
    combine_parts,
    opened_roll_digest,
    roll_commitment_hasher,
    roll_commitments_digest,
    roll_positions,
    verify_part,
)
from retally_crypto.entries import Opening, RollCommitment, RollReplacement, RollRevocation
from retally_crypto.entries import Roll as RollChunk
from retally_crypto.rules.findings import Broken, CheckResult, Finding, conclude, named
from retally_crypto.rules.state import IN_ORDER, BoardState, Credential, RegistrarsList, Roll, RollState

IDENTITY = bytes(32)
POSITIONS_AT_ONCE = 1 << 14
"""Positions of the roll whose parts are summed together."""


def demand(condition: bool, reason: str) -> None:
    """Refuse the entry under V08 unless `condition` holds."""
    if not condition:
        raise Broken("V08", reason)


def v08_roll_commitment(state: BoardState, content: RollCommitment) -> None:
    """All registrars commit to the same number of credentials."""
    for other, earlier in state.roll.commitments.items():
        demand(
            content.credentials == earlier.credentials,
            f"registrar {content.registrar} commits to {content.credentials} credentials, "
            f"registrar {other} to {earlier.credentials}",
        )
    state.roll.commitments[content.registrar] = content
    state.roll.hashers[content.registrar] = roll_commitment_hasher(
        state.election_id, content.registrar, content.credentials
    )
    state.roll.lists[content.registrar] = RegistrarsList(state.roll.storage.spool())


def v08_roll_chunk(state: BoardState, content: RollChunk) -> None:
    """A chunk fits its commitment and the other registrars' styles; the last one completes the roll."""
    roll, registrar, committed = state.roll, content.registrar, state.roll.commitments[content.registrar]
    demand(
        content.commitments == commitments_digest(state),
        f"registrar {registrar} reveals its parts to other commitments than those on this board",
    )
    end = content.first + len(content.styles)
    demand(
        end <= committed.credentials,
        f"registrar {registrar} reveals {end} credentials and committed to {committed.credentials}",
    )
    for other, held in roll.lists.items():
        known = held.styles(content.first, end)
        for offset, (mine, theirs) in enumerate(zip(content.styles, known, strict=False)):
            demand(
                mine == theirs,
                f"registrars {registrar} and {other} name styles {mine} and {theirs} "
                f"at position {content.first + offset}",
            )
    # A false chunk may come again and again, so none may cost more than its own length.
    hasher = roll.hashers[registrar].copy()
    hasher.update(roll_positions(content.parts, content.styles))
    if end == committed.credentials:
        demand(hasher.digest() == committed.commitment, f"registrar {registrar} breaks its commitment")
    own = roll.lists[registrar]
    own.append(content.parts, content.styles)
    try:
        _complete(roll, lambda: _sum(roll, committed.credentials))
    except Broken as broken:
        own.truncate(content.first)
        roll.void = broken.reason
        raise
    roll.hashers[registrar] = hasher


def v08_recalled_chunk(state: BoardState, registrar: int, length: int, roll: Callable[[], Roll]) -> None:
    """What a chunk of this length brings about that was found to keep the rule before; `roll` gives the roll it
    completes."""
    state.roll.lists[registrar].length += length
    _complete(state.roll, roll)


def _complete(roll: RollState, names: Callable[[], Roll]) -> None:
    """The roll, once every registrar has revealed its whole list. Raises Broken."""
    if any(held.length < roll.commitments[registrar].credentials for registrar, held in roll.lists.items()):
        return
    # The lists are what was committed to: what is wrong with them once stays wrong, and is found out once only.
    demand(roll.void is None, roll.void or "")
    roll.names = names()
    roll.active = len(roll.names)
    for held in roll.lists.values():
        held.forget()


def commitments_digest(state: BoardState) -> bytes:
    """What `commitments` of a roll entry must be, once all registrars have committed (5.6)."""
    committed = state.roll.commitments
    return roll_commitments_digest(state.election_id, [committed[number].commitment for number in sorted(committed)])


def v08_revocation(state: BoardState, content: RollRevocation) -> None:
    """An unused active credential is taken off the roll, within the cap."""
    credential = _unused(state, content.credential, content.kind)
    cap = state.manifest.caps.revocations
    demand(state.roll.revocations < cap, f"more than {cap} revocations")
    credential.active = False
    state.roll.known[content.credential] = credential
    state.roll.revocations += 1
    state.roll.active -= 1


def v08_replacement(state: BoardState, content: RollReplacement) -> None:
    """An unused active credential gives way to a new one whose parts are all proven, within the cap."""
    credential = _unused(state, content.credential, content.kind)
    cap = state.manifest.caps.replacements
    demand(state.roll.replacements < cap, f"more than {cap} replacements")
    parts = [content.parts[at : at + 32] for at in range(0, len(content.parts), 32)]
    for registrar, part in enumerate(parts, start=1):
        proof = content.proofs[64 * (registrar - 1) : 64 * registrar]
        known = verify_part(part, proof, state.election_id, registrar, content.credential)
        demand(known, f"registrar {registrar} does not prove its part")
    replacement = combine_parts(parts)
    demand(replacement != IDENTITY, "the parts sum to the identity")
    demand(state.roll.find(replacement) is None, "the new credential was on the roll before")
    credential.active = False
    state.roll.known |= {content.credential: credential, replacement: Credential(credential.style)}
    state.roll.added.append(replacement)
    state.roll.replacements += 1


def v08_opening(state: BoardState, content: Opening) -> None:
    """`credentials` and `roll` of the opening are the number and digest of the active credentials."""
    demand(
        content.credentials == state.roll.active,
        f"credentials is {content.credentials}, {state.roll.active} are active",
    )
    demand(content.roll == opened_digest(state), "roll is not the digest of the active credentials")


def opened_digest(state: BoardState) -> bytes:
    """The digest that `opening` must name now (5.6)."""
    roll = state.roll
    changes = roll.revocations + roll.replacements
    # False openings may come again and again: the whole roll is hashed once for each change of it.
    if roll.opened is None or roll.opened[0] != changes:
        roll.opened = changes, opened_roll_digest(state.election_id, roll.active_ones(), roll.active)
    return roll.opened[1]


def v08_roll_kept(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V08 as a whole."""
    missing = []
    if not state.roll.complete:
        missing.append("the roll is incomplete")
    if state.opening_index is None:
        missing.append("no opening")
    return conclude("V08", named(findings, "V08"), missing)


def _sum(roll: RollState, count: int) -> Roll:
    names = roll.storage.roll(_summed(roll, count))
    repeated = names.first_repeated()
    demand(repeated is None, f"position {repeated} repeats a credential")
    return names


def _summed(roll: RollState, count: int) -> Iterator[bytes]:
    """The sums of all registrars' parts with their styles, as IN_ORDER packs them. Raises Broken."""
    for first in range(0, count, POSITIONS_AT_ONCE):
        end = min(first + POSITIONS_AT_ONCE, count)
        total = combine_parts([held.parts(first, end) for held in roll.lists.values()])
        rows = bytearray()
        for position, style in enumerate(roll.lists[1].styles(first, end), start=first):
            at = 32 * (position - first)
            demand(total[at : at + 32] != IDENTITY, f"the parts of position {position} sum to the identity")
            rows += IN_ORDER.pack(total[at : at + 32], style)
        yield bytes(rows)


def _unused(state: BoardState, name: bytes, kind: str) -> Credential:
    credential = state.roll.find(name)
    if credential is None or not credential.active:
        raise Broken("V08", f"{kind} of a credential that is not active")
    demand(not credential.ballots, f"{kind} of a credential with an accepted ballot")
    return credential
