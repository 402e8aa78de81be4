"""A manifest has the members of docs/spec 4.1 and obeys the rules between them (V03)."""

import time
from typing import Any

import pytest

from retally_crypto.entries import SignedEntry, parse_entry
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest, ballot_entry_length, check_manifest
from retally_crypto.notes import COSIGNATURE_V1, ED25519, format_vkey, verifier_key
from retally_lab.boards.entry_examples import (
    ABSENT,
    MANIFEST,
    MANIFEST_MEMBERS,
    Members,
    Path,
    changed,
    official,
    paths,
    signed,
)
from retally_lab.boards.manifests import contest, manifest_members, signing_key, vkey

SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]
"""Points of edwards25519 of order 1, 2, 4 and 8."""
NOT_CANONICAL = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
"""The neutral element with y = 2^255 - 18."""


def of_mixed_order(public_key: bytes) -> str:
    """The key plus the point (0, -1) of order 2, which is (-x, -y): of order 2l, and no key pair's."""
    encoded = int.from_bytes(public_key, "little")
    sign, y = encoded >> 255, encoded % 2**255
    return ((1 - sign) * 2**255 + (2**255 - 19 - y)).to_bytes(32, "little").hex()


def witness(name: str) -> str:
    return format_vkey(verifier_key(name, signing_key(name).verifier_key.public_key, COSIGNATURE_V1))


def with_witnesses(count: int, quorum: int) -> Members:
    keys = [witness(f"w.example/{i}") for i in range(count)]
    return changed(MANIFEST_MEMBERS, ("witnesses",), {"keys": keys, "quorum": quorum})


def read(members: Members) -> Manifest:
    entry = parse_entry(signed(members), None)
    assert isinstance(entry, SignedEntry)
    assert isinstance(entry.content, Manifest)
    return entry.content


def faults(members: Members) -> list[str]:
    return check_manifest(read(members))


EVERY_MEMBER = [path for path in paths(MANIFEST_MEMBERS) if isinstance(path[-1], str)]
EVERY_OBJECT = sorted({path[:-1] for path in EVERY_MEMBER}, key=str)


def test_a_good_manifest_is_read_and_breaks_no_rule() -> None:
    assert read(MANIFEST_MEMBERS) == MANIFEST
    assert faults(MANIFEST_MEMBERS) == []


def test_lookups_answer_by_id() -> None:
    assert MANIFEST.style_index("d2-1") == 1
    assert MANIFEST.style_index("d3-1") is None
    assert MANIFEST.contest("approval").title == "Contest approval"
    assert MANIFEST.contests_of("d1") == ("blank", "approval")
    assert MANIFEST.contests_of("d3") == ()
    assert [key.name for key in MANIFEST.official_keys()][:4] == [
        official(name) for name in ("authority", "board", "registrar-1", "registrar-2")
    ]


def test_equal_manifests_are_equal_whatever_was_looked_up_in_them() -> None:
    other = read(MANIFEST_MEMBERS)
    assert other.style_index("d1-1") == 0
    assert other == read(MANIFEST_MEMBERS)


@pytest.mark.parametrize("path", EVERY_MEMBER, ids=str)
def test_no_member_can_be_left_out(path: Path) -> None:
    with pytest.raises(Malformed, match=str(path[-1])):
        read(changed(MANIFEST_MEMBERS, path, ABSENT))


@pytest.mark.parametrize("path", EVERY_OBJECT, ids=str)
def test_no_object_has_a_member_more(path: Path) -> None:
    with pytest.raises(Malformed, match="more"):
        read(changed(MANIFEST_MEMBERS, (*path, "more"), 1))


def value_at(path: Path) -> Any:
    value: Any = MANIFEST_MEMBERS
    for step in path:
        value = value[step]
    return value


NULLABLE = {("notice",), ("districts", 0, "merge"), ("districts", 1, "merge"), ("client", "bundle")}
WRONG: tuple[Any, ...] = (None, True, 0, "0", [], {})
OTHER_TYPES: list[tuple[Path, Any]] = [
    (path, wrong)
    for path in EVERY_MEMBER
    for wrong in WRONG
    if type(wrong) is not type(value_at(path)) and not (path in NULLABLE and wrong in (None, "0"))
]


@pytest.mark.parametrize(("path", "wrong"), OTHER_TYPES)
def test_no_member_is_converted_from_another_type(path: Path, wrong: Any) -> None:
    with pytest.raises(Malformed, match=str(path[-1])):
        read(changed(MANIFEST_MEMBERS, path, wrong))


OPTION = {"id": "o", "title": "Option"}
DISTRICT = {"id": "d", "title": "District", "merge": None}
STYLE = {"id": "s", "district": "d1", "contests": ["blank"]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "RETALLY-V02"),
        (("title",), ""),
        (("title",), "a" * 301),
        (("notice",), ""),
        (("notice",), "a\u202eb"),
        (("authority",), "example.org/authority"),
        (("authority",), vkey("a") + "="),
        (("authority",), vkey("a").replace("a+", "b+", 1)),
        (("authority",), "a+00000000+" + vkey("a").split("+")[2]),
        (("board",), vkey("a").upper()),
        (("registrars",), []),
        (("registrars",), [vkey(f"r{i}") for i in range(17)]),
        (("guardians", "keys"), []),
        (("guardians", "keys"), [vkey(f"g{i}") for i in range(33)]),
        (("guardians", "threshold"), 0),
        (("witnesses", "keys"), [witness(f"w{i}") for i in range(33)]),
        (("grace",), 86_401),
        (("contests",), []),
        (("contests",), [contest(f"c{i}", 1, 0, 1) for i in range(65)]),
        (("contests", 0, "id"), "Blank"),
        (("contests", 0, "options"), []),
        (("contests", 0, "options"), [OPTION] * 257),
        (("contests", 0, "options", 0, "id"), "-o"),
        (("contests", 0, "options", 0, "title"), " x"),
        (("contests", 0, "limit"), "none"),
        (("contests", 0, "score"), 0),
        (("contests", 0, "score"), 1001),
        (("districts",), []),
        (("districts", 0, "id"), ""),
        (("districts", 0, "merge"), ""),
        (("styles",), []),
        (("styles", 0, "id"), "a" * 65),
        (("client", "origins"), ["https://example.org"] * 17),
        (("client", "origins"), [""]),
        (("client", "bundle"), "AA"),
        (("client", "bundle"), "_" * 43),
    ],
)
def test_every_constraint_of_a_member_is_kept_and_named(path: Path, value: Any) -> None:
    named = str(path[-1])
    with pytest.raises(Malformed, match=named if named != "keys" else r"guardians\.keys|witnesses\.keys"):
        read(changed(MANIFEST_MEMBERS, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("notice",), "A trial"),
        (("grace",), 0),
        (("grace",), 86_400),
        (("smallest_unit",), 50),
        (("client",), {"origins": ["https://vote.example.org"] * 16, "bundle": "A" * 43}),
        (("registrars",), [vkey(f"r{i}") for i in range(16)]),
        (("guardians",), {"keys": [vkey(f"g{i}") for i in range(32)], "threshold": 32}),
        (("contests", 0, "options"), [{"id": f"o{i}", "title": "Option"} for i in range(60)]),
    ],
)
def test_the_largest_allowed_value_is_allowed(path: Path, value: Any) -> None:
    assert faults(changed(MANIFEST_MEMBERS, path, value)) == []


@pytest.mark.parametrize(("count", "quorum"), [(0, 0), (1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (32, 17), (32, 32)])
def test_a_quorum_is_more_than_half_of_the_witnesses(count: int, quorum: int) -> None:
    assert faults(with_witnesses(count, quorum)) == []


@pytest.mark.parametrize(("count", "quorum"), [(0, 1), (1, 0), (2, 1), (3, 1), (3, 0), (3, 4), (4, 2), (32, 16)])
def test_another_quorum_breaks_the_rule(count: int, quorum: int) -> None:
    assert faults(with_witnesses(count, quorum)) == [
        f"the quorum is {quorum} of {count} witnesses: more than half are needed"
    ]


def one(**limits: Any) -> Members:
    """The manifest with the contest `blank` (3 options) of other limits."""
    return changed(MANIFEST_MEMBERS, ("contests", 0), {**MANIFEST_MEMBERS["contests"][0], **limits})


@pytest.mark.parametrize(
    "limits",
    [
        {"min": 0, "max": 3},
        {"min": 3, "max": 3},
        {"min": 1, "max": 1},
        {"min": 0, "max": 3000, "score": 1000},
        {"min": 0, "max": 21, "score": 7, "limit": "option"},
    ],
)
def test_limits_that_choices_can_meet_are_allowed(limits: Members) -> None:
    assert faults(one(**limits)) == []


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"min": 2, "max": 1}, "min 2 and max 1"),
        ({"min": 0, "max": 0}, "min 0 and max 0"),
        ({"min": 0, "max": 4}, "largest sum of 3"),
        ({"min": 0, "max": 2**53 - 1}, "largest sum of 3"),
        ({"min": 0, "max": 16, "score": 5}, "largest sum of 15"),
        ({"min": 1, "max": 3, "limit": "option"}, "min must be 0 and max 3"),
        ({"min": 0, "max": 2, "limit": "option"}, "min must be 0 and max 3"),
        ({"min": 0, "max": 3, "score": 7, "limit": "option"}, "min must be 0 and max 21"),
    ],
)
def test_limits_that_they_cannot_meet_break_the_rule(limits: Members, rule: str) -> None:
    found = faults(one(**limits))
    assert len(found) == 1
    assert rule in found[0]
    assert "contest blank" in found[0]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        (("closes",), MANIFEST_MEMBERS["opens"], "opens at 1800000000 and closes at 1800000000"),
        (("closes",), 1, "closes at 1"),
        (("guardians", "threshold"), 4, "threshold is 4 of only 3"),
        (("contests", 1, "id"), "blank", "contest blank occurs twice"),
        (("contests", 0, "options", 1, "id"), "o1", "option of contest blank o1 occurs twice"),
        (("districts", 1, "id"), "d1", "district d1 occurs twice"),
        (("styles", 1, "id"), "d1-1", "style d1-1 occurs twice"),
        (("styles", 1, "district"), "d1", "district d2 has no style"),
        (("styles", 0, "district"), "d3", "names district d3, which there is not"),
        (("styles", 0, "contests"), ["blank", "none"], "names contest none, which there is not"),
        (("styles", 0, "contests"), ["blank", "blank"], "distinct contests in the manifest's order"),
        (("styles", 0, "contests"), ["approval", "blank"], "distinct contests in the manifest's order"),
        (("styles", 0, "contests"), ["blank"], "merged with d2, which has other contests"),
        (("districts", 0, "merge"), "d1", "merged with d1, which is not another district"),
        (("districts", 0, "merge"), "d3", "merged with d3, which is not another district"),
        (("contests",), [*MANIFEST_MEMBERS["contests"], contest("spare", 2, 0, 1)], "contest spare is in no style"),
    ],
)
def test_every_rule_between_members_is_kept_and_named(path: Path, value: Any, rule: str) -> None:
    assert any(rule in fault for fault in faults(changed(MANIFEST_MEMBERS, path, value)))


def test_a_style_has_at_least_one_contest() -> None:
    with pytest.raises(Malformed, match=r"styles\.0\.contests"):
        faults(changed(MANIFEST_MEMBERS, ("styles", 0, "contests"), []))


@pytest.mark.parametrize("contests", [["blank"], ["approval", "blank"]])
def test_styles_of_one_district_have_the_same_contests_in_the_same_order(contests: list[str]) -> None:
    styles = [*MANIFEST_MEMBERS["styles"], {"id": "d2-2", "district": "d2", "contests": contests}]
    found = faults(changed(MANIFEST_MEMBERS, ("styles",), styles))
    assert any("other contests than another style of district d2" in fault for fault in found)


def test_districts_may_be_merged_with_each_other() -> None:
    assert faults(changed(MANIFEST_MEMBERS, ("districts", 1, "merge"), "d1")) == []


PLACES: list[Path] = [("authority",), ("board",), ("registrars", 1), ("guardians", "keys", 2)]


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_officials_and_the_board_have_text_keys(path: Path) -> None:
    found = faults(changed(MANIFEST_MEMBERS, path, witness("x")))
    assert found == [f"the key of x has signature type {COSIGNATURE_V1}, not {ED25519}"]


def test_witnesses_have_cosignature_keys() -> None:
    found = faults(changed(with_witnesses(2, 2), ("witnesses", "keys", 1), vkey("x")))
    assert found == [f"the witness key of x has signature type {ED25519}, not {COSIGNATURE_V1}"]


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_no_two_keys_have_the_same_name(path: Path) -> None:
    public_key = signing_key("another").verifier_key.public_key
    name = official("guardian-1")
    found = faults(changed(MANIFEST_MEMBERS, path, format_vkey(verifier_key(name, public_key))))
    assert found == [f"key name {name} occurs twice"]


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_no_two_keys_have_the_same_public_key(path: Path) -> None:
    public_key = signing_key(official("guardian-1")).verifier_key.public_key
    found = faults(changed(MANIFEST_MEMBERS, path, format_vkey(verifier_key("another", public_key))))
    assert found == [f"public key {public_key.hex()} occurs twice"]


def test_a_witness_is_not_an_official_under_another_type() -> None:
    board = signing_key(official("board")).verifier_key
    disguised = format_vkey(verifier_key("w", board.public_key, COSIGNATURE_V1))
    found = faults(changed(with_witnesses(1, 1), ("witnesses", "keys", 0), disguised))
    assert found == [f"public key {board.public_key.hex()} occurs twice"]


@pytest.mark.parametrize("key", [*SMALL_ORDER, NOT_CANONICAL, of_mixed_order(signing_key("x").verifier_key.public_key)])
@pytest.mark.parametrize("path", PLACES, ids=str)
def test_every_public_key_is_a_point_of_prime_order(path: Path, key: str) -> None:
    found = faults(changed(MANIFEST_MEMBERS, path, format_vkey(verifier_key("x", bytes.fromhex(key)))))
    assert found == ["the key of x is no canonical point of prime order"]


def test_a_witness_key_is_a_point_of_prime_order_too() -> None:
    weak = format_vkey(verifier_key("x", bytes.fromhex(SMALL_ORDER[0]), COSIGNATURE_V1))
    found = faults(changed(with_witnesses(1, 1), ("witnesses", "keys", 0), weak))
    assert found == ["the key of x is no canonical point of prime order"]


def large(options: int, bound: int, style_id: str) -> Members:
    """One contest of `options` bits, and `bound` contests of one bit whose sum is bound: each lengthens the proof."""
    contests = [contest("large", options, 0, options, limit="option")]
    contests += [contest(f"c{i}", 1, 1, 1) for i in range(bound)]
    return changed(manifest_members(contests), ("styles", 0, "id"), style_id)


def test_the_largest_ballot_of_every_style_is_an_entry_to_the_byte() -> None:
    lengths = {
        (options, bound): ballot_entry_length(read(large(options, bound, "a")), 0)
        for options in range(155, 175)
        for bound in range(1, 11)
    }
    shape, length = max((item for item in lengths.items() if item[1] <= 65_535), key=lambda item: item[1])
    spare = 65_535 - length
    assert spare < 63
    assert faults(large(*shape, "a" * (1 + spare))) == []
    name = "a" * (2 + spare)
    assert faults(large(*shape, name)) == [f"a ballot of style {name} has 65536 bytes: at most 65535 are allowed"]


def test_a_strangers_manifest_is_judged_at_once_however_large_its_ballots() -> None:
    contests = [contest(f"c{i}", 100, 0, 100_000, score=1000) for i in range(6)]
    members = manifest_members(contests, districts=[(f"d{i}", None) for i in range(100)])
    manifest = read(members)
    start = time.process_time()
    found = check_manifest(manifest)
    assert time.process_time() - start < 1
    assert sum("a ballot of style" in fault for fault in found) == 100


def test_several_broken_rules_are_all_named() -> None:
    members = changed(changed(MANIFEST_MEMBERS, ("closes",), 1), ("guardians", "threshold"), 9)
    assert len(faults(members)) == 2


def test_the_titles_of_one_list_need_not_differ() -> None:
    assert faults(changed(MANIFEST_MEMBERS, ("districts", 1, "title"), "District d1")) == []
