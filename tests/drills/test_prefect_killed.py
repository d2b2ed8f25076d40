"""A flow, a worker or the whole host dies at a stage: nothing stays Running, and the next night publishes.

The tests run the hardest pair of what dies and when; `make drills` runs every pair.
"""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.drills.stages import STAGES
from tests.postgres import postgres
from tests.prefect_bench import COLD, Bench, bench, variables, wait_until
from tests.support import AS_OF, SAMPLE, Home, marts_of

HEARTBEAT = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
FILES = ("recaps/bali_denpasar.csv", "targets/bali_denpasar_2017.csv", "participants/SLK/2026-10/export.csv")
# Here nothing runs after the host came back, so that the dead run is found by its silence alone.
SILENT = ("host", "arrivals are recorded")
# The pointer moves within a millisecond: what is killed then has ended.
ALL = [(victim, stage) for victim in ("flow", "worker", "host") for stage in STAGES if stage != "the pointer moves"]
PAIRS = [pytest.param(*pair, marks=pytest.mark.slow if pair == SILENT else pytest.mark.exhaustive) for pair in ALL]


def land(home: Home) -> Home:
    """Land a small part of the sample."""
    for file in FILES:
        home.put(file, (SAMPLE / file).read_bytes())
    return home


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the marts of a night that nobody disturbed."""
    home = land(Home(tmp_path_factory.mktemp("undisturbed")))
    done = home.cakupan("run", "--as-of", AS_OF.isoformat())
    assert done.returncode in (0, 3), done.stderr
    return marts_of(home.publication.root / "current")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give a server with deployments, automations and a worker."""
    # What Prefect runs again by itself runs in this home.
    home = land(Home(tmp_path_factory.mktemp("server")))
    with postgres() as database, bench(home.root, variables(home, database), is_warm=True) as made:
        made.deploy()
        made.start_worker()
        yield made


def holder(home: Home) -> dict[str, Any]:
    """Give what the run at work says of itself in the lease."""
    path = home.house.root / "lease.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def reach(server: Bench, home: Home, run_id: str, stage: str) -> None:
    """Wait until a run is at a stage."""
    wait_until(
        lambda: holder(home).get("run") == run_id and STAGES[stage](home), 120, lambda: server.log("worker"), 0.002
    )


def kill(server: Bench, victim: str, flow_pid: int) -> None:
    """Kill a flow, the worker, or everything, as a power cut does."""
    if victim in ("flow", "host"):
        os.kill(flow_pid, signal.SIGKILL)
    if victim in ("worker", "host"):
        server.kill("worker")
    if victim == "host":
        server.kill("server")


def revive(server: Bench, victim: str) -> None:
    """Start again what died."""
    if victim == "host":
        server.start_server()
    if victim in ("worker", "host"):
        server.start_worker()


def nothing_is_left(server: Bench) -> bool:
    """Tell whether no run stays in a state in which it waits for somebody who is dead."""
    return {run["state_type"] for run in server.runs()} <= {"COMPLETED", "CRASHED"}


def is_run_again(server: Bench, killed: str) -> bool:
    """Tell whether a crashed night was started once more, for the date of its schedule."""
    moment = datetime.fromisoformat(server.run(killed)["expected_start_time"])
    forms = [run["parameters"].get("form", {}) for run in server.runs()]
    again = [datetime.fromisoformat(form["as_of"]) for form in forms if form.get("catch_up")]
    return again.count(moment) == 1


@pytest.mark.parametrize(("victim", "stage"), PAIRS)
def test_the_next_night_publishes_and_nothing_stays_running(
    server: Bench, tmp_path: Path, undisturbed: dict[str, bytes], victim: str, stage: str
) -> None:
    home = land(Home(tmp_path))
    settings = {"env": home.settings_as_variables() | HEARTBEAT}
    # What is killed is a process as a worker starts it; those that come after may start warm.
    cold = settings | {"command": COLD}
    killed = server.create_run(tags=["auto-scheduled"], job_variables=cold, as_of=AS_OF.isoformat())
    reach(server, home, killed, stage)
    kill(server, victim, holder(home)["pid"])
    revive(server, victim)
    if victim == "worker":
        # A flow outlives its worker, and ends well; or it went down with it.
        wait_until(lambda: holder(home) == {}, 60, lambda: server.log("worker"))
    if (victim, stage) != SILENT:
        # The hourly sweep finds the dead one by the lease, and frees its place in the queue.
        server.ended(server.create_run("land/land", job_variables=settings))
    if victim == "flow":
        wait_until(lambda: is_run_again(server, killed), 60, lambda: str(server.states()))
    wait_until(lambda: nothing_is_left(server), 180, lambda: str(server.states()))
    expected = {"COMPLETED", "CRASHED"} if victim == "worker" else {"CRASHED"}
    assert server.run(killed)["state_type"] in expected
    if (victim, stage) == SILENT:
        assert "diam 90 detik" in server.run(killed)["state"]["message"]
    after = server.ended(server.create_run(job_variables=settings, as_of=AS_OF.isoformat()))
    assert after["state_type"] == "COMPLETED", after["state"]["message"]
    if stage == "the build is finished":
        steps = [run for run in server.ask("task_runs") if run["flow_run_id"] == after["id"]]
        assert {run["state_name"] for run in steps if run["name"].startswith("build")} == {"Cached"}
    assert marts_of(home.publication.root / "current") == undisturbed != {}
    assert home.publication.damage(str(home.publication.promoted_id())) == []
    assert len([build for build in home.publication.builds() if build.result != "failure"]) == 1
    rows = home.core("participants", "count(*), count(DISTINCT (period, membership_id))")
    assert rows[0][0] == rows[0][1] > 0
    shutil.rmtree(home.root)
