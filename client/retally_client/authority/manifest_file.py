"""A manifest from a friendly YAML file (docs/guides/authority.md has an example), checked by the rules of docs/spec
4.1.

Every member is read as what it is: a text as it is written, also if YAML would call it a truth value or a date. All
faults are said at once, each with its line and member; first those of single members, then, when there are none, those
of the rules between them.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from retally_client.authority.times import told
from retally_client.authority.web_build import read_build
from retally_client.authority.yaml_text import is_nothing, line_of, read_yaml
from retally_client.characters import visible
from retally_client.faults import counted, listed
from retally_crypto.errors import Malformed, Refused, RetallyError
from retally_crypto.manifest import LARGEST_SCORE, LONGEST_GRACE, Manifest, check_manifest
from retally_crypto.members import Text, is_identifier
from retally_crypto.notes import format_vkey, parse_vkey
from retally_crypto.secret.sign import SigningKey, sign_entry
from retally_crypto.web_bundle import is_origin

_DIGEST = re.compile("[0-9a-f]{64}")
_DIGEST_OF_ENTRIES = re.compile("[A-Za-z0-9_-]{43}")
_WHOLE = re.compile("0|[1-9][0-9]{0,15}")
_LARGEST = 2**53 - 1
_TEXT: TypeAdapter[str] = TypeAdapter(Text)
_EXAMPLE = "2026-09-18T08:00:00+03:00"

DEFAULTS: dict[str, Any] = {
    "notice": None,
    "witnesses": {"keys": [], "quorum": 0},
    "caps": {"revocations": 0, "replacements": 0},
    "client": {"origins": [], "bundle": None},
}
"""Members that may be left out: no notice, no witness (a trial), no change of the roll, no web client. None of them
decides a count."""

OURS = ("kind", "version", "authority")
"""Members that are filled in here, whatever the file says."""


@dataclass
class _Reading:
    """What was found so far: faults with their lines, and the lines of what has an id."""

    faults: list[tuple[int, str]] = field(default_factory=list)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def fault(self, node: yaml.Node, where: str, words: str) -> None:
        self.faults.append((line_of(node), f"line {line_of(node)}, {where}: {words}"))


Reader = Callable[[_Reading, yaml.Node, str], Any]


def manifest_from_yaml(text: str, authority: SigningKey) -> Manifest:
    """The manifest that a YAML file describes; the authority's key is filled in.

    Times are ISO 8601 with a zone. A contest may leave out `score` (1). Options may be given as plain titles and then
    have the ids o1, o2, …. The web client's `bundle` is a digest, in hex or as
    entries have it, or the folder of a build.

    Raises Malformed naming every wrong member, Refused naming every broken rule, Unusable for a folder that is no
    build.
    """
    node = read_yaml(text)
    if node is None or not isinstance(node, yaml.MappingNode):
        raise Malformed("the manifest file is a mapping of members: lines like `title: Election of the council`")
    reading = _Reading()
    members = DEFAULTS | _members(reading, node, "the manifest", _MANIFEST, (*DEFAULTS, *OURS))
    if reading.faults:
        raise Malformed(_listed([fault for _, fault in sorted(reading.faults)]))
    members |= {"kind": "manifest", "version": "RETALLY-V01", "authority": format_vkey(authority.verifier_key)}
    try:
        manifest = Manifest.model_validate(members)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        raise Malformed(_listed([f"{'.'.join(map(str, one['loc']))} cannot be used" for one in wrong])) from None
    faults = list(_broken_rules(manifest, reading))
    if faults:
        raise Refused(_listed(faults))
    return manifest


def manifest_entry(manifest: Manifest, authority: SigningKey) -> bytes:
    """Entry 0, signed. Its SHA-256 is the election id."""
    return sign_entry(manifest, [authority])


def _listed(faults: Sequence[str]) -> str:
    return listed(f"the manifest file has {counted(len(faults), 'fault')}; nothing was signed:", faults)


# ---- rules between members ----


def _broken_rules(manifest: Manifest, reading: _Reading) -> Iterator[str]:
    if manifest.opens >= manifest.closes:
        yield f"the election closes at {told(manifest.closes)}, before or when it opens, at {told(manifest.opens)}"
        # Its own words for this fault are POSIX seconds.
        manifest = manifest.model_copy(update={"closes": manifest.opens + 1})
    for fault in check_manifest(manifest):
        named = re.match(r"(contest|district|style|option of contest) (\S+)", fault)
        line = reading.lines.get((named[1].rpartition(" ")[2], named[2].rstrip(":"))) if named else None
        yield fault if line is None else f"line {line}: {fault}"
    yield from _same_titles("contests", [(contest.id, contest.title) for contest in manifest.contests])
    for contest in manifest.contests:
        where = f"line {reading.lines.get(('contest', contest.id), 1)}: contest {contest.id}: options"
        yield from _same_titles(where, [(option.id, option.title) for option in contest.options])


def _same_titles(where: str, titled: Sequence[tuple[str, str]]) -> Iterator[str]:
    first: dict[str, str] = {}
    for identifier, title in titled:
        if title in first:
            yield (
                f"{where} {first[title]} and {identifier} have the same title, {title[:64]!r}: "
                "nothing would tell voters which is which"
            )
        first.setdefault(title, identifier)


# ---- members ----


def _members(
    reading: _Reading, node: yaml.Node, where: str, readers: Mapping[str, Reader], optional: Sequence[str]
) -> dict[str, Any]:
    """The members of a mapping that could be read; faults of the others are kept."""
    if not isinstance(node, yaml.MappingNode):
        reading.fault(node, where, f"members are needed here, like {next(iter(readers))}: …")
        return {}
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if not name or name == "<<":
            reading.fault(key, where, "the name of a member is a plain text")
        elif name in seen:
            reading.fault(key, where, f"{name[:64]!r} stands twice")
        elif name in readers:
            inner = name if where == "the manifest" else f"{where}, {name}"
            found[name] = readers[name](reading, value, inner)
        elif name not in OURS or where != "the manifest":
            near = difflib.get_close_matches(name, readers, 1)
            meant = f"; {near[0]!r} is meant?" if near else f"; there are {', '.join(readers)}"
            reading.fault(key, where, f"there is no member {visible(name)[:64]!r}{meant}")
        seen.add(name)
    for name in readers:
        if name not in seen and name not in optional:
            reading.fault(node, where, f"{name} is missing")
    return found


def _list_of(reader: Reader, each: str, least: int, most: int) -> Reader:
    """A list of `least` to `most` things, which are called `each` with their number."""

    def read(reading: _Reading, node: yaml.Node, where: str) -> list[Any]:
        if not isinstance(node, yaml.SequenceNode):
            reading.fault(node, where, "a list is needed here: [a, b], or lines that begin with a hyphen")
            return []
        if not least <= len(node.value) <= most:
            reading.fault(node, where, f"{len(node.value)} {each}s, {least} to {most} are allowed")
        outer = where.rpartition(", ")[0]
        return [
            reader(reading, one, f"{outer}, {each} {number}" if outer else f"{each} {number}")
            for number, one in enumerate(node.value, start=1)
        ]

    return read


def _scalar(reading: _Reading, node: yaml.Node, where: str) -> str | None:
    if not isinstance(node, yaml.ScalarNode):
        reading.fault(
            node, where, "one text is needed here; a text with a colon, a comma or a bracket stands in quotation marks"
        )
        return None
    return str(node.value)


def _text(reading: _Reading, node: yaml.Node, where: str) -> str | None:
    written = _scalar(reading, node, where)
    if written is None:
        return None
    try:
        return _TEXT.validate_python(written)
    except ValidationError as error:
        words = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
        reading.fault(node, where, words.removeprefix("Value error, "))
        return None


def _identifier(reading: _Reading, node: yaml.Node, where: str) -> str | None:
    written = _scalar(reading, node, where)
    if written is not None and not is_identifier(written):
        reading.fault(
            node,
            where,
            f"{visible(written)[:64]!r} is no id: small letters a to z and digits, then also . _ and -, at most 64",
        )
        return None
    return written


def _optional(reader: Reader) -> Reader:
    return lambda reading, node, where: None if is_nothing(node) else reader(reading, node, where)


def _whole(least: int, most: int) -> Reader:
    def read(reading: _Reading, node: yaml.Node, where: str) -> int | None:
        written = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not _WHOLE.fullmatch(written) or not least <= int(written) <= most:
            upto = f" from {least} to {most:,}" if most < _LARGEST else f", {least} or more"
            shown = f"{visible(written)[:32]!r}" if written else "this"
            reading.fault(node, where, f"{shown} is no whole number{upto}, in digits without separators")
            return None
        return int(written)

    return read


def _moment(reading: _Reading, node: yaml.Node, where: str) -> int | None:
    written = node.value if isinstance(node, yaml.ScalarNode) else ""
    try:
        moment = datetime.datetime.fromisoformat(written.strip())
        if moment.tzinfo is None:
            reading.fault(node, where, f"this is a time without its zone; a time is written like {_EXAMPLE}")
            return None
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError):
        reading.fault(node, where, f"{visible(written)[:40]!r} is no time; a time is written like {_EXAMPLE}")
        return None
    if seconds < 0:
        reading.fault(node, where, "this time is before the year 1970")
        return None
    return seconds


def _key(reading: _Reading, node: yaml.Node, where: str) -> str | None:
    written = _scalar(reading, node, where)
    if written is None:
        return None
    if written.startswith("<"):
        reading.fault(
            node, where, f"{visible(written)[:64]} is the place of a key: put the line here that its owner got"
        )
        return None
    try:
        parse_vkey(written)
    except RetallyError:
        reading.fault(
            node, where, "this is no key: a key is the whole line that its owner's program printed, name+digits+letters"
        )
        return None
    return written


def _one_of(*allowed: str) -> Reader:
    def read(reading: _Reading, node: yaml.Node, where: str) -> str | None:
        written = node.value if isinstance(node, yaml.ScalarNode) else ""
        if written not in allowed:
            reading.fault(node, where, f"{' or '.join(allowed)} is needed here, not {visible(written)[:32]!r}")
            return None
        return str(written)

    return read


def _option(reading: _Reading, node: yaml.Node, where: str) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _text(reading, node, where)
    return _members(reading, node, where, {"id": _identifier, "title": _text}, ())


def _options(reading: _Reading, node: yaml.Node, where: str) -> list[Any]:
    read: list[Any] = _list_of(_option, "option", 1, 256)(reading, node, where)
    plain = [isinstance(one, yaml.ScalarNode) for one in node.value] if isinstance(node, yaml.SequenceNode) else []
    if all(plain):
        return [{"id": f"o{number}", "title": title} for number, title in enumerate(read, start=1)]
    if any(plain):
        reading.fault(node, where, "some options are texts and some have an id: give all an id and a title, or none")
    return read


def _identified(kind: str, readers: Mapping[str, Reader], defaults: Mapping[str, Any]) -> Reader:
    """Members of which one is an id, whose line is kept."""

    def read(reading: _Reading, node: yaml.Node, where: str) -> dict[str, Any]:
        members = dict(defaults) | _members(reading, node, where, readers, tuple(defaults))
        if isinstance(members.get("id"), str):
            reading.lines.setdefault((kind, members["id"]), line_of(node))
        return members

    return read


def _mapping(readers: Mapping[str, Reader], defaults: Mapping[str, Any]) -> Reader:
    return lambda reading, node, where: dict(defaults) | _members(reading, node, where, readers, tuple(defaults))


def _origin(reading: _Reading, node: yaml.Node, where: str) -> str | None:
    written = _scalar(reading, node, where)
    if written is not None and not is_origin(written):
        reading.fault(
            node,
            where,
            f"{visible(written)[:80]!r} is no origin: https://host or https://host:port, no slash at the end",
        )
        return None
    return written


def _bundle(reading: _Reading, node: yaml.Node, where: str) -> Any:
    written = _scalar(reading, node, where)
    if written is None or _DIGEST_OF_ENTRIES.fullmatch(written):
        return written
    # A folder whose name looks like a digest is written with a slash: ./name.
    return bytes.fromhex(written) if _DIGEST.fullmatch(written) else read_build(Path(written))


_CONTEST: dict[str, Reader] = {
    "id": _identifier,
    "title": _text,
    "options": _options,
    "limit": _one_of("total", "option"),
    "score": _whole(1, LARGEST_SCORE),
    "min": _whole(0, _LARGEST),
    "max": _whole(0, _LARGEST),
}
_STYLE: dict[str, Reader] = {
    "id": _identifier,
    "district": _identifier,
    "contests": _list_of(_identifier, "contest", 1, 64),
}
_MANIFEST: dict[str, Reader] = {
    "title": _text,
    "notice": _optional(_text),
    "opens": _moment,
    "closes": _moment,
    "grace": _whole(0, LONGEST_GRACE),
    "board": _key,
    "registrars": _list_of(_key, "registrar", 1, 16),
    "guardians": _mapping({"keys": _list_of(_key, "guardian", 1, 32), "threshold": _whole(1, 32)}, {}),
    "witnesses": _mapping({"keys": _list_of(_key, "witness", 0, 32), "quorum": _whole(0, 32)}, {}),
    "contests": _list_of(_identified("contest", _CONTEST, {"score": 1}), "contest", 1, 64),
    "districts": _list_of(
        _identified("district", {"id": _identifier, "title": _text, "merge": _optional(_identifier)}, {"merge": None}),
        "district",
        1,
        4096,
    ),
    "styles": _list_of(_identified("style", _STYLE, {}), "style", 1, 4096),
    "smallest_unit": _whole(0, _LARGEST),
    "caps": _mapping({"revocations": _whole(0, _LARGEST), "replacements": _whole(0, _LARGEST)}, {}),
    "client": _mapping(
        {"origins": _list_of(_origin, "origin", 0, 16), "bundle": _optional(_bundle)}, {"origins": [], "bundle": None}
    ),
}
