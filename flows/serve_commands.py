"""The command `cakupan serve`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

from flows.commands import OK, USAGE, Json, complain, print_json, settings_of

_PROJECT = Path(__file__).parents[1]
Port = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=65535))]
_KNOWN = {
    "deployments": "Deployment / deployments",
    "paused": "Tetap dijeda / stay paused",
    "automations": "Otomasi / automations",
}


def serve(
    *,
    port: Port = 4200,
    report_port: Port = 4280,
    server: bool = True,
    worker: bool = True,
    report: bool = True,
    as_json: Json = False,
) -> int:
    """Serve this machine: Prefect server, deployments, worker, and the latest report; until Ctrl-C.

    It works in the project's folder, wherever it is started. A second Ctrl-C does not wait for a night at work.

    Example: cakupan serve --port 4200 --report-port 4280

    Parameters
    ----------
    port
        of the Prefect server, its UI and API
    report_port
        of the latest report
    server
        the Prefect server, with work pool, deployments and automations
    worker
        a worker that runs the nights
    report
        the latest report
    """
    from flows.serve import Plan, ServeError, Serving

    os.chdir(_PROJECT)
    if not (server or worker or report):
        complain("nothing to serve: leave one of --server, --worker, --report")
        return USAGE
    if port == report_port:
        complain(f"--port and --report-port are both {port}; give them two ports")
        return USAGE
    plan = Plan(settings_of(), port, report_port, server, worker, report)
    try:
        Serving(plan, _say).run(lambda found: _ready(plan, found, as_json=as_json))
    except ServeError as fault:
        complain(str(fault))
        return fault.code
    return OK


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ready(plan: Any, found: dict[str, Any], *, as_json: bool) -> None:
    described = plan.described() | found
    if as_json:
        print_json(described)
    else:
        print("\n".join(_lines(described)))
    sys.stdout.flush()


def _lines(ready: dict[str, Any]) -> list[str]:
    lines = [f"Siap dalam / ready in {ready['seconds']} s. Ctrl-C untuk berhenti / to stop."]
    if "ui" in ready:
        lines.append(f"  Prefect: {ready['ui']}  (kata sandi / password: {ready['password_in']})")
    for name, words in _KNOWN.items():
        if ready.get(name):
            lines.append(f"  {words}: {', '.join(ready[name])}")
    if "report" in ready:
        lines.append(f"  Laporan / report: {ready['report']}")
    return lines
