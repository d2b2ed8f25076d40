"""What a reader hands on: tables of text with their layout and line count, or refusals with a sentence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from expectations.profiles import Profile
from sources.marks import DAMAGED, MARKER

if TYPE_CHECKING:
    from sources.straight import StraightText

__all__ = [
    "BOOKKEEPING",
    "DAMAGED",
    "MARKER",
    "MEASURES",
    "Layout",
    "Limits",
    "LineCount",
    "Refusal",
    "Request",
    "SourceTable",
]

MEASURES = frozenset({"wage_idr", "contribution_idr", "value", "target", "claims", "amount_idr"})
BOOKKEEPING = {"_line": pl.Int64, "_lines": pl.Int32, "_problem": pl.String, "_raw": pl.String}


@dataclass(frozen=True)
class LineCount:
    """Physical lines of one table: all that were read, those that are layout, those that are blank."""

    read: int = 0
    header: int = 0
    blank: int = 0

    @property
    def data(self) -> int:
        """Return the lines that are records: what is left for good and quarantined."""
        return self.read - self.header - self.blank


@dataclass(frozen=True)
class Limits:
    """Bounds that keep memory and disk use flat whatever a file holds (bytes, lines)."""

    chunk_bytes: int = 64 * 2**20
    line_bytes: int = 16 * 2**20
    inflated_bytes: int = 16 * 2**30
    sheet_bytes: int = 2 * 2**30
    sheet_memory: int = 3 * 2**30
    header_lines: int = 30
    record_lines: int = 50
    batch_rows: int = 250_000


@dataclass(frozen=True)
class Layout:
    """How a table's text is to be understood.

    Attributes:
        profile: `canonical` or the profile's name.
        locale: how numbers are written: `plain`, `id` (1.234,5) or `en` (1,234.5).
        region_system: the system of region_code: `bps`, `kemendagri`, `name`, or None (not said).
        constants: canonical columns that the profile fills with one value (they are in the batches too).
        unknown_columns: header names that no canonical column takes.
        unit: what measures are to be multiplied with (1,000 for a table "in thousands").
        columns: the canonical columns that the batches carry.
    """

    profile: str
    locale: str
    region_system: str | None
    constants: dict[str, str]
    unknown_columns: list[str]
    unit: int
    columns: list[str]


class Refusal(Exception):  # noqa: N818 it is handed on as a result more often than it is raised
    """A table that cannot be read: what was found, what was expected, what to do, in two languages."""

    def __init__(self, code: str, message_id: str, message_en: str) -> None:
        super().__init__(message_en)
        self.code = code
        self.message_id = message_id
        self.message_en = message_en
        self.header_line = 0
        self.lines = LineCount()
        self.file = ""
        self.sheet: str | None = None

    def at(self, file: str, sheet: str | None = None, lines: LineCount | None = None) -> "Refusal":
        """Fill in where the refused table stands and how many lines it has; return the refusal.

        `header_line` is the last line that is layout (0: none was recognised); lines above it count as such.
        """
        self.file, self.sheet = file, sheet
        self.lines = lines if lines is not None else self.lines
        return self


@dataclass
class SourceTable:
    """One table of a file: its layout and its rows, batch by batch, all cells as text.

    Attributes:
        file: path within the landing zone; `a.zip!inner.csv` inside an archive.
        sheet: the sheet's name, None outside workbooks.
        layout: how to understand the text.
        count: the table's lines; right once `batches()` is exhausted.
        straight: how its lines can be taken without its reader; null where they cannot.
        is_taken: set by whoever took its lines that way, once no byte of it is needed any more.
    """

    file: str
    sheet: str | None
    layout: Layout
    produce: Callable[["SourceTable"], Iterator[pl.DataFrame]] = field(repr=False)
    count: LineCount = field(default_factory=LineCount)
    straight: "StraightText | None" = None
    is_taken: bool = False

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the records: `_line`, `_lines`, `_problem`, `_raw` and the canonical columns as text.

        Can be called once. Memory stays bounded by the limits given to `open_tables`. There is always a
        batch: a table without records gives an empty one.
        """
        empty = True
        for batch in self.produce(self):
            empty = False
            yield batch
        if empty:
            yield pl.DataFrame(schema={**BOOKKEEPING, **dict.fromkeys(self.layout.columns, pl.String)})


@dataclass(frozen=True)
class Request:
    """What the caller wants read: the dataset's canonical columns, its profiles, and the bounds."""

    dataset: str
    columns: Sequence[str]
    required: Sequence[str]
    profiles: Sequence[Profile]
    work_dir: Path
    limits: Limits
