"""The catalogue of BPS series: which variable of a domain holds which labour concept, and how its rows are regions."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sources.bps.units import RATES, kind_of_unit

NATION = "0000"
COLUMNS = (
    "domain", "concept", "variable", "derived", "region_axis", "region_row", "round", "unit", "verified_on", "source",
)  # fmt: skip
_TEXT_LINE = 2
# The first that a title holds; the longer words stand before those that they contain.
_CONCEPTS = (
    ("tingkat pengangguran", "unemployment_rate"),
    ("tpt", "unemployment_rate"),
    ("tingkat partisipasi angkatan kerja", "participation_rate"),
    ("tpak", "participation_rate"),
    ("informal", "employed_informal"),
    ("formal", "employed_formal"),
    ("pengangguran", "unemployed"),
    ("bekerja", "employed"),
    ("angkatan kerja", "labour_force"),
)


class CatalogueError(ValueError):
    """The catalogue cannot be trusted, or does not have what was asked for."""


class Series(BaseModel):
    """One row of the catalogue.

    Attributes:
        domain: four digits, `0000` for the nation.
        concept: concept of labour_force.
        variable: `var_id` in that domain.
        derived: codes of `turvar` that are added up; none where the variable has no derived variables.
        region_axis: `codes` (a row's code is a BPS code), `names` (its label is a region's name), `domain` (the row
            `region_row` stands for the domain itself, the others are no regions).
        region_row: code of that row.
        round: the survey round that a figure labelled with the year alone belongs to; none: it stays annual.
        unit: as BPS writes it; none: not known yet, then the first answer's word counts from then on.
        verified_on: the day on which somebody compared figures with the BPS site; none: nobody did.
        source: where the ids are known from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str = Field(pattern=r"^[0-9]{4}$")
    concept: Literal[
        "labour_force", "employed", "unemployed", "employed_informal", "employed_formal", "unemployment_rate",
        "participation_rate",
    ]  # fmt: skip
    variable: str = Field(pattern=r"^[0-9]{1,6}$")
    derived: tuple[str, ...] = ()
    region_axis: Literal["codes", "names", "domain"]
    region_row: str | None = Field(default=None, pattern=r"^[0-9]{1,10}$")
    round: Literal["feb", "aug"] | None = None
    unit: str | None = None
    verified_on: date | None = None
    source: str = Field(min_length=1)

    @field_validator("derived", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value or ()
        if not re.fullmatch(r"\d{1,6}(\+\d{1,6})*", value):
            raise ValueError("expected codes of turvar joined by +")
        return tuple(value.split("+"))

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, value: str | None) -> str | None:
        if value is not None and kind_of_unit(value) is None:
            raise ValueError(f"unit {value!r} is not one that figures of labour come in")
        return value

    @model_validator(mode="after")
    def _fit(self) -> "Series":
        if (self.region_axis == "domain") != (self.region_row is not None):
            raise ValueError("region_row is filled where region_axis is domain, and only there")
        if self.concept in RATES and len(self.derived) > 1:
            raise ValueError("rates cannot be added up: at most one derived code")
        return self


def read_catalogue(path: Path) -> tuple[Series, ...]:
    """Read the catalogue.

    Args:
        path: a CSV file with the columns `COLUMNS`; empty is null.

    Returns:
        Its rows, in the order of the file; blank lines are none.

    Raises:
        CatalogueError: the file is absent or without rows, a column or value is not as it should be, or a row stands
            twice.
    """
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as fault:
        raise CatalogueError(f"{path}: no readable CSV file ({type(fault).__name__}); expected the catalogue") from None
    if set(rows.columns) != set(COLUMNS):
        raise CatalogueError(f"{path}: found columns {rows.columns}, expected {list(COLUMNS)}")
    found = tuple(
        _series(path, line, row)
        for line, row in enumerate(rows.to_dicts(), _TEXT_LINE)
        if any((cell or "").strip() for cell in row.values())
    )
    if not found:
        raise CatalogueError(f"{path}: no row; expected at least one series, find one with cakupan bps find")
    keys = [(one.domain, one.concept) for one in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise CatalogueError(f"{path}: {' '.join(twice[0])} stands twice; expected one row for a domain and concept")
    return found


def _series(path: Path, line: int, row: dict[str, str | None]) -> Series:
    try:
        return Series.model_validate(row)
    except ValidationError as fault:
        first = fault.errors()[0]
        column = ".".join(str(part) for part in first["loc"]) or "row"
        raise CatalogueError(f"{path} line {line}, {column}: {first['msg']}") from None


def chosen(catalogue: Sequence[Series], domains: Sequence[str], concepts: Sequence[str]) -> tuple[Series, ...]:
    """Give the rows of some domains and concepts.

    Args:
        catalogue: all rows.
        domains: four digits each; none for all.
        concepts: none for all.

    Raises:
        CatalogueError: a domain or concept of which the catalogue has no row.
    """
    for domain in domains:
        if domain not in {one.domain for one in catalogue}:
            known = ", ".join(sorted({one.domain for one in catalogue}))
            raise CatalogueError(
                f"no series of domain {domain} in the catalogue (it has {known}); find one with "
                f"cakupan bps find TEXT --domain {domain} and add its row to bps_series.csv"
            )
    for concept in concepts:
        if concept not in {one.concept for one in catalogue if not domains or one.domain in domains}:
            raise CatalogueError(f"no series of concept {concept} in the catalogue for these domains")
    return tuple(
        one for one in catalogue if (not domains or one.domain in domains) and (not concepts or one.concept in concepts)
    )


def matching(variables: pl.DataFrame, text: str) -> pl.DataFrame:
    """Give the variables whose title or subject holds every word.

    Args:
        variables: rows of a list `model=var`, all text (`var_id`, `title`, `sub_id`, `sub_name`, `unit`).
        text: words in any order; letters' case does not count.

    Returns:
        `id`, `title`, `unit`, `subject_id`, `subject`; null where BPS does not say. Each variable once.
    """
    wanted = {"var_id": "id", "title": "title", "unit": "unit", "sub_id": "subject_id", "sub_name": "subject"}
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in wanted if name not in variables.columns]
    rows = variables.with_columns(absent).select(pl.col(name).alias(new) for name, new in wanted.items())
    said = pl.concat_str(pl.col("title", "subject").fill_null(""), separator=" ").str.to_lowercase()
    words = [said.str.contains(word, literal=True) for word in text.lower().split()]
    return rows.filter(pl.all_horizontal(pl.lit(value=True), *words)).unique("id", keep="first", maintain_order=True)


def row_for(domain: str, variable: str, title: str, unit: str | None, found_on: date) -> str:
    """Write a row for the catalogue, to be looked through and pasted.

    The concept is what the title speaks of, `CONCEPT` where it speaks of none; rows are taken for regions by code.
    `verified_on` stays empty until somebody compared figures.

    Args:
        domain: where the variable is.
        variable: its id.
        title: its title.
        unit: as BPS writes it.
        found_on: the day on which BPS listed it.
    """
    heard = title.lower()
    concept = next((name for word, name in _CONCEPTS if re.search(rf"\b{word}\b", heard)), "CONCEPT")
    known = unit if unit is not None and kind_of_unit(unit) is not None else None
    source = f"{title}; model=var on {found_on}"
    cells = (domain, concept, variable, None, "codes", None, None, known, None, source)
    frame = pl.DataFrame([cells], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return frame.write_csv(include_header=False).rstrip("\n")
