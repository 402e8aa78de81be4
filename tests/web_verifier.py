"""The browser's verifier, run by Node and in Chromium over any boards: what tests of agreement compare the others with.

`client/web/node` is built into `client/web/dist-node` when that is older than its sources. Where Node, the web client's
packages or Chromium are missing, the tests are skipped, loudly.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from retally_lab.attacks.tampering import CHECKS
from retally_lab.boards.places import board_folder
from retally_verify.report import Report
from retally_verify.report_document import outcome_json

WEB = Path(__file__).resolve().parent.parent / "client" / "web"
BUILT = WEB / "dist-node" / "verifyFolders.js"
IN_BROWSER = WEB / "dist-node" / "browser"
ENGINE = WEB / "accelerator" / "engine.wasm"
SOURCES = ("node", "build", "src/core", "src/board", "src/verifier", "src/accelerator", "src/voter")
KEPT, RECEIPT = "kept-{:03}.checkpoint", "receipt-{:03}"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Findings = dict[str, dict[str, Any]]
"""By the board's name: exit code, verdict, states, notes, counts and numbers."""


@dataclass(frozen=True)
class BoardToVerify:
    """A board's files, the text of a trust policy, and what an auditor brings along."""

    files: Mapping[str, bytes]
    policy: bytes
    kept: Sequence[bytes] = ()
    receipts: Sequence[bytes] = ()


def node() -> str:
    """Node's path; skips the test where Node or the packages of the web client are missing."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("NOT TESTED: node is missing, so the browser's verifier was not compared with the others")
    if not (WEB / "node_modules" / "vite").is_dir():
        pytest.skip("NOT TESTED: client/web/node_modules is missing (npm ci), the browser's verifier was not compared")
    return found


def build(program: str, mode: str, built: Path) -> None:
    """Builds the verifier for Node or for a browser, unless it is newer than everything it is made of."""
    sources = [path for folder in SOURCES for path in (WEB / folder).rglob("*.ts")]
    sources += [WEB / "src" / "webBundle.ts", WEB / "vite.node.config.ts", WEB / "package-lock.json"]
    sources += [ENGINE] if ENGINE.exists() else []
    if built.exists() and built.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    done = subprocess.run(
        [program, str(vite), "build", "--config", "vite.node.config.ts", "--mode", mode],
        cwd=WEB,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def lay_out(folder: Path, board: BoardToVerify) -> Path:
    """Writes a board where the programs expect it."""
    board_folder(folder, {**board.files, "policy.txt": board.policy})
    for name, contents in ((KEPT, board.kept), (RECEIPT, board.receipts)):
        for position, content in enumerate(contents):
            (folder / name.format(position)).write_bytes(content)
    return folder


def engine() -> Path:
    """The native engine's WebAssembly; skips the test where it was not built."""
    if not ENGINE.is_file():
        pytest.skip("NOT TESTED: client/web/accelerator/engine.wasm is missing (scripts/accelerator.sh says why)")
    return ENGINE


def verify_in_node(boards: Mapping[str, BoardToVerify], place: Path, accelerated: bool = False) -> Findings:
    """What the browser's verifier finds on each board: one process a core, each over its share. `accelerated`: the
    native engine's code rules on proofs."""
    program = node()
    options = ["--engine", str(engine())] if accelerated else []
    build(program, "production", BUILT)
    folders = {name: str(lay_out(place / f"{at:04}", board)) for at, (name, board) in enumerate(boards.items())}
    shards = max(1, min(os.cpu_count() or 1, 8))
    listed = list(folders.values())
    running = [
        subprocess.Popen(
            [program, str(BUILT), *options, *listed[at::shards]], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for at in range(shards)
    ]
    found: dict[str, Any] = {}
    for process in running:
        out, err = process.communicate(timeout=900)
        assert process.returncode == 0, err.decode()
        found |= json.loads(out)["boards"]
    return {name: found[folder] for name, folder in folders.items()}


def verify_in_chromium(
    boards: Mapping[str, BoardToVerify],
    in_workers: Container[str],
    place: Path,
    engines: Mapping[str, str] | None = None,
) -> Findings:
    """The same in Debian's Chromium, over HTTP: those named `in_workers` with a coordinating worker and proof workers,
    the others in the page's own thread. Those in `engines` have the native engine's code in the workers, from the file
    of that name beside the page; an empty name is the build's own."""
    program = node()
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("NOT TESTED: chromium is missing, so the verifier was not run in a browser")
    driver = pytest.importorskip(
        "playwright.sync_api", reason="NOT TESTED: playwright is missing: no test in a browser"
    )
    if engines:
        engine()
    build(program, "browser", IN_BROWSER / "inBrowser.js")
    shutil.copytree(IN_BROWSER, place, dirs_exist_ok=True)
    (place / "index.html").write_text('<!doctype html><script src="inBrowser.js" type="module"></script>')
    listed = []
    for at, (name, board) in enumerate(boards.items()):
        lay_out(place / f"{at:04}", board)
        kept = [f"{at:04}/{KEPT.format(position)}" for position in range(len(board.kept))]
        receipts = [f"{at:04}/{RECEIPT.format(position)}" for position in range(len(board.receipts))]
        listed.append(
            {
                "board": f"{at:04}",
                "kept": kept,
                "receipts": receipts,
                "inWorkers": name in in_workers,
                "engine": (engines or {}).get(name),
            }
        )
    with _served(place) as address, driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("() => 'findings' in globalThis")
        found: dict[str, Any] = page.evaluate("(list) => findings(list)", listed)
        browser.close()
    return {name: found[f"{at:04}"] for at, name in enumerate(boards)}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Nothing: a test's output is for what fails."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def _named(notes: list[str]) -> list[str]:
    """The entries that notes name, in order."""
    return list(dict.fromkeys(note.split(":")[0] for note in notes if note.startswith("entry ")))


def of_native(report: Report) -> dict[str, Any]:
    """What must be the same of a report of `retally verify`."""
    outcome = report.outcome
    as_json = outcome_json(outcome) if outcome else None
    return {
        "verdict": (report.verdict_line, report.exit_code),
        "states": {check: report.state_of(check) for check in CHECKS},
        "named": {check: _named(list(report.notes_of(check))) for check in CHECKS},
        "notes": {check: len(report.notes_of(check)) for check in CHECKS},
        "counts": as_json["units"] if as_json and outcome and outcome.counts else None,
        "paper": as_json["paper"] if as_json else [],
        "reconciliation": as_json["reconciliation"] if as_json else None,
        "head": (float(report.head.size), report.head.root.hex()) if report.head else (None, None),
    }


def of_web(found: dict[str, Any]) -> dict[str, Any]:
    """The same of what the browser's verifier found."""
    return {
        "verdict": (found["verdictLine"], found["exitCode"]),
        "states": found["states"],
        "named": {check: _named(found["notes"][check]) for check in CHECKS},
        "notes": {check: len(found["notes"][check]) for check in CHECKS},
        "counts": found["counts"],
        "paper": [{name: paper[name] for name in paper if name != "stations"} for paper in found["papers"]],
        "reconciliation": found["reconciliation"],
        # JavaScript's numbers: a size beyond 2^53, of which there is no board, is rounded.
        "head": (None if found["size"] is None else float(found["size"]), found["root"]),
    }
