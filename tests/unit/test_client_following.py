"""`retally mirror --follow` and `retally gossip`: what a watching copy notices, and that its evidence convinces."""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_crypto.checkpoints import Checkpoint
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tiles import decode_bundle
from retally_lab.boards.election import Election, signing_key
from retally_lab.boards.files import OPENS, write_board
from retally_lab.boards.places import MemoryBoard, board_folder
from retally_verify import mirroring
from retally_verify.board import Unreachable
from retally_verify.following import Alert, Follower
from retally_verify.split_view import find_split, format_split, parse_split, verify_split, views_of

KEY = signing_key("board.example/2027")
POLICY = TrustPolicy(sha256(b"nothing").digest(), KEY.verifier_key, (), 0)


def entries(size: int, from_3_on: str = "entry") -> list[bytes]:
    return [f"{from_3_on if at > 2 else 'entry'} {at} ".encode() for at in range(size)]


def files(size: int, from_3_on: str = "entry") -> dict[str, bytes]:
    return write_board(entries(size, from_3_on), KEY)


class Watch:
    """A follower of a board that the test rewrites between two looks."""

    def __init__(self, folder: Path, shown: Mapping[str, bytes], policy: TrustPolicy = POLICY) -> None:
        self.board = MemoryBoard(shown)
        self.now = 1_000.0
        self.folder = folder
        self.follower = Follower(self.board, policy, folder, 60, lambda: self.now)

    def look(self, shown: Mapping[str, bytes] | None = None) -> list[Alert]:
        if shown is not None:
            self.board.files = dict(shown)
        self.now += 1
        return self.follower.step()

    def kinds(self, shown: Mapping[str, bytes] | None = None) -> list[str]:
        return [alert.kind for alert in self.look(shown)]


def test_a_board_that_only_grows_raises_no_alert_and_is_copied(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(1))
    for size in (1, 2, 255, 256, 257, 257, 512, 700):
        assert watch.look(files(size)) == []
        assert watch.follower.size == size
    here = {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert files(700).items() <= here.items()
    bundles = [name for name in here if name.startswith("tile/entries")]
    assert sorted(bundles) == ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"]


def test_full_bundles_are_neither_fetched_nor_hashed_again(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(600))
    assert watch.look() == []
    (tmp_path / "tile/entries/000").write_bytes(b"not read any more")
    watch.board.reads.clear()
    assert watch.look(files(800)) == []
    assert not {"tile/entries/000", "tile/entries/001"} & set(watch.board.reads)


@pytest.mark.parametrize("size", [5, 9, 300, 400])
def test_a_rewritten_board_is_a_fork_and_the_evidence_convinces_anybody(tmp_path: Path, size: int) -> None:
    watch = Watch(tmp_path, files(300))
    assert watch.look() == []
    (alert,) = watch.look(files(size, "another"))
    assert alert.kind == "fork"
    assert alert.evidence is not None
    first, second = verify_split(parse_split(alert.evidence.read_bytes()), KEY.verifier_key)
    assert (first.size, second.size) == tuple(sorted((size, 300)))
    assert (
        files(300).items()
        <= {str(p.relative_to(tmp_path)): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}.items()
    )


def test_a_follower_that_was_started_again_still_notices_the_fork(tmp_path: Path) -> None:
    assert Watch(tmp_path, files(300)).look() == []
    assert Watch(tmp_path, files(400, "another")).kinds() == ["fork"]


def test_less_than_before_is_a_rollback_when_it_is_shown_twice(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(300))
    assert watch.look() == []
    assert watch.kinds(files(200)) == []
    assert watch.kinds(files(300)) == []
    assert watch.kinds(files(200)) == []
    (alert,) = watch.look(files(200))
    assert alert.kind == "rollback"
    assert alert.evidence is not None
    assert (alert.evidence / "checkpoint").read_bytes() == files(200)["checkpoint"]


def test_wrong_files_are_a_fault_when_shown_twice_and_spoil_nothing(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(300))
    assert watch.look() == []
    wrong = files(400) | {"tile/entries/001.p/144": files(400, "another")["tile/entries/001.p/144"]}
    assert watch.kinds(wrong) == []
    assert watch.kinds(wrong) == ["fault"]
    assert watch.kinds(files(400)) == []
    assert watch.follower.size == 400


def test_a_board_that_misbehaves_by_turns_is_not_spared(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(300))
    assert watch.look() == []
    wrong = files(400) | {"tile/entries/001.p/144": b""}
    assert [watch.kinds(shown) for shown in (wrong, files(200), {}, wrong)] == [[], ["rollback"], [], ["fault"]]


def of_another_board() -> bytes:
    key = SigningKey.from_seed("other.example/1", bytes(32))
    return sign_checkpoint(Checkpoint("other.example/1", 0, sha256().digest()), key)


@pytest.mark.parametrize("checkpoint", [b"", b"rubbish", b"a" * 1_000_001, of_another_board()])
def test_a_checkpoint_that_is_none_is_a_fault(tmp_path: Path, checkpoint: bytes) -> None:
    watch = Watch(tmp_path, files(300))
    assert watch.look() == []
    assert watch.kinds({"checkpoint": checkpoint}) == []
    assert watch.kinds() == ["fault"]


def test_silence_is_a_stall_once_it_is_too_long_and_is_told_once(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(3))
    assert watch.look() == []
    assert watch.kinds({}) == []
    watch.now += 100
    assert watch.kinds() == ["stall"]
    assert watch.kinds() == []
    assert watch.kinds(files(4)) == []
    watch.now += 100
    assert watch.kinds({}) == ["stall"]


def test_a_board_that_does_not_answer_stalls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(tmp_path, files(3))

    def silent(_path: str, _limit: int) -> bytes:
        raise Unreachable("no answer")

    monkeypatch.setattr(watch.board, "read", silent)
    assert watch.kinds() == []
    watch.now += 100
    assert watch.kinds() == ["stall"]


def test_a_quiet_board_is_no_stall(tmp_path: Path) -> None:
    watch = Watch(tmp_path, files(3))
    for _ in range(3):
        assert watch.look() == []
        watch.now += 1_000


def test_entries_without_the_quorum_stall(tmp_path: Path, witnessed: Election) -> None:
    watch = Watch(tmp_path, witnessed.files(), witnessed.policy())
    assert watch.look() == []
    more = write_board([*witnessed.entries, b"more"], witnessed.board, witnessed.witnesses)
    unwitnessed = write_board([*witnessed.entries, b"more"], witnessed.board)
    tiles = {path: content for path, content in more.items() if path.startswith("tile/")}
    pending = {**witnessed.files(), **tiles, "checkpoint.pending": unwitnessed["checkpoint"]}
    assert watch.kinds(pending) == []
    watch.now += 100
    assert watch.kinds() == ["stall"]
    assert watch.kinds({**pending, "checkpoint": unwitnessed["checkpoint"]}) == []
    assert watch.kinds() == ["fault"]


def test_the_tally_after_the_closing_is_expected_and_anything_else_is_growth(
    tmp_path: Path, witnessed: Election
) -> None:
    election = witnessed.copy()
    closed = election.before("partial-decryption")
    watch = Watch(tmp_path, closed.files(), election.policy())
    assert watch.look() == []
    assert watch.look(election.files()) == []
    late = election.copy()
    late.entries.append(election.entries[election.index_of("ballot")])
    (alert,) = watch.look(late.files())
    assert (alert.kind, str(len(election.entries)) in alert.text) == ("growth", True)


def test_what_is_met_is_looked_at_bundle_by_bundle_and_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first look at 200 bundles no more than two of them are in memory."""
    met: list[weakref.ref[Bundled]] = []
    alive: list[int] = []

    class Bundled(list[bytes]):
        """The entries of a bundle; a tuple cannot be watched."""

    honest = decode_bundle

    def watched(raw: bytes, width: int) -> Bundled:
        bundled = Bundled(honest(raw, width))
        met.append(weakref.ref(bundled))
        alive.append(sum(one() is not None for one in met))
        return bundled

    monkeypatch.setattr(mirroring, "decode_bundle", watched)
    assert Watch(tmp_path, files(200 * 256)).look() == []
    assert len(met) >= 200
    assert max(alive) <= 2


def test_late_entries_are_counted_and_the_first_are_named(tmp_path: Path, witnessed: Election) -> None:
    election = witnessed.copy()
    watch = Watch(tmp_path, election.files(), election.policy())
    assert watch.look() == []
    first = len(election.entries)
    election.entries += [election.entries[election.index_of("ballot")]] * 1000
    (alert,) = watch.look(election.files())
    assert alert.text == (
        "1000 entries after the closing do not belong to the tally: " + ", ".join(map(str, range(first, first + 8)))
    )
    assert watch.look(election.files()) == []
    assert sys.getsizeof(watch.follower._entries.named) < 200


def test_entries_of_a_board_that_is_wrong_leave_no_trace(tmp_path: Path, witnessed: Election) -> None:
    election = witnessed.copy()
    watch = Watch(tmp_path, election.files(), election.policy())
    assert watch.look() == []
    late = election.copy()
    late.entries.append(election.entries[election.index_of("ballot")])
    tile = next(path for path in late.files() if path.startswith("tile/0/"))
    assert watch.kinds(late.files() | {tile: b""}) == []
    assert watch.kinds(late.files()) == ["growth"]


def test_another_time_of_opening_is_a_fault_with_evidence_and_spoils_nothing(
    tmp_path: Path, witnessed: Election
) -> None:
    watch = Watch(tmp_path, witnessed.files(), witnessed.policy())
    assert watch.look() == []
    for wrong in (witnessed.files()["checkpoint"], b"none\n"):
        assert watch.kinds(witnessed.files() | {"checkpoint.opening": wrong}) == []
        (alert,) = watch.look()
        assert alert.kind == "fault"
        assert alert.evidence is not None
        assert (alert.evidence / "checkpoint.opening").read_bytes() == wrong
        assert (tmp_path / "checkpoint.opening").read_bytes() == witnessed.files()["checkpoint.opening"]
        assert watch.look(witnessed.files()) == []


def test_a_time_of_opening_of_another_history_is_a_fork(tmp_path: Path, witnessed: Election) -> None:
    watch = Watch(tmp_path, witnessed.files(), witnessed.policy())
    assert watch.look() == []
    other = witnessed.copy()
    other.entries[3] = b"{}"
    (alert,) = watch.look(witnessed.files() | {"checkpoint.opening": other.files()["checkpoint.opening"]})
    assert alert.kind == "fork"
    assert alert.evidence is not None
    verify_split(parse_split(alert.evidence.read_bytes()), witnessed.policy().board)


def test_a_wrong_time_of_opening_does_not_keep_the_copy_from_growing(tmp_path: Path, witnessed: Election) -> None:
    before = witnessed.before("closing").files()
    watch = Watch(tmp_path, before, witnessed.policy())
    assert watch.look() == []
    assert watch.kinds(witnessed.files() | {"checkpoint.opening": b"none\n"}) == []
    assert watch.follower.size == len(witnessed.entries)
    assert watch.kinds() == ["fault"]


def test_a_follower_that_was_away_over_the_opening_goes_on(tmp_path: Path, witnessed: Election) -> None:
    """The board has no tiles of the opening's size any more."""
    assert Watch(tmp_path, witnessed.before("opening").files(), witnessed.policy()).look() == []
    watch = Watch(tmp_path, witnessed.files(), witnessed.policy())
    assert watch.look() == []
    assert watch.follower.size == len(witnessed.entries)


def test_what_is_new_in_the_mirror_is_said(tmp_path: Path, witnessed: Election) -> None:
    later = {path: content for path, content in witnessed.files().items() if path != "checkpoint.opening"}
    watch = Watch(tmp_path, later, witnessed.policy())
    changed = []
    for shown in (later, later, witnessed.files(), witnessed.files()):
        assert watch.look(shown) == []
        changed.append(watch.follower.changed)
    assert changed == [True, False, True, False]


def test_a_closing_that_the_authority_did_not_sign_closes_nothing(tmp_path: Path, witnessed: Election) -> None:
    election = witnessed.before("closing")
    false = election.official("closing", [signing_key("stranger")], ballots=2)
    election.entries += [false, *election.entries[-1:]]
    watch = Watch(tmp_path, election.files(), election.policy())
    assert watch.look() == []


# ---- gossip ----


def written(folder: Path, shown: Mapping[str, bytes]) -> str:
    return str(board_folder(folder, shown))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def policy_file(tmp_path: Path) -> str:
    path = tmp_path / "policy.txt"
    path.write_bytes(format_policy(POLICY))
    return str(path)


@pytest.mark.parametrize(("one", "other"), [(3, 3), (3, 300), (300, 3), (256, 257), (1, 70_000)])
def test_two_copies_of_one_history_agree(tmp_path: Path, policy_file: str, one: int, other: int) -> None:
    places = [written(tmp_path / "a", files(one)), written(tmp_path / "b", files(other))]
    code, said = run("gossip", *places, "-p", policy_file, "-o", str(tmp_path / "e.json"))
    assert code == 0, said
    assert not (tmp_path / "e.json").exists()


@pytest.mark.parametrize(("one", "other"), [(5, 5), (5, 300), (300, 5), (300, 300), (256, 1000)])
def test_two_histories_are_a_split_view_that_anybody_can_check(
    tmp_path: Path, policy_file: str, one: int, other: int
) -> None:
    places = [written(tmp_path / "a", files(one)), written(tmp_path / "b", files(other, "another"))]
    evidence = str(tmp_path / "e.json")
    code, said = run("gossip", *places, "-p", policy_file, "-o", evidence)
    assert code == 1, said
    assert "SPLIT VIEW" in said
    code, said = run("evidence", evidence, "-p", policy_file)
    assert (code, "proved" in said) == (0, True)
    again, _ = run("gossip", *places, "-p", policy_file, "-o", evidence)
    assert again == 3


def test_a_lone_checkpoint_can_be_compared_with_a_whole_copy_that_is_newer(tmp_path: Path, policy_file: str) -> None:
    lone = written(tmp_path / "witness", {"checkpoint": files(200)["checkpoint"]})
    newer, older = written(tmp_path / "newer", files(300)), written(tmp_path / "older", files(100))
    output = ["-p", policy_file, "-o", str(tmp_path / "e.json")]
    assert run("gossip", lone, newer, *output)[0] == 0
    assert run("gossip", lone, older, *output)[0] == 2
    forked = written(tmp_path / "forked", files(300, "another"))
    assert run("gossip", lone, forked, *output)[0] == 1


def test_a_pending_checkpoint_must_be_of_the_same_history(tmp_path: Path, policy_file: str) -> None:
    pending = files(300) | {"checkpoint.pending": files(300, "another")["checkpoint"]}
    places = [written(tmp_path / "a", files(300)), written(tmp_path / "b", pending)]
    assert run("gossip", *places, "-p", policy_file, "-o", str(tmp_path / "e.json"))[0] == 1


def test_evidence_against_an_honest_board_cannot_be_made() -> None:
    honest, forked = MemoryBoard(files(300)), MemoryBoard(files(400, "another"))
    split = find_split(next(views_of(honest, KEY.verifier_key)), next(views_of(forked, KEY.verifier_key)))
    assert split is not None
    verify_split(split, KEY.verifier_key)
    grown = files(400)["checkpoint"]
    members = json.loads(format_split(split))
    alterations: tuple[dict[str, object], ...] = (
        {"second": members["first"]},
        {"second": grown.decode()},
        {"first": members["second"], "second": members["first"]},
        {"root": "A" * 43},
        {"proof": members["proof"][:-1]},
        {"proof": []},
    )
    for changed in alterations:
        with pytest.raises(BadProof):
            verify_split(parse_split(json.dumps({**members, **changed}).encode()), KEY.verifier_key)
    stranger = signing_key("other.example/2027")
    with pytest.raises((BadSignature, Refused)):
        verify_split(split, stranger.verifier_key)
    forms: tuple[object, ...] = ([], {}, {**members, "kind": "x"}, {**members, "proof": [1]})
    for members_of_another_form in forms:
        with pytest.raises(Malformed):
            parse_split(json.dumps(members_of_another_form).encode())
    with pytest.raises(Malformed):
        parse_split(b"{")


# ---- the command ----


def test_the_command_ends_with_one_after_a_fork_and_runs_the_program(tmp_path: Path, policy_file: str) -> None:
    source, copy = tmp_path / "board", tmp_path / "copy"
    written(source, files(300))
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\nprintf "%s|%s|%s" "$1" "$2" "$3" > {told}\n')
    program.chmod(0o755)
    assert run("mirror", str(source), str(copy), "-p", policy_file)[0] == 0
    written(source, files(400, "another"))
    follow = ["mirror", str(source), str(copy), "-p", policy_file, "--follow", "--every", "0.1"]
    code, said = run(*follow, "--on-alert", str(program))
    assert code == 1, said
    kind, text, evidence = told.read_text().split("|")
    assert (kind, "contradicts" in text) == ("fork", True)
    verify_split(parse_split(Path(evidence).read_bytes()), KEY.verifier_key)


def test_the_command_ends_with_two_after_a_stall(tmp_path: Path, policy_file: str) -> None:
    source = tmp_path / "board"
    source.mkdir()
    follow = ["mirror", str(source), str(tmp_path / "copy"), "-p", policy_file, "--follow", "--every", "0.2"]
    code, said = run(*follow, "--stall", "1")
    assert (code, "stall" in said) == (2, True)


def test_the_command_says_that_a_time_of_opening_is_not_the_mirrors(tmp_path: Path, witnessed: Election) -> None:
    policy = tmp_path / "witnessed-policy"
    policy.write_bytes(format_policy(witnessed.policy()))
    source, copy = tmp_path / "board", tmp_path / "copy"
    written(source, witnessed.files())
    command = ["mirror", str(source), str(copy), "-p", str(policy)]
    assert run(*command)[0] == 0
    (source / "checkpoint.opening").write_bytes(witnessed.files()["checkpoint"])
    code, said = run(*command)
    assert (code, "fault: checkpoint.opening" in said) == (1, True)
    code, said = run(*command, "--json")
    assert (code, len(json.loads(said)["faults"])) == (1, 1)
    assert (copy / "checkpoint.opening").read_bytes() == witnessed.files()["checkpoint.opening"]


def test_every_check_runs_when_a_time_of_opening_arrives_late(
    tmp_path: Path, witnessed: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "witnessed-policy"
    policy.write_bytes(format_policy(witnessed.policy()))
    source = tmp_path / "board"
    late = write_board(witnessed.entries, witnessed.board, witnessed.witnesses, opening_time=OPENS + 86_400)
    written(source, {path: content for path, content in late.items() if path != "checkpoint.opening"})

    looks = iter(range(3))

    def sleep(_seconds: float) -> None:
        assert next(looks) < 2, "it would go on for ever"
        (source / "checkpoint.opening").write_bytes(late["checkpoint.opening"])

    monkeypatch.setattr("retally_verify.watch_commands.time.sleep", sleep)
    code, said = run("mirror", str(source), str(tmp_path / "copy"), "-p", str(policy), "--follow", "--verify")
    assert (code, "check: V04 fails" in said) == (1, True)


def test_the_command_does_not_take_verify_alone(tmp_path: Path, policy_file: str) -> None:
    code, said = run("mirror", written(tmp_path / "a", files(3)), str(tmp_path / "copy"), "-p", policy_file, "--verify")
    assert (code, "--follow" in said) == (3, True)
    assert not (tmp_path / "copy").exists()
