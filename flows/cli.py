"""The command line `cakupan`."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from flows.alert_commands import alert, watched
from flows.backfill_commands import backfill
from flows.bench_commands import bench
from flows.bounded import end_process
from flows.bps_commands import bps
from flows.commands import (
    FAULT,
    LATE,
    LEASE,
    OK,
    USAGE,
    Hours,
    Json,
    complain,
    limits_of,
    print_json,
    published,
    settings_of,
)
from flows.faults import keep_trace, plain_words, wrong_use
from flows.region_commands import regions
from flows.retention_commands import retention
from flows.serve_commands import serve
from flows.settings import Settings, business_today, confirm_here, place_of
from flows.simulate_commands import simulate

if TYPE_CHECKING:
    from flows.report import NightReport
    from flows.steps import Night

app = App(
    name="cakupan",
    help="Coverage and target attainment of BPJS Ketenagakerjaan, every night.\n\n"
    "Example: cakupan run --landing sample",
    version=lambda: package_version("cakupan"),
    default_parameter=Parameter(negative_iterable=()),
)
quarantine = App(name="quarantine", help="What did not pass, and why.\n\nExample: cakupan quarantine list --json")
app.command(quarantine)
app.command(regions)
app.command(bps)
app.command(alert)
app.command(serve)
app.command(backfill)
app.command(bench)
app.command(retention)
app.command(simulate)


@app.command
def run(
    *,
    as_of: date | None = None,
    landing: str | None = None,
    lake: str | None = None,
    publish: str | None = None,
    office: tuple[str, ...] = (),
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    prefect: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Run the night: land, validate, load, build, check, promote.

    Example: cakupan run --landing sample --as-of 2026-11-21

    Parameters
    ----------
    as_of
        business date, default today in Asia/Jakarta
    landing
        folder of the landing zone
    lake
        folder of the lake
    publish
        folder of the published builds
    office
        only the participant exports in the folders of these offices
    dry_run
        read and validate, write nothing
    force
        build even where nothing is new
    prefect
        run as a Prefect flow
    """
    from flows.alerts import run_and_tell
    from flows.nightly import run_night

    settings = settings_of(landing=landing, lake=lake, publish=publish)
    if not prefect and not dry_run:
        confirm_here(settings)
    more = {"offices": office, "is_dry_run": dry_run, "is_forced": force}
    work = _as_flow if prefect else run_night
    return _told(
        settings,
        as_of or business_today(),
        as_json,
        lambda night: run_and_tell(night, lambda: work(night)),
        **more,
    )


def _told(settings: Settings, as_of: date, as_json: bool, run: "Callable[[Night], NightReport]", **more: Any) -> int:
    """Run a night or a sweep, show its progress, tell its outcome, and give the exit code."""
    from flows.cluster import ClusterError
    from flows.console import print_report, progress_display
    from flows.steps import Night
    from sources.landing import LandingError
    from warehouse.lease import LeaseHeldError

    with progress_display(quiet=as_json) as progress:
        night = Night(settings, as_of, progress=progress, **more)
        try:
            report = run(night)
        except LeaseHeldError as held:
            complain(str(held))
            return LEASE
        except (LandingError, ClusterError) as absent:
            complain(str(absent))
            return LATE
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, night.publication)
    return report.exit_code


def _as_flow(night: "Night") -> "NightReport":
    from flows.prefect_nightly import run_as_flow

    return run_as_flow(night)


@app.command
def land(
    *,
    landing: str | None = None,
    lake: str | None = None,
    office: tuple[str, ...] = (),
    as_json: Json = False,
) -> int:
    """Take in what landed, without a build: the sweep between two nights.

    Example: cakupan land --landing sample

    Parameters
    ----------
    landing
        folder of the landing zone
    lake
        folder of the lake
    office
        only the participant exports in the folders of these offices
    """
    from flows.alerts import land_and_tell
    from flows.nightly import run_landing

    settings = settings_of(landing=landing, lake=lake)
    confirm_here(settings)
    return _told(
        settings,
        business_today(),
        as_json,
        lambda night: land_and_tell(night, lambda: run_landing(night)),
        offices=office,
    )


@app.command
def builds(*, publish: str | None = None, as_json: Json = False) -> int:
    """List the builds, newest first; the promoted one is marked.

    Example: cakupan builds --json
    """
    publication = published(settings_of(publish=publish))
    promoted = publication.promoted_id()
    listed = [
        {
            "build_id": m.build_id,
            "result": m.result,
            "promoted": m.build_id == promoted,
            "as_of": m.as_of.isoformat(),
        }
        for m in publication.builds()
    ]
    if as_json:
        print_json(listed)
        return OK
    for entry in listed:
        print(f"{'*' if entry['promoted'] else ' '} {entry['build_id']}  {entry['as_of']}  {entry['result']}")
    return OK


@app.command
def promote(build: str, /, *, publish: str | None = None) -> int:
    """Move the pointer to a build whose checks passed; an older one is a rollback.

    Example: cakupan promote 20261121T013000000000Z-1a2b3c4d
    """
    published(settings_of(publish=publish)).promote(build)
    print(f"promoted {build}")
    return OK


@app.command
def verify(build: str | None = None, /, *, publish: str | None = None, as_json: Json = False) -> int:
    """Compare the files of a build (default: the promoted one) with the hashes of its manifest.

    Example: cakupan verify
    """
    from warehouse.publish import PublishError

    publication = published(settings_of(publish=publish))
    build_id = build or publication.promoted_id()
    if build_id is None:
        raise PublishError("nothing is promoted yet; run cakupan run first")
    damage = publication.damage(build_id)
    if as_json:
        print_json({"build_id": build_id, "intact": not damage, "damage": [asdict(entry) for entry in damage]})
    for entry in [] if as_json else damage:
        print(f"{entry.file}: found {entry.found}, expected {entry.expected}")
    if not damage and not as_json:
        print(f"{build_id}: {len(publication.manifest(build_id).sha256)} files intact")
    return FAULT if damage else OK


@app.command
def diff(before: str, after: str, /, *, publish: str | None = None) -> int:
    """Show what changed from one build to another, as JSON.

    Example: cakupan diff BUILD_A BUILD_B
    """
    from warehouse.connections import connect
    from warehouse.diff import diff_builds

    publication = published(settings_of(publish=publish))
    folders = [publication.fetched(build) for build in (before, after)]
    with connect(limits_of(settings_of())) as con:
        print_json(diff_builds(con, *folders))
    return OK


@app.command
def query(
    sql: str,
    /,
    *,
    lake: str | None = None,
    publish: str | None = None,
    as_json: Json = False,
    csv: Annotated[bool, Parameter(negative="", help="comma separated values")] = False,
) -> int:
    """Ask the promoted build: schemas `marts`, `core` (as of that build) and `reference`.

    Example: cakupan query "SELECT geo_name, attainment_pct FROM marts.target_attainment WHERE geo_code = 'DPS'"
    """
    from flows.answers import print_answer
    from warehouse.house import House
    from warehouse.query import ask

    settings = settings_of(lake=lake, publish=publish)
    house, publication = House(place_of(settings.lake, settings)), published(settings)
    answer = ask(house, publication, limits_of(settings), sql)
    print_answer(answer, "json" if as_json else "csv" if csv else "table")
    return OK


@quarantine.command(name="list")
def list_quarantine(*, lake: str | None = None, as_json: Json = False) -> int:
    """List every quarantined line with its reasons; values of persons are left out.

    Example: cakupan quarantine list --json
    """
    from warehouse.connections import connect
    from warehouse.house import House
    from warehouse.waiting import waiting_lines

    settings = settings_of(lake=lake)
    with connect(limits_of(settings)) as con:
        lines = waiting_lines(con, House(place_of(settings.lake, settings)))
    if as_json:
        print_json(lines)
        return OK
    for entry in lines:
        sheet = f" [{entry['sheet']}]" if entry["sheet"] else ""
        place = f"baris {entry['line']}" if entry["line"] is not None else "seluruh berkas"
        print(f"{entry['file']}{sheet} {place}: {entry['message_id']} / {entry['message_en']}")
    return OK


@app.command
def status(
    *,
    max_age: Hours = None,
    alert: Annotated[bool, Parameter(negative="")] = False,
    lake: str | None = None,
    publish: str | None = None,
    as_json: Json = False,
) -> int:
    """Tell when the last night succeeded, what is late, and what waits in quarantine.

    Example: cakupan status --max-age 26h --alert

    Parameters
    ----------
    max_age
        hours, such as 26 or 26h; an older last success, or none, ends with exit code 5
    alert
        also send a message to people if it is too old or a place is out of reach, and once all is well again
    """
    from flows.health import print_status, status_of

    if alert and max_age is None:
        complain("--alert needs --max-age: how old the last success may be, such as --max-age 26h")
        return USAGE
    settings = settings_of(lake=lake, publish=publish)
    found = status_of(settings, max_age)
    if as_json:
        print_json(found)
    else:
        print_status(found)
    code = LATE if found["too_old"] else FAULT if found["unreadable"] else OK
    return code if not alert or watched(settings, found) else code or USAGE


@app.command
def doctor(*, as_json: Json = False) -> int:
    """Tell whether this machine is fit to run: Python, libraries, folders, memory, disk.

    Example: cakupan doctor
    """
    from flows.health import examine, print_examination

    findings = examine(settings_of())
    if as_json:
        print_json(findings)
    else:
        print_examination(findings)
    return OK if all(finding["fit"] for finding in findings) else FAULT


def _is_overtaken(error: Exception) -> bool:
    """Tell whether another run moved the pointer first."""
    from warehouse.publish import PointerMovedError

    return isinstance(error, PointerMovedError)


def _guarded(call: Callable[[], object]) -> int:
    try:
        code = call()
    except KeyboardInterrupt:
        complain("stopped; the last promoted build stays")
        return FAULT
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except Exception as error:
        if isinstance(error, wrong_use()):
            complain(str(error))
            return LEASE if _is_overtaken(error) else USAGE
        # What the system says of a file holds its path; what others say may quote values of persons.
        what = plain_words(error) or type(error).__name__
        complain(f"{what}; the last promoted build stays. Details: {keep_trace(error)}")
        return FAULT
    return code if isinstance(code, int) else OK


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Args:
        arguments: the words after `cakupan`; by default those of this process.
    """
    code = _guarded(lambda: _call(sys.argv[1:] if arguments is None else arguments))
    if arguments is None:
        end_process(code)
    sys.exit(code)


def _call(arguments: Sequence[str]) -> object:
    try:
        return app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE
