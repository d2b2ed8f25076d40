"""What is to be simulated, and what cannot be."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Format = Literal["csv", "xlsx", "parquet", "mix"]
FIRST_MONTH = "2023-01"
MOST_PARTICIPANTS = 100_000_000
MOST_OFFICES = 5_000
MOST_DIRTY = 0.5


class SimulationError(ValueError):
    """What was asked for cannot be simulated, or has no place to be written to."""


@dataclass(frozen=True)
class Options:
    """What is simulated.

    Attributes:
        offices: how many offices there are.
        participants: memberships in every month, over all offices.
        months: how many months are exported.
        out: the landing zone to write.
        format: how the exports are written.
        month: the last month.
        dirty: the share of lines that are broken.
        seed: other people for another seed.
        threads: how many files are written at once; the bytes are the same with any number.
        memory: what DuckDB may use, as it writes it.
    """

    offices: int
    participants: int
    months: int
    out: Path
    format: Format = "csv"
    month: str = "2026-10"
    dirty: float = 0.0
    seed: int = 1
    threads: int = field(default=2, compare=False)
    memory: str = field(default="2GB", compare=False)

    def periods(self) -> list[str]:
        """Give the months to be exported, in order."""
        last = month_number(self.month)
        return [period_of(month) for month in range(last - self.months + 1, last + 1)]

    def check(self) -> None:
        """Raise SimulationError with a sentence if a value is out of bounds."""
        _within("--offices", self.offices, 1, MOST_OFFICES)
        _within("--participants", self.participants, 1, MOST_PARTICIPANTS)
        _within("--months", self.months, 1, 240)
        _within("--seed", self.seed, 0, 2**63 - 1)
        if not 0 <= self.dirty <= MOST_DIRTY:
            raise SimulationError(
                f"--dirty {self.dirty:g} is not between 0 and {MOST_DIRTY}: it is a share of the lines"
            )
        if not re.fullmatch(r"20\d{2}-(0[1-9]|1[0-2])", self.month):
            raise SimulationError(f"--month {self.month} is not a month such as 2026-10")
        first = self.periods()[0]
        if first < FIRST_MONTH:
            raise SimulationError(
                f"the first month would be {first}; months before {FIRST_MONTH} are not simulated, since the 514 "
                "regencies have had their codes of today only from then on"
            )


def _within(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SimulationError(f"{option} {value} is not between {least:,} and {most:,}")


def month_number(period: str) -> int:
    """Count a month given as YYYY-MM: year * 12 + month - 1."""
    return int(period[:4]) * 12 + int(period[5:]) - 1


def period_of(month: int) -> str:
    """Give a counted month as YYYY-MM."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def refuse_occupied(out: Path) -> None:
    """Raise SimulationError unless a folder is empty or does not exist."""
    if out.exists() and not out.is_dir():
        raise SimulationError(f"{out} is a file; name a folder that does not exist or is empty")
    if out.exists() and next(out.iterdir(), None) is not None:
        raise SimulationError(f"{out} is not empty; name a folder that does not exist or is empty, nothing was written")
