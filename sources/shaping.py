"""Positional fields to canonical columns: layout rows out, null marks, own sums, value maps, choices, units."""

import polars as pl

from expectations.profiles import NULL_MARKS, Choice, Pick, Profile, RowFilter
from sources.fields import field_names
from sources.layouts import Header, squeeze
from sources.melting import long
from sources.numerals import marked, number
from sources.own_sums import own_sums_of, with_own_sums
from sources.tables import BOOKKEEPING, DAMAGED, MARKER, LineCount
from sources.totals import RunningTotals, with_totals

UNDECODABLE = "undecodable_text"
_IN_UNITS = ("value", "target")
# Figures times a factor keep six decimals: products of floats are not exact.
_DECIMALS = 6
_WORDS = r"[A-Za-z()]"


class Shaper:
    """Shapes one table's batches and counts its lines.

    Batches come in the file's order and carry `_line`, `_lines`, `_problem`, `_raw` and `c0`, `c1`, ….
    """

    def __init__(self, header: Header, *, header_lines: int, blank_lines: int) -> None:
        self._plan = header.plan
        self._header_cells = [cell.strip() for cell in header.cells]
        self._fields = field_names(len(header.plan.names))
        self._totals = RunningTotals(header.plan.positions, header.plan.layout.locale)
        self._header_lines = header_lines
        self._blank_lines = blank_lines

    def count(self, read: int) -> LineCount:
        """Return the table's count so far, given how many lines were read."""
        return LineCount(read, self._header_lines, self._blank_lines)

    def without_blank(self, frame: pl.DataFrame, blank: pl.Expr) -> pl.DataFrame:
        """Return the frame without its blank records, which are counted."""
        flags = frame.select(blank.alias("blank")).to_series()
        if not flags.any():
            return frame
        self._blank_lines += int(frame.filter(flags)["_lines"].sum())
        return frame.filter(~flags)

    def shape(self, frame: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        """Return the records of a batch as bookkeeping and canonical columns.

        Args:
            frame: the batch.
            last: no batch follows for certain, which saves the sums for totals that might.
        """
        frame = with_totals(self._as_meant(frame), self._fields)
        if frame["_total"].any() or not last:
            frame = self._totals.judge(frame)
        frame = self._without_layout(frame)
        frame = self._null_marks(_fields_of_sound(frame, self._fields))
        canonical = self._canonical(frame)
        wanted = [name for name in self._plan.layout.columns if name in canonical.columns]
        return canonical.select(*BOOKKEEPING, *wanted)

    def _without_layout(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take out right totals, repeated headers, and rows that the profile leaves out."""
        layout = pl.col("_total") & pl.col("_problem").is_null()
        repeated = frame[self._fields[0]].str.strip_chars() == self._header_cells[0]
        if repeated.any():
            cells = zip(self._fields, self._header_cells, strict=False)
            layout |= pl.all_horizontal(pl.col(field).str.strip_chars() == cell for field, cell in cells)
        for part in self._profile_filters():
            layout |= pl.col("_problem").is_null() & ~part
        flags = frame.select(layout.fill_null(value=False).alias("layout")).to_series()
        if flags.any():
            self._header_lines += int(frame.filter(flags)["_lines"].sum())
            frame = frame.filter(~flags)
        return frame.drop("_total", "_sub")

    def _profile_filters(self) -> list[pl.Expr]:
        profile = self._plan.profile
        return [self._kept(part) for part in (profile.where if profile else [])]

    def _kept(self, part: RowFilter) -> pl.Expr:
        return _key(self._source(part.column)).is_in([keep.strip().casefold() for keep in part.keep])

    def _as_meant(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Put the fields that the profile says changed places where their header says."""
        for meaning in self._plan.profile.meanings if self._plan.profile else []:
            there = self._kept(meaning.when)
            frame = frame.with_columns(
                pl.when(there).then(self._source(header)).otherwise(self._source(held)).alias(self._field(held))
                for header, held in meaning.columns.items()
            )
        return frame

    def _field(self, name: str) -> str:
        return f"c{self._plan.sources[squeeze(name)]}"

    def _source(self, name: str) -> pl.Expr:
        return pl.col(self._field(name))

    def _null_marks(self, frame: pl.DataFrame) -> pl.DataFrame:
        marks = self._plan.profile.nulls if self._plan.profile else NULL_MARKS
        fields = pl.col(self._fields)
        return frame.with_columns(pl.when(~fields.is_in(list(marks))).then(fields).name.keep())

    def _canonical(self, frame: pl.DataFrame) -> pl.DataFrame:
        columns = {name: pl.col(f"c{place}") for name, place in self._plan.positions.items()}
        profile = self._plan.profile
        if profile is None:
            return frame.with_columns(**columns)
        if self._plan.breakdowns:
            frame = with_own_sums(frame, self._plan.breakdowns, profile.locale)
        columns |= {name: self._chosen(choice) for name, choice in profile.choose.items()}
        columns |= {
            name: _mapped(columns[name], spellings) for name, spellings in profile.value_maps.items() if name in columns
        }
        columns |= {name: columns[name].str.strip_prefix(MARKER) for name in profile.codes if name in columns}
        columns |= {name: pl.lit(value) for name, value in profile.constants.items()}
        return self._in_units(self._long(frame.with_columns(**columns), profile), profile)

    def _chosen(self, choice: Choice) -> pl.Expr:
        chosen = self._picked(choice.otherwise)
        key = _key(self._source(choice.by))
        for value, pick in choice.cases.items():
            chosen = pl.when(key == value.strip().casefold()).then(self._picked(pick)).otherwise(chosen)
        return chosen

    def _picked(self, pick: Pick) -> pl.Expr:
        return self._source(pick.column) if pick.column is not None else pl.lit(pick.constant)

    def _long(self, frame: pl.DataFrame, profile: Profile) -> pl.DataFrame:
        """Return a row for each part of a wide row; rows that stay as they are learn what their own sums say."""
        plan = self._plan
        if plan.parts:
            return long(frame, plan.parts, plan.breakdowns, profile.locale)
        if not plan.breakdowns:
            return frame
        value = [place for name, place in plan.positions.items() if name == "value"]
        return frame.with_columns(own_sums=own_sums_of(value, plan.breakdowns))

    def _in_units(self, frame: pl.DataFrame, profile: Profile) -> pl.DataFrame:
        """Multiply figures by the factor of their row's unit; one of an unknown unit is made unreadable by it."""
        if profile.units is None:
            return _as_rounded(frame, profile, pl.lit(profile.unit))
        unit = _key(self._source(profile.units.column))
        factors = {name.strip().casefold(): factor for name, factor in profile.units.factors.items()}
        factor = unit.replace_strict(factors, default=None, return_dtype=pl.Float64)
        figures = [name for name in _IN_UNITS if name in frame.columns]
        scaled = frame.with_columns(self._scaled(pl.col(name), factor, unit).alias(name) for name in figures)
        return _as_rounded(scaled, profile, factor)

    def _scaled(self, figure: pl.Expr, factor: pl.Expr, unit: pl.Expr) -> pl.Expr:
        """Return a figure in its unit; what is no bare number ("5 ribu") is not multiplied, and so not read either."""
        bare = pl.when(~figure.str.contains(_WORDS)).then(number(figure, self._plan.layout.locale))
        unreadable = pl.format("{} [{}]", figure.str.strip_prefix(MARKER), unit.fill_null("?"))
        product = marked((bare * factor).round(_DECIMALS))
        return pl.when(factor == 1).then(figure).when(product.is_null()).then(unreadable).otherwise(product)


def _as_rounded(frame: pl.DataFrame, profile: Profile, factor: pl.Expr) -> pl.DataFrame:
    """Call a value times a factor `approx` where its row does not say how exact it is; a constant `eq` says nothing."""
    if not profile.is_scaled or "value" not in frame.columns:
        return frame
    told = pl.col("qualifier") if "qualifier" in frame.columns else pl.lit(None, pl.String)
    said = pl.when(told != "eq").then(told) if profile.constants.get("qualifier") == "eq" else told
    return frame.with_columns(
        pl.when((factor > 1) & said.is_null()).then(pl.lit("approx")).otherwise(told).alias("qualifier")
    )


def undecodable() -> pl.Expr:
    """Return the problem of records that hold characters no encoding could read; others keep theirs."""
    damaged = pl.col("_raw").str.contains(DAMAGED, literal=True)
    return pl.when(damaged).then(pl.lit(UNDECODABLE)).otherwise(pl.col("_problem")).alias("_problem")


def _key(text: pl.Expr) -> pl.Expr:
    return text.str.strip_prefix(MARKER).str.strip_chars().str.to_lowercase()


def _mapped(text: pl.Expr, spellings: dict[str, str]) -> pl.Expr:
    folded = {spelling.strip().casefold(): value for spelling, value in spellings.items()}
    return _key(text).replace_strict(folded, default=text, return_dtype=pl.String)


def _fields_of_sound(frame: pl.DataFrame, fields: list[str]) -> pl.DataFrame:
    """Return the frame with the fields of structurally bad records emptied: their places mean nothing."""
    if frame["_problem"].null_count() == frame.height:
        return frame
    return frame.with_columns(pl.when(pl.col("_problem").is_null()).then(pl.col(fields)).name.keep())
