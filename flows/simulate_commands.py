"""The command `cakupan simulate`: a landing zone of an invented country."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from flows.commands import OK, USAGE, Json, complain, print_json, settings_of

if TYPE_CHECKING:
    from simulation.options import Options

simulate = App(
    name="simulate",
    help="Write a landing zone of an invented country: its offices, their regencies, and what they export.\n\n"
    "Example: cakupan simulate --offices 5 --participants 10000 --months 3 --out var/simulated",
)


@simulate.default
def write(  # noqa: PLR0913 each is an option
    *,
    offices: int,
    participants: int,
    months: int,
    out: Path,
    format: Literal["csv", "xlsx", "parquet", "mix"] = "csv",  # noqa: A002 the option's name
    month: str = "2026-10",
    dirty: float = 0.0,
    seed: int = 1,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Write a landing zone of an invented country: its offices, their regencies, and what they export.

    The same options give the same bytes on every machine. Nobody in it exists: NIKs begin with 99 or 00.

    Example: cakupan simulate --offices 5 --participants 10000 --months 3 --out var/simulated

    Parameters
    ----------
    offices
        how many offices; together they serve all 514 regencies
    participants
        memberships in every month, over all offices
    months
        how many months are exported, the last one included
    out
        the folder to write; it must not exist or be empty
    format
        how the exports are written; mix: in many layouts, encodings and packings
    month
        the last month, YYYY-MM
    dirty
        the share of lines that are broken; some whole files are too, and <out>.truth says which and how
    seed
        another number gives other people
    dry_run
        tell what would be written and about how large it would be, write nothing
    """
    from simulation.options import Options, SimulationError

    settings = settings_of()
    threads = settings.threads or 2
    options = Options(offices, participants, months, out, format, month, dirty, seed, threads, settings.memory_limit)
    try:
        document = _planned(options) if dry_run else _written(options, quiet=as_json)
    except SimulationError as refused:
        complain(str(refused))
        return USAGE
    if as_json:
        print_json(document)
    else:
        print(_sentence(document))
    return OK


def _planned(options: "Options") -> dict[str, Any]:
    from simulation.exports import plan

    return {"result": "dry_run", "out": str(options.out), **asdict(plan(options))}


def _written(options: "Options", *, quiet: bool) -> dict[str, Any]:
    from simulation.exports import simulate as simulate_country

    with _rows_told(options.participants * options.months, quiet=quiet) as progress:
        written = simulate_country(options, progress)
    return {"result": "written", "out": str(options.out), **asdict(written)}


@contextmanager
def _rows_told(total: int, *, quiet: bool) -> "Generator[Callable[[int], None]]":
    """Show how many rows are written: a bar on a terminal, nothing when quiet or elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _rows: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed:,} / {task.total:,} baris / rows"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)


def _sentence(document: dict[str, Any]) -> str:
    told = {
        "dry_run": "uji coba, tidak ada yang ditulis / dry run, nothing written; it would be",
        "written": "ditulis / written:",
    }[document["result"]]
    size = f"{document['size'] / 2**20:,.1f} MiB"
    return (
        f"{told} {document['files']:,} ekspor / exports, {document['rows']:,} baris / rows, {size}: {document['out']}"
    )
