"""The night, the sweep between nights, and the promotion, as Prefect flows whose tasks are their steps."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.alerts import land_and_tell, run_and_tell
from flows.cluster import ClusterError
from flows.commands import published
from flows.forms import LandForm, NightForm, PromoteForm
from flows.nightly import run_landing, run_night
from flows.prefect_artifacts import show_night
from flows.prefect_recovery import mark_dead
from flows.prefect_steps import ProgressArtifact, as_task
from flows.report import NightReport
from flows.settings import BUSINESS_ZONE, Settings, business_today
from flows.steps import Night
from warehouse.crew import Crew
from warehouse.lease import Claim, LeaseHeldError

# A sweep of the landing zone may be at work when the night begins.
_PATIENCE = timedelta(hours=2)
_ANY_NIGHT, _ANY_SWEEP = NightForm(), LandForm()
_WORDS = {
    "success": "Published",
    "warnings": "Published with warnings",
    "unchanged": "Nothing new",
    "landed": "Landed",
    "dry_run": "Dry run",
}


def scheduled_day() -> date:
    """Give the business date of this flow run: the day for which it was scheduled in Jakarta, however late it runs."""
    scheduled = flow_run.scheduled_start_time
    return scheduled.astimezone(BUSINESS_ZONE).date() if scheduled else business_today()


def _form(of: type[NightForm] | type[LandForm]) -> NightForm | LandForm:
    return of.model_validate(flow_run.parameters.get("form") or {})


def _name_of_night() -> str:
    form = _form(NightForm)
    as_of = form.as_of if isinstance(form, NightForm) else None
    return " ".join(["night", str(as_of or scheduled_day()), *form.office])


def _name_of_sweep() -> str:
    return " ".join(["land", str(scheduled_day()), *_form(LandForm).office])


def _settings(landing: str | None) -> Settings:
    return Settings(landing=landing) if landing else Settings()


def _watched(night: Night, run: Callable[..., NightReport]) -> NightReport:
    """Run a night as this flow run: its steps as tasks, its progress and its outcome as artifacts."""
    night.claim = Claim(flow_run.id, night.claim.wait)
    night.on_death = mark_dead
    night.crew = _crew_of(night.settings)
    before, artifact = night.progress, ProgressArtifact()

    def tell(file: str, done: int, of: int) -> None:
        before(file, done, of)
        artifact.tell(file, done, of)

    night.progress = tell
    report = run(night, as_task)
    if not night.is_dry_run:
        show_night(night, report)
    return report


def _crew_of(settings: Settings) -> Crew | None:
    """Give the cluster that the settings name as a crew; null where files are read in this process."""
    if settings.runner == "here":
        return None
    from flows.prefect_cluster import crew_on

    return crew_on(str(settings.dask_address))


def _ended(
    run: Callable[[], NightReport], tell: Callable[[NightReport | ClusterError], None] = lambda _outcome: None
) -> State[Any]:
    """Run a night and give the state that its flow run ends in; a lost cluster is a failed run, without a trace."""
    try:
        report = run()
    except ClusterError as lost:
        tell(lost)
        return Failed(name="Cluster out of reach", message=str(lost))
    tell(report)
    return _state_of(report)


def _state_of(report: NightReport) -> State[Any]:
    """Give the state that a flow run ends in: a failed gate is a failed run, without a trace."""
    if report.result == "failure":
        reasons = report.build.reasons if report.build else []
        return Failed(name="Gate failed", message="; ".join(reasons) or "a gate stopped the publication")
    lines = report.lines
    said = f"{lines.read} lines read, {lines.good} good, {lines.quarantined} quarantined"
    return Completed(name=_WORDS[report.result], message=said, data=report.result)


@flow(name="nightly", flow_run_name=_name_of_night, persist_result=False)
def nightly(form: NightForm = _ANY_NIGHT) -> Any:
    """Run the night: land, validate, load, build, check, promote.

    Without a business date it is the night of the day for which it was scheduled; where it comes late, and a later
    date is published already, it only takes in what landed.

    Args:
        form: business date, offices, landing zone.

    Returns:
        The state: published, published with warnings, nothing new, or failed.

    Raises:
        LeaseHeldError: another run was at work for two hours.
    """
    night = Night(
        _settings(form.landing),
        form.as_of or scheduled_day(),
        form.office,
        is_forced=form.force,
        is_catching_up=form.catch_up or form.as_of is None,
        claim=Claim(wait=_PATIENCE),
    )
    return _ended(lambda: run_and_tell(night, lambda: _watched(night, run_night)))


@flow(name="land", flow_run_name=_name_of_sweep, persist_result=False)
def land(form: LandForm = _ANY_SWEEP) -> Any:
    """Take in what landed since the last sweep, without a build; where another run is at work, leave it to that.

    Args:
        form: offices, landing zone.

    Returns:
        The state: landed, nothing new, or skipped.
    """
    night = Night(_settings(form.landing), scheduled_day(), form.office)
    try:
        return _ended(lambda: land_and_tell(night, lambda: _watched(night, run_landing)))
    except LeaseHeldError as held:
        return Completed(name="Skipped", message=str(held))


@flow(name="promote", flow_run_name="promote {form.build_id}", persist_result=False)
def promote(form: PromoteForm) -> Any:
    """Move the pointer to a build whose checks passed; an older one is a rollback.

    Args:
        form: which build.

    Returns:
        The state: promoted.

    Raises:
        PublishError: there is no such build, its checks did not pass, or its files are damaged.
    """
    publication = published(Settings())
    as_task(f"promote {form.build_id}", lambda: publication.promote(form.build_id))
    return Completed(name="Promoted", message=form.build_id)


def run_as_flow(night: Night) -> NightReport:
    """Run a night that is already described as a flow; a failed gate is a failed flow run and a report.

    Raises:
        ClusterError: the files are read on a cluster that cannot be reached.
    """
    ended: list[NightReport | ClusterError] = []

    @flow(name="nightly", flow_run_name=f"night {night.as_of}", validate_parameters=False, persist_result=False)
    def described() -> Any:
        return _ended(lambda: _watched(night, run_night), ended.append)

    state: State[Any] = described(return_state=True)
    if not ended:
        return state.result()
    if isinstance(ended[0], ClusterError):
        raise ended[0]
    return ended[0]
