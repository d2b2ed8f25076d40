"""A night whose files are read by a Dask cluster: the same bytes of every mart, on a shared folder, whoever dies."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.dask_bench import NIGHT, Cluster, dask_cluster
from tests.prefect_bench import Bench, bench, prefect_environment, wait_until
from tests.support import AS_OF, PERSON_KEY, SAMPLE, Home, free_port, marts_of, target

pytestmark = pytest.mark.exhaustive

WORKERS = ("satu", "dua")
DONE = "Finished in state Completed"


@dataclass(frozen=True)
class Ended:
    """How a night ended."""

    code: int
    report: dict[str, Any]
    said: str


def workers_environment(home: Home) -> dict[str, str]:
    """Give the variables of a worker: the key and the limits, and nothing of landing zone, lake or builds."""
    others = {name: value for name, value in home.environment().items() if not name.startswith("CAKUPAN_")}
    given = {"CAKUPAN_PERSON_KEY": PERSON_KEY, "CAKUPAN_MEMORY_LIMIT": "1GB", "CAKUPAN_THREADS": "1"}
    return prefect_environment(home.root / "workers", others | given)


def on_cluster(home: Home, server: Bench, address: str) -> Ended:
    """Run a night through Prefect with its files on a cluster."""
    given = {"CAKUPAN_RUNNER": "dask", "CAKUPAN_DASK_ADDRESS": address}
    prefect = {name: value for name, value in server.environment.items() if name.startswith("PREFECT_")}
    done = home.cakupan(*NIGHT[1:], "--as-of", AS_OF.isoformat(), "--json", **given, **prefect)
    return Ended(done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give a Prefect server."""
    home = Home(tmp_path_factory.mktemp("server"))
    with bench(home.root, home.environment()) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster of two workers."""
    home = Home(tmp_path_factory.mktemp("cluster"))
    with dask_cluster(home.root, workers_environment(home), *WORKERS) as made:
        yield made


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give the report and the marts of the plain night on the sample."""
    home = Home(tmp_path_factory.mktemp("plain"))
    shutil.copytree(SAMPLE, home.landing)
    done = home.cakupan("run", "--as-of", AS_OF.isoformat(), "--json")
    assert done.returncode == 3, done.stderr
    return json.loads(done.stdout), marts_of(home.publication.root / "current")


def confirm_same(home: Home, ended: Ended, plain: tuple[dict[str, Any], dict[str, bytes]]) -> None:
    """Make sure that a night gave what the plain one gave."""
    assert ended.code == 3, ended.said[-3000:]
    assert {**ended.report, "build_id": ""} == {**plain[0], "build_id": ""}
    assert marts_of(home.publication.root / "current") == plain[1] != {}


def test_two_workers_give_the_bytes_of_the_plain_night(
    home: Home, server: Bench, cluster: Cluster, plain: tuple[dict[str, Any], dict[str, bytes]]
) -> None:
    shutil.copytree(SAMPLE, home.landing)
    ended = on_cluster(home, server, cluster.address)
    confirm_same(home, ended, plain)
    by_worker = [cluster.log(name).count(DONE) for name in WORKERS]
    assert all(by_worker)
    assert sum(by_worker) == len(ended.report["files"])
    tasks = server.states("task_runs")
    assert {tasks[name] for name in tasks if name.startswith("load ")} == {"Completed"}
    assert "load participants SLK 2026-10 export.csv" in tasks


def test_a_worker_that_is_killed_changes_nothing(
    home: Home, server: Bench, cluster: Cluster, plain: tuple[dict[str, Any], dict[str, bytes]]
) -> None:
    shutil.copytree(SAMPLE, home.landing)
    before = {name: cluster.log(name).count(DONE) for name in WORKERS}

    def done(name: str) -> int:
        return cluster.log(name).count(DONE) - before[name]

    with ThreadPoolExecutor(1) as aside:
        night = aside.submit(on_cluster, home, server, cluster.address)
        wait_until(lambda: done("satu") > 0 or night.done(), 180, lambda: cluster.log("satu"), pause=0.02)
        cluster.kill("satu")
        assert not night.done()
        ended = night.result()
    confirm_same(home, ended, plain)
    assert 0 < done("satu") < done("dua")


def test_a_scheduler_out_of_reach_is_said_in_a_sentence(home: Home, server: Bench) -> None:
    home.put("targets/t.csv", [target()])
    address = f"tcp://127.0.0.1:{free_port()}"
    ended = on_cluster(home, server, address)
    assert ended.code == 5, ended.said[-3000:]
    assert f"cakupan: the Dask scheduler at {address} does not answer; start it, or name another" in ended.said
    assert "Traceback" not in ended.said
    assert "Cluster out of reach" in [run["state_name"] for run in server.ask("flow_runs")]
