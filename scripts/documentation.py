"""The documentation as a static site: `make docs`, or `python -m scripts.documentation FOLDER`.

The pages are the project's own documents. They are staged first, each where it stands on the site, with the links
between them as they have to be there: the folder `docs` becomes the root, and what stands elsewhere goes under
`project`. A link to something that is no page (code, a folder of tests) becomes its text. A page for each module of the
public packages is added, whose content Sphinx takes from the code.
"""

import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from retally_crypto.web_bundle import LISTING
from scripts.prose import PROJECT, documents

DOCS = PurePosixPath("docs")
OTHERS = PurePosixPath("project")
PACKAGES = ("retally_verify", "retally_crypto")
PICTURES = {".svg", ".png"}

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def place(document: PurePosixPath) -> PurePosixPath:
    """Where a file of the project stands on the site."""
    return document.relative_to(DOCS) if document.is_relative_to(DOCS) else OTHERS / document


def with_links_of_the_site(text: str, document: PurePosixPath, pages: frozenset[PurePosixPath]) -> str:
    """The text of a document with its relative links as they lead from its place on the site."""

    def link(match: re.Match[str]) -> str:
        picture, said, target = match.groups()
        address = urlsplit(target)
        if address.scheme or not address.path:
            return match[0]
        found = PurePosixPath(os.path.normpath(document.parent / address.path))
        found = found / "README.md" if found / "README.md" in pages else found
        if found not in pages and not (picture and found.suffix in PICTURES):
            return said
        there = os.path.relpath(place(found), place(document).parent)
        return f"{picture}[{said}]({there}{'#' + address.fragment if address.fragment else ''})"

    return _LINK.sub(link, text)


def modules() -> Iterator[str]:
    """The public modules of the public packages, packages before what is in them."""
    for name in PACKAGES:
        yield name
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not any(part.startswith("_") for part in found.name.split(".")):
                yield found.name


def stage(folder: Path) -> None:
    """Writes the site's sources into `folder`, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    found = [PurePosixPath(file.relative_to(PROJECT)) for file in documents(PROJECT)]
    for document in found:
        target = folder / place(document)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (PROJECT / document).read_text(encoding="utf-8")
        target.write_text(with_links_of_the_site(text, document, frozenset(found)), encoding="utf-8")
    shutil.copytree(PROJECT / DOCS / "pictures", folder / "pictures")
    names = list(modules())
    (folder / "reference").mkdir()
    for name in names:
        page = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n```\n"
        (folder / "reference" / f"{name}.md").write_text(page, encoding="utf-8")
    for package in PACKAGES:
        with (folder / "reference" / f"{package}.md").open("a", encoding="utf-8") as page_of_package:
            inside = "".join(f"{name}\n" for name in names if name.startswith(f"{package}."))
            page_of_package.write(f"\n## Its modules\n\n```{{toctree}}\n:maxdepth: 1\n\n{inside}```\n")


def policy(pages: Iterable[str]) -> str:
    """The Content-Security-Policy under which the pages work, and nothing else does.

    They get an origin of their own (`sandbox`): a script of the documentation cannot reach the voting page beside it.
    What the theme writes into pages, a script and a few styles, is named by its hash.
    """
    scripts, styles, attributes = set(), set(), set()
    for page in pages:
        scripts |= set(re.findall(r"<script>(.*?)</script>", page, re.DOTALL))
        styles |= set(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
        attributes |= set(re.findall(r' style="([^"]*)"', page))

    def sources(inline: set[str]) -> str:
        digests = sorted(b64encode(sha256(text.encode()).digest()).decode() for text in inline)
        return "".join(f" 'sha256-{digest}'" for digest in digests)

    return (
        "sandbox allow-scripts allow-forms; default-src 'none'; "
        f"script-src 'self'{sources(scripts)}; style-src 'self' 'unsafe-hashes'{sources(styles | attributes)}; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def without_storage(page: str) -> str:
    """The page with a script of ours in place of the theme's first one, which needs an origin with a storage."""
    root = re.search(r'data-content_root="([./]*)"', page)
    script = f'<script src="{root[1] if root else ""}_static/theme.js"></script>'
    return re.sub(r"<script>\s*document\.body\.dataset\.theme = [^<]*</script>", script, page)


def finish(folder: Path) -> None:
    """Makes the built pages a folder that a ballot server serves (`RETALLY_DOCS`): `csp.json`, and the listing."""
    for pattern in ("**/*.map", "**/*.LICENSE.txt", "objects.inv", ".buildinfo*"):
        for left in folder.glob(pattern):
            left.unlink()
    shutil.rmtree(folder / "_sources", ignore_errors=True)
    pages = {file: without_storage(file.read_text(encoding="utf-8")) for file in folder.rglob("*.html")}
    for file, page in pages.items():
        file.write_text(page, encoding="utf-8")
    (folder / "csp.json").write_text(json.dumps({"*": policy(pages.values())}, indent=1) + "\n", encoding="utf-8")
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    listed = (f"{sha256(files[path].read_bytes()).hexdigest()}  {path}\n" for path in sorted(files) if path != LISTING)
    (folder / LISTING).write_text("".join(listed), encoding="ascii")


def build(target: Path) -> int:
    """Stages the sources and has Sphinx build the pages; a warning is an error. Returns Sphinx's exit code."""
    sources = target.with_name("sources")
    stage(sources)
    options = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "-b", "html"]
    state = ["-d", str(target.with_name("doctrees"))]
    command = [sys.executable, "-m", "sphinx", *options, *state, "-c", str(PROJECT / DOCS), str(sources), str(target)]
    code = subprocess.run(command, cwd=PROJECT, check=False).returncode  # noqa: S603 - this interpreter, our own files
    if code == 0:
        finish(target)
    return code


def main() -> None:
    """Builds into the folder that is named."""
    target = Path(sys.argv[1]).resolve()
    code = build(target)
    if code == 0:
        print(f"The documentation is in {sys.argv[1]}: open index.html there")
    sys.exit(code)


if __name__ == "__main__":
    main()
