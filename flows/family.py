"""Every process that one `cakupan serve` started, their children too, and how they are ended: the worker first.

Flow runs are started by Prefect in sessions of their own, so neither a process group nor the kernel's signal at the
death of a parent reaches them. What all inherit is the environment: a mark in it tells whose they are.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MARK = "SERVE_FAMILY"
# Setup and worker ask the server, so it ends last; what is left over has no role of its own.
ORDER = ("setup", "worker", "server")
PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Member:
    """One process of a family.

    Attributes:
        pid: its number.
        parent: its parent's number.
        role: what `cakupan serve` started it, or an ancestor of it, as.
    """

    pid: int
    parent: int
    role: str


def mark_of(family: str, role: str) -> dict[str, str]:
    """Give the variable that makes a process one of the family."""
    return {MARK: f"{family}:{role}"}


def members(family: str) -> list[Member]:
    """Find the living processes of a family, but not this one.

    Args:
        family: the family's name.
    """
    found = (_member(pid, family) for pid in _pids() if pid != os.getpid())
    return [member for member in found if member is not None]


def values_of(variable: str) -> set[str]:
    """Give the values that a variable has in this machine's living processes, as far as this user may look."""
    prefix = f"{variable}=".encode()
    entries = (entry for pid in _pids() for entry in _environment(pid) if entry.startswith(prefix))
    return {entry.removeprefix(prefix).decode(errors="replace") for entry in entries}


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    """Give a process's variables; none where it ended, or belongs to somebody else."""
    try:
        return (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _member(pid: int, family: str) -> Member | None:
    prefix = f"{MARK}={family}:".encode()
    role = next((entry.removeprefix(prefix).decode() for entry in _environment(pid) if entry.startswith(prefix)), None)
    return None if role is None else Member(pid, _parent(pid), role)


def _parent(pid: int) -> int:
    try:
        stat = (Path("/proc") / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The name in parentheses may hold anything; behind it stand the state and the parent.
    return int(stat.rpartition(")")[2].split()[1])


def end_family(family: str, say: Callable[[str], None] = lambda _role: None, patience: float = PATIENCE_SECONDS) -> int:
    """End every process of a family, in the order of their roles.

    Args:
        family: the family's name.
        say: told each role that is being ended.
        patience: seconds that processes have to end by themselves.

    Returns:
        How many had to be killed.
    """
    killed = 0
    for role in ORDER:
        if any(member.role == role for member in members(family)):
            say(role)
            killed += end_role(family, role, patience)
    return killed + kill_family(family)


def kill_family(family: str) -> int:
    """Kill every process of a family at once; give how many there were."""
    return _kill(members(family))


def end_role(family: str, role: str, patience: float = PATIENCE_SECONDS) -> int:
    """End the processes of one role: asked first, then killed, and those that started others last.

    A flow run that is asked reports itself as crashed. The death of one that must be killed is reported by the worker,
    so the worker gets its time after that.

    Args:
        family: the family's name.
        role: whose processes.
        patience: seconds that they have to end by themselves, twice.

    Returns:
        How many had to be killed.
    """
    _send(_with_role(family, role), signal.SIGTERM)
    _wait(family, role, patience)
    standing = _with_role(family, role)
    pids = {member.pid for member in standing}
    killed = _kill([member for member in standing if member.parent in pids])
    if killed:
        _wait(family, role, patience)
    return killed + _kill(_with_role(family, role))


def _with_role(family: str, role: str) -> list[Member]:
    return [member for member in members(family) if member.role == role]


def _wait(family: str, role: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _with_role(family, role) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _kill(those: Iterable[Member]) -> int:
    return _send(those, signal.SIGKILL)


def _send(those: Iterable[Member], what: signal.Signals) -> int:
    sent = 0
    for member in those:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member.pid, what)
            sent += 1
    return sent


def start_guard(family: str, held: Iterable[int]) -> "subprocess.Popen[bytes]":
    """Start the process that ends a family when the one that calls this died, however it died.

    Args:
        family: the family's name.
        held: open files that stay open until the guard ends: locks.
    """
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", "flows.family", family],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(held),
        start_new_session=True,
    )


def main() -> None:
    """Wait until standard input ends, as it does when whoever holds its other end is gone; then end the family."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_family(sys.argv[1])


if __name__ == "__main__":
    main()
