"""A guardian does what the ceremony asks, decrypts only a board that verifies, and once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from retally_client.guardian import decryption
from retally_client.guardian.ceremony import (
    Secrets,
    Step,
    key_share,
    new_secrets,
    next_step,
    secrets_from_bytes,
    secrets_to_bytes,
)
from retally_client.guardian.decryption import Journal, decrypt, make_journal, read_journal, renew_journal
from retally_crypto.canonical import canonical_bytes
from retally_crypto.errors import Malformed, Refused
from retally_lab.boards.election import CLOSES, OPENS, Election, signing_key, write_board
from retally_lab.boards.files import members_of
from retally_lab.boards.places import MemoryBoard
from retally_verify.run import Verified
from tests.conftest import cast_all
from tests.verified import RememberedReport, verify_board

NAME = bytes(range(16))


def secrets_of(election: Election, number: int) -> Secrets:
    """What guardian `number` of a test election would have in its ceremony file."""
    guardian = election.guardians[number - 1]
    return Secrets(
        election.election_id, guardian.polynomial, guardian.encryption_private, guardian.encryption_key, NAME
    )


def step_of(election: Election, number: int, secrets: Secrets | None = None) -> Step:
    """What is due for a guardian on the board as it is."""
    key = election.guardians[number - 1].key
    return next_step(election.record(), secrets or secrets_of(election, number), key)


def do(election: Election, number: int) -> str:
    """Does what is due for a guardian; returns what it says."""
    step = step_of(election, number)
    for entry in step.entries:
        election.append(entry)
    return step.says


def kinds(step: Step) -> list[str]:
    return [members_of(entry)["kind"] for entry in step.entries]


def sound(election: Election) -> bool:
    return election.record().findings == []


# ---- ceremony ----


def test_the_ceremony_goes_through_step_by_step_and_says_what_it_waits_for() -> None:
    election = Election.create()
    assert kinds(step_of(election, 1)) == ["guardian-commitment"]
    do(election, 1)
    assert step_of(election, 1) == Step((), "waiting: 2 of 3 guardians have not committed yet")
    do(election, 2)
    do(election, 3)
    assert kinds(step_of(election, 2)) == ["guardian-shares"]
    do(election, 2)
    assert step_of(election, 2) == Step((), "waiting: 2 of 3 guardians have not sent their shares yet")
    do(election, 1)
    do(election, 3)
    assert [(kinds(step), step.done) for step in [step_of(election, 3)]] == [(["guardian-confirmation"], True)]
    do(election, 3)
    assert step_of(election, 3) == Step((), "confirmed; 2 of 3 have not confirmed yet", done=True)
    do(election, 1)
    do(election, 2)
    assert sound(election)
    election.roll()
    election.open()
    assert election.record().phase == "voting"


def test_every_guardian_ends_with_the_share_that_decrypts() -> None:
    election = Election.create()
    for _ in range(3):
        for number in (3, 1, 2):
            do(election, number)
    for number in (1, 2, 3):
        share = key_share(election.record(), secrets_of(election, number), number)
        assert share == election.secret_share(number)


def with_wrong_share(*recipients: int) -> Election:
    """An election in which guardian 1 sent some others a share that is not theirs."""
    election = Election.create(guardian_count=(2, 3))
    for number in (1, 2, 3):
        election.commit(number)
    election.share(1, wrong=dict.fromkeys(recipients, bytes([7]) + bytes(31)))
    election.share(2)
    election.share(3)
    return election


def test_a_wrong_share_leads_to_complaint_answer_and_confirmation() -> None:
    election = with_wrong_share(2)
    with pytest.raises(Refused, match=r"shares of guardians \[1\] are missing or wrong"):
        key_share(election.record(), secrets_of(election, 2), 2)
    assert kinds(step_of(election, 2)) == ["guardian-complaint"]
    do(election, 2)
    assert step_of(election, 2) == Step((), "waiting: 1 complaints are not answered yet")
    assert step_of(election, 3) == Step((), "waiting: 1 complaints are not answered yet")
    assert kinds(step_of(election, 1)) == ["guardian-answer"]
    do(election, 1)
    for number in (1, 2, 3):
        assert kinds(step_of(election, number)) == ["guardian-confirmation"]
        do(election, number)
    assert sound(election)
    assert key_share(election.record(), secrets_of(election, 2), 2) == election.secret_share(2)


def test_a_wrong_answer_is_no_answer() -> None:
    election = with_wrong_share(2)
    do(election, 2)
    election.answer(1, 2, share=bytes([7]) + bytes(31))
    assert [finding.check for finding in election.record().findings] == ["V06"]
    assert step_of(election, 3) == Step((), "waiting: 1 complaints are not answered yet")


def test_k_accusers_make_the_ceremony_void_for_everyone() -> None:
    election = with_wrong_share(2, 3)
    do(election, 2)
    do(election, 3)
    for number in (1, 2, 3):
        with pytest.raises(Refused, match="the ceremony is void, a new manifest is needed"):
            step_of(election, number)


def test_a_stranger_and_lost_secrets_are_refused() -> None:
    election = Election.create()
    with pytest.raises(Refused, match="stranger is no guardian of this election"):
        next_step(election.record(), secrets_of(election, 1), signing_key("stranger"))
    election.commit(1)
    with pytest.raises(Refused, match=r"commitment of guardian 1 .* not made from these secrets"):
        step_of(election, 1, new_secrets(election.election_id, 2, NAME))


def test_secrets_come_back_from_their_bytes_and_are_not_shown() -> None:
    secrets = new_secrets(bytes(32), 3, NAME)
    assert secrets_from_bytes(secrets_to_bytes(secrets)) == secrets
    assert len(secrets.polynomial.coefficients) == 3
    shown = repr(secrets)
    hidden = [secrets.private_key, *secrets.polynomial.coefficients]
    assert not any(repr(secret) in shown or secret.hex() in shown for secret in hidden)


@pytest.mark.parametrize("member", ["coefficients", "election", "journal", "private_key", "public_key"])
def test_a_damaged_ceremony_file_is_malformed_and_shows_nothing(member: str) -> None:
    secrets = new_secrets(bytes(32), 2, NAME)
    value = json.loads(secrets_to_bytes(secrets))
    secret = value["private_key"]
    for damaged in ({name: value[name] for name in value if name != member}, {**value, member: "AA"}):
        with pytest.raises(Malformed) as caught:
            secrets_from_bytes(canonical_bytes(damaged))
        assert secret not in str(caught.value)
    for raw in (b"", b"[]", b"{}", b"\xff"):
        with pytest.raises(Malformed):
            secrets_from_bytes(raw)


# ---- decryption ----


def voted(cheat: Callable[[Election], object] = lambda election: None, witnesses: tuple[int, int] = (0, 0)) -> Election:
    """A closed board, with whatever `cheat` does to it before the closing."""
    election = Election.create(witness_count=witnesses)
    election.ceremony()
    election.roll()
    election.open()
    cast_all(election)
    cheat(election)
    election.close()
    return election


@pytest.fixture(scope="module")
def closed() -> Election:
    return voted()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A fresh journal."""
    make_journal(tmp_path / "key.journal", NAME)
    return read_journal(tmp_path / "key.journal", NAME)


def report_of(
    election: Election, files: dict[str, bytes] | None = None, kept: tuple[bytes, ...] = ()
) -> RememberedReport:
    return verify_board(MemoryBoard(election.files() if files is None else files), election.policy(), kept)


def decrypted(election: Election, journal: Journal, *override: int, report: RememberedReport | None = None) -> bytes:
    """What guardian 1 sends."""
    key = election.guardians[0].key
    found = report or report_of(election)
    return decrypt(Verified(found, found.record), secrets_of(election, 1), key, journal, override)


def untouched(journal: Journal) -> bool:
    return read_journal(journal.path, journal.name).entry is None


def test_a_board_that_verifies_is_decrypted_and_the_entry_is_in_force(closed: Election, journal: Journal) -> None:
    election = closed.copy()
    entry = decrypted(election, journal)
    election.append(entry)
    election.decrypt(3)
    election.result()
    assert report_of(election).verdict == "PASS"
    assert read_journal(journal.path, journal.name).entry == entry


def test_after_a_crash_the_recorded_entry_is_sent_again_and_never_another(closed: Election, journal: Journal) -> None:
    first = decrypted(closed, journal)
    # Both a program that starts anew and one that had read the journal before.
    again = [decrypted(closed, read_journal(journal.path, journal.name)), decrypted(closed, journal)]
    assert again == [first, first]


def test_a_second_board_is_not_decrypted(closed: Election, journal: Journal) -> None:
    first = decrypted(closed, journal)
    other = closed.before("closing")
    other.cast("north-3", [[1, 0, 0], [1, 1]])
    other.close()
    assert decrypted(other, journal) == first


def test_nothing_leaves_before_the_journal_is_on_the_disk(
    closed: Election, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decryption, "replace_private", full_disk)
    with pytest.raises(OSError, match="No space"):
        decrypted(closed, journal)
    assert untouched(journal)


def test_a_lost_journal_is_never_replaced_by_guessing(closed: Election, journal: Journal) -> None:
    journal.path.unlink()
    with pytest.raises(Refused, match="is lost: nobody can tell whether this guardian has decrypted"):
        decrypted(closed, journal)
    assert not journal.path.exists()


def test_anothers_journal_is_refused(closed: Election, tmp_path: Path) -> None:
    make_journal(tmp_path / "other.journal", bytes(16))
    with pytest.raises(Refused, match="belongs to other secrets"):
        decrypted(closed, Journal(tmp_path / "other.journal", NAME, None))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b'"text"', b"{}", b'{"journal":"AA"}', b'{"journal":7,"entry":null}', b"\xff",
     b'{"journal":"AAECAwQFBgcICQoLDA0ODw","entry":7}', b'{"journal":"AAECAwQFBgcICQoLDA0ODw","entry":"="}'],
)  # fmt: skip
def test_a_damaged_journal_is_refused(closed: Election, journal: Journal, content: bytes) -> None:
    journal.path.write_bytes(content)
    with pytest.raises(Refused, match="is not a guardian's journal"):
        decrypted(closed, journal)
    assert journal.path.read_bytes() == content


def test_a_journal_is_not_made_twice_and_an_unused_one_only_is_renewed(closed: Election, journal: Journal) -> None:
    with pytest.raises(FileExistsError):
        make_journal(journal.path, NAME)
    renew_journal(journal.path, bytes(16))
    renewed = read_journal(journal.path, bytes(16))
    assert renewed.entry is None
    decrypted(closed, renewed)
    with pytest.raises(Refused, match="says that this guardian has decrypted"):
        renew_journal(journal.path, NAME)


def test_a_decryption_on_the_board_that_the_journal_does_not_know_is_refused(
    closed: Election, journal: Journal
) -> None:
    election = closed.copy()
    election.decrypt(1)
    with pytest.raises(Refused, match="is on the board, and this journal does not know it"):
        decrypted(election, journal)
    assert untouched(journal)


def test_other_guardians_decryptions_do_not_hinder(closed: Election, journal: Journal) -> None:
    election = closed.copy()
    election.decrypt(2)
    election.append(decrypted(election, journal))
    assert sorted(election.record().partial_decryptions) == [1, 2]


# ---- boards that do not verify ----


def test_a_board_before_the_closing_is_refused(closed: Election, journal: Journal) -> None:
    with pytest.raises(Refused, match="not closed"):
        decrypted(closed.before("closing"), journal)
    assert untouched(journal)


def test_a_board_whose_files_do_not_fit_is_refused(closed: Election, journal: Journal) -> None:
    files = closed.files()
    bundle = next(path for path in files if path.startswith("tile/entries"))
    for broken in ({**files, bundle: b""}, {path: raw for path, raw in files.items() if path != bundle}):
        with pytest.raises(Refused, match="cannot be trusted"):
            decrypted(closed, journal, report=report_of(closed, broken))
    assert untouched(journal)


def test_a_board_that_contradicts_a_kept_checkpoint_is_refused(closed: Election, journal: Journal) -> None:
    other = closed.before("closing")
    other.cast("north-3", [[1, 0, 0], [1, 1]])
    kept = other.files()["checkpoint"]
    with pytest.raises(Refused, match="does not verify: V02"):
        decrypted(closed, journal, report=report_of(closed, kept=(kept,)))
    assert untouched(journal)


def test_an_officials_entry_that_fails_cannot_be_overridden(journal: Journal) -> None:
    election = voted(lambda election: election.append(election.official("closing", [signing_key("x")], ballots=6)))
    index = election.index_of("closing")
    for override in ((), (index,)):
        with pytest.raises(Refused, match="does not verify: V04"):
            decrypted(election, journal, *override)
    assert untouched(journal)


def forge(election: Election) -> None:
    """Two ballots whose proofs are another ballot's."""
    for name in ("north-3", "north-2"):
        index = election.cast(name, [[0, 0, 1], [0, 0]])
        election.edit(index, proof=members_of(election.entries[election.index_of("ballot")])["proof"])


def test_ballots_that_fail_are_decrypted_around_only_when_every_one_is_named(journal: Journal) -> None:
    election = voted(forge)
    second, first = election.indices_of("ballot")[-1], election.indices_of("ballot")[-2]
    assert report_of(election).failed == ("V10",)
    with pytest.raises(Refused, match=f"name them: --override {first} --override {second}$"):
        decrypted(election, journal)
    with pytest.raises(Refused, match=f"name them: --override {second}$"):
        decrypted(election, journal, first)
    with pytest.raises(Refused, match=f"entry {second + 1} is no ballot that failed a check"):
        decrypted(election, journal, first, second, second + 1)
    assert untouched(journal)
    election.append(decrypted(election, journal, first, second))
    election.decrypt(2)
    election.result()
    report = report_of(election)
    assert report.failed == ("V10",)
    assert report.outcome is not None
    assert report.outcome.reconciliation.refused == 2


def test_naming_a_ballot_on_a_sound_board_is_refused(closed: Election, journal: Journal) -> None:
    with pytest.raises(Refused, match="there is nothing to override"):
        decrypted(closed, journal, closed.index_of("ballot"))
    assert untouched(journal)


def test_a_late_ballot_that_is_named_does_not_excuse_wrong_times(journal: Journal) -> None:
    election = voted(witnesses=(1, 1))
    late = election.cast("north-3", [[1, 0, 0], [1, 1]])
    in_time = write_board(election.entries, election.board, election.witnesses)
    too_late = write_board(election.entries, election.board, election.witnesses, OPENS, CLOSES + 1_000_000)
    with pytest.raises(Refused, match="does not verify: V04"):
        decrypted(election, journal, late, report=report_of(election, too_late))
    assert untouched(journal)
    entry = decrypted(election, journal, late, report=report_of(election, in_time))
    assert read_journal(journal.path, journal.name).entry == entry


def test_a_late_ballot_that_is_named_does_not_excuse_a_missing_time(journal: Journal) -> None:
    election = voted(witnesses=(1, 1))
    late = election.cast("north-3", [[1, 0, 0], [1, 1]])
    files = write_board(election.entries, election.board, election.witnesses)
    del files["checkpoint.closing"]
    with pytest.raises(Refused, match="does not verify: V04"):
        decrypted(election, journal, late, report=report_of(election, files))
    assert untouched(journal)


def test_a_share_that_cannot_be_computed_is_refused(closed: Election, journal: Journal) -> None:
    foreign = new_secrets(closed.election_id, 2, NAME)
    found = report_of(closed)
    with pytest.raises(Refused, match=r"shares of guardians \[2, 3\] are missing or wrong"):
        decrypt(Verified(found, found.record), foreign, closed.guardians[0].key, journal)
    assert untouched(journal)
