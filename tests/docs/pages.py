"""What the pages hold: links, fenced blocks, the words of a command."""

import re
from pathlib import Path

from tests.support import ROOT

README = ROOT / "README.md"
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PAGES = sorted([README, ROOT / "CHANGELOG.md", ROOT / "sample" / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(page: Path, language: str) -> list[str]:
    """Give the fenced blocks of a page that are in a language, in their order."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [content for tongue, content in found if tongue == language]


def links(page: Path) -> list[str]:
    """Give the targets of a page's links, outside of its fenced blocks."""
    return _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """Give the anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Give the commands of a page's ``sh`` blocks, one a line, without their comments."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [words for line in lines if (words := re.sub(r"(^|\s)#.*$", "", line).strip())]


def make_targets() -> set[str]:
    """Give the names that ``make`` knows."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
