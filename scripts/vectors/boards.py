"""Vectors for pages 3, 8 and 9: whole boards with the state of every check, honest and tampered ones.

A tampered board is one that its operator could publish: whatever was altered is signed again, the files are made anew,
and the witnesses have cosigned them. What is expected of each board is written here by hand, as the checks that fail
and the entry they name; the reference verifier has to find exactly that.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election
from retally_lab.boards.files import CLOSES, GRACE, checkpoint, write_board
from retally_reference.verify import verify_board
from scripts.vectors import tampering
from scripts.vectors.tampering import honest

BUNDLE = "tile/entries/"


@dataclass(frozen=True)
class Case:
    """A board as it is published, and what a verifier has to say."""

    name: str
    election: Election
    fails: tuple[str, ...]
    index: int | None = None
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    policy: TrustPolicy | None = None
    kept: Sequence[bytes] = ()
    incomplete: tuple[str, ...] = ()

    def published(self) -> dict[str, bytes]:
        files = {**self.election.files(), **self.files}
        return {path: content for path, content in files.items() if content is not None}

    def trusted(self) -> bytes:
        return format_policy(self.policy or self.election.policy())


def board() -> dict[str, Any]:
    """One honest election, finished: every check passes."""
    election = honest()
    case = Case("an honest board", election, ())
    expected = _expected(case)
    if set(expected["states"].values()) != {"pass", "not applicable"}:
        raise ValueError("the honest board does not pass")
    return {
        "about": "an honest board (docs/spec page 3.1): `files` is base64 by path, `entries` the same entries as text, "
        "`expected` what a verifier with `policy` finds (page 8)",
        "policy": case.trusted().decode(),
        "entries": [raw.decode() for raw in election.entries],
        "files": {path: b64encode(content).decode() for path, content in case.published().items()},
        "expected": expected,
        "credentials": {name: voter.credential for name, voter in election.voters.items()},
    }


def tampered_boards() -> dict[str, Any]:
    """At least one board for every check that it alone fails, and boards that are not finished."""
    base = honest()
    return {
        "about": "tampered and unfinished boards. `entries` are indices of entries of board.json, or an entry's text; "
        "an entry bundle is made of them as 3.1 says, unless `files` holds it. `files` is base64 by path, of all other "
        "files. `kept` are checkpoints that the verifier kept earlier (9.3)",
        "boards": [_described(case, base) for case in [*_cases(base), *_unfinished(base)]],
    }


def _described(case: Case, base: Election) -> dict[str, Any]:
    files = {path: content for path, content in case.published().items() if not path.startswith(BUNDLE)}
    altered = {path: content for path, content in case.files.items() if path.startswith(BUNDLE) and content}
    places = {raw: at for at, raw in enumerate(base.entries)}
    expected = _expected(case)
    found = tuple(check for check, state in expected["states"].items() if state == "fail")
    if found != case.fails:
        raise ValueError(f"{case.name}: {found} fail, {case.fails} should")
    if case.index is not None and expected["refused_index"] != case.index:
        raise ValueError(f"{case.name}: entry {expected['refused_index']} is named, not {case.index}")
    missing = {check for check, state in expected["states"].items() if state == "incomplete"}
    if not set(case.incomplete) <= missing:
        raise ValueError(f"{case.name}: {case.incomplete} should be incomplete")
    return {
        "name": case.name,
        "policy": case.trusted().decode(),
        "entries": [places[raw] if raw in places else raw.decode() for raw in case.election.entries],
        "files": {path: b64encode(content).decode() for path, content in {**files, **altered}.items()},
        "absent": [path for path, content in case.files.items() if content is None],
        "kept": [raw.decode() for raw in case.kept],
        "expected": expected,
    }


def _expected(case: Case) -> dict[str, Any]:
    """What the reference verifier finds; `refused_index` is the entry that the first failing check names."""
    report = verify_board(case.published().get, case.trusted(), case.kept)
    notes = [note for check in report.failed for note in report.notes_of(check) if note.startswith("entry ")]
    return {
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "states": report.states,
        "refused_index": int(notes[0].split()[1].rstrip(":")) if notes else None,
        "reconciliation": report.reconciliation,
        "units": report.counts,
    }


def _cases(base: Election) -> list[Case]:
    return [*_signed_otherwise(base), *_other_files(base), *_other_manifest(base), *_late_closing(base), *_edited(base)]


def _signed_otherwise(base: Election) -> list[Case]:
    """V01."""
    other = write_board(base.entries, tampering.stranger(base.board.verifier_key.name), base.witnesses)
    lone = write_board(base.entries, base.board, base.witnesses[:1])
    none = base.files()["checkpoint"].split(b"\n\n")[0] + b"\n\n" + _last_lines(base.files()["checkpoint"], 3)
    twice = base.files()["checkpoint"] + _last_lines(base.files()["checkpoint"], 1)
    wrong = base.files()["checkpoint"].replace(b"\n" + b"%d" % len(base.entries) + b"\n", b"\n1\n")
    return [
        Case(
            "a checkpoint signed with another key of the board's name",
            base,
            ("V01",),
            files={"checkpoint": other["checkpoint"]},
        ),
        Case(
            "a checkpoint with one cosignature where two are the quorum",
            base,
            ("V01",),
            files={"checkpoint": lone["checkpoint"]},
        ),
        Case("a checkpoint without the board's signature", base, ("V01",), files={"checkpoint": none}),
        Case("a checkpoint that one witness cosigned twice", base, ("V01",), files={"checkpoint": twice}),
        Case("a checkpoint whose size was changed after signing", base, ("V01",), files={"checkpoint": wrong}),
    ]


def _last_lines(raw: bytes, count: int) -> bytes:
    return b"".join(raw.splitlines(keepends=True)[-count:])


def _other_files(base: Election) -> list[Case]:
    """V02: files that do not fit each other, or a checkpoint that was seen earlier."""
    size = len(base.entries)
    tile, bundle = f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"
    level0, entries = base.files()[tile], base.files()[bundle]
    ballot = base.entries[base.index_of("ballot")]
    dropped, fork = base.copy(), base.before("partial-decryption")
    del dropped.entries[base.index_of("ballot") :]
    fork.edit(base.index_of("paper-count"), stations=[{"id": "station-1", "invalid": 1, "votes": [10, 20]}])
    fork.decrypt(1, 3)
    fork.result()
    altered = entries.replace(ballot, ballot.replace(b'"kind":"ballot"', b'"kind":"ballou"'))
    last = ("V19", "V20")
    return [
        Case(
            "a level-0 tile with another hash", base, ("V02",), files={tile: bytes(32) + level0[32:]}, incomplete=last
        ),
        Case(
            "an entry altered in its bundle and nowhere else", base, ("V02",), files={bundle: altered}, incomplete=last
        ),
        Case(
            "a bundle with bytes after its last entry",
            base,
            ("V02",),
            files={bundle: entries + b"\x00\x00"},
            incomplete=last,
        ),
        Case("a bundle that ends within an entry", base, ("V02",), files={bundle: entries[:-1]}, incomplete=last),
        Case("a level-0 tile that is too short", base, ("V02",), files={tile: level0[:-32]}, incomplete=last),
        Case(
            "entries and tile of another board under this checkpoint",
            fork,
            ("V02",),
            files={"checkpoint": base.files()["checkpoint"]},
            incomplete=last,
        ),
        Case(
            "a board that no longer has what a kept checkpoint covered",
            dropped,
            ("V02",),
            kept=[base.files()["checkpoint"]],
        ),
        Case(
            "a board that differs from the one a kept checkpoint covered",
            fork,
            ("V02",),
            kept=[base.files()["checkpoint"]],
        ),
        Case("no entry bundle", base, (), files={bundle: None}, incomplete=("V02", *last)),
        Case("no level-0 tile", base, (), files={tile: None}, incomplete=("V02", *last)),
    ]


def _other_manifest(base: Election) -> list[Case]:
    """V03."""
    policy = base.policy()
    witnesses = policy.witnesses[:2]
    return [
        Case(
            "a board of another election than the policy's",
            base,
            ("V03",),
            policy=TrustPolicy(bytes(32), policy.board, policy.witnesses, policy.quorum),
        ),
        Case(
            "a policy with other witnesses than the manifest",
            base,
            ("V03",),
            policy=TrustPolicy(policy.election_id, policy.board, witnesses, 2),
        ),
        *(Case(name, election, ("V03",)) for name, election in tampering.wrong_manifests(base)),
    ]


def _late_closing(base: Election) -> list[Case]:
    """V04, the times."""
    hashes = tampering.leaf_hashes(base)[: base.index_of("closing") + 1]

    def closing(time: int, witnesses: int) -> bytes:
        return checkpoint(hashes, base.board, base.witnesses[:witnesses], time)

    name = "checkpoint.closing"
    return [
        Case("a closing cosigned after its grace", base, ("V04",), files={name: closing(CLOSES + GRACE + 1, 3)}),
        Case("a closing cosigned before its time", base, ("V04",), files={name: closing(CLOSES - 1, 3)}),
        Case("a closing without the quorum", base, ("V04",), files={name: closing(CLOSES, 1)}),
        Case(
            "a closing whose checkpoint ends before it",
            base,
            ("V04",),
            files={name: checkpoint(hashes[:-1], base.board, base.witnesses, CLOSES)},
        ),
        Case("no checkpoint of the closing", base, (), files={name: None}, incomplete=("V04",)),
    ]


def _edited(base: Election) -> list[Case]:
    """V04 to V20: an entry that is refused where it stands."""
    makers: Mapping[str, Sequence[Callable[[Election], tuple[str, Election, int]]]] = tampering.REFUSED
    return [
        Case(name, election, (check,), index)
        for check, makes in makers.items()
        for name, election, index in (make(base) for make in makes)
    ]


def _unfinished(base: Election) -> list[Case]:
    """INCOMPLETE: nothing is wrong, something is not there yet."""
    one_share = base.before("partial-decryption")
    one_share.decrypt(1)
    return [
        Case("before the opening", base.before("opening"), (), incomplete=("V07", "V08", "V10", "V14")),
        Case("before the closing", base.before("closing"), (), incomplete=("V14", "V17", "V20")),
        Case("one partial decryption of the two that are needed", one_share, (), incomplete=("V17", "V18", "V19")),
        Case("no result yet", base.before("result"), (), incomplete=("V19",)),
    ]
