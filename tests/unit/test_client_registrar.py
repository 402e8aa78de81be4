"""A registrar's codes, roll entries, and changes of the roll that all registrars make together."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_client.keys import load_signing_key
from retally_client.registrar import commands
from retally_client.registrar.changes import (
    REPLACEMENT,
    REVOCATION,
    add_part,
    add_signature,
    credential_at,
    draft_from_bytes,
    draft_to_bytes,
    finished_entry,
    new_draft,
    voter_of,
)
from retally_client.registrar.codes import (
    Codes,
    codes_from_bytes,
    codes_of,
    codes_to_bytes,
    make_codes,
    read_codes,
    style_indices,
    write_codes,
)
from retally_client.registrar.roll import (
    positions_revealed,
    registrar_number,
    roll_commitment_entry,
    roll_entries,
    roll_parts,
)
from retally_client.registrar.voters import Registered, printable_list, voters_csv
from retally_client.voter.casting import credential_of
from retally_crypto.codes import encode_code
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused
from retally_crypto.policy_text import format_policy
from retally_crypto.replay import Record
from retally_crypto.secret.credentials import (
    CHECK_SYMBOLS,
    LABEL,
    SYMBOLS,
    new_code,
    parse_code,
    part_secret,
    prove_part,
    public_part,
)
from retally_crypto.secret.sign import SigningKey
from retally_lab.boards.election import Election, signing_key
from retally_lab.boards.places import ADDRESS, board_folder
from retally_verify.board import FolderBoard

VOTERS = tuple(Registered(f"voter {number}", "north" if number % 3 else "south") for number in range(1, 8))
PASSPHRASE = "correct horse battery"
MANIFEST = ("--policy", "policy", "--manifest", "manifest.entry")


def drawn(election: Election, registrar: int) -> Codes:
    return codes_of(VOTERS, make_codes(len(VOTERS)), election.election_id, registrar)


@pytest.fixture(scope="module")
def confirmed() -> Election:
    """An election after its ceremony, before the roll."""
    election = Election.create(guardian_count=(1, 1), caps={"revocations": 1, "replacements": 2})
    election.ceremony()
    return election


@pytest.fixture(scope="module")
def both(confirmed: Election) -> tuple[Codes, Codes]:
    return drawn(confirmed, 1), drawn(confirmed, 2)


@pytest.fixture
def registered(confirmed: Election, both: tuple[Codes, Codes]) -> Election:
    """That election with both registrars' codes on the roll."""
    election = confirmed.copy()
    styles = style_indices(VOTERS, election.manifest)
    parts = [roll_parts(codes.codes, election.election_id, codes.registrar) for codes in both]
    for number, own in enumerate(parts, start=1):
        key = election.registrars[number - 1]
        election.append(roll_commitment_entry(own, styles, number, election.election_id, key))
    for number, own in enumerate(parts, start=1):
        key = election.registrars[number - 1]
        commitments = [one.commitment for _, one in sorted(election.record().roll.commitments.items())]
        election.entries += roll_entries(own, styles, number, election.election_id, commitments, key)
    return election


def secret_of(both: tuple[Codes, Codes], election: Election, voter: str) -> bytes:
    typed = [codes_as_text(codes)[codes.position_of(voter)] for codes in both]
    return credential_of(typed, election.election_id).credential


def codes_as_text(codes: Codes) -> list[str]:
    return [encode_code(code, SYMBOLS, CHECK_SYMBOLS, LABEL) for code in codes.codes]


# ---- voters and codes ----


def test_a_list_of_voters_in_another_encoding_is_refused_and_no_name_is_changed(tmp_path: Path) -> None:
    voters, order = tmp_path / "voters.csv", tmp_path / "order.csv"
    voters.write_bytes("voter,style\nÅngström,north\n".encode("latin-1"))
    done = CliRunner().invoke(app, ["registrar", "order", str(voters), "-o", str(order)])
    assert (done.exit_code, order.exists()) == (3, False)
    assert f"{voters}: byte 12 is not UTF-8" in done.stderr
    voters.write_bytes("\ufeffvoter,style\nÅngström,north\n".encode())
    assert CliRunner().invoke(app, ["registrar", "order", str(voters), "-o", str(order)]).exit_code == 0
    assert "Ångström" in order.read_text()


def test_the_printed_list_is_sorted_by_voter_so_that_it_does_not_tell_positions() -> None:
    codes = make_codes(3)
    voters = [Registered(name, "north") for name in ("Zoe", "Ada", "Mia")]
    rows = list(csv.DictReader(io.StringIO(printable_list(voters, codes).decode())))
    assert [row["voter"] for row in rows] == ["Ada", "Mia", "Zoe"]
    assert {row["voter"]: row["code"] for row in rows} == dict(zip(("Zoe", "Ada", "Mia"), codes, strict=True))


def test_a_codes_file_is_encrypted_and_opens_only_for_its_election(tmp_path: Path, confirmed: Election) -> None:
    path, codes = tmp_path / "codes", drawn(confirmed, 2)
    write_codes(path, codes, PASSPHRASE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"voter 1" not in path.read_bytes()
    assert repr(codes.codes[0]) not in repr(codes)
    assert read_codes(path, PASSPHRASE, confirmed.policy()) == codes
    with pytest.raises(Refused, match="not of this one"):
        read_codes(path, PASSPHRASE, replace(confirmed.policy(), election_id=bytes(32)))
    with pytest.raises(FileExistsError):
        write_codes(path, codes, PASSPHRASE)


def test_no_cut_of_a_codes_file_is_taken_for_one(confirmed: Election) -> None:
    raw = codes_to_bytes(drawn(confirmed, 1))
    for end in (0, 10, 39, 60, len(raw) - 20):
        with pytest.raises(Malformed, match="not a registrar's codes file"):
            codes_from_bytes(raw[:end])


def test_a_style_that_the_manifest_does_not_have_is_refused(confirmed: Election) -> None:
    with pytest.raises(Refused, match="'west'"):
        style_indices([*VOTERS, Registered("x", "west")], confirmed.manifest)


# ---- the roll ----


def test_two_registrars_rolls_make_the_credentials_that_voters_codes_make(
    registered: Election, both: tuple[Codes, Codes]
) -> None:
    record = registered.record()
    assert record.findings == []
    assert record.roll.complete
    for position, known in enumerate(VOTERS):
        credential = secret_of(both, registered, known.voter)
        assert credential == credential_at(record, position)
        assert record.manifest.styles[record.style_of(credential) or 0].id == known.style
        assert voter_of(record, both[0], credential) == known


def test_the_roll_comes_in_chunks_of_at_most_a_thousand_without_a_gap(confirmed: Election) -> None:
    count, key = 2_050, confirmed.registrars[0]
    styles = [0] * count
    parts = roll_parts([parse_code(code) for code in make_codes(count)], confirmed.election_id, 1)
    chunks = [
        json.loads(entry.split(b"\n")[0])
        for entry in roll_entries(parts, styles, 1, confirmed.election_id, [bytes(32)], key)
    ]
    assert [(chunk["first"], len(chunk["styles"])) for chunk in chunks] == [(0, 1000), (1000, 1000), (2000, 50)]
    rest = roll_entries(parts, styles, 1, confirmed.election_id, [bytes(32)], key, first=1000)
    assert [json.loads(entry.split(b"\n")[0])["first"] for entry in rest] == [1000, 2000]


def test_nothing_is_revealed_before_every_registrar_has_committed(
    confirmed: Election, both: tuple[Codes, Codes]
) -> None:
    election = confirmed.copy()
    styles = style_indices(VOTERS, election.manifest)
    parts = roll_parts(both[0].codes, election.election_id, 1)
    election.append(roll_commitment_entry(parts, styles, 1, election.election_id, election.registrars[0]))
    with pytest.raises(Refused, match="registrar 2 has not committed"):
        positions_revealed(election.record(), 1, parts, styles)


def test_other_codes_than_those_committed_to_are_not_revealed(registered: Election) -> None:
    styles = style_indices(VOTERS, registered.manifest)
    other = roll_parts(drawn(registered, 1).codes, registered.election_id, 1)
    with pytest.raises(Refused, match="not made from these codes"):
        positions_revealed(registered.record(), 1, other, styles)


def test_an_interrupted_roll_is_continued_where_it_stopped(registered: Election, both: tuple[Codes, Codes]) -> None:
    election = registered.copy()
    del election.entries[-1]
    styles = style_indices(VOTERS, election.manifest)
    revealed = [
        positions_revealed(
            election.record(),
            codes.registrar,
            roll_parts(codes.codes, election.election_id, codes.registrar),
            styles,
        )
        for codes in both
    ]
    assert revealed == [len(VOTERS), 0]


def test_a_key_that_is_no_registrars_is_refused(confirmed: Election) -> None:
    assert registrar_number(confirmed.manifest, confirmed.registrars[1]) == 2
    with pytest.raises(Refused, match="is no registrar"):
        registrar_number(confirmed.manifest, signing_key("somebody"))


# ---- changes ----


def signed_by_all(election: Election, raw: bytes) -> bytes:
    """The draft after every registrar has read it anew and signed it."""
    record = election.record()
    for number, key in enumerate(election.registrars, start=1):
        raw = draft_to_bytes(add_signature(draft_from_bytes(raw, record), record.manifest, key, number))
    return raw


def test_all_registrars_together_revoke_a_credential(registered: Election, both: tuple[Codes, Codes]) -> None:
    record = registered.record()
    credential = credential_at(record, both[0].position_of("voter 3"))
    raw = signed_by_all(registered, draft_to_bytes(new_draft(REVOCATION, record, credential, "moved away")))
    registered.append(finished_entry(draft_from_bytes(raw, record), record.manifest))
    assert registered.record().findings == []
    assert not registered.record().is_active(credential)


def test_all_registrars_together_give_a_voter_new_codes(registered: Election, both: tuple[Codes, Codes]) -> None:
    record = registered.record()
    old = credential_at(record, both[0].position_of("voter 4"))
    raw = draft_to_bytes(new_draft(REPLACEMENT, record, old, "lost her codes"))
    fresh = make_codes(2)
    for number, code in enumerate(fresh, start=1):
        raw = draft_to_bytes(add_part(draft_from_bytes(raw, record), parse_code(code), number))
    raw = signed_by_all(registered, raw)
    registered.append(finished_entry(draft_from_bytes(raw, record), record.manifest))
    after = registered.record()
    assert after.findings == []
    new = credential_of(fresh, registered.election_id).credential
    assert (after.is_active(old), after.is_active(new)) == (False, True)
    assert after.style_of(new) == after.style_of(old)
    assert voter_of(after, both[0], new) is None


def test_nobody_signs_a_replacement_before_all_parts_are_there(registered: Election) -> None:
    record = registered.record()
    draft = add_part(
        new_draft(REPLACEMENT, record, credential_at(record, 0), "lost"), parse_code(make_codes(1)[0]), registrar=1
    )
    with pytest.raises(Refused, match="registrar 2 has not added its part"):
        add_signature(draft, record.manifest, registered.registrars[0], 1)
    with pytest.raises(Refused, match="has added its part already"):
        add_part(draft, parse_code(make_codes(1)[0]), registrar=1)


def test_an_entry_is_not_finished_while_a_registrar_has_not_signed(registered: Election) -> None:
    record = registered.record()
    draft = new_draft(REVOCATION, record, credential_at(record, 0), "moved")
    draft = add_signature(draft, record.manifest, registered.registrars[0], 1)
    with pytest.raises(Refused, match="registrar 2 has not signed"):
        finished_entry(draft, record.manifest)


def test_a_draft_with_a_part_whose_secret_nobody_proved_is_refused(registered: Election) -> None:
    record = registered.record()
    old, other = credential_at(record, 0), credential_at(record, 1)
    secret = part_secret(parse_code(new_code()), registered.election_id, 2)
    elsewhere = prove_part(secret, registered.election_id, 2, other)
    draft = replace(new_draft(REPLACEMENT, record, old, "lost"), parts={2: public_part(secret)}, proofs={2: elsewhere})
    with pytest.raises(BadProof, match="registrar 2"):
        draft_from_bytes(draft_to_bytes(draft), record)


def test_a_signature_over_another_reason_is_refused(registered: Election) -> None:
    record = registered.record()
    draft = new_draft(REVOCATION, record, credential_at(record, 0), "moved away")
    draft = add_signature(draft, record.manifest, registered.registrars[0], 1)
    with pytest.raises(BadSignature, match="registrar 1"):
        draft_from_bytes(draft_to_bytes(replace(draft, reason="died")), record)


def test_a_change_is_drafted_only_for_an_active_credential_with_a_readable_reason(registered: Election) -> None:
    record = registered.record()
    with pytest.raises(Refused, match="not on the roll"):
        new_draft(REVOCATION, record, public_part(b"\x01" + bytes(31)), "moved")
    with pytest.raises(Malformed, match="reason"):
        new_draft(REPLACEMENT, record, credential_at(record, 0), "two\nlines")
    foreign = replace(new_draft(REVOCATION, record, credential_at(record, 0), "moved"), election_id=bytes(32))
    with pytest.raises(Refused, match="not for this one"):
        draft_from_bytes(draft_to_bytes(foreign), record)


def test_other_files_are_not_taken_for_drafts(registered: Election) -> None:
    record = registered.record()
    good = json.loads(draft_to_bytes(new_draft(REVOCATION, record, credential_at(record, 0), "moved")))
    changes: list[dict[str, object]] = [
        {"kind": "x"},
        {"change": "opening"},
        {"parts": {"3": "AA"}},
        {"parts": []},
        {"extra": 1},
    ]
    for change in changes:
        raw = json.dumps({**good, **change}, separators=(",", ":"), sort_keys=True).encode()
        with pytest.raises(Malformed):
            draft_from_bytes(raw, record)


# ---- the commands ----


class BoardInMemory:
    """Stands for the server: takes what the record admits, and leaves the files for the next reader."""

    def __init__(self, election: Election, folder: Path) -> None:
        self.election, self.folder = election, folder
        self.publish()

    def __call__(self, url: str) -> BoardInMemory:
        return self

    def append(self, entry: bytes) -> int:
        self.election.append(entry)
        assert self.election.record().findings == []
        self.publish()
        return len(self.election.entries) - 1

    def publish(self) -> None:
        board_folder(self.folder, self.election.files())


Run = tuple[Callable[..., str], BoardInMemory, Path]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `retally registrar …` in a folder, against a board in memory whose registrars' keys are files there."""
    return registrars_of({"revocations": 1, "replacements": 1}, tmp_path, monkeypatch)


def registrars_of(caps: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with these caps."""
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("RETALLY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def call(*words: str, code: int = 0, typed: str = "") -> str:
        result = runner.invoke(app, ["registrar", *words], input=typed)
        assert result.exit_code == code, result.output
        return result.output

    names = [call("init", f"key{number}", f"people.example/registrar-{number}").strip() for number in (1, 2)]
    # The manifest of this election names the keys just made.
    election = Election.create(guardian_count=(1, 1), registrars=names, caps=caps)
    election.registrars = [load_signing_key(tmp_path / f"key{number}", "registrar", PASSPHRASE) for number in (1, 2)]
    election.ceremony()
    board = BoardInMemory(election, tmp_path / "board")
    (tmp_path / "policy").write_bytes(format_policy(election.policy()))
    (tmp_path / "manifest.entry").write_bytes(election.entries[0])
    monkeypatch.setattr(commands, "BoardServer", board)
    monkeypatch.setattr(commands, "open_board", lambda url: FolderBoard(tmp_path / "board"))
    return call, board, tmp_path


def test_registrars_commands_bring_a_roll_and_a_replacement_onto_the_board(
    run: Run,
) -> None:
    call, board, here = run
    (here / "voters.csv").write_bytes(b"\xef\xbb\xbf" + voters_csv(VOTERS))
    call("order", "voters.csv", "-o", "order.csv")
    for number in ("1", "2"):
        call("codes", "order.csv", "-r", number, *MANIFEST, "-o", f"codes{number}", "-l", f"list{number}.csv")
        assert (here / f"list{number}.csv").stat().st_mode & 0o777 == 0o600
    own = [["-p", "policy", "-k", f"key{number}", "-c", f"codes{number}"] for number in (1, 2)]
    call("commit", ADDRESS, *own[0])
    assert "registrar 2 has not committed" in call("roll", ADDRESS, *own[0], code=1)
    call("commit", ADDRESS, *own[1])
    assert "registrar 1, this key is registrar 2" in call("roll", ADDRESS, *own[1][:4], "-c", "codes1", code=1)
    call("roll", ADDRESS, *own[0])
    assert json.loads(call("roll", ADDRESS, *own[1], "--json"))["positions"] == len(VOTERS)
    assert board.election.record().roll.complete

    call("replace", ADDRESS, "draft", "-p", "policy", "-c", "codes1", "--reason", "lost", "--voter", "voter 5")
    for place, words in enumerate(own, start=1):
        said = call("part", ADDRESS, "draft", *words, "-l", f"new{place}.csv", "--yes")
        assert "the credential of voter 5" in said
    for words in own:
        call("sign", ADDRESS, "draft", *words, "--yes")
    call("submit", ADDRESS, "draft", "-p", "policy")
    fresh = [(here / f"new{number}.csv").read_text().strip().rpartition(",")[2] for number in (1, 2)]
    record: Record = board.election.record()
    assert record.is_active(credential_of(fresh, record.election_id).credential)
    assert record.roll.replacements == 1


def test_a_registrar_who_does_not_confirm_signs_nothing(
    run: Run,
) -> None:
    call, _, here = run
    (here / "order.csv").write_bytes(voters_csv(VOTERS))
    own = []
    for number in (1, 2):
        call("codes", "order.csv", "-r", str(number), *MANIFEST, "-o", f"codes{number}", "-l", f"list{number}")
        own.append(["-p", "policy", "-k", f"key{number}", "-c", f"codes{number}"])
    for command in ("commit", "roll"):
        for words in own:
            call(command, ADDRESS, *words)
    call("revoke", ADDRESS, "draft", "-p", "policy", "-c", "codes1", "--reason", "moved", "--voter", "voter 2")
    before = (here / "draft").read_bytes()
    assert "not confirmed" in call("sign", ADDRESS, "draft", *own[0], code=1, typed="n\n")
    assert (here / "draft").read_bytes() == before
    assert "registrar 1 has not signed" in call("submit", ADDRESS, "draft", "-p", "policy", code=1)


def test_faults_of_a_voter_list_are_said_when_it_is_read_and_nothing_is_written(
    run: Run,
) -> None:
    call, _, here = run
    (here / "voters.csv").write_text("voter;style\nIda;north\nBen;North\nCleo;west\n")
    wanted = ["line 3, Ben: the manifest has no style 'North'; 'north' is meant?", "line 4, Cleo: the manifest has no"]
    said = call("order", "voters.csv", "-o", "order.csv", "-m", "manifest.entry", code=3)
    assert [words in said for words in wanted] == [True, True]
    assert not (here / "order.csv").exists()
    assert "--manifest does that" in call("order", "voters.csv", "-o", "order.csv")
    said = call("codes", "order.csv", "-r", "1", *MANIFEST, "-o", "codes", "-l", "list", code=3)
    assert "2 faults; nothing was written" in said
    assert not (here / "codes").exists()
    assert not (here / "list").exists()


def test_what_was_changed_in_a_list_is_said_and_told_to_programs(
    run: Run,
) -> None:
    _, _, here = run
    (here / "voters.csv").write_bytes("voter\tstyle\n Ida\tnorth\n".encode("utf-16"))
    done = CliRunner().invoke(app, ["registrar", "order", "voters.csv", "-o", "order.csv", "--json"])
    remark = "spaces before or after a name or style were left out: line 2"
    assert json.loads(done.stdout) == {"voters": 1, "remarks": [remark]}
    assert f"voters.csv:\n  {remark}\n" in done.stderr
    assert (here / "order.csv").read_bytes() == b"voter,style\r\nIda,north\r\n"


def test_codes_are_not_drawn_with_the_policy_or_for_a_registrar_of_another_election(
    run: Run, confirmed: Election
) -> None:
    call, _, here = run
    (here / "order.csv").write_bytes(voters_csv(VOTERS))
    (here / "other").write_bytes(format_policy(confirmed.policy()))
    said = call("codes", "order.csv", "-r", "1", "-p", "other", *MANIFEST[2:], "-o", "codes", "-l", "list", code=1)
    assert "other is the policy of another election" in said
    said = call("codes", "order.csv", "-r", "3", *MANIFEST, "-o", "codes", "-l", "list", code=1)
    assert "the manifest has 2 registrars" in said
    assert not (here / "codes").exists()
    said = call("commit", ADDRESS, "-p", "other", "-k", "key1", "-c", "codes", code=1)
    assert "other is the policy of another election" in said


def test_no_file_is_overwritten_and_what_exists_is_named(
    run: Run,
) -> None:
    call, _, here = run
    before = (here / "key1").read_bytes()
    said = call("init", "key1", "people.example/registrar-1", code=3)
    assert "key1 exists already and stays as it is: name another file for a new key" in said
    assert (here / "key1").read_bytes() == before
    (here / "voters.csv").write_bytes(voters_csv(VOTERS))
    assert "name another file for the order of voters" in call("order", "voters.csv", "-o", "key1", code=3)
    codes = ("codes", "voters.csv", "-r", "1", *MANIFEST)
    assert "for the codes" in call(*codes, "-o", "key1", "-l", "list", code=3)
    assert "for the list to print" in call(*codes, "-o", "codes", "-l", "key1", code=3)
    assert not (here / "codes").exists()
    assert "Errno" not in said


def test_another_key_of_a_registrars_name_is_told_apart_from_a_strangers(confirmed: Election) -> None:
    name = confirmed.registrars[0].verifier_key.name
    with pytest.raises(Refused, match=r"the key is another one than the manifest's: .* for registrar 1"):
        registrar_number(confirmed.manifest, SigningKey.from_seed(name, bytes(32)))


def test_case_a_change_that_the_caps_forbid_is_refused_before_a_code_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, board, here = registrars_of({"revocations": 0, "replacements": 0}, tmp_path, monkeypatch)
    words = _roll_of(call, here)
    record = board.election.record()
    for change, command, kind in ((REPLACEMENT, "replace", "replacements"), (REVOCATION, "revoke", "revocations")):
        said = f"allows no {kind} (caps: {kind} 0), which nobody can change any more: no new code was drawn"
        with pytest.raises(Refused) as refused:
            new_draft(change, record, credential_at(record, 0), "lost")
        assert said in str(refused.value)
        assert said in call(command, ADDRESS, "draft", *words, "--reason", "lost", "--voter", "voter 5", code=1)
        assert not (here / "draft").exists()


def test_a_draft_is_refused_at_every_registrar_once_the_cap_is_reached(registered: Election) -> None:
    record = registered.record()
    draft = new_draft(REPLACEMENT, record, credential_at(record, 0), "lost")
    record.roll.replacements = record.manifest.caps.replacements
    with pytest.raises(Refused, match="allows 2 replacements, and as many were made: no new code was drawn"):
        draft_from_bytes(draft_to_bytes(draft), record)


def test_a_voter_is_found_by_a_part_of_her_name_and_named_in_the_draft(
    run: Run,
) -> None:
    call, _, here = run
    words = _roll_of(call, here)
    said = call("revoke", ADDRESS, "draft", *words, "--reason", "moved", "--voter", "voter", code=1)
    assert "can mean 7 voters" in said
    said = call("revoke", ADDRESS, "draft", *words, "--reason", "moved", "--voter", "5")
    assert "a roll-revocation of voter 5" in said


def _roll_of(call: Callable[..., str], here: Path) -> list[str]:
    """Both registrars' roll on the board; the words that a draft of the first one needs."""
    (here / "order.csv").write_bytes(voters_csv(VOTERS))
    own = []
    for number in (1, 2):
        call("codes", "order.csv", "-r", str(number), *MANIFEST, "-o", f"codes{number}", "-l", f"list{number}")
        own.append(["-p", "policy", "-k", f"key{number}", "-c", f"codes{number}"])
    for command in ("commit", "roll"):
        for words in own:
            call(command, ADDRESS, *words)
    return ["-p", "policy", "-c", "codes1"]
