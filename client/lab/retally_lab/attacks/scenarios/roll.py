"""V08: registrars who break their word, credentials taken from voters or made up, a roll that is not the one opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retally_crypto import credentials
from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_crypto.secret.credentials import prove_part, public_part
from retally_lab.attacks.forging import point, random_scalar, scalar
from retally_lab.attacks.tampering import (
    GENERATOR,
    MAYOR,
    Tampered,
    at_opening,
    at_polls,
    attack,
    finish,
    just_opened,
    members,
    refused,
)
from retally_lab.boards.election import Election


def confirmed() -> Election:
    """The honest election after its ceremony, before any registrar commits."""
    return at_opening().before("roll-commitment")


def enter(
    election: Election, parts: Sequence[bytes], styles: Mapping[int, Sequence[int]], committed: Sequence[int] = ()
) -> list[int]:
    """Registrars commit to these parts and styles and reveal them; the indices of all four entries.

    `committed` replaces the numbers of credentials that they commit to.
    """
    indices, digests = [], []
    for number, key in enumerate(election.registrars, start=1):
        own = parts[number - 1]
        digest = credentials.roll_commitment(election.election_id, number, own, styles[number])
        digests.append(digest)
        count = committed[number - 1] if committed else len(styles[number])
        more = {"registrar": number, "credentials": count, "commitment": digest}
        indices.append(election.append(election.official("roll-commitment", [key], **more)))
    seen = credentials.roll_commitments_digest(election.election_id, digests)
    for number, key in enumerate(election.registrars, start=1):
        chunk = {"registrar": number, "first": 0, "parts": parts[number - 1], "styles": list(styles[number])}
        indices.append(election.append(election.official("roll", [key], commitments=seen, **chunk)))
    return indices


def random_parts(count: int) -> bytes:
    return b"".join(point(random_scalar()) for _ in range(count))


# ---- the commitments ----


@attack("V08")
def a_registrar_that_breaks_its_commitment() -> Tampered:
    election = at_opening()
    at = election.index_of("roll", 1)
    parts = b64url_decode(members(election, at)["parts"])
    election.edit(at, parts=parts[32:64] + parts[:32] + parts[64:])
    return Tampered.board(election, at)


@attack("V08")
def a_registrar_that_chooses_its_part_after_seeing_the_others() -> Tampered:
    """A part x·G minus the others' would make C a credential whose secret the registrar alone knows."""
    election = at_opening()
    first, at = election.indices_of("roll")
    seen, own = (b64url_decode(members(election, index)["parts"]) for index in (first, at))
    election.edit(at, parts=engine.subtract(point(random_scalar()), seen[:32]) + own[32:])
    return Tampered.board(election, at)


@attack("V08")
def a_part_revealed_to_other_commitments_than_the_boards() -> Tampered:
    """An honest registrar's signed entry, taken from a fork on which the other one had committed to something else."""
    election = at_opening()
    at = election.index_of("roll")
    fork = credentials.roll_commitments_digest(election.election_id, [bytes(32), bytes(32)])
    election.edit(at, commitments=fork)
    return Tampered.board(election, at)


@attack("V08")
def a_registrar_that_moves_a_voter_to_another_style() -> Tampered:
    election = at_opening()
    at = election.index_of("roll", 1)
    styles = members(election, at)["styles"]
    election.edit(at, styles=[1 - styles[0], *styles[1:]])
    return Tampered.board(election, at)


@attack("V08")
def two_registrars_who_committed_to_different_styles() -> Tampered:
    election = confirmed()
    indices = enter(election, [random_parts(2), random_parts(2)], {1: [0, 1], 2: [0, 0]})
    return Tampered.board(election, indices[3])


@attack("V08")
def two_registrars_who_committed_to_different_numbers() -> Tampered:
    election = confirmed()
    _, second, *chunks = enter(election, [random_parts(2), random_parts(3)], {1: [0, 1], 2: [0, 1, 1]})
    del election.entries[chunks[0] :]
    return Tampered.board(election, second)


@attack("V08")
def a_registrar_that_reveals_more_than_it_committed_to() -> Tampered:
    election = confirmed()
    parts = [random_parts(3), random_parts(3)]
    *_, first, second = enter(election, parts, {1: [0, 1, 1], 2: [0, 1, 1]}, committed=(2, 2))
    return Tampered.board(election, first, second)


@attack("V08")
def one_credential_at_two_positions() -> Tampered:
    election = confirmed()
    parts = [2 * random_parts(1), 2 * random_parts(1)]
    return Tampered.board(election, enter(election, parts, {1: [0, 1], 2: [0, 1]})[3])


@attack("V08")
def a_credential_that_is_the_identity() -> Tampered:
    election = confirmed()
    secret = random_scalar()
    parts = [point(secret) + random_parts(1), point(-secret) + random_parts(1)]
    return Tampered.board(election, enter(election, parts, {1: [0, 1], 2: [0, 1]})[3])


# ---- the opening ----


@attack("V08")
def an_opening_that_counts_another_number_of_voters() -> Tampered:
    election = just_opened()
    at = election.index_of("opening")
    election.edit(at, credentials=members(election, at)["credentials"] + 100)
    return Tampered.board(election, at)


@attack("V08")
def an_opening_over_another_roll() -> Tampered:
    election = just_opened()
    at = election.index_of("opening")
    election.edit(at, roll=bytes(32))
    return Tampered.board(election, at)


@attack("V08")
def an_opening_that_overlooks_a_revocation() -> Tampered:
    election = at_opening()
    opening = just_opened().entries[-1]
    election.revoke("north-3")
    return Tampered.board(election, election.append(opening))


# ---- revocations and replacements ----


@attack("V08")
def a_voter_revoked_after_voting() -> Tampered:
    election = at_polls()
    at = election.revoke("north-1")
    return Tampered.board(finish(election), at)


@attack("V08")
def a_voter_replaced_after_voting() -> Tampered:
    election = at_polls()
    at = election.replace("south-1")
    return Tampered.board(finish(election), at)


@attack("V08")
def more_revocations_than_the_cap() -> Tampered:
    election = at_polls()
    election.revoke("north-4")
    at = election.revoke("north-3")
    return Tampered.board(finish(election), at)


@attack("V08")
def more_replacements_than_the_cap() -> Tampered:
    election = at_polls()
    election.replace("north-4")
    at = election.replace("north-3")
    return Tampered.board(finish(election), at)


@attack("V08")
def a_voter_revoked_twice() -> Tampered:
    election = Election.create((MAYOR,), caps={"revocations": 5, "replacements": 5})
    election.ceremony()
    election.roll()
    election.revoke("north-2")
    at = election.revoke("north-2")
    election.open()
    return Tampered.board(election, at)


@attack("V08")
def a_revocation_of_nobody() -> Tampered:
    election = at_polls()
    raw = election.official("roll-revocation", election.registrars, credential=GENERATOR, reason="nobody")
    return refused(raw)


@attack("V08")
def a_replacement_whose_part_is_not_proven() -> Tampered:
    election = at_polls()
    at = election.replace("north-3")
    parts = b64url_decode(members(election, at)["parts"])
    election.edit(at, parts=parts[:32] + GENERATOR)
    return Tampered.board(finish(election), at)


@attack("V08")
def a_replacement_that_the_last_registrar_chose_alone() -> Tampered:
    """Its part is x·G minus the others': the sum would be a credential whose secret x it knows."""
    election = at_polls()
    at = election.replace("north-3")
    parts = b64url_decode(members(election, at)["parts"])
    election.edit(at, parts=parts[:32] + engine.subtract(point(random_scalar()), parts[:32]))
    return Tampered.board(finish(election), at)


@attack("V08")
def a_replacement_proved_for_another_credential() -> Tampered:
    election = at_polls()
    at = election.replace("north-3")
    election.edit(at, credential=election.voters["north-4"].credential)
    return Tampered.board(finish(election), at)


def _replacement(election: Election, replaced: str, secrets: Sequence[int]) -> bytes:
    """A replacement by the credential with these parts, each of them proved."""
    old = election.voters[replaced].credential
    scalars = list(map(scalar, secrets))
    numbered = enumerate(scalars, start=1)
    proofs = [prove_part(secret, election.election_id, number, old) for number, secret in numbered]
    more = {"parts": b"".join(map(public_part, scalars)), "proofs": b"".join(proofs), "reason": "lost"}
    return election.official("roll-replacement", election.registrars, credential=old, **more)


@attack("V08")
def a_replacement_by_the_identity() -> Tampered:
    secret = random_scalar()
    return refused(_replacement(at_polls(), "north-3", [secret, -secret]))


@attack("V08")
def a_replacement_by_another_voters_credential() -> Tampered:
    election = at_polls()
    taken = [int.from_bytes(secret, "little") for secret in election.voters["north-4"].secrets]
    return refused(_replacement(election, "north-3", taken))
