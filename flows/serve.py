"""One machine's Prefect: server, deployments, worker, and the latest report beside it, as long as somebody wants it."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from expectations.processes import environment_without
from flows.family import end_family, kill_family, mark_of, start_guard, values_of
from flows.report_server import report_served
from flows.serve_checks import (
    HOST,
    ServeError,
    api_of,
    auth_file,
    auth_of,
    check_database,
    check_password,
    check_port,
    held,
    status_of_api,
)
from flows.settings import Settings

PROJECT = Path(__file__).parents[1]
START_SECONDS = 120
# A process that dies again and again is not mended by starting it.
RESTARTS, WITHIN_SECONDS, PAUSE_SECONDS = 3, 600, 2.0
HEARTBEAT_SECONDS = 30
_TAIL_LINES = 15
_LARGEST_LOG = 10 * 1024**2
_SECRET_SETTINGS = ("CAKUPAN_PREFECT_AUTH", "CAKUPAN_PREFECT_DATABASE_URL")
_NAMES = {
    "setup": "pengaturan / setup",
    "worker": "pekerja / worker",
    "server": "server Prefect / Prefect server",
}


@dataclass(frozen=True)
class Plan:
    """What is to run on this machine, and where.

    Attributes:
        settings: folders, password, database.
        port: of the Prefect server.
        report_port: of the report.
        server: whether the Prefect server runs here, with what it must know.
        worker: whether a worker runs here.
        report: whether the report is served.
    """

    settings: Settings
    port: int = 4200
    report_port: int = 4280
    server: bool = True
    worker: bool = True
    report: bool = True

    @property
    def home(self) -> Path:
        """Prefect's own folder."""
        return self.settings.prefect_home.absolute()

    @property
    def ui(self) -> str:
        """The address of Prefect's pages."""
        return f"http://{HOST}:{self.port}"

    def described(self) -> dict[str, Any]:
        """Give where things are, and where the password stands; never what it is."""
        settings = self.settings
        found: dict[str, Any] = {"pid": os.getpid(), "logs": str(settings.logs)}
        if self.server:
            database = "sqlite" if settings.prefect_database_url is None else "postgresql"
            kept = "CAKUPAN_PREFECT_AUTH" if settings.prefect_auth is not None else str(auth_file(settings))
            found |= {"ui": f"{self.ui}/v2/login", "api": api_of(self.port), "password_in": kept, "database": database}
        if self.report:
            found["report"] = f"http://{HOST}:{self.report_port}"
        return found


@dataclass
class Child:
    """A process that must run; what it says is kept in a file that only its owner reads."""

    role: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    started: deque[float] = field(default_factory=deque[float])
    process: "subprocess.Popen[bytes] | None" = None
    _begins_at: int = 0

    def start(self) -> None:
        """Start it, once more if it died."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.is_file() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".1.log"))
        self.log.touch(mode=0o600)
        self._begins_at = self.log.stat().st_size
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(  # noqa: S603 - our own words
                self.command, cwd=PROJECT, env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip
        self.started.append(time.monotonic())

    @property
    def exit_code(self) -> int | None:
        """The exit code of one that ended; null while it runs."""
        return None if self.process is None else self.process.poll()

    def said(self) -> list[str]:
        """Give the lines that it wrote since it was last started."""
        with self.log.open("rb") as stream:
            stream.seek(self._begins_at)
            return stream.read().decode(errors="replace").splitlines()

    def death(self) -> str:
        """Tell how it ended, with the last that it said."""
        last = [line for line in self.said() if line.strip()][-_TAIL_LINES:]
        head = f"{_NAMES[self.role]} berakhir / ended (exit {self.exit_code}); {self.log}:"
        return "\n".join([head, *(f"  | {line}" for line in last)])


def prefect_variables(plan: Plan) -> dict[str, str]:
    """Give the variables that everything of Prefect's has here: its folder, silence, nothing from elsewhere."""
    kept = environment_without("PREFECT_", *_SECRET_SETTINGS)
    own = {
        "PREFECT_HOME": str(plan.home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # A proxy for the way out is none for this machine.
        "NO_PROXY": ",".join(filter(None, [kept.get("NO_PROXY"), HOST])),
    }
    return kept | own


def server_variables(plan: Plan, auth: str) -> dict[str, str]:
    """Give the server's variables: on this machine only, with a password, for pages of its own origin."""
    own = {
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(plan.port),
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": plan.ui,
        # Below the pages' own address, so that they work behind a proxy and a tunnel too.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(plan.home / "ui"),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    database = plan.settings.prefect_database_url
    if database is not None:
        own["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database.get_secret_value()
    return prefect_variables(plan) | own


def client_variables(plan: Plan, auth: str) -> dict[str, str]:
    """Give the variables of what asks the server: the worker, its flow runs, the setting up."""
    own = {
        "PREFECT_API_URL": api_of(plan.port),
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
    }
    if plan.report and plan.settings.report_url is None:
        own["CAKUPAN_REPORT_URL"] = f"http://{HOST}:{plan.report_port}"
    return prefect_variables(plan) | own


class _StoppedError(Exception):
    """A signal said to stop while something was awaited."""


class Serving:
    """One `cakupan serve`, from its start to its end."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        """Prepare; nothing is started yet.

        Args:
            plan: what is to run.
            say: told what happens, one line or a few at a time.
        """
        self.plan = plan
        self.say = say
        self.family = secrets.token_hex(8)
        self.stop = threading.Event()
        self.children: list[Child] = []
        self.auth = ""
        self.guard: subprocess.Popen[bytes] | None = None
        self.locks: list[int] = []
        self.since = time.monotonic()
        self.answered_after: float | None = None

    def run(self, ready: Callable[[dict[str, Any]], None]) -> None:
        """Serve until a signal says to stop, then end everything that was started.

        Args:
            ready: told, once all is up, the addresses and what the server knows.

        Raises:
            ServeError: it cannot start, or a process died too often.
        """
        with self._signals(), ExitStack() as open_things:
            if self.plan.server:
                self.locks = [open_things.enter_context(held(self.plan.home / "serve.lock", self.say))]
            self._check()
            if self.plan.report:
                open_things.enter_context(report_served(self.plan.settings, HOST, self.plan.report_port))
                self.say(f"Laporan / report: http://{HOST}:{self.plan.report_port}")
            open_things.callback(self._end)
            self._keep_guard()
            with suppress(_StoppedError):
                found = self._start()
                ready({**found, "first_page_seconds": self.answered_after, "seconds": self._seconds()})
                self._watch()

    def _check(self) -> None:
        if self.plan.server:
            check_port(self.plan.port, "--port")
            check_database(self.plan.settings)
        if self.plan.report:
            check_port(self.plan.report_port, "--report-port")

    def _start(self) -> dict[str, list[str]]:
        """Start server and setting up side by side, then the worker; give what the server knows by then."""
        if self.plan.server:
            self.auth = auth_of(self.plan.settings, make=True)
            self._start_server()
            setup = self._set_up("deploy", *(["mend"] if self.plan.worker else []))
            self._await_server()
        elif self.plan.worker:
            self._await_server()
            self.auth = auth_of(self.plan.settings, make=False)
            check_password(self.plan.port, self.auth)
            setup = self._set_up("mend")
        else:
            return {}
        found = self._told_by(setup)
        if self.plan.worker:
            self._start_worker()
        return found

    def _start_server(self) -> None:
        self.say("Server Prefect dimulai / the Prefect server starts")
        listen = ["--host", HOST, "--port", str(self.plan.port), "--no-access-log", "--log-level", "warning"]
        words = ["uvicorn", "--factory", "flows.prefect_server:app", *listen]
        self.children.append(self._child("server", words, server_variables(self.plan, self.auth)))

    def _await_server(self) -> None:
        self.say(f"Menunggu jawabannya / waiting for its answer: {api_of(self.plan.port)}")
        self._until(lambda: status_of_api(self.plan.port, "health") == 200, self.children)
        self.answered_after = self._seconds()
        self.say(f"Server Prefect menjawab / the Prefect server answers: {self.plan.ui}")

    def _seconds(self) -> float:
        return round(time.monotonic() - self.since, 1)

    def _start_worker(self) -> None:
        own = {"TMPDIR": str(self._emptied_scratch())}
        words = ["prefect", "worker", "start", "--pool", "cakupan", "--type", "process", "--name", os.uname().nodename]
        self.children.append(self._child("worker", words, client_variables(self.plan, self.auth) | own))
        self.say("Pekerja dimulai / the worker starts")

    def _emptied_scratch(self) -> Path:
        """Make the worker's own folder for what lives as long as a run; a killed run left there what it was reading."""
        scratch = self.plan.home / "tmp"
        if str(scratch) not in values_of("TMPDIR"):
            shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        return scratch

    def _set_up(self, *tasks: str) -> Child:
        return self._child("setup", ["flows.prefect_setup", *tasks], client_variables(self.plan, self.auth))

    def _told_by(self, setup: Child) -> dict[str, list[str]]:
        server = [child for child in self.children if child.role == "server"]
        self._until(lambda: setup.exit_code == 0, [*server, setup])
        return json.loads(next(line for line in reversed(setup.said()) if line.startswith("{")))

    def _child(self, role: str, command: Sequence[str], variables: Mapping[str, str]) -> Child:
        log = self.plan.settings.logs.absolute() / f"{role}.log"
        child = Child(role, [sys.executable, "-m", *command], {**variables, **mark_of(self.family, role)}, log)
        child.start()
        return child

    def _until(self, reached: Callable[[], bool], needed: Sequence[Child]) -> None:
        """Wait until something is reached.

        Raises:
            ServeError: a process that is needed for it ended, or it takes too long.
            _StoppedError: a signal said to stop.
        """
        deadline = time.monotonic() + START_SECONDS
        while not reached():
            for child in needed:
                if child.exit_code is not None and not reached():
                    raise ServeError(child.death())
            if time.monotonic() > deadline:
                raise ServeError(f"nothing after {START_SECONDS} seconds; see {self.plan.settings.logs}")
            if self.stop.wait(0.1):
                raise _StoppedError

    def _watch(self) -> None:
        """Look after the processes until a signal says to stop."""
        while not self.stop.wait(0.5):
            self._keep_guard()
            for child in self.children:
                if child.exit_code is not None:
                    self._revive(child)

    def _keep_guard(self) -> None:
        """See to it that there is somebody who ends the others should this process be killed."""
        if (self.plan.server or self.plan.worker) and (self.guard is None or self.guard.poll() is not None):
            self.guard = start_guard(self.family, self.locks)

    def _revive(self, child: Child) -> None:
        """Start a process that died again, unless it dies too often."""
        self.say(child.death())
        now = time.monotonic()
        recent = [start for start in child.started if now - start < WITHIN_SECONDS]
        if len(recent) > RESTARTS:
            raise ServeError(f"{_NAMES[child.role]} died {len(recent)} times in {WITHIN_SECONDS // 60} minutes")
        self.say(f"{_NAMES[child.role]}: dimulai lagi / started again ({len(recent)} of {RESTARTS})")
        if self.stop.wait(PAUSE_SECONDS * len(recent)):
            return
        if child.role == "worker":
            self._told_by(self._set_up("mend"))
        child.start()

    @contextmanager
    def _signals(self) -> Generator[None]:
        """Let the usual signals say to stop; a second one kills at once."""
        usual = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # Under nohup the end of the terminal is to be survived.
        caught = [number for number in usual if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._on_signal) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module calls it so
        if self.stop.is_set():
            kill_family(self.family)
        self.stop.set()

    def _end(self) -> None:
        end_family(self.family, lambda role: self.say(f"Berhenti / stopping: {_NAMES[role]}"))
        for child in self.children:
            if child.process is not None:
                child.process.wait()
        if self.guard is not None and self.guard.stdin is not None:
            self.guard.stdin.close()
            self.guard.wait()
