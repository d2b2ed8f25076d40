"""Retention: what nobody needs any more goes, first what refers, last what is referred to.

Builds go before the versions of core that they name, versions and quarantined lines before the data files and the raw
bytes that they refer to. A run that is killed leaves nothing that refers to what is gone, and the next one goes on.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import duckdb

from expectations.contracts import contracts_of
from flows.retention_report import RetentionReport
from flows.settings import BUSINESS_ZONE, Settings, place_of
from sources.bps.history import referred_bytes
from sources.places import Entry, Folder
from warehouse.connections import Limits, connect
from warehouse.file_loading import Progress
from warehouse.house import House
from warehouse.lake import Table
from warehouse.lease import Claim, Lease, lease
from warehouse.old_builds import Remaining, remove_old_builds
from warehouse.pending import FOLDER as PENDING
from warehouse.publish import Publication
from warehouse.removal import Gone, Remover, measured
from warehouse.retention import Rules, only_in_first
from warehouse.stepping import Step, plainly
from warehouse.vacuum import (
    Kept,
    compact,
    files_that_go,
    log_that_goes,
    referred_by,
    shorten,
    small_files,
    what_is_kept,
)
from warehouse.waiting import settled_files

_RAW = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64})")
# Hidden files that get their name when they are complete, builds that never finished, what DuckDB put on disk.
_LEFTOVER = re.compile(r"(?:.*/)?\.[^/]+\.\d+|(?:aside/)?builds/\..*|spill/.*")
_RECORDS_ORDER = ("sweep", "source_key", "file")


class RetentionError(ValueError):
    """What was asked for would remove what somebody needs."""


@dataclass
class Retention:
    """One retention: of which lake and builds, for which date, and how far it may go.

    Attributes:
        settings: places, and how long what is kept.
        as_of: ages are counted at the end of this day; by default now.
        is_dry_run: tell what would go, remove nothing.
        claim: who asks for the lake, and how long it waits.
        progress: whom to tell what goes.
        on_death: whom to tell of a run that died holding the lake.
        clock: the time now.

    Raises:
        RetentionError: the date lies ahead, and it is no dry run.
    """

    settings: Settings
    as_of: date | None = None
    is_dry_run: bool = False
    claim: Claim = field(default_factory=Claim)
    progress: Progress = field(default=lambda _what, _done, _of: None)
    on_death: Callable[[Mapping[str, Any]], None] = field(default=lambda _holder: None)
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _lease: Lease | None = field(default=None, init=False, repr=False)
    _remaining: Remaining = field(default_factory=lambda: Remaining([], {}, []), init=False, repr=False)
    _settled: set[str] = field(default_factory=set[str], init=False, repr=False)
    _kept: dict[str, Kept] = field(default_factory=dict[str, Kept], init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse to remove today what only grows old later."""
        if self.as_of and not self.is_dry_run and self.as_of > self.clock().astimezone(BUSINESS_ZONE).date():
            raise RetentionError(f"--as-of {self.as_of} lies ahead; only --dry-run looks ahead")

    @cached_property
    def moment(self) -> datetime:
        """The time from which ages are counted; it lies ahead of now in a dry run only."""
        now = self.clock()
        if self.as_of is None:
            return now
        end = datetime.combine(self.as_of + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)
        return end if self.is_dry_run else min(end, now)

    @cached_property
    def rules(self) -> Rules:
        """How long what is kept."""
        said = self.settings
        return Rules(
            builds=timedelta(days=said.keep_builds_days),
            newest_builds=said.keep_builds,
            monthly_builds=timedelta(days=said.keep_monthly_builds_days),
            failed_builds=timedelta(days=said.keep_failed_builds_days),
            versions=timedelta(days=said.keep_versions_days),
            raw=timedelta(days=said.keep_raw_days),
            quarantine=timedelta(days=said.keep_quarantine_days),
            grace=timedelta(hours=said.grace_hours),
        )

    @cached_property
    def house(self) -> House:
        """The lake; this run commits to it only while it holds it."""
        return House(place_of(self.settings.lake, self.settings), self._confirm)

    @cached_property
    def publication(self) -> Publication:
        """The published builds."""
        return Publication(place_of(self.settings.publish, self.settings))

    @property
    def _before(self) -> datetime:
        """What was written since this time stays in any case."""
        return self.moment - self.rules.grace

    @property
    def _remover(self) -> Remover:
        return Remover(self.is_dry_run, self._confirm, self.progress)

    def _confirm(self) -> None:
        if self._lease is not None:
            self._lease.confirm()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return connect(Limits(self.settings.memory_limit, self.settings.threads))

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Keep nights and syncs away from the lake; a dry run removes nothing and needs no lease."""
        with ExitStack() as held:
            if not self.is_dry_run:
                self._lease = held.enter_context(lease(self.house.place, self.claim))
                if self._lease.died is not None:
                    self.on_death(self._lease.died)
                held.enter_context(lease(self.house.place.below("bps"), self.claim))
            yield

    def refuse_strangers(self) -> None:
        """Make sure that the builds are those of this lake: what others need would not be seen.

        Raises:
            RetentionError: they are not.
        """
        promoted = self.publication.promoted()
        lake, publish = self.house.place.uri, self.publication.place.uri
        if promoted is None and self.house.core_versions():
            raise RetentionError(
                f"nothing is promoted in {publish}, so nobody can tell what is needed of {lake}: "
                "set CAKUPAN_PUBLISH to where the builds of this lake are, or run cakupan run first"
            )
        strange = {entry.source_key for entry in promoted.inputs} - self._arrived.keys() if promoted else set[str]()
        if strange:
            raise RetentionError(
                f"the build promoted in {publish} was made of {len(strange)} files that never arrived in {lake}: "
                "set CAKUPAN_LAKE and CAKUPAN_PUBLISH to a lake and its own builds"
            )

    @cached_property
    def _arrived(self) -> dict[str, tuple[str, datetime]]:
        """The dataset of every file that ever arrived, and when it did, by sha256."""
        with self._connect() as con:
            rows = con.execute(
                f"SELECT source_key, dataset, arrived_at::TIMESTAMP FROM ({self.house.arrivals.relation()})"
            ).fetchall()
        return {source_key: (dataset, at.replace(tzinfo=UTC)) for source_key, dataset, at in rows}

    def builds(self) -> list[Gone]:
        """Remove builds that no rule keeps, and what is left of unfinished ones."""
        self._remaining = remove_old_builds(self.publication, self.rules, self.moment, self._remover)
        return self._remaining.gone

    def quarantine(self) -> list[Gone]:
        """Take the lines out of quarantine that were mended or replaced long ago."""
        table, oldest = self.house.quarantine, self.moment - self.rules.quarantine
        with self._connect() as con:
            settled = settled_files(con, self.house)
        self._settled = {source_key for source_key, since in settled.items() if since < oldest}
        if not self._settled:
            return []
        entries = (entry for entry in _standing(table) if _source_of(entry.key) in self._settled)
        gone = measured("quarantine", "quarantine", "quarantine", entries)
        if not self.is_dry_run:
            table.replace([], [("source_key", "in", sorted(self._settled))])
        return [gone]

    def records(self) -> list[Gone]:
        """Put one file in place of the many small ones of the lake's records."""
        many = {
            name: table
            for name, table in (("arrivals", self.house.arrivals), ("loads", self.house.loads))
            if small_files(table)
        }
        gone = [measured("small_files", name, "small_files", _standing(table)) for name, table in many.items()]
        for table in many.values() if not self.is_dry_run else ():
            with self._connect() as con:
                compact(table, con, _RECORDS_ORDER)
        return gone

    def history(self) -> list[Gone]:
        """Remove what no kept version needs: of every table first its entries in the log, then its data files."""
        gone: list[Gone] = []
        core_since = self.moment - max(self.rules.versions, self.rules.grace)
        tables = {f"core/{name}": (self.house.core(name), core_since) for name in contracts_of("dataset")}
        for table in (self.house.arrivals, self.house.loads, self.house.quarantine):
            tables[table.root.name] = (table, self._before)
        for done, (name, (table, since)) in enumerate(tables.items(), start=1):
            self.progress(f"history {name}", done, len(tables))
            gone += self._history_of(name, table, self._named(name), since)
        return gone

    def _named(self, table: str) -> set[int]:
        """Give the versions of a table that kept builds name."""
        name = table.removeprefix("core/")
        return {one.core_versions[name] for one in self._remaining.builds if name in one.core_versions}

    def _history_of(self, name: str, table: Table, named: set[int], since: datetime) -> list[Gone]:
        kept = what_is_kept(table, named, since, self._before)
        if kept is None:
            return []
        self._kept[name] = kept
        if not self.is_dry_run:
            shorten(table)
        log = self._remover.remove(table.place, log_that_goes(table, kept, self._before), "log", name)
        return log + self._remover.remove(table.place, files_that_go(table, kept, self._before), "data", name)

    def raw(self) -> list[Gone]:
        """Remove raw bytes that came long ago and that nothing kept refers to."""
        before = self.moment - max(self.rules.raw, self.rules.grace)
        needed = referred_bytes(self.house.place.below("bps"))
        needed |= {_source_of(key) for key in self.house.quarantine.data_keys()} - self._settled
        old = {source_key for source_key, (_, at) in self._arrived.items() if at < before}
        needed |= self._referred_by_core(old - needed)
        place = self.house.snapshots.place
        going = (entry for entry in place.entries() if self._is_old_raw(entry, needed, before))
        return self._remover.remove(place, going, "raw", lambda entry: self._dataset_of(entry.key[3:]))

    def _is_old_raw(self, entry: Entry, needed: set[str], before: datetime) -> bool:
        named = _RAW.fullmatch(entry.key)
        if named is None or named[1] in needed:
            return False
        arrived = self._arrived[named[1]][1] if named[1] in self._arrived else entry.modified
        return max(arrived, entry.modified) < before

    def _dataset_of(self, source_key: str) -> str:
        """Give the dataset of raw bytes; what never arrived is an answer that no history names."""
        return self._arrived[source_key][0] if source_key in self._arrived else "bps"

    def _referred_by_core(self, wanted: set[str]) -> set[str]:
        found: set[str] = set()
        with self._connect() as con:
            for name in contracts_of("dataset"):
                of_dataset = {source_key for source_key in wanted if self._dataset_of(source_key) == name}
                if of_dataset and (kept := self._kept.get(f"core/{name}")):
                    found |= referred_by(self.house.core(name), kept, con, of_dataset)
        return found

    def leftovers(self) -> list[Gone]:
        """Remove what killed runs left half written, and local copies of what a bucket has no more."""
        waiting = self.house.place.below(PENDING)
        old = (entry for entry in waiting.entries() if entry.modified < self._before)
        gone = self._remover.remove(waiting, old, "leftovers", PENDING)
        for name, place in (("lake", self.house.place), ("publish", self.publication.place)):
            local = Folder(place.root)
            left: Iterator[Entry] = (entry for entry in local.entries() if entry.modified < self._before)
            if isinstance(place, Folder):
                going = (entry for entry in left if _LEFTOVER.fullmatch(entry.key))
                gone += self._remover.remove(local, going, "leftovers", name)
            else:
                gone += self._remover.remove(local, only_in_first(left, place.entries()), "copies", name)
        return gone

    def report(self, gone: list[Gone]) -> RetentionReport:
        """Tell what went, or would go, and which builds stay."""
        return RetentionReport(self.is_dry_run, self.rules, gone, self._remaining.stays)


def _standing(table: Table) -> Iterator[Entry]:
    """Give the entries of the data files of a table's newest version."""
    keys = set(table.data_keys())
    return (entry for entry in table.place.entries() if entry.key in keys)


def _source_of(key: str) -> str:
    """Give the file whose lines a data file of the quarantine holds."""
    return key.partition("/")[0].partition("=")[2]


def run_retention(retention: Retention, step: Step = plainly) -> RetentionReport:
    """Remove what no rule keeps, or tell what would go.

    Args:
        retention: everything that it works with.
        step: how each step is run.

    Returns:
        What went and why, with counts and bytes.

    Raises:
        LeaseHeldError: a night or a sync is at work on the lake.
        RetentionError: the builds are not those of the lake.
        LakeError: a kept build names a version that is gone.
    """
    gone: list[Gone] = []
    with retention.at_work():
        retention.refuse_strangers()
        gone += step("builds", retention.builds)
        gone += step("quarantine", retention.quarantine)
        gone += step("records", retention.records)
        gone += step("history of tables", retention.history)
        gone += step("raw bytes", retention.raw)
        gone += step("leftovers", retention.leftovers)
    return retention.report(gone)
