"""The job that every peer does, without any of their libraries: what is given, the rules' reference data, the answer.

A peer reads the exports below ``<landing>/participants``, tells the good lines from the bad ones by the rules of
``docs/bench.md``, writes the good ones and the bad ones with their reasons as Parquet, and computes coverage and
attainment as CSV. What it prints is one JSON document with the lines it counted.
"""

import argparse
import calendar
import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "warehouse" / "reference"
PROGRAMMES = ("JHT", "JKK", "JKM", "JKP", "JP")
SEGMENTS = ("PU", "JAKON", "BPU", "PMI")
SCALES = ("micro", "small", "medium", "large")
FUNDING = ("self", "employer", "apbd", "apbn", "village", "pokir", "csr", "other")
CHANNELS = ("perisai", "branch", "app", "employer", "collective", "other")
SEXES = ("L", "P")
BASES = ("registered_stock", "active_stock", "protected_stock")
# Over which estimate a segment stands.
CONCEPTS = {"ALL": "employed", "PU": "employed_formal", "BPU": "employed_informal"}
REQUIRED = ("office_code", "period", "kpj", "nik", "segment", "programmes", "region_code", "last_paid_period")
NIK, KPJ, MONTH, MONEY = r"[0-9]{16}", r"[0-9A-Z]{11}", r"[0-9]{4}-(0[1-9]|1[0-2])", r"[0-9]+(\.[0-9]{1,2})?"
HIGHEST_WAGE = 10_000_000_000
GRACE_MONTHS = 3
COVERAGE = ("geo_level", "geo_code", "segment", "basis", "persons", "denominator", "coverage_pct")
ATTAINMENT = ("office_code", "segment", "target", "actual", "attainment_pct")


@dataclass(frozen=True)
class Job:
    """What is given.

    Attributes:
        landing: the landing zone.
        out: an empty folder for what is written.
        today: the business date.
        key: the key under which identifiers are hashed; here only ties are broken by it.
        threads: how many threads may compute.
    """

    landing: Path
    out: Path
    today: date
    key: str
    threads: int

    @property
    def exports(self) -> list[Path]:
        """Return the exports, in alphabetical order."""
        return sorted((self.landing / "participants").rglob("*.csv"))

    @cached_property
    def period(self) -> str:
        """Return the month of the exports, which all have the same."""
        return self.exports[0].parent.name

    @property
    def period_end(self) -> date:
        """Return the month's last day."""
        year, month = int(self.period[:4]), int(self.period[5:])
        return date(year, month, calendar.monthrange(year, month)[1])

    def month(self, ahead: int) -> str:
        """Give the month so many after the exports'."""
        months = int(self.period[:4]) * 12 + int(self.period[5:]) - 1 + ahead
        return f"{months // 12:04d}-{months % 12 + 1:02d}"

    @property
    def active_from(self) -> str:
        """Return the first month that a membership must have been paid for to be active."""
        return self.month(1 - GRACE_MONTHS)

    @cached_property
    def offices(self) -> frozenset[str]:
        """Return the offices that are open at the month's end."""
        rows = _landed(self.landing, "offices")
        return frozenset(row["office_code"] for row in rows if _holds(row, self.period_end))

    @cached_property
    def regions(self) -> frozenset[str]:
        """Return the regencies of today."""
        rows = _rows(REFERENCE / "regions.csv")
        return frozenset(row["region_code"] for row in rows if row["level"] == "regency" and not row["valid_to"])

    @cached_property
    def denominators(self) -> dict[tuple[str, str], int]:
        """Return the workers by concept and place: August's estimate."""
        rows = _landed(self.landing, "labour_force")
        return {(row["concept"], row["region_code"]): int(row["value"]) for row in rows if row["round"] == "aug"}

    @cached_property
    def shares(self) -> list[tuple[str, str, float]]:
        """Return office, regency and the share of it that the office serves."""
        rows = _landed(self.landing, "office_regions")
        held = (row for row in rows if _holds(row, self.period_end))
        return [(row["office_code"], row["region_code"], float(row["share"] or 1)) for row in held]

    @cached_property
    def targets(self) -> list[tuple[str, str, int]]:
        """Return office, segment and target of the active stock."""
        rows = _landed(self.landing, "targets")
        held = (row for row in rows if row["basis"] == "active_stock" and row["year"] == self.period[:4])
        return [(row["office_code"], row["segment"], int(row["target"])) for row in held]

    @cached_property
    def programme_rules(self) -> dict[str, set[tuple[str, str, str]]]:
        """Return segment, scale (empty for any) and programme, by what the rule says."""
        found: dict[str, set[tuple[str, str, str]]] = {}
        for row in _rows(REFERENCE / "programme_rules.csv"):
            found.setdefault(row["rule"], set()).add((row["segment"], row["employer_scale"], row["programme"]))
        return found

    @cached_property
    def minima(self) -> list[tuple[str, str, str, int, str, str]]:
        """Return segment, programmes, trade, least contribution a month, and the first and last month of it."""
        rows = _rows(REFERENCE / "minimum_contributions.csv")
        return [
            (
                row["segment"], row["programmes"], row["sector_code"], int(row["min_monthly_idr"]),
                row["valid_from"][:7], row["valid_to"][:7] or "9999-12",
            )
            for row in rows
        ]  # fmt: skip

    def programme_sets(self) -> Iterator[tuple[str, str, str]]:
        """Give segment, scale (empty for none) and set of programmes, sorted, where they break no rule."""
        forbidden = self.programme_rules["not_allowed"]
        for segment, scale, programmes in product(SEGMENTS, ("", *SCALES), _sets()):
            banned = any((segment, either, one) in forbidden for either in {"", scale} for one in programmes)
            if not banned and {"JKK", "JKM"} <= programmes:
                yield segment, scale, "+".join(sorted(programmes))

    def write_reference(self) -> Path:
        """Write the reference data as CSV for a tool that reads it with SQL, and give the folder."""
        folder = self.out / "reference"
        folder.mkdir()
        for name, columns, rows in (
            ("offices", ["office_code"], [[code] for code in sorted(self.offices)]),
            ("regions", ["region_code"], [[code] for code in sorted(self.regions)]),
            ("programme_sets", ["segment", "employer_scale", "programmes"], self.programme_sets()),
            ("minima", ["segment", "programmes", "sector_code", "least", "first", "last"], self.minima),
            ("workers", ["geo_level", "geo_code", "segment", "workers"], self.workers()),
            ("targets", ["office_code", "segment", "target"], self.targets),
        ):
            write_csv(folder / f"{name}.csv", columns, rows)
        return folder

    def rank(self, kpj: str) -> str:
        """Give by what a tie between a person's memberships is broken."""
        return hashlib.sha256(f"{self.key}kpj{kpj}".encode()).hexdigest()[:32]

    def workers(self) -> Iterator[tuple[str, str, str, float]]:
        """Give level, place, segment and workers for every place that has an estimate; an office has its share."""
        for segment, concept in CONCEPTS.items():
            for (of, place), value in self.denominators.items():
                if of == concept:
                    yield _level(place), place, segment, value
            for office, value in self._served(concept).items():
                yield "office", office, segment, value

    def _served(self, concept: str) -> dict[str, float]:
        sums: dict[str, float] = {}
        for office, region, share in self.shares:
            sums[office] = sums.get(office, 0) + share * self.denominators.get((concept, region), 0)
        return sums

    def answer(self, read: int, good: int) -> None:
        """Print how many lines were read and how many of them are good; the others are quarantined."""
        print(json.dumps({"read": read, "good": good, "quarantined": read - good}))


def _sets() -> list[frozenset[str]]:
    return [frozenset(one for bit, one in enumerate(PROGRAMMES) if mask >> bit & 1) for mask in range(1, 32)]


def sorted_programmes(written: str) -> str:
    """Give a set of programmes in the order of its letters."""
    return "+".join(sorted(written.split("+")))


def nik_date(nik: str, today: date) -> str | None:
    """Give the date of birth inside a NIK as ISO; null where the calendar lacks it."""
    if not re.fullmatch(NIK, nik):
        return None
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    day -= 40 if day > 40 else 0
    for century in (2000, 1900):
        if century == 1900 or year <= today.year % 100:
            try:
                return date(century + year, month, day).isoformat()
            except ValueError:
                continue
    return None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a small table."""
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(columns)
        writer.writerows(rows)


def given() -> Job:
    """Read the job from this process's words."""
    words = argparse.ArgumentParser()
    words.add_argument("landing", type=Path)
    words.add_argument("out", type=Path)
    words.add_argument("--today", type=date.fromisoformat, required=True)
    words.add_argument("--key", required=True)
    words.add_argument("--threads", type=int, default=2)
    said = words.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    return Job(said.landing, said.out, said.today, said.key, said.threads)


def _level(place: str) -> str:
    return "national" if place == "0000" else "province" if len(place) == len("51") else "regency"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _landed(landing: Path, dataset: str) -> list[dict[str, str]]:
    return [row for path in sorted((landing / dataset).rglob("*.csv")) for row in _rows(path)]


def _holds(row: dict[str, str], day: date) -> bool:
    return (row["valid_from"] or "0001") <= day.isoformat() <= (row["valid_to"] or "9999")
