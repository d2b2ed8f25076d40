"""Text files that a plain parser reads as they stand: no quotes, no odd characters, one line a record.

Such a file need not go through the reader of this folder as a whole. Whoever takes its lines from the parser brings
back those that are not certain, and only they are shaped here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from expectations.profiles import NULL_MARKS
from sources.decoding import Survey
from sources.layouts import Header
from sources.shaping import Shaper
from sources.tables import LineCount
from sources.totals import with_totals


@dataclass(frozen=True)
class StraightText:
    """How to take a file's lines without its reader.

    Attributes:
        path: UTF-8 without quotes, control characters and no-break spaces, its line ends all alike.
        delimiter: one character.
        width: how many fields a line has, named `c0`, `c1`, …
        positions: the place of each canonical column.
        nulls: cells that stand for nothing.
        skipped: how many lines stand before the first record.
        records: how many lines follow, blank ones included.
        make_shaper: makes what shapes the lines that are brought back.
    """

    path: Path
    delimiter: str
    width: int
    positions: dict[str, int]
    nulls: Sequence[str]
    skipped: int
    records: int
    make_shaper: Callable[[], Shaper]

    @property
    def fields(self) -> list[str]:
        """Return the names of a line's fields."""
        return [f"c{index}" for index in range(self.width)]

    @property
    def first_record(self) -> list[str]:
        """Return the cells of the first line under the header; none where there is no line."""
        with self.path.open(encoding="utf-8") as lines:
            for _ in range(self.skipped):
                lines.readline()
            return lines.readline().rstrip("\r\n").split(self.delimiter)

    def shaped(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, LineCount] | None:
        """Shape the lines that were brought back.

        Args:
            frame: `_line`, `_lines`, `_problem`, `_raw` and the fields, in the order of the file.

        Returns:
            Bookkeeping and canonical columns, and the count of the whole file; null where a line is a total, which
            can be judged beside all other lines only.
        """
        if with_totals(frame, self.fields)["_total"].any():
            return None
        shaper = self.make_shaper()
        batch = shaper.shape(frame, last=True)
        return batch, shaper.count(self.skipped + self.records)


def straight_text(
    path: Path, survey: Survey, header: Header, above: Sequence[str], make_shaper: Callable[[], Shaper]
) -> StraightText | None:
    """Tell how a file can be taken without its reader; null where it cannot.

    Args:
        path: the bytes.
        survey: what was found of them.
        header: its layout.
        above: the lines up to the last one of the layout.
        make_shaper: makes the table's shaper.
    """
    plan = header.plan
    if not survey.is_straight or not plan.is_plain or len(plan.names) < 2:
        return None
    return StraightText(
        path=path,
        delimiter=header.delimiter,
        width=len(plan.names),
        positions=plan.positions,
        nulls=plan.profile.nulls if plan.profile else NULL_MARKS,
        skipped=len(above),
        records=survey.lines - len(above),
        make_shaper=make_shaper,
    )
