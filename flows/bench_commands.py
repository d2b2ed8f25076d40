"""The command `cakupan bench`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from expectations.processes import environment_without
from flows.commands import FAULT, OK, USAGE, Json, complain, print_json, settings_of

if TYPE_CHECKING:
    from flows.bench import Request

Flag = Annotated[bool, Parameter(negative="")]


def bench(  # noqa: PLR0913 - every option of the command is an argument
    *,
    participants: int = 1_000_000,
    offices: int = 60,
    peer_participants: int | None = None,
    only: tuple[str, ...] = (),
    work: Path | None = None,
    results: Path | None = None,
    timeout: float = 3600,
    install: Flag = False,
    dry_run: Flag = False,
    as_json: Json = False,
) -> int:
    """Measure the nights on a simulated month, beside DuckDB alone and what a team might use instead.

    Example: cakupan bench --participants 1000000 --offices 60 --dry-run

    Parameters
    ----------
    participants
        memberships of the simulated month
    offices
        offices of the simulated month
    peer_participants
        memberships of a smaller month for the peers, which are then set against the floor of that month
    only
        measure only these: floor, cakupan, or peers by name (see --dry-run)
    work
        folder for everything that is written, by default a temporary one; large months take ten times their size
    results
        folder in which the result is kept, by default bench/results, and the README then shows it
    timeout
        seconds after which a command is ended
    install
        make the environments of the peers, measure nothing
    dry_run
        say what would be measured
    """
    from flows.bench import NAMES, Request, Size, plan

    unknown = set(only) - set(NAMES)
    if unknown:
        complain(f"--only {', '.join(sorted(unknown))}: tidak dikenal / unknown; expected {', '.join(NAMES)}")
        return USAGE
    settings = settings_of()
    with tempfile.TemporaryDirectory(prefix="cakupan-bench-", dir=work) as folder:
        sizes = Size(participants, offices), Size(peer_participants or participants, offices)
        request = Request(*sizes, only, Path(folder), settings.threads or 2, str(settings.memory_limit), timeout)
        if install:
            return _install(plan(request))
        if dry_run:
            return _show_plan(request, as_json=as_json)
        return _measured(request, results, as_json=as_json)


def _measured(request: "Request", results: Path | None, *, as_json: bool) -> int:
    from flows.bench import BenchError, run_bench
    from flows.bench_results import RESULTS, document_of, save, show_in_readme

    try:
        runs = run_bench(request, lambda said: print(said, file=sys.stderr, flush=True))
    except BenchError as fault:
        complain(str(fault))
        return FAULT
    document = document_of(request, runs)
    path = save(document, results or RESULTS)
    if results is None:
        show_in_readme(document)
    if as_json:
        print_json(document)
    else:
        _print_table(document)
        print(path)
    return OK


def _show_plan(request: "Request", *, as_json: bool) -> int:
    from flows.bench import PEERS, plan

    absent = {peer.name for peer in PEERS if not peer.python.exists()}
    if as_json:
        print_json([{"name": name, "installed": name not in absent} for name in plan(request)])
        return OK
    for name in plan(request):
        print(f"{name} (belum terpasang / not installed: cakupan bench --install)" if name in absent else name)
    return OK


def _install(names: list[str]) -> int:
    """Make the environments of the peers with uv, which is among the development tools."""
    from flows.bench import PEERS

    uv = str(Path(sys.executable).with_name("uv"))
    # A network with an authority of its own has it in the machine's store.
    trusting = environment_without() | {"UV_SYSTEM_CERTS": "true"}
    for peer in (peer for peer in PEERS if peer.name in names):
        print(peer.name, file=sys.stderr, flush=True)
        folder = peer.python.parents[1]
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)  # noqa: S603
        wanted = ["--python", str(peer.python), "-r", str(peer.requirements)]
        subprocess.run([uv, "pip", "install", "--quiet", *wanted], check=True, env=trusting)  # noqa: S603
    return OK


def _print_table(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from flows.bench_results import left_out, table

    headings, *rows = table(document)
    shown = Table(*headings)
    for row in rows:
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200).print(shown)
    for sentence in left_out(document):
        print(sentence)
