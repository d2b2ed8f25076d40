"""Physical lines to records: a quoted field may run over several lines, but never over a good one."""

from dataclasses import dataclass

import polars as pl

from sources.grammar import Grammar

UNCLOSED = "unclosed_quote"


@dataclass(frozen=True)
class Records:
    """Records of one chunk, and the first line that must wait for the next chunk (None: none)."""

    frame: pl.DataFrame
    waiting_from: int | None


def physical_lines(chunk: bytes, first_line: int, skip: int = 0) -> pl.DataFrame:
    """Return the chunk's lines as `_line` (Int64), `_raw` (text).

    Args:
        chunk: normalised UTF-8 bytes, without the control character U+0002.
        first_line: the number of the first line that is returned.
        skip: how many leading lines are left out; the chunk has more.
    """
    lines = pl.read_csv(
        chunk,
        has_header=False,
        separator="\x02",
        quote_char=None,
        schema={"_raw": pl.String},
        empty_string_is_null=False,
        skip_lines=skip,
    )
    return lines.with_row_index("_line", first_line).with_columns(pl.col("_line").cast(pl.Int64))


def records(lines: pl.DataFrame, grammar: Grammar, reach: int, *, at_end: bool) -> Records:
    """Join the lines of records that run over several lines; mark quotes that are never closed.

    A line with an odd number of quotes joins the lines up to the next such line only if the whole parses
    strictly to the header's fields, no line in between is a good record by itself, and the first line
    does not look complete without its quote. Otherwise that line alone is bad.

    Args:
        lines: `_line`, `_raw`, in order.
        grammar: the table's shape.
        reach: how many lines a record may have.
        at_end: no further lines follow; otherwise an open line near the end waits for the next chunk.

    Returns:
        `_line`, `_lines`, `_problem`, `_raw`.
    """
    indexed = lines.with_row_index("index").with_columns(pl.col("index").cast(pl.Int64))
    quotes = pl.col("_raw").str.count_matches('"', literal=True)
    odd = indexed.filter(quotes % 2 == 1).select("index", "_line", "_raw")
    if odd.is_empty():
        return Records(_single(lines, pl.lit(None, pl.String)), None)
    joined = _joined_pairs(indexed, odd, grammar, reach)
    waiting = None if at_end else _waiting(odd, joined, lines.height, reach)
    if waiting is not None:
        indexed = indexed.filter(pl.col("_line") < waiting)
    return Records(_assembled(indexed, joined), waiting)


def _single(lines: pl.DataFrame, problem: pl.Expr) -> pl.DataFrame:
    return lines.select("_line", pl.lit(1, pl.Int32).alias("_lines"), problem.alias("_problem"), pl.col("_raw"))


def _joined_pairs(indexed: pl.DataFrame, odd: pl.DataFrame, grammar: Grammar, reach: int) -> pl.DataFrame:
    """Return the records over several lines: `index` of the first line, `last`, `text`."""
    pairs = odd.select("index", last=pl.col("index").shift(-1), first="_raw", closing=pl.col("_raw").shift(-1))
    good = _good_pairs(pairs.filter(pl.col("last") - pl.col("index") < reach), indexed, grammar)
    # Of a run of pairs that share their ends (a-b, b-c, c-d) every second one is a record: a-b and c-d.
    flagged = pairs.select("index", "last").join(good, on="index", how="left", maintain_order="left")
    fits = flagged.with_columns(run=pl.col("text").is_not_null().rle_id())
    place = pl.int_range(pl.len()).over("run")
    return fits.filter(pl.col("text").is_not_null() & (place % 2 == 0)).select("index", "last", "text")


def _good_pairs(pairs: pl.DataFrame, indexed: pl.DataFrame, grammar: Grammar) -> pl.DataFrame:
    """Return `index`, `text` of the pairs whose joined lines are one record."""
    looks_whole = grammar.fits(grammar.literal_fields(pl.col("first")), pl.lit(value=False))
    only_last = pl.col("first").str.contains(grammar.open_last)
    closing_short = grammar.literal_fields(pl.col("closing")) < grammar.named
    pairs = pairs.filter(~looks_whole | (only_last & closing_short))
    inner = (
        pairs.select(pair="index", index=pl.int_ranges(pl.col("index"), pl.col("last") + 1))
        .explode("index")
        .join(indexed.select("index", "_raw"), on="index", how="left", maintain_order="left")
    )
    raw = pl.col("_raw")
    between = (pl.col("index") > pl.col("index").min()) & (pl.col("index") < pl.col("index").max())
    alone = raw.str.contains(grammar.strict) & _fits_by_cells(raw, grammar)
    whole = inner.group_by("pair", maintain_order=True).agg(text=raw.str.join("\n"), swallows=(between & alone).any())
    text = pl.col("text")
    record = ~pl.col("swallows") & text.str.contains(grammar.strict) & _fits_by_cells(text, grammar)
    return whole.filter(record).select(index="pair", text="text")


def _fits_by_cells(text: pl.Expr, grammar: Grammar) -> pl.Expr:
    cells = grammar.cells(text)
    surplus = cells.list.slice(grammar.width).list.join("").str.strip_chars(grammar.delimiter) == ""
    return grammar.fits(cells.list.len(), surplus)


def _waiting(odd: pl.DataFrame, joined: pl.DataFrame, height: int, reach: int) -> int | None:
    """Return the last open line's number if lines of the next chunk could still close it."""
    index, line = odd.select("index", "_line").row(-1)
    closes = joined.filter(pl.col("last") == index).height > 0
    return None if closes or height - index >= reach else int(line)


def _assembled(indexed: pl.DataFrame, joined: pl.DataFrame) -> pl.DataFrame:
    """Return one row a record: joined ones at their first line, the lines they took left out."""
    starts = indexed.join(joined, on="index", how="left", maintain_order="left")
    taken_to = (pl.col("last").forward_fill().fill_null(-1)).alias("taken_to")
    kept = starts.with_columns(taken_to).filter(pl.col("last").is_not_null() | (pl.col("index") > pl.col("taken_to")))
    odd = pl.col("_raw").str.count_matches('"', literal=True) % 2 == 1
    unclosed = pl.when(odd & pl.col("last").is_null()).then(pl.lit(UNCLOSED))
    length = (pl.col("last") - pl.col("index") + 1).fill_null(1).cast(pl.Int32)
    return kept.select(
        "_line", length.alias("_lines"), unclosed.alias("_problem"), pl.coalesce("text", "_raw").alias("_raw")
    )
