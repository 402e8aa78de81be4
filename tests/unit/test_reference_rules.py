"""Rules of the reference verifier that only a fraud with all the right signatures and proofs can break."""

from __future__ import annotations

import base64

import pytest

from retally_crypto import credentials
from retally_crypto.merkle import leaf_hash
from retally_crypto.policy_text import format_policy
from retally_crypto.secret.credentials import prove_part
from retally_crypto.secret.decrypt import partial_decrypt
from retally_lab.boards.election import CLOSES, Election
from retally_lab.boards.files import checkpoint, sign
from retally_reference.group import RISTRETTO255, encode_any
from retally_reference.merkle import merkle_root
from retally_reference.report import Report
from retally_reference.verify import verify_board


def verify(election: Election, **other_files: bytes) -> Report:
    files = {**election.files(), **{name.replace("_", "."): content for name, content in other_files.items()}}
    return verify_board(files.get, format_policy(election.policy()))


def assert_only(election: Election, check: str, at: int) -> None:
    """The check fails, alone, and names entry `at`."""
    report = verify(election)
    assert report.failed == (check,), report
    assert [note.split(":")[0] for note in report.notes_of(check) if note.startswith("entry")] == [f"entry {at}"]


def with_signature_flipped(raw: bytes) -> bytes:
    """A note whose last signature has one bit changed."""
    head, _, encoded = raw[:-1].rpartition(b" ")
    signature = bytearray(base64.b64decode(encoded))
    signature[-40] ^= 1
    return head + b" " + base64.b64encode(signature) + b"\n"


def partial_decryption(election: Election, size: int, root: bytes) -> bytes:
    """A proved partial decryption by guardian 1 that answers to the checkpoint given."""
    record = election.record()
    aggregates, digest = record.aggregates()
    points, proof = partial_decrypt(election.secret_share(1), aggregates, election.election_id, 1, size, root)
    return election.official(
        "partial-decryption", [election.guardians[0].key], guardian=1, size=size, root=root,
        units=[list(unit.districts) for unit in record.reported_units()], aggregates=digest, points=points, proof=proof,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["guardian-commitment", "roll", "opening", "closing", "result"])
def test_an_officials_signature_is_verified(honest_election: Election, kind: str) -> None:
    election = honest_election.copy()
    at = election.index_of(kind)
    del election.entries[at + 1 :]
    election.entries[at] = with_signature_flipped(election.entries[at])
    assert_only(election, "V04", at)


def test_the_manifests_signature_is_verified(honest_election: Election) -> None:
    election = honest_election.copy()
    election.entries[:] = [with_signature_flipped(election.entries[0])]
    report = verify(election)
    assert report.failed == ("V03",)
    assert report.notes_of("V03") == ["entry 0: the signature of authority is wrong"]


def test_every_cosignature_is_verified() -> None:
    election = Election.create(witness_count=(2, 3))
    files = election.files()
    assert verify(election).state_of("V01") == "pass"
    report = verify(election, checkpoint=with_signature_flipped(files["checkpoint"]))
    assert report.failed == ("V01",)
    assert report.notes_of("V01") == ["a wrong cosignature of witness-3"]


def test_the_boards_signature_is_verified(honest_election: Election) -> None:
    wrong = with_signature_flipped(honest_election.files()["checkpoint"])
    assert verify(honest_election, checkpoint=wrong).notes_of("V01") == ["a wrong signature of the board"]


def test_a_guardian_answers_to_a_checkpoint_of_this_board_that_covers_the_closing(honest_election: Election) -> None:
    tallying = honest_election.before("partial-decryption")
    hashes, closing = b"".join(map(leaf_hash, tallying.entries)), tallying.index_of("closing")
    size = len(tallying.entries)
    for answered, root, right in [
        (size, merkle_root(hashes), True),
        (closing + 1, merkle_root(hashes[: 32 * (closing + 1)]), True),
        (closing, merkle_root(hashes[: 32 * closing]), False),
        (size, merkle_root(hashes[32:]), False),
        (size + 1, merkle_root(hashes), False),
    ]:
        election = tallying.copy()
        at = election.append(partial_decryption(election, answered, root))
        if right:
            assert verify(election).failed == ()
        else:
            assert_only(election, "V17", at)


@pytest.mark.parametrize("late", [True, False])
def test_a_paper_count_says_when_it_was_entered(honest_election: Election, late: bool) -> None:
    election = honest_election.before("paper-count" if late else "result")
    at = election.paper("south", "mayor", [1, 2, 3], late=late)
    assert_only(election, "V04", at)


def test_a_guardian_cannot_accuse_itself_or_twice(honest_election: Election) -> None:
    election = honest_election.before("guardian-confirmation")
    at = election.complain(1, 1)
    assert_only(election, "V04", at)
    election.entries.pop()
    election.complain(1, 2)
    at = election.complain(1, 2)
    assert_only(election, "V04", at)


def test_a_wrong_answer_is_named_and_a_right_one_may_follow(honest_election: Election) -> None:
    election = honest_election.before("guardian-confirmation")
    election.complain(1, 2)
    at = election.answer(2, 1, share=b"\1" + bytes(31))
    assert_only(election, "V06", at)
    election.answer(2, 1)
    for number in (1, 2, 3):
        election.confirm(number)
    assert_only(election, "V06", at)


def test_k_accusers_void_the_ceremony(honest_election: Election) -> None:
    election = honest_election.before("guardian-confirmation")
    election.complain(1, 2)
    at = election.complain(3, 2)
    assert_only(election, "V06", at)


def test_nobody_is_put_on_the_roll_twice(honest_election: Election) -> None:
    election = honest_election.before("ballot")
    old, twin = election.voters["north-3"].credential, election.voters["south-3"]
    numbered = enumerate(twin.secrets, start=1)
    proofs = [prove_part(secret, election.election_id, number, old) for number, secret in numbered]
    at = election.append(
        election.official(
            "roll-replacement", election.registrars, credential=old, parts=b"".join(twin.parts),
            proofs=b"".join(proofs), reason="lost codes",
        )
    )  # fmt: skip
    assert_only(election, "V08", at)


@pytest.mark.parametrize("kind", ["opening", "closing"])
def test_what_shows_when_an_entry_took_effect_covers_that_entry(kind: str) -> None:
    election = Election.create(witness_count=(2, 3))
    for step in (election.ceremony, election.roll, election.open, election.close):
        step()
    at = election.index_of(kind)
    time = 1_800_000_000 if kind == "opening" else CLOSES
    hashes = [leaf_hash(raw) for raw in election.entries]
    forked = [*hashes[:at], leaf_hash(b"another"), hashes[at]]
    for covered, state in [(hashes[: at + 1], "pass"), (hashes[:at], "fail"), (forked, "fail")]:
        effect = checkpoint(covered, election.board, election.witnesses, time)
        assert verify(election, **{f"checkpoint_{kind}": effect}).state_of("V04") == state
    alone = checkpoint(hashes[: at + 1], election.board, election.witnesses[:1], time)
    assert verify(election, **{f"checkpoint_{kind}": alone}).state_of("V04") == "fail"


def test_an_entry_of_another_election_is_refused(honest_election: Election) -> None:
    election, elsewhere = honest_election.before("closing"), bytes(32)
    at = election.append(
        sign({"kind": "closing", "election": elsewhere, "ballots": 6}, [election.authority]),
    )
    assert_only(election, "V09", at)
    election.entries.pop()
    at = election.cast("north-3", [[1, 0, 0], [0, 0]])
    election.edit(at, election=elsewhere)
    assert_only(election, "V09", at)


def test_who_has_voted_stays_on_the_roll(honest_election: Election) -> None:
    election = honest_election.before("closing")
    assert_only(election, "V08", election.revoke("north-1"))
    election.entries.pop()
    assert_only(election, "V08", election.replace("north-1"))


def test_the_roll_is_that_which_was_committed_to(honest_election: Election) -> None:
    parts = [voter.parts[0] for voter in honest_election.voters.values()]
    styles = [0, 0, 0, 1, 1, 1]
    for changed in (
        {"parts": b"".join([*parts[:5], parts[0]])},
        {"styles": [*styles[:5], 0]},
        {"commitments": bytes(32)},
    ):
        election = honest_election.before("opening")
        at = election.index_of("roll")
        del election.entries[at + 1 :]
        election.edit(at, **changed)
        assert_only(election, "V08", at)


def register(election: Election, parts: dict[int, list[bytes]], styles: dict[int, list[int]]) -> None:
    """Registrars commit to these parts and styles, and reveal them."""
    commitments = [
        credentials.roll_commitment(election.election_id, number, b"".join(parts[number]), styles[number])
        for number in (1, 2)
    ]
    for number, key in enumerate(election.registrars, start=1):
        kept = {"registrar": number, "credentials": len(styles[number]), "commitment": commitments[number - 1]}
        election.append(election.official("roll-commitment", [key], **kept))
    seen = credentials.roll_commitments_digest(election.election_id, commitments)
    for number, key in enumerate(election.registrars, start=1):
        shown = {"parts": b"".join(parts[number]), "styles": styles[number], "commitments": seen}
        election.append(election.official("roll", [key], registrar=number, first=0, **shown))


def test_all_registrars_name_the_same_styles_and_different_credentials(honest_election: Election) -> None:
    parts = {1: [voter.parts[0] for voter in honest_election.voters.values()][:2]}
    parts[2] = [voter.parts[1] for voter in honest_election.voters.values()][:2]
    for own, styles in [
        (parts, {1: [0, 1], 2: [0, 0]}),
        ({1: [parts[1][0]] * 2, 2: [parts[2][0]] * 2}, {1: [0, 1], 2: [0, 1]}),
        ({1: parts[1], 2: [negated(parts[1][0]), parts[2][1]]}, {1: [0, 1], 2: [0, 1]}),
    ]:
        election = honest_election.before("roll-commitment")
        register(election, own, styles)
        assert_only(election, "V08", len(election.entries) - 1)


def negated(point: bytes) -> bytes:
    """The point that adds up with this one to the identity."""
    return encode_any(RISTRETTO255.negate(RISTRETTO255.decode(point)))


def test_the_checkpoints_root_is_that_of_the_entries(honest_election: Election) -> None:
    files = honest_election.files()
    other = checkpoint([leaf_hash(b"another")] * len(honest_election.entries), honest_election.board, (), CLOSES)
    assert verify(honest_election, checkpoint=other).failed == ("V02",)
    assert verify(honest_election, checkpoint=files["checkpoint"]).failed == ()


def test_the_quorum_is_that_of_the_policy() -> None:
    election = Election.create(witness_count=(2, 3))
    policy = format_policy(election.policy())
    assert b"group witnesses 2 " in policy
    for changed in (policy.replace(b"group witnesses 2 ", b"group witnesses 3 "), without_witnesses(policy)):
        assert verify_board(election.files().get, changed).failed == ("V03",)


def without_witnesses(policy: bytes) -> bytes:
    """The policy of one who trusts no witness."""
    return b"\n".join(policy.split(b"\n")[:3]) + b"\nquorum none\n"
