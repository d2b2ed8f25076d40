"""What the judge is asked about a build: every mart, every core table, and of large ones what was not judged before."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from expectations.contracts import load_contracts
from expectations.judge import Judge
from expectations.suites import CheckResult, Suite, suite_of
from expectations.tables import Job
from sources.places import Place
from warehouse.assemble import published_tables
from warehouse.house import House

_JUDGED = "judged.json"
_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Sought:
    """What is to be judged of one core table: its suite, and the data files that the judge reads."""

    suite: Suite
    files: Sequence[str]


def verdict(
    judge: Judge,
    house: House,
    versions: Mapping[str, int],
    marts: Path,
    rows_before: Mapping[str, int],
    given: Mapping[str, str],
) -> list[CheckResult]:
    """Have the tables of a build judged.

    A data file of a partitioned table never changes, so it is judged once: what passed is remembered beside the
    partial aggregates, and is forgotten with them, or when the table's promises change.

    Args:
        judge: a started judge.
        house: the lake.
        versions: the versions of its core tables.
        marts: the folder of the marts' Parquet files.
        rows_before: rows of each table in the build that bands compare with.
        given: ``as_of`` and ``memory_limit``.

    Returns:
        Every check's answer.
    """
    memory = Memory(house.place.below("partials"))
    sought = {
        name: _sought(memory, name, files, rows_before.get(f"core.{name}"))
        for name, files in house.core_files(dict(versions)).items()
    }
    names = published_tables()
    suites = [one.suite for one in sought.values()]
    suites += [suite_of(load_contracts()[name], f"marts.{name}", rows_before.get(f"marts.{name}")) for name in names]
    views: dict[str, Sequence[str]] = {f"core.{name}": one.files for name, one in sought.items()}
    job: Job = {
        "database": None,
        "views": views | {f"marts.{name}": [str(marts / f"{name}.parquet")] for name in names},
        "hive": True,
        "suites": suites,
        "as_of": given["as_of"],
        "config": {"memory_limit": given["memory_limit"]},
    }
    checks = judge.verdict(job)["checks"]
    memory.keep(house, versions, checks)
    return checks


def _sought(memory: "Memory", name: str, files: Sequence[str], last_rows: int | None) -> Sought:
    contract = load_contracts()[name]
    judged = memory.judged(name) if contract.partition else {}
    fresh = {_partition(file) for file in files if _key(file) not in judged}
    asked = [file for file in files if _partition(file) in fresh]
    standing = sum(judged[_key(file)] for file in files if _partition(file) not in fresh)
    return Sought(suite_of(contract, f"core.{name}", last_rows, standing), asked)


@dataclass(frozen=True)
class Memory:
    """Which data files of partitioned tables were judged and passed, with their rows."""

    place: Place

    def judged(self, name: str) -> dict[str, int]:
        """Give the rows of each data file of a table that passed what is promised today."""
        kept = json.loads(self.place.read(_JUDGED) or b"{}").get(name, {})
        return kept["files"] if kept.get("of") == _promises(name) else {}

    def keep(self, house: House, versions: Mapping[str, int], checks: Collection[CheckResult]) -> None:
        """Remember the data files of the tables of which no check failed."""
        broken = {check["table"] for check in checks if check["outcome"] != "pass"}
        passed = {
            name: {"of": _promises(name), "files": house.core(name).file_rows(version)}
            for name, version in versions.items()
            if load_contracts()[name].partition and f"core.{name}" not in broken
        }
        before = self.place.read(_JUDGED) or b"{}"
        content = json.dumps(json.loads(before) | passed, sort_keys=True).encode()
        if passed and content != before:
            self.place.write(_JUDGED, content, mode=_OWNER_ONLY)


def _promises(name: str) -> str:
    """Give a digest of what is promised of a table's rows, and of how it is judged."""
    suite = json.dumps(suite_of(load_contracts()[name], f"core.{name}"), sort_keys=True)
    return hashlib.sha256(suite.encode()).hexdigest()


def _key(file: str) -> str:
    return "/".join(Path(file).parts[-3:])


def _partition(file: str) -> tuple[str, ...]:
    return Path(file).parts[-3:-1]
