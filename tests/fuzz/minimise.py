"""What a run of fuzzing found, made small enough to keep: `python -m tests.fuzz.minimise TARGET FOLDER`.

From the shortest on, an input is kept if it reaches a line of our code that nothing before it reached, or if it makes
the reader refuse where that was not seen before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS, Target, check

OURS = ("retally_crypto", "retally_client", "retally_server", "retally_reference")
LONGEST = 4000
MOST = 60

Reached = set[tuple[str, int, str]]
"""File, line, and what happened there: a line was run, or an exception passed."""


def reached(target: Target, raw: bytes) -> Reached:
    """What reading `raw` runs."""
    found: Reached = set()

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if not any(name in frame.f_code.co_filename for name in OURS):
            return None
        found.add((frame.f_code.co_filename, frame.f_lineno, "exception" if event == "exception" else "line"))
        return trace

    sys.settrace(trace)
    try:
        check(target, raw)
    finally:
        sys.settrace(None)
    return found


def minimal(target: Target, known: Iterable[bytes], found: Iterable[bytes]) -> list[bytes]:
    """Those of `found`, from the shortest on, that reach what neither `known` nor a shorter one reaches."""
    before: Reached = set()
    for one in known:
        before |= reached(target, one)
    chosen = []
    for one in sorted(found, key=lambda one: (len(one), one)):
        new = reached(target, one) - before
        if new:
            chosen.append(one)
            before |= new
    return chosen


def main() -> None:
    """Adds to the corpus of a target what is worth keeping of the files in a folder."""
    name, folder = sys.argv[1:]
    contents = {path.read_bytes() for path in Path(folder).iterdir() if path.stat().st_size <= LONGEST}
    old = seeds.kept(name)
    chosen = minimal(TARGETS[name], seeds.examples_of(name), contents)[:MOST]
    if chosen:
        seeds.keep(name, [*old, *chosen])
    print(f"{name}: {len(contents)} inputs, {len(chosen)} added to {len(old)}")


if __name__ == "__main__":
    main()
