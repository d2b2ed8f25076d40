"""What the answers of BPS change: decode those that wait, compare them with what landed, land the difference."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import polars as pl

from flows.sync_report import SeriesReport
from sources.bps import errors
from sources.bps.answers import Answer
from sources.bps.catalogue import Series
from sources.bps.data import decode_data
from sources.bps.estimates import PLACE, Estimates, estimates_of
from sources.bps.history import Event, History
from sources.bps.units import FACTORS, UnitKind
from sources.bps.vintages import Changes, changes_between, landing_file, last_landed, name_of_file, vintage_of
from sources.snapshots import SnapshotError, Snapshots, write_whole

_READABLE = 0o644


@dataclass(frozen=True)
class LandingDesk:
    """Turns answers of one lake into files of one landing zone.

    Attributes:
        history: what was asked.
        snapshots: raw answers, and the bytes of all that landed.
        landing: the landing zone.
        todays: today's BPS code by the older ones.
    """

    history: History
    snapshots: Snapshots
    landing: Path
    todays: Mapping[str, str]

    def settle(self, series: Sequence[Series], report: SeriesReport, *, again: bool = False) -> None:
        """Decode the answers of a variable that wait, day by day, and land what each day changed.

        Args:
            series: the catalogue's rows of the variable.
            report: where it is told.
            again: decode all kept answers, settled ones too, and put landed files back that are gone.

        Raises:
            SnapshotError: a landed file was lost from the raw part of the lake.
        """
        domain, variable = series[0].domain, series[0].variable
        if again:
            self._land_again(domain, variable, report)
            waiting = self.history.of(domain, variable, "data", "nothing")
        else:
            waiting = self.history.waiting(domain, variable)
        ordered = sorted(waiting, key=lambda event: event.at)
        for vintage, answers in groupby(ordered, key=lambda event: vintage_of(event.at)):
            self._settle_day(series, vintage, list(answers), report)

    def _land_again(self, domain: str, variable: str, report: SeriesReport) -> None:
        """Put files that landed once and are no longer there back, byte by byte."""
        for event in self.history.of(domain, variable, "settled"):
            path = self.landing / event.file
            if event.file and not path.exists():
                write_whole(path, self.snapshots.read(event.sha256[0]), _READABLE)
                report.files.append(event.file)

    def _settle_day(self, series: Sequence[Series], vintage: date, waiting: list[Event], report: SeriesReport) -> None:
        domain, variable = series[0].domain, series[0].variable
        unit = self._unit_before(domain, variable)
        read: list[Estimates] = []
        done: list[Event] = []
        for event in _latest(waiting):
            with noted(report):
                if event.kind == "data":
                    found = self._estimates(series, event, unit)
                    unit = found.unit
                    read.append(found)
                done.append(event)
        if not done:
            return
        changes = self._changes(series, vintage, read, done)
        _count(report, read, changes)
        file, sha256 = self._land(domain, variable, vintage, changes.rows)
        if file and file not in report.files:
            report.files.append(file)
        keys = tuple(event.key for event in waiting if event in done or _is_covered(event, done))
        if file or any(event in self.history.waiting(domain, variable) for event in done):
            at = done[-1].at
            self.history.add(Event("settled", domain, at, variable, (), {}, sha256, file, keys, unit or ""))

    def _estimates(self, series: Sequence[Series], event: Event, unit: UnitKind | None) -> Estimates:
        cells = decode_data(Answer(event.address[0], self.snapshots.read(event.sha256[0]), event.at))
        return estimates_of(cells, series, self.todays, unit, event.address[0])

    def _unit_before(self, domain: str, variable: str) -> UnitKind | None:
        stated = [event.unit for event in self.history.of(domain, variable, "settled") if event.unit]
        return next((kind for kind in FACTORS if stated and kind == stated[-1]), None)

    def _changes(
        self, series: Sequence[Series], vintage: date, read: Sequence[Estimates], done: Sequence[Event]
    ) -> Changes:
        landed = [
            event
            for event in self.history.of(series[0].domain, series[0].variable, "settled")
            if event.file and vintage_of(event.at) <= vintage
        ]
        ordered = sorted(landed, key=lambda event: vintage_of(event.at))
        before = last_landed((self.snapshots.read(event.sha256[0]) for event in ordered), self.todays)
        now = pl.concat([before.clear(), *(found.rows for found in read)])
        now = now.unique(PLACE, keep="last", maintain_order=True)
        years = sorted({year for event in done for year in event.years})
        return changes_between(before, now, years, [one.concept for one in series])

    def _land(self, domain: str, variable: str, vintage: date, rows: pl.DataFrame) -> tuple[str, tuple[str, ...]]:
        """Write what changed: first into the raw part of the lake, then, as a whole, into the landing zone."""
        if rows.is_empty():
            return "", ()
        content = landing_file(rows, vintage)
        file = name_of_file(domain, variable, vintage, content)
        sha256 = self.snapshots.keep_bytes(content)
        if not (self.landing / file).exists():
            write_whole(self.landing / file, content, _READABLE)
        return file, (sha256,)


@contextmanager
def noted(report: SeriesReport) -> Generator[None]:
    """Let an error of one series be told at the end, and not stop what comes after it."""
    try:
        yield
    except errors.BpsError as error:
        report.errors.append(error)
    except SnapshotError as lost:
        report.errors.append(errors.SnapshotLostError(str(lost)))


def _latest(waiting: Sequence[Event]) -> list[Event]:
    """Leave out an answer of a day all of whose periods a later answer of that day has."""
    return [event for place, event in enumerate(waiting) if not _is_covered(event, waiting[place + 1 :])]


def _is_covered(event: Event, later: Sequence[Event]) -> bool:
    periods = {period for other in later if other.at > event.at for period in other.periods}
    return set(event.periods) <= periods


def _count(report: SeriesReport, read: Sequence[Estimates], changes: Changes) -> None:
    for found in read:
        report.skipped_periods += found.skipped_periods
        report.skipped_rows += found.skipped_rows
        report.superseded += _listed(found.superseded)
    report.vanished += _listed(changes.vanished)
    for concept, counts in report.concepts.items():
        of_concept = pl.col("concept") == concept
        counts.cells += sum(found.rows.filter(of_concept).height for found in read)
        counts.new += changes.new.filter(of_concept).height
        counts.changed += changes.changed.filter(of_concept).height
        counts.vanished += changes.vanished.filter(of_concept).height


def _listed(rows: pl.DataFrame) -> list[dict[str, object]]:
    shown = rows.select("region_code", "year", "round", "concept", pl.col("value").cast(pl.Float64))
    return shown.sort(pl.all()).to_dicts()
