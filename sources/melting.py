"""Wide rows to long ones: the parts that a header and its profile give, and one row for each of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from expectations.profiles import Profile
from sources.marks import MARKER
from sources.numerals import marked, number
from sources.own_sums import Breakdown, own_sums_of


@dataclass(frozen=True)
class Part:
    """One row made of a wide row: the canonical columns to set, the positions summed into `value`."""

    set: dict[str, str]
    places: tuple[int, ...]


def melted_parts(profile: Profile, names: Sequence[str], taken: Collection[int]) -> list[Part] | None:
    """Return a part for every column whose header one of the profile's patterns matches.

    Args:
        profile: the layout.
        names: the header's names.
        taken: positions that the profile reads by name; no pattern takes them.

    Returns:
        The parts, pattern by pattern in the file's order; None where a pattern matches no column.
    """
    parts: list[Part] = []
    for melt in profile.melt:
        pattern = melt.pattern()
        found = {place: pattern.search(" ".join(name.split())) for place, name in enumerate(names)}
        matches = {place: match for place, match in found.items() if match is not None and place not in taken}
        if not matches:
            return None
        for place, match in matches.items():
            told = {name: _controlled(profile, name, text) for name, text in match.groupdict().items() if text}
            parts.append(Part({**melt.set, **told}, (place,)))
    return parts


def repeated(parts: Sequence[Part]) -> list[int]:
    """Return the positions of columns that say the same as another, or that two patterns take."""
    places = [place for part in parts for place in part.places]
    said = [{name: value.casefold() for name, value in part.set.items()} for part in parts]
    same = [part.places[0] for index, part in enumerate(parts) if said[index] in said[:index]]
    return sorted({*same, *(place for place in places if places.count(place) > 1)})


def _controlled(profile: Profile, name: str, text: str) -> str:
    spellings = {spelling.strip().casefold(): value for spelling, value in profile.value_maps.get(name, {}).items()}
    return spellings.get(text.strip().casefold(), text.strip())


def long(frame: pl.DataFrame, parts: Sequence[Part], breakdowns: Sequence[Breakdown], locale: str) -> pl.DataFrame:
    """Return one row per part of a wide row that has a value; a row without any, or with a problem, stays one.

    Args:
        frame: records with the positional fields, `_problem`, the canonical columns, and the verdicts of
            `with_own_sums` where there are breakdowns.
        parts: the rows to make of each record.
        breakdowns: the declared sums; their verdict goes into `own_sums`.
        locale: how numbers in text are written.
    """
    sound = frame.filter(pl.col("_problem").is_null())
    rows = [_rows(sound, part, breakdowns, locale, order) for order, part in enumerate(parts)]
    broken = frame.filter(pl.col("_problem").is_not_null()).with_columns(_order=pl.lit(0, pl.Int32))
    told = pl.col("value").is_not_null()
    nothing_told = ~told.any().over("_line") & (pl.col("_order") == 0)
    return pl.concat([*rows, broken], how="diagonal").filter(told | nothing_told).sort("_line", "_order")


def _rows(frame: pl.DataFrame, part: Part, breakdowns: Sequence[Breakdown], locale: str, order: int) -> pl.DataFrame:
    made = {name: pl.lit(value) for name, value in part.set.items()}
    made |= {"value": _summed(part.places, locale), "_order": pl.lit(order, pl.Int32)}
    if breakdowns:
        made["own_sums"] = own_sums_of(part.places, breakdowns)
    return frame.with_columns(**made)


def _summed(places: Sequence[int], locale: str) -> pl.Expr:
    """Return one column as it stands, or the sum of several: null if one is, as text if unreadable."""
    cells = [pl.col(f"c{place}") for place in places]
    if len(cells) == 1:
        return cells[0]
    values = [number(cell, locale) for cell in cells]
    readable = pl.all_horizontal(value.is_not_null() for value in values)
    complete = pl.all_horizontal(cell.is_not_null() for cell in cells)
    total = pl.sum_horizontal(values)
    as_text = pl.concat_str([cell.str.strip_prefix(MARKER) for cell in cells], separator=" + ")
    return pl.when(readable).then(marked(total)).when(complete).then(as_text)
