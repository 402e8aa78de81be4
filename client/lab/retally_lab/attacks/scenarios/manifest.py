"""V03: another manifest than the policy's, or one that breaks a rule of 4.1."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from retally_crypto.notes import COSIGNATURE_V1, format_vkey, verifier_key
from retally_crypto.policy import TrustPolicy
from retally_lab.attacks.tampering import MAYOR, Tampered, another_election, attack, enrol, honest, witnessed
from retally_lab.boards.election import Election, contest, district, members_of, sign, signing_key

NAMES = ("entry 0: ",)


def _vkey(name: str, algorithm: int = 1) -> str:
    return format_vkey(signing_key(name, algorithm).verifier_key)


def _key_of(name: str, public_key: bytes) -> str:
    return format_vkey(verifier_key(name, public_key))


# ---- the policy names another ----


@attack("V03")
def a_manifest_swapped_for_another_elections() -> Tampered:
    other = another_election().copy()
    return Tampered(other.files(), honest().policy(), NAMES)


@attack("V03")
def a_manifest_signed_again_with_one_word_changed() -> Tampered:
    election = honest()
    policy = election.policy()
    election.edit(0, title="An election for tests, corrected")
    return Tampered(election.files(), policy, NAMES)


@attack("V03")
def a_manifest_of_a_board_with_another_key() -> Tampered:
    election = honest()
    trusted = election.policy()
    election.board = signing_key("another.example/2027")
    policy = replace(trusted, board=election.board.verifier_key)
    return Tampered(election.files(), policy, NAMES)


@attack("V03")
def a_board_without_the_witnesses_that_the_policy_names() -> Tampered:
    election = Election.create((MAYOR,), (district("north"),))
    policy = replace(witnessed().policy(), election_id=election.election_id)
    election.witnesses = witnessed().witnesses
    return Tampered(election.files(), policy, NAMES)


@attack("V03")
def witnesses_that_the_policy_does_not_know() -> Tampered:
    election = witnessed()
    policy = TrustPolicy(election.election_id, election.board.verifier_key, (), 0)
    return Tampered(election.files(), policy, NAMES)


@attack("V03")
def a_quorum_lower_than_the_policys() -> Tampered:
    election = witnessed()
    return Tampered(election.files(), replace(election.policy(), quorum=3), NAMES)


def _board_named(name: str) -> Tampered:
    election = honest()
    election.edit(0, board=_vkey(name))
    election.board = signing_key(name)
    return Tampered(election.files(), election.policy(), NAMES)


for _number, _origin in enumerate(("board.example/", "board.example/Club", "board.example/a@b", f"b/{'a' * 65}")):
    enrol(f"a_board_whose_short_name_is_no_identifier_{_number}", "V03", partial(_board_named, _origin))


# ---- it is none ----


def _first_entry(raw: bytes) -> Tampered:
    election = honest()
    election.entries[0] = raw
    policy = TrustPolicy(sha256(raw).digest(), election.board.verifier_key, (), 0)
    return Tampered(election.files(), policy, NAMES)


@attack("V03")
def a_first_entry_that_is_no_manifest() -> Tampered:
    return _first_entry(honest().entries[1])


@attack("V03")
def a_first_entry_that_is_a_ballot() -> Tampered:
    election = honest()
    return _first_entry(election.entries[election.index_of("ballot")])


@attack("V03")
def a_manifest_that_the_authority_did_not_sign() -> Tampered:
    return _first_entry(sign(members_of(honest().entries[0]), [honest().board]))


@attack("V03")
def a_manifest_under_a_signature_of_other_words() -> Tampered:
    raw = honest().entries[0]
    return _first_entry(raw.replace(b"for tests", b"for testa", 1))


@attack("V03")
def a_manifest_with_a_second_signature() -> Tampered:
    election = honest()
    return _first_entry(sign(members_of(election.entries[0]), [election.authority, election.board]))


@attack("V03")
def a_manifest_with_a_space_in_it() -> Tampered:
    return _first_entry(honest().entries[0].replace(b",", b", ", 1))


# ---- it breaks a rule ----


def _with(changes: dict[str, Any]) -> Tampered:
    election = honest()
    return _first_entry(sign({**members_of(election.entries[0]), **changes}, [election.authority]))


_TWO_WITNESSES = [_vkey("witness-1", COSIGNATURE_V1), _vkey("witness-2", COSIGNATURE_V1)]
_STYLES = [{"id": name, "district": name, "contests": ["mayor"]} for name in ("north", "south")]
_LOW_ORDER = bytes([1]) + bytes(31)
_NOT_CANONICAL = b"\xee" + b"\xff" * 30 + b"\x7f"

RULES: dict[str, dict[str, Any]] = {
    "a_registrar_that_is_the_authority": {"registrars": [_vkey("authority")]},
    "two_registrars_with_one_public_key": {
        "registrars": [_vkey("registrar-1"), _key_of("another", signing_key("registrar-1").verifier_key.public_key)]
    },
    "two_guardians_of_one_name": {
        "guardians": {"keys": [_key_of("g", signing_key(x).verifier_key.public_key) for x in "ab"], "threshold": 1}
    },
    "a_witness_that_is_the_board": {
        "witnesses": {
            "keys": [
                format_vkey(
                    verifier_key("w", signing_key("board.example/2027").verifier_key.public_key, COSIGNATURE_V1)
                )
            ],
            "quorum": 1,
        }
    },
    "a_guardians_key_of_low_order": {"guardians": {"keys": [_key_of("g", _LOW_ORDER)], "threshold": 1}},
    "a_registrars_key_that_is_not_canonical": {"registrars": [_key_of("r", _NOT_CANONICAL)]},
    "a_registrars_key_that_is_a_witnesss": {"registrars": [_vkey("r", COSIGNATURE_V1)]},
    "a_threshold_above_the_number_of_guardians": {"guardians": {"keys": [_vkey("g")], "threshold": 2}},
    "a_threshold_of_nobody": {"guardians": {"keys": [_vkey("g")], "threshold": 0}},
    "a_quorum_of_half_the_witnesses": {"witnesses": {"keys": _TWO_WITNESSES, "quorum": 1}},
    "a_quorum_above_the_witnesses": {"witnesses": {"keys": _TWO_WITNESSES, "quorum": 3}},
    "witnesses_without_a_quorum": {"witnesses": {"keys": _TWO_WITNESSES, "quorum": 0}},
    "polls_that_close_before_they_open": {"opens": 2_000_000_000},
    "a_grace_of_a_month": {"grace": 2_600_000},
    "another_version": {"version": "RETALLY-V02"},
    "a_member_too_many": {"winner": "o1"},
    "a_contest_in_no_style": {"contests": [MAYOR, contest("council", 1, "option", 1, 0, 1)], "styles": _STYLES},
    "a_contest_with_more_choices_than_options": {
        "contests": [contest("mayor", 2, "total", 1, 0, 3)],
        "styles": _STYLES,
    },
    "a_contest_with_less_room_than_its_options": {
        "contests": [contest("mayor", 2, "option", 1, 0, 1)],
        "styles": _STYLES,
    },
    "a_ballot_too_long_for_an_entry": {"contests": [contest("mayor", 250, "total", 1, 0, 1)], "styles": _STYLES},
    "a_district_merged_with_itself": {"districts": [district("north", "north"), district("south")]},
    "a_district_merged_with_one_of_other_contests": {"districts": [district("north", "south"), district("south")]},
    "a_district_without_a_style": {"districts": [district("north"), district("south"), district("west")]},
    "two_styles_of_one_name": {"styles": [_STYLES[0], {**_STYLES[1], "id": "north"}]},
    "a_title_with_hidden_characters": {"title": "An election\u202e for tests"},
}
for _name, _changes in RULES.items():
    enrol(_name, "V03", partial(_with, _changes))
