"""`retally registrar …`"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retally_client.api import BoardServer
from retally_client.faults import counted, listed
from retally_client.keys import load_signing_key, new_signing_key, read_passphrase, replace_private, write_private
from retally_client.mistakes import distrust, require_new, require_policy
from retally_client.registrar.changes import (
    REPLACEMENT,
    REVOCATION,
    Draft,
    add_part,
    add_signature,
    credential_at,
    draft_from_bytes,
    draft_to_bytes,
    finished_entry,
    new_draft,
    require_within_caps,
    voter_of,
)
from retally_client.registrar.codes import (
    Codes,
    codes_of,
    make_codes,
    read_codes,
    style_indices,
    write_codes,
)
from retally_client.registrar.links import voting_link
from retally_client.registrar.roll import (
    positions_revealed,
    registrar_number,
    roll_commitment_entry,
    roll_entries,
    roll_parts,
)
from retally_client.registrar.voters import (
    NEEDED,
    Registered,
    VoterList,
    printable_list,
    read_voters,
    shuffled,
    voters_csv,
)
from retally_client.tables import TABLE_LIMIT, read_table
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import SignedEntry, parse_entry
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.policy_text import policy_from_manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.credentials import format_code, parse_code
from retally_crypto.secret.sign import SigningKey
from retally_verify.board import open_board
from retally_verify.commands import ENTRY_LIMIT, AsJson, PolicyFile, read_policy, read_small
from retally_verify.console import err, out, plain_errors, print_json, progress
from retally_verify.first_entry import first_entry
from retally_verify.run import verified

LABEL = "registrar"

KeyFile = Annotated[Path, typer.Option("--key", "-k", metavar="FILE", help="this registrar's key file")]
CodesFile = Annotated[Path, typer.Option("--codes", "-c", metavar="FILE", help="this registrar's encrypted codes file")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="a new file")]
Url = Annotated[str, typer.Argument(metavar="URL", help="the board, https://host/elections/name")]
DraftFile = Annotated[Path, typer.Argument(metavar="DRAFT", help="the draft that goes from registrar to registrar")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="published with the change; name nobody in it")]
Voter = Annotated[
    str | None,
    typer.Option("--voter", metavar="TEXT", help="the voter's name or number, or a part that only she has"),
]
Credential = Annotated[
    str | None, typer.Option("--credential", metavar="TEXT", help="the credential, for one that was replaced before")
]
ManifestOf = Annotated[
    str | None,
    typer.Option(
        "--manifest", "-m", metavar="MANIFEST|URL", help="the manifest entry, or the board: it has the styles"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask; for scripts")]


@contextmanager
def _record(url: str, policy: Path) -> Iterator[ElectionRecord]:
    board = open_board(url)
    with ExitStack() as files_of_run:
        with progress("verifying the board") as bar:
            done = files_of_run.enter_context(verified(board, read_policy(policy), tell=bar))
        if done.record is None or done.report.failed:
            raise distrust(done.report, board, policy)
        yield done.record


def _say(as_json: bool, sentence: str, **members: object) -> None:
    if as_json:
        print_json(members)
    else:
        out.print(sentence, markup=False)


def _voters(path: Path, styles: Sequence[str] | None) -> VoterList:
    voters = read_voters(read_table(read_small(path, TABLE_LIMIT), str(path), NEEDED), styles)
    if voters.remarks:
        err.print(listed(f"{path}:", voters.remarks), markup=False)
    return voters


def _manifest(location: str) -> tuple[Manifest, bytes]:
    """The manifest in a file, or on a board, signed by the authority that it names; and its entry."""
    path = Path(location)
    raw = read_small(path, ENTRY_LIMIT) if path.is_file() else first_entry(open_board(location))
    policy_from_manifest(raw)
    entry = parse_entry(raw, None)
    if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
        raise Malformed(f"{location} is no manifest")
    return entry.content, raw


def _styles(manifest: Manifest) -> list[str]:
    return [style.id for style in manifest.styles]


@plain_errors
def init(
    key_file: Annotated[Path, typer.Argument(metavar="KEYFILE", help="a new file")],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="the key's name, for example elections.example/registrar-1")
    ],
    as_json: AsJson = False,
) -> None:
    """Make this registrar's signing key; prints the verifier key for the manifest."""
    require_new(key_file, "a new key")
    vkey = format_vkey(new_signing_key(key_file, name, LABEL, read_passphrase(confirm=True)).verifier_key)
    print_json({"verifier_key": vkey}) if as_json else typer.echo(vkey)


@plain_errors
def order(
    voters_file: Annotated[
        Path, typer.Argument(metavar="VOTERS", help="a table (CSV, .xlsx or .ods) with the columns voter and style")
    ],
    output: Output,
    manifest: ManifestOf = None,
    as_json: AsJson = False,
) -> None:
    """Shuffle the voters once. Every registrar works from this one file; it links voters to places: guard it."""
    require_new(output, "the order of voters")
    known = None if manifest is None else _styles(_manifest(manifest)[0])
    read = _voters(voters_file, known)
    voters = shuffled(read.voters)
    write_private(output, voters_csv(voters))
    unchecked = "" if known is not None else "\nTheir styles were not compared with a manifest: --manifest does that."
    _say(
        as_json,
        f"{counted(len(voters), 'voter')} in {output}: give the same file to every registrar{unchecked}",
        voters=len(voters),
        remarks=list(read.remarks),
    )


@plain_errors
def codes(
    order_file: Annotated[
        Path, typer.Argument(metavar="ORDER.csv", help="the shuffled voters, as all registrars have")
    ],
    registrar: Annotated[
        int, typer.Option("--registrar", "-r", metavar="NUMBER", min=1, help="this registrar's number in the manifest")
    ],
    policy: PolicyFile,
    output: Output,
    to_print: Annotated[
        Path, typer.Option("--list", "-l", metavar="FILE", help="a new file: voter and code, to be handed out")
    ],
    manifest: Annotated[
        str, typer.Option("--manifest", "-m", metavar="MANIFEST|URL", help="the manifest entry, or the board")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw a code for every voter: an encrypted file to keep, and a readable list to print and then destroy."""
    require_new(output, "the codes")
    require_new(to_print, "the list to print")
    trusted = read_policy(policy)
    named, entry = _manifest(manifest)
    require_policy(trusted, entry, policy)
    if registrar > len(named.registrars):
        raise Refused(f"the manifest has {len(named.registrars)} registrars; there is no registrar {registrar}")
    voters = _voters(order_file, _styles(named)).voters
    drawn = make_codes(len(voters))
    passphrase = read_passphrase(confirm=True)
    write_codes(output, codes_of(voters, drawn, trusted.election_id, registrar), passphrase)
    write_private(to_print, printable_list(voters, drawn))
    _say(
        as_json,
        f"{len(voters):,} codes in {output} (encrypted) and {to_print} (readable)\n"
        "Print the list, hand each voter only her own code, and destroy the file.",
        voters=len(voters),
        codes=str(output),
        list=str(to_print),
    )


@plain_errors
def links(
    url: Url,
    policy: PolicyFile,
    codes_file: CodesFile,
    page: Annotated[str, typer.Option("--page", metavar="URL", help="where the voting page is, https://host/")],
    output: Output,
    as_json: AsJson = False,
) -> None:
    """Write a list of links, each of which fills in a voter's code of this registrar, and of no other.

    A link stays in the history of the browser that opens it; that is why it carries one of several codes, and is
    refused where there is only one. Whoever hands out codes on paper needs no links.
    """
    passphrase = read_passphrase(confirm=False)
    with _record(url, policy) as record:
        drawn = read_codes(codes_file, passphrase, read_policy(policy))
        registrars = len(record.manifest.registrars)
        written = [
            voting_link(page, url, record.election_id, format_code(code), drawn.registrar, registrars)
            for code in drawn.codes
        ]
        write_private(output, printable_list(drawn.voters, written, column="link"))
    _say(
        as_json,
        f"{len(written):,} links in {output} (readable): send each voter only her own, and destroy the file",
        voters=len(written),
        links=str(output),
    )


def _own(record: ElectionRecord, key: SigningKey, codes_file: Path, policy: Path, passphrase: str) -> tuple[int, Codes]:
    number = registrar_number(record.manifest, key)
    drawn = read_codes(codes_file, passphrase, read_policy(policy))
    if drawn.registrar != number:
        raise Refused(f"{codes_file} holds the codes of registrar {drawn.registrar}, this key is registrar {number}")
    return number, drawn


@plain_errors
def commit(url: Url, policy: PolicyFile, key_file: KeyFile, codes_file: CodesFile, as_json: AsJson = False) -> None:
    """Publish the commitment to this registrar's part of the roll. Nothing is revealed yet."""
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with _record(url, policy) as record:
        number, drawn = _own(record, key, codes_file, policy, passphrase)
        styles = style_indices(drawn.voters, record.manifest)
        parts = roll_parts(drawn.codes, record.election_id, number)
        index = BoardServer(url).append(roll_commitment_entry(parts, styles, number, record.election_id, key))
        _say(
            as_json,
            f"registrar {number} is committed to {len(styles):,} credentials, entry {index}",
            registrar=number,
            credentials=len(styles),
            index=index,
        )


@plain_errors
def roll(url: Url, policy: PolicyFile, key_file: KeyFile, codes_file: CodesFile, as_json: AsJson = False) -> None:
    """Publish this registrar's part of the roll, once all have committed. An interrupted run is continued."""
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with _record(url, policy) as record:
        number, drawn = _own(record, key, codes_file, policy, passphrase)
        styles = style_indices(drawn.voters, record.manifest)
        parts = roll_parts(drawn.codes, record.election_id, number)
        first = positions_revealed(record, number, parts, styles)
        server, indices = BoardServer(url), []
        with progress("publishing the roll") as bar:
            commitments = [record.roll.commitments[one].commitment for one in sorted(record.roll.commitments)]
            entries = roll_entries(parts, styles, number, record.election_id, commitments, key, first)
            bar.begin(len(entries))
            for entry in entries:
                indices.append(server.append(entry))
                bar.advance(1)
        _say(
            as_json,
            f"registrar {number}: {len(styles):,} positions of the roll are on the board",
            registrar=number,
            positions=len(styles),
            indices=indices,
        )


@plain_errors
def revoke(
    url: Url,
    draft_file: DraftFile,
    policy: PolicyFile,
    codes_file: CodesFile,
    reason: Reason,
    voter: Voter = None,
    credential: Credential = None,
    as_json: AsJson = False,
) -> None:
    """Draft the revocation of a credential with which nobody has voted. All registrars sign it."""
    _draft(REVOCATION, url, draft_file, policy, codes_file, reason, voter, credential, as_json)


@plain_errors
def replace(
    url: Url,
    draft_file: DraftFile,
    policy: PolicyFile,
    codes_file: CodesFile,
    reason: Reason,
    voter: Voter = None,
    credential: Credential = None,
    as_json: AsJson = False,
) -> None:
    """Draft new codes for a voter who has not voted. All registrars add a part, then all sign."""
    _draft(REPLACEMENT, url, draft_file, policy, codes_file, reason, voter, credential, as_json)


def _draft(
    change: str,
    url: str,
    draft_file: Path,
    policy: Path,
    codes_file: Path,
    reason: str,
    voter: str | None,
    credential: str | None,
    as_json: bool,
) -> None:
    if (voter is None) == (credential is None):
        raise Refused("name the voter, or the credential of one who was given new codes before")
    require_new(draft_file, "the draft")
    with _record(url, policy) as record:
        require_within_caps(change, record)
        whose = ""
        if voter is not None:
            drawn = read_codes(codes_file, read_passphrase(confirm=False), read_policy(policy))
            position = drawn.position_of(voter)
            named, whose = credential_at(record, position), f" of {drawn.voters[position].label}"
        else:
            named = b64url_decode(str(credential), 32, "the credential")
        write_private(draft_file, draft_to_bytes(new_draft(change, record, named, reason)))
        then = "retally registrar part" if change == REPLACEMENT else "retally registrar sign"
        _say(
            as_json,
            f"{draft_file}: a {change}{whose}, credential {b64url_encode(named)}; next, at every registrar: {then}",
            change=change,
            credential=b64url_encode(named),
            draft=str(draft_file),
        )


def _confirmed(record: ElectionRecord, drawn: Codes, draft: Draft, yes: bool) -> None:
    """Whose credential it is, by this registrar's own codes, and whether its owner agrees."""
    voter = voter_of(record, drawn, draft.credential)
    whose = f"the credential of {voter.label}" if voter else "a credential that was itself a replacement"
    err.print(f"{draft.change}: {whose}\nreason: {draft.reason}", markup=False)
    if not yes and not typer.confirm("Is that right?", default=False, err=True):
        raise Refused("not confirmed, nothing was changed")


@plain_errors
def part(
    url: Url,
    draft_file: DraftFile,
    policy: PolicyFile,
    key_file: KeyFile,
    codes_file: CodesFile,
    to_print: Annotated[
        Path, typer.Option("--list", "-l", metavar="FILE", help="a new file with the voter's new code")
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add this registrar's part to a replacement, and write the voter's new code to a private file."""
    require_new(to_print, "the voter's new code")
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with _record(url, policy) as record:
        number, drawn = _own(record, key, codes_file, policy, passphrase)
        draft = draft_from_bytes(read_small(draft_file, ENTRY_LIMIT), record)
        _confirmed(record, drawn, draft, yes)
        code = make_codes(1)[0]
        added = add_part(draft, parse_code(code), number)
        voter = voter_of(record, drawn, draft.credential) or Registered(b64url_encode(draft.credential), "")
        write_private(to_print, printable_list([voter], [code]))
        replace_private(draft_file, draft_to_bytes(added))
        _say(
            as_json,
            f"registrar {number} has added its part; the new code is in {to_print}",
            registrar=number,
            parts=len(added.parts),
            list=str(to_print),
        )


@plain_errors
def sign(
    url: Url,
    draft_file: DraftFile,
    policy: PolicyFile,
    key_file: KeyFile,
    codes_file: CodesFile,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Sign a draft, after looking up in one's own codes whose credential it changes."""
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with _record(url, policy) as record:
        number, drawn = _own(record, key, codes_file, policy, passphrase)
        draft = draft_from_bytes(read_small(draft_file, ENTRY_LIMIT), record)
        _confirmed(record, drawn, draft, yes)
        signed = add_signature(draft, record.manifest, key, number)
        replace_private(draft_file, draft_to_bytes(signed))
        _say(
            as_json,
            f"{len(signed.signatures)} of {len(record.manifest.registrars)} registrars have signed",
            registrar=number,
            signatures=len(signed.signatures),
        )


@plain_errors
def submit(url: Url, draft_file: DraftFile, policy: PolicyFile, as_json: AsJson = False) -> None:
    """Publish a draft that all registrars have signed."""
    with _record(url, policy) as record:
        draft = draft_from_bytes(read_small(draft_file, ENTRY_LIMIT), record)
        index = BoardServer(url).append(finished_entry(draft, record.manifest))
        _say(as_json, f"{draft.change} is on the board, entry {index}", index=index, kind=draft.change)
