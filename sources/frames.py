"""What sheets and Parquet files share: rows of cells that are already apart."""

from collections.abc import Sequence

import polars as pl

from sources.fields import field_names
from sources.layouts import Candidate
from sources.shaping import undecodable
from sources.tables import MARKER


def cell_frame(cells: pl.DataFrame, first_line: int) -> pl.DataFrame:
    """Return positional fields with their bookkeeping; a record's `_raw` is its cells joined by `;`.

    Args:
        cells: text columns in the file's order (any names); null and empty are blank cells.
        first_line: the number of the first row.
    """
    names = field_names(cells.width)
    fields = cells.rename(dict(zip(cells.columns, names, strict=True))).with_columns(pl.all().fill_null(""))
    raw = pl.concat_str((pl.col(name).str.strip_prefix(MARKER) for name in names), separator=";")
    line = pl.int_range(first_line, first_line + pl.len(), dtype=pl.Int64).alias("_line")
    none = pl.lit(None, pl.String).alias("_problem")
    return fields.select(line, pl.lit(1, pl.Int32).alias("_lines"), none, raw.alias("_raw"), *names).with_columns(
        undecodable()
    )


def all_blank(width: int) -> pl.Expr:
    """Tell whether every field of a row is empty or white space."""
    return pl.all_horizontal(pl.col(name).str.strip_chars() == "" for name in field_names(width))


def candidates(rows: Sequence[Sequence[str]], reach: int, after: int = 9) -> list[Candidate]:
    """Return the rows that may be a header, each with the rows that follow it."""
    bare = [[cell.removeprefix(MARKER) for cell in row] for row in rows]
    found: list[Candidate] = []
    for index, row in enumerate(bare[:reach]):
        if any(cell.strip() for cell in row):
            following = bare[index : index + after]
            ends = list(range(index + 1, index + 1 + len(following)))
            found.append(Candidate(index + 1, "", following, ends))
    return found
