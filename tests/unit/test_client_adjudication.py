"""A file of evidence proves what was signed twice, names exactly those who signed it, and nothing else (docs/spec
11)."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from retally_client.adjudication.evidence_file import EVIDENCE_LIMIT, parse_evidence
from retally_client.adjudication.judgement import NOTHING, Judgement, judge
from retally_client.cli import app
from retally_crypto.checkpoints import add_cosignatures
from retally_crypto.errors import Malformed
from retally_crypto.notes import COSIGNATURE_V1, MAX_ENTRY_BYTES, parse_note
from retally_crypto.policy_text import format_policy
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.sign import SigningKey, cosign, sign_note
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_lab.boards.election import Election
from retally_lab.boards.evidence import Case, History, evidence, histories, written
from retally_lab.boards.files import CLOSES, sign, signing_key

BOARD = "proves the board's operator at fault"
PROVES, NOT_PROVEN, COULD_NOT_RUN = 0, 1, 3


@pytest.fixture(scope="module")
def election() -> Election:
    """An election with three witnesses of whom two are a quorum, and nothing on its board but the manifest."""
    return Election.create(witness_count=(2, 3))


@pytest.fixture(scope="module")
def first(election: Election) -> History:
    return histories(election)[0]


@pytest.fixture(scope="module")
def second(election: Election) -> History:
    return histories(election)[1]


def judged(members: Case) -> Judgement:
    return judge(parse_evidence(written(members)))


def sent(history: History, index: int, size: int, **others: Any) -> Case:
    """A receipt of `history` with the entry it is for."""
    return {"receipt": history.receipt(index, size, **others), "entry": history.entries[index]}


# ---- what proves a fault: the rows of 11.4 ----


def test_two_roots_at_one_size_prove_the_operator_at_fault(election: Election, first: History, second: History) -> None:
    found = judged(evidence(election, checkpoints=[first.checkpoint(30), second.checkpoint(30)]))
    assert (found.verdict, found.witnesses_at_fault) == (BOARD, ())
    assert [(one.first.about, one.first.place) for one in found.contradictions] == [("root", 30)]


def test_a_receipt_and_a_board_that_grew_from_another_history_prove_it(
    election: Election, first: History, second: History
) -> None:
    members = evidence(
        election,
        checkpoints=[second.checkpoint(40)],
        receipts=[{"receipt": first.receipt(20, 25), "entry": None}],
        prefixes=[second.prefix(0, 25, 40)],
    )
    assert judged(members).verdict == BOARD
    assert judged(members | {"prefixes": []}).verdict == NOTHING
    assert judged(members | {"receipts": []}).verdict == NOTHING


def test_another_entry_at_the_place_of_a_receipt_proves_it(election: Election, first: History, second: History) -> None:
    for size in (25, 40):
        members = evidence(
            election,
            checkpoints=[second.checkpoint(size)],
            receipts=[sent(first, 20, 30)],
            inclusions=[second.inclusion(0, 20, size)],
        )
        found = judged(members)
        assert found.verdict == BOARD
        assert [(one.first.about, one.first.place) for one in found.contradictions] == [("leaf", 20)]
        assert judged(members | {"inclusions": []}).verdict == NOTHING
        assert judged(members | {"receipts": [{"receipt": first.receipt(20, 30), "entry": None}]}).verdict == NOTHING


def test_two_receipts_for_one_place_prove_it_by_themselves(election: Election, first: History, second: History) -> None:
    assert judged(evidence(election, receipts=[sent(first, 20, 21), sent(second, 20, 30)])).verdict == BOARD


def test_prefixes_of_two_checkpoints_prove_it_at_a_size_that_nobody_signed(
    election: Election, first: History, second: History
) -> None:
    members = evidence(
        election,
        checkpoints=[first.checkpoint(30), second.checkpoint(40)],
        prefixes=[first.prefix(0, 20, 30), second.prefix(1, 20, 40)],
    )
    assert judged(members).verdict == BOARD


def test_a_witness_is_at_fault_only_with_its_signature_on_both(
    election: Election, first: History, second: History
) -> None:
    one, two, three = election.witnesses
    for on_first, on_second, guilty in (
        ((one, two), (two, three), ("witness-2",)),
        ((one, two, three), (one, two, three), ("witness-1", "witness-2", "witness-3")),
        ((three, one), (one, three), ("witness-1", "witness-3")),
        ((one,), (two,), ()),
        ((one, two, three), (), ()),
    ):
        found = judged(
            evidence(election, checkpoints=[first.checkpoint(30, on_first), second.checkpoint(30, on_second)])
        )
        assert found.board_at_fault
        assert found.witnesses_at_fault == guilty
        if guilty:
            assert found.verdict == f"proves the board's operator and the witnesses {', '.join(guilty)} at fault"


def test_witnesses_of_checkpoints_that_do_not_contradict_are_not_accused(
    election: Election, first: History, second: History
) -> None:
    one, two, three = election.witnesses
    checkpoints = [first.checkpoint(30, (one,)), second.checkpoint(30, (two,)), first.checkpoint(35, (two, three))]
    found = judged(evidence(election, checkpoints=checkpoints))
    assert (found.board_at_fault, found.witnesses_at_fault) == (True, ())


# ---- what proves nothing ----


def test_checkpoints_of_one_history_prove_nothing(election: Election, first: History) -> None:
    members = evidence(
        election,
        checkpoints=[first.checkpoint(size, election.witnesses) for size in (0, 1, 25, 40)],
        receipts=[sent(first, 20, 25), sent(first, 39, 40)],
        prefixes=[first.prefix(3, 25, 40), first.prefix(3, 7, 40), first.prefix(2, 24, 25)],
        inclusions=[first.inclusion(3, 20, 40), first.inclusion(2, 0, 25)],
    )
    found = judged(members)
    assert (found.verdict, found.contradictions, found.witnesses_at_fault) == (NOTHING, (), ())
    assert not [line for line in found.findings if "nothing" in line]
    assert len(found.findings) == 6 + 3 + 2 + 2


def test_an_older_answer_of_the_board_proves_nothing(election: Election, first: History, second: History) -> None:
    old = evidence(election, checkpoints=[second.checkpoint(10)], receipts=[sent(first, 20, 25)])
    assert judged(old).verdict == NOTHING


def test_an_empty_file_proves_nothing(election: Election) -> None:
    assert judged(evidence(election)).verdict == NOTHING


def test_a_checkpoint_that_the_board_did_not_sign_proves_nothing(
    election: Election, first: History, second: History
) -> None:
    stranger = History(second.entries, signing_key("somebody"))
    namesake = History(second.entries, SigningKey.from_seed(election.board.verifier_key.name, bytes(32)))
    genuine = first.checkpoint(30)
    text, signatures = genuine.split(b"\n\n")
    forged = {
        "another key": stranger.checkpoint(30),
        "another key of that name": namesake.checkpoint(30),
        "no signature": text + b"\n\n",
        "the signature of another text": second.checkpoint(30).split(b"\n\n")[0] + b"\n\n" + signatures,
        "another origin": sign_as(election, b"board.example/2031\n30\n" + text.split(b"\n")[2] + b"\n"),
        "an extension line": sign_as(election, second.checkpoint(30).split(b"\n\n")[0] + b"\nmore\n"),
        "no note": b"30 entries",
        "nothing": b"",
    }
    for what, raw in forged.items():
        found = judged(evidence(election, checkpoints=[genuine, raw]))
        assert (found.verdict, what) == (NOTHING, what)
        assert found.findings[1].startswith("checkpoint 1: says nothing: ")


def sign_as(election: Election, text: bytes) -> bytes:
    """Any text under the board's own signature."""
    return sign_note(text, [election.board])


def test_a_witness_whose_signature_is_wrong_is_not_accused_and_does_not_spoil_the_rest(
    election: Election, first: History, second: History
) -> None:
    one, two, _ = election.witnesses
    other = second.checkpoint(30, (one, two))
    for wrong in (
        misplaced(first, second, two),
        cosign(parse_note(first.checkpoint(30)).text, signing_key("witness-9", COSIGNATURE_V1), CLOSES),
    ):
        raw = add_cosignatures(first.checkpoint(30, (one,)), wrong)
        found = judged(evidence(election, checkpoints=[raw, other]))
        assert (found.board_at_fault, found.witnesses_at_fault) == (True, ("witness-1",))


def misplaced(first: History, second: History, witness: SigningKey) -> bytes:
    """A witness's line of the second history, to be put below a checkpoint of the first."""
    assert first.root(30) != second.root(30)
    return cosign(parse_note(second.checkpoint(30)).text, witness, CLOSES)


def test_a_proof_that_does_not_verify_states_nothing(election: Election, first: History, second: History) -> None:
    right = second.prefix(0, 25, 40)
    members = evidence(
        election,
        checkpoints=[second.checkpoint(40)],
        receipts=[sent(first, 20, 25)],
        prefixes=[right],
    )
    assert judged(members).verdict == BOARD
    for wrong in (
        right | {"root": first.root(26)},
        right | {"root": first.root(25), "size": 25},
        right | {"proof": right["proof"][1:]},
        right | {"proof": [*right["proof"], bytes(32)]},
        right | {"proof": right["proof"][::-1]},
        right | {"proof": []},
        right | {"size": 0},
        right | {"size": 24},
        right | {"size": 40},
        right | {"size": 41},
        right | {"size": 2**53 - 1},
        right | {"checkpoint": 1},
        right | {"checkpoint": 2},
        right | {"checkpoint": 2**53 - 1},
    ):
        found = judged(members | {"prefixes": [wrong]})
        assert (found.verdict, wrong) == (NOTHING, wrong)
        assert "prefix 0: states nothing" in "\n".join(found.findings)


def test_an_inclusion_that_does_not_verify_states_nothing(election: Election, first: History, second: History) -> None:
    right = second.inclusion(0, 20, 40)
    members = evidence(
        election, checkpoints=[second.checkpoint(40)], receipts=[sent(first, 20, 30)], inclusions=[right]
    )
    assert judged(members).verdict == BOARD
    for wrong in (
        right | {"leaf": bytes(32)},
        right | {"leaf": second.leaf(21)},
        right | {"index": 21},
        right | {"index": 40},
        right | {"index": 2**53 - 1},
        right | {"proof": right["proof"][:-1]},
        right | {"proof": []},
        right | {"checkpoint": 1},
        right | {"checkpoint": 16},
    ):
        found = judged(members | {"inclusions": [wrong]})
        assert (found.verdict, wrong) == (NOTHING, wrong)


def test_a_receipt_whose_path_does_not_fit_states_no_entry(election: Election, first: History, second: History) -> None:
    against = {"checkpoints": [second.checkpoint(40)], "inclusions": [second.inclusion(0, 20, 40)]}
    right = sent(first, 20, 30)
    proof = parse_tlog_proof(right["receipt"])
    assert judged(evidence(election, receipts=[right], **against)).verdict == BOARD
    forged = {
        "another entry": right | {"entry": b"never sent"},
        "no entry": right | {"entry": None},
        "an empty entry": right | {"entry": b""},
        "another index": right | {"receipt": format_tlog_proof(TlogProof(21, proof.hashes, proof.checkpoint))},
        "an index beyond": right | {"receipt": format_tlog_proof(TlogProof(30, proof.hashes, proof.checkpoint))},
        "a shorter path": right | {"receipt": format_tlog_proof(TlogProof(20, proof.hashes[1:], proof.checkpoint))},
        "extra data": right | {"receipt": format_tlog_proof(TlogProof(20, proof.hashes, proof.checkpoint, b"extra"))},
        "no receipt": right | {"receipt": b"I voted"},
        "without its checkpoint": right | {"receipt": right["receipt"].split(b"\n\n")[0]},
    }
    for what, receipt in forged.items():
        found = judged(evidence(election, receipts=[receipt], **against))
        assert (found.verdict, what) == (NOTHING, what)


def test_a_receipt_in_another_form_keeps_its_number(election: Election, first: History, second: History) -> None:
    members = evidence(
        election,
        receipts=[{"receipt": b"I voted", "entry": None}, sent(first, 20, 25), sent(second, 30, 40)],
        prefixes=[second.prefix(2, 25, 40)],
    )
    assert judged(members).verdict == BOARD
    assert judged(members | {"prefixes": [second.prefix(1, 25, 40)]}).verdict == NOTHING


def test_a_checkpoint_of_another_election_s_board_proves_nothing(
    election: Election, first: History, second: History
) -> None:
    other = Election.create(board=str(signing_key("board.example/2031").verifier_key), title="Another election")
    members = evidence(other, checkpoints=[first.checkpoint(30), second.checkpoint(30)])
    found = judged(members)
    assert (found.verdict, found.title) == (NOTHING, "Another election")


# ---- what is no file of evidence ----


def test_a_file_in_another_form_is_refused(election: Election, first: History, second: History) -> None:
    right = evidence(
        election,
        checkpoints=[second.checkpoint(40)],
        receipts=[sent(first, 20, 25)],
        prefixes=[second.prefix(0, 25, 40)],
        inclusions=[second.inclusion(0, 20, 40)],
    )
    text = written(right)
    assert judged(right).verdict == BOARD
    prefix, inclusion, receipt = right["prefixes"][0], right["inclusions"][0], right["receipts"][0]
    cases: dict[str, bytes] = {
        "empty": b"",
        "not JSON": b"evidence",
        "a list": b"[]",
        "a space": text.replace(b",", b", ", 1),
        "a final newline": text + b"\n",
        "cut off": text[:-1],
        "deep": b"[" * 100_000,
        "another kind": written(right | {"kind": "retally-opinion"}),
        "another version": written(right | {"version": "RETALLY-V02"}),
        "another member": written(right | {"note": ""}),
        "a member less": written({name: value for name, value in right.items() if name != "inclusions"}),
        "a short election id": written(right | {"election": bytes(31)}),
        "no election id": written(right | {"election": None}),
        "padded base64url": written(right | {"manifest": "AA=="}),
        "17 checkpoints": written(right | {"checkpoints": [b""] * 17}),
        "17 receipts": written(right | {"receipts": [receipt] * 17}),
        "65 prefixes": written(right | {"prefixes": [prefix] * 65}),
        "65 inclusions": written(right | {"inclusions": [inclusion] * 65}),
        "64 hashes": written(right | {"prefixes": [prefix | {"proof": [bytes(32)] * 64}]}),
        "a short hash": written(right | {"inclusions": [inclusion | {"proof": [bytes(31)]}]}),
        "a short root": written(right | {"prefixes": [prefix | {"root": bytes(33)}]}),
        "a short leaf": written(right | {"inclusions": [inclusion | {"leaf": b""}]}),
        "a negative size": written(right | {"prefixes": [prefix | {"size": -1}]}),
        "a fraction": written(right | {"prefixes": [prefix | {"size": 1.5}]}),
        "a truth value for a number": written(right | {"prefixes": [prefix | {"checkpoint": True}]}),
        "a text for a number": written(right | {"inclusions": [inclusion | {"index": "20"}]}),
        "a receipt without its entry's member": written(right | {"receipts": [{"receipt": receipt["receipt"]}]}),
        "a receipt that is a text": written(right | {"receipts": [receipt["receipt"]]}),
        "checkpoints that are an object": written(right | {"checkpoints": {}}),
    }
    assert [what for what, raw in cases.items() if not refused(raw)] == []


def refused(raw: bytes) -> bool:
    try:
        judge(parse_evidence(raw))
    except Malformed:
        return True
    return False


def test_a_file_may_be_longer_than_an_entry_but_not_longer_than_its_limit(election: Election, first: History) -> None:
    long = evidence(election, checkpoints=[first.checkpoint(30)], receipts=[{"receipt": b"x" * 800_000, "entry": None}])
    assert MAX_ENTRY_BYTES < len(written(long)) <= EVIDENCE_LIMIT
    assert judged(long).verdict == NOTHING
    longer = evidence(election, checkpoints=[b"x" * 800_000] * 4)
    assert len(written(longer)) > EVIDENCE_LIMIT
    with pytest.raises(Malformed, match="at most 4194304"):
        parse_evidence(written(longer))


def test_a_manifest_that_is_not_the_election_s_or_not_signed_is_refused(
    election: Election, first: History, second: History
) -> None:
    checkpoints = [first.checkpoint(30), second.checkpoint(30)]
    with pytest.raises(Malformed, match="their hashes differ"):
        judged(evidence(election, checkpoints=checkpoints) | {"election": bytes(32)})
    members = json.loads(election.entries[0].split(b"\n", 1)[0])
    for manifest in (
        sign(members, [signing_key("somebody")]),
        sign(members | {"closes": members["opens"]}, [election.authority]),
        sign({"kind": "opening"}, [election.authority]),
        election.entries[0].split(b"\n", 1)[0],
        b"",
    ):
        members = {"manifest": manifest, "election": sha256(manifest).digest()}
        with pytest.raises(Malformed):
            judged(evidence(election, checkpoints=checkpoints) | members)


# ---- the command ----


def adjudicate(path: Path, *words: str | Path) -> Result:
    done = CliRunner().invoke(app, ["adjudicate", str(path), *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def fork(election: Election, first: History, second: History, tmp_path: Path) -> Path:
    """A file with two roots at one size, both signed by witness 2."""
    path = tmp_path / "fork.json"
    witness = election.witnesses[1:2]
    checkpoints = [first.checkpoint(30, witness), second.checkpoint(30, witness)]
    path.write_bytes(written(evidence(election, checkpoints=checkpoints)))
    return path


def test_the_command_names_who_is_at_fault_and_ends_with_0(fork: Path, election: Election) -> None:
    done = adjudicate(fork)
    assert done.exit_code == PROVES
    assert done.stdout.strip().endswith("proves the board's operator and the witnesses witness-2 at fault")
    assert election.election_id.hex() in done.stdout
    assert "Compare the election id" in done.stderr


def test_the_command_ends_with_1_where_nothing_is_proved(election: Election, first: History, tmp_path: Path) -> None:
    path = tmp_path / "nothing.json"
    path.write_bytes(written(evidence(election, checkpoints=[first.checkpoint(25), first.checkpoint(30)])))
    done = adjudicate(path)
    assert (done.exit_code, done.stdout.strip().splitlines()[-1]) == (NOT_PROVEN, "proves nothing")
    assert re.search(r"checkpoint 1: 30 entries, root [0-9a-f]{64}, signed by board.example/2027", done.stdout)


def test_the_json_document_says_the_same(fork: Path, election: Election, first: History, second: History) -> None:
    done = adjudicate(fork, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, done.stderr.count("Traceback")) == (PROVES, 0)
    assert (found["board_at_fault"], found["witnesses_at_fault"]) == (True, ["witness-2"])
    assert (found["election"], found["board"]) == (election.election_id.hex(), "board.example/2027")
    assert found["contradictions"] == [
        {
            "about": "root",
            "place": 30,
            "checkpoints": [0, 1],
            "hashes": [first.root(30).hex(), second.root(30).hex()],
            "witnesses": ["witness-2"],
        }
    ]


def test_the_command_ends_with_3_for_what_is_no_evidence_or_about_another_election(
    fork: Path, election: Election, tmp_path: Path
) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.write_bytes(format_policy(election.policy()))
    other.write_bytes(format_policy(Election.create(title="Another election").policy()))
    assert adjudicate(fork, "--policy", own).exit_code == PROVES
    broken = tmp_path / "broken.json"
    broken.write_bytes(fork.read_bytes()[:-1])
    long = tmp_path / "long.json"
    long.write_bytes(b" " * (EVIDENCE_LIMIT + 1))
    for done in (
        adjudicate(fork, "--policy", other),
        adjudicate(broken),
        adjudicate(long),
        adjudicate(tmp_path / "absent.json"),
    ):
        assert (done.exit_code, done.stdout) == (COULD_NOT_RUN, "")
        assert len(done.stderr.splitlines()) == 1
