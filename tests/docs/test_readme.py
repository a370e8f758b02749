"""The README answers within one screen; and links from pages outside of the site lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.blocks import PROJECT

README = (PROJECT / "README.md").read_text()
LOOSE = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGES.md")]
"""Pages that Sphinx does not see."""

SCREEN_LINES = 45


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures that lie in this repository."""
    found: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if isinstance(target, str) and "://" not in target:
                found.append(target)
    return found


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("shown", ["make loadtest", "make test", "[95 %]", ".png"])
def test_the_first_screen_has_the_two_commands_a_result_and_a_picture(shown: str) -> None:
    assert shown in "\n".join(README.splitlines()[:SCREEN_LINES])


@pytest.mark.parametrize("page", LOOSE, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
