"""A wide row's own sums: what holds, what a thousands dot explains, and what nothing proves."""

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sources.numerals import number
from sources.own_sums import TOLERANCE, Breakdown, own_sums_of, with_own_sums
from sources.tables import MARKER

Cell = str | None
CELLS = st.one_of(
    st.none(),
    st.integers(0, 1200).map(lambda value: f"{MARKER}{value}"),
    st.integers(0, 400_000).map(lambda value: f"{MARKER}{value / 1000:g}"),
    st.sampled_from(["1,425,104", "1.425.104", "1.5", "12,000", "abc", "1.425,104", "-3"]),
)


def _judged(
    rows: Sequence[Sequence[Cell]], breakdowns: Sequence[Breakdown] | None = None, locale: str = "plain"
) -> pl.DataFrame:
    """Judge rows whose first cell is the total of all others, unless told otherwise."""
    width = len(rows[0])
    breakdowns = breakdowns or [Breakdown(0, tuple(range(1, width)))]
    frame = pl.DataFrame(rows, schema=dict.fromkeys([f"c{n}" for n in range(width)], pl.String), orient="row")
    return with_own_sums(frame, breakdowns, locale)


def _stored(*cells: str) -> list[Cell]:
    return [f"{MARKER}{cell}" for cell in cells]


def _verdict(*row: Cell, locale: str = "plain") -> str | None:
    return _judged([row], locale=locale)["_own_0"].item()


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (_stored("2026", "528", "1498"), "hold"),
        (_stored("2028", "528", "1498"), "hold"),
        (_stored("2029", "528", "1498"), "differ"),
        ([*_stored("528", "528"), None], "hold"),
        (_stored("2026", "528", "1.498"), "repaired"),
        (_stored("2028", "528", "1.5"), "repaired"),
        (_stored("2100", "528", "1.498"), "differ"),
        (_stored("1500", "500", "0.998"), "differ"),
        ([*_stored("528"), None, None], None),
        ([None, *_stored("528", "1498")], None),
        ([*_stored("1877431"), "1,425,104", f"{MARKER}452.327"], "repaired"),
        ([*_stored("1877431"), "1.425.104", "452.327"], "repaired"),
        ([*_stored("1877431"), "1.425,104", "452.327"], "differ"),
        ([*_stored("600"), "abc", f"{MARKER}600"], "differ"),
    ],
)
def test_the_verdict_of_one_row(row: list[Cell], verdict: str | None) -> None:
    assert _verdict(*row) == verdict


def test_text_is_read_by_the_locale_before_it_is_called_damaged() -> None:
    assert _verdict("2.026", "528", "1.498", locale="id") == "hold"
    assert _verdict("2,026", "528", "1,498", locale="en") == "hold"
    assert _verdict("2,026", "528", "1.498", locale="en") == "repaired"


def test_one_whole_number_may_have_lost_its_zeros_beside_damaged_ones() -> None:
    frame = _judged([_stored("7036", "2.607", "2.049", "2", "380")])
    assert frame["_own_0"].item() == "repaired"
    assert frame.select("c1", "c2", "c3", "c4").row(0) == tuple(_stored("2607", "2049", "2000", "380"))


def test_two_equal_candidates_are_not_chosen_between() -> None:
    row = _stored("6607", "2.607", "2", "2", "2000")
    assert _judged([row]).row(0) == (*row, "differ")


def test_without_any_damaged_cell_a_small_number_stays_small() -> None:
    row = _stored("2380", "2", "380")
    assert _judged([row]).row(0) == (*row, "differ")


def test_a_cell_that_another_breakdown_counts_as_it_stands_is_not_enlarged() -> None:
    row = _stored("4607", "2.607", "2", "4605")
    frame = _judged([row], [Breakdown(0, (1, 2)), Breakdown(0, (2, 3))])
    assert frame.row(0) == (*row, "differ", "hold")


def test_a_breakdown_that_holds_does_not_mend_another() -> None:
    row = _stored("2026", "528", "1.498", "1000", "1026", "2", "1.3")
    frame = _judged([row], [Breakdown(0, (1, 2)), Breakdown(0, (3, 4)), Breakdown(0, (5, 6))])
    assert frame.row(0) == (*_stored("2026", "528", "1498", "1000", "1026", "2", "1.3"), "repaired", "hold", "differ")


def test_a_figure_gets_the_worst_of_the_breakdowns_it_belongs_to() -> None:
    breakdowns = [Breakdown(0, (1, 2)), Breakdown(0, (3, 4)), Breakdown(5, (6, 7))]
    said = pl.DataFrame({"_own_0": ["repaired", "hold", None], "_own_1": ["hold", "differ", None], "_own_2": "hold"})

    def of(*places: int) -> list[str | None]:
        return said.select(own_sums_of(places, breakdowns).alias("it"))["it"].to_list()

    assert of(0) == ["repaired", "differ", None]
    assert of(1) == ["repaired", "hold", None]
    assert of(3, 4) == ["hold", "differ", None]
    assert of(7) == ["hold"] * 3
    assert said.with_columns(it=own_sums_of([9], breakdowns))["it"].to_list() == [None] * 3


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2_000_000), CELLS, CELLS, CELLS), min_size=1, max_size=8), st.booleans())
def test_a_repaired_row_adds_up_and_any_other_is_left_alone(
    rows: list[tuple[int, Cell, Cell, Cell]], is_thousandfold: bool
) -> None:
    """Half of the rows get the total that their cells, read as thousands, would have."""
    cells = [(_total(row) if is_thousandfold else f"{MARKER}{row[0]}", *row[1:]) for row in rows]
    after = _judged(cells)
    numbers = after.select(number(pl.col(f"c{place}"), "plain").alias(f"c{place}") for place in range(4))
    for before, kept, values, verdict in zip(
        cells, after.drop("_own_0").rows(), numbers.rows(), after["_own_0"], strict=True
    ):
        parts = [0.0 if cell is None else value for cell, value in zip(before[1:], values[1:], strict=True)]
        if verdict in {"hold", "repaired"}:
            assert abs(sum(parts) - values[0]) <= TOLERANCE
            assert all(value == round(value) for value in parts)
        if verdict != "repaired":
            assert kept == before


def _total(row: tuple[int, Cell, Cell, Cell]) -> str:
    bare = [(cell or "0").strip(MARKER).replace(",", "") for cell in row[1:]]
    values = [float(text) if text.count(".") < 2 and text[-1].isdigit() else 1_425_104.0 for text in bare]
    return f"{MARKER}{sum(round(value * 1000) if value % 1 else round(value) for value in values)}"


@given(st.lists(st.integers(1, 1_999_999), min_size=2, max_size=6))
@settings(max_examples=50, deadline=None)
def test_every_damage_that_leaves_a_trace_is_mended(parts: list[int]) -> None:
    """Numbers of one thousand and more are stored with their dot as decimal point, or as text from a million on."""
    traces = [part for part in parts if part < 1000 or part % 1000 or part >= 1_000_000]
    damaged = [_damaged(part) for part in traces]
    assume(len(traces) > 1 and damaged != [f"{MARKER}{part}" for part in traces])
    frame = _judged([[f"{MARKER}{sum(traces)}", *damaged]])
    assert frame.row(0) == (*_stored(str(sum(traces)), *map(str, traces)), "repaired")


def _damaged(part: int) -> str:
    if part >= 1_000_000:
        return f"{part:,}"
    return f"{MARKER}{part / 1000:g}" if part >= 1000 else f"{MARKER}{part}"
