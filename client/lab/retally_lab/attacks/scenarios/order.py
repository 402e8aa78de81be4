"""V04: entries by the wrong hand, in the wrong phase, out of order, a second time, or out of time."""

from __future__ import annotations

from dataclasses import replace

from retally_crypto.encoding import b64_encode
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import parse_note
from retally_lab.attacks.tampering import (
    BALLOTS,
    ORDER,
    Tampered,
    at_count,
    at_opening,
    at_polls,
    attack,
    commitments_only,
    honest,
    members,
    publish,
    refused,
    shared_only,
    witnessed,
)
from retally_lab.boards.election import CLOSES, GRACE, OPENS, Election, sign, write_board
from retally_lab.boards.files import checkpoint

# ---- by the wrong hand ----


def _revocation(election: Election) -> dict[str, object]:
    return {"credential": election.voters["north-3"].credential, "reason": "an operator's wish"}


@attack("V04")
def a_revocation_that_only_one_of_two_registrars_signed() -> Tampered:
    election = at_polls()
    return refused(election.official("roll-revocation", election.registrars[:1], **_revocation(election)))


@attack("V04")
def a_revocation_signed_in_another_order() -> Tampered:
    election = at_polls()
    return refused(election.official("roll-revocation", election.registrars[::-1], **_revocation(election)))


@attack("V04")
def a_closing_by_the_board() -> Tampered:
    election = at_polls()
    return refused(election.official("closing", [election.board], ballots=BALLOTS))


@attack("V04")
def a_closing_that_a_registrar_signed_as_well() -> Tampered:
    election = at_polls()
    return refused(election.official("closing", [election.authority, election.registrars[0]], ballots=BALLOTS))


@attack("V04")
def a_closing_altered_under_its_signature() -> Tampered:
    election = at_polls()
    raw = election.official("closing", [election.authority], ballots=0)
    return refused(raw.replace(b'"ballots":0', b'"ballots":%d' % BALLOTS))


@attack("V04")
def a_signature_whose_scalar_is_above_the_order() -> Tampered:
    """S + order satisfies the same equation: without its bound one entry would have two forms."""
    election = at_polls()
    raw = election.official("closing", [election.authority], ballots=BALLOTS)
    (line,) = parse_note(raw).signatures
    s = int.from_bytes(line.signature[32:], "little") + ORDER
    again = line.key_id + line.signature[:32] + s.to_bytes(32, "little")
    before = b64_encode(line.key_id + line.signature)
    return refused(raw.replace(before.encode(), b64_encode(again).encode()))


@attack("V04")
def a_partial_decryption_that_another_guardian_signed() -> Tampered:
    election = at_count()
    election.decrypt(1, 2)
    at = election.append(election.partial_decryption(3))
    election.entries[at] = sign(members(election, at), [election.guardians[0].key])
    election.result()
    return Tampered.board(election, at)


@attack("V04")
def a_roll_chunk_that_the_other_registrar_signed() -> Tampered:
    election = at_opening()
    first, second = election.indices_of("roll")
    entries = list(election.entries)
    election.entries[first] = sign(members(election, first), [election.registrars[1]])
    election.entries += [entries[first], entries[second]]
    return Tampered.board(election, first, len(entries) + 1)


# ---- in the wrong phase ----


@attack("V04")
def a_ballot_before_the_opening() -> Tampered:
    election = at_opening()
    opened = honest()
    at = election.append(opened.entries[opened.index_of("ballot")])
    election.open()
    return Tampered.board(election, at)


@attack("V04")
def a_ballot_after_the_closing() -> Tampered:
    election = at_count()
    at = election.cast("north-3", [[1, 0], [0]])
    return Tampered.board(publish(election), at)


@attack("V04")
def a_second_closing() -> Tampered:
    election = at_count()
    at = election.close()
    return Tampered.board(publish(election), at)


@attack("V04")
def a_second_closing_that_takes_a_late_ballot_in() -> Tampered:
    election = at_count()
    late = election.cast("north-3", [[1, 0], [0]])
    return Tampered.board(publish(election), late, election.close())


@attack("V04")
def a_second_opening() -> Tampered:
    election = at_polls()
    return refused(election.entries[election.index_of("opening")])


@attack("V04")
def a_second_manifest() -> Tampered:
    return refused(honest().entries[0])


@attack("V04")
def a_manifest_that_would_correct_the_first() -> Tampered:
    election = honest()
    return refused(sign({**members(election, 0), "smallest_unit": 1000}, [election.authority]))


@attack("V04")
def a_guardian_that_decrypts_while_polls_are_open() -> Tampered:
    election = honest()
    return refused(election.entries[election.index_of("partial-decryption")])


@attack("V04")
def a_result_while_polls_are_open() -> Tampered:
    election = honest()
    return refused(election.entries[election.index_of("result")])


@attack("V04")
def a_paper_count_while_polls_are_open() -> Tampered:
    election = honest()
    return refused(election.entries[election.index_of("paper-count")])


@attack("V04")
def a_revocation_after_the_closing() -> Tampered:
    election = at_count()
    at = election.revoke("north-3")
    return Tampered.board(publish(election), at)


@attack("V04")
def a_new_commitment_while_polls_are_open() -> Tampered:
    election = honest()
    return refused(election.entries[election.index_of("guardian-commitment")])


@attack("V04")
def a_roll_that_goes_on_while_polls_are_open() -> Tampered:
    election = honest()
    return refused(election.entries[election.index_of("roll")])


# ---- out of order, or a second time ----


@attack("V04")
def a_second_commitment_of_one_guardian() -> Tampered:
    election = commitments_only()
    return Tampered.board(election, election.commit(2))


@attack("V04")
def shares_before_all_have_committed() -> Tampered:
    election = commitments_only()
    election.share(1)
    shares = election.entries.pop()
    at = election.index_of("guardian-commitment", 2)
    election.entries.insert(at, shares)
    return Tampered.board(election, at)


@attack("V04")
def a_complaint_before_the_shares_of_the_accused() -> Tampered:
    election = commitments_only()
    return Tampered.board(election, election.complain(2, against=1))


@attack("V04")
def a_complaint_against_oneself() -> Tampered:
    election = shared_only()
    return Tampered.board(election, election.complain(2, against=2))


@attack("V04")
def an_answer_that_nobody_asked_for() -> Tampered:
    election = shared_only()
    return Tampered.board(election, election.answer(1, complainant=2))


@attack("V04")
def a_confirmation_while_a_complaint_is_unanswered() -> Tampered:
    election = shared_only()
    election.complain(2, against=1)
    return Tampered.board(election, election.confirm(1), election.confirm(2))


@attack("V04")
def a_complaint_after_a_confirmation() -> Tampered:
    election = shared_only()
    election.confirm(1)
    return Tampered.board(election, election.complain(2, against=1))


@attack("V04")
def a_roll_before_all_registrars_have_committed() -> Tampered:
    election = at_opening()
    second, first = election.index_of("roll-commitment", 1), election.index_of("roll")
    entries = election.entries
    entries[second], entries[first] = entries[first], entries[second]
    return Tampered.board(election, second)


@attack("V04")
def a_roll_chunk_that_leaves_a_gap() -> Tampered:
    election = at_opening()
    del election.entries[election.index_of("roll-commitment") :]
    election.roll(chunk=2)
    dropped = election.index_of("roll", 1)
    del election.entries[dropped]
    return Tampered.board(election, dropped)


@attack("V04")
def an_opening_before_the_roll_is_complete() -> Tampered:
    election = at_opening()
    opened = honest()
    at = election.index_of("roll", 1)
    election.entries[at] = opened.entries[opened.index_of("opening")]
    return Tampered.board(election, at)


@attack("V04")
def an_opening_before_the_last_confirmation() -> Tampered:
    election = at_opening()
    opened = honest()
    del election.entries[election.index_of("guardian-confirmation", 2)]
    at = election.append(opened.entries[opened.index_of("opening")])
    return Tampered.board(election, at)


@attack("V04")
def a_paper_count_that_hides_that_it_came_late() -> Tampered:
    election = honest()
    return Tampered.board(election, election.paper("south", "mayor", [1, 2], late=False))


@attack("V04")
def a_paper_count_that_claims_to_be_late() -> Tampered:
    election = at_count()
    at = election.paper("south", "mayor", [1, 2], late=True)
    return Tampered.board(publish(election), at)


@attack("V04")
def a_second_paper_count_of_one_district() -> Tampered:
    election = honest()
    return Tampered.board(election, election.paper("north", "mayor", [20, 10], late=True))


@attack("V04")
def a_result_before_k_guardians_have_decrypted() -> Tampered:
    election = at_count()
    election.decrypt(1)
    published = honest()
    at = election.append(published.entries[published.index_of("result")])
    election.decrypt(3)
    election.result()
    return Tampered.board(election, at)


@attack("V04")
def a_second_result() -> Tampered:
    election = honest()
    return Tampered.board(election, election.append(election.entries[election.index_of("result")]))


# ---- out of time ----


def _in_time(opening_time: int = OPENS, closing_time: int = CLOSES) -> Tampered:
    """The witnessed board with these cosignature times."""
    election = witnessed()
    files = write_board(election.entries, election.board, election.witnesses, opening_time, closing_time)
    late = "checkpoint.opening" if opening_time != OPENS else "checkpoint.closing"
    return Tampered(files, election.policy(), (late,))


@attack("V04")
def polls_opened_before_their_hour() -> Tampered:
    return _in_time(opening_time=OPENS - 1)


@attack("V04")
def polls_opened_after_the_grace() -> Tampered:
    return _in_time(opening_time=OPENS + GRACE + 1)


@attack("V04")
def polls_closed_before_their_hour() -> Tampered:
    return _in_time(closing_time=CLOSES - 1)


@attack("V04")
def polls_kept_open_after_the_grace() -> Tampered:
    return _in_time(closing_time=CLOSES + GRACE + 1)


def _effect(size_after: int | None, witnesses: int = 3) -> Tampered:
    """The witnessed board whose `checkpoint.closing` has another size, or fewer cosignatures."""
    election = witnessed()
    size = election.index_of("closing") + 1 if size_after is None else size_after
    hashes = [leaf_hash(raw) for raw in election.entries[:size]]
    raw = checkpoint(hashes, election.board, election.witnesses[:witnesses], CLOSES)
    return replace(Tampered.board(election).with_file("checkpoint.closing", raw), names=("checkpoint.closing",))


@attack("V04")
def a_closing_checkpoint_that_does_not_cover_the_closing() -> Tampered:
    return _effect(witnessed().index_of("closing"))


@attack("V04")
def a_closing_checkpoint_without_the_quorum() -> Tampered:
    return _effect(None, witnesses=1)


@attack("V04")
def a_closing_checkpoint_of_another_board() -> Tampered:
    election, other = witnessed(), witnessed()
    other.entries[-1] = other.entries[-2]
    path = "checkpoint.closing"
    hashes = [leaf_hash(raw) for raw in other.entries]
    raw = checkpoint(hashes, election.board, election.witnesses, CLOSES)
    return replace(Tampered.board(election).with_file(path, raw), names=(path,))


@attack("V04", "incomplete")
def a_board_that_does_not_say_when_it_closed() -> Tampered:
    return Tampered.board(witnessed()).with_file("checkpoint.closing", None)


@attack("V04", "incomplete")
def a_board_that_does_not_say_when_it_opened() -> Tampered:
    return Tampered.board(witnessed()).with_file("checkpoint.opening", None)
