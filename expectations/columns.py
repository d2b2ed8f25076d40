"""The column dictionary: every column of every table, defined once in ``columns.yml``."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

COLUMNS_FILE = Path(__file__).with_name("columns.yml")

ColumnType = Literal[
    "code",
    "text",
    "integer",
    "decimal",
    "decimal8",
    "money",
    "share",
    "double",
    "date",
    "period",
    "boolean",
    "hash",
]
Classification = Literal["public", "personal", "identifier"]
# The same safe loader in C, ten times as fast, where it is built in.
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Column(BaseModel):
    """One column: what it is called, its type and unit, how personal it is, and what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: ColumnType
    unit: str | None = None
    classification: Classification = "public"
    id: str
    en: str
    values: tuple[str, ...] = Field(default=())


@cache
def column_dictionary(path: Path = COLUMNS_FILE) -> dict[str, Column]:
    """Read the dictionary.

    Args:
        path: the YAML file, one mapping a column.

    Returns:
        Every column by its name.

    Raises:
        pydantic.ValidationError: a column lacks a type or a description, or has an unknown key.
    """
    raw: dict[str, dict[str, object]] = yaml.load(path.read_text(encoding="utf-8"), SAFE_LOADER)  # noqa: S506
    return {name: Column.model_validate({"name": name, **body}) for name, body in raw.items()}
