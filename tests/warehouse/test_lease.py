"""One run at a time on a lake."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sources.places import Folder
from tests.support import ROOT, killed_at_the_end
from warehouse.lease import LeaseHeldError, lease

HOLD = """
import pathlib, sys
from sources.places import Folder
from warehouse.lease import lease
with lease(Folder(pathlib.Path(sys.argv[1]))):
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
