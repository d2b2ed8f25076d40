"""A lease on a bucket: kept while its holder lives, judged by the clock of S3, and lost for good once it is taken."""

import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sources.buckets import Bucket
from sources.places import ABSENT
from tests.s3 import access_to, new_bucket
from tests.s3_gate import Gate
from warehouse.lease import KEY, Claim, LeaseHeldError, lease

pytestmark = pytest.mark.slow
SHORT = Claim(lasts=timedelta(seconds=2))


@pytest.fixture
def lake(endpoint: str, gate: Gate, tmp_path: Path) -> Bucket:
    return replace(new_bucket(endpoint, tmp_path / "cache", "lake"), access=access_to(gate.address))


def holder(**said: object) -> bytes:
    """Write what a holder says of itself whose machine has another date."""
    return json.dumps({"pid": 1, "host": "lain", "since": "2001-01-01T00:00:00+00:00", **said}).encode()


def test_while_one_holds_it_another_is_told_by_whom(lake: Bucket) -> None:
    with lease(lake), pytest.raises(LeaseHeldError, match='"host"'), lease(lake):
        pytest.fail("two at once")
    assert lake.stat(KEY) is None


def test_a_holder_keeps_it_for_longer_than_it_lasts(lake: Bucket) -> None:
    with lease(lake, SHORT) as held:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            with pytest.raises(LeaseHeldError), lease(lake, SHORT):
                pytest.fail("two at once")
            time.sleep(0.3)
        held.confirm()


def test_clocks_of_machines_do_not_matter(lake: Bucket) -> None:
    for until in ("2001-01-01T00:05:00+00:00", "kemarin", "2999-01-01T00:00:00+00:00"):
        lake.write(KEY, holder(until=until, lasts=1))
        with pytest.raises(LeaseHeldError, match="lain"), lease(lake):
            pytest.fail("it was written just now")
    with lease(lake, Claim(wait=timedelta(seconds=10))) as held:
        assert held.died is not None
        assert held.died["host"] == "lain"


def test_who_lost_it_is_told_and_takes_nothing_back(lake: Bucket) -> None:
    with lease(lake) as zombie:
        zombie.confirm()
        lake.write(KEY, holder(until="2999-01-01T00:00:00+00:00"))
        with pytest.raises(LeaseHeldError, match="lost its lease"):
            zombie.confirm()
    assert json.loads(lake.read(KEY) or b"{}")["host"] == "lain"


def test_a_lease_that_could_not_be_renewed_is_lost_though_nobody_took_it(lake: Bucket, gate: Gate) -> None:
    with lease(replace(lake, access=replace(lake.access, attempts=1)), SHORT) as held:
        gate.fail_always("slow down", at="^PUT")
        time.sleep(3)
        with pytest.raises(LeaseHeldError, match="lost its lease"):
            held.confirm()
        gate.mend()


def test_an_answer_that_was_lost_gives_the_lease_to_its_writer_alone(lake: Bucket, gate: Gate) -> None:
    gate.fail("lost", at="^PUT")
    with lease(lake) as held:
        held.confirm()
        mine = lake.read(KEY) or b""
        with pytest.raises(LeaseHeldError), lease(lake):
            pytest.fail("two at once")
    ids = {json.loads(mine)["id"]}
    with lease(lake):
        ids.add(json.loads(lake.read(KEY) or b"{}")["id"])
    assert len(ids) == 2


def test_what_nobody_can_read_is_held_for_the_usual_time(lake: Bucket) -> None:
    lake.write(KEY, b"{half", ABSENT)
    with pytest.raises(LeaseHeldError), lease(lake):
        pytest.fail("it was written just now")
