"""Every error is an RFC 9457 problem: what went wrong, which numbered check of docs/spec page 8 says so, what to do
now. What the other folders refuse (`board.refusals`) becomes a problem here.

`type` is a URN of this specification, `check` the check's number or null, `reason` the record's own words, which
speak of public things only. No problem repeats what was sent.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_server.board.refusals import Cause, Refusal

MEDIA_TYPE = "application/problem+json"

OfRequest = Literal[
    "body-too-large",
    "body-too-slow",
    "encoding-not-taken",
    "malformed",
    "method-not-allowed",
    "not-found",
    "origin-not-allowed",
    "too-many-requests",
]
"""What is wrong with a request, whatever the boards would say."""

Name = Cause | OfRequest

_TITLES: dict[Name, tuple[int, str]] = {
    "board-key-unknown": (409, "This server has no such board key"),
    "body-too-large": (413, f"An entry is at most {MAX_ENTRY_BYTES:,} bytes"),
    "body-too-slow": (408, "The body did not arrive in time"),
    "election-exists": (409, "There is another election on this board"),
    "malformed": (400, "This cannot be read"),
    "not-found": (404, "There is nothing here"),
    "origin-not-allowed": (403, "This page may not cast here"),
    "method-not-allowed": (405, "This address does not take that method"),
    "outside-hours": (409, "Not at this time"),
    "refused": (422, "The entry was refused"),
    "too-many-ballots": (429, "Too many ballots with this credential for now"),
    "too-many-requests": (429, "Too many requests from this address for now"),
    "encoding-not-taken": (415, "Bodies are taken as they are"),
    "busy": (503, "Too much is waiting"),
    "not-stored": (503, "The entry could not be stored"),
    "not-ready": (503, "The board is not ready"),
    "witness-address-unknown": (409, "This server does not know where a witness answers"),
    "fault": (500, "The server has a fault"),
}

_SCHEMA = "#/components/schemas/ProblemDetails"
_STATUS_OF_CHECK = {"V09": 400, "V04": 409, "V12": 409, "V13": 409}


class ProblemDetails(BaseModel):
    """The body of every error, `application/problem+json`."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:retally:problem:refused",
                "title": "The entry was refused",
                "status": 409,
                "detail": "Look up the credential's last ballot and make a new one that continues from it.",
                "check": "V12",
                "reason": "previous is not the last accepted ballot of this credential",
            }
        }
    )
    type: str = Field(description="A URN that says what kind of problem this is.")
    title: str = Field(description="The same for every problem of this type.")
    status: int = Field(description="The HTTP status.")
    detail: str | None = Field(description="What can be done about it.")
    check: str | None = Field(description="The number of the check that refused the entry (docs/spec page 8), or null.")
    reason: str = Field(description="What is wrong, in words.")


class Problem(Exception):
    """An error on its way to whoever asked."""

    def __init__(
        self,
        name: Name,
        reason: str,
        *,
        check: str | None = None,
        detail: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`retry_after` in seconds goes into the header of that name."""
        super().__init__(f"{name}: {reason}")
        status, title = _TITLES[name]
        self.retry_after = retry_after
        self.details = ProblemDetails(
            type=f"urn:retally:problem:{name}",
            title=title,
            status=_STATUS_OF_CHECK.get(check or "", status) if name == "refused" else status,
            detail=detail,
            check=check,
            reason=reason,
        )

    def response(self) -> JSONResponse:
        """The answer to send."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return JSONResponse(
            self.details.model_dump(), status_code=self.details.status, headers=headers, media_type=MEDIA_TYPE
        )


_DETAILS = {
    "V04": "See docs/spec 4.6 for who may write what, when.",
    "V09": "See docs/spec pages 1, 3 and 4 for the form of entries.",
    "V11": "Check the credential and the style that the roll gives it.",
    "V12": "Look up the credential's last ballot and make a new one that continues from it.",
    "V13": "Make a new ballot with a new seed.",
}


def problem_for(refusal: Refusal) -> Problem:
    """What a client is answered where something was not taken."""
    detail = refusal.advice
    if refusal.cause == "refused" and refusal.check is not None:
        detail = _DETAILS.get(refusal.check, "See docs/spec page 8 for this check.")
    return Problem(refusal.cause, refusal.reason, check=refusal.check, detail=detail, retry_after=refusal.retry_after)


def documented(*names: Name) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of an operation that can end in these problems, grouped by status."""
    statuses: dict[int | str, list[str]] = {}
    for name in names:
        status, title = _TITLES[name]
        for each in {status, *(_STATUS_OF_CHECK.values() if name == "refused" else ())}:
            statuses.setdefault(each, []).append(f"{title} (`urn:retally:problem:{name}`)")
    return {
        status: {"description": ". ".join(lines), "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMA}}}}
        for status, lines in statuses.items()
    }
