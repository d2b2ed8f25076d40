"""One run at a time on a lake."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from sources.places import Folder
from tests.support import ROOT, killed_at_the_end
from warehouse.lease import Claim, LeaseHeldError, lease

HOLD = """
import pathlib, sys
from sources.places import Folder
from warehouse.lease import Claim, lease
with lease(Folder(pathlib.Path(sys.argv[1])), Claim(run="malam pertama")):
    print('held', flush=True)
    sys.stdin.read()
"""


def holder(lake: Path) -> "subprocess.Popen[str]":
    """Start a process that holds the lease until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lake)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lease_is_given_again_after_it_ends(tmp_path: Path) -> None:
    for _ in range(2):
        with lease(Folder(tmp_path / "lake")):
            assert json.loads((tmp_path / "lake" / "lease.json").read_text(encoding="utf-8"))["pid"] == os.getpid()
        assert (tmp_path / "lake" / "lease.json").read_text(encoding="utf-8") == ""


def test_a_lease_ends_with_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lease(Folder(tmp_path)):
        raise ZeroDivisionError
    with lease(Folder(tmp_path)):
        assert (tmp_path / "lease.json").is_file()


def test_another_process_holds_the_lake_and_is_named(tmp_path: Path) -> None:
    with killed_at_the_end(holder(tmp_path)) as process:
        with pytest.raises(LeaseHeldError, match=f'"pid": {process.pid}'), lease(Folder(tmp_path)):
            pytest.fail("two at once")
        with lease(Folder(tmp_path.with_name("another lake"))):
            assert process.poll() is None


def test_a_killed_holder_gives_the_lake_back(tmp_path: Path) -> None:
    with killed_at_the_end(holder(tmp_path)) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with lease(Folder(tmp_path)):
            assert json.loads((tmp_path / "lease.json").read_text(encoding="utf-8"))["pid"] == os.getpid()


def test_the_next_holder_learns_which_run_died(tmp_path: Path) -> None:
    with killed_at_the_end(holder(tmp_path)) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with lease(Folder(tmp_path)) as held:
            assert held.died is not None
            assert (held.died["pid"], held.died["run"]) == (process.pid, "malam pertama")
    with lease(Folder(tmp_path)) as held:
        assert held.died is None


def test_a_holder_that_failed_did_not_die(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lease(Folder(tmp_path)):
        raise ZeroDivisionError
    with lease(Folder(tmp_path)) as held:
        assert held.died is None


def test_a_claim_waits_for_a_run_that_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.lease._BETWEEN_TRIES", 0.05)
    with killed_at_the_end(holder(tmp_path)) as process:
        threading.Timer(0.3, process.kill).start()
        with lease(Folder(tmp_path), Claim(wait=timedelta(seconds=20))) as held:
            assert held.died is not None


def test_a_claim_does_not_wait_for_ever(tmp_path: Path) -> None:
    claim = Claim(wait=timedelta(seconds=0.1))
    with killed_at_the_end(holder(tmp_path)), pytest.raises(LeaseHeldError), lease(Folder(tmp_path), claim):
        pytest.fail("two at once")
