"""A Dask cluster of a test's own on this machine: a scheduler, workers that are processes of their own, their logs."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import commands
from tests.prefect_bench import Process, stop, wait_until
from tests.support import ROOT, free_port

BINARIES = Path(sys.executable).parent
# As the page on scale says: the scheduler, a worker, the night.
SCHEDULER, WORKER, NIGHT = (shlex.split(line) for line in commands(ROOT / "docs" / "scale.md"))
START_SECONDS = 60


@dataclass
class Cluster:
    """A scheduler and what works for it.

    Attributes:
        folder: holds the logs, and is where the processes run.
        environment: the variables of the workers.
    """

    folder: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    @property
    def address(self) -> str:
        """Return where the scheduler listens."""
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, name: str, shown: list[str]) -> None:
        """Start one of Dask's programs as the page shows it; what it says goes to a log of its name."""
        program, *words = [word.replace("10.0.0.1", "127.0.0.1").replace("8786", str(self.port)) for word in shown]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [BINARIES / program, *words], cwd=self.folder, env=dict(self.environment), stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def start_worker(self, name: str) -> None:
        """Start a worker, which reads one file at a time, and wait until the scheduler knows it."""
        self.start(name, WORKER)
        wait_until(lambda: "Registered to" in self.log(name), START_SECONDS, lambda: self.log(name))

    def log(self, name: str) -> str:
        """Give what a process wrote."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def kill(self, name: str) -> None:
        """Kill a process and all that it started, as a power cut does."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()


@contextmanager
def dask_cluster(folder: Path, environment: Mapping[str, str], *workers: str) -> Generator[Cluster]:
    """Run a scheduler and workers, which end with the block.

    Args:
        folder: for their logs.
        environment: the variables of the workers.
        workers: their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Cluster(folder, {**environment, "PYTHONPATH": str(ROOT)})
    try:
        made.start("scheduler", SCHEDULER)
        for name in workers:
            made.start_worker(name)
        yield made
    finally:
        for process in reversed(made.processes.values()):
            stop(process)
