"""The steps of the night: each takes what the settings say and hands its result to the next."""

import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from expectations.contracts import contracts_of
from expectations.judge import Judge
from flows.report import NightReport, NightResult
from flows.settings import Settings, UnknownDatasetError, business_today, place_of
from sources.landing import LandedFile, Seen, list_landing, remember, remembered
from sources.places import Folder
from warehouse.build import BuildRequest, is_up_to_date, make_build
from warehouse.connections import Limits, connect
from warehouse.house import House
from warehouse.lease import Lease, lease
from warehouse.load import LoadedFile
from warehouse.manifest import Manifest
from warehouse.person_key import confirm_key, key_id, load_or_make_key
from warehouse.publish import Publication
from warehouse.sweep import Progress, Sweep, run_sweep


@dataclass
class Night:
    """One night: where from, where to, for which date, and how far it may go."""

    settings: Settings
    as_of: date
    offices: tuple[str, ...] = ()
    is_dry_run: bool = False
    is_forced: bool = False
    progress: Progress = field(default=lambda _file, _done, _of: None)
    _judge: Judge | None = field(default=None, init=False, repr=False)
    _lease: Lease | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that ask for what does not exist."""
        unknown = set(self.settings.required) - contracts_of("dataset").keys()
        if unknown:
            known = ", ".join(contracts_of("dataset"))
            raise UnknownDatasetError(f"CAKUPAN_REQUIRED names {', '.join(sorted(unknown))}; datasets are: {known}")

    @property
    def house(self) -> House:
        """The lake."""
        return House(place_of(self.settings.lake, self.settings))

    @property
    def publication(self) -> Publication:
        """The published builds."""
        return Publication(place_of(self.settings.publish, self.settings))

    @property
    def limits(self) -> Limits:
        """What DuckDB may use."""
        return Limits(self.settings.memory_limit, self.settings.threads, self.house.root / "spill")

    @property
    def person_key(self) -> str:
        """The key for persons: from the settings, or the one kept (and first made) under `secrets`."""
        if self.settings.person_key is not None:
            return self.settings.person_key.get_secret_value()
        return load_or_make_key(self.settings.secrets / "person.key")

    @contextmanager
    def lease(self) -> Generator[None]:
        """Hold the lake; a dry run writes nothing and needs no lease."""
        with ExitStack() as held:
            if not self.is_dry_run:
                confirm_key(self.house.place, self.person_key)
                self._lease = held.enter_context(lease(self.house.place))
                self.publication.sweep_leftovers()
            yield

    @contextmanager
    def judge(self) -> Generator[None]:
        """Let the judge go when the night ends, if it was called."""
        try:
            yield
        finally:
            if self._judge is not None:
                self._judge.close()

    def _call_judge(self) -> Judge:
        """Start the judge once: with the first news, so that its imports run beside the loading."""
        if self._judge is None:
            self._judge = Judge.start()
        return self._judge

    def _on_news(self) -> None:
        if not self.is_dry_run:
            self._call_judge()

    def list_landing(self) -> list[LandedFile]:
        """List the landing zone; with `offices`, of participants only theirs."""
        landing = place_of(self.settings.landing, self.settings)
        files = list_landing(landing, list(contracts_of("dataset")), self._seen())
        if not self.is_dry_run:
            remember(self.house.place, files)
        if not self.offices:
            return files
        return [landed for landed in files if landed.dataset != "participants" or self._concerns(landed)]

    def _seen(self) -> dict[str, Seen]:
        """Give what was found of the landed files last time; a dry run looks at every byte."""
        return {} if self.is_dry_run else remembered(self.house.place)

    def _concerns(self, landed: LandedFile) -> bool:
        """Tell whether an export may be of the chosen offices: its folders name one of them, or it lies in none."""
        folders = landed.file.split("/")[1:-1]
        return not folders or bool(set(folders) & set(self.offices))

    def load(self, files: list[LandedFile]) -> list[LoadedFile]:
        """Read what is news and commit it; in a dry run into a throw-away lake."""
        with tempfile.TemporaryDirectory(prefix="cakupan-") as scratch:
            staging = House(Folder(Path(scratch))) if self.is_dry_run else self.house
            with connect(replace(self.limits, spill=staging.root / "spill")) as con:
                loaded = run_sweep(self._sweep(staging, con, Path(scratch)), files)
        self._forget_what_was_read()
        return loaded

    def _forget_what_was_read(self) -> None:
        """Let go what no step reads again, so that a machine needs no disk for all that ever landed."""
        place_of(self.settings.landing, self.settings).forget()
        self.house.snapshots.place.forget()

    def _sweep(self, staging: House, con: duckdb.DuckDBPyConnection, scratch: Path) -> Sweep:
        return Sweep(
            house=self.house,
            scratch=staging,
            con=con,
            today=max(self.as_of, business_today()),
            person_key=self.person_key,
            work_dir=scratch,
            progress=self.progress,
            on_news=self._on_news,
        )

    def _request(self) -> BuildRequest:
        return BuildRequest(
            house=self.house,
            publication=self.publication,
            as_of=self.as_of,
            limits=self.limits,
            person_key_id=key_id(self.person_key),
            required=self.settings.required,
        )

    def has_news(self) -> bool:
        """Tell whether a build is due: core, reference, rules or the business date changed, or it is forced."""
        lacking = set(self.settings.required) - self.house.core_versions().keys()
        return self.is_forced or bool(lacking) or not is_up_to_date(self._request())

    def build(self) -> Manifest:
        """Make and judge a build."""
        return make_build(self._request(), self._call_judge())

    def promote(self, build: Manifest) -> None:
        """Move the pointer to the build, if this run still holds the lake."""
        if self._lease is not None:
            self._lease.confirm()
        self.publication.promote(build.build_id)

    def dry_report(self, loaded: list[LoadedFile]) -> NightReport:
        """Tell what a run would load."""
        return NightReport("dry_run", loaded)

    def unchanged_report(self, loaded: list[LoadedFile]) -> NightReport:
        """Confirm that the promoted build still holds, and tell."""
        self.publication.confirm()
        return NightReport("unchanged", loaded, self.publication.promoted())

    def failure_report(self, loaded: list[LoadedFile], build: Manifest) -> NightReport:
        """Tell why nothing was promoted."""
        missing = bool(build.reasons) and all("required_absent" in reason for reason in build.reasons)
        return NightReport("failure", loaded, build, source_missing=missing)

    def promoted_report(self, loaded: list[LoadedFile], build: Manifest) -> NightReport:
        """Tell what was promoted."""
        result: NightResult = "warnings" if build.result == "warnings" else "success"
        return NightReport(result, loaded, build, promoted=True)
