"""What a wide row's own sums prove: whether its parts add up to its total, and which thousands dots they mend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from sources.numerals import marked, number

HOLD, REPAIRED, DIFFER = "hold", "repaired", "differ"
# Estimates of BPS are rounded part by part.
TOLERANCE = 2.0
_GROUPED = r"\A[1-9]\d{0,2}((\.\d{3})+|(,\d{3})+)\z"
_EXACT = 1e-6


@dataclass(frozen=True)
class Breakdown:
    """Positions of the parts that must add up to the total."""

    total: int
    parts: tuple[int, ...]


def with_own_sums(frame: pl.DataFrame, breakdowns: Sequence[Breakdown], locale: str) -> pl.DataFrame:
    """Judge every breakdown of every row, and mend the cells of those that a repair makes add up.

    A breakdown holds when its parts, all whole numbers, add up to the total within 2 persons; an empty part
    counts as none. Otherwise cells in which a thousands dot was read as a decimal point (a stored 1.498, a text
    1,425,104) are read as thousands, and beside them at most one whole number that lost its zeros (2.000 stored
    as 2). Only where the parts then add up to the total do they stay so; else nothing changes. Every
    breakdown is judged on the cells as the file has them.

    Args:
        frame: records with positional fields `c0`, `c1`, … in which null marks are null.
        breakdowns: what must add up.
        locale: how numbers in text are written.

    Returns:
        The frame with one more column for each breakdown, `_own_0`, `_own_1`, …: `hold`, `repaired`, `differ`, or
        null where the file told no part or no total.
    """
    indexes = range(len(breakdowns))
    parts = list(dict.fromkeys(place for breakdown in breakdowns for place in breakdown.parts))
    judged = frame.with_columns(column for place in parts for column in _readings(place, locale))
    judged = judged.with_columns(column for index in indexes for column in _sums(index, breakdowns[index], locale))
    judged = judged.with_columns(_lost(index, breakdowns) for index in indexes)
    judged = judged.with_columns(_verdict(index) for index in indexes)
    judged = judged.with_columns(_mended(place, breakdowns) for place in parts)
    return judged.select(*frame.columns, *(f"_own_{index}" for index in indexes))


def own_sums_of(places: Iterable[int], breakdowns: Sequence[Breakdown]) -> pl.Expr:
    """Return the worst that is said by the breakdowns of which one of the columns is the total or a part.

    Args:
        places: positions of the columns that make a figure.
        breakdowns: those given to `with_own_sums`, in the same order.
    """
    read = set(places)
    said = [
        pl.col(f"_own_{index}")
        for index, breakdown in enumerate(breakdowns)
        if read & {breakdown.total, *breakdown.parts}
    ]
    worst = pl.lit(None, pl.String)
    for verdict in (HOLD, REPAIRED, DIFFER) if said else ():
        some = pl.any_horizontal(column == verdict for column in said)
        worst = pl.when(some).then(pl.lit(verdict)).otherwise(worst)
    return worst


def _readings(place: int, locale: str) -> list[pl.Expr]:
    """Return a cell's whole number (`_n`), null where there is none, and its number read as thousands (`_t`)."""
    cell = pl.col(f"c{place}")
    plain = number(cell, locale)
    whole = plain == plain.round()
    return [pl.when(whole).then(plain).alias(f"_n{place}"), _thousands(cell, plain).alias(f"_t{place}")]


def _thousands(cell: pl.Expr, plain: pl.Expr) -> pl.Expr:
    """Return what a cell says as thousands: text in groups of three digits, or a number below 1,000, a thousandfold."""
    grouped = pl.when(cell.str.contains(_GROUPED)).then(cell.str.replace_all(r"[.,]", "")).cast(pl.Float64)
    more = (plain * 1000).round()
    exact = plain.is_between(1, 1000, closed="left") & ((plain * 1000 - more).abs() < _EXACT)
    return pl.coalesce(grouped, pl.when(exact).then(more))


def _sums(index: int, breakdown: Breakdown, locale: str) -> list[pl.Expr]:
    """Return the total, and what it has more than its parts: as they stand (`_off`), as thousands (`_short`)."""
    cells = [(pl.col(f"c{place}"), pl.col(f"_n{place}"), pl.col(f"_t{place}")) for place in breakdown.parts]
    total = number(pl.col(f"c{breakdown.total}"), locale)
    told = pl.any_horizontal(cell.is_not_null() for cell, _, _ in cells)
    whole = pl.all_horizontal(cell.is_null() | plain.is_not_null() for cell, plain, _ in cells)
    readable = pl.all_horizontal(cell.is_null() | pl.coalesce(plain, more).is_not_null() for cell, plain, more in cells)
    rest = total - pl.sum_horizontal(pl.coalesce(plain, more) for _, plain, more in cells)
    return [
        pl.when(told).then(total).alias(f"_total{index}"),
        pl.when(whole).then(rest).alias(f"_off{index}"),
        pl.when(~whole & readable).then(rest).alias(f"_short{index}"),
    ]


def _lost(index: int, breakdowns: Sequence[Breakdown]) -> pl.Expr:
    """Return the position of the one whole number that must be thousands too, null where there is none or a choice."""
    short = pl.col(f"_short{index}")
    makes_up = {
        place: ((short - (pl.col(f"_t{place}") - pl.col(f"_n{place}"))).abs() <= TOLERANCE).fill_null(value=False)
        for place in breakdowns[index].parts
        # What another breakdown counts as it stands is not lost.
        if sum(place in breakdown.parts for breakdown in breakdowns) == 1
    }
    only = pl.sum_horizontal(pl.lit(0), *(flag.cast(pl.Int32) for flag in makes_up.values())) == 1
    where = pl.coalesce(pl.lit(None, pl.Int32), *(pl.when(flag).then(place) for place, flag in makes_up.items()))
    return pl.when(only & (short.abs() > TOLERANCE)).then(where).alias(f"_lost{index}")


def _verdict(index: int) -> pl.Expr:
    repaired = (pl.col(f"_short{index}").abs() <= TOLERANCE) | pl.col(f"_lost{index}").is_not_null()
    said = pl.when(pl.col(f"_off{index}").abs() <= TOLERANCE).then(pl.lit(HOLD))
    said = said.when(repaired).then(pl.lit(REPAIRED)).otherwise(pl.lit(DIFFER))
    return pl.when(pl.col(f"_total{index}").is_not_null()).then(said).alias(f"_own_{index}")


def _mended(place: int, breakdowns: Sequence[Breakdown]) -> pl.Expr:
    """Return a cell as thousands where a breakdown that it is a part of proves it, else as it stands."""
    of = [index for index, breakdown in enumerate(breakdowns) if place in breakdown.parts]
    repaired = pl.any_horizontal(pl.col(f"_own_{index}") == REPAIRED for index in of)
    lost = pl.any_horizontal(pl.col(f"_lost{index}") == place for index in of)
    mended = (repaired & pl.col(f"_n{place}").is_null() & pl.col(f"_t{place}").is_not_null()) | lost
    return pl.when(mended).then(marked(pl.col(f"_t{place}"))).otherwise(pl.col(f"c{place}")).alias(f"c{place}")
