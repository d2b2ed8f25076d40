"""The night on S3: landing zone, lake and builds in buckets, the same figures as in folders."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sources.buckets import Bucket
from sources.places import ABSENT
from tests.s3 import new_bucket, s3_endpoint
from tests.support import ROOT, SAMPLE, Home, command
from warehouse.lease import KEY, LeaseHeldError, lease

pytestmark = pytest.mark.slow
DENPASAR = "SELECT actual, target, gap FROM marts.target_attainment WHERE geo_code = 'DPS' AND as_of = '2017-07-31'"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_endpoint() as address:
        yield address


@pytest.fixture(scope="module")
def bucket(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    """Give a bucket in which the sample has landed."""
    made = new_bucket(endpoint, tmp_path_factory.mktemp("s3") / "cache", "data")
    for path in sorted(SAMPLE.rglob("*")):
        if path.is_file():
            made.write(f"landing/{path.relative_to(SAMPLE).as_posix()}", path.read_bytes())
    return made


def environment(bucket: Bucket) -> dict[str, str]:
    access = bucket.access
    assert access.secret_access_key is not None
    return {
        "CAKUPAN_LANDING": f"{bucket.uri}/landing",
        "CAKUPAN_LAKE": f"{bucket.uri}/lake",
        "CAKUPAN_PUBLISH": f"{bucket.uri}/publish",
        "CAKUPAN_CACHE": str(bucket.cache),
        "CAKUPAN_SECRETS": str(bucket.cache.parent / "secrets"),
        "CAKUPAN_S3_ENDPOINT_URL": str(access.endpoint_url),
        "CAKUPAN_S3_PATH_STYLE": "true",
        "CAKUPAN_S3_REGION": str(access.region),
        "CAKUPAN_S3_ACCESS_KEY_ID": str(access.access_key_id),
        "CAKUPAN_S3_SECRET_ACCESS_KEY": access.secret_access_key.get_secret_value(),
    }


def run(bucket: Bucket, *arguments: str, cache: Path | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own, on the bucket; another cache is another machine."""
    given = environment(bucket) | ({"CAKUPAN_CACHE": str(cache)} if cache else {}) | more
    folder = bucket.cache.parent
    clean = Home(folder).environment(**given)
    return subprocess.run(
        command(*arguments), cwd=folder, env=clean, capture_output=True, text=True, timeout=300, check=False
    )


def answer(bucket: Bucket, *arguments: str, cache: Path | None = None) -> Any:
    done = run(bucket, *arguments, "--json", cache=cache)
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def night(bucket: Bucket) -> Any:
    """Run the night on the bucket once."""
    return answer(bucket, "run", "--as-of", "2026-11-21")


def test_denpasar_is_read_on_a_machine_that_never_saw_the_night(bucket: Bucket, night: Any, tmp_path: Path) -> None:
    assert night["promoted"] is True
    (row,) = answer(bucket, "query", DENPASAR + " AND target IS NOT NULL", cache=tmp_path / "fresh")
    assert (row["actual"], row["target"], row["gap"]) == (7708, 22964, 15256)
    assert answer(bucket, "verify", cache=tmp_path / "third")["intact"] is True


def test_the_marts_have_the_bytes_of_a_night_on_folders(bucket: Bucket, night: Any, tmp_path: Path) -> None:
    home = Home(tmp_path)
    shutil.copytree(SAMPLE, home.landing)
    done = home.cakupan("run", "--as-of", "2026-11-21", "--json")
    assert done.returncode == 3, done.stderr
    folder = home.publication.folder_of(json.loads(done.stdout)["build_id"])
    for path in sorted((folder / "marts").glob("*.parquet")):
        assert bucket.read(f"publish/builds/{night['build_id']}/marts/{path.name}") == path.read_bytes(), path.name


def test_a_night_without_news_reads_and_builds_nothing(bucket: Bucket, night: Any, tmp_path: Path) -> None:
    again = answer(bucket, "run", "--as-of", "2026-11-21", cache=tmp_path / "fresh")
    assert (again["result"], again["build_id"]) == ("unchanged", night["build_id"])
    assert not (tmp_path / "fresh" / bucket.name / bucket.prefix / "landing").exists()


@pytest.mark.usefixtures("night")
def test_another_run_at_work_is_exit_six_until_its_lease_ends(bucket: Bucket) -> None:
    lake = bucket.below("lake")
    with lease(lake):
        assert run(bucket, "run").returncode == 6
        with pytest.raises(LeaseHeldError, match='"host"'), lease(lake):
            pytest.fail("two at once")
    ended = {"pid": 1, "host": "mati", "since": "2026-11-20T18:30:00+00:00", "until": "2026-11-20T18:35:00+00:00"}
    lake.write(KEY, json.dumps(ended).encode(), ABSENT)
    with lease(lake):
        standing = json.loads(lake.read(KEY) or b"{}")
        assert standing["host"] != "mati"
    assert lake.stat(KEY) is None


def test_a_run_that_lost_its_lease_promotes_nothing(bucket: Bucket) -> None:
    place = bucket.below("another lake")
    with lease(place) as held:
        held.confirm()
        place.write(KEY, b'{"host": "lain", "until": "2999-01-01T00:00:00+00:00"}')
        with pytest.raises(LeaseHeldError, match="lost its lease"):
            held.confirm()
    assert place.stat(KEY) is not None


@pytest.mark.usefixtures("night")
def test_a_bucket_that_is_not_there_is_a_missing_source(bucket: Bucket) -> None:
    done = run(bucket, "run", "--landing", "s3://tidak-ada-di-sini/x")
    assert (done.returncode, "tidak-ada-di-sini" in done.stderr) == (5, True)


@pytest.mark.usefixtures("night")
def test_a_machine_keeps_no_copy_of_what_landed(bucket: Bucket) -> None:
    assert not bucket.below("landing").root.exists()
    assert not bucket.below("lake/raw").root.exists()


@pytest.mark.usefixtures("night")
def test_the_doctor_looks_at_buckets(bucket: Bucket) -> None:
    findings = {finding["what"]: finding for finding in answer(bucket, "doctor")}
    assert (findings["lake"]["found"], findings["lake"]["fit"]) == (f"{bucket.uri}/lake", True)
    assert findings["landing"]["fit"] is True
    assert "names no bucket" in run(bucket, "doctor", CAKUPAN_LAKE="s3://").stderr
    sick = json.loads(run(bucket, "doctor", "--json", CAKUPAN_S3_ENDPOINT_URL="http://127.0.0.1:9").stdout)
    assert {f["what"]: f["fit"] for f in sick}["publish"] is False


def test_the_command_line_needs_no_s3_library_for_folders() -> None:
    program = "import sys; import flows.cli; print('boto3' in sys.modules or 'moto' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
