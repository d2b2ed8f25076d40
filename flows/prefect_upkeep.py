"""Backfill and retention as Prefect flows: their steps as tasks, their plan and outcome as tables."""

from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.backfill import BackfillRequest, run_backfill
from flows.backfill_report import BackfillReport
from flows.forms import BackfillForm, RetentionForm
from flows.prefect_artifacts import show_table
from flows.prefect_recovery import mark_dead
from flows.prefect_steps import ProgressArtifact, as_task
from flows.retention import Retention, run_retention
from flows.settings import Settings
from warehouse.lease import Claim

# A sweep of the landing zone may be at work.
_PATIENCE = timedelta(minutes=30)
_WORDS = {
    "planned": "Planned",
    "nothing": "Nothing to read",
    "shown": "Shown aside",
    "success": "Promoted",
    "warnings": "Promoted with warnings",
}


@flow(name="backfill", flow_run_name="backfill {form.first} {form.last}", persist_result=False)
def backfill(form: BackfillForm) -> Any:
    """Read whole months of participants again, and show what changes; promote it only when told.

    Args:
        form: months, offices, and how far it may go.

    Returns:
        The state: planned, shown aside, promoted; failed where a gate failed or what was shown holds no more.
    """
    claim = Claim(flow_run.id, _PATIENCE)
    request = BackfillRequest(
        Settings(), form.first, form.last, form.office, form.only_missing, form.promote, form.dry_run, claim=claim
    )
    report = run_backfill(request, as_task, ProgressArtifact().tell, on_death=mark_dead)
    _show(report)
    return _state_of(report)


def _show(report: BackfillReport) -> None:
    told = report.as_json()
    spots = [{name: spot[name] for name in ("period", "office_code", "action")} for spot in told["plan"]["spots"]]
    show_table("plan", "Rencana / Plan", spots)
    tables = (report.diff or {}).get("tables", {})
    moved = [{"mart": mart, **month} for mart, diff in tables.items() for month in diff["months"]]
    show_table("diff", "Yang berubah / What changes", moved)


def _state_of(report: BackfillReport) -> State[Any]:
    if report.exit_code == 0 or report.promoted:
        build = report.build or report.aside
        return Completed(name=_WORDS[report.result], message=build.build_id if build else report.result)
    return Failed(name=report.result.capitalize(), message="; ".join(report.reasons) or report.result)


@flow(name="retention", flow_run_name="retention", persist_result=False)
def retention(form: RetentionForm) -> Any:
    """Remove builds, versions, quarantined lines and raw bytes that no rule keeps.

    Args:
        form: whether it only tells what would go.

    Returns:
        The state: removed, nothing to remove, or a dry run.
    """
    asked = Retention(Settings(), is_dry_run=form.dry_run, claim=Claim(flow_run.id, _PATIENCE), on_death=mark_dead)
    report = run_retention(asked, as_task)
    show_table("gone", "Yang dihapus / What went", report.as_json()["gone"])
    words = {"removed": "Removed", "nothing": "Nothing to remove", "dry_run": "Dry run"}
    return Completed(name=words[report.result], message=f"{report.files} files, {report.bytes} bytes")
