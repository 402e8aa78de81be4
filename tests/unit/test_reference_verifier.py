"""The reference verifier, page by page: what it reads, what it refuses, and the one check that each fraud fails."""

from __future__ import annotations

import ast
import base64
import re
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

import retally_reference
from retally_crypto.policy_text import format_policy
from retally_crypto.secret import encrypt
from retally_crypto.secret.sign import SigningKey, sign_note
from retally_lab.boards.election import CLOSES, GRACE, ORIGIN, Election, members_of, signing_key
from retally_lab.boards.files import checkpoint
from retally_reference.board import Missing, bundles, tile_path
from retally_reference.canonical import Refusal, base64url, is_identifier, is_text, parse_canonical
from retally_reference.history import parse_receipt, root_of_inclusion
from retally_reference.manifest import broken_rules, read_manifest
from retally_reference.merkle import leaf_hash, merkle_root
from retally_reference.notes import open_checkpoint, parse_key, parse_note, parse_policy
from retally_reference.report import CHECKS, Report, as_text
from retally_reference.shapes import weights
from retally_reference.verify import verify_board
from tests.conftest import finished_election

BOARD_KEY = "board.example/2027+2e4967b7+AWiVHoP0pSEbAZ2ZzOC52muw7605LeSI4pSN/XxUrb3/"
POLICY = f"retally-policy/v1\nelection {'5a' * 32}\nlog {BOARD_KEY}\nquorum none\n"
GENERATOR = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def verify(
    election: Election,
    files: dict[str, bytes] | None = None,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
) -> Report:
    """The report on an election's board, or on other files under its policy."""
    found = election.files() if files is None else files
    return verify_board(found.get, format_policy(election.policy()), kept, receipts)


# ---- the package ----


PACKAGE = Path(retally_reference.__file__).parent


def imports(path: Path) -> set[str]:
    """What a file imports, by full name: for `from a import b` both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_it_imports_the_standard_library_and_itself_only() -> None:
    for path in PACKAGE.glob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] in {*sys.stdlib_module_names, "retally_reference"}, (path, name)


def test_its_files_are_listed_in_an_order_in_which_each_uses_those_before_it() -> None:
    """So it can be read from the top, and no two files import each other."""
    steps = re.findall(r"^[0-9]+\. ((?:`\w+`(?:, )?)+)", retally_reference.__doc__ or "", re.MULTILINE)
    order = re.findall(r"\w+", " ".join(steps))
    files = {path.stem for path in PACKAGE.glob("*.py")}
    assert sorted([*order, "engine", "forms", "__init__", "__main__"]) == sorted(files)
    for place, name in enumerate(order):
        used = {other for other in files if f"retally_reference.{other}" in imports(PACKAGE / f"{name}.py")}
        assert used <= set(order[:place]), name


# ---- page 1 ----


@pytest.mark.parametrize(
    "raw",
    [b"{}", b"0", b'"\xc3\xa9"', b'{"a":1,"b":[true,false,null]}', b"9007199254740991", b"[[[[[[[[]]]]]]]]", b'"\\n"'],
)
def test_canonical_json_is_read(raw: bytes) -> None:
    parse_canonical(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" {}", b"{} ", b"{}\n", b"\xef\xbb\xbf{}", b"\xff", b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"\xc3\xa9":1}',
        b"1.0", b"1e3", b"-1", b"-0", b"01", b"9007199254740992", b"1" * 5000, b"NaN", b"Infinity", b'"\\ud800"',
        b'"\\u00e9"', b'"\\/"', b'"\\u000A"', b'"\\u000a"', b"[[[[[[[[[]]]]]]]]]", b"[" * 60_000, b'{"a":' * 10_000,
        b'"' + b"a" * 65_534 + b'"',
    ],
)  # fmt: skip
def test_what_is_not_canonical_json_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal):
        parse_canonical(raw)


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A+A", "A/A", "AA\n", " AA", "\u00c4\u00c4", 5, None])
def test_base64url_has_one_form(text: object) -> None:
    assert base64url("AA") == b"\0"
    with pytest.raises(Refusal):
        base64url(text)


def test_texts_and_identifiers() -> None:
    assert all(map(is_text, ["a", "é" * 300, "a b"]))
    assert not any(map(is_text, ["", " a", "a ", "a\n", "a\u202eb", "a\ufeff", "\x9b", "a" * 301, None]))
    assert all(map(is_identifier, ["a", "0.-_", "a" * 64]))
    assert not any(map(is_identifier, ["", "A", "-a", "a" * 65, "a\n", "é", 1]))


# ---- pages 3 and 9 ----


def test_tile_paths_are_those_of_tlog_tiles() -> None:
    assert tile_path("0", 1_234_067, 256) == "tile/0/x001/x234/067"
    assert tile_path("entries", 0, 255) == "tile/entries/000.p/255"
    assert tile_path("entries", 1000, 1) == "tile/entries/x001/000.p/1"


def test_a_bundle_is_as_long_as_its_entries() -> None:
    files = {"tile/entries/000.p/2": b"\0\1a\0\2bc", "tile/0/000.p/2": bytes(64)}
    assert list(bundles(files.get, 2)) == [([b"a", b"bc"], [bytes(32)] * 2)]
    for path, content in [("tile/entries/000.p/2", b"\0\1a\0\2b"), ("tile/entries/000.p/2", b"\0\1a\0\2bcd"),
                          ("tile/entries/000.p/2", b"\0\1a\0"), ("tile/0/000.p/2", bytes(63)),
                          ("tile/0/000.p/2", bytes(96))]:  # fmt: skip
        with pytest.raises(Refusal):
            list(bundles({**files, path: content}.get, 2))
    with pytest.raises(Missing):
        list(bundles(lambda path: None, 2))


def test_a_full_tile_serves_for_a_partial_one() -> None:
    files = {"tile/entries/000": b"\0\1a" * 256, "tile/0/000": bytes(32 * 256)}
    assert list(bundles(files.get, 2)) == [([b"a"] * 2, [bytes(32)] * 2)]


def test_a_policy_is_read() -> None:
    policy = parse_policy(POLICY.encode())
    assert (policy.election, policy.board.name, policy.quorum) == (b"\x5a" * 32, "board.example/2027", 0)


LOW_ORDER = base64.b64encode(b"\1\1" + bytes(31)).decode()


@pytest.mark.parametrize(
    "changed",
    [
        "", POLICY[:-1], POLICY + "\n", POLICY.replace("\n", "\r\n"), POLICY.replace("5a", "5A"), "# mine\n" + POLICY,
        POLICY.replace("v1", "v2"), POLICY.replace("+2e49", "+3e49"), POLICY.replace("b3/", "b3+"),
        POLICY.replace("quorum none", "quorum any"), POLICY.replace("quorum", f"witness w1 {BOARD_KEY}\nquorum"),
        POLICY.replace(BOARD_KEY, f"x+{sha256(b'x' + bytes([10, 1, 1]) + bytes(31)).hexdigest()[:8]}+{LOW_ORDER}"),
    ],
)  # fmt: skip
def test_another_form_of_policy_is_refused(changed: str) -> None:
    with pytest.raises(Refusal):
        parse_policy(changed.encode())
    with pytest.raises(Refusal):
        parse_policy(b"\xff" + POLICY.encode())


def test_a_key_of_low_order_is_refused_for_its_order() -> None:
    key_id = sha256(b"x\n\1\1" + bytes(31)).hexdigest()[:8]
    parse_key(f"x+{key_id}+{LOW_ORDER}")
    with pytest.raises(Refusal, match="no point of prime order"):
        parse_policy(POLICY.replace(BOARD_KEY, f"x+{key_id}+{LOW_ORDER}").encode())


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"\n\n", b"a\n", b"a\n\n", b"a\n\nb\n", "a\n\n— b AAAA\n".encode(), "a\n\n— b AAAAAAA=".encode(),
     "a\n\n— b+c AAAAAAA=\n".encode(), "a\n\n— b  AAAAAAA=\n".encode(), "a\x01\n\n— b AAAAAAA=\n".encode(),
     b"\xff\n\n", "a\n\n— b AAAAAAB=\n".encode()],
)  # fmt: skip
def test_what_is_no_signed_note_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal):
        parse_note(raw)


def checkpoint_saying(text: str, key: SigningKey | None = None) -> bytes:
    return sign_note(text.encode(), [key or signing_key(ORIGIN)])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n01\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n9223372036854775808\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n{'1' * 5000}\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n\u0661\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n0\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{ORIGIN}\n1\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n1\n{base64.b64encode(bytes(32)).decode()}\nextension\n",
        f"other\n1\n{base64.b64encode(bytes(32)).decode()}\n",
    ],
)
def test_another_form_of_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        open_checkpoint(checkpoint_saying(text), parse_policy(POLICY.encode()))


def test_inclusion_proofs_lead_to_the_root_and_nowhere_else() -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(7)]

    def proof(index: int, among: list[bytes]) -> list[bytes]:
        # RFC 6962 section 2.1.1, word by word.
        if len(among) == 1:
            return []
        split = 1 << (len(among) - 1).bit_length() - 1
        left, right = among[:split], among[split:]
        if index < split:
            return [*proof(index, left), merkle_root(b"".join(right))]
        return [*proof(index - split, right), merkle_root(b"".join(left))]

    for size in range(1, 8):
        root = merkle_root(b"".join(leaves[:size]))
        for index in range(size):
            path = proof(index, leaves[:size])
            assert root_of_inclusion(leaves[index], index, size, path) == root
            assert root_of_inclusion(leaves[index], index, size, [*path, bytes(32)]) is None
            assert root_of_inclusion(leaves[index], index + size, size, path) is None
            if path:
                assert root_of_inclusion(leaves[index], index, size, path[1:]) != root


@pytest.mark.parametrize(
    "raw",
    [b"", b"x", b"c2sp.org/tlog-proof@v1\n\n", b"c2sp.org/tlog-proof@v1\nindex -1\n\nx", b"\xff\n\n",
     b"c2sp.org/tlog-proof@v1\nindex 01\n\nx", b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx",
     b"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\nx", b"c2sp.org/tlog-proof@v1\nindex " + b"9" * 5000 + b"\n\nx",
     b"c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\nx", b"c2sp.org/tlog-proof@v1\nindex 1\n\n" + b"x" * 10**6],
)  # fmt: skip
def test_what_is_no_receipt_is_refused(raw: bytes) -> None:
    with pytest.raises(Refusal):
        parse_receipt(raw)


def test_a_receipt_may_name_any_index_that_a_checkpoint_could_cover() -> None:
    assert parse_receipt(b"c2sp.org/tlog-proof@v1\nindex 9223372036854775807\n\nx") == (2**63 - 1, [], b"x")


# ---- pages 4 and 6 ----


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(0, []), (1, [1]), (2, [1, 1]), (3, [1, 2]), (4, [1, 2, 1]), (5, [1, 2, 2]), (7, [1, 2, 4]), (10, [1, 2, 4, 3])],
)
def test_weights(largest: int, expected: list[int]) -> None:
    assert weights(largest) == expected


@pytest.mark.parametrize(
    ("member", "value"),
    [("opens", CLOSES), ("districts", [{"id": "north", "title": "x", "merge": "north"}]), ("contests", [])],
)
def test_a_manifest_that_breaks_a_rule(honest_election: Election, member: str, value: object) -> None:
    members = members_of(honest_election.entries[0])
    assert broken_rules(read_manifest(members)) == []
    try:
        assert broken_rules(read_manifest({**members, member: value}))
    except Refusal:
        assert member == "contests"


# ---- page 8: honest boards ----


def test_an_honest_board_passes_with_its_counts(honest_election: Election) -> None:
    report = verify(honest_election)
    assert (report.verdict, report.exit_code, report.state_of("V21")) == ("PASS", 0, "not applicable")
    assert {report.state_of(check) for check in list(CHECKS)[:20]} == {"pass"}
    counted = [(unit["districts"], [contest["counts"] for contest in unit["contests"]]) for unit in report.counts or []]
    assert counted == [(["north"], [[0, 1, 0], [1, 5]]), (["south"], [[1, 0, 2]])]
    expected = {"credentials": 6, "entries": 6, "voted": 5, "accepted": 6, "superseded": 1, "counted": 5, "refused": 0}
    assert report.reconciliation == expected
    shown = "\n".join(as_text(report, coloured=False))
    assert "split views cannot be excluded" in shown
    assert "no verifier can check them" in shown
    assert shown.endswith("PASS · no witness")
    assert "\x1b" not in shown
    assert "\x1b" in "\n".join(as_text(report, coloured=True))


@pytest.mark.parametrize(
    ("kind", "passing"),
    [
        ("guardian-commitment", "V01 V02 V03 V09"),
        ("guardian-confirmation", "V01 V02 V03 V05 V09"),
        ("roll", "V01 V02 V03 V05 V06 V09"),
        ("opening", "V01 V02 V03 V05 V06 V09"),
        ("closing", "V01 V02 V03 V05 V06 V07 V08 V09 V10 V11 V12 V13"),
        ("partial-decryption", "V01 V02 V03 V04 V05 V06 V07 V08 V09 V10 V11 V12 V13 V14 V15 V20"),
        ("result", "V01 V02 V03 V04 V05 V06 V07 V08 V09 V10 V11 V12 V13 V14 V15 V16 V17 V18 V20"),
    ],
)
def test_a_board_on_its_way_is_incomplete(honest_election: Election, kind: str, passing: str) -> None:
    report = verify(honest_election.before(kind))
    assert (report.verdict, report.exit_code) == ("INCOMPLETE", 2)
    assert [check for check in CHECKS if report.state_of(check) == "pass"] == passing.split()


@pytest.fixture(scope="module")
def witnessed() -> Election:
    """A finished election with two of three witnesses."""
    return finished_election(witness_count=(2, 3))


def test_witnesses_make_a_quorum(witnessed: Election) -> None:
    assert verify(witnessed).verdict == "PASS"
    hashes = [leaf_hash(raw) for raw in witnessed.entries]
    for number, state in [(0, "fail"), (1, "fail"), (2, "pass")]:
        alone = checkpoint(hashes, witnessed.board, witnessed.witnesses[:number], CLOSES)
        assert verify(witnessed, {**witnessed.files(), "checkpoint": alone}).state_of("V01") == state


@pytest.mark.parametrize(("late_by", "state"), [(0, "pass"), (GRACE, "pass"), (GRACE + 1, "fail"), (-1, "fail")])
def test_the_closing_takes_effect_in_time(witnessed: Election, late_by: int, state: str) -> None:
    at = witnessed.index_of("closing")
    hashes = [leaf_hash(raw) for raw in witnessed.entries[: at + 1]]
    effect = checkpoint(hashes, witnessed.board, witnessed.witnesses, CLOSES + late_by)
    assert verify(witnessed, {**witnessed.files(), "checkpoint.closing": effect}).state_of("V04") == state


def test_without_its_checkpoint_the_closing_is_not_known_to_be_in_time(witnessed: Election) -> None:
    files = witnessed.files()
    del files["checkpoint.closing"]
    assert verify(witnessed, files).state_of("V04") == "incomplete"


# ---- page 8: every check fails alone ----


def test_v01_a_checkpoint_signed_by_someone_else(honest_election: Election) -> None:
    files = honest_election.files()
    text = files["checkpoint"].rpartition(b"\n\n")[0].decode() + "\n"
    report = verify(honest_election, {**files, "checkpoint": checkpoint_saying(text, signing_key("someone-else"))})
    assert report.failed == ("V01",)
    assert {report.state_of(after) for after in CHECKS if "V01" < after < "V21"} == {"incomplete"}


def test_v02_a_bundle_with_one_bit_changed(honest_election: Election) -> None:
    files = honest_election.files()
    path = next(path for path in files if "entries" in path)
    files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])
    report = verify(honest_election, files)
    assert report.failed == ("V02",)
    assert {report.state_of(after) for after in CHECKS if "V02" < after < "V21"} == {"incomplete"}


def test_v03_another_manifest_than_the_policys(honest_election: Election) -> None:
    other = Election.create(title="Another election")
    report = verify_board(honest_election.files().get, format_policy(other.policy()))
    assert report.failed == ("V03",)


def v04(e: Election) -> int:
    return e.append(e.official("closing", [e.registrars[0]], ballots=0))


def v09(e: Election) -> int:
    return e.append(b"{}")


def v10(e: Election) -> int:
    at, other = e.cast("north-3", [[1, 0, 0], [0, 0]]), members_of(e.entries[e.index_of("ballot")])["proof"]
    e.edit(at, proof=other)
    return at


def v11(e: Election) -> int:
    e.revoke("north-3")
    return e.cast("north-3", [[1, 0, 0], [0, 0]])


def v12(e: Election) -> int:
    return e.cast("north-2", [[1, 0, 0], [0, 0]], previous=bytes(32))


@pytest.mark.parametrize(("check", "fraud"), [("V04", v04), ("V09", v09), ("V10", v10), ("V11", v11), ("V12", v12)])
def test_an_entry_of_the_voting_phase_fails_alone_and_the_rest_is_counted(
    honest_election: Election, check: str, fraud: Callable[[Election], int]
) -> None:
    election = honest_election.before("closing")
    at = fraud(election)
    election.close()
    election.decrypt(1, 2)
    election.result()
    report = verify(election)
    assert report.failed == (check,)
    assert report.notes_of(check)[0].startswith(f"entry {at}: ")
    assert [unit["counted"] for unit in report.counts or []] == [2, 3]


def test_v13_nonces_used_twice(honest_election: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    election = honest_election.before("closing")
    reused = election.seal("north-3", [[1, 0, 0], [0, 0]])
    monkeypatch.setattr(encrypt, "_nonces", lambda shape, context: reused.nonces)
    election.cast("north-3", [[0, 1, 0], [0, 0]])
    at = election.cast("north-3", [[0, 0, 1], [0, 0]])
    report = verify(election)
    assert report.failed == ("V13",)
    assert report.notes_of("V13")[0].startswith(f"entry {at}: ")


@pytest.mark.parametrize(
    ("check", "kind", "following", "members"),
    [
        ("V05", "guardian-commitment", "guardian-shares", {"proof": GENERATOR * 2 + bytes(64)}),
        ("V06", "guardian-confirmation", "roll-commitment", {"ceremony": bytes(32)}),
        ("V07", "opening", "ballot", {"key": GENERATOR}),
        ("V08", "opening", "ballot", {"roll": bytes(32)}),
        ("V14", "closing", "paper-count", {"ballots": 5}),
        ("V16", "partial-decryption", "result", {"aggregates": bytes(32)}),
        ("V17", "partial-decryption", "result", {"root": bytes(32)}),
        ("V20", "partial-decryption", "result", {"units": [["north"]]}),
        ("V15", "result", "", {"voted": 6}),
        ("V18", "result", "", {"combined": bytes(32)}),
        ("V19", "result", "", {"units": [
            {"districts": ["north"], "state": "reported", "counted": 2,
             "contests": [{"contest": "mayor", "counts": [1, 0, 0]}, {"contest": "council", "counts": [1, 5]}]},
            {"districts": ["south"], "state": "reported", "counted": 3,
             "contests": [{"contest": "mayor", "counts": [1, 0, 2]}]}]}),
    ],
)  # fmt: skip
def test_an_officials_entry_fails_alone(
    honest_election: Election, check: str, kind: str, following: str, members: dict[str, object]
) -> None:
    election = honest_election.before(following) if following else honest_election.copy()
    at = election.indices_of(kind)[-1]
    election.edit(at, **members)
    report = verify(election)
    assert report.failed == (check,)
    assert report.notes_of(check)[0].startswith(f"entry {at}: ")


# ---- page 9: what others kept ----


def test_a_kept_checkpoint_shows_a_rewritten_board(honest_election: Election) -> None:
    files = honest_election.files()
    others = [leaf_hash(raw) for raw in [*honest_election.entries[:20], b"another"]]
    fork = checkpoint(others, honest_election.board, (), CLOSES)
    longer = checkpoint([*others, *others], honest_election.board, (), CLOSES)
    earlier = checkpoint(others[:20], honest_election.board, (), CLOSES)
    assert verify(honest_election, files, kept=[files["checkpoint"], earlier]).verdict == "PASS"
    for raw in (fork, longer):
        report = verify(honest_election, files, kept=[raw])
        assert report.failed == ("V02",)
        assert report.counts
    unsigned = checkpoint(others, honest_election.authority, (), CLOSES)
    report = verify(honest_election, files, kept=[unsigned], receipts=[b"\xff"])
    assert (report.verdict, len(report.notes_of("V02"))) == ("PASS", 2)
