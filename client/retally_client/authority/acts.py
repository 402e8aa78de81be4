"""The authority's entries, each computed from the record of the board as it stands (docs/spec 4.4, 4.5, pages 5 and
7)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence

from pydantic import ValidationError

from retally_crypto.entries import Closing, Opening, PaperCount, Result, ResultContest, ResultUnit, Station
from retally_crypto.errors import Malformed, Refused
from retally_crypto.guardians import joint_key
from retally_crypto.manifest import Manifest
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
    """`paper-count` of one district and contest; marked late if somebody has already decrypted."""
    content = PaperCount(
        election=record.election_id,
        district=district,
        contest=contest,
        stations=tuple(stations),
        late=bool(record.partial_decryptions),
    )
    return sign_entry(content, [key])


def read_paper_counts(lines: Iterable[str], manifest: Manifest) -> dict[tuple[str, str], list[Station]]:
    """Paper counts from CSV with the columns district, contest, station, option, votes; option `invalid` for spoilt
    papers.

    Raises Malformed naming the line. Every station needs a number for every option and for `invalid`.
    """
    votes: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for number, row in _rows(lines):
        try:
            place, station, option = (row["district"], row["contest"]), row["station"], row["option"]
            count = int(row["votes"])
        except (KeyError, TypeError, ValueError):
            raise Malformed(
                f"paper counts, line {number}: district, contest, station, option and votes are needed"
            ) from None
        if place[1] not in manifest.contests_of(place[0]):
            raise Malformed(f"paper counts, line {number}: district {place[0]} has no contest {place[1]}")
        counted = votes.setdefault(place, {}).setdefault(station, {})
        if option in counted or count < 0:
            raise Malformed(f"paper counts, line {number}: a second or negative number for {option}")
        counted[option] = count
    return {
        (district, contest): [_station(name, counted, contest, manifest) for name, counted in stations.items()]
        for (district, contest), stations in votes.items()
    }


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(lines, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise Malformed(f"paper counts, line {reader.line_num + 1}: {error}") from None


def _station(name: str, counted: dict[str, int], contest: str, manifest: Manifest) -> Station:
    options = [option.id for option in manifest.contest(contest).options]
    if set(counted) != {*options, "invalid"}:
        odd = sorted(set(counted) ^ {*options, "invalid"})[0]
        raise Malformed(f"paper counts, station {name}: {odd} is missing or unknown")
    try:
        return Station(id=name, invalid=counted["invalid"], votes=tuple(counted[option] for option in options))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Malformed(f"paper counts, station {name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


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
