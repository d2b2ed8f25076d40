"""Decoded cells become estimates by what the catalogue says, and nothing that it does not say is guessed."""

from typing import Any

import polars as pl
import pytest

from sources.bps import errors
from sources.bps.catalogue import Series
from sources.bps.data import COLUMNS
from sources.bps.estimates import Estimates, estimates_of, region_of_domain
from sources.bps.regions import Regions
from sources.bps.units import UnitKind

ADDRESS = "https://x/list?model=data"
NAMES = pl.DataFrame({"region": ["7411", "7471", "9707", "74"], "name": ["contoh", "misal", "yahukimo", "tenggara"]})
REGIONS = Regions({"9416": "9707"}, NAMES)


def cell(**changes: Any) -> dict[str, Any]:
    """Give one decoded cell."""
    plain: dict[str, Any] = {
        "vervar_code": "7411", "vervar_label": "Contoh", "is_nation": False, "variable": "Angkatan Kerja",
        "derived": "Tidak ada", "year": 2025, "round": "aug", "value": "1000", "unit": "Orang",
        "last_update": "2026-11-05 10:00:00", "derived_code": "0", "period_label": "Agustus", "decimals": 0,
        "year_alone": False,
    }  # fmt: skip
    return plain | changes


def series(**changes: Any) -> Series:
    """Give one row of the catalogue."""
    plain: dict[str, Any] = {
        "domain": "7400", "concept": "labour_force", "variable": "33", "region_axis": "codes", "source": "x",
    }  # fmt: skip
    return Series.model_validate(plain | changes)


def read(*cells: dict[str, Any], before: UnitKind | None = None, of: Series | None = None) -> Estimates:
    """Read one concept from cells; 9416 is an old code of 9707."""
    frame = pl.DataFrame(cells, schema=COLUMNS, orient="row")
    return estimates_of(frame, [of or series()], REGIONS, before, ADDRESS)


def figures(found: Estimates) -> list[tuple[Any, ...]]:
    """Give region, year, round and value of what was read."""
    rows = found.rows.select("region_code", "year", "round", pl.col("value").cast(pl.Float64))
    return sorted(rows.rows())


def test_a_code_of_a_region_stands_as_it_came_and_the_nation_is_known_by_its_label() -> None:
    found = read(cell(), cell(vervar_code="8888"), cell(vervar_code="151", vervar_label="INDONESIA", is_nation=True))
    assert [row[0] for row in figures(found)] == ["0000", "7411", "8888"]
    assert found.rows["published_on"].unique().to_list() == ["2026-11-05"]


def test_a_provinces_code_is_two_digits_here() -> None:
    assert figures(read(cell(vervar_code="7400", vervar_label="Tenggara")))[0][0] == "74"
    assert figures(read(cell(vervar_code="74", vervar_label="Tenggara")))[0][0] == "74"
    assert [region_of_domain(domain) for domain in ("0000", "7400", "7471")] == ["0000", "74", "7471"]


def test_numbers_of_the_tables_own_never_pass_for_provinces() -> None:
    with pytest.raises(errors.RowsUnknownError, match="11 'Konawe Kepulauan'"):
        read(cell(vervar_code="11", vervar_label="Konawe Kepulauan"))
    named = read(cell(vervar_code="11", vervar_label="Konawe Kepulauan *)"), of=series(region_axis="names"))
    assert figures(named)[0][0] == "Konawe Kepulauan"


def test_one_row_may_stand_for_the_domain() -> None:
    of = series(region_axis="domain", region_row="11")
    found = read(cell(vervar_code="11", vervar_label="Jumlah"), cell(vervar_code="1", vervar_label="15-19"), of=of)
    assert (figures(found), found.skipped_rows) == ([("74", 2025, "aug", 1000.0)], 1)
    with pytest.raises(errors.RowsUnknownError, match="no row 11"):
        read(cell(vervar_code="1", vervar_label="15-19"), of=of)


def test_thousands_are_persons_here_and_the_digits_stay_exact() -> None:
    found = read(cell(value="137.52", unit="Ribu Orang"))
    assert (found.rows["value"].cast(pl.String).to_list(), found.unit) == (["137520.00000000"], "thousands")


@pytest.mark.parametrize(("unit", "qualifier"), [("Ribu Orang", "approx"), ("Orang", "eq")])
def test_figures_told_in_thousands_are_rounded(unit: str, qualifier: str) -> None:
    assert read(cell(value="137.52" if unit != "Orang" else "137520", unit=unit)).rows["qualifier"].item() == qualifier


@pytest.mark.parametrize(
    ("stated", "expected", "before"),
    [
        ("Ribu Orang", "Orang", None),
        ("Ribu Orang", None, "persons"),
        ("Persen", None, None),
        ("Tidak Ada Satuan", None, None),
        (None, "Orang", None),
    ],
)
def test_a_unit_that_is_not_the_expected_one_refuses_the_answer(
    stated: str | None, expected: str | None, before: UnitKind | None
) -> None:
    with pytest.raises(errors.UnitDiffersError, match="the answer states the unit"):
        read(cell(unit=stated), before=before, of=series(unit=expected))


def test_a_rate_needs_percent() -> None:
    rate = series(concept="unemployment_rate")
    assert figures(read(cell(unit="Persen", value="7.46"), of=rate)) == [("7411", 2025, "aug", 7.46)]
    with pytest.raises(errors.UnitDiffersError):
        read(cell(unit="Orang"), of=rate)


def test_derived_variables_are_added_up_and_a_missing_part_is_no_zero() -> None:
    parts = [cell(derived_code=code, value=value) for code, value in (("3", "10"), ("4", "5"), ("5", "100"))]
    both = series(derived="3+4")
    assert figures(read(*parts, of=both)) == [("7411", 2025, "aug", 15.0)]
    other = [cell(vervar_code="7471", vervar_label="Misal", derived_code=code) for code in ("3", "4")]
    found = read(parts[0], cell(derived_code="4", value=None), *other, of=both)
    assert figures(found) == [("7471", 2025, "aug", 2000.0)]


def test_derived_variables_that_the_catalogue_does_not_know_are_named() -> None:
    parts = [cell(derived_code="3", derived="Laki-laki"), cell(derived_code="4", derived="Perempuan")]
    with pytest.raises(errors.DerivedUnknownError, match="names none, the answer has 3 Laki-laki, 4 Perempuan"):
        read(*parts)
    with pytest.raises(errors.DerivedUnknownError, match=r"names 9, the answer has 3"):
        read(*parts, of=series(derived="9"))


def test_a_year_alone_is_the_round_that_the_catalogue_names() -> None:
    yearly = cell(round="annual", period_label="Tahun", year_alone=True)
    assert figures(read(yearly))[0][2] == "annual"
    assert figures(read(yearly, of=series(round="aug")))[0][2] == "aug"
    assert figures(read(cell(round="feb"), of=series(round="aug")))[0][2] == "feb"


def test_months_and_quarters_are_counted_and_left_out() -> None:
    found = read(cell(), cell(round=None, period_label="Triwulan I"))
    assert (len(figures(found)), found.skipped_periods) == (1, 1)
    empty = read(cell(round=None, period_label="Januari", value=None), of=series(derived="3"))
    assert (figures(empty), empty.skipped_periods) == ([], 1)


def test_todays_code_is_preferred_and_the_other_value_is_told() -> None:
    found = read(
        cell(vervar_label="Yahukimo", vervar_code="9416", value="5"),
        cell(vervar_label="Yahukimo", vervar_code="9707", value="0"),
    )
    assert figures(found) == [("9707", 2025, "aug", 0.0)]
    assert found.superseded.select("region_code", pl.col("value").cast(pl.Int64)).rows() == [("9416", 5)]
    same = read(cell(vervar_label="Yahukimo", vervar_code="9416"), cell(vervar_label="Yahukimo", vervar_code="9707"))
    assert (len(figures(same)), same.superseded.height) == (1, 0)


def test_an_old_code_alone_stands_and_is_compared_under_todays() -> None:
    found = read(cell(vervar_label="Yahukimo", vervar_code="9416"))
    assert found.rows.select("region_code", "region").rows() == [("9416", "9707")]


def test_the_same_figure_twice_is_one_and_two_figures_for_one_are_refused() -> None:
    yearly = [cell(round="annual", period_label="Tahun"), cell(round="annual", period_label="Tahunan")]
    assert len(figures(read(*yearly))) == 1
    with pytest.raises(errors.CellAmbiguousError, match="7411, 2025, annual, labour_force"):
        read(yearly[0], yearly[1] | {"value": "1001"})


@pytest.mark.parametrize("value", ["9" * 40, "1" + "0" * 29, "-1" + "0" * 12])
@pytest.mark.parametrize("unit", ["Orang", "Ribu Orang"])
def test_a_number_that_no_table_holds_is_refused(value: str, unit: str) -> None:
    with pytest.raises(errors.ValueUnreadableError, match=value[:5]):
        read(cell(value=value, unit=unit))


def test_the_label_comes_along_and_the_nation_has_none() -> None:
    found = read(
        cell(vervar_label="Kab. Contoh *)"), cell(vervar_code="9999", vervar_label="INDONESIA", is_nation=True)
    )
    assert sorted(found.rows.select("region_code", "place").rows()) == [("0000", None), ("7411", "Kab. Contoh")]
    of = series(region_axis="domain", region_row="11")
    assert read(cell(vervar_code="11", vervar_label="Jumlah"), of=of).rows["place"].to_list() == ["Jumlah"]


def test_a_table_whose_codes_are_regions_by_accident_is_refused_as_a_whole() -> None:
    ages = [cell(vervar_label="15-19 tahun"), cell(vervar_code="7471", vervar_label="20-24 tahun")]
    with pytest.raises(errors.RowsUnknownError, match="2 rows without a name of their region, such as 7411 '15-19"):
        read(*ages)
    assert len(figures(read(cell(), ages[1]))) == 2
    assert len(figures(read(*ages, of=series(region_axis="names")))) == 2


@pytest.mark.parametrize("said", ["0000-00-00 00:00:00", "2026-13-45 10:00:00", "05/11/2026", "0001-01-01", "", None])
def test_a_day_that_no_calendar_has_is_no_day_of_publication(said: str | None) -> None:
    assert read(cell(last_update=said)).rows["published_on"].to_list() == [None]


def test_the_annual_figure_of_a_table_with_other_parts_of_the_year_stays_annual() -> None:
    yearly = cell(round="annual", period_label="Tahunan")
    odd = cell(round=None, period_label="Agustsu", value="7")
    found = read(yearly, odd, of=series(round="aug"))
    assert (figures(found), found.unknown_periods) == ([("7411", 2025, "annual", 1000.0)], ("Agustsu",))


def test_an_answer_of_which_nothing_is_read_is_named() -> None:
    with pytest.raises(errors.NothingReadError, match="1 cells of Januari"):
        read(cell(round=None, period_label="Januari"))
    assert read(cell(value=None)).rows.is_empty()
