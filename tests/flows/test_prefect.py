"""The real Prefect, without and with a server: the flow ends as the plain night does, and its logs name nobody."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.postgres import postgres
from tests.prefect_bench import Bench, bench, prefect_environment, variables
from tests.support import AS_OF, ROOT, SAMPLE, Home, marts_of, participant

pytestmark = pytest.mark.slow

BROKEN_NIK = "9913010302"
EXPORT = "participants/SLK/2026-10/export.csv"
LOADED = (
    "load participants SLK 2026-10 export.csv",
    "load recaps bali_denpasar.csv",
    "load targets bali_denpasar_2017.csv",
)
COMMITTED = ("commit participants", "commit recaps", "commit targets")


def land(home: Home) -> None:
    """Land published figures and four invented people."""
    for file in ("recaps/bali_denpasar.csv", "targets/bali_denpasar_2017.csv"):
        home.put(file, (SAMPLE / file).read_bytes())
    home.put(EXPORT, [participant(1), participant(2, nik=BROKEN_NIK), participant(3), participant(4)])


def names_somebody(text: str) -> bool:
    """Tell whether a text holds a NIK, a KPJ, a name or a birth date of the landed people."""
    return any(
        re.search(shape, text) for shape in (r"(?<!\d)99130\d{5,}", r"(?<!\d)0000000000\d", "Rekaan", "1990-02-03")
    )


def test_the_search_for_people_finds_them_in_the_landed_file(home: Home) -> None:
    land(home)
    for line in (home.landing / EXPORT).read_text().splitlines()[1:]:
        cells = line.split(",")
        assert [names_somebody(cell) for cell in cells[:4]] == [True] * 4


NIGHT = ("run", "--as-of", AS_OF.isoformat(), "--json")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give what the plain night reports and publishes."""
    home = Home(tmp_path_factory.mktemp("plain"))
    land(home)
    done = home.cakupan(*NIGHT)
    assert done.returncode == 0, done.stderr[-2000:]
    return report_of(done.stdout), marts_of(home.publication.root / "current")


def report_of(printed: str) -> dict[str, Any]:
    """Give what a night reports, without the name of its build."""
    report: dict[str, Any] = json.loads(printed)
    report.pop("build_id")
    return report


def test_the_flow_gives_what_the_plain_night_gives(home: Home, plain: tuple[dict[str, Any], dict[str, bytes]]) -> None:
    land(home)
    as_flow = home.cakupan(*NIGHT, "--prefect", **prefect_environment(home.root, {}))
    assert as_flow.returncode == 0, as_flow.stderr[-2000:]
    report, marts = plain
    assert report_of(as_flow.stdout) == report
    assert report["lines"]["quarantined"] == 1
    assert marts_of(home.publication.root / "current") == marts != {}
    assert all(f"Task run '{step}" in as_flow.stderr for step in ("land", *LOADED, *COMMITTED, "build and check"))
    assert not names_somebody(as_flow.stderr)


# --- with a server and a worker ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Bench]]:
    """Give a home with a landing zone, and a server with deployments and a worker."""
    home = Home(tmp_path_factory.mktemp("served"))
    land(home)
    with postgres() as database, bench(home.root / "server", variables(home, database), is_warm=True) as server:
        server.deploy()
        server.start_worker()
        yield home, server


@pytest.fixture(scope="module")
def night(served: tuple[Home, Bench]) -> dict[str, Any]:
    """Give the first night, started from its form."""
    _, server = served
    return server.ended(server.create_run(as_of=AS_OF.isoformat()))


def test_a_night_from_its_form_gives_what_the_plain_night_gives(
    served: tuple[Home, Bench], night: dict[str, Any], plain: tuple[dict[str, Any], dict[str, bytes]]
) -> None:
    home, server = served
    assert (night["name"], night["state_name"]) == (f"night {AS_OF}", "Published"), night["state"]
    promoted = home.publication.promoted_id()
    done = {name for name, state in server.states("task_runs").items() if state == "Completed"}
    assert done >= {"land", *LOADED, *COMMITTED, f"build and check {AS_OF}", f"promote {promoted}"}
    assert marts_of(home.publication.root / "current") == plain[1] != {}


def test_a_night_leaves_tables_and_the_way_to_its_build(served: tuple[Home, Bench], night: dict[str, Any]) -> None:
    home, server = served
    left = {key: json.loads(data) if str(data).startswith("[{") else data
            for key, data in server.artifacts(night["id"]).items()}  # fmt: skip
    assert left.keys() == {"progress", "files", "quarantine", "attainment", "late-offices", "checks", "build"}
    denpasar = next(row for row in left["attainment"] if row["Kantor"] == "Bali Denpasar")
    assert (denpasar["Realisasi"], denpasar["Target"], denpasar["Perlu/bulan"]) == ("7.708", "22.964", "3.051,2")
    assert left["progress"] == 100
    assert [row["Hasil / Verdict"] for row in left["files"]] == ["partly_quarantined", "loaded", "loaded"]
    assert [(row["Data"], row["Baris / Lines"]) for row in left["quarantine"]] == [("participants", 1)]
    assert f"/builds/{home.publication.promoted_id()}/" in left["build"]


def test_logs_and_artifacts_name_nobody(served: tuple[Home, Bench], night: dict[str, Any]) -> None:
    _, server = served
    assert "Finished in state" in server.logged()
    assert not names_somebody(server.logged())
    assert not names_somebody(json.dumps(server.artifacts(night["id"])))


@pytest.mark.usefixtures("night")
def test_a_gate_that_fails_is_a_failed_run_with_a_page_that_says_what_to_do(served: tuple[Home, Bench]) -> None:
    home, server = served
    promoted = home.publication.promoted_id()
    home.put(EXPORT, [participant(1)])
    failed = server.ended(server.create_run(as_of=AS_OF.isoformat()))
    assert (failed["state_type"], failed["state_name"]) == ("FAILED", "Gate failed"), failed["state"]
    page = server.artifacts(failed["id"])["gate"]
    assert "core.participants · row_count" in page
    assert "minta dan daratkan ekspor utuh" in page
    assert home.publication.promoted_id() == promoted
    tried = [run for run in server.ask("task_runs") if run["flow_run_id"] == failed["id"]]
    assert {run["run_count"] for run in tried if run["name"].startswith("build")} == {1}


@pytest.mark.usefixtures("night")
def test_a_sweep_between_nights_lands_without_a_build(served: tuple[Home, Bench]) -> None:
    home, server = served
    builds = len(home.publication.builds())
    home.put("targets/later.csv", (SAMPLE / "targets/contoh_2026.csv").read_bytes())
    swept = server.ended(server.create_run("land/land"))
    assert (swept["state_name"], swept["name"][:4]) == ("Landed", "land")
    assert len(home.publication.builds()) == builds


@pytest.mark.usefixtures("night")
def test_a_build_is_promoted_from_a_form(served: tuple[Home, Bench]) -> None:
    home, server = served
    good = next(build.build_id for build in reversed(home.publication.builds()) if build.result != "failure")
    assert server.ended(server.create_run("promote/promote", build_id=good))["state_name"] == "Promoted"
    assert home.publication.promoted_id() == good


def is_refused(server: Bench, form: dict[str, Any]) -> bool:
    """Tell whether a form is turned down, by the server or by the flow before it begins."""
    try:
        run_id = server.create_run(**form)
    except httpx.HTTPStatusError as refused:
        return refused.response.status_code == 409
    return server.ended(run_id)["state_type"] == "FAILED"


@pytest.mark.usefixtures("night")
def test_months_are_read_again_and_old_things_go_from_forms(served: tuple[Home, Bench]) -> None:
    home, server = served
    promoted = home.publication.promoted_id()
    again = server.ended(server.create_run("backfill/backfill", first="2026-10", last="2026-10", dry_run=True))
    assert (again["state_name"], again["name"]) == ("Planned", "backfill 2026-10 2026-10"), again["state"]["message"]
    assert "reload" in str(server.artifacts(again["id"])["plan"])
    swept = server.ended(server.create_run("retention/retention", dry_run=True))
    assert swept["state_name"] in ("Dry run", "Nothing to remove"), swept["state"]["message"]
    assert home.publication.promoted_id() == promoted


def test_a_form_that_is_filled_in_wrongly_is_not_run(served: tuple[Home, Bench]) -> None:
    _, server = served
    assert is_refused(server, {"office": ["../x"]})


def test_every_deployment_waits_its_turn_and_carries_the_version(served: tuple[Home, Bench]) -> None:
    _, server = served
    found = {deployment["name"]: deployment for deployment in server.ask("deployments")}
    assert found.keys() >= {"nightly", "land", "sync-labour-force", "promote", "backfill", "retention"}
    for name, deployment in found.items():
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE", name
        assert deployment["global_concurrency_limit"]["limit"] == 1, name
        assert deployment["version"] == "0.1.0", name
        assert "cakupan" in deployment["tags"], name
        assert "form" in deployment["parameter_openapi_schema"]["properties"], name
        assert deployment["description"], name
        assert deployment["job_variables"]["env"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}, name
    schedule = found["nightly"]["schedules"][0]["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("30 1 * * *", "Asia/Jakarta")


def test_the_deployments_need_no_network() -> None:
    description = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    assert "pull" not in description
    for deployment in description["deployments"]:
        file, _, flow = deployment["entrypoint"].partition(":")
        assert f"def {flow}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_deployments_bear_the_version_of_the_project() -> None:
    description = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    (project,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert {deployment["version"] for deployment in description["deployments"]} == {project}
