"""The published web bundle (docs/spec page 10): the same bytes from any folder, and nothing in it that is not checked.

Each build starts from a copy of the sources without anything built, in a folder of another name, under another time
zone, language and home. Where Node or the packages of the web client are missing the tests are skipped, loudly.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "client" / "web"
SOURCES = ("index.html", "verify.html", "csp.json", "package.json", "tsconfig.json", "vite.config.ts")
FOLDERS = ("build", "public", "src", "accelerator")
ACCELERATED = re.compile(r"assets/accelerated\.worker-[\w-]+\.js")
ENGINE = re.compile(r"assets/engine-[\w-]{8}\.wasm")
PAGES = ("index.html", "verify.html")
OFFLINE = "verify-offline.html"
MENTIONED = (
    "http://www.w3.org/",  # names of XML namespaces
    "https://svelte.dev/e/",  # the text of Svelte's errors
    "http://localhost:*",  # policies: a board on one's own machine
    "http://127.0.0.1:*",
)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def build(sources: Path, folder: Path, zone: str, language: str) -> Path:
    """A clean build of `sources` in `folder`; returns what would be published."""
    if shutil.which("npm") is None or not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("NOT TESTED: npm or client/web/node_modules is missing (npm ci), the web bundle was not built")
    folder.mkdir(parents=True)
    for name in SOURCES:
        shutil.copy(sources / name, folder / name)
    for name in FOLDERS:
        if (sources / name).is_dir():  # the accelerator is there only where it could be built
            shutil.copytree(sources / name, folder / name)
    hidden = shutil.ignore_patterns(".cache", ".vite", ".vite-temp")
    modules = folder / "node_modules"
    shutil.copytree(WEB / "node_modules", modules, symlinks=True, ignore=hidden, copy_function=link_or_copy)
    environment = {**os.environ, "TZ": zone, "LANG": language, "LC_ALL": language, "HOME": str(folder)}
    done = subprocess.run(
        ["npm", "run", "--silent", "build"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(WEB, tmp_path_factory.mktemp("first") / "web", "UTC", "C.UTF-8")


def files(dist: Path) -> dict[str, bytes]:
    return {path.relative_to(dist).as_posix(): path.read_bytes() for path in sorted(dist.rglob("*")) if path.is_file()}


def policies(dist: Path) -> dict[str, str]:
    return {str(path): str(policy) for path, policy in json.loads((dist / "csp.json").read_text()).items()}


def tags(html: str, name: str) -> list[str]:
    return re.findall(rf"<{name}\b[^>]*>", html)


def attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return None if found is None else found[1]


def digest(content: bytes, function: str) -> str:
    return f"{function}-{base64.b64encode(hashlib.new(function, content).digest()).decode()}"


def test_two_clean_builds_in_different_folders_give_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    other = build(dist.parent, tmp_path / "a longer name" / "of another folder", "Asia/Kamchatka", "ru_RU.UTF-8")
    assert files(other) == files(dist)


def test_the_listing_names_every_published_file_with_its_digest(dist: Path) -> None:
    published = files(dist)
    listing = published.pop("bundle.sha256")
    expected = [
        f"{hashlib.sha256(content).hexdigest()}  {path}\n"
        for path, content in sorted(published.items(), key=lambda item: item[0].encode())
    ]
    assert listing.decode() == "".join(expected)
    assert {"index.html", "verify.html", OFFLINE, "csp.json", "icon.svg"} <= set(published)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_one_script_and_one_style_each_with_its_integrity(dist: Path, page: str) -> None:
    html = (dist / page).read_text()
    links = [tag for tag in tags(html, "link") if attribute(tag, "rel") != "icon"]
    scripts = tags(html, "script")
    assert [attribute(tag, "rel") for tag in links] == ["stylesheet"]
    assert [attribute(tag, "type") for tag in scripts] == ["module"]
    for tag, address in [(scripts[0], "src"), (links[0], "href")]:
        path = attribute(tag, address)
        assert path is not None
        assert path.startswith("./assets/")
        assert attribute(tag, "integrity") == digest((dist / path).read_bytes(), "sha384")
        assert re.search(r"-[\w-]{8}\.(js|css)$", path), "the name carries no digest"


def test_a_script_loads_no_other_script(dist: Path) -> None:
    for path, content in files(dist).items():
        if path.endswith(".js"):
            code = content.decode()
            assert not re.search(r"\bimport\s*\(", code), path
            assert not re.search(r"\b(import|export)\b[^;\"'`]{0,200}\bfrom\s*[\"']", code), path
            assert not re.search(r"\bimportScripts\b", code), path


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_no_script_and_no_style_of_its_own(dist: Path, page: str) -> None:
    html = (dist / page).read_text()
    assert re.findall(r"<script\b[^>]*>([^<]*)</script>", html) == [""]
    assert not tags(html, "style")
    assert not re.search(r"<[^>]*\s(style|on\w+)\s*=", html)


@pytest.mark.parametrize("page", [*PAGES, OFFLINE])
def test_a_page_carries_the_policy_that_the_server_sends(dist: Path, page: str) -> None:
    metas = [tag for tag in tags((dist / page).read_text(), "meta") if "Content-Security-Policy" in tag]
    sent = policies(dist)[page].split("; ")
    assert len(metas) == 1
    assert attribute(metas[0], "content") == "; ".join(part for part in sent if not part.startswith("frame-ancestors"))


def test_every_policy_starts_from_nothing_and_allows_no_text_to_become_code(dist: Path) -> None:
    found = policies(dist)
    # The one exception: WebAssembly may run in the accelerated worker, where there is one, and nowhere else.
    workers = {path for path in files(dist) if ACCELERATED.fullmatch(path)}
    assert set(found) == {*PAGES, OFFLINE, "*"} | workers
    for path in workers:
        assert found[path].count("'wasm-unsafe-eval'") == 1
        found[path] = found[path].replace("'wasm-unsafe-eval'", "")
    for path, policy in found.items():
        directives = dict(part.split(" ", 1) for part in policy.split("; "))
        assert directives["default-src"] == "'none'", path
        assert directives["frame-ancestors"] == "'none'", path
        assert directives["require-trusted-types-for"] == "'script'", path
        assert "unsafe" not in policy, path
        assert "blob:" not in directives.get("script-src", ""), path
        assert directives["trusted-types"] in ("'none'", "svelte-trusted-html retally"), path
    assert "https:" not in found["index.html"]


def test_no_file_mentions_another_origin_or_a_place_on_a_machine(dist: Path) -> None:
    for path, content in files(dist).items():
        text = content.decode("latin-1" if ENGINE.fullmatch(path) else "utf-8")
        for known in MENTIONED:
            text = text.replace(known, "")
        addresses = re.findall(r"\b(?:https?|wss?)://[\w.-]+", text)
        assert [one for one in addresses if not one.endswith(".example")] == [], path  # RFC 2606: nobody's
        assert not re.search(r"(?<![\w/.])/(home|root|tmp|work|usr|var|Users)/\w", text), path
        assert str(dist.parent) not in text, path
        assert "sourceMappingURL" not in text, path


def test_no_script_makes_code_from_text(dist: Path) -> None:
    for path, content in files(dist).items():
        if path.endswith((".js", ".html")):
            assert not re.search(rb"\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(|document\.write", content), path


def test_the_single_file_runs_only_the_script_and_the_style_that_its_policy_names(dist: Path) -> None:
    html = (dist / OFFLINE).read_text()
    scripts = re.findall(r"<script\b[^>]*>(.*?)</script>", html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    sent = policies(dist)[OFFLINE]
    assert f"script-src '{digest(scripts[0].encode(), 'sha256')}';" in sent
    assert f"style-src '{digest(styles[0].encode(), 'sha256')}';" in sent
    rest = html.replace(scripts[0], "").replace(styles[0], "")
    assert [attribute(tag, "rel") for tag in tags(rest, "link")] == ["icon"]
    assert not re.search(r"\ssrc=", rest)
    assert all(address.startswith("data:image/svg+xml,") for address in re.findall(r'\shref="([^"]*)"', rest))


def test_the_accelerator_is_on_the_verifiers_page_alone(dist: Path) -> None:
    published = files(dist)
    engines = [path for path in published if ENGINE.fullmatch(path)]
    if not (dist.parent / "accelerator" / "engine.wasm").is_file():
        assert engines == [path for path in published if ACCELERATED.fullmatch(path)] == []
        pytest.skip(
            "NOT TESTED: the accelerator was not built (scripts/accelerator.sh says why), nor is it in the build"
        )
    assert len(engines) == 1
    [script] = [attribute(tag, "src") or "" for tag in tags((dist / "verify.html").read_text(), "script")]
    name = engines[0].removeprefix("assets/")
    assert [path for path, content in published.items() if name.encode() in content] == [
        script.removeprefix("./"),
        "bundle.sha256",
    ]
    code = published[script.removeprefix("./")].decode()
    assert hashlib.sha256(published[engines[0]]).hexdigest() in code
    assert digest(published[engines[0]], "sha384") in code
