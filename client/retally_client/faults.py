"""What is wrong with a file that a person brings, said all at once: where, what, and what to do.

A person corrects a file once, not once for every fault. So readers collect what they find and refuse at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 20
"""So many faults are shown; of the rest only their number, for a file with a thousand faults has one cause."""


def listed(heading: str, faults: Sequence[str]) -> str:
    """The heading, then one fault a line, the first `SHOWN` of them."""
    lines = [f"  {fault}" for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        lines.append(f"  and {len(faults) - SHOWN:,} more")
    return "\n".join([heading, *lines])


def counted(number: int, thing: str) -> str:
    """`1 fault`, `3 faults`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def enumerated(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; the first `SHOWN`, and the number of the rest."""
    if len(words) > SHOWN:
        return f"{', '.join(words[:SHOWN])} {last} {len(words) - SHOWN:,} more"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
