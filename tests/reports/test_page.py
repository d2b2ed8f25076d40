"""The latest report: data-only cases of what it shows, and what every page must be: whole in itself, and accessible."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from expectations.columns import column_dictionary
from reports.page import STATUSES, Page, Sentence, quarantine_sentences, read_page, render, render_notice
from reports.summary import attainment_lines, coverage_lines
from tests.support import Home, labour, participant, target

CASES = sorted((Path(__file__).parent / "page").glob("*.yml"))
SILENT = {"style", "title"}
_PAGES: TypeAdapter[Page] = TypeAdapter(Page)


@dataclass
class Read(HTMLParser):
    """What a page holds, as a reader meets it: the words, the tags with what they say of themselves."""

    words: list[str] = field(default_factory=list[str])
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list[tuple[str, dict[str, str | None]]])
    open_tags: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        """Let the parser prepare."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))
        self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave the tag, and those inside that are never closed."""
        while self.open_tags and self.open_tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep the words that people see."""
        if not SILENT & set(self.open_tags):
            self.words.append(data)

    @property
    def text(self) -> str:
        """The words, parted by single spaces."""
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Read:
    reader = Read()
    reader.feed(html)
    return reader


def case_of(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def html_of(case: dict[str, Any]) -> str:
    return render(_PAGES.validate_python(case["page"]))


def spaced(text: str) -> str:
    """Give a text without the spaces before a full stop or comma that parting the tags made."""
    return re.sub(r" (?=[.,])", "", text)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_page_shows_what_the_case_says(path: Path) -> None:
    case = case_of(path)
    reader = read(html_of(case))
    text = spaced(reader.text)
    assert [words for words in case["shows"] if words not in text] == []
    assert [words for words in case.get("hides", []) if words in text] == []
    targets = {said.get("href") for tag, said in reader.tags if tag == "a"}
    assert set(case.get("links", [])) <= targets


def test_a_text_that_is_not_there_is_missed() -> None:
    text = read(html_of(case_of(CASES[0]))).text
    assert "Kantor yang tidak ada" not in text


def reaches_out(reader: Read) -> list[str]:
    """Give what would run, or ask another than the page's own server."""
    running = [tag for tag, _ in reader.tags if tag in {"script", "img", "iframe", "object", "form"}]
    handlers = [name for _, said in reader.tags for name in said if name.startswith("on")]
    named = [str(said[name]) for _, said in reader.tags for name in ("src", "href", "action") if name in said]
    return running + handlers + [address for address in named if not re.match(r"/(?!/)|#|data:", address)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_page_asks_nothing_from_outside_and_runs_nothing(path: Path) -> None:
    assert reaches_out(read(html_of(case_of(path)))) == []


def test_what_reaches_out_is_found() -> None:
    page = '<script></script><a href="//x.test/a" onclick="x"></a><link href="https://x.test"><a href="/here">'
    assert reaches_out(read(page)) == ["script", "onclick", "//x.test/a", "https://x.test"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_page_can_be_read_by_everybody(path: Path) -> None:
    reader = read(html_of(case_of(path)))
    tags = [tag for tag, _ in reader.tags]
    assert (tags.count("h1"), tags.count("main")) == (1, 1)
    assert ("html", {"lang": "id"}) in reader.tags
    ids = {said["id"] for _, said in reader.tags if "id" in said}
    named = {said["aria-labelledby"] for _, said in reader.tags if "aria-labelledby" in said}
    assert named <= ids
    assert all("scope" in said for tag, said in reader.tags if tag == "th")
    assert all(said.get("tabindex") == "0" for _, said in reader.tags if said.get("class") == "scroll")


def test_every_status_has_words() -> None:
    assert set(STATUSES) == set(column_dictionary()["status"].values or ())


def test_a_notice_says_what_to_do() -> None:
    title = Sentence("Belum ada build yang terbit", "No build is published yet")
    text = read(render_notice(title, [Sentence("Jalankan:", "Run:", code="cakupan run --landing sample")])).text
    assert "Belum ada build yang terbit / No build is published yet" in text
    assert "cakupan run --landing sample" in text


def test_a_rule_of_quarantine_has_its_sentence_and_an_unknown_one_its_code() -> None:
    known, unknown = quarantine_sentences([("participants", "nik_missing", 3), ("nothing", "no_such_rule", 1)])
    assert (known.id, known.count) == ("Kolom nik kosong", 3)
    assert (unknown.id, unknown.code) == ("", "no_such_rule")


@pytest.mark.slow
@pytest.mark.usefixtures("trusting")
def test_the_page_of_a_build_has_its_figures(home: Home) -> None:
    home.put("participants/SLK/2026-10/export.csv", [participant(number) for number in range(1, 4)])
    home.put("targets/t.csv", [target(target="4")])
    home.put("labour_force/l.csv", [labour(region_code="0000", concept="employed", value="12")])
    build = home.run().build
    assert build is not None
    folder = home.publication.fetched(build.build_id)
    [line] = attainment_lines(folder)
    assert (line.name, line.target, line.actual, line.attainment_pct) == ("Solok", 4, 3, 75)
    [nation] = coverage_lines(folder)
    assert (nation.name, nation.segment, nation.numerator, nation.denominator) == ("Indonesia", "ALL", 3, 12)
    assert nation.coverage_pct == 25
    page = read_page(folder, build)
    assert {file.path for file in page.files} == {*build.sha256, "manifest.json"}
    assert all(file.size > 0 for file in page.files)
    assert "Solok BPU active_stock" in read(render(page)).text
