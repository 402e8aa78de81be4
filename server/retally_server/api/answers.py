"""What the addresses answer, as models with examples; binary members are unpadded base64url, as in entries."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from retally_crypto.notes import MAX_ENTRY_BYTES

EXAMPLE_HASH = "x7Qm3GJ0sVh1Wq6kNfHc2bYp9LrTzUeD4aBiOoMwE5g"
EXAMPLE_TRACKING_CODE = "7K3M-Q9WX-2FDH-0VBT-N6RA-8ZCE-5GJP-Y1S4"
EXAMPLE_RECEIPT = """c2sp.org/tlog-proof@v1
index 1207
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

ballots.example/council-2027
1208
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

\u2014 ballots.example/council-2027 hI2DJw…
"""
EXAMPLE_BALLOT = (
    '{"ciphertexts":"4Fz…","credential":"kJ2…","election":"x7Q…","kind":"ballot","previous":"AAA…","proof":"bW9…",'
    '"style":"north"}'
)
EXAMPLE_OFFICIAL = '{"ballots":2311,"election":"x7Q…","kind":"closing"}\n\n\u2014 ballots.example/authority bQ7…\n'
EXAMPLE_MANIFEST = (
    '{"authority":"…","board":"ballots.example/council-2027+9d3c…","kind":"manifest",…}\n\n'
    "\u2014 ballots.example/authority bQ7…\n"
)

RECEIPT = {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE_RECEIPT}}


def body(description: str, example: str) -> dict[str, Any]:
    """The OpenAPI description of a raw entry as request body."""
    content = {"schema": {"type": "string", "format": "binary", "maxLength": MAX_ENTRY_BYTES}, "example": example}
    media_types = {"application/octet-stream": content, "text/plain": content}
    return {"requestBody": {"description": description, "required": True, "content": media_types}}


def receipts(created: str, again: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of an operation that appends an entry."""
    location = {"Location": {"description": "The election.", "schema": {"type": "string"}}}
    return {
        201: {"description": created, "content": RECEIPT, "headers": location},
        200: {"description": again, "content": RECEIPT, "headers": location},
    }


class ElectionSummary(BaseModel):
    """One election, as of its published checkpoint."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "slug": "council-2027",
                "origin": "ballots.example/council-2027",
                "title": "Election of the council 2027",
                "notice": None,
                "election": EXAMPLE_HASH,
                "phase": "voting",
                "opens": 1811836800,
                "closes": 1811923200,
                "grace": 600,
                "size": 1208,
                "root": EXAMPLE_HASH,
                "witnessed": 1208,
                "key": EXAMPLE_HASH,
            }
        }
    )
    slug: str = Field(description="The board's short name in addresses.")
    origin: str = Field(description="The name of the board's key.")
    title: str
    notice: str | None = Field(description="Shown wherever results are shown.")
    election: str = Field(description="Election id: SHA-256 of the manifest entry.")
    phase: str = Field(description="setup, voting or tally.")
    opens: int = Field(description="POSIX seconds.")
    closes: int = Field(description="POSIX seconds.")
    grace: int = Field(description="Seconds.")
    size: int = Field(description="Entries on the board.")
    root: str = Field(description="The board's root at that size.")
    witnessed: int | None = Field(description="Entries that the quorum of witnesses confirmed; null without witnesses.")
    key: str | None = Field(description="The joint key K, once the election is open.")


class ElectionList(BaseModel):
    """Every election of this server, oldest first."""

    elections: list[ElectionSummary]


class CastBallot(BaseModel):
    """Where a ballot stands."""

    index: int = Field(description="Its index on the board.", examples=[1207])
    tracking_code: str = Field(examples=[EXAMPLE_TRACKING_CODE])


class CredentialBallots(BaseModel):
    """What was cast with a credential."""

    credential: str = Field(examples=[EXAMPLE_HASH])
    style: str = Field(description="The ballot style that the roll gives it.", examples=["north"])
    active: bool = Field(description="False if it was revoked or replaced.", examples=[True])
    ballots: list[CastBallot] = Field(description="Its ballots in board order; the last one counts.")
    previous: str = Field(
        description="What the next ballot names as `previous`. Check that ballot's proof and inclusion before you do.",
        examples=[EXAMPLE_HASH],
    )


class TrackedBallot(BaseModel):
    """The ballot with a tracking code."""

    index: int = Field(description="Its index on the board.", examples=[1207])
    tracking_code: str = Field(examples=[EXAMPLE_TRACKING_CODE])
    credential: str = Field(examples=[EXAMPLE_HASH])
    superseded: bool = Field(description="True if a later ballot with the same credential stands on the board.")


class InclusionProof(BaseModel):
    """RFC 6962 section 2.1.1, from the leaf's sibling to the root's child."""

    index: int = Field(examples=[1207])
    size: int = Field(examples=[1208])
    root: str = Field(description="The board's root at that size.", examples=[EXAMPLE_HASH])
    proof: list[str] = Field(examples=[[EXAMPLE_HASH]])


class ConsistencyProof(BaseModel):
    """RFC 6962 section 2.1.2."""

    old: int = Field(examples=[1200])
    new: int = Field(examples=[1208])
    old_root: str = Field(examples=[EXAMPLE_HASH])
    new_root: str = Field(examples=[EXAMPLE_HASH])
    proof: list[str] = Field(examples=[[EXAMPLE_HASH]])


class Health(BaseModel):
    """Whether every board takes entries."""

    status: str = Field(description="ok, or degraded if a board could not be published.", examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    engine: str = Field(description="native or reference.", examples=["native"])
    elections: int = Field(examples=[1])
    waiting: int = Field(description="Entries that wait to be sequenced.", examples=[0])


class Readiness(BaseModel):
    """Whether ballots can be taken now."""

    ready: bool = Field(examples=[True])
    reasons: list[str] = Field(description="Why not, for the operator; names boards only.", examples=[[]])


class TurnoutNote(BaseModel):
    """How far the board had grown at one time."""

    time: int = Field(description="POSIX seconds, a multiple of the interval.")
    entries: int = Field(description="Entries on the board.")
    ballots: int = Field(description="Ballots among them, superseded ones included.")


class TurnoutCurve(BaseModel):
    """The board's growth, as the server noted it. Only the numbers at the end can be verified."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "interval": 900,
                "points": [
                    {"time": 1811837700, "entries": 310, "ballots": 287},
                    {"time": 1811838600, "entries": 655, "ballots": 632},
                ],
            }
        }
    )
    interval: int = Field(description="Seconds between two notes; a note without growth is left out.")
    points: list[TurnoutNote]
