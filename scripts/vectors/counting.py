"""Vectors for page 7: units, aggregates, partial decryptions, combination and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retally_crypto import tally as tallying
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import engine
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.manifest import layout
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.tally import Aggregates, Tally, Unit
from retally_lab.boards import manifests as elections
from retally_lab.boards.election import Members, contest, district
from retally_lab.boards.files import members_of
from scripts.vectors.election import FixedElection, decryption_transcript, fixed_election
from scripts.vectors.fixed import ORDER, drawn, le, records
from scripts.vectors.proofs import shown

UNITS: Sequence[tuple[str, int, Sequence[tuple[str, str | None]], Mapping[str, int]]] = (
    ("nothing to merge", 0, [("a", "b"), ("b", None)], {"a": 2, "b": 5}),
    ("a single ballot is merged whatever the manifest says", 0, [("a", "b"), ("b", None)], {"a": 1, "b": 5}),
    ("a single ballot is withheld whatever the manifest says", 1, [("a", None), ("b", None)], {"a": 1, "b": 5}),
    ("a small district is merged", 5, [("a", "b"), ("b", None), ("c", None)], {"a": 4, "b": 5, "c": 9}),
    ("exactly the smallest unit is not merged", 5, [("a", "b"), ("b", None)], {"a": 5, "b": 5}),
    ("an empty district is neither merged nor withheld", 5, [("a", "b"), ("b", None)], {"b": 7}),
    ("merged with an empty district", 5, [("a", "b"), ("b", None)], {"a": 4}),
    ("merged and still too small", 5, [("a", "b"), ("b", None)], {"a": 2, "b": 2}),
    ("nowhere to merge", 5, [("a", None), ("b", None)], {"a": 1, "b": 5}),
    ("a chain of small districts", 5, [("a", "b"), ("b", "c"), ("c", None)], {"a": 1, "b": 1, "c": 9}),
    ("a chain that ends at a large one", 5, [("a", "b"), ("b", "c"), ("c", None)], {"a": 1, "b": 6, "c": 1}),
    ("each names the other", 5, [("a", "b"), ("b", "a")], {"a": 3, "b": 3}),
    ("a circle of three", 5, [("a", "b"), ("b", "c"), ("c", "a")], {"a": 1, "b": 1, "c": 1}),
    ("two merge with the last", 5, [("a", "c"), ("b", "c"), ("c", None)], {"a": 1, "b": 1, "c": 1}),
    ("a later one merges with an earlier one", 5, [("a", None), ("b", None), ("c", "a")], {"a": 9, "b": 9, "c": 1}),
)


def tally() -> dict[str, Any]:
    """Rules for units, then whole tallies."""
    return {
        "about": "the tally (docs/spec page 7). Each of `tallies` is under the manifest entry `manifest`, with the "
        "ciphertexts of the counted ballots only; `counted` are the c(d) of 7.2",
        "units": [_units(*case) for case in UNITS],
        "lagrange": [
            {"guardians": chosen, "coefficients": [le(x, 32) for x in tallying.lagrange(chosen).values()]}
            for chosen in ([1], [1, 2], [1, 3], [2, 3], [1, 2, 3], [2, 4, 5, 7])
        ],
        "tallies": [_merged_and_withheld(), _an_identity(), _all_withheld()],
    }


def _unit(unit: Unit) -> dict[str, Any]:
    return {"districts": unit.districts, "state": unit.state, "counted": unit.counted}


def _units(
    name: str, smallest: int, districts: Sequence[tuple[str, str | None]], counted: Mapping[str, int]
) -> dict[str, Any]:
    manifest = elections.manifest([elections.PLURALITY], districts=districts, smallest_unit=smallest)
    return {
        "name": name,
        "smallest_unit": smallest,
        "districts": [{"id": one, "merge": merge} for one, merge in districts],
        "counted": counted,
        "units": [_unit(unit) for unit in tallying.units(manifest, counted)],
    }


MAYOR = contest("mayor", 2, "total", 1, 0, 1)
COUNCIL = contest("council", 2, "option", 5, 0, 10)


def _opened(label: str, districts: Sequence[Members], smallest: int) -> FixedElection:
    names = [member["id"] for member in districts]
    election = fixed_election(
        label,
        dict.fromkeys(names, 4),
        contests=[MAYOR, COUNCIL],
        districts=districts,
        styles={name: ["mayor", "council"] if name != "harbour" else ["mayor"] for name in names},
        smallest_unit=smallest,
        title=f"An election for tally vectors: {label}",
    )
    election.ceremony()
    election.roll()
    election.open()
    return election


def _merged_and_withheld() -> dict[str, Any]:
    districts = [district("north"), district("south", "north"), district("harbour"), district("island")]
    election = _opened("merged, withheld and empty", districts, 2)
    for name, choices in (
        ("north-1", [[1, 0], [5, 0]]),
        ("north-2", [[1, 0], [4, 3]]),
        ("south-1", [[0, 1], [0, 2]]),
        ("harbour-1", [[1, 0]]),
        ("harbour-2", [[0, 0]]),
        ("harbour-3", [[0, 1]]),
        ("island-1", [[0, 1], [5, 5]]),
    ):
        election.cast(name, choices)
    return _counted(election)


def _an_identity() -> dict[str, Any]:
    """Two ballots whose randomness cancels out in one option: its A is the identity, and it is not decrypted."""
    election = _opened("an aggregate that is the identity", [district("north")], 0)
    sealed = election.seal("north-1", [[1, 0], [2, 3]])
    election.append(ballot_entry(sealed.body, b""))
    opposite = [le(ORDER - int.from_bytes(nonce, "little"), 32) for nonce in sealed.nonces[:1]]
    other = election.seal("north-2", [[1, 0], [1, 1]])
    masked = engine.add(engine.multiply_base(le(1, 32)), engine.multiply_fixed(election.key, opposite[0]))
    cancelling = engine.multiply_base(opposite[0]) + masked + other.ciphertexts[64:]
    body = other.body.replace(b64url_encode(other.ciphertexts).encode(), b64url_encode(cancelling).encode())
    election.append(ballot_entry(body, b""))
    return _counted(election)


def _all_withheld() -> dict[str, Any]:
    election = _opened("nothing to decrypt", [district("north"), district("south")], 2)
    election.cast("north-1", [[1, 0], [5, 0]])
    return _counted(election)


def _counted(election: FixedElection) -> dict[str, Any]:
    """The tally of the ballots on this board, all of which count, by every pair of guardians."""
    manifest, summed, counted = election.manifest, Tally(election.manifest), dict[str, int]()
    ballots = []
    for at in election.indices_of("ballot"):
        members = members_of(election.entries[at])
        ciphertexts = b64url_decode(members["ciphertexts"])
        summed.accept(members["style"], ciphertexts)
        counted[members["style"]] = counted.get(members["style"], 0) + 1
        ballots.append({"style": members["style"], "ciphertexts": records(ciphertexts)})
    units = tallying.units(manifest, counted)
    aggregates = summed.aggregates(units)
    size, root = len(election.entries) + 1, drawn("a root", 32)
    points, partials = {}, []
    for guardian in (1, 2, 3):
        share = election.secret_share(guardian)
        points[guardian], _ = partial_decrypt(share, aggregates, election.election_id, guardian, size, root)
        members = {"guardian": guardian, "size": size, "root": b64url_encode(root)}
        members["points"] = b64url_encode(points[guardian])
        made = decryption_transcript(aggregates, election.election_id, members, share)
        partials.append({"guardian": guardian, "points": records(points[guardian]), **shown(made)})
    combined = {
        (i, j): tallying.combine(aggregates, {i: points[i], j: points[j]}, 2) for i, j in ((1, 2), (1, 3), (2, 3))
    }
    first = combined[1, 2]
    if set(combined.values()) != {first}:
        raise ValueError("two pairs of guardians decrypt differently")
    return {
        "name": election.label,
        "manifest": election.entries[0].decode(),
        "election": election.election_id,
        "key": election.key,
        "style_weights": {
            style.id: [one.weights for one in layout(manifest, at).contests] for at, style in enumerate(manifest.styles)
        },
        "counted": counted,
        "ballots": ballots,
        "units": [_unit(unit) for unit in units],
        "aggregates": _aggregates(aggregates),
        "digest": aggregates.digest(election.election_id),
        "size": size,
        "root": root,
        "partial_decryptions": partials,
        "decrypted": records(first),
        "combined": tallying.combined_digest(election.election_id, first),
        "counts": tallying.counts(aggregates, first),
        "refused_partial_decryptions": _refused(election, aggregates, points, partials),
    }


def _aggregates(aggregates: Aggregates) -> list[dict[str, Any]]:
    return [
        {
            "unit": one.unit.districts,
            "contest": one.contest,
            "option": one.option,
            "A": one.a,
            "B": one.b,
            "bound": one.bound,
        }
        for one in aggregates.items
    ]


def _refused(
    election: FixedElection, aggregates: Aggregates, points: Mapping[int, bytes], partials: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """V17 refuses these as the partial decryption of guardian 1."""
    own, other = partials[0]["proof"], partials[1]["proof"]
    cases = [("the proof of another guardian", points[1], other), ("no proof", points[1], b"")]
    if aggregates.listed:
        swapped = points[1][32:64] + points[1][:32] + points[1][64:]
        cases += [
            ("points and proof of another guardian", points[2], other),
            ("the points of another guardian", points[2], own),
            ("two points exchanged", swapped, own),
            ("a point missing", points[1][:-32], own),
            ("a point that is the identity", bytes(32) + points[1][32:], own),
        ]
    cases.append(("a point more", points[1] + election.key, own))
    return [{"guardian": 1, "why": why, "points": records(held), "proof": proof} for why, held, proof in cases]
