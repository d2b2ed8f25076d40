"""Total rows are layout when they agree with their rows; otherwise somebody must look at them."""

from collections.abc import Mapping

import polars as pl

from sources.fields import RAGGED
from sources.numerals import half_unit, number
from sources.tables import MARKER, MEASURES

MISMATCH = "total_mismatch"
_LABEL = r"(?i)\A[\s'*]*(?:(?:grand|sub)[\s_-]*)?(?:total|jumlah)\b"
_SUB = r"(?i)\A[\s'*]*sub"
_FIGURE = (
    rf"(?i)\A\s*(?:\(?rp\.?\)?\s*)?[{MARKER}\d.,\s%()\x{{2013}}+-]*"
    r"(?:orang|tk|jiwa|peserta|pekerja|rupiah)?\s*\z"
)


def with_totals(frame: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    """Mark total rows: `_total`, and `_sub` for those labelled SUB TOTAL.

    A total row begins with JUMLAH, TOTAL, GRAND TOTAL or SUB TOTAL, and its other cells are empty or
    figures: a person called Total is not one.

    Args:
        frame: records with `_problem` and the positional fields.
        fields: the positional fields' names.
    """
    usable = pl.col("_problem").is_null() | (pl.col("_problem") == RAGGED)
    first = pl.col(fields[0])
    hit = first.str.contains(_LABEL) | (first.str.strip_chars() == "") | first.is_null()
    if not frame.select((usable & hit).fill_null(value=False).any()).item():
        return frame.with_columns(_total=pl.lit(value=False), _sub=pl.lit(value=False))
    cells = [pl.col(name).fill_null("").str.strip_chars() for name in fields]
    label = pl.coalesce(pl.when(cell != "").then(cell) for cell in cells)
    words = pl.sum_horizontal((~cell.str.contains(_FIGURE)).cast(pl.Int32) for cell in cells)
    total = (usable & label.str.contains(_LABEL) & (words == 1)).fill_null(value=False)
    return frame.with_columns(_total=total, _sub=total & label.str.contains(_SUB))


class RunningTotals:
    """Running sums over a table's batches, against which its total rows are held.

    A total is right when it equals, within half of its last printed digit, the sum of the rows since the
    last total, or of all rows (not for SUB TOTAL), or their number. Where a row's own figure cannot be
    read the sum is not known, and the total is not judged.
    """

    def __init__(self, positions: Mapping[str, int], locale: str) -> None:
        self._columns = {name: f"c{place}" for name, place in positions.items() if name in MEASURES}
        self._locale = locale
        self._sums = dict.fromkeys(self._counters(), 0.0)
        self._at_total = dict(self._sums)

    def judge(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with `_problem` and `_raw` saying so where a total is wrong.

        Args:
            frame: records with `_total`, `_sub` and the positional fields, batches in order.
        """
        amounts = self._amounts(frame)
        if not frame["_total"].any():
            self._sums = {name: total + float(amounts[name].sum()) for name, total in self._sums.items()}
            return frame
        running = amounts.select(pl.col(name).cum_sum() + total for name, total in self._sums.items())
        totals = self._judged(pl.concat([frame, running], how="horizontal").filter("_total"))
        self._at_total = {name: float(totals[name][-1]) for name in self._sums}
        self._sums = {name: float(running[name][-1]) for name in self._sums}
        return frame.update(totals.select("_line", "_problem", "_raw"), on="_line", include_nulls=True)

    def _amounts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return per row: 1 for a record; per measure its figure, and 1 where it cannot be read."""
        record = ~frame["_total"]
        columns = [record.cast(pl.Float64).alias("_n")]
        for name, field in self._columns.items():
            text, value = frame[field], self._values(frame[field])
            empty = text.fill_null("").str.contains(r"\A[\s.\x{2013}-]*\z")
            unread = (value.is_null() & ~empty) | frame["_problem"].is_not_null()
            columns.append((value.fill_null(0.0) * record.cast(pl.Float64)).alias(f"_s_{name}"))
            columns.append((unread & record).cast(pl.Float64).alias(f"_u_{name}"))
        return pl.DataFrame(columns)

    def _values(self, text: pl.Series) -> pl.Series:
        """Return the figures; bare digits, which every locale reads alike, take the short way."""
        digits = text.cast(pl.Int64, strict=False)
        if digits.null_count() == text.null_count() + int((text == "").sum()):
            return digits.cast(pl.Float64)
        return pl.select(number(pl.lit(text), self._locale)).to_series()

    def _counters(self) -> list[str]:
        return ["_n", *(f"{kind}{name}" for name in self._columns for kind in ("_s_", "_u_"))]

    def _judged(self, totals: pl.DataFrame) -> pl.DataFrame:
        verdicts = [self._verdict(name, field) for name, field in self._columns.items()]
        said = pl.concat_str(verdicts, separator="; ", ignore_nulls=True) if verdicts else pl.lit("")
        wrong = said.str.len_bytes() > 0
        raw = pl.when(wrong).then(pl.concat_str("_raw", pl.lit(" | "), said)).otherwise(pl.col("_raw"))
        problem = pl.when(wrong).then(pl.lit(MISMATCH)).otherwise(pl.lit(None, pl.String))
        return totals.with_columns(_raw=raw, _problem=problem)

    def _verdict(self, name: str, field: str) -> pl.Expr:
        """Return what was printed and what was computed where they differ, else null."""
        text = pl.col(field)
        printed = number(text, self._locale)
        tolerance = half_unit(text, self._locale) + 1e-9 * printed.abs()
        since = {kind: self._since_last_total(kind) for kind in (f"_s_{name}", f"_u_{name}", "_n")}
        part = ((printed - since[f"_s_{name}"]).abs() <= tolerance) | (printed == since["_n"])
        whole = ((printed - pl.col(f"_s_{name}")).abs() <= tolerance) | (printed == pl.col("_n"))
        known = pl.when(pl.col("_sub")).then(since[f"_u_{name}"]).otherwise(pl.col(f"_u_{name}")) == 0
        wrong = known & ~(part | (whole & ~pl.col("_sub")))
        computed = pl.when(pl.col("_sub")).then(since[f"_s_{name}"]).otherwise(pl.col(f"_s_{name}"))
        return pl.when(wrong).then(
            pl.format(
                f"{name}: tercetak/printed {{}}, dihitung/computed {{}}",
                text.str.strip_prefix(MARKER),
                marked_plain(computed),
            )
        )

    def _since_last_total(self, name: str) -> pl.Expr:
        return pl.col(name) - pl.col(name).shift(1).fill_null(self._at_total[name])


def marked_plain(value: pl.Expr) -> pl.Expr:
    """Return a sum as people read it: no exponent, no empty decimals."""
    text = value.round(4).cast(pl.Decimal(38, 4), strict=False).cast(pl.String)
    return text.str.strip_chars_end("0").str.strip_chars_end(".")
