"""The command `cakupan retention`: what nobody needs any more goes; a dry run tells it first."""

from datetime import date
from typing import Annotated

from cyclopts import Parameter

from flows.commands import LEASE, Json, complain, print_json, settings_of


def retention(
    *,
    as_of: date | None = None,
    lake: str | None = None,
    publish: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Remove builds, versions, quarantined lines and raw bytes that no rule keeps; see the settings CAKUPAN_KEEP_….

    What a pointer or a kept build needs, or a reader may still hold, is never removed.

    Example: cakupan retention --dry-run

    Parameters
    ----------
    as_of
        ages are counted at the end of this day, default now; only a dry run looks ahead
    lake
        folder of the lake
    publish
        folder of the published builds of this lake
    dry_run
        tell what would go and why, remove nothing
    """
    from flows.console import progress_display
    from flows.retention import Retention, run_retention
    from flows.retention_report import print_retention
    from warehouse.lease import LeaseHeldError

    settings = settings_of(lake=lake, publish=publish)
    with progress_display(quiet=as_json) as progress:
        try:
            report = run_retention(Retention(settings, as_of, dry_run, progress=progress))
        except LeaseHeldError as held:
            complain(str(held))
            return LEASE
    if as_json:
        print_json(report.as_json())
    else:
        print_retention(report)
    return report.exit_code
