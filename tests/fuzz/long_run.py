"""Coverage-guided fuzzing of one target with Atheris, by hand and for as long as one likes: `scripts/fuzz.sh`.

    python -m tests.fuzz.long_run TARGET SECONDS FOLDER    keeps inputs and findings in FOLDER

Half of the mutants are libFuzzer's own, half are those of `mutations`. Atheris is no dependency of the project: the
script installs it in an environment of its own.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["retally_crypto", "retally_client", "retally_server", "retally_reference"]):
    from tests.fuzz import seeds
    from tests.fuzz.targets import TARGETS, check

from tests.fuzz.mutations import mutate


def fuzz(name: str, options: list[str]) -> None:
    """Runs libFuzzer, which ends the process."""
    target, examples = TARGETS[name], seeds.examples_of(name)

    def change(raw: bytes, limit: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < 0.5:
            changed: bytes = atheris.Mutate(raw, limit)
            return changed
        return mutate(raw, draw, examples)[:limit]

    atheris.Setup([sys.argv[0], *options], lambda raw: check(target, raw), custom_mutator=change)
    atheris.Fuzz()


def main() -> None:
    """See the module's docstring."""
    name, seconds, place = sys.argv[1:]
    inputs = Path(place, "inputs")
    inputs.mkdir(parents=True, exist_ok=True)
    for at, example in enumerate(seeds.examples_of(name)):
        (inputs / f"seed-{at:03}").write_bytes(example)
    limits = ["-max_len=20000", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"]
    fuzz(name, [f"-max_total_time={seconds}", f"-artifact_prefix={place}/finding-", *limits, str(inputs)])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: scripts/fuzz.sh TARGET SECONDS")
    main()
