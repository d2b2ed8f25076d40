"""The real Prefect, without and with a server: the flow ends as the plain night does, and its logs name nobody."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support import AS_OF, ROOT, SAMPLE, Home, marts_of, participant

pytestmark = pytest.mark.slow

BROKEN_NIK = "9913010302"
PREFECT = str(Path(sys.executable).with_name("prefect"))
STEPS = ("land", "validate and load", "build and check", "promote")
START_SECONDS = 120


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Home, Home]:
    """Give two homes with the same small landing zone: published figures and two invented people."""
    both = Home(tmp_path / "plain"), Home(tmp_path / "flow")
    people = [participant(1), participant(2, nik=BROKEN_NIK)]
    for home in both:
        for file in ("recaps/bali_denpasar.csv", "targets/bali_denpasar_2017.csv"):
            home.put(file, (SAMPLE / file).read_bytes())
        home.put("participants/SLK/2026-10/export.csv", people)
    return both


def prefect_environment(home: Home, **more: str) -> dict[str, str]:
    """Give the variables of a Prefect of its own, which tells nobody anything."""
    clean = {name: value for name, value in home.environment().items() if not name.startswith("PREFECT_")}
    own = {
        "PREFECT_HOME": str(home.root / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return clean | own | more


def names_somebody(text: str) -> bool:
    """Tell whether a text holds a NIK, a KPJ, a name or a birth date of the landed people."""
    return any(
        re.search(shape, text) for shape in (r"(?<!\d)99130\d{5,}", r"(?<!\d)0000000000\d", "Rekaan", "1990-02-03")
    )


def test_the_flow_gives_what_the_plain_night_gives(homes: tuple[Home, Home]) -> None:
    plain, flow = homes
    arguments = ("run", "--as-of", AS_OF.isoformat(), "--json")
    by_itself = plain.cakupan(*arguments)
    as_flow = flow.cakupan(*arguments, "--prefect", **prefect_environment(flow))
    assert (as_flow.returncode, by_itself.returncode) == (0, 0), as_flow.stderr[-2000:]
    reports: list[dict[str, Any]] = [json.loads(night.stdout) for night in (by_itself, as_flow)]
    for report in reports:
        report.pop("build_id")
    assert reports[0] == reports[1]
    assert reports[0]["lines"]["quarantined"] == 1
    assert marts_of(flow.publication.root / "current") == marts_of(plain.publication.root / "current") != {}
    assert all(f"Task run '{step}" in as_flow.stderr for step in STEPS)
    assert not names_somebody(as_flow.stderr)


def test_the_search_for_people_finds_them_in_the_landed_file(homes: tuple[Home, Home]) -> None:
    for line in (homes[0].landing / "participants/SLK/2026-10/export.csv").read_text().splitlines()[1:]:
        cells = line.split(",")
        assert [names_somebody(cell) for cell in cells[:4]] == [True] * 4


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def prefect_server(home: Home) -> Generator[str]:
    """Run a server of its own on a free port; give the address of its API and stop it afterwards."""
    port = free_port()
    arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui", "--no-scheduler"]
    log = (home.root / "server.log").open("w")
    with log, subprocess.Popen(
        [PREFECT, *arguments], cwd=home.root, env=prefect_environment(home), stdout=log, stderr=log,
        start_new_session=True,
    ) as server:  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}/api"
            wait_for(address, server, home.root / "server.log")
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def wait_for(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the server answers, and fail with its log where it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"the Prefect server did not answer: {log.read_text()[-2000:]}")


def ask(address: str, of: str) -> list[dict[str, Any]]:
    """Ask the REST API which flow runs, task runs, deployments or log lines there are."""
    return httpx.post(f"{address}/{of}/filter", json={}, timeout=30).raise_for_status().json()


def prefect(home: Home, address: str, folder: Path, *arguments: str) -> str:
    """Run the Prefect command line against the server; it must succeed."""
    done = subprocess.run(
        [PREFECT, *arguments], cwd=folder, env=prefect_environment(home, PREFECT_API_URL=address),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def states(runs: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Give the state of each run by its name, without the ending that Prefect adds."""
    return {re.sub(r"-[0-9a-f]{3}$", "", run["name"]): run["state_type"] for run in runs}


def test_a_server_runs_the_deployment_and_shows_its_steps(homes: tuple[Home, Home]) -> None:
    plain, flow = homes
    assert plain.cakupan("run", "--as-of", AS_OF.isoformat()).returncode == 0
    with prefect_server(flow) as address:
        prefect(flow, address, ROOT, "--no-prompt", "work-pool", "create", "cakupan", "--type", "process")
        prefect(flow, address, ROOT, "--no-prompt", "deploy", "--name", "nightly")
        schedule = ask(address, "deployments")[0]["schedules"][0]["schedule"]
        assert (schedule["cron"], schedule["timezone"]) == ("30 1 * * *", "Asia/Jakarta")
        prefect(flow, address, ROOT, "deployment", "run", "nightly/nightly", "--param", f"as_of={AS_OF}")
        told = prefect(flow, address, flow.root, "worker", "start", "--pool", "cakupan", "--run-once")
        assert states(ask(address, "flow_runs")) == {f"night {AS_OF}": "COMPLETED"}, told[-2000:]
        assert states(ask(address, "task_runs")) == dict.fromkeys(STEPS, "COMPLETED")
        logged = told + "".join(entry["message"] for entry in ask(address, "logs"))
    assert "Finished in state Completed" in logged
    assert not names_somebody(logged)
    assert marts_of(flow.publication.root / "current") == marts_of(plain.publication.root / "current") != {}


def test_the_deployment_needs_no_network() -> None:
    description = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    assert "pull" not in description
    file, _, flow = description["deployments"][0]["entrypoint"].partition(":")
    assert f"def {flow}(" in (ROOT / file).read_text(encoding="utf-8")
