"""The types of members of entries: texts, identifiers, integers, binary members, verifier keys (docs/spec 1 and 4).

A value that breaks its rule cannot be held by a model. Members come as canonical JSON values; binary members may be
given as bytes and keys as `VerifierKey` when a program builds an entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, PlainSerializer, StringConstraints

from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import RetallyError
from retally_crypto.notes import MAX_ENTRY_BYTES, VerifierKey, format_vkey, parse_vkey

MAX_TEXT = 300
_NOT_IN_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Members(BaseModel):
    """A JSON object with exactly the members declared, none of them converted from another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        if not 1 <= len(value) <= MAX_TEXT:
            raise ValueError(f"a text has 1 to {MAX_TEXT} characters, this one {len(value)}")
        if found := _NOT_IN_TEXT.search(value):
            raise ValueError(f"a text cannot contain U+{ord(found.group()):04X}")
        if value != value.strip(" "):
            raise ValueError("a text does not begin or end with a space")
    return value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _binary(shortest: int, longest: int, step: int) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = b64url_decode(value)
            except RetallyError as error:
                raise ValueError(str(error)) from None
        if isinstance(value, bytes) and (not shortest <= len(value) <= longest or len(value) % step):
            allowed = str(shortest) if shortest == longest else f"a multiple of {step} from {shortest} to {longest}"
            raise ValueError(f"{len(value)} bytes, {allowed} needed")
        return value

    return decode


def _vkey(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_vkey(value)
        except RetallyError as error:
            raise ValueError(str(error)) from None
    return value


_IDENTIFIER = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def is_identifier(text: str) -> bool:
    """Whether a text is an identifier (page 1)."""
    return _IDENTIFIER.fullmatch(text) is not None


_as_base64url = PlainSerializer(b64url_encode, return_type=str)

Text = Annotated[str, BeforeValidator(_text)]
Identifier = Annotated[str, StringConstraints(pattern=f"^{_IDENTIFIER.pattern}$")]
Integer = Annotated[int, Field(ge=0, le=2**53 - 1)]
Number = Annotated[int, Field(ge=1, le=2**32 - 1)]
"""A guardian's or registrar's number, counted from 1."""
Bytes32 = Annotated[bytes, BeforeValidator(_binary(32, 32, 32)), _as_base64url]
Bytes80 = Annotated[bytes, BeforeValidator(_binary(80, 80, 80)), _as_base64url]
Records32 = Annotated[bytes, BeforeValidator(_binary(32, MAX_ENTRY_BYTES, 32)), _as_base64url]
"""One or more points or scalars of 32 bytes."""
PerhapsRecords32 = Annotated[bytes, BeforeValidator(_binary(0, MAX_ENTRY_BYTES, 32)), _as_base64url]
Key = Annotated[VerifierKey, BeforeValidator(_vkey), PlainSerializer(format_vkey, return_type=str)]

Item = TypeVar("Item")
Array = Annotated[tuple[Item, ...], FailFast(), BeforeValidator(_tuple)]
"""JSON has arrays; models hold tuples, because they are frozen. The first wrong item ends the reading."""
