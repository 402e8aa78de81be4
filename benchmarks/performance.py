"""docs/performance.md: its tables and its picture, made of the recorded figures; `make bench` runs this last.

Between `<!-- table: NAME -->` and `<!-- end -->` stands what `TABLES[NAME]` makes of the files beside this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.__main__ import BOARD, FOLDER, PROJECT

PAGE = PROJECT / "docs" / "performance.md"
PICTURE = PROJECT / "docs" / "pictures" / "recount.png"
BALLOTS, BITS, SUPERSEDED = 100_000_000, 12, 0.1
"""The plan: so many ballots, bits each, and the share that is superseded."""
HALF_A_DAY = 12


def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _source(about: dict[str, Any]) -> str:
    return (
        f"{about['date']} · {about['processor']}, {about['cores']} cores · Python {about['python']} · "
        f"load before {about['load_before']}"
    )


def selection() -> str:
    """A selection's cost beside its bounds."""
    figures = _read("figures.json")
    runs = [run for run in figures["runs"] if run["engine"] == "native"]
    steps = {
        "a board's range, from its bytes": BOARD,
        "batch of parsed ballots": "verify in a batch",
        "bound: points decompressed": "raw decompressions",
        "bound: decompressed and one multi-scalar multiplication": "raw multi-scalar multiplication",
    }
    rows: list[list[object]] = [
        [name, *(run["microseconds_per_selection"][step] for run in runs)] for name, step in steps.items()
    ]
    bound = "raw multi-scalar multiplication"
    ratios = [
        f"{run['microseconds_per_selection'][BOARD] / run['microseconds_per_selection'][bound]:.2f}" for run in runs
    ]
    head = ["µs a selection", *(f"{run['cores']} core{'s' if run['cores'] > 1 else ''}" for run in runs)]
    return _table(head, [*rows, ["range ÷ bound", *ratios]]) + f"\n\n{_source(figures['machine'])}"


def peers() -> str:
    """One core against one core."""
    figures = _read("peers.json")
    rows = [one for one in figures["measured"] if one["compared"] and one["cores"] == 1]
    ours = next(one["microseconds_per_selection"] for one in rows if one["system"] == "Retally")
    cells = [
        [f"{one['system']}, {one['step']}", f"{one['microseconds_per_selection']:,.1f}",
         f"{one['microseconds_per_selection'] / ours:,.0f}"]
        for one in rows
    ]  # fmt: skip
    return _table(["system", "µs a selection", "÷ Retally"], cells)


def recounts() -> str:
    """The curve."""
    runs = _read("full_scale.json")["runs"]
    rows = [
        [
            f"{run['ballots']:,}",
            f"{run['selections']:,}",
            f"{run['board_bytes'] / 1e9:.2f}",
            f"{run['from_nothing']['seconds']:,.0f}",
            f"{run['from_nothing']['processor_seconds']:,.0f}",
            f"{run['from_nothing']['memory']:.0f}",
            f"{run['kept_bytes'] / 1e6:,.0f}",
            f"{run['again']['seconds']:,.0f}",
            f"{run['machine']['load_before']}",
        ]
        for run in runs
    ]
    head = ["ballots", "selections", "GB", "s", "processor s", "MiB", "kept MB", "again, s", "load before"]
    return (
        _table(head, rows) + f"\n\n{_source(runs[-1]['machine'])}; {runs[-1]['credentials']:,} credentials on the roll"
    )


def plan() -> str:
    """A hundred million ballots, from the largest recount."""
    run = _read("full_scale.json")["runs"][-1]
    per_ballot = BITS / (run["selections"] / run["ballots"])
    cost = run["from_nothing"]["processor_seconds"] / run["ballots"] * per_ballot
    entry = run["board_bytes"] / run["ballots"] * per_ballot
    kept = run["kept_bytes"] / run["ballots"]
    hours = cost * BALLOTS / 3600
    cores = -(-hours // HALF_A_DAY)
    rows = [
        ["entry bundles and level-0 tiles", f"{2 * BALLOTS / 256:,.0f} objects"],
        ["bytes read once", f"{entry * BALLOTS / 1e12:.2f} TB"],
        ["read a second time, to take superseded ballots out", f"at most {entry * BALLOTS / 1e12:.2f} TB"],
        ["processor time", f"{hours:,.0f} core-hours"],
        [f"cores for {HALF_A_DAY} hours", f"{cores:.0f}"],
        [f"bandwidth for {HALF_A_DAY} hours", f"{8 * entry * BALLOTS / HALF_A_DAY / 3600 / 1e6:,.0f} Mbit/s"],
        ["summaries kept", f"{kept * BALLOTS / 1e9:,.0f} GB"],
    ]
    return _table([f"{BALLOTS:,} ballots of {BITS} bits", ""], rows)


def cluster() -> str:
    """One worker and two."""
    made = _read("full_scale.json")["cluster"]
    alone, together = made["seconds"]["1"], made["seconds"]["2"]
    rows = [["1", f"{alone:.1f}", "1.00"], ["2", f"{together:.1f}", f"{alone / together:.2f}"]]
    about = f"{made['ballots']:,} ballots, from nothing, all on one machine of two cores ·\n{_source(made['machine'])}"
    return _table(["workers of one core", "seconds", "speed-up"], rows) + f"\n\n{about}"


TABLES: dict[str, Callable[[], str]] = {
    "selection": selection,
    "peers": peers,
    "recounts": recounts,
    "cluster": cluster,
    "plan": plan,
}


def draw() -> None:
    """Time and memory over the number of ballots."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    runs = _read("full_scale.json")["runs"]
    ballots = [run["ballots"] for run in runs]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    left.loglog(ballots, [run["from_nothing"]["seconds"] for run in runs], "o-", label="from nothing")
    left.loglog(ballots, [run["again"]["seconds"] for run in runs], "s--", label="again, all signed off")
    left.set(xlabel="ballots", ylabel="seconds", title="a recount on two cores")
    left.legend(frameon=False)
    right.semilogx(ballots, [run["from_nothing"]["memory"] for run in runs], "o-")
    right.axhline(500, color="grey", linestyle=":")
    right.set(xlabel="ballots", ylabel="MiB", title="largest resident memory", ylim=(0, 550))
    figure.suptitle("synthetic re-enactment of published totals", fontsize=9)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})
    plt.close(figure)


def render(text: str) -> str:
    """The page with its tables as the figures are now."""

    def made(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- table: {name} -->\n{TABLES[name]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->\n.*?<!-- end -->", made, text, flags=re.DOTALL)


def main() -> None:
    """Write page and picture."""
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    draw()


if __name__ == "__main__":
    main()
