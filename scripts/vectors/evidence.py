"""Vectors for page 11: files of evidence, what they prove, and files that are none. What each proves is written here by
hand; both judges, this project's Python and its TypeScript, have to find exactly that."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from retally_crypto.checkpoints import add_cosignatures
from retally_crypto.merkle import leaf_hash, node_hash
from retally_crypto.notes import parse_note
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.sign import SigningKey, cosign
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_lab.boards.election import Election
from retally_lab.boards.evidence import Case, History, evidence, histories, signed, written
from retally_lab.boards.files import CLOSES, signing_key


def evidence_files() -> dict[str, Any]:
    """Two histories of one board that part at entry 10, and everything that can be said about them."""
    election = Election.create(witness_count=(2, 3))
    return {
        "about": "files of evidence (docs/spec page 11): `file` is the file's text, `board` whether the board's "
        "operator is at fault, `witnesses` the witnesses who are",
        "election": election.election_id,
        "judged": [
            {"name": name, "file": written(file).decode(), "board": board, "witnesses": list(witnesses)}
            for name, file, board, witnesses in _judged(election)
        ],
        "refused": [{"why": why, "file": raw.decode()} for why, raw in _refused(election)],
    }


def _sent(history: History, index: int, size: int, **others: Any) -> Case:
    return {"receipt": history.receipt(index, size, **others), "entry": history.entries[index]}


def _judged(election: Election) -> list[tuple[str, Case, bool, tuple[str, ...]]]:
    one, two, three = election.witnesses
    first, second = histories(election)
    receipt = _sent(first, 20, 25)
    grown = evidence(
        election, checkpoints=[second.checkpoint(40)], receipts=[receipt], prefixes=[second.prefix(0, 25, 40)]
    )
    shorter = evidence(
        election, checkpoints=[second.checkpoint(22)], receipts=[receipt], inclusions=[second.inclusion(0, 20, 22)]
    )
    proof = parse_tlog_proof(receipt["receipt"])
    unfitting = {**receipt, "receipt": format_tlog_proof(TlogProof(21, proof.hashes, proof.checkpoint))}
    extra = {**receipt, "receipt": format_tlog_proof(TlogProof(20, proof.hashes, proof.checkpoint, b"extra"))}
    impostor = History(second.entries, SigningKey.from_seed(election.board.verifier_key.name, bytes(32)))
    other = Election.create(board=str(signing_key("board.example/2031").verifier_key))
    misplaced = cosign(parse_note(second.checkpoint(30)).text, two, CLOSES)
    return [
        ("nothing said", evidence(election), False, ()),
        ("two roots at one size", _both(election, first, second, (), ()), True, ()),
        (
            "two roots, a witness on both",
            _both(election, first, second, (one, two), (two, three)),
            True,
            ("witness-2",),
        ),
        (
            "two roots, all witnesses on both",
            _both(election, first, second, (one, two, three), (one, two, three)),
            True,
            ("witness-1", "witness-2", "witness-3"),
        ),
        ("two roots, witnesses on one each", _both(election, first, second, (one,), (two, three)), True, ()),
        (
            "two roots, a wrong line of a witness",
            evidence(
                election,
                checkpoints=[
                    add_cosignatures(first.checkpoint(30, (one,)), misplaced),
                    second.checkpoint(30, (one, two)),
                ],
            ),
            True,
            ("witness-1",),
        ),
        ("two roots, one signed by an impostor", _both(election, first, impostor, (one,), (one,)), False, ()),
        ("two roots of another election's board", _both(other, first, second, (), ()), False, ()),
        ("one root twice", _both(election, first, first, (one,), (one, two)), False, ()),
        ("a receipt and a board that grew from another history", grown, True, ()),
        (
            "the same, the receipt in the name of witnesses",
            grown
            | {
                "checkpoints": [second.checkpoint(40, (one, two))],
                "receipts": [_sent(first, 20, 25, witnesses=(two,))],
            },
            True,
            ("witness-2",),
        ),
        ("the same without the entry that was sent", grown | {"receipts": [{**receipt, "entry": None}]}, True, ()),
        ("the same with a path that does not fit", grown | {"receipts": [unfitting]}, True, ()),
        ("the same with extra data in the receipt", grown | {"receipts": [extra]}, False, ()),
        ("the same without the prefix", grown | {"prefixes": []}, False, ()),
        (
            "the same with another root in the prefix",
            grown | {"prefixes": [second.prefix(0, 25, 40) | {"root": second.root(24)}]},
            False,
            (),
        ),
        (
            "the same with the prefix of another checkpoint",
            grown | {"prefixes": [second.prefix(1, 25, 40)]},
            False,
            (),
        ),
        ("the same with the prefix of none", grown | {"prefixes": [second.prefix(9, 25, 40)]}, False, ()),
        ("another entry at the receipt's place", shorter, True, ()),
        ("the same without the entry", shorter | {"receipts": [{**receipt, "entry": None}]}, False, ()),
        ("the same with an entry never sent", shorter | {"receipts": [{**receipt, "entry": b"no"}]}, False, ()),
        ("the same with a path that does not fit the receipt", shorter | {"receipts": [unfitting]}, False, ()),
        (
            "the same with another leaf",
            shorter | {"inclusions": [second.inclusion(0, 20, 22) | {"leaf": second.leaf(19)}]},
            False,
            (),
        ),
        ("two receipts for one place", evidence(election, receipts=[receipt, _sent(second, 20, 31)]), True, ()),
        (
            "a receipt in another form keeps its number",
            evidence(
                election,
                receipts=[{"receipt": b"I voted", "entry": None}, receipt, _sent(second, 30, 40)],
                prefixes=[second.prefix(2, 25, 40)],
            ),
            True,
            (),
        ),
        (
            "two prefixes at a size that nobody signed",
            evidence(
                election,
                checkpoints=[first.checkpoint(30), second.checkpoint(40)],
                prefixes=[first.prefix(0, 20, 30), second.prefix(1, 20, 40)],
            ),
            True,
            (),
        ),
        (
            "everything right about one history",
            evidence(
                election,
                checkpoints=[first.checkpoint(0), first.checkpoint(1), first.checkpoint(40, (one, two, three))],
                receipts=[receipt],
                prefixes=[first.prefix(2, 25, 40), first.prefix(2, 1, 40)],
                inclusions=[first.inclusion(2, 20, 40)],
            ),
            False,
            (),
        ),
        (
            "an older board without that place",
            evidence(election, checkpoints=[second.checkpoint(18)], receipts=[receipt]),
            False,
            (),
        ),
        *_beyond_floating_point(election),
    ]


def _beyond_floating_point(election: Election) -> list[tuple[str, Case, bool, tuple[str, ...]]]:
    """Sizes and indices are integers up to 2^63 - 1, and no two of them are one."""
    board, one, huge = election.board, election.witnesses[0], 2**62
    early, own, other = (sha256(label).digest() for label in (b"early", b"own", b"other"))
    hashes = [leaf_hash(b"own"), leaf_hash(b"other")]

    def at(size: int, root: bytes) -> bytes:
        return signed(board, size, root, (one,))

    def sent(entry: bytes, size: int, root: bytes, *proof: bytes) -> Case:
        return {"receipt": format_tlog_proof(TlogProof(huge, proof, at(size, root))), "entry": entry}

    receipts = [
        sent(b"own", huge + 1, node_hash(early, hashes[0]), early),
        sent(b"other", huge + 2, node_hash(early, node_hash(hashes[1], hashes[0])), hashes[0], early),
    ]
    return [
        (
            "sizes 2^53 and 2^53 + 1",
            evidence(election, checkpoints=[at(2**53, own), at(2**53 + 1, other)]),
            False,
            (),
        ),
        (
            "size 2^53 + 1 twice",
            evidence(election, checkpoints=[at(2**53 + 1, own), at(2**53 + 1, other)]),
            True,
            (one.verifier_key.name,),
        ),
        ("two receipts for place 2^62", evidence(election, receipts=receipts), True, (one.verifier_key.name,)),
    ]


def _both(
    election: Election,
    first: History,
    second: History,
    on_first: tuple[SigningKey, ...],
    on_second: tuple[SigningKey, ...],
) -> Case:
    return evidence(election, checkpoints=[first.checkpoint(30, on_first), second.checkpoint(30, on_second)])


def _refused(election: Election) -> list[tuple[str, bytes]]:
    first, second = histories(election)
    right = _both(election, first, second, (), ())
    text = written(right)
    inclusion = first.inclusion(0, 20, 30)
    return [
        ("white space", text.replace(b",", b", ", 1)),
        ("a newline behind", text + b"\n"),
        ("cut off", text[:-1]),
        ("a list", b"[]"),
        ("another kind", written(right | {"kind": "retally-opinion"})),
        ("another version", written(right | {"version": "RETALLY-V02"})),
        ("a member more", written(right | {"note": ""})),
        ("a member less", written({name: value for name, value in right.items() if name != "prefixes"})),
        ("17 checkpoints", written(right | {"checkpoints": [b""] * 17})),
        ("65 inclusions", written(right | {"inclusions": [inclusion | {"proof": []}] * 65})),
        ("64 hashes in a proof", written(right | {"inclusions": [inclusion | {"proof": [bytes(32)] * 64}]})),
        ("a hash of 31 bytes", written(right | {"inclusions": [inclusion | {"leaf": bytes(31)}]})),
        ("a negative index", written(right | {"inclusions": [inclusion | {"index": -1}]})),
        ("an index that is a text", written(right | {"inclusions": [inclusion | {"index": "20"}]})),
        ("an index of 2^53", written(right | {"inclusions": [inclusion | {"index": 2**53}]})),
        ("padded base64url", written(right | {"checkpoints": ["AA=="]})),
        ("base64url with bits left over", written(right | {"checkpoints": ["AB"]})),
        ("another election id", written(right | {"election": bytes(32)})),
        (
            "a manifest that its authority did not sign",
            written(right | _of(election.entries[0].split(b"\n", 1)[0] + b"\n\n")),
        ),
    ]


def _of(manifest: bytes) -> Case:
    return {"manifest": manifest, "election": sha256(manifest).digest()}
