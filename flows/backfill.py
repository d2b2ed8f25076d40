"""A backfill: chosen months are read again, built aside and compared; they are promoted only when told."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.backfill_report import BackfillReport
from flows.report import NightReport
from flows.settings import Settings, business_today, place_of
from flows.steps import Night
from sources.landing import list_landing, remembered
from sources.places import Folder, Place
from warehouse.aside import Aside, Overlaid, Shown, differing, put_back, versions_of
from warehouse.backfill import DATASET, READS, BackfillError, Choice, Plan, make_plan
from warehouse.build import inputs_key, make_build
from warehouse.connections import connect
from warehouse.file_loading import Progress
from warehouse.house import House
from warehouse.lease import Claim, lease
from warehouse.ledger import reading_key
from warehouse.load import LoadedFile
from warehouse.manifest import Manifest
from warehouse.person_key import confirm_key
from warehouse.publish import PublishError
from warehouse.stepping import Step, plainly
from warehouse.sweep import run_sweep

_GROUNDS = {
    "core": "core bergeser / core moved",
    "rules": "aturan, kontrak, pembaca, SQL atau setelan berubah / rules, contracts, readers, SQL or settings changed",
    "files": "berkas lain yang akan dibaca / other files would be read",
    "promoted": "build lain sudah terbit / another build was promoted",
    "gone": "build di samping sudah dihapus / the build aside was removed",
    "date": "tanggal bisnis lewat batasnya / the business date is past its limit",
}
_DIFFERENT = "isinya lain dari yang diperlihatkan / its content is not what was shown"
_UNMOVED = "tidak ada baris baru yang berlaku, keadaan lama tetap / no line that was read counts, all stays as it was"
_AGAIN = "jalankan lagi tanpa --promote dan lihat bedanya / run it again without --promote and look at the difference"


@dataclass(frozen=True)
class BackfillRequest:
    """What is asked of a backfill.

    Attributes:
        settings: where landing zone, lake and builds are.
        first: the first month, `YYYY-MM`.
        last: the last month.
        offices: only these; none means all.
        only_missing: leave alone the months of offices that stand.
        promote: commit and promote what is shown.
        is_dry_run: only plan.
        as_of: business date; today in Asia/Jakarta if empty.
        claim: who asks for the lake, and how long it waits.
    """

    settings: Settings
    first: str
    last: str
    offices: tuple[str, ...] = ()
    only_missing: bool = False
    promote: bool = False
    is_dry_run: bool = False
    as_of: date | None = None
    claim: Claim = field(default_factory=Claim)


def run_backfill(
    request: BackfillRequest,
    step: Step = plainly,
    progress: Progress = lambda _file, _done, _of: None,
    on_plan: Callable[[Plan], None] | None = None,
    on_death: Callable[[Mapping[str, Any]], None] = lambda _holder: None,
) -> BackfillReport:
    """Plan, build aside, compare; commit and promote only if the request says so.

    Args:
        request: what is asked.
        step: how each step is run.
        progress: told of every file that is read.
        on_plan: told of the plan before anything is read.
        on_death: told of a run that died holding what this one takes.

    Returns:
        The plan, the build aside with its difference from the promoted one, and what was promoted.

    Raises:
        BackfillError: the months or offices cannot be planned.
        LeaseHeldError: another backfill is at work, or, when promoting, another run.
        LandingError: the landing zone is not there.
    """
    choice = Choice(request.first, request.last, tuple(sorted(set(request.offices))), request.only_missing)
    backfill = Backfill(
        request.settings,
        request.as_of or business_today(),
        is_dry_run=request.is_dry_run,
        claim=request.claim,
        progress=progress,
        on_death=on_death,
        choice=choice,
        is_told=request.promote,
    )
    with backfill.lease(), backfill.judge():
        plan = step("plan", backfill.plan)
        if on_plan is not None:
            on_plan(plan)
        if request.is_dry_run or not plan.files:
            return BackfillReport("planned" if request.is_dry_run else "nothing", choice, plan)
        report = _look(backfill, plan, step)
        if report.result == "shown" and report.aside and request.promote:
            return _promote(backfill, report, report.aside, step)
        return report


def _look(backfill: "Backfill", plan: Plan, step: Step) -> BackfillReport:
    """Tell what the backfill would change: as it was shown before if that holds, else built aside now."""
    shown = backfill.aside.shown(backfill.choice.key)
    moved = backfill.moved(shown, plan) if shown else []
    if shown and not moved:
        return backfill.shown_report(plan, shown)
    if shown and backfill.is_told:
        return backfill.outdated_report(plan, moved)
    return _look_anew(backfill, plan, step)


def _look_anew(backfill: "Backfill", plan: Plan, step: Step) -> BackfillReport:
    grounds = backfill.grounds(plan)
    backfill.aside.tidy(grounds)
    with backfill.staging() as staging:
        loaded = backfill.read_aside(staging, plan, step)
        reading = backfill.reading(staging, plan, loaded)
        build = step("build and check aside", lambda: backfill.build_aside(staging))
    shown = Shown(build_id=build.build_id, today=backfill.today, grounds=grounds, reading=reading)
    if moved := backfill.moved(shown, plan):
        return backfill.outdated_report(plan, moved)
    if build.result != "failure":
        backfill.aside.keep(backfill.choice.key, shown)
    return backfill.shown_report(plan, shown)


def _promote(backfill: "Backfill", report: BackfillReport, aside: Manifest, step: Step) -> BackfillReport:
    """Commit for real, build, and promote if the bytes are those that were shown; else let core stand as it did."""
    before, proven = versions_of(backfill.house), False
    try:
        backfill.commit(report.plan, step)
        build = step("build and check", backfill.build)
        different = differing(aside, build)
        proven = build.result != "failure" and not different
    finally:
        if not proven:
            put_back(backfill.house, before)
    if not proven:
        reasons = build.reasons or [f"{name}: {_DIFFERENT}" for name in different]
        return replace(report, result="different" if different else "failure", build=build, reasons=reasons)
    step(f"promote {build.build_id}", lambda: backfill.promote(build))
    backfill.aside.forget(backfill.choice.key, aside.build_id)
    return replace(report, result="warnings" if build.result == "warnings" else "success", build=build)


@dataclass
class Backfill(Night):
    """A night that reads chosen months again; without being told to promote it changes nothing that a night reads."""

    choice: Choice = field(kw_only=True)
    is_told: bool = field(kw_only=True)
    today: date = field(init=False)

    def __post_init__(self) -> None:
        """Refuse months that have not begun."""
        super().__post_init__()
        self.today = max(self.as_of, business_today())
        if self.choice.last > f"{self.as_of:%Y-%m}":
            raise BackfillError(f"{self.choice.last} has not begun on {self.as_of}; give an earlier month with --to")

    @property
    def aside(self) -> Aside:
        """The builds aside."""
        return Aside(self.publication.place.below("aside"))

    @property
    def _apart(self) -> Settings:
        """The settings, with other copies of files on S3: a night beside this one lets its own go when it likes."""
        return self.settings.model_copy(update={"cache": self.settings.cache / f"aside-{os.getpid()}"})

    @property
    def _apart_house(self) -> House:
        return House(place_of(self.settings.lake, self._apart))

    @property
    def _apart_landing(self) -> Place:
        return place_of(self.settings.landing, self._apart)

    @contextmanager
    def lease(self) -> Generator[None]:
        """Hold what one backfill at a time may use; the lake as well if it is to be changed."""
        with ExitStack() as held:
            held.callback(shutil.rmtree, self._apart.cache, ignore_errors=True)
            if not self.is_dry_run:
                confirm_key(self.house.place, self.person_key)
                aside = held.enter_context(lease(self.house.place.below("aside"), self._claim))
                if aside.died is not None:
                    self.on_death(aside.died)
                if self.is_told:
                    held.enter_context(super().lease())
            yield

    def plan(self) -> Plan:
        """Say which files are read for the chosen months."""
        landed = list_landing(self._apart_landing, [DATASET], remembered(self.house.place))
        with connect(replace(self.limits, spill=None)) as con:
            return make_plan(con, self._apart_house, landed, self.choice)

    def grounds(self, plan: Plan) -> dict[str, str]:
        """Name what a build aside rests on: if any of it is another later, the build holds no more."""
        rules = (inputs_key(self.house), reading_key(self.house), version("cakupan"), *self.settings.required)
        return {
            "core": json.dumps(self.house.core_versions(), sort_keys=True),
            "rules": " ".join(rules),
            "files": plan.digest,
            "promoted": self.publication.promoted_id() or "",
        }

    def moved(self, shown: Shown, plan: Plan) -> list[str]:
        """Say what moved since a build aside was shown; nothing if it still holds."""
        now = self.grounds(plan)
        moved = [name for name, ground in now.items() if shown.grounds.get(name) != ground]
        # The core's versions are part of what the rules' name is made of.
        said = [name for name in moved if name != "rules" or "core" not in moved]
        return [_GROUNDS[name] for name in said] or self._out_of_time(shown)

    def _out_of_time(self, shown: Shown) -> list[str]:
        """Say that a build aside is not there any more, or not of this business date; nothing if it is."""
        try:
            build = self.aside.publication.manifest(shown.build_id)
        except PublishError:
            return [_GROUNDS["gone"]]
        return [] if build.as_of <= self.as_of < build.stale_on else [_GROUNDS["date"]]

    @contextmanager
    def staging(self) -> Generator[House]:
        """Give a throw-away lake on the disk of the lake, which has room; what a killed backfill left there goes."""
        beside = self.house.root / "aside"
        for leftover in [*beside.glob("staged-*"), *self.settings.cache.glob("aside-*")]:
            if leftover != self._apart.cache:
                shutil.rmtree(leftover)
        beside.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="staged-", dir=beside) as folder:
            yield House(Folder(Path(folder)))

    def read_aside(self, staging: House, plan: Plan, step: Step) -> list[LoadedFile]:
        """Read the planned files into a throw-away lake, every file a step."""
        step("load kept bytes aside", lambda: self._fetch(plan, self._apart_house))
        return self._read(staging, plan, step)

    def commit(self, plan: Plan, step: Step) -> list[LoadedFile]:
        """Read the planned files into the lake, every file a step."""
        step("load kept bytes", lambda: self._fetch(plan, self.house))
        loaded = self._read(self.house, plan, step)
        self._forget_what_was_read()
        return loaded

    def _read(self, into: House, plan: Plan, step: Step) -> list[LoadedFile]:
        with tempfile.TemporaryDirectory(prefix="cakupan-") as work, connect(self.limits) as con:
            again = frozenset(file.sha256 for file in plan.files)
            sweep = replace(self._sweep(into, con, Path(work)), today=self.today, again=again, step=step)
            return run_sweep(sweep, plan.files)

    def _fetch(self, plan: Plan, house: House) -> None:
        """See to it that the bytes are on this machine: kept ones, and those that only lie in the landing zone."""
        path_of = self._apart_house.snapshots.path_of
        kept = {file.sha256 for file in plan.files if file.path == path_of(file.sha256)}
        house.snapshots.fetch(kept)
        landing = self._apart_landing
        lying = (landing.stat(file.file) for file in plan.files if file.sha256 not in kept and not file.path.is_file())
        landing.fetch(entry for entry in lying if entry is not None)

    def reading(self, staging: House, plan: Plan, loaded: list[LoadedFile]) -> dict[str, Any]:
        """Tell what became of files and lines, and which months of offices stay as they are all the same."""
        document = NightReport("dry_run", loaded).as_json()
        staged = {(period, office) for period, office, _ in staging.standing()}
        unmoved = [p for p in plan.spots if p.action in READS and p.spot not in staged]
        notes = [f"{p.period} {p.office_code}: {_UNMOVED}" for p in unmoved]
        return {"lines": document["lines"], "files": document["files"], "notes": document["notes"] + notes}

    def build_aside(self, staging: House) -> Manifest:
        """Make and judge the build that the staged exports would give, and compare it with the promoted one."""
        overlaid = Overlaid(self.house.place, staged=staging)
        request = replace(self._request(), house=overlaid, publication=self.aside.publication)
        try:
            return make_build(replace(request, compared_with=self.publication), self._call_judge())
        finally:
            self._dismiss_judge()

    def _dismiss_judge(self) -> None:
        """Let the judge go, who judges once: the next build has its own."""
        if self._judge is not None:
            self._judge.close()
            self._judge = None

    def shown_report(self, plan: Plan, shown: Shown) -> BackfillReport:
        """Tell what was built aside, and go on with its dates."""
        build = self.aside.publication.manifest(shown.build_id)
        self.as_of, self.today = build.as_of, shown.today
        diff = self.aside.publication.fetched(build.build_id) / "diff.json"
        return BackfillReport(
            "failure" if build.result == "failure" else "shown",
            self.choice,
            plan,
            build,
            shown.reading,
            json.loads(diff.read_text(encoding="utf-8")),
            reasons=build.reasons,
        )

    def outdated_report(self, plan: Plan, moved: list[str]) -> BackfillReport:
        """Tell that what was shown holds no more, and why."""
        return BackfillReport("outdated", self.choice, plan, reasons=[*moved, _AGAIN])
