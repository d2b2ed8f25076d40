"""Work that may hang is waited for only so long: a dead server or mount must not hold up what comes after it."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_STARTED: list[threading.Thread] = []


class _Task(Generic[T]):
    """Work in a thread of its own, and what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.given: list[T] = []
        self.fault: Exception | None = None

    def do(self) -> None:
        """Do the work and keep its answer or its fault."""
        try:
            self.given.append(self._work())
        except Exception as fault:  # it is raised again in the thread that waits
            self.fault = fault


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do work, but wait for it only so long; work that is not done then goes on unwatched.

    Args:
        seconds: how long to wait.
        work: what to do, in a thread of its own.

    Returns:
        What the work gives.

    Raises:
        TimeoutError: it was not done in time. What the work itself raises is raised as well.
    """
    task = _Task(work)
    # A daemon: the process may end while something still hangs.
    thread = threading.Thread(target=task.do, daemon=True)
    thread.start()
    # One that serves for months starts many.
    _STARTED[:] = [*(one for one in _STARTED if one.is_alive()), thread]
    thread.join(seconds)
    if task.fault is not None:
        raise task.fault
    if not task.given:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return task.given[0]


def end_process(code: int) -> None:
    """End this process at once where something still hangs; where nothing does, do nothing.

    Args:
        code: the exit code.
    """
    if any(thread.is_alive() for thread in _STARTED):
        sys.stdout.flush()
        sys.stderr.flush()
        # An ordinary end waits for what hangs, and libraries complain of what they could not clear away.
        os._exit(code)
