"""Whom long work tells how far it is: a bar (`console.Bar`), or nobody."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of one stage after the other."""

    def begin(self, total: int) -> None:
        """How much there is to do, once it is known."""

    def advance(self, by: int) -> None:
        """That much more is done."""

    def stage(self, title: str, total: int | None = None) -> None:
        """The next stage begins; it has this much to do, or nobody knows how much."""


class Untold(Progress):
    """Nobody is told."""

    def begin(self, total: int) -> None:
        pass

    def advance(self, by: int) -> None:
        pass

    def stage(self, title: str, total: int | None = None) -> None:
        pass
