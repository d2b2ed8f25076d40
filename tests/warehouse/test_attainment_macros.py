"""The arithmetic of attainment against brute force: intervals for the qualifiers, plain Python for the rest."""

import math
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import warehouse

QUALIFIERS: Final = ["eq", "approx", "ge", "gt", "le", "lt"]
BASES: Final = ["new_ytd", "active_stock", "registered_stock", "protected_stock", "new_month", "unspecified"]
CON: Final = duckdb.connect(":memory:", config={"threads": 1})
CON.execute((Path(warehouse.__file__).parent / "macros.sql").read_text(encoding="utf-8"))

values = st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False)
maybe_values = st.one_of(st.none(), values)
days = st.dates(date(1978, 1, 1), date(2100, 12, 31))
qualifiers = st.sampled_from(QUALIFIERS)


def sql(call: str, *arguments: Any) -> Any:
    row = CON.execute(f"SELECT {call}", list(arguments)).fetchone()
    assert row is not None
    return row[0]


def samples(value: int, qualifier: str) -> list[float]:
    """Give values that a figure with this qualifier may truly have, its own limit among them where it is allowed."""
    steps = {"ge": (0, 1, 60), "gt": (0.001, 1, 60), "le": (0, -1, -19), "lt": (-0.001, -1, -19)}
    return [value + step for step in steps.get(qualifier, (0,))]


def direction(found: list[float], at_value: float) -> str:
    """Tell from all results how they lie about the one that the bare values give."""
    below, above = min(found) < at_value - 1e-9, max(found) > at_value + 1e-9
    touches = any(abs(result - at_value) < 1e-9 for result in found)
    if below and above:
        return "mixed"
    if below:
        return "le" if touches else "lt"
    if above:
        return "ge" if touches else "gt"
    return "eq"


@pytest.mark.parametrize(("a", "b"), list(product(QUALIFIERS, QUALIFIERS)))
def test_gap_and_attainment_qualifiers_agree_with_intervals(a: str, b: str) -> None:
    pairs = list(product(samples(20, a), samples(50, b)))
    plain = a not in ("ge", "gt", "le", "lt") and b not in ("ge", "gt", "le", "lt")
    exact = "approx" if plain and "approx" in (a, b) else None
    ratio = exact or direction([x / y for x, y in pairs], 20 / 50)
    gap = exact or direction([y - x for x, y in pairs], 50 - 20)
    assert sql("(ratio_qualifier(?, ?), difference_qualifier(?, ?))", a, b, a, b) == (ratio, gap)


@pytest.mark.parametrize(("a", "b"), list(product(QUALIFIERS, QUALIFIERS)))
def test_sum_qualifier_agrees_with_intervals(a: str, b: str) -> None:
    plain = a not in ("ge", "gt", "le", "lt") and b not in ("ge", "gt", "le", "lt")
    exact = "approx" if plain and "approx" in (a, b) else None
    found = direction([x + y for x, y in product(samples(20, a), samples(50, b))], 70)
    assert sql("sum_qualifier([?, ?])", a, b) == (exact or found)


def band(value: float) -> str:
    return "on_track" if value >= 100 else "warning" if value >= 80 else "risk"


def reachable(pct: float, qualifier: str) -> set[str]:
    """Give the bands that the true attainment may lie in, tried point by point."""
    points = [pct, *(point / 100 for point in range(20001)), pct + 1e-7, pct - 1e-7]
    tests = {"ge": pct.__le__, "gt": pct.__lt__, "le": pct.__ge__, "lt": pct.__gt__}
    allowed = tests.get(qualifier, pct.__eq__)
    return {band(point) for point in points if point >= 0 and allowed(point)}


@given(st.integers(1, 15000).map(lambda hundredths: hundredths / 100), qualifiers)
def test_band_is_known_only_where_every_possible_value_lies_in_it(pct: float, qualifier: str) -> None:
    bands = reachable(pct, qualifier)
    assert sql("attainment_band(?::DOUBLE, ?)", pct, qualifier) == (bands.pop() if len(bands) == 1 else "unknown")


@pytest.mark.parametrize("pct", [79.9999, 80.0, 80.0001, 99.9999, 100.0])
@pytest.mark.parametrize("qualifier", QUALIFIERS)
def test_band_at_its_edges(pct: float, qualifier: str) -> None:
    bands = reachable(pct, qualifier)
    assert sql("attainment_band(?::DOUBLE, ?)", pct, qualifier) == (bands.pop() if len(bands) == 1 else "unknown")


@pytest.mark.parametrize(("pct", "qualifier"), [(None, "eq"), (90, "mixed"), (90, None)])
def test_band_without_a_value_is_unknown(pct: float | None, qualifier: str | None) -> None:
    assert sql("attainment_band(?::DOUBLE, ?)", pct, qualifier) == "unknown"


@given(st.integers(-3, 3), qualifiers)
def test_gap_is_surely_closed_or_open_only_where_every_possible_gap_is(gap: int, qualifier: str) -> None:
    possible = samples(gap, qualifier)
    closed, still_open = sql("(is_surely_closed(?, ?), is_surely_open(?, ?))", gap, qualifier, gap, qualifier)
    assert (closed, still_open) == (all(x <= 0 for x in possible), all(x > 0 for x in possible))


@given(days)
def test_months_elapsed_grow_from_above_0_to_12(day: date) -> None:
    next_month = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    in_month = (next_month - date(day.year, day.month, 1)).days
    elapsed = sql("months_elapsed(?::DATE)", day)
    assert elapsed == pytest.approx(day.month - 1 + day.day / in_month)
    assert 0 < elapsed <= 12
    assert (elapsed == int(elapsed)) == (day.day == in_month)


figures = st.tuples(
    st.sampled_from(BASES),
    st.sampled_from(["flat", "linear", "custom"]),
    maybe_values,
    maybe_values,
    maybe_values,
    qualifiers,
    qualifiers,
    qualifiers,
    days,
)
ARITHMETIC: Final = """
WITH given AS (
  SELECT
    unnest(?::VARCHAR[]) AS basis,
    unnest(?::VARCHAR[]) AS phasing,
    unnest(?::DECIMAL(20, 4)[]) AS target,
    unnest(?::DECIMAL(20, 4)[]) AS actual,
    unnest(?::DECIMAL(20, 4)[]) AS opening,
    unnest(?::VARCHAR[]) AS target_q,
    unnest(?::VARCHAR[]) AS actual_q,
    unnest(?::VARCHAR[]) AS opening_q,
    unnest(?::DATE[]) AS day
),
related AS MATERIALIZED (
  SELECT *, months_elapsed(day) AS elapsed, target - actual AS gap, difference_qualifier(actual_q, target_q) AS gap_q,
    ratio_qualifier(actual_q, target_q) AS ratio_q, achieved_qualifier(basis, actual_q, opening_q) AS achieved_q
  FROM given
),
derived AS MATERIALIZED (
  SELECT *,
    target_by_now(phasing, basis, target, opening, elapsed, 0, target, elapsed - floor(elapsed)) AS by_now,
    achieved_a_month(basis, actual, opening, elapsed) AS achieved,
    required_a_month(gap, gap_q, 12 - elapsed) AS required
  FROM related
)
SELECT by_now, achieved, required, percent_of(actual, by_now, ratio_q), percent_of(actual, target, 'eq'),
  pace(required, achieved, gap_q, achieved_q), projection(basis, actual, achieved, 12 - elapsed)
FROM derived
"""


@settings(max_examples=20, deadline=None)
@given(st.lists(figures, min_size=1, max_size=100))
def test_nothing_is_ever_infinite_or_nan(rows: list[tuple[Any, ...]]) -> None:
    found = CON.execute(ARITHMETIC, [list(column) for column in zip(*rows, strict=True)]).fetchall()
    assert len(found) == len(rows)
    assert all(number is None or math.isfinite(number) for row in found for number in row)


@given(values, values, st.integers(1, 12))
def test_flow_arithmetic_agrees_with_exact_fractions(target: Decimal, actual: Decimal, month: int) -> None:
    by_now, achieved, year_end = sql(
        "(target_by_now('linear', 'new_ytd', $1, NULL, $3::DOUBLE, NULL, NULL, 1), "
        "achieved_a_month('new_ytd', $2, NULL, $3::DOUBLE), "
        "projection('new_ytd', $2, achieved_a_month('new_ytd', $2, NULL, $3::DOUBLE), 12 - $3::DOUBLE))",
        target, actual, month,
    )  # fmt: skip
    assert by_now == pytest.approx(float(target * month / 12))
    assert achieved == pytest.approx(float(actual / month))
    assert year_end == pytest.approx(float(actual * 12 / month))


@given(values, values, values, st.integers(1, 12))
def test_stock_arithmetic_agrees_with_exact_fractions(
    target: Decimal, actual: Decimal, opening: Decimal, month: int
) -> None:
    by_now, achieved = sql(
        "(target_by_now('linear', 'active_stock', $1, $3, $4::DOUBLE, NULL, NULL, 1), "
        "achieved_a_month('active_stock', $2, $3, $4::DOUBLE))",
        target, actual, opening, month,
    )  # fmt: skip
    assert by_now == pytest.approx(float(opening + (target - opening) * month / 12), abs=1e-3)
    assert achieved == pytest.approx(float((actual - opening) / month), abs=1e-3)


@given(
    st.sampled_from(BASES),
    st.one_of(st.none(), st.integers(0, 3)),
    st.one_of(st.none(), st.integers(0, 3)),
    st.sampled_from(["final", "provisional", "carried", "partial", "disputed"]),
    st.sampled_from([0.0, 5.0]),
    st.one_of(st.none(), st.sampled_from([0.0, 79.0, 80.0, 100.0])),
)
def test_status_is_the_first_that_holds(
    basis: str, target: int | None, actual: int | None, value_status: str, left: float, pct: float | None
) -> None:
    wanted = [
        ("no_target", not target),
        ("no_actual", actual is None),
        ("unknown", value_status == "disputed"),
        ("achieved", (actual or 0) >= (target or 0) and (left == 0 or not basis.endswith("stock"))),
        ("unknown", value_status == "partial"),
        ("missed", left == 0),
        ("unknown", pct is None),
        (band(pct or 0), True),
    ]
    found = sql(
        "attainment_status($1, $2::INT, $3::INT, $4, $2::INT - $3::INT, 'eq', $5::DOUBLE, $6::DOUBLE, 'eq')",
        basis, target, actual, "missing" if actual is None else value_status, left, pct,
    )  # fmt: skip
    assert found == next(status for status, holds in wanted if holds)


@pytest.mark.parametrize(
    ("value", "text"), [("7708", "7708"), ("100", "100"), ("0", "0"), ("52.5", "52.5"), ("0.0001", "0.0001")]
)
def test_printed_has_no_separators_and_no_idle_zeros(value: str, text: str) -> None:
    assert sql("printed(?::DECIMAL(20, 4))", Decimal(value)) == text
