"""Decoded cells of BPS as rows of the dataset labour_force, by what the catalogue says of their variable."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from sources.bps import errors
from sources.bps.catalogue import NATION, Series
from sources.bps.labels import is_known_period, unmarked
from sources.bps.regions import Regions, strangers
from sources.bps.units import FACTORS, RATES, UnitKind, kind_of_unit

SOURCE = "BPS WebAPI"
GRAIN = ("region", "year", "round", "concept")
NUMBER = pl.Decimal(38, 8)
ESTIMATES: dict[str, pl.DataType] = {
    "region": pl.String(),
    "region_code": pl.String(),
    "place": pl.String(),
    "year": pl.Int32(),
    "round": pl.String(),
    "concept": pl.String(),
    "value": NUMBER,
    "qualifier": pl.String(),
    "published_on": pl.String(),
    "note": pl.String(),
}
# Beyond this no figure of workers is one, and the tables behind hold no more digits.
_MOST = 10**12
_FIRST_YEAR = 1970
_PROVINCE = r"^\d{2}00$"
_PROVINCES_CODE = r"^\d{2}$"


@dataclass(frozen=True)
class Estimates:
    """What one answer says of the catalogue's concepts.

    Attributes:
        rows: the columns `ESTIMATES`; `region` is today's code of the region, under which vintages are compared;
            `region_code` and `place` are code and label as they came (the nation has no `place`); values are persons
            or percent, and never null.
        superseded: rows left out because the answer has today's code of their region with another value.
        skipped_periods: cells of months and quarters.
        skipped_rows: cells of rows that are no regions.
        unit: the kind of unit that the answer states.
        unknown_periods: labels of parts of the year that are neither round nor month nor any other known one.
    """

    rows: pl.DataFrame
    superseded: pl.DataFrame
    skipped_periods: int
    skipped_rows: int
    unit: UnitKind
    unknown_periods: tuple[str, ...] = ()


def estimates_of(
    cells: pl.DataFrame, series: Sequence[Series], known: Regions, unit_before: UnitKind | None, address: str
) -> Estimates:
    """Read the concepts of one variable from its decoded cells.

    Args:
        cells: of one answer, as `decode_data` gives them.
        series: the catalogue's rows of this variable.
        known: codes and names of regions; where rows are known by code, most labels must be names of their regions.
        unit_before: the kind of unit of the variable's earlier answers; null for none.
        address: what was asked, for errors.

    Returns:
        The estimates of all concepts.

    Raises:
        UnitDiffersError, DerivedUnknownError, RowsUnknownError, NothingReadError: the catalogue is wrong about the
            answer.
        ValueUnreadableError, CellAmbiguousError: a number that cannot be held; two figures for one estimate.
    """
    unit = _unit(cells, series, unit_before, address)
    dated = cells.filter(pl.col("round").is_not_null())
    regional = _regional(dated, series[0], address)
    if series[0].region_axis == "codes":
        _must_bear_names(regional, known, address)
    parts = [_concept(dated, one, unit, known, address) for one in series]
    rows, superseded = (pl.concat([part[place] for part in parts]) for place in (0, 1))
    unknown = tuple(label for label in cells["period_label"].drop_nulls().unique() if not is_known_period(label))
    if rows.is_empty() and cells["value"].is_not_null().any():
        said = (
            f"{cells.height} cells of {', '.join(cells['period_label'].unique().drop_nulls()) or 'no part of a year'}"
        )
        raise errors.NothingReadError(said, address)
    return Estimates(rows, superseded, cells.height - dated.height, dated.height - regional.height, unit, unknown)


def _must_bear_names(regional: pl.DataFrame, known: Regions, address: str) -> None:
    rows = regional.select(pl.col("region_code").replace(known.todays).alias("region"), "place")
    others = strangers(rows, known.names)
    if others.height:
        shown = ", ".join(others.select(pl.format("{} '{}'", "region", "place")).to_series().head(3))
        raise errors.RowsUnknownError(f"{others.height} rows without a name of their region, such as {shown}", address)


def _unit(cells: pl.DataFrame, series: Sequence[Series], before: UnitKind | None, address: str) -> UnitKind:
    stated = cells["unit"][0]
    kind = kind_of_unit(stated)
    expected = next((one.unit for one in series if one.unit), None)
    wanted = kind_of_unit(expected) or before
    fits = kind is not None and all((kind == "percent") == (one.concept in RATES) for one in series)
    if kind is None or not fits or (wanted is not None and kind != wanted):
        known = expected or before or "persons, thousands of persons or percent, as the concept needs"
        raise errors.UnitDiffersError(f"the answer states the unit '{stated}', expected {known}", address)
    return kind


def _concept(
    cells: pl.DataFrame, one: Series, unit: UnitKind, known: Regions, address: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    wanted = _derived(cells, one, address)
    of_concept = pl.col("derived_code").fill_null("").is_in(wanted)
    figures = (
        _regional(cells.filter(of_concept), one, address)
        .with_columns(_round(one), pl.col("value").cast(NUMBER, strict=False).alias("number"))
        .with_columns(region=pl.col("region_code").replace(known.todays), concept=pl.lit(one.concept))
    )
    _must_hold(figures, address)
    added = _added(figures, len(wanted), FACTORS[unit], address)
    return _today_preferred(added)


def _derived(cells: pl.DataFrame, one: Series, address: str) -> list[str]:
    """Give the codes that are added up; an empty code where the answer has no derived variables."""
    there: list[str] = cells["derived_code"].fill_null("").unique(maintain_order=True).to_list()
    if one.derived and (not there or set(one.derived) <= set(there)):
        return list(one.derived)
    if not one.derived and len(there) <= 1:
        return there
    labels = cells.select("derived_code", "derived").unique(maintain_order=True).rows()
    listed = ", ".join(f"{code or ''} {label or ''}".strip() for code, label in labels)
    said = "+".join(one.derived) or "none"
    raise errors.DerivedUnknownError(f"{one.concept}: the catalogue names {said}, the answer has {listed}", address)


def _regional(cells: pl.DataFrame, one: Series, address: str) -> pl.DataFrame:
    code = pl.col("vervar_code")
    cells = cells.with_columns(place=_place(cells))
    if one.region_axis == "domain":
        own = cells.filter(code == one.region_row)
        if own.is_empty() and not cells.is_empty():
            raise errors.RowsUnknownError(f"no row {one.region_row} among {_rows(cells)}", address)
        return _without_nation(own.with_columns(region_code=pl.lit(region_of_domain(one.domain))))
    if one.region_axis == "names":
        return _without_nation(cells.with_columns(region_code=_nation_or(pl.col("place"))))
    # A number of the table's own, such as 11 for its eleventh row, would pass for a province: 11 is Aceh.
    short = code.str.contains(_PROVINCES_CODE) & (code != region_of_domain(one.domain)) & ~pl.col("is_nation")
    own_numbers = cells.filter(short)
    if own_numbers.height:
        raise errors.RowsUnknownError(f"rows {_rows(own_numbers)} have numbers of the table's own", address)
    bare = pl.when(code.str.contains(_PROVINCE)).then(code.str.head(2)).otherwise(code)
    return _without_nation(cells.with_columns(region_code=_nation_or(bare)))


def _place(cells: pl.DataFrame) -> pl.Expr:
    labels = cells["vervar_label"].drop_nulls().unique()
    names = pl.Series([unmarked(label) or None for label in labels], dtype=pl.String)
    return pl.col("vervar_label").replace_strict(labels, names, default=None, return_dtype=pl.String)


def _without_nation(regional: pl.DataFrame) -> pl.DataFrame:
    return regional.with_columns(place=pl.when(pl.col("region_code") != NATION).then("place"))


def _nation_or(code: pl.Expr) -> pl.Expr:
    return pl.when("is_nation").then(pl.lit(NATION)).otherwise(code)


def _rows(cells: pl.DataFrame) -> str:
    named = cells.select(pl.format("{} '{}'", "vervar_code", "vervar_label")).to_series()
    return ", ".join(named.unique(maintain_order=True).head(3))


def region_of_domain(domain: str) -> str:
    """Give the region that a domain is: `3500` is the province 35, `7106` a regency, `0000` the nation."""
    return domain[:2] if domain.endswith("00") and domain != NATION else domain


def _round(one: Series) -> pl.Expr:
    """A figure labelled with the year alone belongs to the round that the catalogue names.

    Where the table knows other parts of the year too, its annual figure is none of them, whatever they are called.
    """
    return pl.when("year_alone").then(pl.col("round").replace("annual", one.round or "annual")).otherwise("round")


def _must_hold(figures: pl.DataFrame, address: str) -> None:
    is_held = pl.col("number").abs() < _MOST
    lost = figures.filter(~is_held.fill_null(value=False) & pl.col("value").is_not_null())
    if lost.height:
        raise errors.ValueUnreadableError(f"{lost.height} cells, such as '{lost['value'][0]}'", address)


def _added(figures: pl.DataFrame, parts: int, factor: int, address: str) -> pl.DataFrame:
    """Add up the derived variables of each figure; one that lacks a part is no figure."""
    known = figures.filter(pl.col("number").is_not_null())
    identity = ["region", "region_code", "year", "round", "concept"]
    # Two rows or periods may say the same figure twice; the same derived variable twice with two values may not.
    single = known.unique([*identity, "derived_code", "number"], keep="first", maintain_order=True)
    twice = single.filter(pl.struct(*identity, "derived_code").is_duplicated())
    if twice.height:
        found = ", ".join(str(twice[name][0]) for name in ("region_code", "year", "round", "concept"))
        raise errors.CellAmbiguousError(f"two figures for {found}", address)
    added = single.group_by(identity, maintain_order=True).agg(
        (pl.col("number").sum() * factor).alias("value"), pl.col("place").first(), _published_on(), parts=pl.len()
    ).with_columns(qualifier=pl.lit(_qualifier(factor)), note=pl.lit(None, pl.String))  # fmt: skip
    return added.filter(pl.col("parts") == parts).select(pl.col(name).cast(kind) for name, kind in ESTIMATES.items())


def _qualifier(factor: int) -> str:
    """Say that a figure told in thousands is rounded."""
    return "approx" if factor > 1 else "eq"


def _published_on() -> pl.Expr:
    """Write the day of the last update; one that no calendar has (`0000-00-00`) is not known."""
    day = pl.col("last_update").str.extract(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})").str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.dt.year() >= _FIRST_YEAR).then(day.dt.to_string("%Y-%m-%d")).first().alias("published_on")


def _today_preferred(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leave out the row under a region's old code where today's stands beside it."""
    today = rows.filter(pl.col("region") == pl.col("region_code"))
    old = rows.filter(pl.col("region") != pl.col("region_code"))
    both = old.join(today.select(*GRAIN, today_value="value"), on=GRAIN)
    kept = pl.concat([today, old.join(today, on=GRAIN, how="anti")])
    return kept, both.filter(pl.col("value") != pl.col("today_value")).drop("today_value")
