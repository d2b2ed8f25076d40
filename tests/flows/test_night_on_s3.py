"""The night on S3: landing zone, lake and builds in buckets, the same figures as in folders."""

import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.s3_credentials import credential_server
from tests.s3_gate import Refusal, Request, gate_before
from tests.s3_home import S3Home
from tests.support import ROOT, SAMPLE, Home, TrustingJudge, marts_of, target
from tests.warm import cold_cli
from warehouse.lease import lease

pytestmark = pytest.mark.slow
DENPASAR = "SELECT actual, target, gap FROM marts.target_attainment WHERE geo_code = 'DPS' AND as_of = '2017-07-31'"


@pytest.fixture(scope="module")
def home(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> S3Home:
    """Give a home in a bucket in which the sample has landed."""
    made = S3Home.new(endpoint, tmp_path_factory.mktemp("s3") / "machine")
    made.land_sample()
    return made


@pytest.fixture(scope="module")
def night(home: S3Home) -> Any:
    """Run the night once."""
    return home.answer("run", "--as-of", "2026-11-21")


def test_denpasar_is_read_on_a_machine_that_never_saw_the_night(home: S3Home, night: Any, tmp_path: Path) -> None:
    assert night["promoted"] is True
    (row,) = home.seen_from(tmp_path / "fresh").answer("query", DENPASAR + " AND target IS NOT NULL")
    assert (row["actual"], row["target"], row["gap"]) == (7708, 22964, 15256)
    assert home.seen_from(tmp_path / "third").answer("verify")["intact"] is True


@pytest.mark.usefixtures("trusting")
def test_the_marts_have_the_bytes_of_a_night_on_folders(home: S3Home, night: Any, tmp_path: Path) -> None:
    folders = Home(tmp_path)
    shutil.copytree(SAMPLE, folders.landing)
    assert folders.run().exit_code == 3
    assert home.marts(night["build_id"]) == marts_of(folders.publication.root / "current")


def test_a_night_without_news_reads_and_builds_nothing(home: S3Home, night: Any, tmp_path: Path) -> None:
    with gate_before(str(home.bucket.access.endpoint_url)) as gate:
        elsewhere = home.seen_from(tmp_path / "fresh").through(gate.address)
        again = elsewhere.answer("run", "--as-of", "2026-11-21")
        assert (again["result"], again["build_id"]) == ("unchanged", night["build_id"])
        assert gate.asked("^GET .*/data/landing/") == []
        assert gate.asked("^(PUT|POST) .*(_delta_log|/raw/|/builds/|seen)") == []
    assert not elsewhere.bucket.below("landing").root.exists()


@pytest.mark.usefixtures("night")
def test_another_run_at_work_is_exit_six(home: S3Home) -> None:
    with lease(home.bucket.below("lake")):
        done = home.cakupan("run")
    assert (done.returncode, '"host"' in done.stderr) == (6, True)


@pytest.mark.usefixtures("night")
def test_a_bucket_that_is_not_there_is_a_missing_source(home: S3Home) -> None:
    done = home.cakupan("run", "--landing", "s3://tidak-ada-di-sini/x")
    assert (done.returncode, "tidak-ada-di-sini" in done.stderr) == (5, True)


@pytest.mark.usefixtures("night")
def test_a_machine_keeps_no_copy_of_what_landed(home: S3Home) -> None:
    assert not home.bucket.below("landing").root.exists()
    assert not home.bucket.below("lake/raw").root.exists()


@pytest.mark.usefixtures("night")
def test_the_doctor_looks_at_buckets(home: S3Home) -> None:
    findings = {finding["what"]: finding for finding in home.answer("doctor")}
    assert (findings["lake"]["found"], findings["lake"]["fit"]) == (f"{home.bucket.uri}/lake", True)
    assert findings["landing"]["fit"] is True
    assert "names no bucket" in home.cakupan("doctor", CAKUPAN_LAKE="s3://").stderr
    sick = home.cakupan("doctor", CAKUPAN_S3_ENDPOINT_URL="http://127.0.0.1:9")
    assert (sick.returncode, sick.stdout.count("is out of reach")) == (1, 3)


def test_the_command_line_needs_no_s3_library_for_folders() -> None:
    program = "import sys; import flows.cli; print('boto3' in sys.modules or 'moto' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_night_outlives_its_credentials(s3_address: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each credential is refused three seconds after it was handed out: nothing holds one for longer."""
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)
    handed: dict[str, float] = {}

    def judge(request: Request) -> Refusal | None:
        key = request.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        since = handed.setdefault(key, time.monotonic())
        return Refusal(400, "ExpiredToken") if time.monotonic() - since > 3 else None

    with credential_server(timedelta(minutes=5)) as (address, given), gate_before(s3_address("moto")) as gate:
        gate.judge = judge
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        home = S3Home.new(s3_address("moto"), tmp_path / "machine")
        home.land_sample("participants/SLK", "targets")
        chained = home.through(gate.address)
        report = chained.run(s3_access_key_id=None, s3_secret_access_key=None)
    assert report.promoted
    assert len(given) > 10
    assert max(handed.values()) - min(handed.values()) > 3


@pytest.mark.usefixtures("trusting")
def test_a_full_cache_is_told_in_one_line_and_the_last_build_stays(endpoint: str, tmp_path: Path) -> None:
    home = S3Home.new(endpoint, tmp_path / "machine")
    home.put("targets/t.csv", csv_of(target()))
    assert home.run().promoted
    first = home.publication.promoted_id()
    home.land_sample("participants/SLK", "recaps")
    home.forget_machine()
    done = run_with_files_up_to(home, 20_000)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be written (File too large): free some room" in done.stderr
    assert "the last promoted build stays" in done.stderr
    assert home.publication.promoted_id() == first


def csv_of(row: dict[str, Any]) -> bytes:
    return f"{','.join(row)}\n{','.join(map(str, row.values()))}\n".encode()


def run_with_files_up_to(home: S3Home, size: int) -> "subprocess.CompletedProcess[str]":
    """Run the night in a process that may not write a file beyond a size: it sees what it would on a full disk."""
    python, option, program, *words = cold_cli("run", "--json")
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n{program}"
    return subprocess.run(
        [python, option, limited, *words], cwd=home.machine, env=home.environment(), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def test_secrets_stand_in_no_line_of_a_night_that_fails(endpoint: str, tmp_path: Path) -> None:
    home = S3Home.new(endpoint, tmp_path / "machine")
    with gate_before(endpoint) as gate:
        gate.fail_always("expired")
        done = home.through(gate.address).cakupan("run")
    assert done.returncode == 1
    assert "refuses the credential" in done.stderr
    secret = home.settings().s3_secret_access_key
    assert isinstance(secret, SecretStr)
    assert secret.get_secret_value() not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
