"""A manifest from a friendly YAML file (docs/guides/authority.md has an example), checked by the rules of docs/spec
4.1."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from retally_client.authority.web_build import read_build
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest, check_manifest
from retally_crypto.notes import format_vkey
from retally_crypto.secret.sign import SigningKey, sign_entry
from retally_crypto.web_bundle import is_origin

_DIGEST = re.compile("[0-9a-f]{64}")
_DIGEST_OF_ENTRIES = re.compile("[A-Za-z0-9_-]{43}")

DEFAULTS: dict[str, Any] = {
    "notice": None,
    "witnesses": {"keys": [], "quorum": 0},
    "caps": {"revocations": 0, "replacements": 0},
    "client": {"origins": [], "bundle": None},
}
"""Members that may be left out: no notice, no witness (a trial), no change of the roll, no web client. None of them
decides a count."""


class _Loader(yaml.SafeLoader):
    """YAML in which no mapping has a member twice, and none takes members over from another one (<<)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                raise Malformed(f"the manifest file, line {line}: the name of a member is a plain text")
            if key.value in names:
                raise Malformed(f"the manifest file, line {line}: {key.value[:64]!r} stands twice in one mapping")
            names.add(key.value)
        return super().construct_mapping(node, deep)


def manifest_from_yaml(text: str, authority: SigningKey) -> Manifest:
    """The manifest that a YAML file describes; the authority's key is filled in.

    Times are ISO 8601 with a zone. A contest may leave out `score` (1). Options may be given as plain titles and then
    have the ids o1, o2, …. The web client's `bundle` is a digest, in hex or as
    entries have it, or the folder of a build.

    Raises Malformed naming the member, Refused naming the broken rule, Unusable for a folder that is no build.
    """
    try:
        # A safe loader: it makes plain values only.
        members = yaml.load(text, Loader=_Loader)  # noqa: S506
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # What is no YAMLError looks like a time, a number or a truth value and is none, such as a 31st of April.
        raise Malformed(f"the manifest file is not YAML: {error}") from None
    if not isinstance(members, dict):
        raise Malformed("the manifest file is a mapping of members")
    members = DEFAULTS | members
    members |= {"kind": "manifest", "version": "RETALLY-V01", "authority": format_vkey(authority.verifier_key)}
    for name in ("opens", "closes"):
        members[name] = _posix(members.get(name), name)
    members["contests"] = [_contest(contest) for contest in _list(members, "contests")]
    members["client"] = _client(members["client"])
    members["districts"] = [{"merge": None} | _mapping(one, "district") for one in _list(members, "districts")]
    try:
        manifest = Manifest.model_validate(members)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Malformed(f"manifest: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    faults = check_manifest(manifest)
    if faults:
        raise Refused("manifest: " + "; ".join(faults))
    return manifest


def manifest_entry(manifest: Manifest, authority: SigningKey) -> bytes:
    """Entry 0, signed. Its SHA-256 is the election id."""
    return sign_entry(manifest, [authority])


def _list(members: dict[str, Any], name: str) -> list[Any]:
    value = members.get(name)
    if not isinstance(value, list):
        raise Malformed(f"manifest: {name} is a list")
    return value


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"manifest: a {what} is a mapping")
    return value


def _contest(value: Any) -> dict[str, Any]:
    contest = {"score": 1} | _mapping(value, "contest")
    options = contest.get("options")
    if isinstance(options, list) and all(isinstance(option, str) for option in options):
        contest["options"] = [{"id": f"o{number}", "title": title} for number, title in enumerate(options, start=1)]
    return contest


def _client(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("manifest: client is a mapping")
    client: dict[str, Any] = {"origins": [], "bundle": None} | value
    origins, bundle = client["origins"], client["bundle"]
    wrong = (
        [one for one in origins if not isinstance(one, str) or not is_origin(one)] if isinstance(origins, list) else []
    )
    if wrong:
        raise Malformed(
            f"manifest: client: {wrong[0]!r} is no origin: https://host or https://host:port, no slash at the end"
        )
    # A folder whose name looks like a digest is written with a slash: ./name.
    if isinstance(bundle, str) and not _DIGEST_OF_ENTRIES.fullmatch(bundle):
        client["bundle"] = bytes.fromhex(bundle) if _DIGEST.fullmatch(bundle) else read_build(Path(bundle))
    return client


def _posix(value: Any, name: str) -> int:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            raise Malformed(f"manifest: {name} is a time like 2026-09-18T08:00:00+03:00") from None
    if not isinstance(value, datetime.datetime) or value.tzinfo is None:
        raise Malformed(f"manifest: {name} is a time with its zone, like 2026-09-18T08:00:00+03:00")
    return int(value.timestamp())
