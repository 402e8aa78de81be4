"""V08: the roll is what the registrars committed to, and every change of it keeps its rule (5.6, 5.7).

No registrar can choose its parts after seeing the others': all commit before any reveals, what is revealed names all
commitments, so that it cannot be shown again on a board with others, and a replacement's parts carry proofs. So nobody
but the voter, given one honest registrar, knows the secret of a credential.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from retally_crypto.checks.findings import Broken, CheckResult, Ruling, conclude, named
from retally_crypto.checks.state import BoardState, Credential, RollState
from retally_crypto.credentials import (
    combine_parts,
    opened_roll_digest,
    roll_commitment_hasher,
    roll_commitments_digest,
    roll_positions,
    verify_part,
)
from retally_crypto.entries import Opening, Roll, RollCommitment, RollReplacement, RollRevocation

IDENTITY = bytes(32)


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
    state.roll.parts[content.registrar] = bytearray()
    state.roll.styles[content.registrar] = array("I")


def v08_roll_chunk(state: BoardState, content: Roll) -> None:
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
    for other, styles in roll.styles.items():
        known = styles[content.first : end]
        for offset, (mine, theirs) in enumerate(zip(content.styles, known, strict=False)):
            demand(
                mine == theirs,
                f"registrars {registrar} and {other} name styles {mine} and {theirs} "
                f"at position {content.first + offset}",
            )
    # A false chunk may come again and again, so none may cost more than its own length.
    hasher = roll.hashers[registrar].copy()
    hasher.update(roll_positions(content.parts, content.styles))
    credentials: dict[bytes, Credential] = {}
    if end == committed.credentials:
        demand(hasher.digest() == committed.commitment, f"registrar {registrar} breaks its commitment")
        if _all_others_complete(roll, registrar):
            parts = bytes(roll.parts[registrar]) + content.parts
            credentials = _sum(roll, registrar, parts, roll.styles[registrar] + array("I", content.styles))
    roll.hashers[registrar] = hasher
    roll.parts[registrar] += content.parts
    roll.styles[registrar].extend(content.styles)
    if credentials:
        roll.credentials, roll.active, roll.complete = credentials, len(credentials), True
        roll.parts.clear()


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
    demand(replacement not in state.roll.credentials, "the new credential was on the roll before")
    credential.active = False
    state.roll.credentials[replacement] = Credential(credential.style)
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
    return opened_roll_digest(state.election_id, active_credentials(state.roll), state.roll.active)


def active_credentials(roll: RollState) -> Iterator[tuple[bytes, int]]:
    """(credential, style index) of every active credential in roll order, replacements last."""
    return ((name, credential.style) for name, credential in roll.credentials.items() if credential.active)


def v08_roll_kept(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V08 as a whole."""
    missing = []
    if not state.roll.complete:
        missing.append("the roll is incomplete")
    if state.opening_index is None:
        missing.append("no opening")
    return conclude("V08", named(findings, "V08"), missing)


def _all_others_complete(roll: RollState, registrar: int) -> bool:
    return all(len(roll.styles[r]) == c.credentials for r, c in roll.commitments.items() if r != registrar)


def _sum(roll: RollState, registrar: int, parts: bytes, styles: array[int]) -> dict[bytes, Credential]:
    buffers = [parts if other == registrar else bytes(held) for other, held in roll.parts.items()]
    total = combine_parts(buffers)
    credentials: dict[bytes, Credential] = {}
    for position, style in enumerate(styles):
        name = total[32 * position : 32 * position + 32]
        demand(name != IDENTITY, f"the parts of position {position} sum to the identity")
        demand(name not in credentials, f"position {position} repeats a credential")
        credentials[name] = Credential(style)
    return credentials


def _unused(state: BoardState, name: bytes, kind: str) -> Credential:
    credential = state.roll.credentials.get(name)
    if credential is None or not credential.active:
        raise Broken("V08", f"{kind} of a credential that is not active")
    demand(not credential.ballots, f"{kind} of a credential with an accepted ballot")
    return credential
