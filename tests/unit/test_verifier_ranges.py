"""The verifier reads ranges in any order and settles them from rows; the record folds entry by entry. They agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import Form, engine, load_engine, records
from retally_crypto.errors import Malformed
from retally_crypto.merkle import leaf_hash
from retally_crypto.ranges import BYTES_AT_ONCE, ROW, RangeSummary, decode_summary, encode_summary, summarise
from retally_crypto.replay import Record
from retally_crypto.rules import v10_v13_ballots
from retally_crypto.rules.state import BoardState
from retally_crypto.secret.encrypt import prove_ballot
from retally_crypto.tile_files import encode_bundle
from retally_lab.attacks import scenarios
from retally_lab.attacks.tampering import ATTACKS, GENERATOR
from retally_lab.boards.election import Election, members_of
from retally_lab.boards.places import MemoryBoard
from retally_verify import stages, tree
from tests.verified import RememberedReport, verify_board
from tests.wide_board import (
    CHOICES,
    altered,
    assert_as_the_record,
    finish,
    hashed,
    rules_of,
    short_ranges,
    swapped_proof,
    wide_election,
)

assert scenarios.__all__


@pytest.fixture(scope="module")
def open_board() -> Election:
    return wide_election()


def verified(election: Election) -> RememberedReport:
    return verify_board(MemoryBoard(election.files()), election.policy())


def test_an_honest_board_of_several_ranges_passes(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = finish(open_board.copy())
    report = verified(election)
    assert report.verdict == "PASS"
    assert report.outcome is not None
    assert report.outcome.reconciliation.superseded == 640 - 16
    assert_as_the_record(election, report)


def test_an_open_board_is_settled_as_far_as_it_goes(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    report = verified(open_board)
    assert report.verdict == "INCOMPLETE"
    assert_as_the_record(open_board, report)


@pytest.mark.parametrize("ballots", [0, 1, 300])
@pytest.mark.parametrize("opening_at", [254, 255, 256, 511])
def test_the_opening_may_stand_anywhere_in_its_range(
    opening_at: int, ballots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its last entry, too: the range is the opening's then, and there is nothing in it to rule on."""
    short_ranges(monkeypatch)
    election = wide_election(ballots, opening_at=opening_at)
    closed = finish(election.copy())
    assert election.record().opening_index == opening_at
    for grown in (election, election, closed, closed):
        report = verify_board(MemoryBoard(grown.files()), grown.policy(), signed_off=tmp_path)
        assert report.state_of("V02") == "pass"
        assert_as_the_record(grown, report)


# ---- what is not as it should be, each in a range of its own ----


def a_false_proof(election: Election) -> None:
    election.entries[300] = swapped_proof(election.entries[300], election.entries[301])


def a_ballot_without_canonical_form(election: Election) -> None:
    election.entries[400] = election.entries[400].replace(b'"kind"', b' "kind"')


def a_point_that_is_none(election: Election) -> None:
    election.entries[301] = altered(election.entries[301], credential="_" * 42 + "8")


def a_ballot_of_another_style(election: Election) -> None:
    election.entries[310] = altered(
        election.entries[310], style="north" if b"south" in election.entries[310] else "south"
    )


def a_link_taken_out_of_a_chain(election: Election) -> None:
    del election.entries[280]


def a_ballot_twice_in_two_ranges(election: Election) -> None:
    election.append(election.entries[200])


def nonces_used_again_in_another_range(election: Election) -> None:
    sealed = election.seal("north-9", CHOICES[0])
    secret = election.voters["north-9"].secret
    election.append(prove_ballot(sealed, secret))
    for _ in range(300):
        election.append(b"{}")
    members = {name: value for name, value in members_of(election.entries[-301]).items() if name != "proof"}
    body = canonical_bytes({**members, "previous": b64url_encode(sealed.body_hash)})
    again = replace(sealed, previous=sealed.body_hash, body=body, body_hash=sha256(body).digest())
    election.append(prove_ballot(again, secret))


def a_credential_revoked_while_others_vote(election: Election) -> None:
    election.revoke("south-9")
    election.append(election.ballot("south-9", CHOICES[0]))


def a_credential_replaced_that_votes_before_and_after(election: Election) -> None:
    election.append(election.ballot("south-10", CHOICES[0], previous=bytes(32)))
    later = election.copy()
    later.entries.pop()
    later.replace("south-10")
    early = later.ballot("south-10", CHOICES[1])
    election.entries[-1] = early
    election.entries.append(later.entries[-1])
    election.voters = later.voters
    election.append(early)


def a_credential_revoked_before_the_opening_that_votes(election: Election) -> None:
    election.append(election.ballot("north-10", CHOICES[0]))


def a_revocation_of_who_has_voted(election: Election) -> None:
    election.revoke("north-3")
    election.cast("north-3", CHOICES[1])


def a_credential_nobody_knows(election: Election) -> None:
    election.entries[350] = altered(election.entries[350], credential=b64url_encode(GENERATOR))


DISTURBANCES: dict[Callable[[Election], None], str] = {
    a_false_proof: "V10",
    a_ballot_without_canonical_form: "V09",
    a_point_that_is_none: "V09",
    a_ballot_of_another_style: "V11",
    a_link_taken_out_of_a_chain: "V12",
    a_ballot_twice_in_two_ranges: "V12",
    nonces_used_again_in_another_range: "V13",
    a_credential_revoked_while_others_vote: "V11",
    a_credential_replaced_that_votes_before_and_after: "V11",
    a_credential_revoked_before_the_opening_that_votes: "V11",
    a_revocation_of_who_has_voted: "V08",
    a_credential_nobody_knows: "V11",
}
"""What disturbs a board, and the check that it fails."""


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda disturb: disturb.__name__)
def test_ranges_and_record_agree_on(
    disturb: Callable[[Election], None], open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_ranges(monkeypatch)
    election = open_board.copy()
    disturb(election)
    election.close()
    election.append(election.entries[200])
    report = verified(election)
    assert {DISTURBANCES[disturb], "V04"} <= set(report.failed)
    assert_as_the_record(election, report)


def test_a_board_with_every_ballot_twice_is_settled_from_rows(
    open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who appends copies makes nothing grow but the list of what is refused."""
    short_ranges(monkeypatch)
    election = open_board.copy()
    for credential in ("north-3", "south-2"):
        first, second = election.record().ballots_of(election.voters[credential].credential)[:2]
        raw = election.entries[first]
        # The first copy stands before the ballot it continues, and the second one is accepted.
        election.entries[first] = election.entries[second]
        election.entries[second] = raw
    opened = election.record().opening_index or 0
    election.entries += election.entries[opened + 1 :]
    report = verified(election)
    assert_as_the_record(election, report)
    assert report.failed == ("V12",)
    assert report.record is not None
    assert report.record.state.ballots.points == set()


def test_ballots_without_proof_set_nobody_apart(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point A that stands there twice, copied into entries that name everybody's credentials."""
    short_ranges(monkeypatch)
    election = open_board.copy()
    nonces_used_again_in_another_range(election)
    first, again = election.entries[-302], election.entries[-1]
    voters = [voter for name, voter in election.voters.items() if name.startswith("north-") and name != "north-9"]
    election.entries += [altered(first, credential=b64url_encode(voter.credential)) for voter in voters]
    report = verified(election)
    assert {"V10", "V13"} <= set(report.failed)
    assert_as_the_record(election, report)
    assert report.record is not None
    mine = b64url_encode(election.voters["north-9"].credential)
    ballots = [members_of(raw) for raw in [*open_board.entries, first, again] if b'"ciphertexts"' in raw]
    blobs = [b64url_decode(ballot["ciphertexts"]) for ballot in ballots if ballot.get("credential") == mine]
    points = report.record.state.ballots.points
    assert points
    assert points <= {blob[at : at + 32] for blob in blobs for at in range(0, len(blob), 64)}


def test_revocations_that_nobody_signed_set_nobody_apart(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = open_board.copy()
    genuine = election.entries[election.index_of("roll-revocation")]
    revoked = b64url_encode(election.voters["north-10"].credential).encode()
    for voter in election.voters.values():
        election.append(genuine.replace(revoked, b64url_encode(voter.credential).encode()))
    election.revoke("south-9")
    flagged: list[set[bytes]] = []
    named = stages._named_by_registrars

    def noting(state: BoardState, officials: Iterator[tuple[int, bytes]]) -> set[bytes]:
        flagged.append(named(state, officials))
        return flagged[-1]

    monkeypatch.setattr(stages, "_named_by_registrars", noting)
    report = verified(election)
    assert flagged == [{election.voters[name].credential for name in ("north-10", "south-9")}]
    assert "V04" in report.failed
    assert_as_the_record(election, report)


def test_copies_hide_no_point_that_is_used_twice(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = open_board.copy()
    nonces_used_again_in_another_range(election)
    again = len(election.entries) - 1
    election.entries += [election.entries[again - 301], election.entries[again], election.entries[200]] * 2
    report = verified(election)
    assert {"V12", "V13"} <= set(report.failed)
    assert_as_the_record(election, report)


def test_ranges_and_record_agree_on_everything_at_once(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = open_board.copy()
    for disturb in DISTURBANCES:
        disturb(election)
    election.close()
    election.decrypt(1, 2)
    report = verified(election)
    assert set(DISTURBANCES.values()) <= set(report.failed)
    assert_as_the_record(election, report)


@pytest.mark.parametrize("size", [1024, 1100, 1280])
def test_a_partial_decryption_may_name_a_checkpoint_among_late_ballots(
    size: int, open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator goes on to append after the closing: the checkpoints there are this board's all the same."""
    short_ranges(monkeypatch)
    election = open_board.copy()
    election.close()
    late = election.entries[200]
    election.entries += [late] * (1280 - len(election.entries))
    whole = election.copy()
    whole.entries = whole.entries[:size]
    whole.decrypt(1)
    election.append(whole.entries[-1])
    report = verified(election)
    assert report.failed == ("V04",)
    assert_as_the_record(election, report)


def test_copies_of_a_partial_decryption_cost_no_root_each(
    open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody who can append can append them again and again: in force, and under a root that is not this board's."""
    short_ranges(monkeypatch)
    election = open_board.copy()
    election.close()
    election.decrypt(1, 2)
    election.edit(len(election.entries) - 1, root=bytes(32))
    election.entries += election.entries[-2:] * 20
    asked: list[int] = []
    root_at = tree.BoardTree.root_at

    def counted(self: tree.BoardTree, size: int, summary: RangeSummary) -> bytes:
        asked.append(size)
        return root_at(self, size, summary)

    monkeypatch.setattr(tree.BoardTree, "root_at", counted)
    report = verified(election)
    assert {"V17", "V20"} <= set(report.failed)
    assert len(asked) == len(set(asked)) == 2
    assert_as_the_record(election, report)


def test_ranges_and_record_agree_on_voters_whose_codes_were_replaced_before_the_opening(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short_ranges(monkeypatch)
    election = finish(wide_election(300, replaced=("south-8", "north-2")))
    report = verified(election)
    assert report.verdict == "PASS"
    assert_as_the_record(election, report)


@pytest.mark.parametrize("name", [name for name, attack in ATTACKS.items() if attack.check >= "V04"][::3])
def test_ranges_and_record_agree_on_attacks(name: str) -> None:
    board = ATTACKS[name].build()
    ours = verify_board(MemoryBoard(board.files), board.policy, board.kept, board.receipts)
    if ours.record is None:
        return
    entries = [
        raw for path in sorted(board.files) if path.startswith("tile/entries") for raw in _cut(board.files[path])
    ]
    record = Record(entries[0])
    record.replay(entries[1:])
    assert ours.record.findings == record.findings
    assert ours.record.outcome() == record.outcome()


def _cut(bundle: bytes) -> list[bytes]:
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


# ---- what is read twice ----


class Fickle(MemoryBoard):
    """A board that serves another second bundle from the second time on."""

    def __init__(self, files: dict[str, bytes], other: bytes) -> None:
        super().__init__(files)
        self.other = other

    def read(self, path: str, limit: int) -> bytes | None:
        again = path == "tile/entries/001" and path in self.reads
        content = super().read(path, limit)
        return self.other if again else content


class FickleLater(MemoryBoard):
    """A board that once, for these bundles, serves nothing but empty ballots, with level-0 tiles to match."""

    def __init__(self, files: dict[str, bytes], bundles: dict[str, int]) -> None:
        super().__init__(files)
        self.bundles = bundles

    def read(self, path: str, limit: int) -> bytes | None:
        content = super().read(path, limit)
        if not path.startswith(("tile/entries/", "tile/0/")):
            return content
        kind, number, *partial = path.removeprefix("tile/").replace(".p/", "/").split("/")
        width = int(partial[0]) if partial else 256
        if kind == "entries" and self.reads.count(path) == self.bundles.get(number):
            return encode_bundle([b"{}"] * width)
        if kind == "0" and number in self.bundles and self.reads.count(path) == 2:
            return bytes(leaf_hash(b"{}") * width)
        return content


@pytest.mark.parametrize("bundles", [{"002": 2}, {"003": 2}, {"003": 3}, {"002": 2, "003": 2}, {"002": 2, "003": 3}])
def test_nothing_is_hidden_from_the_search_for_points_twice(
    bundles: dict[str, int], open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that shows other files once a nonce was seen to be used again, with a count that knows nothing of it."""
    short_ranges(monkeypatch)
    election = open_board.copy()
    nonces_used_again_in_another_range(election)
    with monkeypatch.context() as without:
        without.setattr(v10_v13_ballots, "v13_points", lambda state, ballot: set())
        finish(election)
    files = election.files()
    assert "V13" in verify_board(MemoryBoard(files), election.policy()).failed
    report = verify_board(FickleLater(files, bundles), election.policy())
    assert set(report.failed) & {"V02", "V13"}


def test_what_is_read_a_second_time_is_what_was_verified(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    short_ranges(monkeypatch)
    election = finish(open_board.copy())
    files = election.files()
    whole = files["tile/entries/001"]
    for other in (whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], whole[:-1]):
        report = verify_board(Fickle(files, other), election.policy())
        assert report.failed == ("V02",)


# ---- summaries ----


def test_a_summary_comes_back_from_its_bytes_and_never_damaged(open_board: Election) -> None:
    summary = summarise(rules_of(open_board), 256, [hashed(open_board.entries[256:512])], 256)
    encoded = encode_summary(summary)
    assert decode_summary(encoded) == summary
    assert len(summary.rows) == 256 * ROW.size
    for at in (0, 20, len(encoded) // 2, len(encoded) - 1):
        damaged = bytearray(encoded)
        damaged[at] ^= 1
        with pytest.raises(Malformed):
            decode_summary(bytes(damaged))
    with pytest.raises(Malformed):
        decode_summary(encoded[:-1])


def test_how_a_range_is_cut_into_groups_makes_no_difference(
    open_board: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = [hashed(open_board.entries[at : at + 64]) for at in range(256, 512, 64)]
    whole = summarise(rules_of(open_board), 256, bundles, 300)
    monkeypatch.setattr("retally_crypto.ranges.BYTES_AT_ONCE", 1)
    assert summarise(rules_of(open_board), 256, bundles, 300) == whole
    assert BYTES_AT_ONCE > 1


def test_nothing_hangs_on_forms(open_board: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ballots that have no form and that the parser takes count the same, are taken out and found the same."""
    short_ranges(monkeypatch)
    read = records.read_forms

    def every_other(bundles: Sequence[bytes], forms: Sequence[Form]) -> list[tuple[list[int], list[bytes]]]:
        found = []
        for places, buffers in read(bundles, forms):
            kept = [row for row in range(len(places)) if row % 2]
            cut = [len(buffer) // max(1, len(places)) for buffer in buffers]
            left = [
                b"".join(buffer[row * width : (row + 1) * width] for row in kept)
                for buffer, width in zip(buffers, cut, strict=True)
            ]
            found.append(([places[row] for row in kept], left))
        return found

    monkeypatch.setattr(load_engine(engine.NAME), "read_forms", every_other)
    election = open_board.copy()
    nonces_used_again_in_another_range(election)
    a_false_proof(election)
    finish(election)
    report = verified(election)
    assert {"V10", "V13"} <= set(report.failed)
    assert_as_the_record(election, report)


def test_every_spelling_that_the_parser_takes_has_its_form(open_board: Election) -> None:
    """What no form takes, the parser refuses; the ballots of an honest board have forms."""
    raw = open_board.entries[300]
    spellings = [raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :] for at in range(0, len(raw), 3) for bit in (1, 32)]
    spellings = [spelling for spelling in spellings if b"\n" not in spelling][:1024]
    bundles = [hashed(spellings[at : at + 256]) for at in range(0, len(spellings), 256)]
    monkey = summarise(rules_of(open_board), 256, bundles, 256)
    record = Record(open_board.entries[0])
    record.replay(open_board.entries[1:256])
    rulings = record.replay(spellings)
    named = {ruling.index: ruling.reason for ruling in rulings if ruling.check == "V09"}
    assert dict(monkey.malformed) == named
    assert len(monkey.rows) // ROW.size == len(spellings) - len(named) > 0
