"""`make bench`, or `python -m benchmarks [--quick]`: measure each engine on one core and on all, write the figures.

Writes benchmarks/figures.json and benchmarks/FIGURES.md. The reference engine uses one core whatever there are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parent
BOARD = "verify a board's range"


def machine() -> dict[str, Any]:
    """What the figures come from; the load says how busy it was with other things."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "retally": version("retally-crypto"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def run(engine: str, cores: int, quick: bool) -> dict[str, Any]:
    """One run in a process of its own."""
    settings = {**os.environ, "RETALLY_ENGINE": engine, "RAYON_NUM_THREADS": str(cores)}
    command = [sys.executable, "-m", "benchmarks.measure", *(["--quick"] if quick else [])]
    # The command is this interpreter and our own module.
    done = subprocess.run(command, env=settings, cwd=PROJECT, stdout=subprocess.PIPE, check=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(done.stdout)
    return {"cores": cores, **measured}


def table(figures: dict[str, Any]) -> str:
    """FIGURES.md."""
    about, runs = figures["machine"], figures["runs"]
    heads = [f"{one['engine']}, {one['cores']} core{'s' if one['cores'] > 1 else ''}" for one in runs]

    def row(name: str, values: list[object]) -> str:
        return f"| {name} | " + " | ".join(str(value) for value in values) + " |"

    def of(name: str) -> list[float]:
        return [one["microseconds_per_selection"][name] for one in runs]

    steps = runs[0]["microseconds_per_selection"]
    raw = of("raw multi-scalar multiplication")
    boards, batches = zip(of(BOARD), raw, strict=True), zip(of("verify in a batch"), raw, strict=True)
    points = runs[0]["points_per_ballot"]
    lines = [
        "# Figures",
        "",
        "Written by `make bench`; the same in `figures.json`.",
        "",
        f"{about['date']} · {about['processor']}, {about['cores']} cores · {about['system']} ·",
        f"Python {about['python']} · retally {about['retally']} · load before the run {about['load_before']}"
        + (" · quick run" if figures["quick"] else ""),
        "",
        "A selection is one encrypted bit.",
        f"Ballots of {runs[0]['selections'] // runs[0]['ballots']} bits, "
        f"{runs[0]['bytes_per_entry']:,} bytes an entry; times are the best of {runs[0]['repeats']}.",
        "",
        row("microseconds per selection", list(heads)),
        "|---|" + "---:|" * len(runs),
        row("ballots in the run", [one["ballots"] for one in runs]),
        *(row(name, list(of(name))) for name in steps),
        row("batch ÷ raw multiplication", [f"{batch / bound:.2f}" for batch, bound in batches]),
        row("board's range ÷ raw multiplication", [f"{board / bound:.2f}" for board, bound in boards]),
        "",
        row("hashing", list(heads)),
        "|---|" + "---:|" * len(runs),
        row("microseconds per entry hashed", [one["microseconds_per_leaf"] for one in runs]),
        row("microseconds per tree node", [one["microseconds_per_node"] for one in runs]),
        row("milliseconds for 200 counts up to 2,100,000", [one["milliseconds_for_logarithms"] for one in runs]),
        "",
        "Encrypting and proving is what a voter's device does, one ballot after the other; verifying in a",
        "batch is what a board does; verifying a board's range is what an auditor does, from the bytes of",
        "bundles: leaves hashed, entries read, proofs verified, ciphertexts summed.",
        "The two raw rows are bounds from the same run, of the same engine on the same cores:",
        "",
        f"- the {points} points that a ballot brings (credential, ciphertexts, commitments), decoded;",
        "- one multi-scalar multiplication of all of them, decoding included, with scalars as long as the",
        "  batch equation's (128 bits for commitments, 252 for the others).",
        "",
        "A load above 0 means that other work took part of the time.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer ballots, once each; prints, writes nothing")
    quick = parser.parse_args().quick
    about = machine()
    plan = [("reference", 1)]
    if find_spec("retally_native") is None:
        print("the native engine is not installed: only the reference engine is measured", file=sys.stderr)
    else:
        plan = [("native", cores) for cores in sorted({1, about["cores"]})] + plan
    figures = {"machine": about, "quick": quick, "runs": [run(engine, cores, quick) for engine, cores in plan]}
    written = table(figures)
    print(written)
    if not quick:
        (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (FOLDER / "FIGURES.md").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
