"""Page 4.1: the manifest, its members and the rules between them (V03)."""

import json
from collections.abc import Iterator
from typing import Any

from retally_reference import ed25519
from retally_reference.canonical import LONGEST_ENTRY, is_identifier
from retally_reference.members import b64, identifier, integer, key, many, one_of, or_null, record, text
from retally_reference.notes import COSIGNATURE, SIGNATURE, Key
from retally_reference.shapes import MOST_STYLES, shape_of

Manifest = dict[str, Any]
"""The manifest's members, with verifier keys parsed. `contests_of` maps a district to its contests' ids."""

MANIFEST = record(
    kind=one_of("manifest"),
    version=one_of("RETALLY-V01"),
    title=text,
    notice=or_null(text),
    authority=key,
    board=key,
    registrars=many(key, 1, 16),
    guardians=record(keys=many(key, 1, 32), threshold=integer(1, 32)),
    witnesses=record(keys=many(key, 0, 32), quorum=integer(0, 32)),
    opens=integer(),
    closes=integer(),
    grace=integer(0, 86_400),
    contests=many(
        record(
            id=identifier,
            title=text,
            options=many(record(id=identifier, title=text), 1, 256),
            limit=one_of("total", "option"),
            score=integer(1, 1000),
            min=integer(),
            max=integer(),
        ),
        1,
        64,
    ),
    districts=many(record(id=identifier, title=text, merge=or_null(identifier)), 1, 4096),
    styles=many(record(id=identifier, district=identifier, contests=many(identifier, 1, 64)), 1, MOST_STYLES),
    smallest_unit=integer(),
    caps=record(revocations=integer(), replacements=integer()),
    client=record(origins=many(text, 0, 16), bundle=or_null(b64(32))),
)


def read_manifest(members: Any) -> Manifest:
    """The manifest of parsed JSON; Refusal names the member that has another form."""
    manifest: Manifest = MANIFEST(members)
    manifest["contest"] = {contest["id"]: contest for contest in manifest["contests"]}
    manifest["style_index"] = {style["id"]: index for index, style in enumerate(manifest["styles"])}
    manifest["contests_of"] = {style["district"]: style["contests"] for style in manifest["styles"]}
    return manifest


def broken_rules(manifest: Manifest) -> list[str]:
    """Every rule of 4.1 that is broken, in words."""
    found = [*_keys(manifest), *_contests(manifest), *_districts(manifest), *_styles(manifest)]
    if manifest["opens"] >= manifest["closes"]:
        found.append("the election closes before it opens")
    return found or [*_sizes(manifest)]


def all_keys(manifest: Manifest) -> list[Key]:
    """Every key that the manifest names."""
    officials = [manifest["authority"], manifest["board"], *manifest["registrars"], *manifest["guardians"]["keys"]]
    return [*officials, *manifest["witnesses"]["keys"]]


def _keys(manifest: Manifest) -> Iterator[str]:
    keys, witnesses = all_keys(manifest), manifest["witnesses"]["keys"]
    for official in keys:
        kind = COSIGNATURE if official in witnesses else SIGNATURE
        if official.kind != kind or not ed25519.valid_ed25519_key(official.public):
            yield f"the key {official.name} is of another type or no point of prime order"
    if not len({one.name for one in keys}) == len({one.public for one in keys}) == len(keys):
        yield "two keys have the same name or the same public key"
    if not is_identifier(manifest["board"].name.rpartition("/")[2]):
        yield f"the board's short name {manifest['board'].name.rpartition('/')[2]!r} is no identifier"
    if manifest["guardians"]["threshold"] > len(manifest["guardians"]["keys"]):
        yield "the threshold is larger than the number of guardians"
    w, q = len(witnesses), manifest["witnesses"]["quorum"]
    if not (w == q == 0 or w < 2 * q <= 2 * w):
        yield f"a quorum of {q} among {w} witnesses"


def _contests(manifest: Manifest) -> Iterator[str]:
    used = {contest for style in manifest["styles"] for contest in style["contests"]}
    if len(manifest["contest"]) != len(manifest["contests"]):
        yield "two contests have one id"
    for contest in manifest["contests"]:
        name, low, high = contest["id"], contest["min"], contest["max"]
        total = len(contest["options"]) * contest["score"]
        if len({option["id"] for option in contest["options"]}) != len(contest["options"]):
            yield f"two options of contest {name} have one id"
        if name not in used:
            yield f"contest {name} is in no style"
        if contest["limit"] == "option":
            if (low, high) != (0, total):
                yield f"contest {name} has limits for each option, and another min or max than 0 and {total}"
        elif not (low <= high and 1 <= high <= total and total + high - low < 2**32):
            yield f"contest {name} has min {low} and max {high} with at most {total} in all"


def _districts(manifest: Manifest) -> Iterator[str]:
    known = {district["id"] for district in manifest["districts"]}
    if len(known) != len(manifest["districts"]):
        yield "two districts have one id"
    for district in manifest["districts"]:
        contests, merge = manifest["contests_of"].get(district["id"]), district["merge"]
        if contests is None:
            yield f"district {district['id']} has no style"
        if merge is None:
            continue
        if merge == district["id"] or merge not in known or manifest["contests_of"].get(merge) != contests:
            yield f"district {district['id']} is merged with {merge}, which is not another one with the same contests"


def _styles(manifest: Manifest) -> Iterator[str]:
    order = {contest["id"]: place for place, contest in enumerate(manifest["contests"])}
    known = {district["id"] for district in manifest["districts"]}
    if len(manifest["style_index"]) != len(manifest["styles"]):
        yield "two styles have one id"
    for style in manifest["styles"]:
        places = [order.get(contest, -1) for contest in style["contests"]]
        if style["district"] not in known:
            yield f"style {style['id']} names an unknown district"
        if -1 in places or places != sorted(set(places)):
            yield f"style {style['id']} does not name known, distinct contests in the manifest's order"
        if style["contests"] != manifest["contests_of"][style["district"]]:
            yield f"style {style['id']} has other contests than another style of its district"


def _sizes(manifest: Manifest) -> Iterator[str]:
    empty = '{"ciphertexts":"","credential":"","election":"","kind":"ballot","previous":"","proof":"","style":""}'
    for index, style in enumerate(manifest["styles"]):
        shape = shape_of(manifest, index)
        lengths = (shape.ciphertexts_length, shape.proof_length, 32, 32, 32)
        size = len(empty) + len(style["id"]) + sum(-(-length * 8 // 6) for length in lengths)
        if size > LONGEST_ENTRY:
            yield f"a ballot of style {style['id']} has {size} bytes"
    for kind, size in largest_of_the_tally(manifest).items():
        if size > LONGEST_ENTRY:
            yield f"a {kind} can have {size} bytes"


def largest_of_the_tally(manifest: Manifest) -> dict[str, int]:
    """7.8: bytes of the largest partial-decryption and the largest result."""
    options = {contest["id"]: len(contest["options"]) for contest in manifest["contests"]}
    contests_of, guardians, digits = manifest["contests_of"], manifest["guardians"]["keys"], 2**53 - 1
    hash_ = "_" * 43
    units, reported, count = [], [], 0
    for district in (district["id"] for district in manifest["districts"]):
        count += sum(options[name] for name in contests_of[district])
        counts = [{"contest": name, "counts": [digits] * options[name]} for name in contests_of[district]]
        units.append([district])
        reported.append({"contests": counts, "counted": digits, "districts": [district], "state": "reported"})
    partial = {"kind": "partial-decryption", "guardian": len(guardians), "size": digits, "root": hash_, "units": units}
    partial |= {"aggregates": hash_, "points": "_" * -(-256 * count // 6), "proof": "_" * -(-256 * (count + 2) // 6)}
    result = dict.fromkeys(("credentials", "voted", "accepted", "superseded", "counted", "refused"), digits)
    return {
        "partial-decryption": _signed_length({"election": hash_, **partial}, guardians),
        "result": _signed_length(
            {"election": hash_, "kind": "result", "units": reported, "combined": hash_, **result},
            [manifest["authority"]],
        ),
    }


def _signed_length(content: dict[str, Any], signers: list[Key]) -> int:
    """Bytes of an official's entry, with the signature line of the longest name: 68 bytes are 92 letters of base64."""
    longest = max(len(signer.name.encode()) for signer in signers)
    return len(json.dumps(content, separators=(",", ":"))) + len("\n\n\u2014  \n".encode()) + longest + 92
