"""The honest election of the board vectors, and what its operator and officials could have made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from retally_crypto.encoding import b64url_decode
from retally_crypto.merkle import leaf_hash
from retally_crypto.secret.sign import SigningKey
from retally_lab.boards.election import Election, contest, district
from retally_lab.boards.files import body_hash, members_of, sign
from retally_lab.boards.people import Voter
from scripts.vectors.election import FixedElection, fixed_election, unlawful_ballot
from scripts.vectors.fixed import ANOTHER_POINT, drawn, records, scalar

Tampered = tuple[str, Election, int]
"""What was done, the board, and the index of the entry that a check has to name."""

QUESTION = contest("question", 2, "total", 1, 0, 1)
POINTS = contest("points", 1, "option", 3, 0, 3)


def honest() -> FixedElection:
    """Two districts, five of six voters vote, one of them twice; two of three guardians; two of three witnesses."""
    election = _created()
    election.ceremony()
    election.roll()
    election.open()
    for name, choices in (
        ("north-1", [[1, 0], [3]]),
        ("north-2", [[0, 1], [1]]),
        ("south-1", [[0, 1]]),
        ("north-1", [[0, 0], [2]]),
        ("south-2", [[0, 1]]),
        ("south-3", [[1, 0]]),
    ):
        election.cast(name, choices)
    election.close()
    election.paper("north", "question", [10, 20])
    election.decrypt(1, 3)
    election.result()
    return election


def _created(**manifest_members: Any) -> FixedElection:
    settings: dict[str, Any] = {
        "contests": [QUESTION, POINTS],
        "districts": [district("north"), district("south")],
        "styles": {"north": ["question", "points"], "south": ["question"]},
        "witness_count": (2, 3),
        "title": "An election for board vectors",
    }
    return fixed_election("board", {"north": 3, "south": 3}, **settings | manifest_members)


def wrong_manifests(base: Election) -> list[tuple[str, Election]]:
    """Boards of one entry, a manifest that breaks a rule of 4.1."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("a manifest that closes before it opens", {"opens": 2, "closes": 1}),
        (
            "a manifest in which two options have one id",
            {"contests": [{**QUESTION, "options": QUESTION["options"][:1] * 2}, POINTS]},
        ),
        ("a manifest whose contest allows more than it can hold", {"contests": [{**QUESTION, "max": 3}, POINTS]}),
        ("a manifest with one key for two roles", {"registrars": [members_of(base.entries[0])["authority"]]}),
    ]
    boards = [(name, cast(Election, _created(**members))) for name, members in cases]
    unsigned = _created()
    unsigned.entries[0] = sign(members_of(unsigned.entries[0]), [stranger("authority")])
    return [*boards, ("a manifest signed by another key", unsigned)]


def stranger(name: str) -> SigningKey:
    """A key of that name that nobody knows."""
    return SigningKey.from_seed(name, drawn(f"stranger {name}", 32))


def leaf_hashes(election: Election) -> list[bytes]:
    """Of every entry."""
    return [leaf_hash(raw) for raw in election.entries]


# ---- where the last entry is the one to refuse, or the election goes on after it ----


def _finish(election: Election) -> Election:
    election.close()
    election.decrypt(1, 3)
    election.result()
    return election


def _while_voting(name: str, entry: Callable[[FixedElection], bytes]) -> Callable[[Election], Tampered]:
    """An entry more before the closing; the election ends in order."""

    def make(base: Election) -> Tampered:
        election = cast(FixedElection, base.before("closing"))
        at = election.append(entry(election))
        return name, _finish(election), at

    return make


def _after(name: str, kind: str, entry: Callable[[FixedElection], bytes]) -> Callable[[Election], Tampered]:
    """An entry more at the end of the board as it was before the first entry of `kind`; the election stops there."""

    def make(base: Election) -> Tampered:
        election = cast(FixedElection, base.before(kind) if kind else base.copy())
        return name, election, election.append(entry(election))

    return make


def _last(name: str, kind: str, **members: Any) -> Callable[[Election], Tampered]:
    """The last entry of `kind` with other members; the board stops there."""

    def make(base: Election) -> Tampered:
        election = base.copy()
        at = election.indices_of(kind)[-1]
        del election.entries[at + 1 :]
        election.edit(at, **members)
        return name, election, at

    return make


def _decrypting(name: str, number: int, **members: Any) -> Callable[[Election], Tampered]:
    """A third partial decryption, altered, after two right ones."""

    def make(base: Election) -> Tampered:
        election = base.before("result")
        at = election.append(election.partial_decryption(number))
        election.edit(at, **members)
        election.result()
        return name, election, at

    return make


def _ballot_changed(election: FixedElection, /, **members: Any) -> bytes:
    at = election.cast("north-3", [[1, 0], [0]])
    election.edit(at, **members)
    return election.entries.pop()


def _ciphertexts(election: FixedElection) -> list[bytes]:
    return records(b64url_decode(members_of(election.ballot("north-3", [[1, 0], [0]]))["ciphertexts"]))


def _respaced(election: FixedElection) -> bytes:
    return election.ballot("north-3", [[1, 0], [0]]).replace(b",", b", ", 1)


def _by_registrar(election: FixedElection) -> bytes:
    members = {"credential": election.voters["north-3"].credential, "reason": "an operator's wish"}
    return election.official("roll-revocation", election.registrars[:1], **members)


def _of_another_election(election: FixedElection) -> bytes:
    members = {"credential": election.voters["north-3"].credential, "reason": "moved away"}
    return sign({"kind": "roll-revocation", "election": bytes(32), **members}, election.registrars)


def _stranger_votes(election: FixedElection) -> bytes:
    voter = Voter("stranger", "north", [drawn("a stranger's code", 15), drawn("her other code", 15)])
    voter.derive(election.election_id)
    election.voters["stranger"] = voter
    return election.ballot("stranger", [[1, 0], [0]])


def _other_style(election: FixedElection) -> bytes:
    election.voters["north-3"].style = "south"
    raw = election.ballot("north-3", [[1, 0]])
    election.voters["north-3"].style = "north"
    return raw


def _reused_nonces(election: FixedElection) -> bytes:
    """The randomness of the voter's first ballot again, around another vote."""
    sealed = election.seal("north-2", [[0, 1], [1]], previous=bytes(32))
    bits = [1, 0, 0, 1, 1]
    previous = election.last_ballot("north-2")
    return unlawful_ballot(election, "north-2", bits, sealed.nonces, previous)


def _held_back(election: FixedElection) -> bytes:
    """A ballot made after the voter's first one and withheld until she had cast another."""
    first = election.entries[election.index_of("ballot")]
    return election.ballot("north-1", [[0, 1], [0]], previous=body_hash(first))


def _paper_in_time(election: FixedElection) -> bytes:
    election.paper("south", "question", [1, 2], late=False)
    return election.entries.pop()


def _stolen_commitments(base: Election) -> Tampered:
    election = base.before("guardian-shares")
    at = election.indices_of("guardian-commitment")[-1]
    first = members_of(election.entries[1])
    election.edit(at, commitments=first["commitments"], proof=first["proof"])
    return "a guardian that repeats another one's commitments and proof", election, at


def _wrong_answer(base: Election) -> Tampered:
    election = base.before("guardian-confirmation")
    election.complain(2, against=1)
    at = election.answer(1, complainant=2, share=scalar("a wrong share"))
    return "an answer with a wrong share", election, at


def _accused_twice(base: Election) -> Tampered:
    election = base.before("guardian-confirmation")
    election.complain(2, against=1)
    return "a guardian accused by as many as the threshold", election, election.complain(3, against=1)


def _broken_roll(base: Election) -> Tampered:
    election = base.before("opening")
    at = election.indices_of("roll")[-1]
    parts = records(b64url_decode(members_of(election.entries[at])["parts"]))
    election.edit(at, parts=b"".join([parts[1], parts[0], *parts[2:]]))
    return "a registrar that reveals other parts than it committed to", election, at


def _revoked_voter(election: FixedElection) -> bytes:
    members = {"credential": election.voters["north-1"].credential, "reason": "moved away"}
    return election.official("roll-revocation", election.registrars, **members)


def _wrong_counts(base: Election) -> Tampered:
    election = base.copy()
    at = election.index_of("result")
    units = members_of(election.entries[at])["units"]
    units[1]["contests"][0]["counts"] = [2, 1]
    election.edit(at, units=units)
    return "a result with other counts than the shares give", election, at


def _one_unit_twice(base: Election) -> Tampered:
    election = base.copy()
    at = election.index_of("result")
    units = members_of(election.entries[at])["units"]
    election.edit(at, units=[*units, {**units[0], "districts": ["north", "south"]}])
    return "a result with a unit reported both alone and merged", election, at


def _another_share(base: Election) -> Tampered:
    election = base.before("result")
    at = election.append(election.partial_decryption(2, share=election.secret_share(1)))
    election.result()
    return "a partial decryption with another guardian's share", election, at


def _twice(base: Election) -> Tampered:
    election = base.before("result")
    at = election.append(election.partial_decryption(3))
    election.result()
    return "a guardian that decrypts twice", election, at


def _early_checkpoint(base: Election) -> Tampered:
    election = base.before("result")
    size = election.index_of("closing")
    election.append(election.partial_decryption(2))
    at = len(election.entries) - 1
    root = base.before("closing").record().root
    election.edit(at, size=size, root=root)
    election.result()
    return "a partial decryption for a checkpoint before the closing", election, at


REFUSED: Mapping[str, Sequence[Callable[[Election], Tampered]]] = {
    "V04": [
        _while_voting("a revocation signed by one registrar of two", _by_registrar),
        _while_voting("a second manifest", lambda e: e.entries[0]),
        _while_voting("a second opening", lambda e: e.entries[e.index_of("opening")]),
        _while_voting(
            "a closing signed by a guardian", lambda e: e.official("closing", [e.guardians[0].key], ballots=6)
        ),
        _after("a second closing", "partial-decryption", lambda e: e.entries[e.index_of("closing")]),
        _after("a ballot after the closing", "partial-decryption", lambda e: e.ballot("north-3", [[1, 0], [0]])),
        _after("a paper count that hides that it is late", "", _paper_in_time),
    ],
    "V05": [_stolen_commitments],
    "V06": [
        _wrong_answer,
        _accused_twice,
        _last("a confirmation of another ceremony", "guardian-confirmation", ceremony=bytes(32)),
    ],
    "V07": [_last("an opening with another key", "opening", key=ANOTHER_POINT)],
    "V08": [
        _broken_roll,
        _last("a registrar that reveals to other commitments", "roll", commitments=bytes(32)),
        _last("an opening with another roll", "opening", roll=bytes(32)),
        _last("an opening with another number of credentials", "opening", credentials=7),
        _while_voting("a revocation of a credential that has voted", _revoked_voter),
    ],
    "V09": [
        _while_voting("a ballot with a space in it", _respaced),
        _while_voting(
            "a ballot with the identity in it",
            lambda e: _ballot_changed(e, ciphertexts=b"".join([bytes(32), *_ciphertexts(e)[1:]])),
        ),
        _while_voting(
            "a ballot of another election", lambda e: _ballot_changed(e, election=drawn("another election", 32))
        ),
        _while_voting("an entry of an unknown kind", lambda e: e.official("import", [e.authority])),
        _while_voting("an official's entry of another election", _of_another_election),
    ],
    "V10": [
        _while_voting(
            "a ballot altered after it was proved",
            lambda e: _ballot_changed(
                e, ciphertexts=b"".join([*_ciphertexts(e)[:1], ANOTHER_POINT, *_ciphertexts(e)[2:]])
            ),
        ),
        _while_voting(
            "a ballot copied to another credential",
            lambda e: _ballot_changed(e, credential=e.voters["north-1"].credential),
        ),
        _while_voting("a ballot with a bit that is 2", lambda e: unlawful_ballot(e, "north-3", [2, -1, 0, 0, 0])),
        _while_voting(
            "a ballot with two votes where one is allowed", lambda e: unlawful_ballot(e, "north-3", [1, 1, 0, 0, 0])
        ),
    ],
    "V11": [
        _while_voting("a credential that is not on the roll", _stranger_votes),
        _while_voting("a style that is not the credential's", _other_style),
    ],
    "V12": [
        _while_voting("a chain that is forked", lambda e: e.ballot("north-1", [[0, 1], [0]], previous=bytes(32))),
        _while_voting("a ballot replayed", lambda e: e.entries[e.index_of("ballot")]),
        _while_voting("a ballot that was held back", _held_back),
    ],
    "V13": [_while_voting("the randomness of an earlier ballot", _reused_nonces)],
    "V14": [_last("a closing with another number of ballots", "closing", ballots=5)],
    "V15": [_last("a result that miscounts who voted", "result", voted=6)],
    "V16": [_decrypting("a partial decryption of other sums", 2, aggregates=bytes(32))],
    "V17": [
        _another_share,
        _early_checkpoint,
        _decrypting("a partial decryption under another root", 2, root=bytes(32)),
    ],
    "V18": [_last("a result from another combination", "result", combined=bytes(32))],
    "V19": [_wrong_counts],
    "V20": [_twice, _one_unit_twice, _decrypting("units that are not the reported ones", 2, units=[["north"]])],
}
