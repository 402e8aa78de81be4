"""The authority's entries, each computed from the record of the board as it stands (docs/spec 4.4, 4.5, pages 5 and
7)."""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.entries import Closing, Opening, PaperCount, Result, ResultContest, ResultUnit, Station
from retally_crypto.errors import Malformed, Refused
from retally_crypto.guardians import joint_key
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.v05_v07_ceremony import commitments_in_order
from retally_crypto.rules.v08_roll import opened_digest
from retally_crypto.secret.sign import SigningKey, sign_entry


def opening_entry(record: ElectionRecord, key: SigningKey) -> bytes:
    """`opening`: joint key, number of active credentials and digest of the roll. Raises Refused if it is too early."""
    state = record.state
    missing = state.guardians - len(state.ceremony.confirmations)
    if missing:
        raise Refused(f"{missing} of {state.guardians} guardians have not confirmed the ceremony")
    if not state.roll.complete:
        raise Refused("the registrars' roll is not complete")
    content = Opening(
        election=record.election_id,
        key=joint_key(commitments_in_order(state)),
        credentials=state.roll.active,
        roll=opened_digest(state),
    )
    return sign_entry(content, [key])


def closing_entry(record: ElectionRecord, key: SigningKey) -> bytes:
    """`closing`, with the number of ballots now on the board."""
    return sign_entry(Closing(election=record.election_id, ballots=record.state.ballots.entries), [key])


def paper_count_entry(
    record: ElectionRecord, key: SigningKey, district: str, contest: str, stations: Sequence[Station]
) -> bytes:
    """`paper-count` of one district and contest; marked late if somebody has already decrypted.

    Raises Refused if there are more stations than an entry can hold.
    """
    content = PaperCount(
        election=record.election_id,
        district=district,
        contest=contest,
        stations=tuple(stations),
        late=bool(record.partial_decryptions),
    )
    try:
        return sign_entry(content, [key])
    except Malformed:
        raise Refused(
            f"{district}, {contest}: {len(stations):,} stations are more than one entry can hold: join small ones"
        ) from None


def result_entry(record: ElectionRecord, key: SigningKey) -> bytes:
    """`result`: what anyone computes from the board now. Raises Refused while fewer than k guardians have decrypted."""
    outcome = record.outcome()
    if outcome is None:
        raise Refused("the board is not closed")
    if outcome.counts is None or outcome.combined is None:
        k, have = record.state.threshold, len(record.partial_decryptions)
        raise Refused(f"{have} valid partial decryptions are on the board, {k} are needed")
    numbers = outcome.reconciliation
    units = []
    for counted in outcome.counts:
        contests = []
        for contest in counted.contests:
            counts = [count for count in contest.counts if count is not None]
            if len(counts) != len(contest.counts):
                raise Refused(f"no count was found for an option of contest {contest.contest}")
            contests.append(ResultContest(contest=contest.contest, counts=tuple(counts)))
        unit = counted.unit
        units.append(
            ResultUnit(districts=unit.districts, state=unit.state, counted=unit.counted, contests=tuple(contests))
        )
    content = Result(
        election=record.election_id,
        credentials=numbers.credentials,
        voted=numbers.voted,
        accepted=numbers.accepted,
        superseded=numbers.superseded,
        counted=numbers.counted,
        refused=numbers.refused,
        units=tuple(units),
        combined=outcome.combined,
    )
    return sign_entry(content, [key])
