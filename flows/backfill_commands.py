"""The command `cakupan backfill`."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from cyclopts import Parameter

from flows.commands import LATE, LEASE, USAGE, Json, complain, print_json, settings_of

Flag = Annotated[bool, Parameter(negative="")]


@dataclass(frozen=True)
class Where:
    """Where things are, if elsewhere than the settings say."""

    landing: Annotated[str | None, Parameter(help="folder of the landing zone")] = None
    lake: Annotated[str | None, Parameter(help="folder of the lake")] = None
    publish: Annotated[str | None, Parameter(help="folder of the published builds")] = None


_AS_SET = Where()


def backfill(
    *,
    first: Annotated[str, Parameter(name="--from")],
    last: Annotated[str, Parameter(name="--to")],
    office: tuple[str, ...] = (),
    only_missing: Flag = False,
    promote: Flag = False,
    dry_run: Flag = False,
    as_of: date | None = None,
    where: Annotated[Where, Parameter(name="*")] = _AS_SET,
    as_json: Json = False,
) -> int:
    """Read whole months of participants again and show what changes; promote it only when told.

    Example: cakupan backfill --from 2025-01 --to 2025-12

    Parameters
    ----------
    first
        the first month, YYYY-MM
    last
        the last month, YYYY-MM
    office
        only this office; may be given several times
    only_missing
        leave alone the months of offices that stand
    promote
        commit and promote what was shown
    dry_run
        print the plan, nothing more
    as_of
        business date, default today in Asia/Jakarta
    """
    from flows.backfill import BackfillRequest, run_backfill
    from flows.backfill_console import print_outcome, print_plan
    from flows.console import progress_display
    from sources.landing import LandingError
    from warehouse.backfill import BackfillError
    from warehouse.lease import LeaseHeldError

    settings = settings_of(landing=where.landing, lake=where.lake, publish=where.publish)
    request = BackfillRequest(settings, first, last, office, only_missing, promote, dry_run, as_of)
    try:
        with progress_display(quiet=as_json) as progress:
            report = run_backfill(request, progress=progress, on_plan=None if as_json else print_plan)
    except BackfillError as impossible:
        complain(str(impossible))
        return USAGE
    except LeaseHeldError as held:
        complain(str(held))
        return LEASE
    except LandingError as absent:
        complain(str(absent))
        return LATE
    if as_json:
        print_json(report.as_json())
    else:
        print_outcome(report, settings.publish)
    return report.exit_code
