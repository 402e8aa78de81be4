"""The browser's verifier agrees with `retally verify` also where nobody planned an attack: on elections drawn at random
in which anyone may misbehave, and on entries and manifests that are nearly well formed.
"""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any

import pytest

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_encode
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy, parse_policy
from retally_lab.boards.entry_examples import BALLOT, MANIFEST_MEMBERS, OFFICIAL, changed, paths, signed
from retally_lab.boards.files import write_board
from retally_lab.boards.manifests import signing_key
from retally_lab.boards.places import MemoryBoard
from retally_verify.report import Report
from retally_verify.run import verify_board
from tests.property.test_entry_forms_agree import PLACES, POOL, signable
from tests.property.test_verifiers_agree_on_elections import play
from tests.web_verifier import BoardToVerify, Findings, of_native, of_web, verify_in_node

ELECTIONS = [f"election {seed}" for seed in range(40)]
MANIFESTS = [f"manifest {number}" for number in range(120)]
BOARD = signing_key("example.org/board")
BYTES = [*b'\x00\n\r "\\,:{}[]0A_=+/-\x7f\xe2\xff']
MANIFEST = signed(MANIFEST_MEMBERS)
ELECTION = {"election": b64url_encode(sha256(MANIFEST).digest())}


def board_of(entries: list[bytes]) -> BoardToVerify:
    """A board of these entries, and the policy that names the first of them."""
    policy = TrustPolicy(sha256(entries[0]).digest(), BOARD.verifier_key, (), 0)
    return BoardToVerify(write_board(entries, BOARD), format_policy(policy))


def exchanged_byte(draw: Random, raw: bytes) -> bytes:
    """The entry with one byte exchanged or put in."""
    at = draw.randrange(len(raw))
    return raw[:at] + bytes([draw.choice(BYTES)]) + raw[at + draw.randint(0, 1) :]


def near_misses(draw: Random) -> list[bytes]:
    """A manifest, and entries of every kind of which one member or one byte was exchanged."""
    officials = [{**members, **ELECTION} for members in OFFICIAL.values()]
    ballot = {**BALLOT, **ELECTION}
    right = [*(signed(members) for members in officials), canonical_bytes(ballot)]
    entries = [MANIFEST, *right]
    for _ in range(800):
        kind, path = draw.choice(PLACES)
        members = changed({**OFFICIAL[kind], **ELECTION}, path, draw.choice(POOL))
        if signable(members):
            entries.append(signed(members))
    for _ in range(200):
        members = changed(ballot, draw.choice(paths(ballot)), draw.choice(POOL))
        if signable(members):
            entries.append(canonical_bytes(members))
    return [*entries, *(exchanged_byte(draw, draw.choice(right)) for _ in range(500))]


def manifest(number: int) -> bytes:
    """A manifest of which one member, or one byte, was exchanged."""
    draw = Random(number)
    members: dict[str, Any] = MANIFEST_MEMBERS
    if number % 4:
        members = changed(members, draw.choice(paths(members)), draw.choice(POOL))
    if number % 4 and signable(members):
        return signed(members)
    return exchanged_byte(draw, MANIFEST)


@pytest.fixture(scope="module")
def boards() -> dict[str, BoardToVerify]:
    boards = {"near misses": board_of(near_misses(Random(1)))}
    for seed, name in enumerate(ELECTIONS):
        election = play(seed)
        boards[name] = BoardToVerify(election.files(), format_policy(election.policy()))
    return boards | {name: board_of([manifest(number)]) for number, name in enumerate(MANIFESTS)}


@pytest.fixture(scope="module")
def native(boards: dict[str, BoardToVerify]) -> dict[str, Report]:
    return {name: verify_board(MemoryBoard(board.files), parse_policy(board.policy)) for name, board in boards.items()}


@pytest.fixture(scope="module")
def web(boards: dict[str, BoardToVerify], tmp_path_factory: pytest.TempPathFactory) -> Findings:
    return verify_in_node(boards, tmp_path_factory.mktemp("anywhere"))


@pytest.mark.parametrize("name", ["near misses", *ELECTIONS])
def test_both_name_the_same_entries_under_the_same_checks(name: str, web: Findings, native: dict[str, Report]) -> None:
    assert of_web(web[name]) == of_native(native[name])


def test_near_misses_fail_in_form_and_in_signature(native: dict[str, Report]) -> None:
    report = native["near misses"]
    assert len(report.notes_of("V09")) > 500
    assert len(report.notes_of("V04")) > 50


@pytest.mark.parametrize("name", MANIFESTS)
def test_both_take_and_refuse_the_same_manifests(name: str, web: Findings, native: dict[str, Report]) -> None:
    # How many rules a bad manifest breaks is a matter of words; that it breaks one is not.
    theirs, ours = of_web(web[name]), of_native(native[name])
    assert {**theirs, "notes": None} == {**ours, "notes": None}


def test_some_of_the_manifests_are_taken(native: dict[str, Report]) -> None:
    states = {native[name].state_of("V03") for name in MANIFESTS}
    assert states == {"pass", "fail"}
