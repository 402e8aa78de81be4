"""The re-enacted result as a picture: by how much the paper leader leads on paper, and after the online votes are
added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retally_lab.replay import NOTICE

STEADY, REVERSED = "#5b6b7f", "#b3372b"


@dataclass(frozen=True)
class Margin:
    """One district: the paper leader's lead over the best other candidate, on paper and combined (negative: behind)."""

    title: str
    paper: int
    combined: int

    @property
    def reversed(self) -> bool:
        return self.combined < 0


def draw_margins(margins: Sequence[Margin], path: Path) -> bool:
    """Writes the picture (SVG or PNG by the path's ending); False if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    figure = Figure(figsize=(9, 0.42 * len(margins) + 1.8), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(margins), 0, -1)
    for place, margin in zip(places, margins, strict=True):
        colour = REVERSED if margin.reversed else STEADY
        axes.annotate(
            "",
            xy=(margin.combined, place),
            xytext=(margin.paper, place),
            arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.8},
        )
        axes.plot([margin.paper], [place], "o", color=colour, markersize=6)
    extreme = [value for margin in margins for value in (margin.paper, margin.combined, 0)]
    reach = max(extreme) - min(extreme) or 1
    axes.set_xlim(min(extreme) - reach * 0.05, max(extreme) + reach * 0.05)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(list(places), [f"{margin.title}{' ⇄' if margin.reversed else ''}" for margin in margins])
    axes.set_xlabel("lead of the paper leader over the best other candidate: on paper (dot), with online votes (arrow)")
    count = sum(margin.reversed for margin in margins)
    axes.set_title(f"{count} of {len(margins)} districts reverse when the online count is added\n{NOTICE}", fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    return True
