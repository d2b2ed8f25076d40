"""Numbers written in text, by locale, as Polars expressions."""

import polars as pl

from sources.tables import MARKER

_INT128 = 1.7e38
_DRESS = r"(?i)rp\.?|\s|\(|\)"
_PATTERNS = {
    "plain": r"\A[+-]?\d+(\.\d+)?\z",
    "id": r"\A[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?\z",
    "en": r"\A[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\z",
}


def number(text: pl.Expr, locale: str) -> pl.Expr:
    """Return the number that a text says (Float64), null where it says none.

    Args:
        text: cells; a leading U+0001 marks a number that a workbook stored, written plainly.
        locale: `plain` (1234.5), `id` (1.234,5) or `en` (1,234.5).
    """
    return _plain_text(text, locale).cast(pl.Float64, strict=False)


def half_unit(text: pl.Expr, locale: str) -> pl.Expr:
    """Return half of the last digit that a number prints: 0.5 for `1.234` persons, 0.005 for `1,25`."""
    decimals = _plain_text(text, locale).str.extract(r"\.(\d+)\z").str.len_bytes().fill_null(0)
    return 0.5 * pl.lit(10.0).pow(-decimals.cast(pl.Float64))


def marked(value: pl.Expr) -> pl.Expr:
    """Return a number as marked plain text, whole numbers without decimals (U+0001 `1311`)."""
    whole = (value == value.round()) & (value.abs() < _INT128)
    as_whole = pl.when(whole).then(value).cast(pl.Int128, strict=False).cast(pl.String)
    return pl.lit(MARKER) + pl.coalesce(as_whole, plain_decimal(value))


def plain_decimal(value: pl.Expr) -> pl.Expr:
    """Return a float's shortest text, spelled out where that would have an exponent."""
    text = value.cast(pl.String)
    spelled = value.cast(pl.Decimal(38, 20), strict=False).cast(pl.String)
    spelled = spelled.str.strip_chars_end("0").str.strip_chars_end(".")
    return pl.when(text.str.contains("e", literal=True)).then(pl.coalesce(spelled, text)).otherwise(text)


def _plain_text(text: pl.Expr, locale: str) -> pl.Expr:
    stored = text.str.starts_with(MARKER)
    bare = text.str.replace_all(_DRESS, "")
    valid = pl.when(bare.str.contains(_PATTERNS[locale])).then(bare)
    if locale == "id":
        valid = valid.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    if locale == "en":
        valid = valid.str.replace_all(",", "", literal=True)
    return pl.when(stored).then(text.str.strip_prefix(MARKER)).otherwise(valid)
