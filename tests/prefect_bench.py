"""A Prefect of a test's own on this machine: server, deployments, worker, and what they say over the REST API."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support import ROOT, Home, free_port
from tests.warm import judge_variables, warm_prefect

PREFECT = str(Path(sys.executable).with_name("prefect"))
START_SECONDS = 120
BUSY = 503
# The command with which a worker starts a flow run where nothing else is said.
COLD = shlex.join([sys.executable, "-m", "prefect.engine"])
# A worker asks for work more often than by itself, so that tests wait less.
ASKED_EVERY = {"PREFECT_WORKER_QUERY_SECONDS": "2"}
DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"
ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
Process = subprocess.Popen[bytes]


def prefect_environment(folder: Path, given: Mapping[str, str], **more: str) -> dict[str, str]:
    """Give the variables of a Prefect of its own in a folder, which tells nobody anything."""
    clean = {name: value for name, value in given.items() if not name.startswith("PREFECT_") or name == DATABASE}
    own = {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    return clean | own | more


def variables(home: Home, database: str, **more: str) -> dict[str, str]:
    """Give the variables of a home whose server keeps what it knows in a PostgreSQL.

    On a busy machine a server on SQLite was seen to stand still for a minute, its database locked.
    """
    return home.environment(**{DATABASE: database}, **more)


def plain_name(run: Mapping[str, Any]) -> str:
    """Give a run's name without the ending that Prefect adds."""
    return re.sub(r"-[0-9a-f]{3}$", "", str(run["name"]))


def stop(process: Process, with_signal: signal.Signals = signal.SIGTERM) -> None:
    """End a process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, with_signal)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass
class Bench:
    """A Prefect server and what is asked of it.

    Attributes:
        folder: holds its data and its logs.
        given: the variables of everything that runs here.
        arguments: further words for the server.
        is_warm: whether flow runs and the command line start warm; server and worker never do.
    """

    folder: Path
    given: Mapping[str, str]
    arguments: tuple[str, ...] = ("--no-ui", "--no-scheduler")
    is_warm: bool = False
    port: int = field(default_factory=free_port)
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    @property
    def address(self) -> str:
        """Return where people see it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of a process that works with it."""
        judge = judge_variables() if self.is_warm else {}
        return prefect_environment(self.folder, self.given, PREFECT_API_URL=f"{self.address}/api", **judge)

    def _spawn(self, name: str, *arguments: str, **more: str) -> Process:
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [PREFECT, *arguments], cwd=ROOT, env=self.environment | more, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.processes[name] = process
        return process

    def log(self, name: str) -> str:
        """Give what a process wrote."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def start_server(self) -> Process:
        """Start the server and wait until it answers."""
        ports = {
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_UI_API_URL": f"{self.address}/api",
        }
        words = ("server", "start", "--host", "127.0.0.1", "--port", str(self.port), *self.arguments)
        server = self._spawn("server", *words, **ports)
        wait_until(lambda: server.poll() is not None or self._answers(), START_SECONDS, lambda: self.log("server"))
        assert server.poll() is None, self.log("server")[-2000:]
        return server

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/api/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def start_worker(self) -> Process:
        """Start a worker of the project's pool."""
        return self._spawn("worker", "worker", "start", "--pool", "cakupan", **ASKED_EVERY)

    def prefect(self, *arguments: str) -> str:
        """Run the Prefect command line against the server; it must succeed."""
        words = warm_prefect("prefect") if self.is_warm else [PREFECT]
        done = subprocess.run(
            [*words, "--no-prompt", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout + done.stderr

    def deploy(self) -> None:
        """Make the pool, the deployments and the automations, as the page of deploying says."""
        self.prefect("work-pool", "create", "cakupan", "--type", "process")
        if self.is_warm:
            self._let_runs_start_warm()
        self.prefect("deploy", "--all")
        self.prefect("automation", "create", "--from-file", "flows/automations.yaml")

    def _let_runs_start_warm(self) -> None:
        """Say in the pool's template with what a run starts, as people may in the form of the pool."""
        template = self._api("GET", "work_pools/cakupan")["base_job_template"]
        template["variables"]["properties"]["command"]["default"] = shlex.join(warm_prefect("prefect.engine"))
        self._request("PATCH", "work_pools/cakupan", {"base_job_template": template}).raise_for_status()

    def _api(self, method: str, what: str, body: Any = None) -> Any:
        """Ask the REST API; a server or database that is busy is asked again, as Prefect's own client does."""
        for pause in (0.5, 1, 2, 4, 8):
            try:
                answer = self._request(method, what, body)
            except httpx.ReadTimeout:
                continue
            if answer.status_code != BUSY:
                return answer.raise_for_status().json()
            time.sleep(pause)
        return self._request(method, what, body).raise_for_status().json()

    def _request(self, method: str, what: str, body: Any) -> httpx.Response:
        return httpx.request(method, f"{self.address}/api/{what}", json=body, timeout=60)

    def ask(self, of: str, **body: Any) -> list[dict[str, Any]]:
        """Ask the REST API which flow runs, task runs, deployments, artifacts or log lines there are."""
        return self._api("POST", f"{of}/filter", body)

    def runs(self) -> list[dict[str, Any]]:
        """Give the flow runs that are not merely planned, oldest first."""
        found = [run for run in self.ask("flow_runs") if run["state_name"] != "Scheduled"]
        return sorted(found, key=lambda run: str(run["created"]))

    def states(self, of: str = "flow_runs") -> dict[str, str]:
        """Give the name of each run's state by the run's name."""
        return {plain_name(run): run["state_name"] for run in self.ask(of) if run["state_name"] != "Scheduled"}

    def create_run(
        self,
        deployment: str = "nightly/nightly",
        tags: Iterable[str] = (),
        job_variables: Mapping[str, Any] | None = None,
        **form: Any,
    ) -> str:
        """Start a run of a deployment from its form; give its id."""
        found = self._api("GET", f"deployments/name/{deployment}")
        body: dict[str, Any] = {"parameters": {"form": form} if form else {}, "tags": list(tags)}
        body |= {"state": {"type": "SCHEDULED"}, "job_variables": job_variables or {}}
        # Asked twice, it is one run.
        body |= {"idempotency_key": uuid4().hex}
        return self._api("POST", f"deployments/{found['id']}/create_flow_run", body)["id"]

    def run(self, run_id: str) -> dict[str, Any]:
        """Give one flow run."""
        return self._api("GET", f"flow_runs/{run_id}")

    def ended(self, run_id: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until a run has ended, and give it."""
        wait_until(
            lambda: self.run(run_id)["state_type"] in ENDED,
            seconds,
            lambda: f"{self.run(run_id)['state']}\n{self.log('worker')[-3000:]}",
        )
        return self.run(run_id)

    def artifacts(self, run_id: str) -> dict[str, Any]:
        """Give the data of a run's artifacts by their keys."""
        found = self.ask("artifacts", flow_runs={"id": {"any_": [run_id]}})
        return {artifact["key"]: artifact["data"] for artifact in found}

    def logged(self) -> str:
        """Give everything that the server holds of logs, and what the worker wrote."""
        lines, offset = list[str](), 0
        while page := self.ask("logs", offset=offset, limit=200):
            lines += [entry["message"] for entry in page]
            offset += len(page)
        return "\n".join([*lines, self.log("worker") if (self.folder / "worker.log").is_file() else ""])

    def stop(self) -> None:
        """End everything, the youngest first."""
        for process in reversed(self.processes.values()):
            stop(process)

    def kill(self, name: str) -> None:
        """Kill a process as a power cut does."""
        self.processes[name].kill()
        self.processes[name].wait()


def wait_until(is_so: Callable[[], bool], seconds: float, told: Callable[[], str], pause: float = 0.3) -> None:
    """Wait until something is so, and fail with what is told where it never is."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain: {told()[-4000:]}")
        time.sleep(pause)


@contextmanager
def bench(folder: Path, given: Mapping[str, str], *arguments: str, is_warm: bool = False) -> Generator[Bench]:
    """Run a server of its own on a free port; it and all that was started with it end with the block.

    Args:
        folder: holds its data.
        given: the variables of everything that runs here.
        arguments: further words for the server; by default without pages and without schedules.
        is_warm: whether flow runs and the command line start warm.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Bench(folder, given, arguments or ("--no-ui", "--no-scheduler"), is_warm)
    try:
        made.start_server()
        yield made
    finally:
        made.stop()
