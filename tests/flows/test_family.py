"""Processes of one family: found wherever they went, ended in order, ended too when nobody is left to do it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.family import MARK, end_family, end_role, kill_family, mark_of, members, start_guard, values_of
from tests.support import ROOT

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
# Another session, and a parent that is gone: neither a group nor a tree of processes leads to the child.
STRAY = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).wait()"
FAMILY = f"test-{os.getpid()}"


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    kill_family(FAMILY)


def start(program: str, role: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program], env={**os.environ, **mark_of(FAMILY, role)}, stdout=subprocess.PIPE, text=True
    )


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_members_are_found_by_their_mark_wherever_they_went() -> None:
    start(SLEEP, "server")
    start(STRAY, "worker").wait()
    until(lambda: sorted(member.role for member in members(FAMILY)) == ["server", "worker"])
    [stray] = [member for member in members(FAMILY) if member.role == "worker"]
    assert stray.parent != os.getpid()
    assert members("another") == []
    assert f"{FAMILY}:server" in values_of(MARK)


def test_the_worker_ends_before_the_server_and_nobody_is_left() -> None:
    server, worker = start(SLEEP, "server"), start(SLEEP, "worker")
    start(STRAY, "worker").wait()
    until(lambda: len(members(FAMILY)) == 3)
    told: list[tuple[str, int | None, int | None]] = []
    assert end_family(FAMILY, lambda role: told.append((role, worker.poll(), server.poll()))) == 0
    assert told == [("worker", None, None), ("server", -signal.SIGTERM, None)]
    assert members(FAMILY) == []


def test_one_that_does_not_listen_is_killed_and_its_parent_is_asked_first() -> None:
    parent = start(PARENT, "worker")
    assert parent.stdout is not None
    parent.stdout.readline()
    assert end_role(FAMILY, "worker", patience=2) == 1
    assert parent.wait() == -signal.SIGTERM
    until(lambda: members(FAMILY) == [])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_guard_ends_the_family_when_its_maker_died(how: signal.Signals, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    program = (
        "import os, subprocess, sys, time\n"
        "from flows.family import start_guard, mark_of\n"
        f"held = os.open({str(lock)!r}, os.O_CREAT | os.O_RDWR)\n"
        f"start_guard({FAMILY!r}, [held])\n"
        f"child = [sys.executable, '-c', {SLEEP!r}]\n"
        f"subprocess.Popen(child, env={{**os.environ, **mark_of({FAMILY!r}, 'server')}})\n"
        "print(flush=True); time.sleep(60)\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    maker.stdout.readline()
    until(lambda: len(members(FAMILY)) == 1)
    maker.send_signal(how)
    maker.wait()
    until(lambda: members(FAMILY) == [])


def test_the_guard_ends_by_itself_when_it_is_let_go() -> None:
    guard = start_guard(FAMILY, [])
    assert guard.stdin is not None
    guard.stdin.close()
    assert guard.wait(timeout=20) == 0
