"""Reading a request's body: never more than an entry may have, never longer than the settings allow."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_server.api.problems import Problem


async def read_entry(request: Request, seconds: float) -> bytes:
    """The body as sent, whatever its content type.

    Problem body-too-large as soon as a byte too many arrives or is announced, body-too-slow after `seconds`, malformed
    if the body is empty or breaks off, encoding-not-taken if it is compressed.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("encoding-not-taken", "the body comes compressed; nothing is decompressed here", check="V09")
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 9 or int(announced) > MAX_ENTRY_BYTES):
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                body += part
                if len(body) > MAX_ENTRY_BYTES:
                    raise _too_large()
    except TimeoutError:
        raise Problem("body-too-slow", f"the body was not complete after {seconds:g} seconds") from None
    except ClientDisconnect:
        raise Problem("malformed", "the body broke off") from None
    if not body:
        raise Problem("malformed", "the body is empty", check="V09")
    return bytes(body)


def _too_large() -> Problem:
    return Problem("body-too-large", f"the body has more than {MAX_ENTRY_BYTES:,} bytes", check="V09")
