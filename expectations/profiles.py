"""Profiles: one YAML file describes one foreign layout of one dataset, so that a new layout is never code.

`docs/profiles.md` explains every key by example. A profile's file is `<dataset>.<name>.yml`.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from expectations.columns import SAFE_LOADER

FOLDER = Path(__file__).parent / "profiles"
NULL_MARKS = ("", " ", "-", "\u2013", "...", "NA", "n/a")

Text = Annotated[str, Field(min_length=1)]


class ProfileError(ValueError):
    """A profile that cannot be used; the message names the file, and what in it is wrong."""


class _Strict(BaseModel):
    """A part of a profile: unknown keys and silently converted types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Pick(_Strict):
    """Where a chosen value comes from: a column of the file, or a constant; exactly one of them."""

    column: Text | None = None
    constant: Text | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        return self


class Choice(_Strict):
    """A canonical value taken from one of several columns, by the value of the column `by`."""

    by: Text
    cases: dict[Text, Pick]
    otherwise: Pick

    def sources(self) -> list[str]:
        """Return the file's columns that this choice reads."""
        picks = [*self.cases.values(), self.otherwise]
        return [self.by, *(pick.column for pick in picks if pick.column is not None)]


class RowFilter(_Strict):
    """Only rows whose cell in `column` is one of `keep` (any case) are records; others are layout."""

    column: Text
    keep: Annotated[list[str], Field(min_length=1)]


class Unpivot(_Strict):
    """One row made of a wide row: the canonical columns to `set`, and the columns summed into `value`."""

    set: dict[Text, Text]
    sum: Annotated[list[Text], Field(min_length=1)]


class Melt(_Strict):
    """Every column whose header matches a regular expression becomes a row.

    Named groups of the expression become canonical columns, through the profile's `value_maps`; `set` adds others.
    """

    columns: Text
    set: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            groups = self.groups()
        except re.error as error:
            raise ValueError(f"columns {self.columns!r} is not a regular expression: {error}") from error
        twice = sorted({*groups} & {*self.set})
        if twice:
            raise ValueError(f"both a group of columns and set: {twice}")
        return self

    def pattern(self) -> re.Pattern[str]:
        """Return the compiled expression; case does not count."""
        return re.compile(self.columns, re.IGNORECASE)

    def groups(self) -> list[str]:
        """Return the canonical columns that the header's text gives."""
        return list(self.pattern().groupindex)


class OwnSum(_Strict):
    """Columns of a wide row, the `parts`, that must add up to its column `total`."""

    total: Text
    parts: Annotated[list[Text], Field(min_length=2)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({self.total, *self.parts}) <= len(self.parts):
            raise ValueError(f"own_sums of {self.total!r} name a column twice")
        return self


class Units(_Strict):
    """A column that says each row's unit, and what a figure in each unit is to be multiplied with."""

    column: Text
    factors: Annotated[dict[Text, Annotated[int, Field(ge=1)]], Field(min_length=1)]


class Meaning(_Strict):
    """In the rows of `when`, columns changed places: header name to the column that it holds there."""

    when: RowFilter
    columns: Annotated[dict[Text, Text], Field(min_length=2)]
    evidence: Text

    @model_validator(mode="after")
    def _exchanged(self) -> Self:
        if sorted(self.columns) != sorted(self.columns.values()):
            raise ValueError("columns of meanings must change places among themselves: each must also be held by one")
        if not self.evidence.strip():
            raise ValueError("meanings need evidence")
        return self


class Profile(_Strict):
    """One layout of one dataset: how its header, cells and rows become canonical columns."""

    dataset: Text
    name: Text
    description_id: Text
    description_en: Text
    evidence: Text
    aliases: dict[Text, Annotated[list[Text], Field(min_length=1)]] = Field(default_factory=dict)
    required: list[Text] = Field(default_factory=list)
    excludes: list[Text] = Field(default_factory=list)
    format: Literal["any", "text", "sheet"] = "any"
    sheet: Text | None = None
    skip_rows: Annotated[int, Field(ge=0)] = 0
    header_rows: Annotated[int, Field(ge=1, le=5)] = 1
    constants: dict[Text, Text] = Field(default_factory=dict)
    locale: Literal["plain", "id", "en"] = "plain"
    region_system: Literal["bps", "kemendagri", "name"] | None = None
    unit: Annotated[int, Field(ge=1)] = 1
    null_marks: list[str] = Field(default_factory=list)
    value_maps: dict[Text, dict[Text, Text]] = Field(default_factory=dict)
    codes: list[Text] = Field(default_factory=list)
    choose: dict[Text, Choice] = Field(default_factory=dict)
    where: list[RowFilter] = Field(default_factory=list[RowFilter])
    unpivot: list[Unpivot] = Field(default_factory=list[Unpivot])
    melt: list[Melt] = Field(default_factory=list[Melt])
    units: Units | None = None
    own_sums: list[OwnSum] = Field(default_factory=list[OwnSum])
    meanings: list[Meaning] = Field(default_factory=list[Meaning])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        missing = [name for name in self.required if name not in self.aliases]
        if missing:
            raise ValueError(f"required without aliases: {missing}")
        if not self.required and not self.sources() and not self.melt:
            raise ValueError("a profile must require at least one column, or it would match anything")
        melted = {group for melt in self.melt for group in melt.groups()}
        twice = [name for name in self.constants if name in self.aliases or name in self.choose or name in melted]
        if twice:
            raise ValueError(f"both a constant and a column: {twice}")
        return self

    @model_validator(mode="after")
    def _whole_persons(self) -> Self:
        if self.units is not None and self.unit != 1:
            raise ValueError("give either unit or units")
        if self.own_sums and (self.units is not None or self.unit != 1):
            raise ValueError("own_sums compare persons: they cannot stand beside unit or units")
        return self

    @property
    def digest(self) -> str:
        """Return what decides how a file is read by this profile, as a short digest; its descriptions do not."""
        said = self.model_dump_json(exclude={"description_id", "description_en", "evidence"})
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def is_scaled(self) -> bool:
        """Tell whether figures are multiplied by a factor above 1, in all rows or in those of some unit."""
        return self.unit > 1 or (self.units is not None and max(self.units.factors.values()) > 1)

    @property
    def nulls(self) -> list[str]:
        """Return every cell text that means "no value", the common ones included."""
        return [*NULL_MARKS, *self.null_marks]

    def sources(self) -> list[str]:
        """Return the file's columns that choices, filters, sums, units and meanings read; all must be in the header."""
        chosen = [name for choice in self.choose.values() for name in choice.sources()]
        summed = [name for part in self.unpivot for name in part.sum]
        exchanged = [name for meaning in self.meanings for name in (meaning.when.column, *meaning.columns)]
        unit = [self.units.column] if self.units is not None else []
        return list(dict.fromkeys([*chosen, *(part.column for part in self.where), *summed, *unit, *exchanged]))


def load_profiles(dataset: str, folder: Path = FOLDER) -> list[Profile]:
    """Load every profile of a dataset, in the order of their names.

    Args:
        dataset: the dataset's name, the first part of the file names.
        folder: where the profiles lie.

    Returns:
        The profiles; an empty list where the dataset has none.

    Raises:
        ProfileError: a file is not YAML, has an unknown key, extends a profile that is not there, or its
            content does not say the dataset and name of its file name. The message names the file.
    """
    paths = {path.name: path for path in sorted(folder.glob(f"{dataset}.*.yml"))}
    documents = {name: _document(path) for name, path in paths.items()}
    return [_profile(name, documents) for name in documents]


@cache
def shipped_profiles(dataset: str) -> tuple[Profile, ...]:
    """Give the profiles that the project brings for a dataset, read once; see `load_profiles`."""
    return tuple(load_profiles(dataset))


def _document(path: Path) -> dict[str, object]:
    try:
        loaded: object = yaml.load(path.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 a safe loader
    except yaml.YAMLError as error:
        raise ProfileError(f"{path.name}: not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise ProfileError(f"{path.name}: expected keys and values")
    return cast("dict[str, object]", loaded)


def _profile(file_name: str, documents: Mapping[str, dict[str, object]]) -> Profile:
    """Validate one document, laid over the one that it extends."""
    try:
        profile = Profile.model_validate(_extended(file_name, documents, seen=()))
    except ValueError as error:
        raise ProfileError(f"{file_name}: {error}") from error
    if file_name != f"{profile.dataset}.{profile.name}.yml":
        raise ProfileError(f"{file_name}: the content says {profile.dataset}.{profile.name}")
    return profile


def _extended(file_name: str, documents: Mapping[str, dict[str, object]], seen: tuple[str, ...]) -> dict[str, object]:
    own = dict(documents[file_name])
    parent = own.pop("extends", None)
    if parent is None:
        return own
    parent_file = f"{own.get('dataset')}.{parent}.yml"
    if parent_file not in documents or parent_file in (*seen, file_name):
        raise ProfileError(f"extends {parent!r}, which is not another profile of this dataset")
    base = _extended(parent_file, documents, (*seen, file_name))
    return {**base, **{key: _over(base.get(key), value) for key, value in own.items()}}


def _over(base: object, own: object) -> object:
    """Lay a child's value over its parent's: mappings by key (null takes a key away), others whole."""
    if not (isinstance(base, dict) and isinstance(own, dict)):
        return own
    merged = {**cast("dict[str, object]", base), **cast("dict[str, object]", own)}
    return {key: value for key, value in merged.items() if value is not None}
