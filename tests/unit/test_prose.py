"""The documents' form: each rule of scripts/prose.py is seen to fail, and what it has to leave alone is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.prose import PROJECT, anchors, documents, faults


def wrong(folder: Path, text: str, name: str = "page.md") -> list[tuple[int, str]]:
    """What is wrong with a document of this text: lines, and the first words of each complaint."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    anchors.cache_clear()
    return [(fault.line, fault.says.split(":")[0]) for fault in faults(file, folder)]


def test_the_documents_of_the_project_are_looked_at_and_nothing_that_was_installed() -> None:
    found = {str(file.relative_to(PROJECT)) for file in documents(PROJECT)}
    assert {"README.md", "docs/guides/auditor.md", "docs/spec/8-verification.md", "server/README.md"} <= found
    assert not [name for name in found if "node_modules" in name or "_build" in name or name.startswith(".")]


def test_a_line_of_prose_has_at_most_100_columns(tmp_path: Path) -> None:
    words = "a " * 50
    assert wrong(tmp_path, f"{words}\n") == []
    assert wrong(tmp_path, f"well\n{words}bc\n") == [(2, "102 columns, more than 100")]
    assert wrong(tmp_path, f"- {words}bc\n") == [(1, "104 columns, more than 100")]
    assert wrong(tmp_path, f"# {words}bc\n") == [(1, "104 columns, more than 100")]


def test_the_readme_has_120(tmp_path: Path) -> None:
    words = "a " * 60
    assert wrong(tmp_path, f"{words}\n", "README.md") == []
    assert wrong(tmp_path, f"{words}bc\n", "README.md") == [(1, "122 columns, more than 120")]


@pytest.mark.parametrize(
    "text",
    [
        "    " + "code " * 40 + "\n",
        "```\n" + "code " * 40 + "\n```\n",
        "- an item\n\n      " + "code " * 40 + "\n",
        "| figures | of | a | table |\n|---|---|---|---|\n" + "| 1,234.5 " * 20 + "|\n",
        f"https://board.example/{'x' * 100}\n",
        "<!-- " + "said to nobody " * 10 + "-->\n",
    ],
    ids=["indented", "fenced", "in a list", "table", "address", "comment"],
)
def test_code_tables_addresses_and_comments_are_free(tmp_path: Path, text: str) -> None:
    assert wrong(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "One. Two\n",
        "One! Two\n",
        "Is it one? Two\n",
        "- One. `code` is two\n",
        "1. One.) And two\n",
        "**One.** Two\n",
        "One. [Two](https://two.example)\n",
        '"One." "Two"\n',
    ],
)
def test_a_sentence_begins_on_a_line_of_its_own(tmp_path: Path, text: str) -> None:
    assert wrong(tmp_path, text) == [(1, "a second sentence in the line")]


def test_a_sentence_in_a_later_line_is_named_with_that_line(tmp_path: Path) -> None:
    assert wrong(tmp_path, "One goes\non. Two\n") == [(2, "a second sentence in the line")]


@pytest.mark.parametrize(
    "text",
    [
        "One.\nTwo.\n",
        "Files, e.g. Python's, i.e. CPython's\n",
        "RFC 9162 section 2.1.4.2, page 3.1 of `a. B` and 2.5 µs\n",
        "A list … And on\n",
        "`one. Two` and [three](four.md?five.%20Six)\n".replace("four.md?five.%20Six", "https://four.example/5.Six"),
        "# 1. The heading of a decision\n",
        "    code. Code\n",
    ],
)
def test_what_is_no_second_sentence_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    assert wrong(tmp_path, text) == []


def test_a_cell_of_a_table_is_no_sentence(tmp_path: Path) -> None:
    head = "| what | why |\n|---|---|\n"
    assert wrong(tmp_path, f"{head}| a figure | 1.5 |\n| a name | `retally verify board --policy policy` |\n") == []
    assert wrong(tmp_path, f"{head}| well | it is so. |\n") == [(3, "a sentence in a table's cell")]
    assert wrong(tmp_path, f"{head}| well | {'word ' * 12}|\n") == []
    assert wrong(tmp_path, f"{head}| well | {'word ' * 13}|\n") == [(3, "a sentence in a table's cell")]


def test_a_relative_link_leads_to_a_file_and_a_heading(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# One heading\n\n## The page's `code`, twice\n\n## One heading\n")
    for well in (
        "other.md",
        "other.md#one-heading",
        "other.md#the-pages-code-twice",
        "other.md#one-heading-1",
        "#here",
    ):
        assert wrong(tmp_path, f"# Here\n\n[there]({well})\n") == []
    assert wrong(tmp_path, "[there](https://nobody.example/asks)\n") == []
    assert wrong(tmp_path, "[there](another.md)\n") == [(1, "no such file")]
    assert wrong(tmp_path, "![there](another.png)\n") == [(1, "no such file")]
    assert wrong(tmp_path, "[there](../outside.md)\n") == [(1, "no such file")]
    assert wrong(tmp_path, "[there](other.md#two-headings)\n") == [(1, "no such heading")]
    assert wrong(tmp_path, "# Here\n\n[there](#there)\n") == [(3, "no such heading")]
