"""The forms of JSON values that members of entries have (page 4), put together from smaller ones."""

from collections.abc import Callable
from typing import Any

from retally_reference.canonical import base64url, is_identifier, is_text, refuse_unless
from retally_reference.notes import Key, parse_key

Form = Callable[[Any], Any]
"""Takes a member's JSON value and gives what it stands for; Refusal if it has another form."""


def integer(lowest: int = 0, highest: int = 2**53 - 1) -> Form:
    """An integer within limits."""

    def form(value: Any) -> int:
        refuse_unless(type(value) is int and lowest <= value <= highest, f"not an integer from {lowest} to {highest}")
        return int(value)

    return form


def text(value: Any) -> str:
    """A text for people."""
    refuse_unless(is_text(value), "not a text")
    return str(value)


def identifier(value: Any) -> str:
    """An identifier."""
    refuse_unless(is_identifier(value), "not an identifier")
    return str(value)


def one_of(*values: str) -> Form:
    """One of these strings."""

    def form(value: Any) -> str:
        refuse_unless(isinstance(value, str) and value in values, f"not one of {', '.join(values)}")
        return str(value)

    return form


def or_null(form: Form) -> Form:
    """The form, or null."""
    return lambda value: None if value is None else form(value)


def many(form: Form, fewest: int, most: int) -> Form:
    """A list of that form, of limited length."""

    def of_list(value: Any) -> list[Any]:
        refuse_unless(isinstance(value, list) and fewest <= len(value) <= most, f"not a list of {fewest} to {most}")
        return [form(item) for item in value]

    return of_list


def record(**members: Form) -> Form:
    """An object with exactly these members."""

    def of_object(value: Any) -> dict[str, Any]:
        right = isinstance(value, dict) and set(value) == set(members)
        refuse_unless(right, f"not an object with the members {', '.join(sorted(members))}")
        return {name: form(value[name]) for name, form in members.items()}

    return of_object


def b64(shortest: int, longest: int | None = None, step: int = 32) -> Form:
    """Binary of `shortest` bytes, or of a multiple of `step` up to `longest`."""

    def form(value: Any) -> bytes:
        raw = base64url(value)
        last = shortest if longest is None else longest
        right = shortest <= len(raw) <= last and (longest is None or len(raw) % step == 0)
        refuse_unless(right, f"binary of {len(raw)} bytes")
        return raw

    return form


def key(value: Any) -> Key:
    """A verifier key."""
    refuse_unless(isinstance(value, str), "not a verifier key")
    return parse_key(value)
