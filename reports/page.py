"""The latest report: one plain page that holds all it needs, Indonesian with English beside it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from expectations.contracts import contracts_of
from expectations.rules import row_rules
from reports.summary import LATE_CODES, AttainmentLine, CoverageLine, attainment_lines, coverage_lines, indonesian
from warehouse.manifest import Manifest

_ZONE = ZoneInfo("Asia/Jakarta")
_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
_SIGNS = {"approx": "≈ ", "gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ "}
# A share below this would be shown as nothing with two decimals.
_SMALLEST_SHOWN = 0.01
# What is promoted passed its gates, so there are only these two.
_RESULTS = {
    "success": ("Terbit", "Published"),
    "warnings": ("Terbit dengan peringatan", "Published with warnings"),
}
STATUSES = {
    "achieved": ("tercapai", "achieved"),
    "on_track": ("sesuai jalur", "on track"),
    "warning": ("waspada", "warning"),
    "risk": ("berisiko", "at risk"),
    "missed": ("tidak tercapai", "missed"),
    "unknown": ("belum pasti", "not certain"),
    "no_target": ("tanpa target", "no target"),
    "no_actual": ("tanpa realisasi", "no actual"),
}


@dataclass(frozen=True)
class Sentence:
    """A finding in words: what it is about, how often, in Indonesian and English."""

    id: str
    en: str
    about: str = ""
    code: str = ""
    count: int | None = None


@dataclass(frozen=True)
class BuildFile:
    """A file of the build that can be fetched."""

    path: str
    size: int


@dataclass(frozen=True)
class Page:
    """Everything that the page shows.

    Attributes:
        build_id: the promoted build.
        result: `success` or `warnings`.
        as_of: the business date.
        made_at: when it was made.
        tally: how many checks passed, failed, could not run, or warn.
        stopped: why the newest night published nothing; empty where it did.
        hours: age of the last success, where it is too old; else null.
        attainment: one line an office, segment and basis.
        coverage: headlines of nation and provinces.
        late: offices and datasets that are late.
        checks: what failed or warns, without what is late.
        quarantine: lines that wait to be mended, by rule.
        unreadable: what is to be said of places that cannot be read just now.
        files: the files of the build.
    """

    build_id: str
    result: str
    as_of: date
    made_at: datetime
    tally: Mapping[str, int] = field(default_factory=dict[str, int])
    stopped: Sequence[str] = ()
    hours: float | None = None
    attainment: Sequence[AttainmentLine] = ()
    coverage: Sequence[CoverageLine] = ()
    late: Sequence[Sentence] = ()
    checks: Sequence[Sentence] = ()
    quarantine: Sequence[Sentence] = ()
    unreadable: Sequence[str] = ()
    files: Sequence[BuildFile] = ()

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """How many lines of attainment have each status, those that need an eye first."""
        order = ("risk", "missed", "warning", "unknown", "on_track", "achieved")
        counted = {status: sum(line.status == status for line in self.attainment) for status in order}
        return [(status, count) for status, count in counted.items() if count]


def read_page(folder: Path, manifest: Manifest, **found: Any) -> Page:
    """Read what the page shows from a build.

    Args:
        folder: the build's folder, with all its files.
        manifest: its manifest.
        found: what is not of the build: ``stopped``, ``hours``, ``quarantine``, ``unreadable``.
    """
    checks = json.loads((folder / "checks.json").read_text(encoding="utf-8"))["checks"]
    offences = [check for check in checks if check["outcome"] != "pass"]
    return Page(
        build_id=manifest.build_id,
        result=manifest.result,
        as_of=manifest.as_of,
        made_at=datetime.fromisoformat(manifest.created_at),
        tally=manifest.checks,
        attainment=attainment_lines(folder),
        coverage=coverage_lines(folder),
        late=[_sentence(check) for check in offences if check["code"] in LATE_CODES],
        checks=[_sentence(check) for check in offences if check["code"] not in LATE_CODES],
        files=[BuildFile(name, (folder / name).stat().st_size) for name in [*manifest.sha256, "manifest.json"]],
        **found,
    )


def _sentence(check: Mapping[str, Any]) -> Sentence:
    count = check["observed"] if isinstance(check["observed"], int) else None
    return Sentence(check["message_id"], check["message_en"], check["table"], check["code"], count)


def quarantine_sentences(counted: Sequence[tuple[str, str, int]]) -> list[Sentence]:
    """Put quarantined lines, counted by dataset and rule, into words."""
    return [Sentence(*_words_of(dataset).get(rule, ("", "")), dataset, rule, lines) for dataset, rule, lines in counted]


@cache
def _words_of(dataset: str) -> dict[str, tuple[str, str]]:
    contract = contracts_of("dataset").get(dataset)
    return {} if contract is None else {rule.code: (rule.message_id, rule.message_en) for rule in row_rules(contract)}


def render(page: Page) -> str:
    """Give the page as HTML."""
    return _environment().get_template("latest.html.j2").render(page=page, results=_RESULTS, statuses=STATUSES)


def render_notice(title: Sentence, lines: Sequence[Sentence]) -> str:
    """Give a page that only says something: before the first build, or where the builds cannot be read."""
    return _environment().get_template("notice.html.j2").render(title=title, lines=lines)


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Callable[..., str]] = {
        "number": indonesian,
        "percent": _percent,
        "sign": _sign,
        "day": _day,
        "moment": _moment,
        "size": _size,
    }
    environment.filters.update(filters)
    return environment


def _sign(qualifier: str | None) -> str:
    return _SIGNS.get(qualifier or "", "")


def _percent(share: float | None) -> str:
    tiny = share is not None and 0 < share < _SMALLEST_SHOWN
    return indonesian(share, 5 if tiny else 2)


def _day(day: date | str) -> str:
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment(moment: datetime) -> str:
    there = moment.astimezone(_ZONE)
    return f"{_day(there.date())} {there:%H.%M} WIB"


def _size(size: int) -> str:
    return f"{indonesian(size / 1024, 1)} kB" if size < 1024**2 else f"{indonesian(size / 1024**2, 1)} MB"
