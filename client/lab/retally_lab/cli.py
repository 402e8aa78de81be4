"""`retally lab`: what the `retally` command finds through the entry point `retally.commands`."""

from __future__ import annotations

from retally_verify.command_table import OnUse, group

app = group(
    "Trials: the re-enactment of published totals, and a small live election.",
    OnUse(
        "demo",
        "retally_lab.commands:demo",
        "Re-enact the disputed count of 2021 with real encryption over a real server, verify it, and catch a fraud.",
    ),
    OnUse(
        "serve",
        "retally_lab.commands:serve",
        "Run a small election, open for voting, and print the voters' links.",
    ),
)
