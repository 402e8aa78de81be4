"""V21: whether every origin serves exactly the web bundle whose digest stands in the manifest (docs/spec, page 10).

What it shows is what these origins served to this reader just now. Pages served to others can differ; that is why it
can be asked from anywhere, by anyone, and about any other address that claims to serve the bundle.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from retally_crypto.errors import Malformed, Unusable
from retally_crypto.rules.findings import CheckResult, conclude, of_the_board
from retally_crypto.rules.v21_web_bundle import v21_not_applicable
from retally_crypto.web_bundle import (
    FILE_LIMIT,
    LISTING,
    LISTING_LIMIT,
    PAGE,
    bundle_digest,
    is_origin,
    parse_listing,
)
from retally_verify.addresses import Address, addresses_of, is_public, same_place
from retally_verify.fetching import Fetcher, Redirected
from retally_verify.files import TooLong, Unreachable
from retally_verify.report import Report

ORIGIN_SECONDS = 600.0
"""How long all files of one origin may take together."""

Fetch = Callable[[str, int], bytes | None]
"""As `Fetcher.fetch`: path and limit to a file or None."""
Open = Callable[[str], Fetch]
"""The reader of an origin's files."""


class NotAsked(Unreachable):
    """An origin that leads into the network of whoever verifies, and that only the manifest names."""


class WrongBundle(Exception):
    """What an origin serves is not the bundle; the text says what."""


def open_origin(origin: str) -> Fetch:
    """Reads an origin over HTTP."""
    return Fetcher(origin).fetch


def open_beside(board: str) -> Open:
    """Reads an origin that a manifest names, and that nobody here has chosen: on the public internet, or at an address
    where the board at the URL `board` is, too. Raises NotAsked for any other."""
    here: list[Address] = []
    with suppress(Unreachable):
        here += addresses_of(urlsplit(board).hostname or "")

    def open_named(origin: str) -> Fetch:
        found = addresses_of(urlsplit(origin).hostname or "")
        for address in found:
            if not is_public(address) and not any(same_place(address, one) for one in here):
                raise NotAsked(
                    f"{origin} was not asked: its address {address} is not on the public internet, and the board is "
                    f"elsewhere; --web {origin} asks it if that is your own network"
                )
        return Fetcher(origin, pinned=found).fetch

    return open_named


def look_at_web(report: Report, named: Sequence[str], others: Sequence[str], open_named: Open) -> Report:
    """The report with V21 done over the manifest's origins `named`, which `open_named` reads, and the auditor's
    `others`, which are read wherever they are.

    Raises Unusable if one of `others` is no origin (10.2).
    """
    wrong = next((other for other in others if not is_origin(other)), None)
    if wrong is not None:
        raise Unusable(f"{wrong} is no origin: https://host or https://host:port, http:// for this machine only")
    if report.manifest is None or report.state_of("V03") == "fail":
        return _with(report, v21_not_applicable("there is no manifest that can be trusted"))
    digest = report.manifest.client.bundle
    if digest is None:
        return _with(report, v21_not_applicable("the manifest names no web bundle"))
    ignored = [f"{one!r} in the manifest is no origin" for one in named if not is_origin(one)]
    origins = list(dict.fromkeys([*(one for one in named if is_origin(one)), *others]))
    if not origins:
        return _with(report, v21_not_applicable("no origin of the web bundle is named", *ignored))
    failures, missing = [], []
    for origin in origins:
        try:
            _check_origin(origin, digest, open_origin(origin) if origin in others else open_named(origin))
        except WrongBundle as error:
            failures.append(str(error))
        except Unreachable as error:
            missing.append(str(error))
    served = [f"bundle {digest.hex()} is served by {', '.join(origins)}"] if not failures and not missing else []
    return _with(report, conclude("V21", of_the_board("V21", *failures), missing, [*served, *ignored]))


def _check_origin(origin: str, digest: bytes, fetch: Fetch) -> None:
    until = time.monotonic() + ORIGIN_SECONDS
    listing = _served(origin, LISTING, LISTING_LIMIT, fetch)
    found = bundle_digest(listing)
    if found != digest:
        raise WrongBundle(f"{origin}/{LISTING} has the digest {found.hex()}, the manifest says {digest.hex()}")
    try:
        files = parse_listing(listing)
    except Malformed as error:
        raise WrongBundle(f"{origin}: {error}") from None
    wrong = []
    for path, expected in [*files.items(), ("", files[PAGE])]:
        try:
            if time.monotonic() > until:
                raise Unreachable(f"{origin} takes more than {ORIGIN_SECONDS:.0f} seconds for the bundle")
            if bundle_digest(_served(origin, path, FILE_LIMIT, fetch)) != expected:
                wrong.append(f"{origin}/{path} is not the file {path or PAGE} of the bundle")
        except WrongBundle as error:
            wrong.append(str(error))
        except Unreachable:
            if not wrong:
                raise
            break
    if wrong:
        raise WrongBundle("; ".join(wrong))


def _served(origin: str, path: str, limit: int, fetch: Fetch) -> bytes:
    try:
        content = fetch(path, limit)
    except (TooLong, Redirected) as error:
        raise WrongBundle(str(error)) from None
    if content is None:
        raise WrongBundle(f"{origin}/{path} is not there")
    return content


def _with(report: Report, check: CheckResult) -> Report:
    return dataclasses.replace(report, checks=(*report.checks[:-1], check))
