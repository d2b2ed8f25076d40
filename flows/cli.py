"""The command line `cakupan`."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from flows.bps_commands import bps
from flows.commands import (
    FAULT,
    LATE,
    LEASE,
    OK,
    USAGE,
    Json,
    SettingsFileError,
    complain,
    limits_of,
    print_json,
    published,
    settings_of,
)
from flows.region_commands import regions
from flows.settings import UnknownDatasetError, UnknownPlaceError, business_today, place_of

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
    from flows.console import print_report, progress_display
    from flows.nightly import run_night
    from flows.steps import Night
    from sources.landing import LandingError
    from warehouse.lease import LeaseHeldError

    settings = settings_of(landing=landing, lake=lake, publish=publish)
    with progress_display(quiet=as_json) as progress:
        night = Night(settings, as_of or business_today(), office, dry_run, force, progress)
        try:
            report = _as_flow(night) if prefect else run_night(night)
        except LeaseHeldError as held:
            complain(str(held))
            return LEASE
        except LandingError as absent:
            complain(str(absent))
            return LATE
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, night.publication)
    return report.exit_code


def _as_flow(night: Any) -> Any:
    from flows.prefect_nightly import run_as_flow

    return run_as_flow(night)


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
    max_age: float | None = None,
    lake: str | None = None,
    publish: str | None = None,
    as_json: Json = False,
) -> int:
    """Tell when the last night succeeded, what is late, and what waits in quarantine.

    Example: cakupan status --max-age 26

    Parameters
    ----------
    max_age
        hours; an older last success, or none, ends with exit code 5
    """
    from flows.health import print_status, status_of

    settings = settings_of(lake=lake, publish=publish)
    found = status_of(settings, max_age)
    if as_json:
        print_json(found)
    else:
        print_status(found)
    return LATE if found["too_old"] else OK


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


def _known_errors() -> tuple[type[Exception], ...]:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from expectations.profiles import ProfileError
    from warehouse.person_key import PersonKeyError
    from warehouse.publish import PublishError
    from warehouse.query import QueryError

    return (
        ProfileError,
        UnknownPlaceError,
        UnknownDatasetError,
        ValidationError,
        SettingsError,
        SettingsFileError,
        PersonKeyError,
        PublishError,
        QueryError,
    )


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
        if isinstance(error, _known_errors()):
            complain(str(error))
            return USAGE
        # What the system says of a file holds its path; what others say may quote values of persons.
        what = str(error) if isinstance(error, OSError) else type(error).__name__
        complain(f"{what}; the last promoted build stays. Details: {_log_fault(error)}")
        return FAULT
    return code if isinstance(code, int) else OK


def _log_fault(error: Exception) -> Path:
    """Keep a fault's trace, which may quote values of persons, in a file that only its owner reads."""
    import tempfile
    import traceback

    folder_of_log = Path("var/log") if os.access(".", os.W_OK) else Path(tempfile.mkdtemp(prefix="cakupan-"))
    path = folder_of_log / "fault.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Args:
        arguments: the words after `cakupan`; by default those of this process.
    """
    sys.exit(_guarded(lambda: _call(sys.argv[1:] if arguments is None else arguments)))


def _call(arguments: Sequence[str]) -> object:
    try:
        return app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return USAGE
