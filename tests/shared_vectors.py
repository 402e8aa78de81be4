"""Where the published test vectors are. They are read in place and never copied into the project.

The environment variable RETALLY_VECTORS names their folder; otherwise it is `shared/vectors` beside the repository. A
test that needs vectors which are not there is skipped and says so.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parent.parent


def vectors_root() -> Path:
    """The folder of the published vectors, whether it exists or not."""
    configured = os.environ.get("RETALLY_VECTORS")
    return Path(configured) if configured else _REPOSITORY.parent / "shared" / "vectors"


def vectors_path(*parts: str) -> Path:
    """The vector file or folder of that name; skips the calling test or module where it is absent."""
    path = vectors_root().joinpath(*parts)
    if not path.exists():
        pytest.skip(
            f"published vectors {'/'.join(parts)} are not in {vectors_root()}; set RETALLY_VECTORS to their folder",
            allow_module_level=True,
        )
    return path


def vectors_json(*parts: str) -> Any:
    """The parsed JSON of a vector file."""
    return json.loads(vectors_path(*parts).read_text(encoding="utf-8"))
