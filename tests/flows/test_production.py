"""The whole of it: PostgreSQL behind the server, a worker, everything on S3, and a person at the browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from sources.buckets import Bucket
from tests.postgres import postgres
from tests.prefect_bench import ENDED, Bench, bench, variables, wait_until
from tests.s3 import new_bucket, s3_endpoint, variables_of
from tests.support import SAMPLE, Home

pytestmark = pytest.mark.slow
FOLDERS = ("recaps", "targets", "labour_force", "participants")
# No outside address, no sandbox for root.
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SMALLEST_PICTURE = 20_000


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """Give a bucket in which a part of the sample has landed."""
    with s3_endpoint() as endpoint:
        made = new_bucket(endpoint, tmp_path_factory.mktemp("s3") / "cache", "produksi")
        for path in sorted(path for folder in FOLDERS for path in (SAMPLE / folder).rglob("*") if path.is_file()):
            made.write(f"landing/{path.relative_to(SAMPLE).as_posix()}", path.read_bytes())
        yield made


@pytest.fixture(scope="module")
def server(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give a server on PostgreSQL with pages, schedules, deployments and a worker whose runs work on the bucket."""
    home = Home(tmp_path_factory.mktemp("production"))
    with (
        postgres() as database,
        bench(home.root, variables(home, database, **variables_of(bucket)), "--ui") as made,
    ):
        made.deploy()
        made.start_worker()
        yield made


@pytest.fixture(scope="module")
def page(server: Bench) -> Iterator[Page]:
    """Give a page of a real browser that waits for the server's pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        opened = browser.new_page(viewport={"width": 1400, "height": 1200}, base_url=server.address)
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def is_shown(found: Locator) -> bool:
    """Wait until a page shows something; true where it does, and an error of Playwright's own that says what not."""
    expect(found).to_be_visible(timeout=60_000)
    return True


def picture(page: Page, folder: Path, name: str) -> None:
    """Take a picture of a page, which must show something."""
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    assert path.stat().st_size > SMALLEST_PICTURE, name


def row_of_denpasar(bucket: Bucket, folder: Path) -> dict[str, Any]:
    """Read Denpasar's row as a client would: the pointer, then the Parquet file of the build that it names."""
    build = json.loads(bucket.read("publish/latest.json") or b"{}")["build_id"]
    file = folder / "target_attainment.parquet"
    file.write_bytes(bucket.read(f"publish/builds/{build}/marts/target_attainment.parquet") or b"")
    rows = pl.read_parquet(file).filter(
        (pl.col("geo_code") == "DPS")
        & (pl.col("as_of") == pl.date(2017, 7, 31))
        & (pl.col("basis") == "new_ytd")
        & pl.col("target").is_not_null()
    )
    return rows.row(0, named=True)


def start_from_form(page: Page, server: Bench) -> str:
    """Fill in the form of the night for today, start it, and give the run's id."""
    (nightly,) = [found for found in server.ask("deployments") if found["name"] == "nightly"]
    before = {run["id"] for run in server.runs()}
    page.goto(f"/deployments/deployment/{nightly['id']}/run")
    page.get_by_text("date", exact=True).first.click()
    page.get_by_text("Select date").click()
    page.get_by_role("button", name="Today").click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Submit").click()
    started: list[str] = []

    def is_started() -> bool:
        started.extend({run["id"] for run in server.runs() if run["parameters"].get("form")} - before)
        return bool(started)

    wait_until(is_started, 60, lambda: str(server.states()))
    return started[0]


def test_a_person_starts_the_night_from_its_form_and_denpasar_is_published_on_s3(
    server: Bench, page: Page, bucket: Bucket, tmp_path: Path
) -> None:
    (nightly,) = [found for found in server.ask("deployments") if found["name"] == "nightly"]
    page.goto(f"/deployments/deployment/{nightly['id']}/run")
    assert is_shown(page.get_by_text("Tanggal bisnis / Business date"))
    assert is_shown(page.get_by_text("Kantor / Offices"))
    picture(page, tmp_path, "form")
    run_id = start_from_form(page, server)
    page.goto(f"/runs/flow-run/{run_id}")
    wait_until(lambda: server.run(run_id)["state_type"] in ENDED, 240, lambda: server.log("worker"))
    run = server.run(run_id)
    assert run["state_name"] == "Published with warnings", run["state"]["message"]
    assert is_shown(page.get_by_text("Published with warnings").first)
    assert is_shown(page.get_by_text("load participants SLK 2026-10 export.csv").first)
    picture(page, tmp_path, "run")
    row = row_of_denpasar(bucket, tmp_path)
    assert (row["actual"], row["target"], row["gap"]) == (7708, 22964, 15256)
    assert row["attainment_pct"] == pytest.approx(33.5656, abs=1e-4)


def test_the_artifacts_of_the_night_are_tables_that_people_can_read(server: Bench, page: Page, tmp_path: Path) -> None:
    (run,) = [run for run in server.runs() if run["state_name"].startswith("Published")]
    found = {artifact["key"]: artifact for artifact in server.ask("artifacts")}
    page.goto(f"/artifacts/artifact/{found['attainment']['id']}")
    assert is_shown(page.get_by_text("Bali Denpasar").first)
    assert is_shown(page.get_by_text("33,57").first)
    picture(page, tmp_path, "attainment")
    page.goto(f"/runs/flow-run/{run['id']}")
    page.get_by_text("Artifacts", exact=True).last.click()
    assert is_shown(page.get_by_text("late-offices").first)
    picture(page, tmp_path, "artifacts")


def test_the_dashboard_shows_the_night(page: Page, tmp_path: Path) -> None:
    page.goto("/dashboard")
    assert is_shown(page.get_by_text("Flow Runs").first)
    assert is_shown(page.get_by_text("cakupan").first)
    picture(page, tmp_path, "dashboard")
