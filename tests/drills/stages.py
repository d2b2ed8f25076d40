"""The stages of a night, told by what it has left on the disk so far."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import ROOT, Home, killed_at_the_end
from tests.warm import cold_cli

Stage = Callable[[Home], bool]


def found(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def finished_build(home: Home) -> bool:
    return any(not path.parent.name.startswith(".") for path in home.publication.builds_folder.glob("*/manifest.json"))


STAGES: dict[str, Stage] = {
    "raw bytes are kept": lambda home: found(home.house.root, "raw/*/*"),
    "arrivals are recorded": lambda home: found(home.house.root, "arrivals/_delta_log/*1.json"),
    "the first core table is committed": lambda home: found(home.house.root, "core/*/_delta_log/*1.json"),
    "one month of participants is committed": lambda home: found(
        home.house.root, "core/participants/_delta_log/*1.json"
    ),
    "quarantine is committed": lambda home: found(home.house.root, "quarantine/_delta_log/*1.json"),
    "a mart is written": lambda home: found(home.publication.builds_folder, ".*/marts/coverage.parquet"),
    "the database is written": lambda home: found(home.publication.builds_folder, ".*/marts.duckdb"),
    "the build is finished": finished_build,
    "the pointer moves": lambda home: found(home.publication.root, "*latest.json*"),
}


def killed_at(home: Home, reached: Stage, *words: str) -> bool:
    """Run the real command line and kill it as soon as a stage is reached; tell whether it was still at work."""
    process = subprocess.Popen(
        cold_cli(*words), cwd=ROOT, env=home.environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with killed_at_the_end(process):
        while process.poll() is None and not reached(home):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
