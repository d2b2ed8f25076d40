"""`cakupan serve` as its user has it: real server, worker and browser-side answers; stopped, killed, started again."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore
from pydantic import SecretStr

from flows.family import kill_family
from flows.prefect_setup import AUTOMATIONS, SetupError, automations_in, set_automations
from flows.serve import RESTARTS, Child, Plan, ServeError, Serving
from tests.postgres import postgres
from tests.support import ROOT, Home, command, free_port

PASSWORD = "cakupan:kata-sandi-uji"  # noqa: S105 - of servers that live as long as a test
FIRST_PAGE_SECONDS = 60
SLOW_FLOW = """
import subprocess, sys, time
from prefect import flow

@flow
def slow():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
    time.sleep(300)
"""
SLOW_YAML = """
name: slow
deployments:
  - {name: slow, entrypoint: "slow.py:slow", work_pool: {name: cakupan}}
"""


@dataclass
class Served:
    """A running `cakupan serve`."""

    home: Home
    process: "subprocess.Popen[str]"
    ready: dict[str, Any]
    auth: str

    def ask(self, path: str, body: Any = None, *, auth: str | None = "", **headers: str) -> httpx.Response:
        """Ask the API; with its own password unless another, or none, is given."""
        password = self.auth if auth == "" else auth
        user = None if password is None else httpx.BasicAuth(*password.split(":", 1))
        method = "GET" if body is None else "POST"
        address = f"{self.ready['api']}/{path}"
        return httpx.request(method, address, json=body, auth=user, headers=headers, timeout=30)

    def names(self, what: str) -> list[str]:
        """Give the names of all deployments, work pools, automations or flow runs."""
        return sorted(entry["name"] for entry in self.ask(f"{what}/filter", {}).raise_for_status().json())

    @property
    def printed(self) -> str:
        """What was said so far, by it and by what it started."""
        texts = [self.home.root / "out.txt", self.home.root / "err.txt", *(self.home.root / "log").glob("*.log")]
        return "\n".join(text.read_text(encoding="utf-8") for text in texts)

    def end(self, how: signal.Signals) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def environment(home: Home, **more: str) -> dict[str, str]:
    folders = {name: str(home.root / name.lower()) for name in ("SECRETS", "CACHE")}
    own = {f"CAKUPAN_{name}": folder for name, folder in folders.items()}
    own |= {"CAKUPAN_PREFECT_HOME": str(home.root / "prefect"), "CAKUPAN_LOGS": str(home.root / "log")}
    return home.environment(**own, **more)


@contextmanager
def served(home: Home, *options: str, **more: str) -> Generator[Served]:
    """Start it elsewhere than in the project's folder, wait until it says that it is ready; end it afterwards."""
    ports = ("--port", str(free_port()), "--report-port", str(free_port()))
    out, err = home.root / "out.txt", home.root / "err.txt"
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            command("serve", *ports, "--json", *options), cwd=home.root, stdout=stdout, stderr=stderr, text=True,
            env=environment(home, **more) | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or out.read_text(encoding="utf-8").endswith("}\n"), 150)
        assert process.poll() is None, err.read_text(encoding="utf-8")
        ready = json.loads(out.read_text(encoding="utf-8"))
        auth = more.get("CAKUPAN_PREFECT_AUTH") or (home.root / "secrets" / "prefect.auth").read_text().strip()
        yield Served(home, process, ready, auth)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        until(lambda: processes_of(home) == {})


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_of(home: Home) -> dict[int, str]:
    """Give all processes that work in a home, by their numbers; found without any help of the code under test."""
    needle, found = f"CAKUPAN_PREFECT_HOME={home.root / 'prefect'}".encode(), dict[int, str]()
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and needle in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def worker_of(home: Home) -> int | None:
    """Give the process of a home's worker."""
    return next((pid for pid, words in processes_of(home).items() if "prefect worker start" in words), None)


def deployments_of_the_project() -> list[str]:
    document = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return sorted(entry["name"] for entry in document["deployments"])


def automation(description: str = "one") -> AutomationCore:
    return AutomationCore.model_validate(
        {
            "name": "uji",
            "description": description,
            "trigger": {
                "type": "event",
                "expect": ["prefect.flow-run.Crashed"],
                "posture": "Reactive",
                "threshold": 1,
                "within": 0,
            },
            "actions": [{"type": "cancel-flow-run"}],
        }
    )


async def _automations(served_: Served, wanted: list[AutomationCore], *, off: bool = False) -> None:
    async with PrefectClient(served_.ready["api"], auth_string=served_.auth) as client:
        await set_automations(client, wanted)
        if off:
            [standing] = await client.read_automations_by_name("uji")
            await client.pause_automation(standing.id)
            await client.create_automation(wanted[0])


@pytest.mark.slow
def test_one_command_serves_this_machine_and_a_second_start_doubles_nothing(home: Home) -> None:
    with served(home) as first:
        assert first.ready["first_page_seconds"] < FIRST_PAGE_SECONDS
        print(f"first page after {first.ready['first_page_seconds']} s, ready after {first.ready['seconds']} s")
        assert_only_with_the_password(first)
        assert_its_pages_ask_nobody_else(first)
        assert first.names("work_pools") == ["cakupan"]
        assert first.names("deployments") == first.ready["deployments"] == deployments_of_the_project()
        assert first.names("automations") == sorted(one.name for one in automations_in(AUTOMATIONS))
        until(lambda: [worker["status"] for worker in workers_of(first)] == ["ONLINE"])
        assert "Belum ada build yang terbit" in httpx.get(first.ready["report"]).text
        asyncio.run(_automations(first, [automation()], off=True))
        identity = {d["name"]: d["id"] for d in first.ask("deployments/filter", {}).json()}
        assert first.ask(f"deployments/{identity['nightly']}/pause_deployment", {}).is_success
        assert_a_second_one_is_refused(first)
        assert first.end(signal.SIGINT) == 0
        assert processes_of(home) == {}
        assert first.auth.split(":")[1] not in first.printed
        assert "Berhenti / stopping: pekerja / worker" in first.printed
    with served(home) as second:
        assert second.auth == first.auth
        asyncio.run(_automations(second, [automation("two")]))
        found = [entry for entry in second.ask("automations/filter", {}).json() if entry["name"] == "uji"]
        assert [(entry["description"], entry["enabled"]) for entry in found] == [("two", False)]
        deployed = second.ask("deployments/filter", {}).json()
        assert {d["name"]: d["id"] for d in deployed} == identity
        assert {d["name"]: d["paused"] for d in deployed if d["paused"]} == {"nightly": True}
        assert second.ready["paused"] == ["nightly"]
        assert {len(d["schedules"]) for d in deployed} <= {0, 1}
        worker = worker_of(home)
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker_of(home) not in (None, worker), 120)
        assert second.process.poll() is None
        assert "pekerja / worker berakhir / ended (exit -9)" in second.printed
        assert second.end(signal.SIGTERM) == 0
        assert processes_of(home) == {}


def assert_only_with_the_password(one: Served) -> None:
    assert one.ask("flows/count", {}, auth=None).status_code == 401
    assert one.ask("flows/count", {}, auth="cakupan:another-one").status_code == 401
    assert one.ask("flows/count", {}).status_code == 200
    kept = one.home.root / "secrets" / "prefect.auth"
    assert one.ready["password_in"] == str(kept)
    for path in (kept, *(one.home.root / "log").glob("*.log")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((one.home.root / "prefect").stat().st_mode) == 0o700


def assert_its_pages_ask_nobody_else(one: Served) -> None:
    origin = one.ready["api"].removesuffix("/api")
    own, other = (one.ask("flows/count", {}, Origin=name) for name in (origin, "https://evil.test"))
    assert own.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in other.headers
    page = httpx.get(one.ready["ui"], headers={"Accept": "text/html"})
    assert (page.status_code, "default-src 'self'" in page.headers["content-security-policy"]) == (200, True)
    assert httpx.get(f"{origin}/ui-settings").json()["api_url"] == "/api"
    assert one.ask("admin/settings").json()["server"]["analytics_enabled"] is False


def assert_a_second_one_is_refused(one: Served) -> None:
    port = one.ready["api"].split(":")[2].split("/")[0]
    free = ("--report-port", str(free_port()))
    same_folder = subprocess.run(
        command("serve", "--port", str(free_port()), *free), cwd=ROOT, env=environment(one.home),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (same_folder.returncode, f"process {one.process.pid} already serves" in same_folder.stderr) == (2, True)
    another = Home(one.home.root / "another")
    another.root.mkdir()
    same_port = subprocess.run(
        command("serve", "--port", port, *free), cwd=ROOT, env=environment(another),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (same_port.returncode, "a Prefect server already answers on port" in same_port.stderr) == (2, True)


def workers_of(one: Served) -> list[dict[str, Any]]:
    return one.ask("work_pools/cakupan/workers/filter", {}).json()


def state_of(one: Served, run: str) -> str:
    return one.ask(f"flow_runs/{run}").json()["state_type"]


def start_slow_run(one: Served) -> str:
    """Deploy a flow that would go on for ever, with a child of its own; give its run, once it is at work."""
    folder = one.home.root / "slow"
    folder.mkdir(exist_ok=True)
    (folder / "slow.py").write_text(SLOW_FLOW, encoding="utf-8")
    (folder / "prefect.yaml").write_text(SLOW_YAML, encoding="utf-8")
    own = {"PREFECT_API_URL": one.ready["api"], "PREFECT_API_AUTH_STRING": one.auth, "PREFECT_HOME": str(folder)}
    deploy = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    subprocess.run(deploy, cwd=folder, env=one.home.environment(**own), check=True, capture_output=True, timeout=120)
    deployment = one.ask("deployments/name/slow/slow").json()["id"]
    run: str = one.ask(f"deployments/{deployment}/create_flow_run", {}).json()["id"]
    until(lambda: state_of(one, run) == "RUNNING")
    until(lambda: any("time.sleep(300)" in words for words in processes_of(one.home).values()))
    return run


@pytest.mark.exhaustive
def test_on_postgresql_whatever_is_killed_leaves_no_process_and_no_run_at_work(home: Home) -> None:
    with postgres() as address:
        secret = address.split(":")[2].split("@")[0]
        more = {"CAKUPAN_PREFECT_DATABASE_URL": address, "CAKUPAN_PREFECT_AUTH": PASSWORD}
        with served(home, **more) as first:
            assert (first.ready["database"], first.ready["password_in"]) == ("postgresql", "CAKUPAN_PREFECT_AUTH")
            run = start_slow_run(first)
            power_goes(home)
        with served(home, **more) as second:
            assert state_of(second, run) == "CRASHED"
            assert second.ready["mended"] == [second.ask(f"flow_runs/{run}").json()["name"]]
            start_slow_run(second)
            second.process.kill()
            second.process.wait()
            until(lambda: processes_of(home) == {})
            assert [word for word in (secret, PASSWORD.split(":")[1]) if word in second.printed] == []


def power_goes(home: Home) -> None:
    """Kill everything that works in a home, the guard too."""
    while processes_of(home):
        for pid in processes_of(home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_automations_in_another_form_are_refused_by_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "automations.yaml"
    assert automations_in(path) == []
    path.write_text("automations: [{name: x}]", encoding="utf-8")
    with pytest.raises(SetupError, match=r"automations\.yaml is not in Prefect's form"):
        automations_in(path)


@pytest.fixture
def serving(home: Home) -> Iterator[tuple[Serving, list[str]]]:
    """Give one that serves nothing yet, and what it says."""
    said: list[str] = []
    settings = home.settings().model_copy(
        update={"prefect_home": home.root / "prefect", "logs": home.root / "log", "prefect_auth": SecretStr(PASSWORD)}
    )
    one = Serving(Plan(settings, free_port(), free_port(), report=False), said.append)
    yield one, said
    kill_family(one.family)


def test_a_process_that_dies_again_and_again_is_given_up_with_what_it_said(
    serving: tuple[Serving, list[str]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, said = serving
    monkeypatch.setattr("flows.serve.PAUSE_SECONDS", 0)
    dying = [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"]
    child = Child("server", dying, dict(os.environ), home.root / "log" / "server.log")

    def start() -> dict[str, Any]:
        child.start()
        one.children.append(child)
        return {}

    monkeypatch.setattr(one, "_start", start)
    with pytest.raises(ServeError, match=rf"died {RESTARTS + 1} times in 10 minutes") as given_up:
        one.run(lambda _found: None)
    assert given_up.value.code == 1
    told = [line for line in said if "exit 3" in line]
    assert len(told) == RESTARTS + 1
    assert all("  | no such luck" in line for line in told)


def test_a_database_out_of_reach_ends_with_one_and_a_taken_port_with_two(home: Home) -> None:
    unreachable = f"postgresql+asyncpg://u:kata-sandi@127.0.0.1:{free_port()}/x"
    done = subprocess.run(
        command("serve", "--port", str(free_port()), "--report-port", str(free_port())), cwd=ROOT,
        env=environment(home, CAKUPAN_PREFECT_DATABASE_URL=unreachable), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, "is out of reach" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert "kata-sandi" not in done.stderr
