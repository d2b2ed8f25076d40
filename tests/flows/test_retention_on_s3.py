"""Retention of a lake and builds on S3, with the copies of them on this machine."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.nightly import run_night
from flows.retention import Retention, run_retention
from flows.settings import Settings
from flows.steps import Night
from sources.buckets import Bucket
from tests.flows.retention_home import LATE, harm, keep_answers
from tests.s3 import new_bucket, s3_endpoint
from tests.support import PERSON_KEY, TrustingJudge, csv_text, participant, target
from warehouse.house import House
from warehouse.publish import Publication

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Give a bucket; nights are quick."""
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)
    with s3_endpoint() as endpoint:
        yield new_bucket(endpoint, tmp_path / "cache", "data")


def settings(bucket: Bucket, cache: Path | None = None) -> Settings:
    access = bucket.access
    return Settings.model_validate(
        {
            "landing": f"{bucket.uri}/landing",
            "lake": f"{bucket.uri}/lake",
            "publish": f"{bucket.uri}/publish",
            "cache": cache or bucket.cache,
            "person_key": PERSON_KEY,
            "memory_limit": "1GB",
            "s3_endpoint_url": access.endpoint_url,
            "s3_region": access.region,
            "s3_path_style": True,
            "s3_access_key_id": access.access_key_id,
            "s3_secret_access_key": access.secret_access_key,
            "keep_builds": 1,
        }
    )


def late() -> datetime:
    return datetime.now(UTC) + timedelta(days=LATE)


def night(bucket: Bucket, workers: int) -> str:
    """Land an export of so many workers and run the night; gives its build."""
    bucket.write(
        "landing/participants/SLK/2026-10/a.csv",
        csv_text([participant(number + 1) for number in range(workers)]).encode(),
    )
    bucket.write("landing/targets/t.csv", csv_text([target(target=str(100 + workers))]).encode())
    report = run_night(Night(settings(bucket), date(2026, 10, 31), is_forced=True))
    assert report.build is not None
    return report.build.build_id


def keys(bucket: Bucket, prefix: str = "") -> set[str]:
    return {entry.key for entry in bucket.entries(prefix)}


def test_what_nobody_needs_goes_from_the_bucket_and_from_this_machine(bucket: Bucket, tmp_path: Path) -> None:
    builds = [night(bucket, workers) for workers in (1, 2)]
    house, publication = House(bucket.below("lake")), Publication(bucket.below("publish"))
    keep_answers(house)
    bucket.write("publish/builds/20260101T000000Z-0/marts/coverage.parquet", b"never finished")
    before = keys(bucket)
    told = run_retention(Retention(settings(bucket), is_dry_run=True, clock=late))
    assert keys(bucket) == before
    done = run_retention(Retention(settings(bucket), clock=late))
    assert {(gone.kind, gone.what) for gone in done.gone} >= {
        ("build", builds[0]),
        ("unfinished", "20260101T000000Z-0"),
        ("data", "core/participants"),
        ("raw", "participants"),
        ("raw", "bps"),
        ("copies", "lake"),
    }
    # So long after the last night, what the run itself takes out of quarantine is old at once.
    in_bucket = [gone for gone in done.gone if gone.kind != "copies"]
    assert [gone for gone in in_bucket if (gone.kind, gone.what) != ("data", "quarantine")] == [
        gone for gone in told.gone if gone.kind != "copies"
    ]
    assert publication.place.folders("builds") == [builds[1]]
    assert len(before - keys(bucket)) == sum(gone.files for gone in in_bucket if gone.kind != "quarantine")
    assert keys(bucket, "lake/lease.json") | keys(bucket, "lake/bps/lease.json") == set()
    standing = keys(bucket)
    local = {path.relative_to(bucket.root).as_posix() for path in bucket.root.rglob("*") if path.is_file()}
    assert {key for key in local if key.startswith(("lake/", "publish/"))} <= standing
    elsewhere = Bucket(bucket.name, bucket.prefix, bucket.access, tmp_path / "another machine")
    assert harm(House(elsewhere.below("lake")), Publication(elsewhere.below("publish"))) == []
    assert run_retention(Retention(settings(bucket), is_dry_run=True, clock=late)).gone == []
    newest = night(bucket, 3)
    assert publication.promoted_id() == newest
    assert harm(house, publication) == []
