"""A backfill on S3: from kept bytes and new files of a bucket, on a machine that saw no night."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.backfill import BackfillRequest, run_backfill
from flows.nightly import run_night
from flows.settings import Settings, place_of
from flows.steps import Night
from sources.buckets import Bucket
from tests.flows.test_backfill import without_women
from tests.s3 import new_bucket, s3_endpoint
from tests.support import AS_OF, LIMITS, PERSON_KEY, csv_text, participant, target
from warehouse.connections import connect
from warehouse.house import House
from warehouse.publish import Publication

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trusting")]


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    """Give an empty prefix of a bucket."""
    with s3_endpoint() as address:
        yield new_bucket(address, tmp_path / "night")


def settings(bucket: Bucket, cache: Path) -> Settings:
    access = bucket.access
    return Settings(
        landing=f"{bucket.uri}/landing",
        lake=f"{bucket.uri}/lake",
        publish=f"{bucket.uri}/publish",
        cache=cache,
        person_key=SecretStr(PERSON_KEY),
        memory_limit="1GB",
        s3_endpoint_url=access.endpoint_url,
        s3_region=access.region,
        s3_path_style=access.path_style,
        s3_access_key_id=access.access_key_id,
        s3_secret_access_key=access.secret_access_key,
    )


def women(given: Settings) -> list[tuple[str, int]]:
    """Give the women in core by month."""
    core = House(place_of(given.lake, given)).core("participants").relation()
    with connect(LIMITS) as con:
        return con.execute(f"SELECT period, count(*) FROM ({core}) WHERE sex = 'P' GROUP BY 1 ORDER BY 1").fetchall()


def test_a_machine_that_saw_no_night_shows_and_promotes(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in ("2026-09", "2026-10"):
        rows = [participant(1, last_paid_period=month), participant(2, last_paid_period=month, sex="P")]
        bucket.write(f"landing/participants/SLK/{month}/a.csv", csv_text(rows).encode())
    bucket.write("landing/targets/t.csv", csv_text([target()]).encode())
    assert run_night(Night(settings(bucket, bucket.cache), AS_OF)).promoted
    bucket.remove(["landing/participants/SLK/2026-10/a.csv"])
    late = [participant(1, last_paid_period="2026-08"), participant(2, last_paid_period="2026-08", sex="P")]
    bucket.write("landing/participants/SLK/2026-08/a.csv", csv_text(late).encode())
    without_women(monkeypatch)

    given = settings(bucket, tmp_path / "other")
    request = BackfillRequest(given, "2026-08", "2026-10", as_of=AS_OF)
    shown = run_backfill(request)
    assert (shown.result, shown.plan.counts["reload"], shown.plan.counts["load"]) == ("shown", 2, 1)
    assert shown.aside is not None
    assert women(given) == [("2026-09", 1), ("2026-10", 1)]
    marts = [name for name in shown.aside.sha256 if name.startswith("marts/")]
    aside = {name: bucket.read(f"publish/aside/builds/{shown.aside.build_id}/{name}") for name in marts}

    done = run_backfill(
        BackfillRequest(settings(bucket, tmp_path / "third"), "2026-08", "2026-10", promote=True, as_of=AS_OF)
    )
    assert (done.promoted, done.aside) == (True, shown.aside)
    publication = Publication(place_of(given.publish, given))
    promoted = publication.promoted_id()
    assert {name: bucket.read(f"publish/builds/{promoted}/{name}") for name in marts} == aside
    assert women(given) == []
    assert run_night(Night(given, AS_OF)).result == "unchanged"

    left = {entry.key for entry in bucket.entries("publish/aside/")} | {e.key for e in bucket.entries("lake/aside/")}
    assert left == set()
    for cache in ("other", "third"):
        assert list((tmp_path / cache).glob("aside-*")) == []
        assert list((tmp_path / cache).rglob("raw")) == []
