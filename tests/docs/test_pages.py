"""The pages tell the truth about the project: links, commands, settings, the example."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from flows.cli import app
from flows.settings import Settings
from tests.docs.pages import PAGES, README, RUNBOOKS, anchors, blocks, commands, links, make_targets
from tests.support import ROOT


def broken_links(page: Path) -> list[str]:
    """Give a page's links that lead nowhere in the project."""
    return [link for link in links(page) if not link.startswith("https://") and not resolves(page, link)]


def resolves(page: Path, link: str) -> bool:
    """Tell whether a link leads to a file, and to a heading of it where it names one."""
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](page.md#one) [b](page.md#two) [c](none.md)\n```\n[d](none.md)\n```\n", encoding="utf-8")
    assert broken_links(page) == ["page.md#two", "none.md"]


def test_every_decision_and_runbook_is_listed() -> None:
    for folder in ("adr", "runbooks"):
        index = ROOT / "docs" / folder / "README.md"
        others = {page.name for page in index.parent.glob("*.md")} - {index.name}
        assert others == {link for link in links(index) if "/" not in link}


def names_of(group: App, before: str = "cakupan") -> Iterator[str]:
    """Give the commands of the command line in full."""
    for name in group:
        if not name.startswith("-"):
            inner = list(names_of(group[name], f"{before} {name}"))
            yield from inner or [f"{before} {name}"]


def test_the_readme_lists_exactly_the_commands() -> None:
    listed = re.findall(r"^\| `(cakupan [a-z ]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(names_of(app))


def test_the_page_of_settings_lists_exactly_the_settings() -> None:
    page = ROOT / "docs" / "settings.md"
    listed = re.findall(r"^\| `(CAKUPAN_[A-Z0-9_]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(f"CAKUPAN_{name.upper()}" for name in Settings.model_fields)


def test_the_page_of_settings_tells_how_long_what_is_kept() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `CAKUPAN_([A-Z_]+)` \| `(\d+)` \|", page, re.MULTILINE))
    rules = {name: field for name, field in Settings.model_fields.items() if name.startswith(("keep_", "grace_"))}
    assert len(rules) == 8
    assert {name: told.get(name.upper()) for name in rules} == {name: str(rules[name].default) for name in rules}


def test_the_readme_fits_and_names_the_two_commands() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150
    assert commands(README)[:2] == ["make run", "make test"]


@pytest.mark.parametrize("page", [README, *RUNBOOKS, ROOT / "docs" / "add-a-mart.md"], ids=lambda page: page.stem)
def test_make_knows_its_targets(page: Path) -> None:
    shown = "\n".join([*blocks(page, "sh"), *blocks(page, "text")])
    named = {word for line in re.findall(r"^make ([a-z ]+)", shown, re.MULTILINE) for word in line.split()}
    assert named <= make_targets()


def test_the_machine_that_knows_nothing_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in script
    assert [line for line in script if line.startswith("make ")] == ["make test", "make check"]
