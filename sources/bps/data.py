"""Decoding of `model=data`: every cell of `datacontent` found through the product of its axes.

A key is `vervar + var + turvar + tahun + turtahun` without separators and of variable width, so it cannot be
taken apart; the product of the axes is built and each key is looked up in it.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, cast

import polars as pl

from sources.bps import errors
from sources.bps.answers import Answer, Json, examined
from sources.bps.cells import NULL_MARKS, marked_document, plain_text
from sources.bps.labels import is_nation, plain, round_of, year_of
from sources.marks import MARKER

COLUMNS: dict[str, type[pl.DataType]] = {
    "vervar_code": pl.String,
    "vervar_label": pl.String,
    "is_nation": pl.Boolean,
    "variable": pl.String,
    "derived": pl.String,
    "year": pl.Int32,
    "round": pl.String,
    "value": pl.String,
    "unit": pl.String,
    "last_update": pl.String,
    "derived_code": pl.String,
    "period_label": pl.String,
    "decimals": pl.Int32,
    "year_alone": pl.Boolean,
}
_AXES = ("vervar", "var", "turvar", "tahun", "turtahun")
_OPTIONAL = frozenset({"turvar", "turtahun"})
_MOST_CELLS = 20_000_000
# `7.708` as text may be 7,708 persons or 7.708 per cent, so text with exactly three decimals is not read.
_SURE_NUMBER = r"\A-?\d+(\.(\d{1,2}|\d{4,}))?\z"


def decode_data(answer: Answer) -> pl.DataFrame:
    """Decode one answer of `model=data`, from a client or from a snapshot.

    Args:
        answer: the answer.

    Returns:
        One row for each cell that the answer has, in the order of its axes, with the columns `COLUMNS`:
        `vervar_code` (as it stands), `vervar_label`, `is_nation` (by label), `variable` (title), `derived`
        (label of the derived variable) and `derived_code`, `year`, `round` (`feb`, `aug`, `annual`; null for
        other periods), `period_label` (as it stands), `value` (decimal text with the digits of the source;
        null for a mark of missing), `decimals` (as the variable declares), `unit`, `last_update`, `year_alone`
        (whether the table knows no part of a year but the year itself).

    Raises:
        EmptyAnswerError: no cells. CellUnmappedError, CellAmbiguousError: a key without exactly one place.
        ValueUnreadableError: a cell of text that is no sure number. ForeignAnswerError: other shapes.
    """
    examined(answer)
    document = marked_document(answer)
    cells = _cells(document, answer)
    placed = _placed(cells, _product([_axis(document, name, answer) for name in _AXES], answer), answer)
    return _described(_with_years(placed, answer), _units(document, answer), document).select(
        pl.col(name).cast(kind) for name, kind in COLUMNS.items()
    )


def must_answer(answer: Answer, variable: str, periods: Sequence[str]) -> None:
    """Make sure that an answer has cells and is about what was asked.

    Args:
        answer: an answer of `model=data`.
        variable: `var_id` that was asked for.
        periods: `th_id` that were asked for.

    Raises:
        EmptyAnswerError: no cells. ForeignAnswerError: another variable, or a period nobody asked for.
    """
    document = examined(answer)
    _cells(marked_document(answer), answer)
    answered = _codes(document, "var")
    if answered != [variable]:
        raise errors.ForeignAnswerError(f"asked for variable {variable}, answered {answered}", answer.address)
    surplus = sorted(set(_codes(document, "tahun")) - set(periods))
    if surplus:
        raise errors.ForeignAnswerError(f"periods nobody asked for: {surplus}", answer.address)


def missing_periods(answer: Answer, periods: Sequence[str]) -> list[str]:
    """Return which of the periods that were asked for the answer does not have."""
    there = set(_codes(examined(answer), "tahun"))
    return [period for period in periods if period not in there]


def _entries(document: Json, axis: str) -> list[Json]:
    entries: Any = document.get(axis)
    listed = cast("list[Any]", entries) if isinstance(entries, list) else []
    return [cast("Json", entry) for entry in listed if isinstance(entry, dict) and "val" in entry]


def _codes(document: Json, axis: str) -> list[str]:
    return [plain_text(entry["val"]) for entry in _entries(document, axis)]


def _cells(document: Json, answer: Answer) -> pl.DataFrame:
    content: Any = document.get("datacontent", document.get("data", ...))
    if content is ...:
        raise errors.ForeignAnswerError("neither datacontent nor data", answer.address)
    if content in (None, "", [], {}):
        raise errors.EmptyAnswerError("an empty datacontent", answer.address)
    if not isinstance(content, dict):
        raise errors.ForeignAnswerError(f"datacontent is a {type(content).__name__}", answer.address)
    cells = cast("Json", content)
    try:
        return pl.DataFrame({"key": list(cells), "stored": pl.Series(list(cells.values()), dtype=pl.String)})
    except (TypeError, pl.exceptions.PolarsError):
        raise errors.ForeignAnswerError("a cell that is neither number nor text", answer.address) from None


def _axis(document: Json, name: str, answer: Answer) -> pl.DataFrame:
    entries = _entries(document, name)
    if not document.get(name) and name in _OPTIONAL:
        entries: list[Json] = [{"val": "", "label": None}]
    if not entries or len(entries) != len(document.get(name) or entries):
        raise errors.ForeignAnswerError(f"the axis {name} is absent, empty or without val", answer.address)
    pairs = {(plain_text(entry["val"]), plain(plain_text(entry.get("label")))): None for entry in entries}
    schema = {name: pl.String, f"{name}_label": pl.String}
    return pl.DataFrame(list(pairs), schema=schema, orient="row").with_row_index(f"{name}_place")


def _product(axes: Sequence[pl.DataFrame], answer: Answer) -> pl.DataFrame:
    size = prod(axis.height for axis in axes)
    if size > _MOST_CELLS:
        raise errors.ForeignAnswerError(f"axes of {size} combinations", answer.address)
    product = reduce(lambda left, right: left.join(right, how="cross"), axes)
    return product.with_columns(pl.concat_str(*_AXES).alias("key"))


def _placed(cells: pl.DataFrame, product: pl.DataFrame, answer: Answer) -> pl.DataFrame:
    placed = cells.join(product, on="key", how="left")
    lost = placed.filter(pl.col("vervar").is_null())
    if lost.height:
        raise errors.CellUnmappedError(f"{lost.height} keys, such as {lost['key'][0]}", answer.address)
    twice = placed.filter(pl.col("key").is_duplicated())
    if twice.height:
        _raise_ambiguous(twice, answer)
    return placed.sort(f"{name}_place" for name in _AXES).with_columns(_value())


def _raise_ambiguous(twice: pl.DataFrame, answer: Answer) -> None:
    first = twice.filter(pl.col("key") == twice["key"][0]).select(pl.concat_str(*_AXES, separator="|")).to_series()
    found = f"{twice['key'].n_unique()} keys, such as {twice['key'][0]} = {' = '.join(first)}"
    raise errors.CellAmbiguousError(found, answer.address)


def _value() -> pl.Expr:
    stored = pl.col("stored")
    text = stored.str.strip_chars()
    number = stored.str.starts_with(MARKER)
    missing = stored.is_null() | text.str.to_lowercase().is_in(NULL_MARKS)
    return (
        pl.when(number)
        .then(stored.str.strip_prefix(MARKER))
        .when(~missing & text.str.contains(_SURE_NUMBER))
        .then(text)
        .alias("value")
    )


def _with_years(placed: pl.DataFrame, answer: Answer) -> pl.DataFrame:
    marks = pl.col("stored").str.strip_chars().str.to_lowercase().is_in(NULL_MARKS)
    unread = placed.filter(pl.col("value").is_null() & pl.col("stored").is_not_null() & ~marks)
    if unread.height:
        found = f"{unread.height} cells, such as {unread['key'][0]} = '{unread['stored'][0]}'"
        raise errors.ValueUnreadableError(found, answer.address)
    dated = placed.with_columns(_read(placed["tahun_label"], year_of, pl.Int32).alias("year"))
    undated = dated.filter(pl.col("year").is_null())
    if undated.height:
        raise errors.ForeignAnswerError(f"the year '{undated['tahun_label'][0]}'", answer.address)
    return dated


def _units(document: Json, answer: Answer) -> pl.DataFrame:
    entries = _entries(document, "var")
    decimals = [plain_text(entry.get("decimal")) for entry in entries]
    if not all(text.isdigit() or not text for text in decimals):
        raise errors.ForeignAnswerError(f"decimals of the variable: {decimals}", answer.address)
    return pl.DataFrame(
        {
            "var": [plain_text(entry["val"]) for entry in entries],
            "unit": [plain(plain_text(entry.get("unit"))) or None for entry in entries],
            "decimals": [int(text) if text else None for text in decimals],
        },
        schema={"var": pl.String, "unit": pl.String, "decimals": pl.Int32},
    ).unique("var", keep="first")


def _read(labels: pl.Series, reading: Callable[[str], object], kind: type[pl.DataType]) -> pl.Expr:
    """Write what each label means; every different label is read once."""
    distinct = labels.unique()
    meant = pl.Series([reading(text) for text in distinct], dtype=kind)
    return pl.col(labels.name).replace_strict(distinct, meant, return_dtype=kind)


def _labels(document: Json, axis: str) -> list[str]:
    return [plain_text(entry.get("label")) for entry in _entries(document, axis)]


def _described(placed: pl.DataFrame, units: pl.DataFrame, document: Json) -> pl.DataFrame:
    label = pl.col("turtahun_label").replace("", None)
    return placed.join(units, on="var", how="left", maintain_order="left").with_columns(
        pl.col("vervar").alias("vervar_code"),
        _read(placed["vervar_label"], is_nation, pl.Boolean).alias("is_nation"),
        pl.col("var_label").alias("variable"),
        pl.col("turvar_label").replace("", None).alias("derived"),
        pl.col("turvar").replace("", None).alias("derived_code"),
        label.alias("period_label"),
        _read(placed["turtahun_label"], round_of, pl.String).alias("round"),
        pl.lit(all(round_of(text) == "annual" for text in _labels(document, "turtahun"))).alias("year_alone"),
        pl.lit(plain_text(document.get("last_update")) or None, dtype=pl.String).alias("last_update"),
    )
