"""A range of an open board's entries, verified once and boiled down to what the rest of the verification needs.

After the opening nothing that one ballot is tested for alone depends on another entry: its form (V09) and its proof
(V10) follow from the manifest and the joint key. So the board is cut into ranges that are read in any order, on any
number of cores or machines, each becoming a `RangeSummary` of some 240 bytes a ballot:

    leaf hashes         the range's place in the tree (V02), 32 bytes an entry
    officials           which entries are theirs: they are ruled on one by one, in board order
    malformed           ballot entries that V09 refuses, and why
    rows                for every other ballot: credential, index, style, whether its proof holds, H(body), previous
    points              8 bytes of every A of the ballots whose proofs hold, to find what V13 has to look at
    sums                over these ballots, style by style: every column of ciphertexts

What depends on other entries, `retally_crypto.chains` settles from the rows. A summary is a function of the entries,
the manifest and K alone: whoever keeps one next to its hashes need not verify that range again.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import NamedTuple

from retally_crypto.ballots import ballot_form
from retally_crypto.contests import StyleLayout
from retally_crypto.engine import Form, engine, records
from retally_crypto.entries import Ballot, election_id, parse_entry
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest, layout
from retally_crypto.relations import tag
from retally_crypto.rules.findings import Broken
from retally_crypto.rules.v09_form import is_ballot, v09_ballot_encodings, v09_ballot_form
from retally_crypto.tiles import TILE_WIDTH, decode_bundle

BUNDLES = 16
WIDTH = BUNDLES * TILE_WIDTH
"""Entries of a range: enough that proofs of every style fill batches, few enough to hold some of them in memory."""
BYTES_AT_ONCE = 8 << 20
"""Bytes of entries that are looked at together."""
LEVEL = WIDTH.bit_length() - 1
"""A full range is a perfect subtree of 2^LEVEL leaves."""

ROW = struct.Struct(">32sQH?32s32s")
"""credential, index, style's index, whether the proof holds, H(body), previous: sorted, chains stand in board order."""
POINT = 8
"""Bytes kept of a point A, from its second on, for the first is always even. Equal points are equal in these; what is
equal in these is looked at whole."""

_MAGIC = b"retally-range-1\n"
_HEAD = struct.Struct(">QIQ")
BUFFERS = ((1, 0), (3,), (1, -1, 2))
"""The elements of a ballot's relation, its proof, and credential ‖ H(body) ‖ previous."""
_ELEMENTS, _PROOFS, _CHAINS = range(3)


@dataclass(frozen=True)
class Rules:
    """What the ballots of one open election are read under: entry 0, and K of the opening."""

    manifest_entry: bytes = field(repr=False)
    joint_key: bytes

    @cached_property
    def name(self) -> bytes:
        """Names these rules: summaries made under others are none of theirs."""
        return sha256(_MAGIC + self.manifest_entry + self.joint_key).digest()


@dataclass(frozen=True)
class RangeSummary:
    """See the module's docstring. `begin` is the first index that was ruled on; those before it are only hashed."""

    first: int
    begin: int
    leaf_hashes: bytes = field(repr=False)
    officials: tuple[int, ...]
    malformed: tuple[tuple[int, str], ...]
    rows: bytes = field(repr=False)
    points: bytes = field(repr=False)
    sums: dict[int, bytes] = field(repr=False)

    @property
    def count(self) -> int:
        return len(self.leaf_hashes) // 32

    @property
    def end(self) -> int:
        return self.first + self.count

    def leaf(self, index: int) -> bytes:
        """The leaf hash of the entry at `index`."""
        at = 32 * (index - self.first)
        return self.leaf_hashes[at : at + 32]


def summarise(rules: Rules, first: int, bundles: Iterable[tuple[bytes, bytes]], begin: int) -> RangeSummary:
    """The summary of the entries in these bundles, the first of which has index `first`; ballots before `begin` are
    not looked at.

    Every bundle is well formed, and comes with its leaf hashes. Proofs are verified on all cores, without the
    interpreter's lock. No more than BYTES_AT_ONCE of entries, or one bundle, are looked at together.
    """
    forms = _forms_of(rules)
    found = _Found()
    position = first
    for group, hashes in _groups(bundles):
        found.leaf_hashes.append(hashes)
        end = position + len(hashes) // 32
        if begin <= position:
            _look_at(rules, forms, position, group, found)
        elif begin < end:
            _look_at(rules, forms, begin, [_joined(_entries(group)[begin - position :])], found)
        position = end
    return RangeSummary(
        first=first,
        begin=max(begin, first),
        leaf_hashes=b"".join(found.leaf_hashes),
        officials=tuple(found.officials),
        malformed=tuple(sorted(found.malformed)),
        rows=records.sort_records(b"".join(found.rows), ROW.size),
        points=records.sort_records(b"".join(found.points), POINT),
        sums=found.sums,
    )


def _groups(bundles: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[list[bytes], bytes]]:
    """Bundles to look at together, and their leaf hashes."""
    group: list[bytes] = []
    hashes = b""
    for bundle, leaves in bundles:
        if group and sum(map(len, group)) + len(bundle) > BYTES_AT_ONCE:
            yield group, hashes
            group, hashes = [], b""
        group.append(bundle)
        hashes += leaves
    if group:
        yield group, hashes


@dataclass
class _Found:
    """A summary in the making."""

    leaf_hashes: list[bytes] = field(default_factory=list)
    officials: list[int] = field(default_factory=list)
    malformed: list[tuple[int, str]] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    points: list[bytes] = field(default_factory=list)
    sums: dict[int, bytes] = field(default_factory=dict)

    def add(self, style: int, total: bytes) -> None:
        self.sums[style] = engine.add(self.sums[style], total) if style in self.sums else total


def _look_at(rules: Rules, forms: StyleForms, first: int, bundles: Sequence[bytes], found: _Found) -> None:
    """The entries from index `first` on."""
    entries = _Entries(bundles)
    read = _read(forms, bundles, entries)
    found.officials += [first + place for place in read.officials]
    found.malformed += [(first + place, fault) for place, fault in read.malformed]
    for style, ballots in enumerate(read.ballots):
        if ballots.places:
            _look_at_style(rules, forms, style, first, ballots, entries, found)


def _look_at_style(
    rules: Rules, forms: StyleForms, style: int, first: int, ballots: _Ballots, entries: _Entries, found: _Found
) -> None:
    """The ballots of one style, all proofs in one batch."""
    places, buffers = ballots
    rejected, total = proofs_of_style(rules, forms, style, buffers, len(places))
    # The batch rejects badly encoded points with the false proofs, and does not say which is which.
    malformed = {row: why for row in rejected if (why := _malformed(forms, entries.at(places[row]))) is not None}
    false, chains = set(rejected), buffers[_CHAINS]
    for row, place in enumerate(places):
        if row in malformed:
            found.malformed.append((first + place, malformed[row]))
            continue
        at = 96 * row
        credential, body_hash, previous = (chains[at + offset : at + offset + 32] for offset in (0, 32, 64))
        found.rows.append(ROW.pack(credential, first + place, style, row not in false, body_hash, previous))
    if len(rejected) < len(places):
        # Points and sums are those of proven ballots only: nobody else's can count, or be used again.
        elements = _without(buffers[_ELEMENTS], len(places), rejected)
        found.points.append(_points(elements, forms.layouts[style]))
        # The first column sums the credentials, which nobody asks for.
        found.add(style, total[32:])


def proofs_of_style(
    rules: Rules, forms: StyleForms, style: int, buffers: Sequence[bytes], count: int
) -> tuple[list[int], bytes]:
    """V10 for ballots of one style: the positions of those whose proofs do not hold, and the sums over the others of
    the credentials (of no use) and every column of ciphertexts."""
    return engine.verify_and_sum(
        forms.layouts[style].template.header,
        rules.joint_key,
        buffers[_ELEMENTS],
        forms.tags(records.cut_records(buffers[_CHAINS], 96, 32, 32)),
        buffers[_PROOFS],
        count,
    )


def sum_entries(rules: Rules, entries: Sequence[bytes]) -> dict[int, bytes]:
    """The sums of the ciphertexts of these ballots, style by style; each of them was found well encoded before."""
    forms = _forms_of(rules)
    bundles = [_joined(entries)]
    sums = {}
    for style, (places, buffers) in enumerate(_read(forms, bundles, _Entries(bundles)).ballots):
        if places:
            shape = forms.layouts[style]
            width = 32 + shape.ciphertexts_length
            rows = records.cut_records(buffers[_ELEMENTS], width, 32, shape.ciphertexts_length)
            sums[style] = engine.sum_columns(rows, 2 * shape.n_bits)
    return sums


def ballots_with_points(rules: Rules, entries: Sequence[bytes], marks: Collection[bytes]) -> set[bytes]:
    """The credentials of those ballots among the entries that have a point A with one of these marks."""
    forms = _forms_of(rules)
    bundles = [_joined(entries)]
    found = set()
    for style, (places, buffers) in enumerate(_read(forms, bundles, _Entries(bundles)).ballots):
        shape = forms.layouts[style]
        width = 32 + shape.ciphertexts_length
        for row in range(len(places)):
            elements = buffers[_ELEMENTS][row * width : (row + 1) * width]
            if any(elements[at + 1 : at + 1 + POINT] in marks for at in range(32, width, 64)):
                found.add(elements[:32])
    return found


def points_of(rules: Rules, entries: Sequence[bytes]) -> bytes:
    """The POINT bytes of every A of these ballots, sorted; each of them was found well encoded before."""
    forms = _forms_of(rules)
    bundles = [_joined(entries)]
    ballots = _read(forms, bundles, _Entries(bundles)).ballots
    points = (_points(buffers[_ELEMENTS], shape) for (_, buffers), shape in zip(ballots, forms.layouts, strict=True))
    return records.sort_records(b"".join(points), POINT)


def encode_sums(sums: dict[int, bytes]) -> bytes:
    """Sums by style as bytes."""
    return _encode_pairs(sorted(sums.items()))


def decode_sums(raw: bytes) -> dict[int, bytes]:
    """The inverse of `encode_sums`."""
    return dict(_decode_pairs(raw))


@dataclass(frozen=True)
class StyleForms:
    """The rules, unfolded: for every style its layout and the one way to write its ballots."""

    manifest: Manifest
    election_id: bytes
    layouts: tuple[StyleLayout, ...]
    forms: tuple[Form, ...]

    def tags(self, body_hashes: bytes) -> bytes:
        mark = bytes(32)
        before, after = tag("Ballot", self.election_id, mark).rsplit(mark.hex().encode(), 1)
        hexes = body_hashes.hex().encode()
        return b"".join(before + hexes[at : at + 64] + after for at in range(0, len(hexes), 64))


@lru_cache(maxsize=4)
def _forms_of(rules: Rules) -> StyleForms:
    entry = parse_entry(rules.manifest_entry, None)
    manifest = getattr(entry, "content", None)
    if not isinstance(manifest, Manifest):
        raise Refused("these rules name no manifest")
    eid = election_id(rules.manifest_entry)
    layouts = tuple(layout(manifest, index) for index in range(len(manifest.styles)))
    forms = tuple(
        ballot_form(style.id, shape, eid, BUFFERS) for style, shape in zip(manifest.styles, layouts, strict=True)
    )
    return StyleForms(manifest, eid, layouts, forms)


class _Entries:
    """The entries of some bundles, cut out only where they are needed."""

    def __init__(self, bundles: Sequence[bytes]) -> None:
        self._bundles = bundles
        self.count = sum(map(_count, bundles))

    @cached_property
    def _cut(self) -> list[bytes]:
        return _entries(self._bundles)

    def at(self, place: int) -> bytes:
        return self._cut[place]


class _Ballots(NamedTuple):
    """The places of some ballots of one style, and their bytes in BUFFERS."""

    places: list[int]
    buffers: list[bytes]


@dataclass(frozen=True)
class _Read:
    """Some entries by their places: officials', malformed ballots with what is wrong, and for every style its
    ballots."""

    officials: list[int]
    malformed: list[tuple[int, str]]
    ballots: list[_Ballots]


def _read(forms: StyleForms, bundles: Sequence[bytes], entries: _Entries) -> _Read:
    """A ballot is read by its style's form. One that has none, and that the parser takes all the same, is there with
    the others: nothing hangs on whether the two agree, except time (tests/unit/test_verifier_ranges.py)."""
    ballots = [_Ballots(list(places), list(buffers)) for places, buffers in records.read_forms(bundles, forms.forms)]
    read = _Read([], [], ballots)
    taken = {place for places, _ in ballots for place in places}
    # On an honest board nearly every group ends here, without a single entry having been cut out.
    if len(taken) < entries.count:
        for place in range(entries.count):
            if place not in taken:
                _parse(forms, place, entries.at(place), read)
    return read


def _parse(forms: StyleForms, place: int, raw: bytes, read: _Read) -> None:
    """An entry that has the form of no style."""
    if not is_ballot(raw):
        read.officials.append(place)
        return
    try:
        ballot = v09_ballot_form(raw, forms.manifest, forms.election_id)
        v09_ballot_encodings(ballot, forms.manifest)
    except Broken as broken:
        read.malformed.append((place, broken.reason))
        return
    style = forms.manifest.style_index(ballot.style)
    if style is None:
        raise AssertionError("a ballot of a good form has a style")
    places, buffers = read.ballots[style]
    places.append(place)
    buffers[_ELEMENTS] += ballot.credential + ballot.ciphertexts
    buffers[_PROOFS] += ballot.proof
    buffers[_CHAINS] += ballot.credential + ballot.body_hash + ballot.previous


def _entries(bundles: Sequence[bytes]) -> list[bytes]:
    return [entry for bundle in bundles for entry in decode_bundle(bundle, _count(bundle))]


def _joined(entries: Sequence[bytes]) -> bytes:
    """The inverse of `_entries`, however many there are."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _count(bundle: bytes) -> int:
    """Entries of a bundle."""
    count = position = 0
    while position < len(bundle):
        position += 2 + int.from_bytes(bundle[position : position + 2], "big")
        count += 1
    return count


def _malformed(forms: StyleForms, raw: bytes) -> str | None:
    """What is wrong with the points or scalars of a ballot (V09)."""
    ballot = parse_entry(raw, forms.election_id)
    if not isinstance(ballot, Ballot):
        raise AssertionError("what has a ballot's form is a ballot")
    try:
        v09_ballot_encodings(ballot, forms.manifest)
    except Broken as broken:
        return broken.reason
    return None


def _without(records: bytes, count: int, rejected: Sequence[int]) -> bytes:
    if not rejected:
        return records
    width, refused = len(records) // count, set(rejected)
    return b"".join(records[width * i : width * (i + 1)] for i in range(count) if i not in refused)


def _points(elements: bytes, shape: StyleLayout) -> bytes:
    width = 32 + shape.ciphertexts_length
    return b"".join(records.cut_records(elements, width, 33 + 64 * bit, POINT) for bit in range(shape.n_bits))


# ---- as bytes ----


def encode_summary(summary: RangeSummary) -> bytes:
    """A summary as bytes, with their hash at the end: for files, and for other machines."""
    pieces = [
        summary.leaf_hashes,
        b"".join(index.to_bytes(8, "big") for index in summary.officials),
        _encode_pairs((index, reason.encode()) for index, reason in summary.malformed),
        summary.rows,
        summary.points,
        _encode_pairs(sorted(summary.sums.items())),
    ]
    raw = _MAGIC + _HEAD.pack(summary.first, len(pieces), summary.begin)
    raw += b"".join(len(piece).to_bytes(8, "big") + piece for piece in pieces)
    return raw + sha256(raw).digest()


def decode_summary(raw: bytes) -> RangeSummary:
    """The summary in these bytes. Raises Malformed if they are not what `encode_summary` wrote."""
    body, digest = raw[:-32], raw[-32:]
    if not body.startswith(_MAGIC) or sha256(body).digest() != digest:
        raise Malformed("this is no range summary of this version, or it is damaged")
    first, pieces, begin = _HEAD.unpack_from(body, len(_MAGIC))
    position, read = len(_MAGIC) + _HEAD.size, []
    for _ in range(pieces):
        end = position + 8 + int.from_bytes(body[position : position + 8], "big")
        read.append(body[position + 8 : end])
        position = end
    leaf_hashes, officials, malformed, rows, points, sums = read
    return RangeSummary(
        first=first,
        begin=begin,
        leaf_hashes=leaf_hashes,
        officials=tuple(int.from_bytes(officials[at : at + 8], "big") for at in range(0, len(officials), 8)),
        malformed=tuple((index, reason.decode()) for index, reason in _decode_pairs(malformed)),
        rows=rows,
        points=points,
        sums=dict(_decode_pairs(sums)),
    )


def _encode_pairs(pairs: Iterator[tuple[int, bytes]] | Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(number.to_bytes(8, "big") + len(value).to_bytes(4, "big") + value for number, value in pairs)


def _decode_pairs(raw: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(raw):
        end = position + 12 + int.from_bytes(raw[position + 8 : position + 12], "big")
        yield int.from_bytes(raw[position : position + 8], "big"), raw[position + 12 : end]
        position = end
