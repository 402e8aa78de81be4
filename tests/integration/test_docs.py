"""The documentation is built without a warning, asks nobody for anything, and a ballot server serves it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import pytest

from retally_server.api.web_pages import read_web_pages
from scripts.documentation import modules, place, policy, with_links_of_the_site
from scripts.prose import PROJECT, documents

CALLED = re.compile(
    r"<(?:link|script|img|source|iframe|video|audio|object|embed)\b[^>]*?\b(?:src|href|data)=\"([^\"]*)\""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("sphinx") is None or find_spec("furo") is None or find_spec("myst_parser") is None:
        pytest.skip("Sphinx is not installed here: `make docs` installs it and builds the documentation")
    folder = tmp_path_factory.mktemp("docs") / "html"
    command = [sys.executable, "-m", "scripts.documentation", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def pages(site: Path) -> dict[str, str]:
    return {file.relative_to(site).as_posix(): file.read_text("utf-8") for file in site.rglob("*.html")}


def test_every_document_and_every_public_module_has_a_page_in_the_menu(site: Path) -> None:
    menu = (site / "index.html").read_text("utf-8")
    for file in documents(PROJECT):
        page = place(PurePosixPath(file.relative_to(PROJECT))).with_suffix(".html")
        assert (site / page).is_file(), page
        assert str(page) == "index.html" or f'href="{page}"' in menu, page
    for name in modules():
        assert (site / "reference" / f"{name}.html").is_file()
    assert "Raises Malformed" in (site / "reference" / "retally_crypto.web_bundle.html").read_text("utf-8")


def test_no_page_asks_anybody_else_for_anything(site: Path) -> None:
    for path, page in pages(site).items():
        for address in CALLED.findall(page):
            assert not re.match(r"(?:[a-z]+:)?//", address), (path, address)
    for file in site.rglob("*.css"):
        for address in re.findall(r"url\(['\"]?([^'\")]*)|@import\s+['\"]?([^'\";]*)", file.read_text("utf-8")):
            assert not "".join(address).startswith(("http", "//")), (file.name, address)


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    found = pages(site)
    names = {path: set(re.findall(r'\bid="([^"]+)"', page)) for path, page in found.items()}
    for path, page in found.items():
        for href in re.findall(r'<a\b[^>]*?\bhref="([^"]+)"', page):
            if re.match(r"[a-z]+:", href) or not href.strip("#"):
                continue
            target, _, fragment = href.partition("#")
            resolved = (site / path).parent.joinpath(target).resolve() if target else (site / path).resolve()
            there = resolved.relative_to(site.resolve()).as_posix()
            assert there in found, (path, href)
            assert not fragment or fragment in names[there], (path, href)


def test_the_search_is_in_the_pages(site: Path) -> None:
    index = (site / "searchindex.js").read_text("utf-8")
    assert index.startswith("Search.setIndex(")
    assert "guides/auditor" in index


def test_a_ballot_server_takes_the_folder_as_it_is(site: Path) -> None:
    files = read_web_pages(site)
    assert set(pages(site)) <= set(files)
    for file in files.values():
        said = file.headers["Content-Security-Policy"]
        assert "default-src 'none'" in said
        assert "sandbox allow-scripts allow-forms;" in said
        assert "script-src 'self';" in said
        assert "unsafe-inline" not in said
        assert "allow-same-origin" not in said
        assert "://" not in said


def test_pages_have_no_script_of_their_own(site: Path) -> None:
    for path, page in pages(site).items():
        assert not re.search(r"<script>|\son[a-z]+=\"|javascript:", page), path
    assert policy(pages(site).values()) == json.loads((site / "csp.json").read_text())["*"]


def test_a_script_in_a_page_is_named_by_its_hash() -> None:
    said = policy(["<script>alert(1)</script>", '<p style="color: red">'])
    assert "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in said


@pytest.mark.parametrize(
    ("written", "on_the_site"),
    [
        ("[a](other.md#x)", "[a](other.md#x)"),
        ("[a](../../server/README.md)", "[a](../project/server/README.md)"),
        ("[a](../spec/vectors/)", "[a](../spec/vectors/README.md)"),
        ("[a](../../tests/attacks)", "a"),
        ("[a `b`](../../scripts/prose.py)", "a `b`"),
        ("![a](../pictures/recount.png)", "![a](../pictures/recount.png)"),
        ("[a](https://c2sp.org/x)", "[a](https://c2sp.org/x)"),
        ("[a](#here)", "[a](#here)"),
    ],
)
def test_links_are_written_anew_for_the_site(written: str, on_the_site: str) -> None:
    there = {"docs/guides/auditor.md", "docs/guides/other.md", "server/README.md", "docs/spec/vectors/README.md"}
    found = frozenset(map(PurePosixPath, there))
    assert with_links_of_the_site(written, PurePosixPath("docs/guides/auditor.md"), found) == on_the_site
