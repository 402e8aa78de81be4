"""`retally adjudicate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from retally_client.adjudication.evidence_file import EVIDENCE_LIMIT, parse_evidence
from retally_client.adjudication.judgement import Judgement, judge
from retally_crypto.errors import Malformed, Unusable
from retally_verify.commands import AsJson, read_policy, read_small
from retally_verify.console import err, out, plain, plain_errors, print_json
from retally_verify.exit_codes import DONE, REFUSED
from retally_verify.mistaken_files import taken_by


@plain_errors
def adjudicate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a file of evidence, as the web page writes it")],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", "-p", metavar="FILE", help="trust policy of the election that it has to be about"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whom a file of evidence proves at fault, asking nobody.

    Exit codes: 0 it proves somebody at fault, 1 it proves nothing, 3 it is no evidence, or about another election.
    """
    content = read_small(file, EVIDENCE_LIMIT)
    try:
        evidence = parse_evidence(content)
    except Malformed as error:
        raise Malformed(f"{file}: {error}{taken_by(content)}") from None
    if policy is not None:
        trusted = read_policy(policy).election_id
        if trusted != evidence.election:
            raise Unusable(f"{file} is about the election {evidence.election.hex()}, the policy names {trusted.hex()}")
    judgement = judge(evidence)
    if as_json:
        print_json(judgement_json(judgement))
    else:
        _print(judgement)
        if policy is None:
            err.print("Compare the election id with the one the authority announced.", markup=False)
    raise typer.Exit(DONE if judgement.board_at_fault else REFUSED)


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """The judgement as JSON values; hashes in hex, checkpoints by their number in the file."""
    return {
        "verdict": judgement.verdict,
        "election": judgement.election.hex(),
        "title": judgement.title,
        "board": judgement.board,
        "board_at_fault": judgement.board_at_fault,
        "witnesses_at_fault": list(judgement.witnesses_at_fault),
        "contradictions": [
            {
                "about": one.first.about,
                "place": one.first.place,
                "checkpoints": [one.first.checkpoint, one.second.checkpoint],
                "hashes": [one.first.value.hex(), one.second.value.hex()],
                "witnesses": list(one.witnesses),
            }
            for one in judgement.contradictions
        ],
        "findings": list(judgement.findings),
    }


def _print(judgement: Judgement) -> None:
    out.print(plain(judgement.title), style="bold", markup=False)
    lines = [f"election {judgement.election.hex()}", f"board    {judgement.board}", "", *judgement.findings]
    if judgement.contradictions:
        lines += ["", "no append-only log can have both:", *(f"  {one}" for one in judgement.contradictions)]
    out.print(plain("\n".join(lines)), markup=False)
    style = "bold red" if judgement.board_at_fault else "bold"
    out.print(f"\n{plain(judgement.verdict)}", style=style, markup=False)
