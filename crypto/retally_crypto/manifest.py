"""The manifest: what is decided before an election begins, and the rules it must obey (docs/spec 4.1, check V03).

A `Manifest` has the right members; `check_manifest` says which of the rules between them are broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from retally_crypto.contests import StyleLayout, layout_of, weights
from retally_crypto.engine import engine
from retally_crypto.members import Array, Bytes32, Identifier, Integer, Key, Members, Text, is_identifier
from retally_crypto.notes import COSIGNATURE_V1, ED25519, MAX_ENTRY_BYTES, VerifierKey

LONGEST_GRACE = 86_400
LARGEST_SCORE = 1000
_LARGEST = 2**53 - 1


class Option(Members):
    """One option of a contest."""

    id: Identifier
    title: Text


class Contest(Members):
    """A contest: options, the highest score of an option, and limits for their sum (`total`) or for each (`option`)."""

    id: Identifier
    title: Text
    options: Annotated[Array[Option], Field(min_length=1, max_length=256)]
    limit: Literal["total", "option"]
    score: Annotated[int, Field(ge=1, le=LARGEST_SCORE)]
    min: Integer
    max: Integer


class District(Members):
    """A reporting unit; `merge` names the district it is joined with when too few of its ballots are counted."""

    id: Identifier
    title: Text
    merge: Identifier | None


class Style(Members):
    """A ballot style: the district its ballots count in and the contests on it."""

    id: Identifier
    district: Identifier
    contests: Annotated[Array[Identifier], Field(min_length=1, max_length=64)]


class GuardianKeys(Members):
    """The guardians' signing keys and the number k of them that decrypt together."""

    keys: Annotated[Array[Key], Field(min_length=1, max_length=32)]
    threshold: Annotated[int, Field(ge=1, le=32)]


class WitnessKeys(Members):
    """The witnesses' cosignature keys and the quorum; none and 0 for a trial."""

    keys: Annotated[Array[Key], Field(max_length=32)]
    quorum: Annotated[int, Field(ge=0, le=32)]


class Caps(Members):
    """How many credentials may be revoked and replaced."""

    revocations: Integer
    replacements: Integer


class ClientPages(Members):
    """Where voters find the web client, and the digest of what is served there."""

    origins: Annotated[Array[Text], Field(max_length=16)]
    bundle: Bytes32 | None


class Manifest(Members):
    """Entry 0 of a board. Times are POSIX seconds, `grace` seconds."""

    kind: Literal["manifest"] = "manifest"
    version: Literal["RETALLY-V01"]
    title: Text
    notice: Text | None
    authority: Key
    board: Key
    registrars: Annotated[Array[Key], Field(min_length=1, max_length=16)]
    guardians: GuardianKeys
    witnesses: WitnessKeys
    opens: Integer
    closes: Integer
    grace: Annotated[int, Field(ge=0, le=LONGEST_GRACE)]
    contests: Annotated[Array[Contest], Field(min_length=1, max_length=64)]
    districts: Annotated[Array[District], Field(min_length=1, max_length=4096)]
    styles: Annotated[Array[Style], Field(min_length=1, max_length=4096)]
    smallest_unit: Integer
    caps: Caps
    client: ClientPages

    @cached_property
    def _style_indices(self) -> dict[str, int]:
        return {style.id: index for index, style in enumerate(self.styles)}

    @cached_property
    def _contests(self) -> dict[str, Contest]:
        return {contest.id: contest for contest in self.contests}

    @cached_property
    def _district_contests(self) -> dict[str, tuple[str, ...]]:
        return {style.district: style.contests for style in self.styles}

    @property
    def slug(self) -> str:
        """The board's short name: what follows the last slash of its origin (3.1)."""
        return self.board.name.rpartition("/")[2]

    def style_index(self, style_id: str) -> int | None:
        """Index of a style, None for an unknown id."""
        return self._style_indices.get(style_id)

    def contest(self, contest_id: str) -> Contest:
        """The contest of that id. KeyError for an unknown one."""
        return self._contests[contest_id]

    def contests_of(self, district_id: str) -> tuple[str, ...]:
        """Ids of a district's contests in order, empty for an unknown district."""
        return self._district_contests.get(district_id, ())

    def official_keys(self) -> tuple[VerifierKey, ...]:
        """Every official's key: authority, board, registrars, guardians, witnesses."""
        return (self.authority, self.board, *self.registrars, *self.guardians.keys, *self.witnesses.keys)


def layout(manifest: Manifest, style_index: int) -> StyleLayout:
    """The layout of ballots of the style at `style_index`. Cached by shape."""
    shapes = []
    for contest_id in manifest.styles[style_index].contests:
        contest = manifest.contest(contest_id)
        limits = (contest.min, contest.max) if contest.limit == "total" else None
        shapes.append((len(contest.options), contest.score, limits))
    return layout_of(tuple(shapes))


def check_manifest(manifest: Manifest) -> list[str]:
    """Every rule of 4.1 between members that is broken, in words; empty for a manifest that may be used."""
    faults = [*_keys(manifest), *_times(manifest), *_contests(manifest), *_districts(manifest), *_styles(manifest)]
    # The size of a ballot is only defined once styles and contests are right.
    return faults or list(_sizes(manifest))


def _keys(manifest: Manifest) -> Iterator[str]:
    text_keys = (manifest.authority, manifest.board, *manifest.registrars, *manifest.guardians.keys)
    for key in text_keys:
        if key.algorithm != ED25519:
            yield f"the key of {key.name} has signature type {key.algorithm}, not {ED25519}"
    for key in manifest.witnesses.keys:
        if key.algorithm != COSIGNATURE_V1:
            yield f"the witness key of {key.name} has signature type {key.algorithm}, not {COSIGNATURE_V1}"
    for key in manifest.official_keys():
        if not engine.valid_ed25519_key(key.public_key):
            yield f"the key of {key.name} is no canonical point of prime order"
    yield from _twice("key name", (key.name for key in manifest.official_keys()))
    yield from _twice("public key", (key.public_key.hex() for key in manifest.official_keys()))
    if not is_identifier(manifest.slug):
        yield f"the board's short name {manifest.slug!r} is no identifier"
    k, n = manifest.guardians.threshold, len(manifest.guardians.keys)
    if k > n:
        yield f"the threshold is {k} of only {n} guardians"
    q, w = manifest.witnesses.quorum, len(manifest.witnesses.keys)
    if not (q == w == 0 or w < 2 * q <= 2 * w):
        yield f"the quorum is {q} of {w} witnesses: more than half are needed"


def _times(manifest: Manifest) -> Iterator[str]:
    if manifest.opens >= manifest.closes:
        yield f"the election opens at {manifest.opens} and closes at {manifest.closes}"


def _contests(manifest: Manifest) -> Iterator[str]:
    yield from _twice("contest", (contest.id for contest in manifest.contests))
    used = {contest for style in manifest.styles for contest in style.contests}
    for contest in manifest.contests:
        yield from _twice(f"option of contest {contest.id}", (option.id for option in contest.options))
        if contest.id not in used:
            yield f"contest {contest.id} is in no style"
        total = len(contest.options) * sum(weights(contest.score))
        if contest.limit == "option" and (contest.min, contest.max) != (0, total):
            yield f"contest {contest.id} binds each option alone: min must be 0 and max {total}"
        elif not (contest.min <= contest.max and 1 <= contest.max <= total):
            yield f"contest {contest.id}: min {contest.min} and max {contest.max} do not fit a largest sum of {total}"
        elif total + contest.max - contest.min >= 2**32:
            yield f"contest {contest.id}: the weights sum to 2^32 or more"


def _districts(manifest: Manifest) -> Iterator[str]:
    yield from _twice("district", (district.id for district in manifest.districts))
    known = {district.id for district in manifest.districts}
    for district in manifest.districts:
        contests = manifest.contests_of(district.id)
        if not contests:
            yield f"district {district.id} has no style"
        if district.merge is None:
            continue
        if district.merge == district.id or district.merge not in known:
            yield f"district {district.id} is to be merged with {district.merge}, which is not another district"
        elif manifest.contests_of(district.merge) != contests:
            yield f"district {district.id} is to be merged with {district.merge}, which has other contests"


def _styles(manifest: Manifest) -> Iterator[str]:
    yield from _twice("style", (style.id for style in manifest.styles))
    order = {contest.id: position for position, contest in enumerate(manifest.contests)}
    districts = {district.id for district in manifest.districts}
    for style in manifest.styles:
        if style.district not in districts:
            yield f"style {style.id} names district {style.district}, which there is not"
        unknown = [contest for contest in style.contests if contest not in order]
        if unknown:
            yield f"style {style.id} names contest {unknown[0]}, which there is not"
        elif [order[contest] for contest in style.contests] != sorted({order[contest] for contest in style.contests}):
            yield f"style {style.id} does not name distinct contests in the manifest's order"
        if style.contests != manifest.contests_of(style.district):
            yield f"style {style.id} has other contests than another style of district {style.district}"


def _sizes(manifest: Manifest) -> Iterator[str]:
    for index, style in enumerate(manifest.styles):
        size = ballot_entry_length(manifest, index)
        if size > MAX_ENTRY_BYTES:
            yield f"a ballot of style {style.id} has {size} bytes: at most {MAX_ENTRY_BYTES} are allowed"
    for kind, size in (
        ("partial-decryption", largest_partial_decryption(manifest)),
        ("result", largest_result(manifest)),
    ):
        if size > MAX_ENTRY_BYTES:
            yield f"a {kind} can have {size} bytes: at most {MAX_ENTRY_BYTES} are allowed, so name fewer districts"


def largest_partial_decryption(manifest: Manifest) -> int:
    """Bytes of a partial decryption in which every district is a unit of its own and no sum vanishes (7.8)."""
    aggregates = sum(
        len(manifest.contest(contest).options)
        for district in manifest.districts
        for contest in manifest.contests_of(district.id)
    )
    guardians = manifest.guardians.keys
    fixed = (
        f'{{"aggregates":"","election":"","guardian":{len(guardians)},"kind":"partial-decryption","points":"",'
        f'"proof":"","root":"","size":{_LARGEST},"units":[]}}'
    )
    binary = sum(_base64url(length) for length in (32, 32, 32, 32 * aggregates, 32 * (aggregates + 2)))
    units = ",".join(f'["{district.id}"]' for district in manifest.districts)
    return len(fixed) + binary + len(units) + max(map(_signature_line, guardians))


def largest_result(manifest: Manifest) -> int:
    """Bytes of a result in which every district is reported alone and every number has 16 digits (7.8)."""
    fixed = (
        f'{{"accepted":{_LARGEST},"combined":"","counted":{_LARGEST},"credentials":{_LARGEST},"election":"",'
        f'"kind":"result","refused":{_LARGEST},"superseded":{_LARGEST},"units":[],"voted":{_LARGEST}}}'
    )
    units = sum(
        len(f'{{"contests":[],"counted":{_LARGEST},"districts":["{district.id}"],"state":"reported"}},')
        + sum(
            len(f'{{"contest":"{contest}","counts":[]}},') + 17 * len(manifest.contest(contest).options) - 1
            for contest in manifest.contests_of(district.id)
        )
        - 2
        for district in manifest.districts
    )
    commas = len(manifest.districts) - 1
    return len(fixed) + 2 * _base64url(32) + units + commas + _signature_line(manifest.authority)


def _base64url(length: int) -> int:
    return -(-8 * length // 6)


def _signature_line(key: VerifierKey) -> int:
    """The newline after an entry's JSON, the empty line, and one signature line of this key."""
    return len(f"\n\n\u2014 {key.name} \n".encode()) + 92


def ballot_entry_length(manifest: Manifest, style_index: int) -> int:
    """Bytes of a ballot entry of this style (6.6): every binary member has a fixed length."""
    shape = layout(manifest, style_index)
    fixed = '{"ciphertexts":"","credential":"","election":"","kind":"ballot","previous":"","proof":"","style":""}'
    binary = (shape.ciphertexts_length, shape.proof_length, 32, 32, 32)
    return len(fixed) + len(manifest.styles[style_index].id) + sum(map(_base64url, binary))


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{what} {name} occurs twice"
        seen.add(name)
