"""The attainment of every office at its newest month's end, as a small table for a terminal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.schemas import quoted

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
