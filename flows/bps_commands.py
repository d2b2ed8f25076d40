"""The commands `cakupan bps`: the catalogue of series, discovery, and the sync."""

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from flows.commands import FAULT, LATE, LEASE, OK, USAGE, Json, complain, print_json, settings_of

if TYPE_CHECKING:
    import polars as pl

    from flows.settings import Settings
    from flows.sync import Sync
    from flows.sync_report import SyncReport
    from sources.bps.catalogue import Series
    from sources.bps.client import BpsClient

bps = App(
    name="bps",
    help="Labour figures from the WebAPI of BPS; the key is CAKUPAN_BPS_KEY.\n\nExample: cakupan bps list",
)


@bps.command
def find(text: str, /, *, domain: str, subject: int | None = None, as_json: Json = False) -> int:
    """Search the variables of a domain for words, to complete the catalogue; prints rows ready to be pasted.

    Example: cakupan bps find "angkatan kerja" --domain 7400 --subject 6

    Parameters
    ----------
    text
        words that the title or the subject must hold, in any order
    domain
        four digits: 0000 the nation, 7400 a province, 7471 a regency
    subject
        only variables of this subject (6 is labour), which takes far fewer requests
    """
    from sources.bps.catalogue import CatalogueError
    from sources.bps.errors import BpsError

    if not re.fullmatch(r"[0-9]{4}", domain):
        complain(f"domain {domain!r} is none; expected four digits, such as 0000, 7400 or 7471")
        return USAGE
    try:
        found = _found(settings_of(), text, domain, subject)
    except CatalogueError as wrong:
        complain(str(wrong))
        return USAGE
    except BpsError as error:
        complain(str(error))
        return _code_of(error)
    if as_json:
        print_json(found)
    else:
        _print_found(found)
    return OK


@bps.command(name="list")
def list_series(*, as_json: Json = False) -> int:
    """List the catalogue: which variable of which domain holds which concept, and whether anybody verified it.

    Example: cakupan bps list --json
    """
    from sources.bps.catalogue import COLUMNS, CatalogueError

    try:
        rows = [one.model_dump(mode="json") for one in _catalogue(settings_of())]
    except CatalogueError as wrong:
        complain(str(wrong))
        return USAGE
    if as_json:
        print_json(rows)
    else:
        _print_table([*COLUMNS[:-1]], [[_shown(row[name]) for name in COLUMNS[:-1]] for row in rows])
    return OK


@bps.command
def sync(  # noqa: PLR0913 - every option of the command is an argument
    *,
    domain: tuple[str, ...] = (),
    first: Annotated[str | None, Parameter(name="--from")] = None,
    last: Annotated[str | None, Parameter(name="--to")] = None,
    concept: tuple[str, ...] = (),
    landing: str | None = None,
    lake: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    offline: Annotated[bool, Parameter(negative="")] = False,
    prefect: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Ask BPS what is due and land what changed; the next night loads it.

    Example: cakupan bps sync --domain 3500 --from 2016 --to 2025 --dry-run

    Parameters
    ----------
    domain
        domains of the catalogue, by default all
    first
        first year, by default nine before the last
    last
        last year, by default this one
    concept
        concepts of the catalogue, by default all
    landing
        folder of the landing zone
    lake
        folder of the lake, where answers and their history are kept
    dry_run
        say what would be asked, ask nothing, write nothing
    force
        ask also for what was asked for lately
    offline
        ask nothing; decode all kept answers again and land what is missing
    prefect
        run as a Prefect flow
    """
    from flows.settings import business_today
    from flows.sync import Sync, YearsError, last_ten_years

    try:
        first_year, last_year = last_ten_years(_year("--from", first), _year("--to", last), business_today())
    except YearsError as wrong:
        complain(str(wrong))
        return USAGE
    settings = settings_of(landing=landing, lake=lake)
    job = Sync(settings, first_year, last_year, domain, concept, force, offline, dry_run)
    return _synced(job, as_flow=prefect, as_json=as_json)


def _synced(job: "Sync", *, as_flow: bool, as_json: bool) -> int:
    """Do a sync, say what came of it, and give how the command ends."""
    from flows.console import progress_display
    from flows.sync import run_sync
    from sources.bps.catalogue import CatalogueError
    from warehouse.lease import LeaseHeldError

    try:
        with progress_display(quiet=as_json) as progress:
            watched = replace(job, progress=progress)
            report = _as_flow(watched) if as_flow else run_sync(watched)
    except LeaseHeldError as held:
        complain(str(held))
        return LEASE
    except CatalogueError as wrong:
        complain(str(wrong))
        return USAGE
    if as_json:
        print_json(report.as_json())
    else:
        _print_report(report)
    return report.exit_code


def _year(option: str, text: str | None) -> int | None:
    """Read a year; the command line's own reading of numbers would cut `2025.5` to 2025."""
    from flows.sync import YearsError

    if text is not None and not re.fullmatch(r"[0-9]{4}", text):
        raise YearsError(f"{option} {text!r}: bukan tahun / no year; expected four digits, such as 2025")
    return None if text is None else int(text)


def _as_flow(job: "Sync") -> "SyncReport":
    from flows.prefect_sync import run_sync_as_flow

    return run_sync_as_flow(job)


def _catalogue(settings: "Settings") -> "tuple[Series, ...]":
    from sources.bps.catalogue import read_catalogue
    from warehouse.reference import REFERENCE_FOLDER

    return read_catalogue(settings.bps_series or REFERENCE_FOLDER / "bps_series.csv")


def _found(settings: "Settings", text: str, domain: str, subject: int | None) -> list[dict[str, Any]]:
    """Give the variables that match, each with what the catalogue has of it and a row for the catalogue."""
    from flows.settings import business_today
    from sources.bps.catalogue import matching, row_for

    catalogue = _catalogue(settings)
    found = matching(_variables(settings, domain, subject), text).to_dicts()
    for entry in found:
        concepts = [one.concept for one in catalogue if (one.domain, one.variable) == (domain, entry["id"])]
        row = row_for(domain, entry["id"], entry["title"] or "", entry["unit"], business_today())
        entry |= {"domain": domain, "in_catalogue": bool(concepts), "concepts": concepts, "row": row}
    return found


def _variables(settings: "Settings", domain: str, subject: int | None) -> "pl.DataFrame":
    import polars as pl

    from sources.bps.errors import EmptyAnswerError, NotAvailableError

    filters: dict[str, str | int] = {} if subject is None else {"subject": subject}
    try:
        with _connected(settings) as client:
            return client.listing("var", domain, **filters).rows
    except (EmptyAnswerError, NotAvailableError):
        return pl.DataFrame()


@contextmanager
def _connected(settings: "Settings") -> Generator["BpsClient"]:
    from pydantic import SecretStr

    from sources.bps.client import BpsClient
    from sources.bps.errors import KeyUnusableError
    from sources.bps.wire import BpsSettings

    if settings.bps_key is None:
        raise KeyUnusableError("CAKUPAN_BPS_KEY is not set")
    rules = BpsSettings(base_url=settings.bps_url, seconds_between=settings.bps_seconds_between)
    with BpsClient(SecretStr(settings.bps_key.get_secret_value()), rules) as client:
        yield client


def _code_of(error: Exception) -> int:
    from flows.sync_report import KEY, REACH

    return USAGE if isinstance(error, KEY) else LATE if isinstance(error, REACH) else FAULT


def _shown(value: object) -> str:
    return "+".join(value) if isinstance(value, list) else "" if value is None else str(value)  # pyright: ignore[reportUnknownArgumentType]


def _print_table(headings: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _print_found(found: list[dict[str, Any]]) -> None:
    if not found:
        print("Tidak ada yang cocok / nothing matches")
        return
    names = ["id", "title", "unit", "subject", "concepts"]
    _print_table(names, [[_shown(entry[name]) for name in names] for entry in found])
    print("Baris katalog, periksa dulu / rows for the catalogue, look through them first:")
    for entry in found:
        print(entry["row"])


def _print_report(report: "SyncReport") -> None:
    headings = ["domain", "variabel", "konsep", "permintaan", "sel", "baru", "berubah", "hilang"]
    rows = [
        [one.domain, one.variable, concept, str(one.requests) if place == 0 else "",
         *(str(count) for count in (counts.cells, counts.new, counts.changed, counts.vanished))]
        for one in report.series
        for place, (concept, counts) in enumerate(one.concepts.items())
    ]  # fmt: skip
    _print_table(headings, rows)
    for one in report.series:
        for line in _notes(one):
            print(f"{one.domain} {one.variable}: {line}")
    print(f"Hasil / result: {report.result}; permintaan / requests: {report.requests}")
    for file in report.files:
        print(f"  + {file}")


def _notes(one: Any) -> Generator[str]:
    if not one.verified:
        yield "id belum diverifikasi / nobody compared this series with the BPS site yet (verified_on)"
    if one.without_data:
        yield f"BPS tidak punya data untuk / BPS has nothing for {', '.join(map(str, one.without_data))}"
    if one.skipped_periods or one.skipped_rows:
        yield (
            f"dilewati / left out: {one.skipped_periods} sel bulan, triwulan / cells of months, quarters; "
            f"{one.skipped_rows} sel bukan wilayah / cells that are no regions"
        )
    if one.unknown_periods:
        yield f"label tak dikenal, dilewati / unknown labels, left out: {', '.join(one.unknown_periods)}"
    for cell in one.vanished:
        yield f"hilang di BPS, tetap di gudang / gone at BPS, kept here: {_cell(cell)}"
    for cell in one.superseded:
        yield f"kode lama, dipakai kode sekarang / old code, today's was taken: {_cell(cell)}"
    for error in one.errors:
        yield str(error)


def _cell(cell: dict[str, Any]) -> str:
    return f"{cell['region_code']} {cell['year']} {cell['round']} {cell['concept']} {cell['value']:.10g}"
