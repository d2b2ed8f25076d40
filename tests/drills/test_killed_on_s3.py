"""Nights on S3 that die, are overtaken or race: what another machine publishes then, and who may still write.

The tests run a choice of the stages at which a night dies; `make drills` runs every one.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.report import NightReport
from tests.s3_gate import Gate, Refusal, Request
from tests.s3_home import S3Home
from tests.support import AS_OF, SAMPLE, Home, killed_at_the_end, marts_of, trusting_judges
from warehouse.lease import KEY, LeaseHeldError

FILES = ("recaps/bali_denpasar.csv", "targets/bali_denpasar_2017.csv", "participants/SLK/2026-10/export.csv")
BAD = "participants/SLK/2026-09/export.csv"
# A lease that ends soon after its holder died, so that nobody waits five minutes for it.
SHORT = {"CAKUPAN_LEASE_SECONDS": "5"}
# The request with which a night dies: it reaches S3 before the process is gone, or it does not.
STAGES = {
    "raw bytes are kept": (r"^PUT .*/lake/raw/", True),
    "one month of participants is committed": (r"^PUT .*/core/participants/_delta_log/0*1\.json", True),
    "quarantine is committed": (r"^PUT .*/quarantine/_delta_log/0*1\.json", True),
    "the build is uploading": (r"^PUT .*/publish/builds/.*/manifest\.json", False),
    "the pointer is about to move": (r"^PUT .*/publish/latest\.json", False),
}
CHOICE = ("the build is uploading",)
KILLED = [
    pytest.param(stage, marks=pytest.mark.slow if stage in CHOICE else pytest.mark.exhaustive) for stage in STAGES
]


@pytest.fixture(autouse=True)
def _trusting(trusting: None) -> None:  # pyright: ignore[reportUnusedFunction]
    """Let the nights in process, which follow the real ones, be quick."""


def landed() -> dict[str, bytes]:
    """Give what lands: a small part of the sample, with lines that do not pass."""
    bad = (SAMPLE / BAD).read_bytes().replace(b"BPU", b"XXX", 3)
    return {file: (SAMPLE / file).read_bytes() for file in FILES} | {BAD: bad}


@pytest.fixture
def home(endpoint: str, tmp_path: Path) -> S3Home:
    made = S3Home.new(endpoint, tmp_path / "machine")
    for file, content in landed().items():
        made.put(file, content)
    return made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the marts of a night that nobody disturbed, on folders."""
    folders = Home(tmp_path_factory.mktemp("undisturbed"))
    for file, content in landed().items():
        folders.put(file, content)
    with trusting_judges():
        assert folders.run().promoted
    return marts_of(folders.publication.root / "current")


def at_request(gate: Gate, pattern: str, act: Callable[[], Refusal | None]) -> threading.Event:
    """Act when the first request comes that an expression matches; tells by an event that it came."""
    came = threading.Event()

    def judge(request: Request) -> Refusal | None:
        if came.is_set() or not re.search(pattern, request.line):
            return None
        came.set()
        return act()

    gate.judge = judge
    return came


def night(home: S3Home, gate: Gate) -> "subprocess.Popen[str]":
    """Start a real night that reaches S3 through the gate."""
    return home.through(gate.address).start("run", "--as-of", AS_OF.isoformat(), **SHORT)


def run_when_free(home: S3Home) -> NightReport:
    """Run a night in process as soon as the lease of the one that died has ended."""
    until = time.monotonic() + 30
    while True:
        try:
            return home.run()
        except LeaseHeldError:
            assert time.monotonic() < until
            time.sleep(0.3)


def kill_at(home: S3Home, gate: Gate, pattern: str, *, reaches: bool) -> None:
    """Start a night and kill it with a request of its own."""
    process = night(home, gate)

    def kill() -> Refusal | None:
        os.kill(process.pid, signal.SIGKILL)
        return None if reaches else Refusal(503, "SlowDown")

    with killed_at_the_end(process):
        assert at_request(gate, pattern, kill).wait(120), process.communicate()
        assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("stage", KILLED)
def test_another_machine_publishes_what_an_undisturbed_night_would(
    home: S3Home, gate: Gate, tmp_path: Path, undisturbed: dict[str, bytes], stage: str
) -> None:
    pattern, reaches = STAGES[stage]
    kill_at(home, gate, pattern, reaches=reaches)
    assert home.bucket.stat(f"lake/{KEY}") is not None
    assert home.publication.promoted_id() is None
    other = home.seen_from(tmp_path / "other")
    report = run_when_free(other)
    assert report.promoted
    assert report.build is not None
    assert other.marts(report.build.build_id) == undisturbed
    assert other.publication.damage(report.build.build_id) == []
    finished = {build.build_id for build in other.publication.builds()}
    assert {entry.key.split("/")[0] for entry in home.bucket.below("publish/builds").entries()} == finished
    assert len(finished) == 1
    assert list(home.bucket.below("lake/quarantine/_pending").entries()) == []
    assert (other.run().result, other.publication.promoted_id()) == ("unchanged", report.build.build_id)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"^PUT .*/lake/raw/", marks=pytest.mark.exhaustive),
        pytest.param(r"^PUT .*/publish/builds/.*/marts\.duckdb", marks=pytest.mark.slow),
    ],
)
def test_a_night_that_comes_to_after_another_took_over_writes_nothing_more(
    home: S3Home, gate: Gate, tmp_path: Path, pattern: str
) -> None:
    zombie = night(home, gate)
    with killed_at_the_end(zombie):
        stopped = at_request(gate, pattern, lambda: os.kill(zombie.pid, signal.SIGSTOP))
        assert stopped.wait(120), zombie.communicate()
        other = home.seen_from(tmp_path / "other")
        report = run_when_free(other)
        assert report.promoted
        before = other.house.core_versions(), other.house.loads.version(), len(other.publication.builds())
        os.kill(zombie.pid, signal.SIGCONT)
        said = zombie.communicate(timeout=120)
    assert (zombie.returncode, "lost its lease" in said[1]) == (6, True), said
    fresh = home.seen_from(tmp_path / "third")
    assert (fresh.house.core_versions(), fresh.house.loads.version(), len(fresh.publication.builds())) == before
    assert report.build is not None
    assert fresh.publication.promoted_id() == report.build.build_id


@pytest.mark.exhaustive
def test_of_two_nights_that_promote_at_once_one_wins_and_the_other_says_so(
    endpoint: str, gate: Gate, tmp_path: Path
) -> None:
    """Two lakes that publish to one place, so that no lease keeps them apart."""
    home = S3Home.new(endpoint, tmp_path / "machine")
    home.put("targets/t.csv", (SAMPLE / "targets/bali_denpasar_2017.csv").read_bytes())
    both = threading.Barrier(2)

    def meet(request: Request) -> Refusal | None:
        if request.line.startswith("PUT") and request.line.endswith("/latest.json"):
            both.wait(120)
        return None

    gate.judge = meet
    lakes = [f"{home.bucket.uri}/lake-{number}" for number in "12"]
    racers = [home.through(gate.address).start("run", "--lake", lake) for lake in lakes]
    with killed_at_the_end(racers[0]), killed_at_the_end(racers[1]):
        said = [racer.communicate(timeout=240)[1] for racer in racers]
    codes = [racer.returncode for racer in racers]
    assert sorted(codes) == [0, 6], said
    assert "was moved by somebody else at this moment" in said[codes.index(6)]
    assert len(home.publication.builds()) == 2
    assert home.publication.promoted_id() in {build.build_id for build in home.publication.builds()}


@pytest.mark.slow
def test_s3_that_refuses_in_the_middle_of_a_night_ends_it_with_one_line(home: S3Home, gate: Gate) -> None:
    gate.fail_always("denied", at=r"^PUT .*/core/participants/_delta_log/")
    ended = night(home, gate)
    with killed_at_the_end(ended):
        said, complaint = ended.communicate(timeout=120)
    assert (ended.returncode, "Traceback" in said + complaint) == (1, False)
    line = complaint.strip().splitlines()[-1]
    assert "refuses the credential (AccessDenied)" in line
    assert "the last promoted build stays" in line
    assert home.bucket.stat(f"lake/{KEY}") is None
    gate.mend()
    assert home.run().promoted
