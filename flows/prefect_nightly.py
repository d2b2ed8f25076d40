"""The same night as a Prefect flow: every step a task."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.nightly import run_night
from flows.report import NightReport
from flows.settings import Settings, business_today
from flows.steps import Night

T = TypeVar("T")


class NightFailedError(RuntimeError):
    """A gate stopped the publication; the last good build stays."""

    def __init__(self, report: NightReport) -> None:
        reasons = report.build.reasons if report.build else []
        super().__init__("; ".join(reasons) or "a gate stopped the publication")
        self.report = report


def as_task(name: str, work: Callable[[], T], /) -> T:
    """Run one step as a Prefect task of that name."""
    return task(name=name, cache_policy=NO_CACHE, persist_result=False)(work)()


def _through_prefect(night: Night) -> NightReport:
    report = run_night(night, as_task)
    if report.result == "failure":
        raise NightFailedError(report)
    return report


@flow(name="nightly", flow_run_name="night {as_of}", persist_result=False)
def nightly(as_of: date | None = None, landing: str | None = None, offices: tuple[str, ...] = ()) -> str:
    """Run the night: land, validate, load, build, check, promote.

    Args:
        as_of: business date; today in Asia/Jakarta if empty.
        landing: folder of the landing zone; as the settings say if empty.
        offices: only the participant exports of these offices.

    Returns:
        The result in one word.

    Raises:
        NightFailedError: a gate stopped the publication.
    """
    settings = Settings(landing=landing) if landing else Settings()
    return _through_prefect(Night(settings, as_of or business_today(), offices)).result


def run_as_flow(night: Night) -> NightReport:
    """Run a night that is already described as a flow; a failed gate is a failed flow run and a report."""
    as_flow = flow(name="nightly", flow_run_name=f"night {night.as_of}", validate_parameters=False)
    try:
        return as_flow(_through_prefect)(night)
    except NightFailedError as failed:
        return failed.report
