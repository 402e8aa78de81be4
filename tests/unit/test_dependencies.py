"""What others wrote: locked by version and hash without addresses, permissively licensed, and explained in the docs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "dependencies.md"
PYTHON_LOCKS = (
    "requirements/runtime.txt",
    "requirements/cluster.txt",
    "requirements/development.txt",
    "requirements/docs.txt",
    "tests/judges/requirements.txt",
)
CARGO = PROJECT / "crypto" / "native"
WEB = PROJECT / "client" / "web"
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
"""Cargo's own name of its default registry; without it a lock file does not say which one is meant."""

COPYLEFT = re.compile(r"\b[AL]?GPL|\bEUPL|\bSSPL|General Public License", re.I)
PERMISSIVE = re.compile(
    r"MIT|Apache|BSD|ISC|PSF|Python|MPL-2\.0|Mozilla Public License 2\.0|0BSD|BlueOak-1\.0\.0|Zlib|CC0|Unicode-3\.0"
    r"|matplotlib|Kiwi",
    re.I,
)


def names(file: str) -> set[str]:
    """The packages that a `.in` file asks for."""
    lines = (PROJECT / file).read_text().splitlines()
    return {re.split(r"[\[<=>~ ]", line)[0] for line in lines if line and line[0] not in "#-"}


def direct() -> set[str]:
    """Every package that we name ourselves."""
    cargo = tomllib.loads((CARGO / "Cargo.toml").read_text())
    web = json.loads((WEB / "package.json").read_text())
    files = [f"requirements/{name}.in" for name in ("runtime", "cluster", "development", "docs")]
    python = {name for file in (*files, "tests/judges/requirements.in") for name in names(file)}
    return python | set(cargo["dependencies"]) | set(web["dependencies"]) | set(web["devDependencies"])


def test_the_page_explains_each_package_that_we_name_and_no_other() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M)
    assert len(rows) == len(set(rows))
    assert set(rows) == direct()


def test_each_package_of_python_projects_is_asked_for() -> None:
    asked = names("requirements/runtime.in") | names("requirements/cluster.in")
    for file in PROJECT.glob("*/pyproject.toml"):
        project = tomllib.loads(file.read_text())["project"]
        optional = project.get("optional-dependencies", {}).values()
        for each in [*project.get("dependencies", []), *(one for some in optional for one in some)]:
            assert re.split(r"[\[<=>~ ]", each)[0] in asked or each.startswith("retally-"), (file, each)


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_python_packages_are_locked_by_version_and_hash(lock: str) -> None:
    text = (PROJECT / lock).read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.M))
    for block in filter(None, map(str.strip, blocks)):
        assert re.match(r"[a-zA-Z0-9_.-]+(\[[a-z,]+\])?==[^ ]+", block), block
        assert "--hash=sha256:" in block, block


def test_crates_are_locked_by_version_and_hash() -> None:
    packages = tomllib.loads((CARGO / "Cargo.lock").read_text())["package"]
    ours = [each for each in packages if each["name"].startswith("retally-")]
    assert len(packages) > len(ours) == 1
    for each in packages:
        if each not in ours:
            assert each["source"] == CRATES_IO
            assert re.fullmatch("[0-9a-f]{64}", each["checksum"])


def test_the_accelerator_is_made_of_the_native_engines_crates() -> None:
    def locked(lock: Path) -> set[tuple[str, str, str]]:
        packages = tomllib.loads(lock.read_text())["package"]
        return {(each["name"], each["version"], each.get("checksum", "")) for each in packages}

    engine, accelerator = locked(CARGO / "Cargo.lock"), locked(CARGO.parent / "Cargo.lock")
    assert {name for name, _version, _checksum in accelerator - engine} == {"retally-wasm"}


def locked_in_node() -> Iterator[tuple[str, dict[str, str]]]:
    lock = json.loads((WEB / "package-lock.json").read_text())
    return ((name, each) for name, each in lock["packages"].items() if name and not each.get("link"))


def test_node_packages_are_locked_by_version_and_hash_and_permissive() -> None:
    seen = 0
    for name, each in locked_in_node():
        assert each["version"], name
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name
        assert PERMISSIVE.search(each["license"]), name
        assert not COPYLEFT.search(each["license"]), name
        seen += 1
    assert seen > 100


def licences(distribution: metadata.Distribution) -> str:
    """What a package's own metadata say of its licence, the long text of one cut off."""
    about = distribution.metadata
    classifiers = [each for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    said = [*(about.get_all("License-Expression") or []), *(about.get_all("License") or [])]
    return " ".join([*(one.strip()[:120] for one in said), *classifiers])


@pytest.mark.parametrize("lock", PYTHON_LOCKS[:2])
def test_python_packages_are_permissive(lock: str) -> None:
    locked = set(re.findall(r"^([a-zA-Z0-9_.-]+)(?:\[[a-z,]+\])?==", (PROJECT / lock).read_text(), re.M))
    looked_at = 0
    for name in sorted(locked):
        try:
            said = licences(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            continue  # For another system than this one.
        assert PERMISSIVE.search(said), (name, said)
        assert not COPYLEFT.search(said), (name, said)
        looked_at += 1
    assert looked_at > len(locked) / 2


def test_a_copyleft_licence_is_noticed() -> None:
    assert COPYLEFT.search("LGPL-3.0-only")
    assert COPYLEFT.search("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)")
    assert not PERMISSIVE.search("GPL-2.0-or-later")
