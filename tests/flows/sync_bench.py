"""A home with a BPS of its own: a catalogue, a clock that stands, and syncs in process."""

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.settings import Settings
from flows.sync import Sync, run_sync
from flows.sync_report import SyncReport
from sources.bps.catalogue import COLUMNS
from tests.bps_server import KEY, BpsServer
from tests.support import Home

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LABOUR_FORCE = "7400,labour_force,33,,codes,,aug,Orang,2026-11-01,test"


@dataclass
class Bench:
    """One home, one BPS, one catalogue, one clock."""

    home: Home
    bps: BpsServer
    now: datetime = START
    key: str = KEY
    given: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def series(self) -> Path:
        """The catalogue's file."""
        return self.home.root / "series.csv"

    def catalogue(self, *rows: str) -> None:
        """Write the catalogue."""
        self.series.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")

    def settings(self) -> Settings:
        """Give settings that reach this BPS."""
        own = {
            "bps_key": SecretStr(self.key), "bps_url": self.bps.address, "bps_seconds_between": 0.0,
            "bps_series": self.series,
        }  # fmt: skip
        return self.home.settings().model_copy(update=own | self.given)

    def sync(self, first: int = 2016, last: int = 2025, **changes: Any) -> SyncReport:
        """Run a sync in process; requests that fail are repeated at once."""
        wire = self.bps.settings(attempts=2)
        return run_sync(Sync(self.settings(), first, last, clock=lambda: self.now, wire=wire, **changes))

    def models(self) -> list[str]:
        """Give what was asked for since the last look, and forget it."""
        asked = [one.query.get("model", "") for one in self.bps.asked]
        self.bps.asked.clear()
        return asked

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def landed(self) -> dict[str, list[dict[str, str]]]:
        """Give the rows of every landed file."""
        found = sorted((self.home.landing / "labour_force").rglob("*.csv"))
        texts = {path.relative_to(self.home.landing).as_posix(): path.read_text(encoding="utf-8") for path in found}
        return {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}

    def values(self, file: str) -> dict[str, str]:
        """Give the values of a landed file by region, year and concept."""
        return {f"{row['region_code']} {row['year']} {row['concept']}": row["value"] for row in self.landed()[file]}
