"""Vectors for page 6: a ballot of every kind of contest with every value on the way, and ballots to refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_decode
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.manifest import layout
from retally_crypto.relations import tag
from retally_crypto.secret.encrypt import SealedBallot
from retally_lab.boards.election import contest, district
from retally_lab.boards.files import binary, members_of
from scripts.vectors.election import (
    FixedElection,
    ballot_transcript,
    ballot_witness,
    fixed_election,
    unlawful_ballot,
    unlawful_body,
)
from scripts.vectors.fixed import ANOTHER_POINT, ORDER, drawn, le, records, transcript
from scripts.vectors.proofs import shown

CONTESTS = (
    contest("approval", 4, "total", 1, 0, 4),
    contest("plurality", 3, "total", 1, 1, 1),
    contest("plurality-or-blank", 3, "total", 1, 0, 1),
    contest("two-of-five", 5, "total", 1, 2, 2),
    contest("up-to-two-of-five", 5, "total", 1, 0, 2),
    contest("score-per-option", 3, "option", 5, 0, 15),
    contest("score-in-total", 3, "total", 5, 0, 10),
)
STYLES = {
    **{member["id"]: [member["id"]] for member in CONTESTS},
    "several": ["approval", "plurality", "score-per-option"],
    "plurality-elsewhere": ["plurality"],
}
CHOICES: Sequence[tuple[str, str, Sequence[Sequence[int]]]] = (
    ("approval of two", "approval", [[1, 0, 1, 0]]),
    ("approval: a second ballot, which supersedes the first", "approval", [[0, 1, 1, 1]]),
    ("plurality", "plurality", [[0, 1, 0]]),
    ("plurality or blank: a vote", "plurality-or-blank", [[0, 0, 1]]),
    ("plurality or blank: a blank vote, all slack", "plurality-or-blank", [[0, 0, 0]]),
    ("two of five", "two-of-five", [[1, 0, 0, 0, 1]]),
    ("up to two of five: one", "up-to-two-of-five", [[0, 0, 0, 1, 0]]),
    ("score for each option", "score-per-option", [[5, 0, 3]]),
    ("score, limited in total", "score-in-total", [[5, 0, 3]]),
    ("several contests in one ballot", "several", [[1, 1, 0, 0], [0, 0, 1], [0, 4, 1]]),
)


def electorate() -> FixedElection:
    """One district for each style, one voter in each, just opened."""
    election = fixed_election(
        "ballots",
        dict.fromkeys(STYLES, 1),
        contests=CONTESTS,
        districts=[district(name) for name in STYLES],
        styles=STYLES,
        title="An election for ballot vectors",
    )
    election.ceremony()
    election.roll()
    election.open()
    return election


def ballots() -> dict[str, Any]:
    """Every kind of contest, then what has to be refused."""
    election = electorate()
    made = []
    for name, style, choices in CHOICES:
        sealed = election.seal(f"{style}-1", choices)
        made.append({"name": name, **_ballot(election, sealed, f"{style}-1")})
        election.cast(f"{style}-1", choices)
    refused = [
        {"name": name, "entry": entry.decode(), "check": check}
        for check, cases in (("V09", _malformed(election)), ("V10", _unproved(election)))
        for name, entry in cases
    ]
    return {
        "about": "ballots (docs/spec page 6) under the manifest entry `manifest`. `refused` names the check that "
        "refuses an entry before anything is known of roll and chain",
        "manifest": election.entries[0].decode(),
        "election": election.election_id,
        "key": election.key,
        "ballots": made,
        "refused": refused,
    }


def _ballot(election: FixedElection, sealed: SealedBallot, voter: str) -> dict[str, Any]:
    made = ballot_transcript(sealed, election.voters[voter].secret)
    points = records(sealed.ciphertexts)
    return {
        "style": sealed.style,
        "style_index": election.style_index(sealed.style),
        "credential_secret": election.voters[voter].secret,
        "credential": sealed.credential,
        "previous": sealed.previous,
        "choices": sealed.choices,
        "seed": sealed.seed,
        "weights": [one.weights for one in sealed.layout.contests],
        "bits": sealed.bits,
        "nonces": sealed.nonces,
        "ciphertexts": [{"A": a, "B": b} for a, b in zip(points[::2], points[1::2], strict=True)],
        "body": sealed.body.decode(),
        "body_hash": sealed.body_hash,
        "tracking_code": sealed.tracking_code,
        "opening": sealed.opening().decode(),
        **shown(made),
        "entry": ballot_entry(sealed.body, made.proof).decode(),
    }


Cases = list[tuple[str, bytes]]


def _changed(entry: bytes, **members: Any) -> bytes:
    return canonical_bytes({**members_of(entry), **binary(members)})


def _malformed(election: FixedElection) -> Cases:
    good = election.ballot("plurality-1", [[1, 0, 0]])
    text, members = good.decode(), members_of(good)
    ciphertexts, proof = b64url_decode(members["ciphertexts"]), b64url_decode(members["proof"])
    last = int.from_bytes(proof[-32:], "little")
    backwards = json.dumps(dict(reversed(list(members.items()))), separators=(",", ":"))
    twice = text.replace('"kind":"ballot"', '"kind":"ballot","kind":"ballot"')
    spare = members["credential"][:-1] + chr(ord(members["credential"][-1]) + 1)
    return [
        ("a space after a comma", text.replace(",", ", ", 1).encode()),
        ("members in another order", backwards.encode()),
        ("a member twice", twice.encode()),
        ("a member more", _changed(good, note="hello")),
        ("a member missing", canonical_bytes({n: m for n, m in members.items() if n != "previous"})),
        ("a newline after it", good + b"\n"),
        ("an escape that is not needed", text.replace("plurality", "pluralit\\u0079").encode()),
        ("padding in base64", _changed(good, credential=members["credential"] + "=")),
        ("spare bits of base64 that are not zero", _changed(good, credential=spare)),
        ("the other alphabet of base64", _changed(good, ciphertexts=_other_alphabet(members["ciphertexts"]))),
        ("another election", _changed(good, election=drawn("another election", 32))),
        ("an unknown style", _changed(good, style="nowhere")),
        ("a credential that is the identity", _changed(good, credential=bytes(32))),
        ("an A that is the identity", _changed(good, ciphertexts=bytes(32) + ciphertexts[32:])),
        ("a B that is the identity", _changed(good, ciphertexts=ciphertexts[:32] + bytes(32) + ciphertexts[64:])),
        ("a point that is not canonical", _changed(good, ciphertexts=_negative(ciphertexts[:32]) + ciphertexts[32:])),
        ("one ciphertext more", _changed(good, ciphertexts=ciphertexts + ciphertexts[:64])),
        ("one ciphertext less", _changed(good, ciphertexts=ciphertexts[:-64])),
        ("a commitment that is the identity", _changed(good, proof=bytes(32) + proof[32:])),
        ("a response that is not reduced", _changed(good, proof=proof[:-32] + le(last + ORDER, 32))),
        ("a proof that is too short", _changed(good, proof=proof[:-32])),
        ("no proof", canonical_bytes({n: m for n, m in members.items() if n != "proof"})),
        ("an empty proof", _changed(good, proof=b"")),
    ]


def _other_alphabet(text: str) -> str:
    if "-" not in text and "_" not in text:
        raise ValueError("a text that is the same in both alphabets")
    return text.replace("-", "+").replace("_", "/")


def _negative(point: bytes) -> bytes:
    return le(2**255 - 19 - int.from_bytes(point, "little"), 32)


def _unproved(election: FixedElection) -> Cases:
    good = election.ballot("plurality-1", [[1, 0, 0]])
    members = members_of(good)
    ciphertexts, proof = b64url_decode(members["ciphertexts"]), b64url_decode(members["proof"])
    last = int.from_bytes(proof[-32:], "little")
    points = records(ciphertexts)
    second = election.ballot("plurality-1", [[0, 0, 1]])
    nonces = unlawful_body(election, "plurality-1", [1, 0, 0])[1]
    cases: Cases = [
        ("one bit of the last response flipped", _changed(good, proof=proof[:-32] + le(last ^ 1, 32))),
        ("another first commitment", _changed(good, proof=ANOTHER_POINT + proof[32:])),
        ("the proof of another ballot of this credential", _changed(good, proof=members_of(second)["proof"])),
        ("one ciphertext replaced", _changed(good, ciphertexts=ciphertexts[:32] + ANOTHER_POINT + ciphertexts[64:])),
        ("two options exchanged", _changed(good, ciphertexts=b"".join([*points[2:4], *points[:2], *points[4:]]))),
        ("copied to another credential", _changed(good, credential=election.voters["approval-1"].credential)),
        ("moved to another style of the same contests", _changed(good, style="plurality-elsewhere")),
        ("moved to another place in the chain", _changed(good, previous=drawn("another ballot", 32))),
    ]
    for name, bits in (
        ("a bit that is 2 and one that is -1", [2, -1, 0]),
        ("a bit that is 2", [2, 0, 0]),
        ("a bit that is -1", [-1, 1, 1]),
        ("a bit that is the order less one half", [(ORDER + 1) // 2, (ORDER + 1) // 2, 0]),
        ("two votes where one is allowed", [1, 1, 0]),
        ("no vote where one is demanded", [0, 0, 0]),
    ):
        cases.append((name, unlawful_ballot(election, "plurality-1", bits, nonces)))
    cases.append(
        ("a score of 7 where 5 is the most", unlawful_ballot(election, "score-per-option-1", [3, 1, 1] + [0] * 6))
    )
    cases.append(("a proof made for another election", _of_another_election(election)))
    cases.append(("a proof by a device that does not have the credential's secret", _without_the_secret(election)))
    return cases


def _reproved(election: FixedElection, voter: str, secret: bytes, election_id: bytes) -> bytes:
    """A ballot whose proof is made with any secret and for any election's tag."""
    body, nonces = unlawful_body(election, voter, [1, 0, 0])
    members = members_of(body)
    shape = layout(election.manifest, election.style_index(members["style"]))
    elements = election.key + b64url_decode(members["credential"]) + b64url_decode(members["ciphertexts"])
    proof_tag = tag("Ballot", election_id, sha256(body).digest())
    witness = ballot_witness(secret, [1, 0, 0], nonces)
    return ballot_entry(body, transcript(shape.template.header, elements, proof_tag, witness).proof)


def _of_another_election(election: FixedElection) -> bytes:
    return _reproved(election, "plurality-1", election.voters["plurality-1"].secret, drawn("another election", 32))


def _without_the_secret(election: FixedElection) -> bytes:
    return _reproved(election, "plurality-1", election.voters["approval-1"].secret, election.election_id)
