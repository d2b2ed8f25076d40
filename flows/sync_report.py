"""What a sync with BPS tells: by series and concept what was asked, what came and what landed."""

from dataclasses import dataclass, field
from typing import Any

from sources.bps.errors import (
    AddressUnsafeError,
    BpsError,
    ConnectionBrokenError,
    CutAnswerError,
    FirewallError,
    KeyRefusedError,
    KeyUnusableError,
    SilentError,
    SlowDownError,
    SourceFailedError,
    WebPageError,
)

OK, FAULT, USAGE, OUT_OFREACH = 0, 1, 2, 5
REACH = (
    ConnectionBrokenError, CutAnswerError, FirewallError, SilentError, SlowDownError, SourceFailedError, WebPageError,
)  # fmt: skip
KEY = (KeyUnusableError, KeyRefusedError, AddressUnsafeError)


@dataclass
class Counts:
    """Cells of one concept: as they came, and how they differ from what landed before."""

    cells: int = 0
    new: int = 0
    changed: int = 0
    vanished: int = 0


@dataclass
class SeriesReport:
    """What became of one variable of one domain.

    Attributes:
        concepts: counts by concept.
        verified: whether somebody compared every row of the catalogue with the BPS site.
        due: years to be asked for, as far as they are known.
        without_data: wanted years for which BPS has nothing.
        requests: requests that were sent; in a dry run, how many would be at most.
        files: what landed, within the landing zone.
        vanished: estimates that landed before and that BPS has no more.
        superseded: figures under a region's old code that differ from those under today's, which were taken.
        skipped_periods: cells of months and quarters.
        skipped_rows: cells of rows that are no regions.
        unknown_periods: labels of parts of the year that nobody here knows; their cells were left out.
        errors: what went wrong.
    """

    domain: str
    variable: str
    concepts: dict[str, Counts]
    verified: bool
    due: list[int] = field(default_factory=list[int])
    without_data: list[int] = field(default_factory=list[int])
    requests: int = 0
    files: list[str] = field(default_factory=list[str])
    vanished: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    superseded: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    skipped_periods: int = 0
    skipped_rows: int = 0
    unknown_periods: list[str] = field(default_factory=list[str])
    errors: list[BpsError] = field(default_factory=list[BpsError])

    @property
    def out_of_reach(self) -> bool:
        """Tell whether BPS could not be reached."""
        return any(isinstance(error, REACH) for error in self.errors)

    def as_json(self) -> dict[str, Any]:
        """Give the report as part of a JSON document."""
        told = {name: value for name, value in vars(self).items() if name not in {"concepts", "errors"}}
        counts = {concept: vars(count) for concept, count in self.concepts.items()}
        return told | {"concepts": counts, "errors": [_told(error) for error in self.errors]}


@dataclass
class SyncReport:
    """The outcome of one sync."""

    is_dry_run: bool
    series: list[SeriesReport]

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(one.requests for one in self.series)

    @property
    def files(self) -> list[str]:
        """Everything that landed."""
        return [file for one in self.series for file in one.files]

    @property
    def exit_code(self) -> int:
        """The first that holds of: no usable key, a fault, the source is out of reach, ok."""
        errors = [error for one in self.series for error in one.errors]
        if any(isinstance(error, KEY) for error in errors):
            return USAGE
        if any(not isinstance(error, REACH) for error in errors):
            return FAULT
        return OUT_OFREACH if errors else OK

    @property
    def result(self) -> str:
        """The outcome in one word; the name of the error where key or address cannot be used."""
        if self.is_dry_run:
            return "dry_run"
        unusable = next((error.code for one in self.series for error in one.errors if isinstance(error, KEY)), "")
        words = {FAULT: "failure", USAGE: unusable, OUT_OFREACH: "out_of_reach"}
        return words.get(self.exit_code, "landed" if self.files else "unchanged")

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON document."""
        return {
            "result": self.result,
            "requests": self.requests,
            "files": self.files,
            "series": [one.as_json() for one in self.series],
        }


def _told(error: BpsError) -> dict[str, str]:
    return {
        "code": error.code,
        "found": error.found,
        "address": error.address,
        "message_id": error.advice_id,
        "message_en": error.advice_en,
    }
