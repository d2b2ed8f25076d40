"""What the answers of BPS change: decode those that wait, compare them with what landed, land the difference."""

import hashlib
import re
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from traceback import extract_tb

import polars as pl

from flows.sync_lake import LakeView
from flows.sync_report import SeriesReport
from sources.bps import errors
from sources.bps.answers import Answer
from sources.bps.catalogue import Series
from sources.bps.data import decode_data
from sources.bps.estimates import ESTIMATES, GRAIN, Estimates, estimates_of
from sources.bps.history import Event, History
from sources.bps.labels import year_of
from sources.bps.regions import Regions
from sources.bps.units import FACTORS, UnitKind
from sources.bps.vintages import (
    Changes,
    changes_between,
    landing_file,
    last_landed,
    merged,
    name_of_file,
    vintage_of,
    within_day,
)
from sources.places import Folder, Place
from sources.snapshots import SnapshotError, Snapshots

# What a folder's `write` leaves of a landed file when its process is killed.
_PARTIAL = re.compile(r"\.\d+-\d{4}-\d{2}-\d{2}-[0-9a-f]{12}\.csv\.\d+")
_SECONDS_OF_WRITING = 3600


@dataclass(frozen=True)
class LandingDesk:
    """Turns answers of one lake into files of one landing zone.

    Attributes:
        history: what was asked.
        snapshots: raw answers, and the bytes of all that landed.
        landing: the landing zone.
        regions: codes and names of regions.
        lake: what nights have read, and what stands.
        is_forced: land also what landed before and does not stand.
    """

    history: History
    snapshots: Snapshots
    landing: Place
    regions: Regions
    lake: LakeView
    is_forced: bool = False

    def settle(self, series: Sequence[Series], report: SeriesReport, *, again: bool = False) -> None:
        """Decode the answers of a variable that wait, day by day, and land what each day changed.

        Args:
            series: the catalogue's rows of the variable.
            report: where it is told.
            again: decode all kept answers, settled ones too, and put all landed files back that are gone; otherwise
                only those that no night has read.

        Raises:
            SnapshotError: a landed file was lost from the raw part of the lake.
        """
        domain, variable = series[0].domain, series[0].variable
        self._land_again(domain, variable, report, again=again)
        if again:
            waiting = self.history.of(domain, variable, "data", "nothing")
        else:
            waiting = self.history.waiting(domain, variable)
        ordered = sorted(waiting, key=lambda event: event.at)
        for vintage, answers in groupby(ordered, key=lambda event: vintage_of(event.at)):
            self._settle_day(series, vintage, list(answers), report)

    def tell_unlisted(self, series: Sequence[Series], years: Sequence[int], report: SeriesReport) -> None:
        """Tell landed figures of years that BPS lists no more, among the years that are wanted.

        Args:
            series: the catalogue's rows of the variable.
            years: the wanted years.
            report: where it is told.

        Raises:
            SnapshotError: a landed file was lost from the raw part of the lake.
        """
        domain, variable = series[0].domain, series[0].variable
        listed = self.history.periods(domain, variable)
        had = {year for event in self.history.of(domain, variable, "data") for year in event.years}
        there = {year_of(label) for label in listed.periods.values()} if listed else had
        gone = sorted(had.intersection(years) - there)
        if not gone:
            return
        landed = self._last_landed(domain, variable, date.max)
        concepts = [one.concept for one in series]
        vanished = landed.filter(pl.col("year").is_in(gone) & pl.col("concept").is_in(concepts))
        report.vanished += [cell for cell in _listed(vanished) if cell not in report.vanished]
        for concept, counts in report.concepts.items():
            counts.vanished += vanished.filter(pl.col("concept") == concept).height

    def _land_again(self, domain: str, variable: str, report: SeriesReport, *, again: bool) -> None:
        """Put files that landed once and are no longer there back, byte by byte."""
        for file, event in self.history.landed(domain, variable).items():
            if self.landing.stat(file) is None and (again or event.sha256[0] not in self.lake.arrived):
                self.landing.write(file, self.snapshots.read(event.sha256[0]))
                report.files.append(file)

    def _settle_day(self, series: Sequence[Series], vintage: date, waiting: list[Event], report: SeriesReport) -> None:
        domain, variable = series[0].domain, series[0].variable
        units = self.history.units(domain, variable)
        read: list[Estimates] = []
        done: list[Event] = []
        for event in _latest(waiting):
            with noted(report):
                if event.kind == "data":
                    found = self._estimates(series, event, units)
                    units[event.key] = found.unit
                    read.append(found)
                    if found.rows.is_empty():
                        report.without_data = sorted({*report.without_data, *event.years})
                done.append(event)
        if not done:
            return
        changes, rows = self._changes(series, vintage, read, done)
        _count(report, read, changes)
        file, sha256 = self._land(domain, variable, vintage, rows)
        if file and file not in report.files:
            report.files.append(file)
        keys = tuple(event.key for event in waiting if event in done or _is_covered(event, done))
        if file or any(event in self.history.waiting(domain, variable) for event in done):
            stated = [units[event.key] for event in done if event.key in units]
            unit = stated[-1] if stated else ""
            self.history.add(Event("settled", domain, done[-1].at, variable, (), {}, sha256, file, keys, unit))

    def _estimates(self, series: Sequence[Series], event: Event, units: dict[str, str]) -> Estimates:
        """Read one answer; one that was settled is judged by the unit that it was settled with."""
        cells = decode_data(Answer(event.address[0], self.snapshots.read(event.sha256[0]), event.at))
        if event.key in units:
            series = [one.model_copy(update={"unit": None}) for one in series]
        stated = units.get(event.key) or next(reversed(units.values()), None)
        return estimates_of(cells, series, self.regions, _kind(stated), event.address[0])

    def _last_landed(self, domain: str, variable: str, until: date) -> pl.DataFrame:
        settled = self.history.of(domain, variable, "settled")
        landed = [event for event in settled if event.file and vintage_of(event.at) <= until]
        ordered = sorted(landed, key=lambda event: vintage_of(event.at))
        return last_landed((self.snapshots.read(event.sha256[0]) for event in ordered), self.regions.todays)

    def _changes(
        self, series: Sequence[Series], vintage: date, read: Sequence[Estimates], done: Sequence[Event]
    ) -> tuple[Changes, pl.DataFrame]:
        """Give what differs, and the rows that are to land for it."""
        landed = self._last_landed(series[0].domain, series[0].variable, vintage)
        before = self.lake.standing(landed, self.regions) if self.is_forced else landed
        now = pl.concat([pl.DataFrame(schema=ESTIMATES), *(found.rows for found in read)])
        now = now.unique(GRAIN, keep="last", maintain_order=True)
        years = sorted({year for event in done for year in event.years})
        changes = changes_between(before, now, years, [one.concept for one in series])
        return changes, within_day(changes.rows, landed, vintage, done[-1].at)

    def _land(self, domain: str, variable: str, vintage: date, rows: pl.DataFrame) -> tuple[str, tuple[str, ...]]:
        """Write what changed: first into the raw part of the lake, then, as a whole, into the landing zone.

        Two files of one day that arrive together and say the same day of publication contradict each other. So a
        file of the day that no night has read is replaced, in one step, by one that holds the whole day.
        """
        if rows.is_empty():
            return "", ()
        content = landing_file(rows, vintage)
        file = name_of_file(domain, variable, vintage, content)
        for unread, first in self._unread(domain, variable, vintage):
            whole = landing_file(merged(first, rows, self.regions.todays), vintage)
            if self.landing.read(unread) in (first, whole):
                file, content = unread, whole
        sha256 = self.snapshots.keep_bytes(content)
        self.landing.write(file, content)
        return file, (sha256,)

    def _unread(self, domain: str, variable: str, vintage: date) -> list[tuple[str, bytes]]:
        """Give the landed file of a day, if no night has read it, with the bytes that landed."""
        of_day = [
            (file, event.sha256[0])
            for file, event in self.history.landed(domain, variable).items()
            if vintage_of(event.at) == vintage and self.landing.stat(file) is not None
        ]
        return [
            (file, self.snapshots.read(sha256))
            for file, sha256 in of_day[-1:]
            if not self.lake.arrived & {sha256, hashlib.sha256(self.landing.read(file) or b"").hexdigest()}
        ]


def sweep_partials(landing: Place) -> None:
    """Remove what syncs that were killed left half written in a folder, once nobody can be writing it."""
    if not isinstance(landing, Folder):
        return
    for path in (landing.root / "labour_force" / "bps").glob("*/.*"):
        if _PARTIAL.fullmatch(path.name) and time.time() - path.stat().st_mtime > _SECONDS_OF_WRITING:
            path.unlink(missing_ok=True)


@contextmanager
def noted(report: SeriesReport) -> Generator[None]:
    """Let an error of one series or answer be told at the end, and not stop what comes after it."""
    try:
        yield
    except errors.BpsError as error:
        report.errors.append(error)
    except SnapshotError as lost:
        report.errors.append(errors.SnapshotLostError(str(lost)))
    except Exception as fault:
        # One answer that breaks the program must not stop the others.
        report.errors.append(errors.UnexpectedError(_said(fault)))


def _said(fault: Exception) -> str:
    """Tell where a fault arose; of its own words only those of the system, which hold nothing but a path."""
    frame = extract_tb(fault.__traceback__)[-1]
    words = f": {fault}" if isinstance(fault, OSError) else ""
    return f"{type(fault).__name__}{words} ({Path(frame.filename).name}:{frame.lineno})"


def _kind(stated: str | None) -> UnitKind | None:
    return next((kind for kind in FACTORS if kind == stated), None)


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
        report.unknown_periods = sorted({*report.unknown_periods, *found.unknown_periods})
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
