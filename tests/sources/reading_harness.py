"""Read bytes the way the night does, and keep everything that came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from expectations.profiles import Profile
from sources.reading import Limits, Refusal, SourceTable, open_tables

COLUMNS = ["nik", "kpj", "name", "segment", "region_code", "wage_idr", "contribution_idr", "note"]
REQUIRED = ["nik", "kpj"]


@dataclass
class Result:
    """The tables and refusals of one file; most tests expect exactly one of them."""

    tables: list[SourceTable] = field(default_factory=list[SourceTable])
    frames: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    refusals: list[Refusal] = field(default_factory=list[Refusal])

    @property
    def table(self) -> SourceTable:
        """Return the only table; nothing was refused."""
        assert not self.refusals, [refusal.message_en for refusal in self.refusals]
        (only,) = self.tables
        return only

    @property
    def refusal(self) -> Refusal:
        """Return the only refusal; there is no table."""
        (only,) = self.refusals
        assert not self.tables
        return only

    @property
    def frame(self) -> pl.DataFrame:
        """Return the only table's records."""
        assert self.table
        return self.frames[0]

    def cells(self, *columns: str) -> list[tuple[str | None, ...]]:
        """Return some columns of the only table, row by row."""
        return self.frame.select(columns).rows()

    @property
    def problems(self) -> dict[int, str]:
        """Return the faulty records of the only table: line to fault."""
        return dict(self.frame.filter(pl.col("_problem").is_not_null()).select("_line", "_problem").rows())


def read(
    path: Path,
    file: str | None = None,
    columns: Sequence[str] = COLUMNS,
    required: Sequence[str] = REQUIRED,
    profiles: Sequence[Profile] = (),
    limits: Limits | None = None,
) -> Result:
    """Read a file to its end and check that no line is lost: read = header + blank + records' lines."""
    result = Result()
    work = path.parent / "work"
    name = file or path.name
    for outcome in open_tables(path, name, "participants", columns, required, profiles, work, limits):
        if isinstance(outcome, Refusal):
            assert outcome.message_id
            assert outcome.message_en
            assert outcome.lines.data >= 0
            result.refusals.append(outcome)
            continue
        frame = pl.concat(outcome.batches())
        distinct = frame.select("_line", "_lines").unique("_line")
        assert outcome.count.read == outcome.count.header + outcome.count.blank + distinct["_lines"].sum()
        result.tables.append(outcome)
        result.frames.append(frame)
    return result


def read_text(folder: Path, content: str | bytes, name: str = "export.csv", limits: Limits | None = None) -> Result:
    path = folder / "bytes"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, name, limits=limits)
