"""The record of what arrived and how it was read: two small Delta tables, one row per file and one per reading."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sources.landing import LandedFile
from warehouse.connections import first_value
from warehouse.house import ARRIVALS, LOADS, House
from warehouse.lake import Table
from warehouse.load import LoadedFile

PROJECT = Path(__file__).parents[1]
_READING_FILES = (
    "expectations/**/*.yml",
    "expectations/rules.py",
    "transforms/**/*.sql",
    "transforms/certain.py",
    "transforms/clean.py",
    "sources/*.py",
    "warehouse/reference.py",
    "warehouse/reference/*.csv",
)
_JUDGING_FILES = (
    "transforms/identities/*.sql",
    "warehouse/reference/regions.csv",
    "warehouse/reference/series_breaks.csv",
)
_REFERENCE_TABLES = ("offices", "office_regions", "region_aliases")


@dataclass(frozen=True)
class Known:
    """The last reading of a file: its verdict, the digest of what it was read under, where it lay, its profiles."""

    verdict: str
    reading: str
    file: str
    profiles: frozenset[str] = frozenset()


def arrival_sweeps(house: House, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Give, by sha256, the number of the sweep that first recorded a file."""
    rows = con.execute(f"SELECT source_key, min(sweep) FROM ({house.arrivals.relation()}) GROUP BY source_key")
    return dict(rows.fetchall())


def known_files(house: House, con: duckdb.DuckDBPyConnection) -> dict[str, Known]:
    """Give the last reading of every file that was ever read, by sha256."""
    rows = con.execute(
        "SELECT source_key, max_by(verdict, sweep), max_by(reading, sweep), max_by(file, sweep) "
        f"FROM ({house.loads.relation()}) GROUP BY source_key"
    ).fetchall()
    return {key: _known(verdict, reading, file) for key, verdict, reading, file in rows}


def _known(verdict: str, reading: str, file: str) -> Known:
    digest, *profiles = reading.split(" ")
    return Known(verdict, digest, file, frozenset(profiles))


def last_sweep(house: House, con: duckdb.DuckDBPyConnection) -> int:
    """Give the number of the newest sweep; 0 if none was recorded."""
    tables = (house.arrivals, house.loads)
    return max(first_value(con, f"SELECT coalesce(max(sweep), 0) FROM ({table.relation()})") for table in tables)


def must_read(known: Known | None, reading: str, files: Collection[str], profiles: Collection[str]) -> bool:
    """Tell whether to read a file.

    Args:
        known: its last reading; null for one that is new.
        reading: the digest of what it would be read under.
        files: where these bytes lie now.
        profiles: the dataset's profiles as they stand now, each as `profile_marks` writes it.

    Returns:
        True for a new file; for one whose profile says something else now; and for one that did not wholly pass if
        what it was read under has changed, or if it was moved since: a refusal may ask for just that.
    """
    if known is None or not known.profiles <= set(profiles):
        return True
    passed = known.verdict not in ("refused", "partly_quarantined")
    return not passed and (known.reading != reading or known.file not in files)


def profile_marks(digests: Mapping[str, str]) -> list[str]:
    """Write profiles as they stand in the record of readings: `name=digest`, in alphabetical order."""
    return sorted(f"{name}={digest}" for name, digest in digests.items())


def reading_key(house: House) -> str:
    """Give a digest of all that decides how a file is read: contracts, profiles, rules, readers, reference data."""
    digest = hashlib.sha256(shipped_digest().encode())
    versions = house.core_versions(_REFERENCE_TABLES)
    for name in _REFERENCE_TABLES:
        digest.update(f"{name}={versions.get(name)}".encode())
    return digest.hexdigest()[:16]


def judging_key() -> str:
    """Give a digest of all that decides what is disputed: the identities, and the reference data that they read."""
    return _digest_of(_JUDGING_FILES)[:16]


def shipped_digest() -> str:
    """Give a digest of what decides how a file is read and comes with the code: contracts, profiles, rules, readers."""
    return _digest_of(_READING_FILES)


@cache
def _digest_of(patterns: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def record_arrivals(
    house: House,
    con: duckdb.DuckDBPyConnection,
    files: Iterable[LandedFile],
    sweep: int,
    known: Iterable[str],
) -> None:
    """Record the files whose sha256 was not recorded before; once and for ever."""
    seen = set(known)
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    for landed in files:
        if landed.sha256 not in seen:
            seen.add(landed.sha256)
            rows.append(
                {
                    "source_key": landed.sha256,
                    "dataset": landed.dataset,
                    "file": landed.file,
                    "size": landed.size,
                    "sweep": sweep,
                    "arrived_at": now,
                }
            )
    _append(house.arrivals, con, rows, ARRIVALS)


def record_loads(
    house: House, con: duckdb.DuckDBPyConnection, loaded: Sequence[LoadedFile], sweep: int, reading: str
) -> None:
    """Record how files were read: verdict and lines."""
    rows: list[dict[str, Any]] = [
        {
            "source_key": result.source_key,
            "file": result.landed.file,
            "sweep": sweep,
            "reading": " ".join([reading if result.is_settled else "", *profile_marks(result.profiles)]),
            "verdict": result.verdict,
            "read": result.lines.read,
            "header": result.lines.header,
            "good": result.lines.good,
            "quarantined": result.lines.quarantined,
            "blank": result.lines.blank,
            "warnings": json.dumps(result.warnings),
        }
        for result in loaded
    ]
    _append(house.loads, con, rows, LOADS)


def _append(table: Table, con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    if not rows:
        return
    con.register("recorded", pa.Table.from_pylist(rows, schema=schema))
    table.append([table.write_file(con, "SELECT * FROM recorded", {}, "part")])
    con.unregister("recorded")
