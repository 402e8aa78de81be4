"""A ballot says what was chosen, proves it is valid, and belongs to one place (docs/spec page 6)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from retally_crypto.ballots import FIRST, ballot_statement, verify_ballots
from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_encode
from retally_crypto.engine import engine
from retally_crypto.entries import Ballot, parse_entry
from retally_crypto.errors import BadProof, Malformed, Refused, RetallyError
from retally_crypto.manifest import Manifest, ballot_entry_length, layout
from retally_crypto.relations import ORDER, tag
from retally_crypto.secret.encrypt import SealedBallot, encrypt, open_ballot, prove_ballot
from retally_lab.boards.manifests import (
    APPROVAL,
    CHOICES,
    ELECTION,
    OTHER_ELECTION,
    PLURALITY,
    PLURALITY_OR_BLANK,
    SCORE_EACH,
    SCORE_TOTAL,
    TWO_OF_FIVE,
    manifest,
    point,
    secret,
    seed,
)
from retally_reference.edwards import Point
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import LinearRelation, evaluate, map_row, parse, serialize, validate_instance
from retally_reference.sigma import derive_challenge, prove_batchable

KEY = point("joint key")
VOTER = secret("voter")
CREDENTIAL = point("voter")
ALL = [APPROVAL, PLURALITY, PLURALITY_OR_BLANK, TWO_OF_FIVE, SCORE_EACH, SCORE_TOTAL]
SMALL = manifest([PLURALITY_OR_BLANK], styles_per_district=2)


def sealed_ballot(election: Manifest, choices: Sequence[Sequence[int]], label: str = "a ballot") -> SealedBallot:
    return encrypt(election, ELECTION, KEY, 0, CREDENTIAL, FIRST, choices, seed(label))


def cast(sealed: SealedBallot) -> Ballot:
    return parsed(prove_ballot(sealed, VOTER))


def parsed(entry: bytes, election_id: bytes = ELECTION) -> Ballot:
    ballot = parse_entry(entry, election_id)
    assert isinstance(ballot, Ballot)
    return ballot


def rewritten(ballot: Ballot, **members: bytes | str) -> Ballot:
    """The ballot with some members exchanged and its proof kept, as an operator could write it."""
    entry = json.loads(ballot.raw)
    for name, value in members.items():
        entry[name] = b64url_encode(value) if isinstance(value, bytes) else value
    return parsed(canonical_bytes(entry), members.get("election", ELECTION))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def one_ballot() -> Ballot:
    return cast(sealed_ballot(SMALL, [[0, 1, 0]]))


@pytest.mark.parametrize("contest", ALL, ids=lambda contest: contest["id"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_kind_of_contest_can_be_voted_and_verified(contest: dict[str, object], which: int) -> None:
    election = manifest([contest])
    sealed = sealed_ballot(election, [CHOICES[str(contest["id"])][which]])
    ballot = cast(sealed)
    assert verify_ballots([ballot], election, ELECTION, KEY) == []
    assert len(ballot.raw) == ballot_entry_length(election, 0)


def test_several_contests_share_one_ballot_and_one_proof() -> None:
    election = manifest([PLURALITY, SCORE_TOTAL, APPROVAL])
    sealed = sealed_ballot(election, [CHOICES[c][0] for c in ("plurality", "score-total", "approval")])
    assert verify_ballots([cast(sealed)], election, ELECTION, KEY) == []


def test_the_body_is_the_entry_without_its_proof(one_ballot: Ballot) -> None:
    members = json.loads(one_ballot.raw)
    del members["proof"]
    sealed = sealed_ballot(SMALL, [[0, 1, 0]])
    assert canonical_bytes(members) == sealed.body == one_ballot.body
    assert one_ballot.body_hash == sealed.body_hash == hashlib.sha256(sealed.body).digest()


def test_nonces_and_ciphertexts_are_the_specified_ones() -> None:
    sealed = encrypt(SMALL, ELECTION, KEY, 1, CREDENTIAL, b"p" * 32, [[0, 1, 0]], seed("fixed"))
    for bit, chosen in enumerate((0, 1, 0, 0)):
        wide = hashlib.shake_256(
            b"RETALLY-V01-nonce" + seed("fixed") + ELECTION + CREDENTIAL + b"p" * 32
            + b"\x01\0\0\0" + bytes(4) + bytes([bit, 0, 0, 0])
        ).digest(64)  # fmt: skip
        nonce = (int.from_bytes(wide, "little") % ORDER).to_bytes(32, "little")
        a = engine.multiply_base(nonce)
        b = engine.add(engine.multiply(nonce, KEY), engine.multiply_base(chosen.to_bytes(32, "little")))
        assert sealed.ciphertexts[64 * bit : 64 * bit + 64] == a + b


def test_the_same_seed_gives_the_same_body_and_never_the_same_proof() -> None:
    first, second = sealed_ballot(SMALL, [[0, 1, 0]]), sealed_ballot(SMALL, [[0, 1, 0]])
    assert first.body == second.body
    assert cast(first).proof != cast(second).proof


def test_every_part_of_the_context_changes_every_nonce() -> None:
    base = sealed_ballot(SMALL, [[0, 1, 0]])
    variants = [
        encrypt(SMALL, ELECTION, KEY, 0, CREDENTIAL, FIRST, [[0, 1, 0]], seed("another")),
        encrypt(SMALL, OTHER_ELECTION, KEY, 0, CREDENTIAL, FIRST, [[0, 1, 0]], seed("a ballot")),
        encrypt(SMALL, ELECTION, KEY, 1, CREDENTIAL, FIRST, [[0, 1, 0]], seed("a ballot")),
        encrypt(SMALL, ELECTION, KEY, 0, point("other"), FIRST, [[0, 1, 0]], seed("a ballot")),
        encrypt(SMALL, ELECTION, KEY, 0, CREDENTIAL, b"p" * 32, [[0, 1, 0]], seed("a ballot")),
    ]
    nonces = [nonce for sealed in (base, *variants) for nonce in sealed.nonces]
    assert len(set(nonces)) == len(nonces)


@pytest.mark.parametrize(
    ("choices", "rule"),
    [([[1, 1, 0]], "contest blank: the sum"), ([[0, 2, 0]], "contest blank: a choice"), ([], "choices for 0 contests")],
)
def test_choices_outside_the_limits_are_not_encrypted(choices: list[list[int]], rule: str) -> None:
    with pytest.raises(Refused, match=rule):
        sealed_ballot(SMALL, choices)


def test_a_seed_of_another_length_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 5") as refusal:
        encrypt(SMALL, ELECTION, KEY, 0, CREDENTIAL, FIRST, [[0, 1, 0]], b"sesam")
    assert "sesam" not in str(refusal.value)


def test_a_sealed_ballot_never_shows_its_secrets() -> None:
    sealed = sealed_ballot(SMALL, [[0, 1, 0]])
    shown = repr(sealed)
    for hidden in (sealed.seed, *sealed.nonces):
        assert repr(hidden)[2:-1] not in shown
        assert hidden.hex() not in shown
    for name in ("choices", "bits", "nonces", "seed"):
        assert name not in shown


def test_only_the_holder_of_the_credential_can_cast() -> None:
    sealed = sealed_ballot(SMALL, [[0, 1, 0]])
    with pytest.raises(Refused, match="not the one of the ballot's credential") as refusal:
        prove_ballot(sealed, secret("somebody else"))
    assert secret("somebody else").hex() not in str(refusal.value)


# ---- A ballot belongs to one place ----


def test_a_ballot_cannot_be_moved_to_another_credential(one_ballot: Ballot) -> None:
    moved = rewritten(one_ballot, credential=point("somebody else"))
    assert verify_ballots([moved], SMALL, ELECTION, KEY) == [0]


def test_a_ballot_cannot_be_moved_to_another_style_of_the_same_shape(one_ballot: Ballot) -> None:
    assert verify_ballots([rewritten(one_ballot, style="d1-2")], SMALL, ELECTION, KEY) == [0]


def test_a_ballot_cannot_be_moved_to_another_election(one_ballot: Ballot) -> None:
    moved = rewritten(one_ballot, election=OTHER_ELECTION)
    assert verify_ballots([moved], SMALL, OTHER_ELECTION, KEY) == [0]
    assert verify_ballots([one_ballot], SMALL, OTHER_ELECTION, KEY) == [0]


def test_a_ballot_cannot_be_moved_to_another_key(one_ballot: Ballot) -> None:
    assert verify_ballots([one_ballot], SMALL, ELECTION, point("another key")) == [0]


def test_a_ballot_cannot_be_moved_within_its_chain(one_ballot: Ballot) -> None:
    assert verify_ballots([rewritten(one_ballot, previous=b"p" * 32)], SMALL, ELECTION, KEY) == [0]


def test_a_ballots_bits_cannot_be_exchanged(one_ballot: Ballot) -> None:
    c = one_ballot.ciphertexts
    swapped = rewritten(one_ballot, ciphertexts=c[64:128] + c[:64] + c[128:])
    assert verify_ballots([swapped], SMALL, ELECTION, KEY) == [0]


def test_a_ballot_cannot_be_re_randomised(one_ballot: Ballot) -> None:
    more = secret("more randomness")
    c = one_ballot.ciphertexts
    again = engine.add(c[:64], engine.multiply_base(more) + engine.multiply(more, KEY)) + c[64:]
    assert verify_ballots([rewritten(one_ballot, ciphertexts=again)], SMALL, ELECTION, KEY) == [0]


def test_a_ballot_of_an_unknown_style_or_a_wrong_length_has_no_valid_proof(one_ballot: Ballot) -> None:
    others = [
        rewritten(one_ballot, style="nowhere"),
        rewritten(one_ballot, ciphertexts=one_ballot.ciphertexts[:-64]),
        rewritten(one_ballot, proof=one_ballot.proof[:-32]),
        one_ballot,
    ]
    assert verify_ballots(others, SMALL, ELECTION, KEY) == [0, 1, 2]


def test_a_batch_names_every_ballot_that_fails_and_no_other() -> None:
    election = manifest([PLURALITY], districts=[("north", None), ("south", None)])
    ballots = []
    for index in range(8):
        sealed = encrypt(election, ELECTION, KEY, index % 2, CREDENTIAL, FIRST, [[0, 1, 0]], seed(str(index)))
        ballots.append(cast(sealed))
    assert verify_ballots(ballots, election, ELECTION, KEY) == []
    ballots[2] = rewritten(ballots[2], proof=ballots[0].proof)
    ballots[5] = rewritten(ballots[5], ciphertexts=ballots[3].ciphertexts)
    ballots[7] = rewritten(ballots[7], ciphertexts=bytes(32) + ballots[7].ciphertexts[32:])
    assert verify_ballots(ballots, election, ELECTION, KEY) == [2, 5, 7]


def test_an_empty_batch_has_no_culprits() -> None:
    assert verify_ballots([], SMALL, ELECTION, KEY) == []


# ---- What cannot be proved ----


def statement(plain: Sequence[int], election: Manifest) -> tuple[LinearRelation[Point], list[int], bytes]:
    """A ballot with these plaintexts, the witness its maker has, and the tag."""
    template = layout(election, 0).template
    nonces = [int.from_bytes(secret(f"forged {i}"), "little") for i in range(len(plain))]
    witness = [int.from_bytes(VOTER, "little")]
    elements = [KEY, CREDENTIAL]
    for b, r in zip(plain, nonces, strict=True):
        scalar, bit = r.to_bytes(32, "little"), (b % ORDER).to_bytes(32, "little")
        elements += [
            engine.multiply_base(scalar),
            engine.add(engine.multiply_base(bit), engine.multiply(scalar, KEY)),
        ]
        witness += [b % ORDER, r, (1 - b) * r % ORDER]
    relation = parse(RISTRETTO255, template.header + b"".join(elements))
    return relation, witness, tag("Ballot", ELECTION, hashlib.sha256(b"a forged body").digest())


def prove_without_looking(relation: LinearRelation[Point], witness: Sequence[int], proof_tag: bytes) -> bytes:
    """The draft's prover as a cheat runs it: without asking whether the witness satisfies the relation."""
    nonces = [int.from_bytes(secret(f"nonce {i}"), "little") for i in range(len(witness))]
    commitment = b"".join(
        relation.group.encode(evaluate(relation, map_row(equation, nonces, ORDER))) for equation in relation.equations
    )
    challenge = derive_challenge(relation.group, derive_session_id(proof_tag), serialize(relation), commitment)
    response = [(n + challenge * w) % ORDER for n, w in zip(nonces, witness, strict=True)]
    return commitment + b"".join(scalar.to_bytes(32, "little") for scalar in response)


def accepted(relation: LinearRelation[Point], proof: bytes, proof_tag: bytes, election: Manifest) -> bool:
    header = layout(election, 0).template.header
    return engine.verify(header, serialize(relation)[len(header) :], proof_tag, proof)


def test_the_cheating_prover_convinces_when_there_is_nothing_to_cheat_about() -> None:
    relation, witness, proof_tag = statement([0, 1, 0, 0], SMALL)
    assert accepted(relation, prove_without_looking(relation, witness, proof_tag), proof_tag, SMALL)


@pytest.mark.parametrize(
    "plain",
    [
        pytest.param([2, 0, 0, -1], id="a bit of 2 and a slack of -1"),
        pytest.param([2, -1, 0, 0], id="2 for one and -1 for another"),
        pytest.param([-1, 1, 1, 0], id="minus one vote"),
        pytest.param([1000, 0, 0, -999], id="a thousand votes"),
        pytest.param([1, 1, 0, 0], id="over-vote"),
        pytest.param([0, 0, 0, 0], id="neither a choice nor slack"),
        pytest.param([0, 1, 0, 1], id="a choice and slack"),
    ],
)
def test_what_is_no_valid_ballot_cannot_be_proved(plain: list[int]) -> None:
    relation, witness, proof_tag = statement(plain, SMALL)
    assert validate_instance(relation)
    assert not accepted(relation, prove_without_looking(relation, witness, proof_tag), proof_tag, SMALL)
    with pytest.raises(ValueError, match="does not satisfy"):
        prove_batchable(proof_tag, relation, witness)


@pytest.mark.parametrize("plain", [[2, 0, 0], [0, -1, 0]])
def test_a_score_of_single_options_cannot_leave_its_bits_either(plain: list[int]) -> None:
    election = manifest([dict(SCORE_EACH, score=1, max=3)])
    relation, witness, proof_tag = statement(plain, election)
    assert not accepted(relation, prove_without_looking(relation, witness, proof_tag), proof_tag, election)
    relation, witness, proof_tag = statement([1, 1, 0], election)
    assert accepted(relation, prove_without_looking(relation, witness, proof_tag), proof_tag, election)


def test_the_statement_of_a_ballot_is_its_whole_content(one_ballot: Ballot) -> None:
    elements, proof_tag = ballot_statement(one_ballot, ELECTION, KEY)
    assert elements == KEY + CREDENTIAL + one_ballot.ciphertexts
    assert proof_tag == tag("Ballot", ELECTION, one_ballot.body_hash)
    assert engine.verify(layout(SMALL, 0).template.header, elements, proof_tag, one_ballot.proof)


# ---- Test or cast ----


@pytest.mark.parametrize("contest", ALL, ids=lambda contest: contest["id"])
def test_a_tested_ballot_opens_to_the_choices(contest: dict[str, object]) -> None:
    election = manifest([contest])
    for choice in CHOICES[str(contest["id"])]:
        sealed = sealed_ballot(election, [choice])
        opened = open_ballot(sealed.opening(), election, ELECTION, KEY)
        assert opened.choices == (tuple(choice),)
        assert opened.tracking_code == sealed.tracking_code
        assert (opened.style, opened.credential, opened.previous) == ("d1-1", CREDENTIAL, FIRST)


def test_a_ballot_that_encrypts_something_else_does_not_open() -> None:
    lying = replace(sealed_ballot(SMALL, [[0, 1, 0]]), choices=((1, 0, 0),))
    with pytest.raises(BadProof, match="bit 1 of the opened ballot, in contest blank"):
        open_ballot(lying.opening(), SMALL, ELECTION, KEY)


def test_a_ballot_under_another_seed_does_not_open() -> None:
    lying = replace(sealed_ballot(SMALL, [[0, 1, 0]]), seed=seed("another"))
    with pytest.raises(BadProof, match="bit 1"):
        open_ballot(lying.opening(), SMALL, ELECTION, KEY)


def test_a_ballot_under_another_key_does_not_open() -> None:
    opening = sealed_ballot(SMALL, [[0, 1, 0]]).opening()
    with pytest.raises(BadProof, match="bit 1"):
        open_ballot(opening, SMALL, ELECTION, point("another key"))


def test_a_ballot_of_another_election_does_not_open() -> None:
    opening = sealed_ballot(SMALL, [[0, 1, 0]]).opening()
    with pytest.raises(BadProof, match="another election"):
        open_ballot(opening, SMALL, OTHER_ELECTION, KEY)


@pytest.mark.parametrize("choices", [[[1, 1, 0]], [[0, 1]], [], [[0, 1, 0], []]])
def test_an_opening_with_impossible_choices_is_no_ballot(choices: list[list[int]]) -> None:
    lying = replace(sealed_ballot(SMALL, [[0, 1, 0]]), choices=tuple(map(tuple, choices)))
    with pytest.raises(BadProof, match="make no ballot"):
        open_ballot(lying.opening(), SMALL, ELECTION, KEY)


def test_a_body_with_more_in_it_than_the_ballot_does_not_open() -> None:
    sealed = sealed_ballot(SMALL, [[0, 1, 0]])
    body = canonical_bytes({**json.loads(sealed.body), "more": 1})
    with pytest.raises(BadProof, match="not the one its own members give"):
        open_ballot(replace(sealed, body=body).opening(), SMALL, ELECTION, KEY)


def test_an_altered_byte_of_an_opening_is_caught_wherever_it_is() -> None:
    opening = sealed_ballot(SMALL, [[0, 1, 0]]).opening()
    for position in range(0, len(opening), 7):
        altered = bytearray(opening)
        altered[position] ^= 1
        with pytest.raises(RetallyError):
            open_ballot(bytes(altered), SMALL, ELECTION, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "ballot"},
        {"choices": 1},
        {"choices": [[True, 0, 0]]},
        {"choices": [["1", 0, 0]]},
        {"choices": [0, 1, 0]},
        {"seed": b64url_encode(bytes(31))},
        {"seed": 0},
        {"ballot": b64url_encode(b"{}")},
        {"ballot": b64url_encode(b"[]")},
        {"ballot": b64url_encode(b'{"kind": "ballot"}')},
        {"more": 0},
    ],
)
def test_what_is_no_opening_is_refused(change: dict[str, object]) -> None:
    members = json.loads(sealed_ballot(SMALL, [[0, 1, 0]]).opening())
    with pytest.raises(Malformed):
        open_ballot(
            json.dumps({**members, **change}, sort_keys=True, separators=(",", ":")).encode(), SMALL, ELECTION, KEY
        )
