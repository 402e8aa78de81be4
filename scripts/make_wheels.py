"""Builds what is handed out: `python -m scripts.make_wheels FOLDER` (`make wheels`).

    retally_*.whl             every Python distribution; retally-native for this system, for every Python from 3.11 on
    retally_reference.pyz     the reference verifier as one file that needs nothing but Python:
                              python3 retally_reference.pyz BOARD --policy FILE

The one file has the same bytes wherever it is made from the same sources, so that its digest can be announced: its
members are sorted, stored as they are, and have no times of their own.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = ("crypto/reference", "crypto", "client/verifier", "client", "client/lab", "server")
NATIVE = "crypto/native"
ONE_FILE = "retally_reference.pyz"
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The earliest time that the format can say."""

_MAIN = b"""\
import sys

from retally_reference.__main__ import main

sys.exit(main())
"""


def make_wheels(folder: Path) -> None:
    """Builds the wheels of all distributions that are pure Python. Raises CalledProcessError."""
    places = [str(PROJECT / place) for place in DISTRIBUTIONS]
    # The locked build backend is installed already: nothing is downloaded to build with.
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), *places], check=True)  # noqa: S603


def make_native_wheel(folder: Path) -> bool:
    """Builds the native engine's wheel; False where no Rust toolchain is. Raises CalledProcessError."""
    if shutil.which("cargo") is None:
        return False
    manifest = str(PROJECT / NATIVE / "Cargo.toml")
    options = ["--release", "--locked", "--quiet", "-i", sys.executable, "-m", manifest, "-o", str(folder)]
    subprocess.run([Path(sys.executable).with_name("maturin"), "build", *options], check=True)  # noqa: S603
    return True


def one_file_verifier() -> bytes:
    """The reference verifier as a program in a zip archive."""
    sources = PROJECT / "crypto" / "reference" / "retally_reference"
    members = {"__main__.py": _MAIN, "LICENSE": (PROJECT / "LICENSE").read_bytes()}
    members |= {f"retally_reference/{path.name}": path.read_bytes() for path in sources.glob("*.py")}
    written = io.BytesIO(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(written, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, _BEGINNING)
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, members[name])
    return written.getvalue()


def main() -> None:
    """See the module's docstring."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make_wheels(folder)
    if not make_native_wheel(folder):
        print("No Rust toolchain (cargo): there is no wheel of the native engine.", file=sys.stderr)
    path = folder / ONE_FILE
    path.write_bytes(one_file_verifier())
    path.chmod(0o755)
    for made in sorted(folder.glob("retally_*")):
        print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made.name}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m scripts.make_wheels FOLDER")
    main()
