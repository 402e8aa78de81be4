"""Boards with which an operator tries to make the two verifiers part: both give every check the same state."""

from collections.abc import Mapping

import pytest

from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.encoding import b64_encode
from retally_crypto.errors import Malformed
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import NoteSignature, format_signature_lines
from retally_crypto.policy_text import format_policy, parse_policy
from retally_crypto.secret.sign import SigningKey
from retally_lab.boards.election import Election
from retally_lab.boards.files import OPENS, checkpoint, signing_key
from retally_lab.boards.places import MemoryBoard
from retally_reference.canonical import Refusal
from retally_reference.notes import parse_policy as reference_policy
from retally_reference.verify import verify_board as reference
from retally_verify.run import verify_board as native

STRANGER = signing_key("stranger").verifier_key


def states(election: Election, files: Mapping[str, bytes]) -> dict[str, str]:
    """The state of every check, on which both verifiers agree."""
    policy = format_policy(election.policy())
    ours: dict[str, str] = {
        check.number: check.state for check in native(MemoryBoard(files), parse_policy(policy)).checks
    }
    theirs = reference(files.get, policy).states
    assert ours == {check: theirs[check] for check in ours}
    return ours


def failing(election: Election, files: Mapping[str, bytes]) -> list[str]:
    return [check for check, state in states(election, files).items() if state == "fail"]


def strangers_line(length: int) -> bytes:
    """A signature line of nobody, `length` bytes of signature long."""
    return format_signature_lines([NoteSignature(STRANGER.name, STRANGER.key_id, bytes(length))])


def with_lines(checkpoint_file: bytes, lines: int, length: int) -> bytes:
    return checkpoint_file + strangers_line(length) * lines


@pytest.mark.parametrize("lines", [64, 65, 400])
def test_an_entry_with_many_signature_lines_is_signed_by_others(honest_election: Election, lines: int) -> None:
    election = honest_election.copy()
    raw = election.entries[election.index_of("result")]
    election.append(raw + strangers_line(64) * (lines - 1))
    assert failing(election, election.files()) == ["V04"]


def test_a_checkpoint_with_long_lines_of_strangers_is_read_by_both(honest_election: Election) -> None:
    files = dict(honest_election.files())
    files["checkpoint"] = with_lines(files["checkpoint"], 60, 9000)
    assert 500_000 < len(files["checkpoint"]) < 1_000_000
    assert failing(honest_election, files) == []


def test_a_checkpoint_that_is_too_long_fails_v01(honest_election: Election) -> None:
    files = dict(honest_election.files())
    files["checkpoint"] = with_lines(files["checkpoint"], 60, 13_000)
    assert len(files["checkpoint"]) > 1_000_000
    assert failing(honest_election, files) == ["V01"]


def test_a_tile_with_something_behind_it_fails_v02(honest_election: Election) -> None:
    for extra in (32, 9000, 17_000_000):
        files = {
            name: content + bytes(extra) if name.startswith("tile/0/") else content
            for name, content in honest_election.files().items()
        }
        assert failing(honest_election, files) == ["V02"]


def test_what_stands_behind_the_hashes_of_a_full_tile_has_its_limit(honest_election: Election) -> None:
    files = dict(honest_election.files())
    partial = next(name for name in files if name.startswith("tile/0/"))
    full = partial.split(".p/")[0]
    files[full] = files.pop(partial) + bytes(32)
    assert failing(honest_election, files) == []
    files[full] += bytes(8192)
    assert failing(honest_election, files) == ["V02"]


def test_a_bundle_that_is_none_fails_v02_also_without_its_tile(honest_election: Election) -> None:
    files = {name: content for name, content in honest_election.files().items() if not name.startswith("tile/0/")}
    assert "V02" not in failing(honest_election, files)
    files = {name: content[:-1] if name.startswith("tile/entries/") else content for name, content in files.items()}
    assert failing(honest_election, files) == ["V02"]


def cosigned_at(election: Election, witness: SigningKey, time: int) -> bytes:
    """The newest checkpoint with one cosignature of `witness`, whose time may be one that no honest witness gives."""
    hashes = [leaf_hash(raw) for raw in election.entries]
    raw = checkpoint(hashes, election.board, election.witnesses[:-1], OPENS)
    head = election.record()
    text = format_checkpoint(Checkpoint(election.board.verifier_key.name, head.size, head.root))
    signature = time.to_bytes(8, "big") + witness.sign(b"cosignature/v1\ntime %d\n" % time + text)
    key = witness.verifier_key
    return add_cosignatures(raw, format_signature_lines([NoteSignature(key.name, key.key_id, signature)]))


@pytest.mark.parametrize(("time", "check"), [(0, ["V01"]), (1, []), (2**63 - 1, []), (2**63, ["V01"])])
def test_one_dishonest_witness_gives_no_time_that_only_one_verifier_takes(time: int, check: list[str]) -> None:
    election = Election.create(witness_count=(2, 3))
    files = dict(election.files())
    files["checkpoint"] = cosigned_at(election, election.witnesses[-1], time)
    assert failing(election, files) == check


@pytest.mark.parametrize("size", [0, 10**15, 10**17, 2**63 - 1])
def test_a_board_that_signs_an_absurd_size(honest_election: Election, size: int) -> None:
    files = dict(honest_election.files())
    root = b64_encode(honest_election.record().root)
    text = f"{honest_election.board.verifier_key.name}\n{size}\n{root}\n".encode()
    key = honest_election.board.verifier_key
    line = NoteSignature(key.name, key.key_id, honest_election.board.sign(text))
    files["checkpoint"] = text + b"\n" + format_signature_lines([line])
    assert states(honest_election, files)["V01" if size == 0 else "V02"] != "pass"


@pytest.mark.parametrize("name", ["checkpoint.opening", "checkpoint.closing"])
def test_an_effect_that_is_too_long_fails_v04_and_one_with_strangers_lines_does_not(name: str) -> None:
    election = Election.create(witness_count=(2, 3))
    files = dict(election.files())
    newest = files["checkpoint"]
    assert failing(election, files | {name: with_lines(newest, 60, 9000)}) == []
    assert failing(election, files | {name: with_lines(newest, 60, 13_000)}) == ["V04"]


def test_neither_policy_takes_a_key_name_with_a_control_character() -> None:
    policy = format_policy(Election.create(witness_count=(2, 3)).policy()).replace(b"witness-3+", b"wit\x01ness-3+")
    with pytest.raises(Malformed):
        parse_policy(policy)
    with pytest.raises(Refusal, match="key name"):
        reference_policy(policy)
