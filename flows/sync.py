"""The sync with BPS: ask what is due, keep every answer, land what changed. It runs plainly, or as a Prefect flow.

An answer is kept and noted in the history as soon as it came; what it changes lands in a second step
(`flows.sync_landing`), after which it counts as settled. A run that dies in between asks nothing twice and loses
nothing: the next one settles what waits.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property

from pydantic import SecretStr

from flows.settings import Settings, place_of
from flows.sync_lake import LakeView, known_regions
from flows.sync_landing import LandingDesk, noted, sweep_partials
from flows.sync_report import KEY, REACH, Counts, SeriesReport, SyncReport
from sources.bps import errors
from sources.bps.catalogue import NATION, Series, chosen, read_catalogue
from sources.bps.client import BpsClient, DataAnswers
from sources.bps.history import Event, History, is_old
from sources.bps.labels import year_of, years_in
from sources.bps.regions import Regions
from sources.bps.wire import BpsSettings
from sources.places import Place
from sources.snapshots import Snapshots
from warehouse.connections import Limits
from warehouse.file_loading import Progress
from warehouse.house import House
from warehouse.lease import LeaseHeldError, lease
from warehouse.reference import REFERENCE_FOLDER
from warehouse.stepping import Step, plainly

CATALOGUE = REFERENCE_FOLDER / "bps_series.csv"
# A source that fails so many series one after the other is not asked about the others.
_PATIENCE = 3
_HOPELESS = (*KEY, errors.FirewallError)
# A holder of the lease writes its name just after it got it.
_SECONDS_FOR_A_NAME = (0.05, 0.2, 0.5)
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


class YearsError(ValueError):
    """Years for which nobody has figures."""


@dataclass
class Sync:
    """One sync: of which series and years, from where, to where, and how far it may go.

    Attributes:
        settings: places, key, address and pace.
        domains: domains of the catalogue; none for all.
        first_year, last_year: the years, both included.
        concepts: concepts of the catalogue; none for all.
        is_forced: ask also for what was asked for lately.
        is_offline: ask nothing; decode all kept answers again and land what is missing.
        is_dry_run: ask nothing, write nothing.
        clock: the time now.
        wire: how BPS is asked, where it differs from the settings.
    """

    settings: Settings
    first_year: int
    last_year: int
    domains: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    is_forced: bool = False
    is_offline: bool = False
    is_dry_run: bool = False
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    wire: BpsSettings = field(default_factory=BpsSettings)
    progress: Progress = field(default=lambda _what, _done, _of: None)
    _client: BpsClient | None = field(default=None, init=False, repr=False)
    _failures: list[errors.BpsError] = field(default_factory=list[errors.BpsError], init=False, repr=False)

    @cached_property
    def catalogue(self) -> tuple[Series, ...]:
        """All rows of the catalogue."""
        return read_catalogue(self.settings.bps_series or CATALOGUE)

    @cached_property
    def history(self) -> History:
        """What was asked before."""
        return History(self.place)

    @cached_property
    def regions(self) -> Regions:
        """Codes and names of regions."""
        return known_regions()

    @cached_property
    def lake(self) -> LakeView:
        """What nights have read, and what stands."""
        limits = Limits(self.settings.memory_limit, self.settings.threads)
        return LakeView(House(place_of(self.settings.lake, self.settings)), limits)

    @property
    def _desk(self) -> LandingDesk:
        landing = place_of(self.settings.landing, self.settings)
        return LandingDesk(self.history, self.snapshots, landing, self.regions, self.lake, self.is_forced)

    @property
    def place(self) -> Place:
        """Where the sync keeps what it keeps in the lake, beside the raw answers."""
        return place_of(self.settings.lake, self.settings).below("bps")

    @property
    def snapshots(self) -> Snapshots:
        """The raw part of the lake."""
        return House(place_of(self.settings.lake, self.settings)).snapshots

    def variables(self) -> list[tuple[Series, ...]]:
        """Give the rows of the catalogue by variable, of the variables that are wanted; each is asked for once."""
        wanted = {(one.domain, one.variable) for one in chosen(self.catalogue, self.domains, self.concepts)}
        return [
            tuple(one for one in self.catalogue if (one.domain, one.variable) == variable)
            for variable in dict.fromkeys((one.domain, one.variable) for one in self.catalogue)
            if variable in wanted
        ]

    @contextmanager
    def at_work(self) -> Generator[None]:
        """Keep other syncs of this lake away, and let the connection go at the end; a dry run writes nothing."""
        try:
            if self.is_dry_run:
                yield
            else:
                with ExitStack() as held:
                    _hold(held, self.place)
                    sweep_partials(place_of(self.settings.landing, self.settings))
                    yield
        finally:
            if self._client is not None:
                self._client.close()

    def run_series(self, series: Sequence[Series]) -> SeriesReport:
        """Ask for one variable what is due, and land what its answers changed."""
        report = _empty_report(series)
        if self.is_dry_run:
            self._plan(series, report)
            return report
        with noted(report):
            if not self.is_offline:
                self._fetch(series, report)
        with noted(report):
            self._desk.settle(series, report, again=self.is_offline)
        with noted(report):
            self._desk.tell_unlisted(series, self._years(), report)
        return report

    # --- asking ----------------------------------------------------------------------------------------------------

    def _plan(self, series: Sequence[Series], report: SeriesReport) -> None:
        domain, variable = series[0].domain, series[0].variable
        if self.is_offline:
            return
        listed = self.history.periods(domain, variable)
        is_listed = listed is not None and not self._is_due(listed.at)
        periods = self._due(listed) if is_listed and listed else {str(year): str(year) for year in self._years()}
        report.due = _years_of(periods)
        cap = self.history.caps().get(domain, 3 if domain == NATION else 2)
        report.requests = -(-len(periods) // cap) + (0 if is_listed else 1)

    def _fetch(self, series: Sequence[Series], report: SeriesReport) -> None:
        before = self._client.requests if self._client else 0
        try:
            self._fetch_due(series[0].domain, series[0].variable, report)
        except errors.BpsError as failure:
            self._keep_foreign(series[0].domain, series[0].variable, failure, {})
            if isinstance(failure, (*KEY, *REACH)):
                self._failures.append(failure)
            raise
        finally:
            report.requests = (self._client.requests if self._client else 0) - before
        if report.requests:
            self._failures.clear()

    def _fetch_due(self, domain: str, variable: str, report: SeriesReport) -> None:
        listed = self.history.periods(domain, variable)
        if listed is None or self._is_due(listed.at):
            listed = self._list_periods(domain, variable)
        self._tell_unreadable(listed, report)
        due = self._due(listed)
        report.due = _years_of(due)
        for asked, brought in self._client_now().data_by_call(domain, variable, due) if due else ():
            self._keep(domain, variable, {period: due[period] for period in asked}, brought)
            if brought.fault is not None:
                report.errors.append(brought.fault)
        report.without_data = self._without_data(domain, variable, listed)
        self._learn_cap(domain)

    def _keep(self, domain: str, variable: str, asked: Mapping[str, str], brought: DataAnswers) -> None:
        """Keep what one call brought, and note it."""
        moment = self.clock()
        for answer in brought.answers:
            labels = {period: label for period, label in asked.items() if period not in brought.unavailable}
            sha256 = self.snapshots.keep_bytes(answer.raw)
            self.history.add(Event("data", domain, moment, variable, (answer.address,), labels, (sha256,)))
        if brought.unavailable:
            labels = {period: asked[period] for period in brought.unavailable}
            self.history.add(Event("nothing", domain, moment, variable, periods=labels))
        if brought.fault is not None:
            self._keep_foreign(domain, variable, brought.fault, asked)

    def _keep_foreign(self, domain: str, variable: str, fault: errors.BpsError, asked: Mapping[str, str]) -> None:
        """Keep the bytes of an answer that is none, so that somebody can look at them."""
        if fault.raw and isinstance(fault, errors.ForeignAnswerError):
            kept = self.snapshots.keep_bytes(fault.raw)
            self.history.add(Event("foreign", domain, self.clock(), variable, (fault.address,), asked, (kept,)))

    def _tell_unreadable(self, listed: Event, report: SeriesReport) -> None:
        """Tell the listed periods that may hold a wanted year, and that nobody can read as one."""
        for label in listed.periods.values():
            if year_of(label) is None and years_in(label).intersection(self._years()):
                report.errors.append(errors.PeriodUnreadableError(f"the period '{label}'", *listed.address[:1]))

    def _list_periods(self, domain: str, variable: str) -> Event:
        """Fetch the list of periods, which the ids of years are looked up in."""
        try:
            listing = self._client_now().listing("th", domain, var=variable)
        except (errors.NotAvailableError, errors.EmptyAnswerError):
            event = Event("periods", domain, self.clock(), variable)
        else:
            if not {"th_id", "th"} <= set(listing.rows.columns):
                raise errors.ForeignAnswerError(f"periods with {listing.rows.columns}", listing.answers[0].address)
            named = listing.rows.drop_nulls(["th_id", "th"])
            labels = dict(zip(named["th_id"].to_list(), named["th"].to_list(), strict=True))
            kept = tuple(self.snapshots.keep_bytes(answer.raw) for answer in listing.answers)
            addresses = tuple(answer.address for answer in listing.answers)
            event = Event("periods", domain, self.clock(), variable, addresses, labels, kept)
        self.history.add(event)
        return event

    def _client_now(self) -> BpsClient:
        """Give the connection; it is made when the first request is due."""
        last = self._failures[-1] if self._failures else None
        if last is not None and (isinstance(last, _HOPELESS) or len(self._failures) >= _PATIENCE):
            raise type(last)("not asked: " + last.found.removeprefix("not asked: "))
        if self._client is None:
            if self.settings.bps_key is None:
                raise errors.KeyUnusableError("CAKUPAN_BPS_KEY is not set")
            caps = {**self.history.caps(), **self.wire.caps}
            rules = replace(
                self.wire,
                base_url=self.settings.bps_url,
                seconds_between=self.settings.bps_seconds_between,
                caps=caps,
            )
            self._client = BpsClient(SecretStr(self.settings.bps_key.get_secret_value()), rules)
        return self._client

    def _learn_cap(self, domain: str) -> None:
        learnt = self._client.caps.get(domain) if self._client else None
        if learnt is not None and self.history.caps().get(domain) != learnt:
            self.history.add(Event("cap", domain, self.clock(), cap=learnt))

    def _is_due(self, at: datetime) -> bool:
        return self.is_forced or is_old(at, self.clock(), self.settings.bps_refresh_days)

    def _years(self) -> range:
        return range(self.first_year, self.last_year + 1)

    def _due(self, listed: Event) -> dict[str, str]:
        """Give the labels of the periods that hold wanted years and were not asked for lately."""
        asked = self.history.asked_at(listed.domain, listed.variable)
        return {
            period: label
            for period, label in listed.periods.items()
            if year_of(label) in self._years() and (period not in asked or self._is_due(asked[period]))
        }

    def _without_data(self, domain: str, variable: str, listed: Event) -> list[int]:
        latest = {p: e.kind for e in self.history.of(domain, variable, "data", "nothing") for p in e.periods}
        held = {year_of(label) for period, label in listed.periods.items() if latest.get(period) != "nothing"}
        return [year for year in self._years() if year not in held]


def run_sync(sync: Sync, step: Step = plainly) -> SyncReport:
    """Bring the labour figures of some domains and years up to date.

    Args:
        sync: everything that the sync works with.
        step: how each series is run.

    Returns:
        What was asked, what came and what landed; a series that failed does not stop the others.

    Raises:
        CatalogueError: the catalogue cannot be read or lacks what was asked for.
        LeaseHeldError: another sync is at work on the same lake.
    """
    variables = sync.variables()
    reports: list[SeriesReport] = []
    with sync.at_work():
        for done, series in enumerate(variables, start=1):
            name = f"{series[0].domain} {series[0].variable}"
            reports.append(step(name, lambda series=series: sync.run_series(series)))
            sync.progress(name, done, len(variables))
    return SyncReport(sync.is_dry_run, reports)


def last_ten_years(first: int | None, last: int | None, today: date) -> tuple[int, int]:
    """Give the years of a sync; by default the ten that end with this one.

    Raises:
        YearsError: the first is after the last, or one lies beyond 1900 to 2100.
    """
    until = last if last is not None else today.year
    since = first if first is not None else until - 9
    if not _FIRST_YEAR <= since <= _LAST_YEAR or not _FIRST_YEAR <= until <= _LAST_YEAR:
        raise YearsError(
            f"--from {since} --to {until}: di luar {_FIRST_YEAR}-{_LAST_YEAR} / beyond these years; "
            "tulis tahun dengan empat angka / give years of four digits"
        )
    if since > until:
        raise YearsError(f"--from {since} is after --to {until}; expected the earlier year first")
    return since, until


def _hold(held: ExitStack, lake: Place) -> None:
    """Take the lease of a lake's syncs; where another one has it, wait until it has written its name."""
    for pause in (*_SECONDS_FOR_A_NAME, 0.0):
        try:
            held.enter_context(lease(lake))
        except LeaseHeldError as other:
            named = not str(other).endswith(": unknown")
            if named or not pause:
                who = str(other).removeprefix(f"another run holds {lake.uri}: ") if named else "it did not say its name"
                said = f"sync lain sedang bekerja / another sync is at work on {lake.uri}: {who}"
                raise LeaseHeldError(said) from None
            time.sleep(pause)
        else:
            return


def _empty_report(series: Sequence[Series]) -> SeriesReport:
    concepts = {one.concept: Counts() for one in series}
    verified = all(one.verified_on is not None for one in series)
    return SeriesReport(series[0].domain, series[0].variable, concepts, verified)


def _years_of(periods: Mapping[str, str]) -> list[int]:
    return sorted({year for label in periods.values() if (year := year_of(label)) is not None})
