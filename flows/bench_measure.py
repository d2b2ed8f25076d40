"""What a command costs: wall time, processor time, and the most memory that its processes held at one moment."""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PAGE = resource.getpagesize()
_BETWEEN_LOOKS = 0.05
# In /proc/<pid>/stat, counted behind the name in brackets.
_SESSION, _RESIDENT = 3, 21


@dataclass(frozen=True)
class Measured:
    """What a command cost.

    Attributes:
        seconds: from its start to its end.
        cpu_seconds: what it and all that it waited for computed.
        peak_bytes: the most that the processes of its session held in memory at one moment, shared pages counted in
            each; looked at twenty times a second, and never less than what the largest of them had at its height.
        code: its exit code; null where it was ended because it took too long.
        out, err: what it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    code: int | None
    out: str
    err: str


def measured(
    words: Sequence[str], folder: Path, variables: Mapping[str, str], timeout: float | None = None
) -> Measured:
    """Run a command in a session of its own and measure it.

    Args:
        words: the command.
        folder: where it runs; what it prints is kept there as well.
        variables: its environment.
        timeout: seconds after which it is ended with all that it started.
    """
    printed, complained = folder / "out.txt", folder / "err.txt"
    with printed.open("wb") as out, complained.open("wb") as err:
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: S603
            words, cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            start_new_session=True,
        )  # fmt: skip
    with _Watch(process.pid, timeout) as watch:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
    if watch.is_late:
        _wait_until_gone(process.pid)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measured(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # What the system counts begins with the memory of whoever started the command.
        peak_bytes=watch.peak or usage.ru_maxrss * 1024,
        code=None if watch.is_late else process.returncode,
        out=printed.read_text(encoding="utf-8", errors="replace"),
        err=complained.read_text(encoding="utf-8", errors="replace"),
    )


class _Watch:
    """Look at a session again and again until it ends; end it when its time is over."""

    def __init__(self, session: int, timeout: float | None) -> None:
        self.peak = 0
        self.is_late = False
        self._session = session
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._over.wait(_BETWEEN_LOOKS):
            self.peak = max(self.peak, sum(_resident(self._session)))
            if self._deadline is not None and time.monotonic() > self._deadline and not self.is_late:
                self.is_late = True
                os.killpg(self._session, signal.SIGKILL)


def _wait_until_gone(session: int) -> None:
    """Wait until no process of a session holds memory: what was killed takes a moment to die."""
    while any(_resident(session)):
        time.sleep(_BETWEEN_LOOKS)


def _resident(session: int) -> Iterator[int]:
    """Give the bytes in memory of every process of a session."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[_SESSION]) == session:
            yield int(fields[_RESIDENT]) * _PAGE
