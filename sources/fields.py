"""Records to fields: split what is sound, name what is not."""

from dataclasses import dataclass

import polars as pl

from sources.grammar import Grammar
from sources.lines import UNCLOSED

RAGGED = "ragged_line"
_SLICES = 8


def field_names(width: int) -> list[str]:
    """Return the positional names `c0`, `c1`, … of a table's fields."""
    return [f"c{index}" for index in range(width)]


@dataclass(frozen=True)
class Source:
    """The bytes that some records came from, and how many leading lines of it are not theirs."""

    chunk: bytes
    skip: int


def with_fields(records: pl.DataFrame, grammar: Grammar, source: Source | None, *, quoted: bool) -> pl.DataFrame:
    """Add the positional fields and the structural problem of each record.

    Args:
        records: `_line`, `_lines`, `_problem`, `_raw`, without blank lines, in order.
        grammar: the table's shape.
        source: the bytes that these records came from, when they hold nothing else; records without any
            fault are then parsed straight from them, which is the fastest way.
        quoted: whether any record holds a quote.

    Returns:
        The records with `c0`, `c1`, …; the fields of a ragged record are what could be split of it.
    """
    fields = grammar.literal_fields(pl.col("_raw"))
    exact = _all_exact(records, grammar)
    if exact and source is not None and grammar.width > 1:
        clean = not quoted or records.select(pl.col("_raw").str.contains(grammar.clean).all()).item()
        if clean:
            return _parsed(records, grammar, source, '"' if quoted else None)
    if quoted:
        return _quoted_fields(records, grammar)
    if not exact:
        sound = grammar.fits(fields, grammar.surplus_empty(pl.col("_raw")))
        records = records.with_columns(_problem=_first_problem(sound, RAGGED))
    return _split(records, grammar)


def _all_exact(records: pl.DataFrame, grammar: Grammar) -> bool:
    """Tell whether every record has exactly the header's fields; slices are counted side by side."""
    step = records.height // _SLICES + 1
    slices = [pl.col("_raw").slice(index * step, step) for index in range(_SLICES)]
    exact = [(grammar.literal_fields(part) == grammar.width).all() for part in slices]
    return all(records.select(flag.alias(str(index)) for index, flag in enumerate(exact)).row(0))


def _first_problem(sound: pl.Expr, code: str) -> pl.Expr:
    return pl.coalesce(pl.col("_problem"), pl.when(~sound).then(pl.lit(code)))


def _parsed(records: pl.DataFrame, grammar: Grammar, source: Source, quote: str | None) -> pl.DataFrame:
    names = field_names(grammar.width)
    fields = pl.read_csv(
        source.chunk,
        skip_lines=source.skip,
        has_header=False,
        separator=grammar.delimiter,
        quote_char=quote,
        schema=dict.fromkeys(names, pl.String),
        empty_string_is_null=False,
    )
    if fields.height != records.height:
        return _quoted_fields(records, grammar)
    return pl.concat([records, fields], how="horizontal")


def _split(records: pl.DataFrame, grammar: Grammar) -> pl.DataFrame:
    if grammar.width == 1:
        return records.with_columns(c0=pl.col("_raw"))
    parts = pl.col("_raw").str.split_exact(grammar.delimiter, grammar.width - 1)
    named = parts.struct.rename_fields(field_names(grammar.width)).alias("_fields")
    return records.with_columns(named).unnest("_fields")


def _quoted_fields(records: pl.DataFrame, grammar: Grammar) -> pl.DataFrame:
    """Split records of which some have quotes: most can be split as they stand, the rest by grammar."""
    raw = pl.col("_raw")
    plain = ~raw.str.contains('"', literal=True)
    simple = plain | raw.str.contains(grammar.simple) | pl.col("_problem").is_not_null()
    split = records.with_columns(_simple=simple)
    easy = split.filter("_simple").drop("_simple")
    fits = grammar.fits(grammar.literal_fields(raw), grammar.surplus_empty(raw))
    easy = _unquoted(_split(easy.with_columns(_problem=_first_problem(fits, RAGGED)), grammar), grammar)
    hard = split.filter(~pl.col("_simple")).drop("_simple")
    if hard.is_empty():
        return easy
    return pl.concat([easy, _by_grammar(hard, grammar)]).sort("_line")


def _by_grammar(records: pl.DataFrame, grammar: Grammar) -> pl.DataFrame:
    """Take apart records with delimiters or newlines inside quotes."""
    cells = pl.col("_cells")
    surplus = cells.list.slice(grammar.width).list.join("").str.strip_chars(grammar.delimiter) == ""
    fits = grammar.fits(cells.list.len(), surplus)
    sound = pl.col("_raw").str.contains(grammar.lenient)
    found = records.with_columns(_cells=grammar.cells(pl.col("_raw")))
    found = found.with_columns(_problem=pl.when(sound).then(_first_problem(fits, RAGGED)).otherwise(pl.lit(UNCLOSED)))
    names = field_names(grammar.width)
    fields = [cells.list.get(index, null_on_oob=True).str.slice(1).alias(name) for index, name in enumerate(names)]
    return _unquoted(found.with_columns(fields).drop("_cells"), grammar)


def _unquoted(records: pl.DataFrame, grammar: Grammar) -> pl.DataFrame:
    names = field_names(grammar.width)
    begun = records.select(pl.col(names).str.starts_with('"').any()).row(0)
    fields = pl.col([name for name, some in zip(names, begun, strict=True) if some])
    inside = fields.str.slice(1, fields.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    whole = fields.str.starts_with('"') & fields.str.ends_with('"') & (fields.str.len_bytes() > 1)
    return records.with_columns(pl.when(whole).then(inside).otherwise(fields).name.keep())
