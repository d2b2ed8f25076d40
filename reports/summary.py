"""The newest figures of a build as small tables: attainment of every office, coverage of nation and provinces."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.schemas import quoted
from expectations.suites import CheckResult

HEADINGS = (
    "Kantor",
    "Segmen",
    "Dasar",
    "Per",
    "Target",
    "Realisasi",
    "Capaian %",
    "Kekurangan",
    "Perlu/bulan",
    "Status",
)

LATE_CODES = ("freshness", "office_late", "required_absent")


@dataclass(frozen=True)
class AttainmentLine:
    """One office, segment and basis at the newest month's end that has an actual."""

    name: str
    segment: str
    basis: str
    as_of: str
    target: float | None
    actual: float | None
    attainment_pct: float | None
    gap: float | None
    required_per_month: float | None
    status: str

    def cells(self) -> tuple[str, ...]:
        """Give the line as texts with Indonesian separators."""
        numbers = (self.target, self.actual)
        return (
            self.name,
            self.segment,
            self.basis,
            self.as_of,
            *(indonesian(number, 0) for number in numbers),
            indonesian(self.attainment_pct, 2),
            indonesian(self.gap, 0),
            indonesian(self.required_per_month, 1),
            self.status,
        )


def indonesian(number: float | None, decimals: int) -> str:
    """Write a number as Indonesians do (7.708; 33,57); an unknown one is a dash."""
    if number is None:
        return "–"
    return f"{number:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def late_sentences(checks: Iterable[CheckResult]) -> list[str]:
    """Give what is late by the checks of a build: tables that are old, offices that did not report, absent data."""
    late = (check for check in checks if check["outcome"] == "fail" and check["code"] in LATE_CODES)
    return [f"{check['message_id']} / {check['message_en']}" for check in late]


def attainment_lines(build_folder: Path) -> list[AttainmentLine]:
    """Read the attainment of every office from a build.

    Args:
        build_folder: the folder of a build.

    Returns:
        One line for each office, segment, basis and measure with a target in force, at the newest month's end that
        has an actual.
    """
    mart = quoted(str(build_folder / "marts" / "target_attainment.parquet"))
    rows: list[tuple[Any, ...]] = duckdb.execute(
        f"""SELECT coalesce(geo_name, geo_code), segment, basis, strftime(as_of, '%Y-%m-%d'), target::DOUBLE,
          actual::DOUBLE, attainment_pct, gap::DOUBLE, required_per_month, status
        FROM read_parquet({mart})
        WHERE geo_level = 'office' AND in_force AND target IS NOT NULL AND actual IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY geo_code, segment, basis, measure ORDER BY as_of DESC) = 1
        ORDER BY geo_code, segment, basis"""
    ).fetchall()
    return [AttainmentLine(*row) for row in rows]


@dataclass(frozen=True)
class CoverageLine:
    """The headline of the nation or a province for one segment at its newest month's end."""

    name: str
    segment: str
    as_of: str
    numerator: float | None
    numerator_qualifier: str | None
    denominator: float | None
    denominator_qualifier: str | None
    coverage_pct: float | None
    coverage_qualifier: str | None
    uncovered: float | None
    previous_pct: float | None
    value_status: str


def coverage_lines(build_folder: Path) -> list[CoverageLine]:
    """Read the headlines of the nation and the provinces from a build.

    Args:
        build_folder: the folder of a build.

    Returns:
        One line for each place and segment, at the newest month's end that has a headline; the nation first, then
        provinces in the order of their codes.
    """
    mart = quoted(str(build_folder / "marts" / "coverage.parquet"))
    rows: list[tuple[Any, ...]] = duckdb.execute(
        f"""SELECT coalesce(geo_name, geo_code), segment, strftime(as_of, '%Y-%m-%d'), numerator::DOUBLE,
          numerator_qualifier, denominator::DOUBLE, denominator_qualifier, coverage_pct, coverage_qualifier,
          uncovered::DOUBLE, previous_coverage_pct, value_status
        FROM read_parquet({mart})
        WHERE is_headline AND geo_level IN ('national', 'province')
        QUALIFY row_number() OVER (PARTITION BY geo_level, geo_code, segment ORDER BY as_of DESC) = 1
        ORDER BY geo_level, geo_code, segment"""
    ).fetchall()
    return [CoverageLine(*row) for row in rows]
