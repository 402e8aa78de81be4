"""What only the manifest decides about an entry's form: numbers, lengths, ids; and that points and scalars are well
encoded (docs/spec 8.3, check V09).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retally_crypto.engine import engine
from retally_crypto.entries import (
    Ballot,
    Entry,
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianConfirmation,
    GuardianShares,
    Opening,
    PaperCount,
    PartialDecryption,
    Result,
    Roll,
    RollCommitment,
    RollReplacement,
    RollRevocation,
)
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest, layout


def check_ballot_shape(ballot: Ballot, manifest: Manifest) -> None:
    """The style is known and ciphertexts and proof have its lengths. Raises Malformed. Points are not looked at."""
    index = manifest.style_index(ballot.style)
    if index is None:
        raise Malformed(f"ballot: there is no style {ballot.style[:64]!r}")
    shape = layout(manifest, index)
    _length("ballot: ciphertexts", ballot.ciphertexts, shape.ciphertexts_length)
    _length("ballot: proof", ballot.proof, shape.proof_length)


def check_encodings(entry: Entry, manifest: Manifest) -> None:
    """Everything about an entry's form that `parse_entry` could not know. Raises Malformed."""
    if isinstance(entry, Ballot):
        check_ballot_shape(entry, manifest)
        index = manifest.style_index(entry.style)
        equations = layout(manifest, index or 0).template.equations
        _points("ballot: credential", entry.credential)
        _points("ballot: ciphertexts", entry.ciphertexts)
        _points("ballot: commitment of the proof", entry.proof[: 32 * equations])
        _scalars("ballot: response of the proof", entry.proof[32 * equations :])
        return
    form = _FORMS.get(type(entry.content))
    if form is not None:
        form(entry.content, manifest)


def _guardian_commitment(content: GuardianCommitment, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)
    k = manifest.guardians.threshold
    _length("commitments", content.commitments, 32 * k)
    _length("proof", content.proof, 64 * k)
    _points("commitments", content.commitments)
    _points("commitment of the proof", content.proof[: 32 * k])
    _scalars("response of the proof", content.proof[32 * k :])


def _guardian_shares(content: GuardianShares, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)
    n = len(manifest.guardians.keys)
    others = [number for number in range(1, n + 1) if number != content.guardian]
    if [share.guardian for share in content.shares] != others:
        raise Malformed(f"shares: one for every other guardian of {n} in ascending order")


def _guardian_complaint(content: GuardianComplaint, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)
    _guardian(content.against, manifest)


def _guardian_answer(content: GuardianAnswer, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)
    _guardian(content.complainant, manifest)
    _scalars("share", content.share)


def _guardian_confirmation(content: GuardianConfirmation, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)


def _roll_commitment(content: RollCommitment, manifest: Manifest) -> None:
    _registrar(content.registrar, manifest)


def _roll(content: Roll, manifest: Manifest) -> None:
    _registrar(content.registrar, manifest)
    _length("parts", content.parts, 32 * len(content.styles))
    _points("parts", content.parts)
    for style in content.styles:
        if style >= len(manifest.styles):
            raise Malformed(f"styles: there is no style of index {style}")


def _revocation(content: RollRevocation, manifest: Manifest) -> None:
    _points("credential", content.credential)


def _replacement(content: RollReplacement, manifest: Manifest) -> None:
    registrars = len(manifest.registrars)
    _points("credential", content.credential)
    _length("parts", content.parts, 32 * registrars)
    _length("proofs", content.proofs, 64 * registrars)
    _points("parts", content.parts)
    for start in range(0, len(content.proofs), 64):
        _points("commitment of a proof", content.proofs[start : start + 32])
        _scalars("response of a proof", content.proofs[start + 32 : start + 64])


def _opening(content: Opening, manifest: Manifest) -> None:
    _points("key", content.key)


def _paper_count(content: PaperCount, manifest: Manifest) -> None:
    if content.contest not in manifest.contests_of(content.district):
        raise Malformed(f"district {content.district} has no contest {content.contest}")
    options = len(manifest.contest(content.contest).options)
    for station in content.stations:
        if len(station.votes) != options:
            raise Malformed(f"station {station.id}: {len(station.votes)} numbers of votes for {options} options")
    if len({station.id for station in content.stations}) != len(content.stations):
        raise Malformed("stations: an id occurs twice")


def _partial_decryption(content: PartialDecryption, manifest: Manifest) -> None:
    _guardian(content.guardian, manifest)
    _known_districts(content.units, manifest)
    equations = 1 + len(content.points) // 32
    _length("proof", content.proof, 32 * equations + 32)
    _points("points", content.points)
    _points("commitment of the proof", content.proof[: 32 * equations])
    _scalars("response of the proof", content.proof[32 * equations :])


def _result(content: Result, manifest: Manifest) -> None:
    _known_districts(tuple(unit.districts for unit in content.units), manifest)
    known = {contest.id for contest in manifest.contests}
    for unit in content.units:
        for contest in unit.contests:
            if contest.contest not in known:
                raise Malformed(f"units: there is no contest {contest.contest}")


_FORMS: dict[type[Any], Callable[[Any, Manifest], None]] = {
    GuardianCommitment: _guardian_commitment,
    GuardianShares: _guardian_shares,
    GuardianComplaint: _guardian_complaint,
    GuardianAnswer: _guardian_answer,
    GuardianConfirmation: _guardian_confirmation,
    RollCommitment: _roll_commitment,
    Roll: _roll,
    RollRevocation: _revocation,
    RollReplacement: _replacement,
    Opening: _opening,
    PaperCount: _paper_count,
    PartialDecryption: _partial_decryption,
    Result: _result,
}
"""A closing and a manifest have nothing that only the manifest decides (a second manifest fails V04)."""


def _guardian(number: int, manifest: Manifest) -> None:
    if number > len(manifest.guardians.keys):
        raise Malformed(f"there is no guardian {number}")


def _registrar(number: int, manifest: Manifest) -> None:
    if number > len(manifest.registrars):
        raise Malformed(f"there is no registrar {number}")


def _known_districts(units: tuple[tuple[str, ...], ...], manifest: Manifest) -> None:
    for unit in units:
        for district in unit:
            if not manifest.contests_of(district):
                raise Malformed(f"units: there is no district {district}")


def _length(what: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise Malformed(f"{what}: {len(value)} bytes, {length} needed")


def _points(what: str, points: bytes) -> None:
    wrong = engine.invalid_points(points)
    if wrong:
        raise Malformed(f"{what}: point {wrong[0]} is the identity or not canonical")


def _scalars(what: str, scalars: bytes) -> None:
    wrong = engine.invalid_scalars(scalars)
    if wrong:
        raise Malformed(f"{what}: scalar {wrong[0]} is not canonical")
