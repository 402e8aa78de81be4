"""`retally vote`, `retally check` and `retally track`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from retally_client.api import BoardServer
from retally_client.keys import write_private
from retally_client.voter import booth
from retally_client.voter.casting import (
    PreparedBallot,
    Receipt,
    Secret,
    cast,
    check_receipt,
    credential_of,
    prepare,
    send,
)
from retally_client.voter.choices import Choices, choices_from_json, choices_json, contests_of_style, review
from retally_client.voter.reading import (
    Context,
    NotOnRoll,
    Standing,
    read_fully,
    read_manifest,
    read_opened,
    require_same_board,
    standing,
)
from retally_client.voter.tracking import Tracked, Tracking, Wanted, with_body, with_code, with_credential
from retally_client.voter.tracking import track as track_ballots
from retally_crypto.canonical import parse_json
from retally_crypto.encoding import b64url_encode
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead
from retally_crypto.policy import TrustPolicy
from retally_crypto.secret.encrypt import open_ballot
from retally_crypto.tracking import parse_tracking_code
from retally_verify.board import Board, TooLong, Unreachable, open_board
from retally_verify.commands import (
    ENTRY_LIMIT,
    AsJson,
    Location,
    PolicyFile,
    read_policy,
    read_small,
    read_text,
)
from retally_verify.console import out, plain_errors, print_json, progress
from retally_verify.exit_codes import INCOMPLETE, REFUSED
from retally_verify.kept import read_kept
from retally_verify.state_folder import state_folder

OPENING_LIMIT = 256 * 1024

CodeFile = Annotated[
    Path | None,
    typer.Option("--code-file", metavar="FILE", help="a file with your codes, one a line, in the registrars' order"),
]


@plain_errors
def vote(
    url: Annotated[str, typer.Argument(metavar="URL", help="the board, https://host/elections/name")],
    policy: PolicyFile,
    code_file: CodeFile = None,
    choices_file: Annotated[
        Path | None,
        typer.Option(
            "--choices", metavar="FILE", help="JSON: for each contest id a list of option ids, or points by option id"
        ),
    ] = None,
    cast_at_once: Annotated[bool, typer.Option("--cast", help="with --choices: cast without asking")] = False,
    again: Annotated[
        Path | None,
        typer.Option("--again", metavar="FILE", help="send a ballot file again that got no receipt; nothing is asked"),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="where ballot, receipt and tests are kept")
    ] = Path(),
    full: Annotated[bool, typer.Option("--full", help="verify the whole board first, not only what is needed")] = False,
    as_json: AsJson = False,
) -> None:
    """Vote: choose, encrypt, note the tracking code, then test the ballot or cast it, and keep the receipt."""
    trusted, server = read_policy(policy), BoardServer(url)
    if not folder.is_dir():
        raise Unusable(f"{folder} is not a folder")
    if cast_at_once and choices_file is None:
        raise Unusable("--cast needs the choices in a file (--choices)")
    board = open_board(server.url)
    if again is not None:
        kept = read_small(again, ENTRY_LIMIT)
        with _in_plain_words(server.url, again):
            receipt = send(server, kept, trusted)
        _receive(receipt, board, None, folder, as_json)
        return
    manifest = read_manifest(board, trusted)
    booth.say(manifest.title)
    secret = _own_secret(manifest, trusted, code_file)
    context, own = _standing(board, trusted, secret, full)
    booth.tell_earlier(own)
    contests = contests_of_style(manifest, own.style)
    given = None if choices_file is None else _read_choices(choices_file, manifest, own.style)
    if given is None:
        chosen = booth.ask_choices(contests)
    elif cast_at_once or booth.review_is_right(contests, given):
        chosen = given
    else:
        chosen = booth.ask_choices(contests)
    while True:
        ballot = prepare(context, own, chosen)
        if cast_at_once or booth.ask_test_or_cast(ballot.tracking_code) == "cast":
            break
        _save_test(ballot, folder)
        if not booth.same_choices_again():
            chosen = booth.ask_choices(contests)
    entry_file = folder / f"{_stem(ballot.tracking_code)}.ballot"
    with _in_plain_words(server.url, entry_file):
        receipt = cast(server, ballot, secret, trusted, lambda entry: write_private(entry_file, entry))
    _receive(receipt, board, context.head, folder, as_json)


@plain_errors
def check(
    opening: Annotated[Path, typer.Argument(metavar="OPENING", help="the file that a test left")],
    location: Location,
    policy: PolicyFile,
    as_json: AsJson = False,
) -> None:
    """Recompute a tested ballot on another device: does it hold the choices it claims, under the code you noted?"""
    trusted = read_policy(policy)
    with progress("reading the board's beginning") as bar:
        opened = read_opened(open_board(location), trusted, bar.advance)
    manifest, key = opened.context.manifest, opened.context.key
    ballot = open_ballot(read_small(opening, OPENING_LIMIT).strip(), manifest, trusted.election_id, key)
    style = manifest.style_index(ballot.style)
    if style is None or opened.record.style_of(ballot.credential) not in (style, None):
        raise Refused("the tested ballot has not the ballot style of its credential")
    contests = contests_of_style(manifest, style)
    if as_json:
        print_json({"tracking_code": ballot.tracking_code, "choices": choices_json(contests, ballot.choices)})
        return
    out.print("The tested ballot holds exactly these choices.", markup=False)
    for line in review(contests, ballot.choices):
        out.print(f"  {line}", markup=False)
    out.print(f"tracking code {ballot.tracking_code}", markup=False)
    out.print("Compare it with the code you noted before the test. This ballot is not counted.", markup=False)


@plain_errors
def track(
    location: Location,
    policy: PolicyFile,
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="a tracking code")] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="the .tlog-proof kept when casting")
    ] = None,
    ballot: Annotated[
        Path | None, typer.Option("--ballot", metavar="FILE", help="the .ballot file kept with it")
    ] = None,
    own_code: Annotated[bool, typer.Option("--own-code", help="ask for your codes: what was cast with them?")] = False,
    code_file: CodeFile = None,
    as_json: AsJson = False,
) -> None:
    """What became of a ballot. Verifies the whole board first. With your own codes, also if you did not vote."""
    own = own_code or code_file is not None
    if (code is not None) + (receipt is not None) + own != 1:
        raise Unusable("ask by one of these: a tracking code, --receipt with --ballot, or --own-code")
    if (receipt is None) != (ballot is None):
        raise Unusable("--receipt and --ballot belong together")
    trusted, board = read_policy(policy), open_board(location)
    credential: bytes | None = None
    receipts: list[bytes] = []
    wanted: Wanted
    if code is not None:
        wanted = with_code(parse_tracking_code(code))
    elif receipt is not None and ballot is not None:
        receipts = [read_small(receipt, ENTRY_LIMIT)]
        wanted = with_body(check_receipt(receipts[0], read_small(ballot, ENTRY_LIMIT), trusted).body_hash)
    else:
        credential = _own_secret(read_manifest(board, trusted), trusted, code_file).credential
        wanted = with_credential(credential)
    kept = read_kept(state_folder("checkpoints"), trusted)
    with progress("verifying the board") as bar:
        tracking = track_ballots(board, trusted, wanted, kept, receipts, bar, credential)
    if as_json:
        print_json(_tracking_json(tracking, credential))
    else:
        _print_tracking(tracking, credential)
    raise typer.Exit(_tracking_code_of_exit(tracking, credential))


def _own_secret(manifest: Manifest, policy: TrustPolicy, code_file: Path | None) -> Secret:
    codes = booth.ask_codes(manifest) if code_file is None else _read_codes(code_file, len(manifest.registrars))
    return credential_of(codes, policy.election_id)


def _read_codes(path: Path, registrars: int) -> list[str]:
    lines = read_text(path, 16 * 1024).splitlines()
    codes = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(codes) != registrars:
        raise Refused(f"{path} has {len(codes)} codes, one from each of {registrars} registrars is needed")
    return codes


def _read_choices(path: Path, manifest: Manifest, style: int) -> Choices:
    try:
        value = parse_json(read_small(path, ENTRY_LIMIT))
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from None
    return choices_from_json(value, manifest, style)


def _standing(board: Board, policy: TrustPolicy, secret: Secret, full: bool) -> tuple[Context, Standing]:
    if not full:
        with progress("reading the board's beginning") as bar:
            opened = read_opened(board, policy, bar.advance)
        try:
            return opened.context, standing(opened, secret.credential)
        except NotOnRoll:
            booth.say("Your codes were not on the roll when voting opened: reading the whole board for a replacement.")
    with progress("verifying the board") as bar:
        return read_fully(board, policy, secret.credential, bar)


def _stem(code: str) -> str:
    return code[:14]


def _save_test(ballot: PreparedBallot, folder: Path) -> None:
    path = folder / f"{_stem(ballot.tracking_code)}.test"
    write_private(path, ballot.test())
    booth.say(f"\nThe test is in {path}. Take it to another device, and there:")
    booth.say(f"    retally check {path.name} BOARD --policy POLICY")
    booth.say("It must show your choices and the code you noted. This ballot cannot be cast any more.\n")


@contextmanager
def _in_plain_words(url: str, entry_file: Path) -> Iterator[None]:
    """Says what a failure of sending means and what to do now. Without a check nobody knows what arrived."""
    resend = f"retally vote {url} --policy POLICY --again {entry_file}"
    try:
        yield
    except Refused as refusal:
        meaning = booth.WHAT_A_REFUSAL_MEANS.get(refusal.check or "")
        if meaning:
            raise Refused(f"{meaning} ({refusal})") from None
        raise Refused(f"{refusal}. Your ballot is kept; the same one can be sent again: {resend}") from None
    except Unusable as fault:
        raise Unusable(
            f"{fault}. It is not known whether your ballot arrived. Send the same one again, do not make another: "
            f"{resend}"
        ) from None
    except (BadProof, BadSignature, Malformed) as fault:
        raise BadProof(f"what the server answered is no receipt for your ballot ({fault}). Keep {entry_file}") from None


def _receive(receipt: Receipt, board: Board, before: TreeHead | None, folder: Path, as_json: bool) -> None:
    path = _keep_receipt(receipt, folder)
    if before is not None:
        try:
            require_same_board(board, before, receipt.head)
        except (Unreachable, TooLong) as fault:
            booth.say(f"The receipt could not be compared with what the board showed before ({fault}).")
        except BadProof as fault:
            raise BadProof(
                f"your ballot was taken into another board than the one you were shown before ({fault}). "
                f"{path} is evidence: keep it, and tell an auditor"
            ) from None
    if as_json:
        print_json(
            {
                "tracking_code": receipt.tracking_code,
                "index": receipt.index,
                "receipt": str(path),
                "witnessed": receipt.witnessed if receipt.quorum else None,
            }
        )
        return
    out.print(f"Your ballot is entry {receipt.index} of the board: {receipt.state}.", markup=False)
    out.print(f"tracking code {receipt.tracking_code}", markup=False)
    out.print(f"receipt       {path}   (keep it, with the .ballot file beside it)", markup=False)
    out.print("After voting has closed, look it up with `retally track`, best on another device.", markup=False)
    out.print(booth.NO_COERCION_RESISTANCE, markup=False)


def _keep_receipt(receipt: Receipt, folder: Path) -> Path:
    stem = _stem(receipt.tracking_code)
    path = folder / f"{stem}.tlog-proof"
    if path.exists() and path.read_bytes() != receipt.raw:
        # Both are evidence: a later one may carry more cosignatures, or contradict the first.
        path = folder / f"{stem}.{receipt.head.size}.tlog-proof"
    if not path.exists():
        write_private(path, receipt.raw)
    return path


def _tracking_code_of_exit(tracking: Tracking, credential: bytes | None) -> int:
    if tracking.faults or any(ballot.state == "refused" for ballot in tracking.ballots):
        return REFUSED
    if tracking.report.manifest is None:
        return INCOMPLETE
    if credential is not None:
        return REFUSED if tracking.credential == "not on the roll" else 0
    return 0 if tracking.ballots else REFUSED


def _tracking_json(tracking: Tracking, credential: bytes | None) -> dict[str, Any]:
    return {
        "verdict": tracking.report.verdict,
        "faults": list(tracking.faults),
        "closed": tracking.closed,
        "credential": None if credential is None else b64url_encode(credential),
        "on_roll": None if tracking.credential is None else tracking.credential == "active",
        "ballots": [
            {
                "index": ballot.index,
                "tracking_code": ballot.tracking_code,
                "state": ballot.state,
                "superseded_by": ballot.later,
                "reason": ballot.reason,
            }
            for ballot in tracking.ballots
        ],
    }


def _print_tracking(tracking: Tracking, credential: bytes | None) -> None:
    for fault in tracking.faults:
        out.print(f"The board does not verify. {fault}", markup=False)
    if tracking.report.manifest is None:
        out.print("Nothing can be said about any ballot: the board could not be read to its end.", markup=False)
        return
    for ballot in tracking.ballots:
        out.print(_sentence(ballot, tracking.closed), markup=False)
    if tracking.credential == "not on the roll":
        out.print("These codes are not on the roll of this election.", markup=False)
    elif tracking.credential == "revoked or replaced":
        out.print("These codes were revoked or replaced; nothing can be cast with them.", markup=False)
    elif not tracking.ballots and credential is not None:
        out.print("No ballot was cast with your codes.", markup=False)
    elif not tracking.ballots:
        out.print("No ballot with this code is on the board.", markup=False)
    if not tracking.report.policy.witnesses:
        out.print("No witness: another reader might be shown another board.", markup=False)


def _sentence(ballot: Tracked, closed: bool) -> str:
    where = f"{ballot.tracking_code}  entry {ballot.index}: "
    if ballot.state == "refused":
        return f"{where}refused, it does not count ({ballot.reason})"
    if ballot.state == "superseded":
        return f"{where}superseded by entry {ballot.later}, it does not count"
    return where + ("it counts" if closed else "it will count, unless another is cast with the same codes")
