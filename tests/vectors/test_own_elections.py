"""docs/spec/vectors, pages 5 and 7: ceremony and tally, by the protocol's code and by the reference verifier."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from retally_crypto import guardians, tally
from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_crypto.errors import Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import leaf_hash
from retally_crypto.policy_text import format_policy, policy_from_manifest
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.secret.guardians import Polynomial, open_share, seal_share, secret_share, share_for
from retally_crypto.tally import Aggregates, Tally
from retally_lab.boards import manifests as elections
from retally_lab.boards.election import ORIGIN
from retally_lab.boards.files import members_of, signing_key, write_board
from retally_lab.boards.places import MemoryBoard
from retally_reference import tally as reference_tally
from retally_reference.group import RISTRETTO255, encode_any
from retally_reference.manifest import Manifest as ReferenceManifest
from retally_reference.manifest import read_manifest
from retally_reference.verify import verify_board as reference_verify
from retally_verify.run import verify_board as verify
from tests.own_vectors import unhex, vectors

CEREMONY, TALLY = vectors("ceremony.json"), vectors("tally.json")
ELECTION = unhex(CEREMONY["election"])
GUARDIANS = CEREMONY["guardians"]


def failing(entries: list[str]) -> list[dict[str, list[str]]]:
    """The failing checks of a board of these entries, with their notes, by each verifier."""
    raw = [entry.encode() for entry in entries]
    files, policy = write_board(raw, signing_key(ORIGIN)), policy_from_manifest(raw[0])
    ours = verify(MemoryBoard(files), policy)
    theirs = reference_verify(files.get, format_policy(policy))
    return [{check: list(report.notes_of(check)) for check in report.failed} for report in (ours, theirs)]


# ---- ceremony.json ----


@pytest.mark.parametrize("one", GUARDIANS, ids=lambda one: f"guardian {one['guardian']}")
def test_a_guardian(one: dict[str, Any]) -> None:
    number, commitments = one["guardian"], unhex(one["commitments"])
    assert engine.multiply_base(unhex(*one["coefficients"])) == commitments
    proof = unhex(one["proof_of_commitments"]["proof"])
    assert guardians.verify_commitment(commitments, proof, ELECTION, number)
    assert not guardians.verify_commitment(commitments, proof, ELECTION, number % 3 + 1)
    polynomial = Polynomial(tuple(unhex(part) for part in one["coefficients"]))
    assert share_for(polynomial, number).hex() == one["own_share"]
    received = {share["from"]: unhex(share["share"]) for share in CEREMONY["shares"] if share["to"] == number}
    assert secret_share(polynomial, number, received).hex() == one["secret_share"]
    everyone = [unhex(other["commitments"]) for other in GUARDIANS]
    assert guardians.share_public_key(everyone, number).hex() == one["public_share"]
    assert engine.multiply_base(unhex(one["secret_share"])).hex() == one["public_share"]


@pytest.mark.parametrize("one", CEREMONY["shares"], ids=lambda one: f"from {one['from']} to {one['to']}")
def test_a_sealed_share(one: dict[str, Any]) -> None:
    sender, recipient = one["from"], one["to"]
    hashes = [hashlib.sha256(CEREMONY["entries"][number].encode()).digest() for number in (sender, recipient)]
    info = b"RETALLY-V01-share" + ELECTION + sender.to_bytes(4, "little") + recipient.to_bytes(4, "little")
    assert (info + b"".join(hashes)).hex() == one["info"]
    private = unhex(GUARDIANS[recipient - 1]["encryption_private_key"])
    opened = open_share(unhex(one["ciphertext"]), private, ELECTION, sender, recipient, hashes[0], hashes[1])
    assert opened.hex() == one["share"]
    assert guardians.check_share(opened, unhex(GUARDIANS[sender - 1]["commitments"]), recipient)
    on_board = members_of(CEREMONY["entries"][3 + sender].encode())["shares"]
    mine = next(share["ciphertext"] for share in on_board if share["guardian"] == recipient)
    assert b64url_decode(mine).hex() == one["ciphertext"]


def test_the_hash_of_the_ceremony_and_the_joint_key() -> None:
    hashes = [leaf_hash(entry.encode()) for entry in CEREMONY["entries"][:7]]
    assert [one.hex() for one in hashes] == CEREMONY["leaf_hashes"]
    assert guardians.ceremony_hash(hashes).hex() == CEREMONY["ceremony"]
    assert {b64url_decode(members_of(one.encode())["ceremony"]).hex() for one in CEREMONY["entries"][7:]} == {
        CEREMONY["ceremony"]
    }
    assert guardians.joint_key([unhex(one["commitments"]) for one in GUARDIANS]).hex() == CEREMONY["joint_key"]


@pytest.mark.parametrize("name", ["entries", "complaint"])
def test_an_honest_ceremony_fails_nothing(name: str) -> None:
    entries = CEREMONY["entries"] if name == "entries" else CEREMONY["complaint"]["entries"]
    assert failing(entries) == [{}, {}]


@pytest.mark.parametrize("one", CEREMONY["complaint"]["void"], ids=lambda one: one["why"])
def test_a_void_ceremony(one: dict[str, Any]) -> None:
    for found in failing(one["entries"]):
        assert list(found) == [one["check"]]
        assert found[one["check"]][0].startswith(f"entry {one['index']}: ")


@pytest.mark.parametrize("one", CEREMONY["refused_commitments"], ids=lambda one: one["why"])
def test_a_commitment_to_refuse(one: dict[str, Any]) -> None:
    entries = [*CEREMONY["entries"][: one["index"]], one["entry"]]
    for found in failing(entries):
        assert list(found) == [one["check"]]
        assert found[one["check"]][0].startswith(f"entry {one['index']}: ")


@pytest.mark.parametrize("one", CEREMONY["refused_shares"], ids=lambda one: one["why"])
def test_a_share_to_complain_about(one: dict[str, Any]) -> None:
    commitments = unhex(GUARDIANS[one["from"] - 1]["commitments"])
    assert not guardians.check_share(unhex(one["share"]), commitments, one["to"])


@pytest.mark.parametrize("one", CEREMONY["refused_encryption_keys"], ids=lambda one: one["why"])
def test_an_encryption_key_to_which_nothing_can_be_sealed(one: dict[str, Any]) -> None:
    with pytest.raises(Unusable, match="guardian 2"):
        seal_share(bytes(32), unhex(one["encryption_key"]), ELECTION, 1, 2, bytes(32), bytes(32))


# ---- tally.json ----


@pytest.mark.parametrize("one", TALLY["units"], ids=lambda one: one["name"])
def test_units(one: dict[str, Any]) -> None:
    districts = [(district["id"], district["merge"]) for district in one["districts"]]
    settings = {"districts": districts, "smallest_unit": one["smallest_unit"]}
    ours = tally.units(elections.manifest([elections.PLURALITY], **settings), one["counted"])
    assert [{"districts": list(u.districts), "state": u.state, "counted": u.counted} for u in ours] == one["units"]
    members = elections.manifest_members([elections.PLURALITY], **settings)
    theirs = reference_tally.form_units(read_manifest(members), one["counted"])
    assert [{"districts": u.districts, "state": u.state, "counted": u.counted} for u in theirs] == one["units"]


@pytest.mark.parametrize("one", TALLY["lagrange"], ids=lambda one: str(one["guardians"]))
def test_lagrange_coefficients(one: dict[str, Any]) -> None:
    found = tally.lagrange(one["guardians"])
    assert [found[i].to_bytes(32, "little").hex() for i in one["guardians"]] == one["coefficients"]


class Counted:
    """One whole tally of the vectors, counted anew by both."""

    def __init__(self, one: dict[str, Any]) -> None:
        self.election = unhex(one["election"])
        members = members_of(one["manifest"].encode())
        manifest = Manifest.model_validate(members)
        self.reference_manifest: ReferenceManifest = read_manifest(json.loads(json.dumps(members)))
        summed, ballots = Tally(manifest), []
        for ballot in one["ballots"]:
            style = manifest.style_index(ballot["style"])
            assert style is not None
            ciphertexts = unhex(*ballot["ciphertexts"])
            summed.accept(manifest.styles[style].district, ciphertexts)
            ballots.append((style, ciphertexts))
        self.units = tally.units(manifest, one["counted"])
        self.aggregates: Aggregates = summed.aggregates(self.units)
        self.reference = reference_tally.count(self.reference_manifest, self.election, ballots)


@pytest.fixture(params=TALLY["tallies"], ids=lambda one: str(one["name"]))
def one(request: pytest.FixtureRequest) -> dict[str, Any]:
    chosen: dict[str, Any] = request.param
    return chosen


def test_the_aggregates(one: dict[str, Any]) -> None:
    counted = Counted(one)
    pairs = [(item["A"], item["B"], item["bound"]) for item in one["aggregates"]]
    assert [(item.a.hex(), item.b.hex(), item.bound) for item in counted.aggregates.items] == pairs
    places = [(item["unit"], item["contest"], item["option"]) for item in one["aggregates"]]
    assert [(list(i.unit.districts), i.contest, i.option) for i in counted.aggregates.items] == places
    theirs = [(encode_any(item.a).hex(), encode_any(item.b).hex(), item.bound) for item in counted.reference.aggregates]
    assert theirs == pairs
    assert counted.aggregates.digest(counted.election).hex() == counted.reference.digest.hex() == one["digest"]


def test_the_partial_decryptions(one: dict[str, Any]) -> None:
    counted = Counted(one)
    for part in one["partial_decryptions"]:
        share, number = unhex(*part["witness"]), part["guardian"]
        arguments = (counted.election, number, one["size"], unhex(one["root"]))
        points, proof = partial_decrypt(share, counted.aggregates, *arguments)
        assert points == unhex(*part["points"])
        public = engine.multiply_base(share)
        for held in (proof, unhex(part["proof"])):
            assert tally.verify_partial_decryption(counted.aggregates, public, *arguments, points, held)
            assert by_reference(counted, one, public, number, points, held)


def by_reference(
    counted: Counted, one: dict[str, Any], public: bytes, number: int, points: bytes, proof: bytes
) -> bool:
    content = {"guardian": number, "size": one["size"], "root": unhex(one["root"]), "points": points, "proof": proof}
    share = RISTRETTO255.decode(public)
    return reference_tally.partial_is_right(counted.reference, content, share, counted.election)


def test_partial_decryptions_to_refuse(one: dict[str, Any]) -> None:
    counted = Counted(one)
    public = unhex(one["partial_decryptions"][0]["elements"][0])
    for refused in one["refused_partial_decryptions"]:
        points, proof = unhex(*refused["points"]), unhex(refused["proof"])
        arguments = (counted.election, refused["guardian"], one["size"], unhex(one["root"]))
        held = tally.verify_partial_decryption(counted.aggregates, public, *arguments, points, proof)
        assert not held, refused["why"]
        # The reference verifier has refused an entry with a badly encoded point (V09) before it comes to this.
        if not engine.invalid_points(points):
            assert not by_reference(counted, one, public, refused["guardian"], points, proof), refused["why"]


@pytest.mark.parametrize("chosen", [(1, 2), (1, 3), (2, 3), (1, 2, 3)])
def test_the_combination_and_the_counts(one: dict[str, Any], chosen: tuple[int, ...]) -> None:
    counted = Counted(one)
    points = {part["guardian"]: unhex(*part["points"]) for part in one["partial_decryptions"]}
    decrypted = tally.combine(counted.aggregates, {i: points[i] for i in chosen}, 2)
    assert decrypted == unhex(*one["decrypted"])
    assert tally.combined_digest(counted.election, decrypted).hex() == one["combined"]
    assert tally.counts(counted.aggregates, decrypted) == one["counts"]
    for i in chosen:
        counted.reference.partials[i] = [
            RISTRETTO255.decode(points[i][at : at + 32]) for at in range(0, len(points[i]), 32)
        ]
    reference_tally.combine(counted.reference, counted.election, 2)
    assert (counted.reference.combined.hex(), counted.reference.counts) == (one["combined"], one["counts"])
