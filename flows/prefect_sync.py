"""The same sync as a Prefect flow: every series a task."""

from prefect import flow

from flows.forms import SyncForm
from flows.prefect_steps import as_task
from flows.settings import Settings, business_today
from flows.sync import Sync, last_ten_years, run_sync
from flows.sync_report import SyncReport

_ALL = SyncForm()


class SyncFailedError(RuntimeError):
    """Something of the sync failed; what came of the other series has landed."""

    def __init__(self, report: SyncReport) -> None:
        super().__init__("; ".join(f"{one.domain} {one.variable}: {e}" for one in report.series for e in one.errors))
        self.report = report


def _through_prefect(sync: Sync) -> SyncReport:
    report = run_sync(sync, as_task)
    if report.exit_code:
        raise SyncFailedError(report)
    return report


@flow(name="sync_labour_force", persist_result=False)
def sync_labour_force(form: SyncForm = _ALL) -> str:
    """Ask BPS what is due and land what changed.

    Args:
        form: domains and years.

    Returns:
        The result in one word.

    Raises:
        SyncFailedError: a series failed, or BPS was out of reach.
        YearsError: the years are none.
    """
    first, last = last_ten_years(form.first_year, form.last_year, business_today())
    return _through_prefect(Sync(Settings(), first, last, form.domains, is_forced=form.force)).result


def run_sync_as_flow(sync: Sync) -> SyncReport:
    """Run a sync that is already described as a flow; a failure is a failed flow run and a report."""
    as_flow = flow(name="sync_labour_force", validate_parameters=False, persist_result=False)
    try:
        return as_flow(_through_prefect)(sync)
    except SyncFailedError as failed:
        return failed.report
