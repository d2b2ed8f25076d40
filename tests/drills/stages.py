"""The stages of a night, told by what it has left on the disk so far."""

from collections.abc import Callable
from pathlib import Path

from tests.support import Home

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
