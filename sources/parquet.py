"""Read a Parquet file as a table of text: numbers marked, dates ISO, rows counted from 1."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet

from sources import refusals
from sources.frames import all_blank, candidates, cell_frame
from sources.layouts import find_header
from sources.numerals import marked, plain_decimal
from sources.shaping import Shaper
from sources.tables import DAMAGED, MARKER, LineCount, Refusal, Request, SourceTable

# pyarrow has no type stubs, and Polars types what it makes of Arrow data as a frame or a series.
_PARQUET: Any = pyarrow.parquet
_POLARS: Any = pl
_KIND = ("berkas Parquet", "Parquet file")


def open_parquet(path: Path, file: str, request: Request) -> SourceTable:
    """Find a Parquet file's layout by its column names; its rows are read when batches are asked for.

    Args:
        path: the bytes.
        file: the name to report.
        request: what to read, and the bounds.

    Raises:
        Refusal: the file is empty, damaged, has nested columns, or its header belongs to no layout.
    """
    schema, rows = _verified(path, request.limits.batch_rows)
    count = LineCount(read=rows)
    nested = [name for name, kind in schema.items() if kind.is_nested() or isinstance(kind, (pl.Binary, pl.Object))]
    try:
        if nested:
            raise refusals.nested_columns(nested)
        header = find_header(candidates([list(schema)], 1), request, "parquet", None)
    except Refusal as refusal:
        raise refusal.at(file, None, count) from None

    def produce(table: SourceTable) -> Iterator[pl.DataFrame]:
        shaper = Shaper(header, header_lines=0, blank_lines=0)
        blank = all_blank(len(schema))
        for frame in _frames(path, schema, request.limits.batch_rows):
            last = rows <= request.limits.batch_rows
            yield shaper.shape(shaper.without_blank(frame, blank), last=last)
        table.count = shaper.count(rows)

    return SourceTable(file, None, header.plan.layout, produce)


def _verified(path: Path, batch_rows: int) -> tuple[dict[str, pl.DataType], int]:
    """Return the schema and the number of rows, after every page has been decoded once.

    Damage in the middle is found here, before a single row has been handed on. Polars' own reader is not
    used: on some damaged files it ends the whole process.
    """
    if path.stat().st_size == 0:
        raise refusals.empty_file()
    rows = 0
    try:
        with path.open("rb") as opened:
            file = _PARQUET.ParquetFile(opened)
            empty = _frame_of(file.schema_arrow.empty_table())
            for batch in file.iter_batches(batch_rows):
                batch.validate(full=True)
                rows += int(batch.num_rows)
    except (Exception, pl.exceptions.PanicException):
        raise refusals.damaged(*_KIND) from None
    if not empty.width:
        raise refusals.empty_file()
    return dict(empty.schema), rows


def _frame_of(data: Any) -> pl.DataFrame:
    """Give Arrow data to Polars without its metadata, whose bytes nobody needs and a damaged file may have broken."""
    return _POLARS.from_arrow(data.replace_schema_metadata(None))


def _frames(path: Path, schema: dict[str, pl.DataType], size: int) -> Iterator[pl.DataFrame]:
    texts = [_text(name, kind) for name, kind in schema.items()]
    line = 1
    with path.open("rb") as opened:
        for batch in _PARQUET.ParquetFile(opened).iter_batches(size):
            cells = _frame_of(batch)
            yield cell_frame(cells.select(texts), line)
            line += cells.height


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as text, by its type."""
    column = pl.col(name)
    if kind.is_integer():
        return (pl.lit(MARKER) + column.cast(pl.String)).alias(name)
    if kind.is_float():
        value = column.cast(pl.Float64)
        return pl.when(value.is_finite()).then(marked(value)).otherwise(plain_decimal(value)).alias(name)
    if kind.is_decimal():
        text = column.cast(pl.String)
        trimmed = text.str.strip_chars_end("0").str.strip_chars_end(".")
        return (pl.lit(MARKER) + pl.when(text.str.contains(".", literal=True)).then(trimmed).otherwise(text)).alias(
            name
        )
    if isinstance(kind, pl.Datetime):
        midnight = column.dt.time() == pl.time(0, 0, 0)
        return (
            pl.when(midnight)
            .then(column.dt.to_string("%Y-%m-%d"))
            .otherwise(column.dt.to_string("%Y-%m-%d %H:%M:%S"))
            .alias(name)
        )
    text = column.cast(pl.String)
    return text.str.replace_all(MARKER, DAMAGED, literal=True).alias(name)
