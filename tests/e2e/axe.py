"""axe-core over a page, by the rules of WCAG 2.2 AA and axe's best practices."""

from __future__ import annotations

from typing import Any

from tests.e2e.trials import ROOT

AXE = ROOT / "client" / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Any) -> list[str]:
    """What axe finds, one line each; empty is good.

    The page's policy lets no foreign script in, so axe runs in an isolated world through the developer protocol.
    """
    session = page.context.new_cdp_session(page)
    try:
        tree = session.send("Page.getFrameTree")
        world = session.send("Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"]})
        context = world["executionContextId"]
        session.send("Runtime.evaluate", {"expression": AXE.read_text(), "contextId": context})
        answer = session.send(
            "Runtime.evaluate",
            {
                "expression": f"axe.run(document, {{runOnly: {TAGS!r}, resultTypes: ['violations']}})"
                ".then(found => found.violations.flatMap(one => one.nodes.map("
                "node => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))",
                "contextId": context,
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
    finally:
        session.detach()
    if "exceptionDetails" in answer:
        raise AssertionError(f"axe did not run: {answer['exceptionDetails']}")
    found: list[str] = answer["result"]["value"]
    return found
