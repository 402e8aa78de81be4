"""Vectors for pages 1 to 3 and 5.6: keys and encodings, canonical JSON, codes, credentials and the roll."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from retally_crypto import credentials
from retally_crypto.canonical import Json, canonical_bytes
from retally_crypto.codes import encode_code
from retally_crypto.engine import engine
from retally_crypto.notes import COSIGNATURE_V1, ED25519, format_vkey
from retally_crypto.relations import compile_relation, tag
from retally_crypto.secret.credentials import CHECK_SYMBOLS, LABEL, SYMBOLS, combine_secrets, part_secret, public_part
from retally_crypto.secret.sign import SigningKey
from retally_crypto.tracking import tracking_code
from retally_lab.boards.files import sign, signing_key
from scripts.vectors.fixed import ANOTHER_POINT, ORDER, drawn, le, proved, scalar

P = 2**255 - 19


def keys() -> dict[str, Any]:
    """Page 2.1 and 3.3: points, scalars, signing keys, and what is none of them."""
    texts: dict[str, Json] = {"kind": "example", "title": "Wahl in Köln"}
    signers = [signing_key("example.org/registrar-1"), signing_key("example.org/registrar-2")]
    named_keys = (("example.org/authority", ED25519), ("board.example/2027", ED25519), ("witness-1", COSIGNATURE_V1))
    return {
        "about": "points, scalars, Ed25519 keys and signed entries (docs/spec 2.1, 3.2, 3.3)",
        "points": [
            {"scalar": le(x % ORDER, 32), "point": engine.multiply_base(le(x % ORDER, 32))}
            for x in (0, 1, 2, 3, 2**32, -1, int.from_bytes(scalar("a point"), "little"))
        ],
        "reduced_scalars": [
            {"bytes": wide, "scalar": engine.scalar_reduce(wide)}
            for wide in (bytes(64), b"\xff" * 64, le(ORDER, 64), drawn("a wide number", 64))
        ],
        "signing_keys": [_signing_key(*named) for named in named_keys],
        "signed_entries": [
            {
                "text": canonical_bytes(texts).decode() + "\n",
                "signers": [format_vkey(signer.verifier_key) for signer in signers],
                "entry": sign(texts, signers).decode(),
            }
        ],
        "refused_points": [
            {"encoding": encoding, "why": why}
            for encoding, why in (
                (bytes(32), "the identity"),
                (le(P - int.from_bytes(ANOTHER_POINT, "little"), 32), "the negative of the generator's representative"),
                (ANOTHER_POINT[:31] + bytes([ANOTHER_POINT[31] | 0x80]), "a bit above the field"),
                (le(P, 32), "zero, not reduced"),
                (le(P + 2, 32), "two, not reduced"),
                (_no_square(), "no element has this representative"),
                (b"\xff" * 32, "far above the field"),
            )
        ],
        "refused_scalars": [
            {"encoding": encoding, "why": why}
            for encoding, why in (
                (le(ORDER, 32), "the order"),
                (le(ORDER + 1, 32), "one, not reduced"),
                (b"\xff" * 32, "far above the order"),
            )
        ],
        "refused_ed25519_keys": [
            {"encoding": encoding, "why": why}
            for encoding, why in (
                (le(1, 32), "the identity"),
                (le(P - 1, 32), "a point of order 2"),
                (le(P + 1, 32), "the identity, not reduced"),
                (bytes(32), "a point of order 4"),
                (_with_torsion(), "the base point plus the point of order 2"),
                (le(2, 32), "no point has this coordinate"),
            )
        ],
    }


def _signing_key(name: str, algorithm: int) -> dict[str, Any]:
    seed = drawn(f"key {name}", 32)
    vkey = format_vkey(SigningKey.from_seed(name, seed, algorithm).verifier_key)
    return {"seed": seed, "name": name, "type": algorithm, "verifier_key": vkey}


def _no_square() -> bytes:
    return next(le(s, 32) for s in range(2, 1000, 2) if engine.invalid_points(le(s, 32)))


def _with_torsion() -> bytes:
    y = 4 * pow(5, -1, P) % P
    # (x, y) + (0, -1) = (-x, -y); the base point's x is even, so its negative is odd.
    return le((P - y) | 1 << 255, 32)


def canonical_json() -> dict[str, Any]:
    """Page 1.1."""
    accepted = [
        "{}",
        '{"a":0,"b":9007199254740991}',
        '[true,false,null,"","é€😀\u007f"]',
        '{"Z":"\\b\\t\\n\\f\\r\\u0001\\u001f\\"\\\\/","a":[[],{}]}',
        "[" * 8 + "]" * 8,
    ]
    refused = [
        ('{"a": 0}', "white space"),
        ('{"a":0}\n', "a newline after it"),
        ('{"b":0,"a":0}', "members out of order"),
        ('{"a":0,"a":0}', "a member twice"),
        ('{"a":0,"a":1}', "a member twice"),
        ('{"a":9007199254740992}', "2^53"),
        ('{"a":-1}', "a sign"),
        ('{"a":-0}', "a sign"),
        ('{"a":1.0}', "a fraction"),
        ('{"a":1e3}', "an exponent"),
        ('{"a":01}', "a leading zero"),
        ('{"a":NaN}', "no JSON"),
        ('{"ä":0}', "a member name that is not ASCII"),
        ('{"a":"\\/"}', "an escape that is not needed"),
        ('{"a":"\\u00e9"}', "an escape that is not needed"),
        ('{"a":"\\u000a"}', "the long escape of a newline"),
        ('{"a":"\\u001F"}', "upper-case hex digits"),
        ('{"a":"\\ud800"}', "an unpaired surrogate"),
        ('{"a":"\u0001"}', "a control character that is not escaped"),
        ("[" * 9 + "]" * 9, "nested 9 deep"),
        ("\ufeff{}", "a byte order mark"),
        ("{}{}", "two values"),
        ("", "nothing"),
    ]
    raw = [(text.encode(), why) for text, why in refused]
    raw += [(b'{"a":"\xff"}', "not UTF-8"), (b'{"a":"\xed\xa0\x80"}', "a surrogate in UTF-8")]
    return {
        "about": "canonical JSON (docs/spec 1.1): `accepted` are texts, `refused` is base64 of the bytes",
        "accepted": accepted,
        "refused": [{"base64": b64encode(line).decode(), "why": why} for line, why in raw],
    }


def codes() -> dict[str, Any]:
    """Pages 1.2 and 5.6: from a voter's codes to her credential, to the roll."""
    election_id = drawn("an election id", 32)
    voters = [[drawn(f"code {voter} {registrar}", 15) for registrar in (1, 2)] for voter in range(3)]
    styles = [0, 1, 0]
    parts = [[part_secret(code, election_id, r) for r, code in enumerate(own, 1)] for own in voters]
    publics = [[public_part(part) for part in own] for own in parts]
    points = [credentials.combine_parts(own) for own in publics]
    first = _printed(voters[0][0])
    commitments = [
        credentials.roll_commitment(election_id, r, b"".join(own[r - 1] for own in publics), styles) for r in (1, 2)
    ]
    digest = drawn("a body", 32)
    track = tracking_code(digest)
    return {
        "about": "codes for people, credentials and the roll (docs/spec 1.2, 5.6, 5.7)",
        "election": election_id,
        "voters": [
            {
                "style": style,
                "codes": [
                    {
                        "bytes": code,
                        "code": _printed(code),
                        "registrar": r,
                        "secret": secret,
                        "part": part,
                    }
                    for r, (code, secret, part) in enumerate(zip(own, secrets, public, strict=True), start=1)
                ],
                "secret": combine_secrets(secrets),
                "credential": point,
            }
            for style, own, secrets, public, point in zip(styles, voters, parts, publics, points, strict=True)
        ],
        "roll_commitments": [{"registrar": r, "commitment": one} for r, one in enumerate(commitments, start=1)],
        "commitments": credentials.roll_commitments_digest(election_id, commitments),
        "opened_roll": credentials.opened_roll_digest(election_id, zip(points, styles, strict=True), 3),
        "replacement": _replacement(election_id, points[0]),
        "accepted_voter_codes": [
            {"text": text, "bytes": voters[0][0]}
            for text in (first, first.lower(), first.replace("-", ""), first.replace("-", " "), _lookalikes(first))
        ],
        "refused_voter_codes": [
            {"text": text, "why": why}
            for text, why in (
                (first[:-1], "a symbol missing"),
                (first + "0", "a symbol more"),
                (_next_symbol(first, 0), "one symbol wrong"),
                (_next_symbol(first, -1), "one check symbol wrong"),
                (first[:-1] + "U", "U is no symbol"),
                (first.replace("-", "_"), "another separator"),
                ("", "nothing"),
            )
        ],
        "tracking_codes": [{"body_hash": digest, "code": track}],
        "refused_tracking_codes": [
            {"text": text, "why": why}
            for text, why in (
                (_next_symbol(track, 5), "one symbol wrong"),
                (track[:-2], "a symbol missing"),
                (first, "a voter code"),
            )
        ],
    }


def _replacement(election_id: bytes, replaced: bytes) -> dict[str, Any]:
    secrets = [part_secret(drawn(f"new code {r}", 15), election_id, r) for r in (1, 2)]
    template = compile_relation(credentials.CREDENTIAL_PART)
    parts = [public_part(secret) for secret in secrets]
    proofs = [
        proved(template.header, part, tag(template.name, election_id, le(r, 4), replaced), secret).proof
        for r, (part, secret) in enumerate(zip(parts, secrets, strict=True), start=1)
    ]
    members = {"replaced": replaced, "secrets": secrets, "parts": parts, "proofs": proofs}
    return {**members, "credential": credentials.combine_parts(parts)}


def _printed(code: bytes) -> str:
    return encode_code(code, SYMBOLS, CHECK_SYMBOLS, LABEL)


def _lookalikes(code: str) -> str:
    return code.replace("1", "l").replace("0", "O")


def _next_symbol(code: str, at: int) -> str:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    symbols = list(code)
    symbols[at] = alphabet[(alphabet.index(symbols[at]) + 1) % 32]
    return "".join(symbols)
