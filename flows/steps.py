"""The steps of the night: each takes what the settings say and hands its result to the next."""

import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from expectations.contracts import contracts_of
from expectations.judge import Judge
from flows.report import NightReport, NightResult
from flows.settings import Settings, UnknownDatasetError, business_today, confirm_apart, place_of
from sources.landing import LandedFile, Seen, list_landing, remember, remembered
from sources.places import Folder
from warehouse.build import BuildRequest, find_build, is_up_to_date, make_build
from warehouse.connections import Limits, connect
from warehouse.crew import Crew
from warehouse.file_loading import Progress, Sweep
from warehouse.house import House
from warehouse.lease import Claim, Lease, lease
from warehouse.load import LoadedFile
from warehouse.manifest import Manifest
from warehouse.person_key import confirm_key, key_id, load_or_make_key
from warehouse.publish import Publication
from warehouse.stepping import Step, plainly
from warehouse.sweep import run_sweep


@dataclass
class Night:
    """One night: where from, where to, for which date, and how far it may go."""

    settings: Settings
    as_of: date
    offices: tuple[str, ...] = ()
    is_dry_run: bool = False
    is_forced: bool = False
    is_catching_up: bool = False
    claim: Claim = field(default_factory=Claim)
    progress: Progress = field(default=lambda _file, _done, _of: None)
    on_death: Callable[[Mapping[str, Any]], None] = field(default=lambda _holder: None)
    crew: Crew | None = None
    _judge: Judge | None = field(default=None, init=False, repr=False)
    _may_judge: bool = field(default=False, init=False, repr=False)
    _lease: Lease | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that ask for what does not exist, or whose places stand inside each other."""
        confirm_apart(self.settings)
        unknown = set(self.settings.required) - contracts_of("dataset").keys()
        if unknown:
            known = ", ".join(contracts_of("dataset"))
            raise UnknownDatasetError(f"CAKUPAN_REQUIRED names {', '.join(sorted(unknown))}; datasets are: {known}")

    @cached_property
    def house(self) -> House:
        """The lake."""
        return House(place_of(self.settings.lake, self.settings), self._confirm)

    def _confirm(self) -> None:
        """Make sure that this run still holds the lake; a dry run, which writes nothing, holds none."""
        if self._lease is not None:
            self._lease.confirm()

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

    @property
    def _claim(self) -> Claim:
        """How this run asks for a lease."""
        return replace(self.claim, lasts=timedelta(seconds=self.settings.lease_seconds))

    @contextmanager
    def lease(self) -> Generator[None]:
        """Hold the lake; a dry run writes nothing and needs no lease."""
        with ExitStack() as held:
            if not self.is_dry_run:
                confirm_key(self.house.place, self.person_key)
                self._lease = held.enter_context(lease(self.house.place, self._claim))
                if self._lease.died is not None:
                    self.on_death(self._lease.died)
                self.publication.sweep_leftovers()
            yield

    @contextmanager
    def judge(self) -> Generator[None]:
        """Let the judge be called, and let it go when the night ends."""
        self._may_judge = not self.is_dry_run
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
        if self._may_judge:
            self._call_judge()

    def list_landing(self) -> list[LandedFile]:
        """List the landing zone; with `offices`, of participants only theirs."""
        landing = place_of(self.settings.landing, self.settings)
        files = list_landing(landing, list(contracts_of("dataset")), self._seen())
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

    def load(self, files: list[LandedFile], step: Step = plainly) -> list[LoadedFile]:
        """Read what is news and commit it, every file a step; in a dry run into a throw-away lake."""
        with tempfile.TemporaryDirectory(prefix="cakupan-") as scratch:
            staging = House(Folder(Path(scratch))) if self.is_dry_run else self.house
            with connect(replace(self.limits, spill=staging.root / "spill")) as con:
                loaded = run_sweep(replace(self._sweep(staging, con, Path(scratch)), step=step), files)
        if not self.is_dry_run and not self.offices:
            remember(self.house.place, (result.landed for result in loaded if result.is_settled))
        self._forget_what_was_read()
        return loaded

    def _forget_what_was_read(self) -> None:
        """Let go what no step reads again, so that a machine needs no disk for all that ever stood in a bucket."""
        place_of(self.settings.landing, self.settings).forget()
        self.house.snapshots.place.forget()
        promoted = self.publication.promoted()
        self.house.drop_old_copies([promoted.core_versions] if promoted else [])

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
            workers=self.settings.threads,
            crew=self.crew,
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
        """Tell whether a build is due: core, reference, rules or the business date changed, or it is forced.

        A night that catches up for a missed date has none where a later date is published already.
        """
        promoted = self.publication.promoted() if self.is_catching_up else None
        if promoted is not None and promoted.as_of > self.as_of:
            return False
        lacking = set(self.settings.required) - self.house.core_versions().keys()
        return self.is_forced or bool(lacking) or not is_up_to_date(self._request())

    def build(self) -> Manifest:
        """Make and judge a build."""
        return make_build(self._request(), self._call_judge())

    def built_before(self) -> Manifest | None:
        """Give a build that a run made of the same inputs, and did not promote before it died."""
        return None if self.is_forced else find_build(self._request())

    def promote(self, build: Manifest) -> None:
        """Move the pointer to the build, if this run still holds the lake."""
        self.publication.promote(build.build_id, self._confirm)

    def landed_report(self, loaded: list[LoadedFile]) -> NightReport:
        """Tell what was taken in."""
        is_news = any(file.verdict != "unchanged" for file in loaded)
        return NightReport("landed" if is_news else "unchanged", loaded)

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
