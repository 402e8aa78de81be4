"""Where the small inputs are that once failed and came from other systems' users. They are read in place and never
copied; every kind of fault has a small input of its own in the tests too.

They lie in the folder `data/cases` beside the published vectors (see `tests.shared_vectors`). A test that needs one
that is not there is skipped and says so.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared_vectors import vectors_root


def case_path(*parts: str) -> Path:
    """The file of that case; skips the calling test where it is absent."""
    path = vectors_root().parent.joinpath("data", "cases", *parts)
    if not path.exists():
        pytest.skip(f"the case {'/'.join(parts)} is not in {vectors_root().parent / 'data' / 'cases'}")
    return path
