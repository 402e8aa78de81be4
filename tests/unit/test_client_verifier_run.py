"""One pass over a board: what an adversary writes into the files fails its check and never ends the verifier."""

from __future__ import annotations

import io
import json
from hashlib import sha256

import pytest
from rich.console import Console

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.engine import engine
from retally_crypto.policy_text import format_policy
from retally_crypto.rules.findings import TITLES, CheckResult
from retally_crypto.secret.sign import sign_checkpoint
from retally_lab.boards.election import ORIGIN, Election, signing_key, write_board
from retally_lab.boards.places import MemoryBoard
from retally_verify.board import Unreachable
from retally_verify.progress import Progress
from retally_verify.report import Report
from retally_verify.report_document import report_json
from retally_verify.report_text import checks_table, print_report
from retally_verify.run import verify_board
from tests.wide_board import short_ranges, wide_election


def verified(election: Election, files: dict[str, bytes] | None = None) -> Report:
    return verify_board(MemoryBoard(election.files() if files is None else files), election.policy())


def printed(report: Report) -> str:
    sink = io.StringIO()
    print_report(report, Console(file=sink, width=200))
    return sink.getvalue()


@pytest.fixture(scope="module")
def long_board(honest_election: Election) -> Election:
    """The honest election before the closing, followed by so many unreadable entries that it has several bundles."""
    election = honest_election.before("closing")
    election.entries += [b"junk %d" % at for at in range(600)]
    return election


def test_an_honest_board_passes_every_check_in_order(honest_election: Election) -> None:
    report = verified(honest_election)
    assert [check.number for check in report.checks] == list(TITLES)
    assert {check.state for check in report.checks[:-1]} == {"pass"}
    assert (report.state_of("V21"), report.verdict, report.exit_code) == ("not applicable", "PASS", 0)
    assert report.verdict_line == "PASS · no witness"
    assert report.notes_of("V01") == ("no witness: split views cannot be excluded",)


class Told(Progress):
    """What a verifier says of its progress, stage by stage."""

    def __init__(self) -> None:
        self.stages, self.totals, self.done = [""], [0], [0]

    def begin(self, total: int) -> None:
        self.totals[-1] = total

    def advance(self, by: int) -> None:
        self.done[-1] += by

    def stage(self, title: str, total: int | None = None) -> None:
        self.stages.append(title)
        self.totals.append(total or 0)
        self.done.append(0)


def test_a_board_of_several_bundles_is_read_in_order(long_board: Election) -> None:
    told = Told()
    board = MemoryBoard(long_board.files())
    report = verify_board(board, long_board.policy(), tell=told)
    size = len(long_board.entries)
    assert told.totals[0] == told.done[0] == size
    assert report.failed == ("V09",)
    assert len(report.notes_of("V09")) == 600
    assert report.notes_of("V09")[-1].startswith(f"entry {size - 1}: ")


def test_every_stage_of_a_closed_board_is_told(honest_election: Election) -> None:
    told = Told()
    report = verify_board(MemoryBoard(honest_election.files()), honest_election.policy(), tell=told)
    assert report.outcome is not None
    assert told.stages == ["", "settling ballots", "taking out superseded ballots"]
    assert told.totals == told.done == [len(honest_election.entries), 0, report.outcome.reconciliation.superseded]


def test_a_board_that_grew_while_it_was_read_is_read_as_of_its_checkpoint(honest_election: Election) -> None:
    size = len(honest_election.entries)
    grown = honest_election.copy()
    grown.entries += [b"later %d" % at for at in range(256)]
    files = grown.files()
    only_full = {path: content for path, content in files.items() if ".p/" not in path}
    report = verified(honest_election, only_full | {"checkpoint": honest_election.files()["checkpoint"]})
    assert (report.verdict, report.head is not None and report.head.size) == ("PASS", size)


def test_before_the_closing_the_verdict_is_incomplete(honest_election: Election) -> None:
    report = verified(honest_election.before("closing"))
    assert (report.verdict, report.exit_code, report.outcome) == ("INCOMPLETE", 2, None)
    assert report.verdict_line == "INCOMPLETE · no witness"


def test_without_enough_guardians_units_are_shown_without_counts(honest_election: Election) -> None:
    report = verified(honest_election.before("partial-decryption"))
    assert report.verdict == "INCOMPLETE"
    outcome = report_json(report)["outcome"]
    assert [(unit["districts"], unit["counted"], unit["contests"]) for unit in outcome["units"]] == [
        (["north"], 2, []),
        (["south"], 3, []),
    ]
    assert "INCOMPLETE" in printed(report)


def bundle_of(election: Election) -> str:
    return f"tile/entries/000.p/{len(election.entries)}"


@pytest.mark.parametrize("prefix", ["tile/entries", "tile/0"])
def test_a_missing_file_makes_v02_incomplete_and_what_follows(honest_election: Election, prefix: str) -> None:
    files = {path: raw for path, raw in honest_election.files().items() if not path.startswith(prefix)}
    report = verified(honest_election, files)
    assert (report.verdict, report.failed, report.manifest) == ("INCOMPLETE", (), None)
    assert prefix in report.notes_of("V02")[0]


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xff", b"\0\0" * 10, bytes(70_000)])
def test_a_bundle_that_is_none_fails_v02_alone(honest_election: Election, content: bytes) -> None:
    report = verified(honest_election, {**honest_election.files(), bundle_of(honest_election): content})
    assert (report.failed, report.manifest) == (("V02",), None)


def test_an_entry_and_its_tile_that_differ_are_named(honest_election: Election) -> None:
    other = honest_election.copy()
    other.entries[5] = b"another"
    path = bundle_of(other)
    report = verified(honest_election, {**honest_election.files(), path: other.files()[path]})
    assert report.failed == ("V02",)
    assert report.notes_of("V02") == ("entry 5 does not hash to its place in the level-0 tile",)


def test_consistent_files_under_another_root_fail_v02(honest_election: Election) -> None:
    other = honest_election.copy()
    other.entries[5] = b"another"
    report = verified(honest_election, {**other.files(), "checkpoint": honest_election.files()["checkpoint"]})
    assert report.failed == ("V02",)
    assert "the checkpoint says" in report.notes_of("V02")[0]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"a\n1\nb\n\n", b"x" * 60_000])
def test_a_checkpoint_that_is_none_fails_v01_alone(honest_election: Election, content: bytes) -> None:
    report = verified(honest_election, {**honest_election.files(), "checkpoint": content})
    assert (report.failed, report.head, report.verdict) == (("V01",), None, "FAIL")
    assert "FAIL" in printed(report)
    assert report_json(report)["size"] is None


def test_a_checkpoint_signed_by_another_key_of_the_same_name_fails_v01(honest_election: Election) -> None:
    impostor = signing_key("impostor")
    named = type(impostor).from_seed(honest_election.board.verifier_key.name, bytes(32))
    report = verified(honest_election, write_board(honest_election.entries, named))
    assert report.failed == ("V01",)


def test_a_board_without_an_entry_fails_v03(honest_election: Election) -> None:
    report = verified(honest_election, write_board([], honest_election.board))
    assert (report.failed, report.notes_of("V03")) == (("V03",), ("the board has no entry",))


def test_a_first_entry_that_is_no_manifest_fails_v03(honest_election: Election) -> None:
    report = verified(honest_election, write_board([b"no manifest", b"entry"], honest_election.board))
    assert report.failed == ("V03",)
    assert {report.state_of(f"V{number:02}") for number in range(4, 21)} == {"incomplete"}


def test_a_checkpoint_of_an_absurd_size_is_incomplete_at_once(honest_election: Election) -> None:
    key = honest_election.board
    signed = sign_checkpoint(Checkpoint(key.verifier_key.name, 2**62, bytes(32)), key)
    report = verified(honest_election, {"checkpoint": signed})
    assert (report.verdict, report.state_of("V02")) == ("INCOMPLETE", "incomplete")


def test_an_absurd_size_of_an_open_board_is_incomplete_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is claimed to follow the opening costs nothing before a file of it is there."""
    short_ranges(monkeypatch)
    election = wide_election(640)
    election.entries = election.entries[:512]
    files = {**election.files(), "checkpoint": sign_checkpoint(Checkpoint(ORIGIN, 1 << 62, bytes(32)), election.board)}
    report = verified(election, files)
    assert (report.verdict, report.state_of("V02")) == ("INCOMPLETE", "incomplete")


def test_an_empty_first_entry_is_no_manifest(honest_election: Election) -> None:
    files = write_board([b"", *honest_election.entries], honest_election.board, honest_election.witnesses)
    assert verified(honest_election, files).failed == ("V03",)


def test_no_checkpoint_at_all_is_no_board(honest_election: Election) -> None:
    with pytest.raises(Unreachable, match="no board"):
        verified(honest_election, {})


# ---- what people and programs are shown ----


def test_the_json_report_has_this_shape(honest_election: Election) -> None:
    report = json.loads(json.dumps(report_json(verified(honest_election))))
    assert set(report) == {
        "verdict", "witnesses", "board", "election", "policy", "size", "root", "title", "notice", "checks", "findings",
        "outcome", "kept", "program",
    }  # fmt: skip
    assert (report["verdict"], report["witnesses"], report["board"]) == ("PASS", 0, "board.example/2027")
    assert report["policy"] == sha256(format_policy(honest_election.policy())).hexdigest()
    assert (report["findings"], report["kept"]) == ([], {"entries": 0, "since": None})
    assert report["program"]["version"].startswith("retally-verify ")
    assert report["program"]["engine"].startswith(engine.NAME)
    assert report["election"] == honest_election.election_id.hex()
    assert report["root"] == honest_election.record().root.hex()
    assert report["checks"][1] == {"check": "V02", "title": TITLES["V02"], "state": "pass", "notes": []}
    assert report["outcome"]["units"][1] == {
        "districts": ["south"],
        "state": "reported",
        "counted": 3,
        "contests": [{"contest": "mayor", "counts": [1, 0, 2]}],
    }
    paper = {"district": "north", "contest": "mayor", "votes": [10, 20, 30], "invalid": 0, "late": False}
    assert report["outcome"]["paper"] == [paper]
    assert report["outcome"]["reconciliation"]["superseded"] == 1


def test_people_see_checks_counts_paper_beside_them_and_the_verdict_last(honest_election: Election) -> None:
    text = printed(verified(honest_election))
    for number, title in TITLES.items():
        assert any(line.startswith(number) and title in line for line in text.splitlines())
    rows = [line.split() for line in text.splitlines()]
    assert ["Option", "2", "1", "20", "21"] in rows
    assert "paper, not verified" in text
    assert text.strip().endswith("PASS · no witness")


def test_a_failed_ballot_is_named_and_the_counts_are_shown_all_the_same(honest_election: Election) -> None:
    election = honest_election.before("closing")
    forged = election.cast("north-3", [[0, 0, 1], [0, 0]])
    election.edit(forged, proof=bytes(len(election.entries[forged])))
    election.close()
    election.decrypt(1, 2)
    election.result()
    report = verified(election)
    assert report.verdict == "FAIL"
    text = printed(report)
    assert f"entry {forged}: " in text
    assert "north" in text
    assert "FAIL · no witness" in text


def test_what_a_board_says_cannot_steer_the_terminal() -> None:
    sink = io.StringIO()
    note = "entry 1: \x1b[2J[red]PASS[/red]\u202e\x07"
    Console(file=sink, width=200).print(checks_table([CheckResult("V09", "title", "fail", (note,))]))
    assert "entry 1: \ufffd[2J[red]PASS[/red]\ufffd\ufffd" in sink.getvalue()
