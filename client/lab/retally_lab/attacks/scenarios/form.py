"""V09: entries that can be read in two ways, or that have no business on a board."""

from __future__ import annotations

from functools import partial

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_lab.attacks.tampering import (
    BALLOTS,
    GENERATOR,
    IDENTITY,
    NOT_CANONICAL_POINT,
    NOT_CANONICAL_SCALAR,
    Tampered,
    another_election,
    at_count,
    at_polls,
    attack,
    enrol,
    finish,
    honest,
    members,
    publish,
    refused,
)
from retally_lab.boards.election import Election, Members, members_of


def fresh_ballot() -> bytes:
    """A good ballot of a voter who has not voted."""
    return at_polls().ballot("south-2", [[0, 1]])


def _spelt_otherwise(replacement: tuple[bytes, bytes]) -> Tampered:
    """A good ballot with some bytes written in another way."""
    raw = fresh_ballot()
    before, after = replacement
    assert raw.count(before) == 1
    return refused(raw.replace(before, after))


SPELLINGS: dict[str, tuple[bytes, bytes]] = {
    "an_entry_with_a_space_in_it": (b',"credential"', b', "credential"'),
    "an_entry_with_a_member_twice": (b'"kind":"ballot"', b'"kind":"ballot","kind":"ballot"'),
    "an_entry_with_a_second_style_behind_the_first": (b'"style":"south"', b'"style":"south","style":"north"'),
    "an_entry_with_an_escaped_character": (b'"kind":"ballot"', b'"kind":"b\\u0061llot"'),
    "an_entry_with_an_escaped_character_in_its_style": (b'"style":"south"', b'"style":"s\\u006futh"'),
    "an_entry_with_a_member_too_many": (b'"style":"south"', b'"style":"south","zone":"1"'),
    "an_entry_of_another_kind_without_a_signature": (b'"kind":"ballot"', b'"kind":"closing"'),
    "an_entry_whose_style_is_a_list": (b'"style":"south"', b'"style":["south"]'),
    "an_entry_of_an_unknown_style": (b'"style":"south"', b'"style":"west"'),
}
for _name, _replacement in SPELLINGS.items():
    enrol(_name, "V09", partial(_spelt_otherwise, _replacement))


@attack("V09")
def an_entry_with_its_members_in_another_order() -> Tampered:
    raw = fresh_ballot()
    style = b',"style":"south"}'
    return refused(b'{"style":"south",' + raw[1 : -len(style)] + b"}")


@attack("V09")
def an_entry_with_something_behind_it() -> Tampered:
    return refused(fresh_ballot() + b" ")


@attack("V09")
def an_entry_with_padded_base64() -> Tampered:
    raw = members_of(fresh_ballot())
    return refused(canonical_bytes({**raw, "credential": raw["credential"] + "="}))


@attack("V09")
def an_entry_with_bits_behind_the_last_byte() -> Tampered:
    raw = members_of(fresh_ballot())
    symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = symbols[symbols.index(raw["previous"][-1]) + 1]
    return refused(canonical_bytes({**raw, "previous": raw["previous"][:-1] + last}))


@attack("V09")
def an_entry_as_long_as_an_entry_can_be() -> Tampered:
    raw = members_of(fresh_ballot())
    room = MAX_ENTRY_BYTES - len(canonical_bytes({**raw, "proof": ""}))
    return refused(canonical_bytes({**raw, "proof": "A" * room}))


@attack("V09")
def an_entry_nested_thirty_thousand_deep() -> Tampered:
    return refused(b"[" * 30_000 + b"]" * 30_000)


@attack("V09")
def an_entry_of_nothing() -> Tampered:
    return refused(b"")


@attack("V09")
def an_entry_that_is_no_text() -> Tampered:
    return refused(b"\xff\xfe\xfd")


@attack("V09")
def an_entry_with_half_a_surrogate_pair() -> Tampered:
    return refused(fresh_ballot().replace(b'"style":"south"', b'"style":"\\ud800"'))


@attack("V09")
def a_ballot_of_fewer_bits_than_its_style() -> Tampered:
    raw = members_of(fresh_ballot())
    fewer = b64url_encode(b64url_decode(raw["ciphertexts"])[:-64])
    return refused(canonical_bytes({**raw, "ciphertexts": fewer}))


# ---- points and scalars ----


def _with_record(member: str, position: int, record: bytes) -> Tampered:
    raw = members_of(fresh_ballot())
    value = bytearray(b64url_decode(raw[member]))
    start = 32 * position % len(value)
    value[start : start + 32] = record
    election = at_polls()
    at = election.append(fresh_ballot())
    election.edit(at, **{member: bytes(value)})
    return Tampered.board(finish(election), at)


for _place, _member, _position in (
    ("ciphertext", "ciphertexts", 1),
    ("credential", "credential", 0),
    ("commitment", "proof", 2),
):
    enrol(f"the_identity_as_{_place}", "V09", partial(_with_record, _member, _position, IDENTITY))
    enrol(f"no_point_as_{_place}", "V09", partial(_with_record, _member, _position, NOT_CANONICAL_POINT))
enrol("a_response_that_is_the_order", "V09", partial(_with_record, "proof", -1, NOT_CANONICAL_SCALAR))
enrol("a_response_above_the_order", "V09", partial(_with_record, "proof", -2, b"\xff" * 32))

# A negative field element: the encoding of -1 in place of the canonical one of its absolute value.
NEGATIVE = ((2**255 - 19) - 1).to_bytes(32, "little")
enrol("a_negative_field_element_as_ciphertext", "V09", partial(_with_record, "ciphertexts", 0, NEGATIVE))


# ---- officials ----


@attack("V09")
def an_officials_entry_with_bytes_behind_it() -> Tampered:
    election = at_polls()
    return refused(election.official("closing", [election.authority], ballots=BALLOTS) + b"\n")


@attack("V09")
def an_officials_entry_with_a_remark_behind_it() -> Tampered:
    election = at_polls()
    return refused(election.official("closing", [election.authority], ballots=BALLOTS) + b"counted by hand\n")


@attack("V09")
def an_officials_entry_of_two_lines() -> Tampered:
    election = at_polls()
    raw = election.official("closing", [election.authority], ballots=BALLOTS)
    return refused(raw.replace(b"\n", b"\n{}\n", 1))


def _official(election: Election, raw: Members) -> bytes:
    """An official's entry with any content, signed by the authority."""
    kind = raw.pop("kind")
    return election.official(kind, [election.authority], **raw)


@attack("V09")
def an_entry_that_imports_a_result() -> Tampered:
    election = at_count()
    raw = {"kind": "import", "contest": "mayor", "district": "north", "counts": [1000, 0]}
    at = election.append(_official(election, raw))
    return Tampered.board(publish(election), at)


@attack("V09")
def a_private_key_on_the_board() -> Tampered:
    election = at_count()
    raw = {"kind": "private-key", "guardian": 1, "share": election.secret_share(1)}
    at = election.append(_official(election, raw))
    return Tampered.board(publish(election), at)


@attack("V09")
def a_decrypted_ballot_on_the_board() -> Tampered:
    election = at_count()
    at = election.append(_official(election, {"kind": "decrypted-ballot", "ballot": 20, "choices": [[1, 0]]}))
    return Tampered.board(publish(election), at)


@attack("V09")
def a_result_with_a_remark() -> Tampered:
    election = honest()
    raw = {**members(election, election.index_of("result")), "remark": "provisional"}
    return Tampered.board(election, election.append(_official(election, raw)))


@attack("V09")
def a_closing_of_another_election() -> Tampered:
    election = at_polls()
    raw = another_election().official("closing", [election.authority], ballots=BALLOTS)
    return refused(raw)


@attack("V09")
def a_guardian_who_is_not_in_the_manifest() -> Tampered:
    election = at_count()
    at = election.append(election.partial_decryption(1))
    election.edit(at, guardian=4)
    return Tampered.board(publish(election), at)


@attack("V09")
def a_paper_count_of_another_number_of_options() -> Tampered:
    election = at_count()
    at = election.paper("south", "mayor", [1, 2, 3])
    return Tampered.board(publish(election), at)


@attack("V09")
def a_paper_count_of_a_contest_that_the_district_has_not() -> Tampered:
    election = at_count()
    at = election.paper("south", "council", [1])
    return Tampered.board(publish(election), at)


@attack("V09")
def a_replacement_part_that_is_the_identity() -> Tampered:
    election = at_polls()
    at = election.replace("north-3")
    election.edit(at, parts=GENERATOR + IDENTITY)
    return Tampered.board(finish(election), at)


# ---- replayed ----


@attack("V09")
def a_ballot_of_another_election_replayed_verbatim() -> Tampered:
    other = another_election()
    return refused(other.entries[other.index_of("ballot")])
