"""What is allowed in a manifest and often regretted: it is asked about before the manifest is signed, for nothing of
it can be changed afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from retally_client.authority.times import told
from retally_client.characters import looks, unseen
from retally_client.faults import enumerated
from retally_crypto.manifest import Manifest

SHORT_GRACE = 60


def remarks(manifest: Manifest, now: float) -> list[str]:
    """Every remark, in words; empty for a manifest about which there is nothing to ask."""
    return [*_times(manifest, now), *_caps(manifest), *_titles(manifest)]


def _times(manifest: Manifest, now: float) -> Iterator[str]:
    if manifest.closes <= now:
        yield f"closes is in the past: {told(manifest.closes)}"
    if manifest.opens + manifest.grace < now:
        yield f"opens is in the past: {told(manifest.opens)}; with the grace it is too late to open voting"
    elif manifest.opens <= now:
        latest = told(manifest.opens + manifest.grace)
        yield f"opens is in the past: {told(manifest.opens)}; voting can be opened until {latest}"
    if manifest.grace < SHORT_GRACE:
        yield (
            f"grace is {manifest.grace} seconds: so soon after opens and closes the authority has to open and close, "
            "or it never can. 600 is usual, and harms nobody"
        )


def _caps(manifest: Manifest) -> Iterator[str]:
    if not manifest.caps.replacements:
        yield "caps: replacements is 0 or left out: nobody who loses a code before voting can be given a new one"
    if not manifest.caps.revocations:
        yield "caps: revocations is 0 or left out: nobody who leaves or dies can be taken off the roll"


def _titles(manifest: Manifest) -> Iterator[str]:
    contests = [(contest.id, contest.title) for contest in manifest.contests]
    yield from _alike("contests", contests)
    yield from _alike("districts", [(district.id, district.title) for district in manifest.districts])
    for contest in manifest.contests:
        yield from _alike(f"contest {contest.id}: options", [(option.id, option.title) for option in contest.options])
    texts = [("the title", manifest.title), ("the notice", manifest.notice or "")]
    texts += [(f"the title of contest {identifier}", title) for identifier, title in contests]
    texts += [(f"the title of district {district.id}", district.title) for district in manifest.districts]
    texts += [
        (f"the title of option {option.id} of contest {contest.id}", option.title)
        for contest in manifest.contests
        for option in contest.options
    ]
    for what, text in texts:
        hidden = unseen(text)
        if hidden:
            yield f"{what} holds what nobody can see: {enumerated(hidden)}"


def _alike(what: str, titled: Sequence[tuple[str, str]]) -> Iterator[str]:
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for identifier, title in titled:
        groups[looks(title)].append((identifier, title))
    for together in groups.values():
        if len(together) > 1:
            identifiers = enumerated([identifier for identifier, _ in together])
            yield f"{what} {identifiers} look alike: {enumerated([repr(title[:64]) for _, title in together])}"
