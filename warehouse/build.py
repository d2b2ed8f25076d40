"""One build: the marts of a business date as an immutable folder, judged before it may be promoted."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import duckdb

from expectations.contracts import contracts_of, load_contracts
from expectations.judge import Judge
from expectations.schemas import create_table, quoted
from expectations.suites import CheckResult as Check
from sources.landing import file_sha256
from sources.places import sync_folder
from warehouse.assemble import assemble, published_tables
from warehouse.checks import (
    budget_checks,
    find_contradictions,
    freshness_checks,
    identity_checks,
    listed_findings,
    newest_day,
    office_checks,
    person_checks,
    row_count,
    share_checks,
    stopping,
    tally,
)
from warehouse.connections import Limits, connect, first_value, write_parquet
from warehouse.diff import diff_builds
from warehouse.house import House
from warehouse.judging import verdict
from warehouse.manifest import BuildResult, Input, Manifest
from warehouse.partials.refresh import refresh_partials
from warehouse.publish import Publication
from warehouse.reference import load_reference, merge_landed

PROJECT = Path(__file__).parents[1]
_DECIDING_FILES = (
    "expectations/**/*.yml",
    "warehouse/**/*.sql",
    "warehouse/reference/*.csv",
    "transforms/identities/*.sql",
)
# The newest storage version that BI clients of DuckDB 1.5 can open.
_STORAGE_VERSION = "v1.5.0"


@dataclass(frozen=True)
class BuildRequest:
    """What to build: from which lake, to which publication, for which business date, within which limits."""

    house: House
    publication: Publication
    as_of: date
    limits: Limits
    person_key_id: str
    required: tuple[str, ...] = ()
    # Where the promoted build stands that this one is compared with, if not in `publication`.
    compared_with: Publication | None = None

    @property
    def baseline(self) -> Publication:
        """Where the promoted build stands that this one is compared with."""
        return self.compared_with or self.publication


def inputs_key(house: House) -> str:
    """Give a digest of all that decides the marts but the date: core versions, reference, contracts, SQL."""
    versions = json.dumps(house.core_versions(), sort_keys=True)
    return hashlib.sha256((_shipped_digest() + versions).encode()).hexdigest()


@cache
def _shipped_digest() -> str:
    digest = hashlib.sha256()
    for pattern in _DECIDING_FILES:
        for path in sorted(PROJECT.glob(pattern)):
            digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def is_up_to_date(request: BuildRequest) -> bool:
    """Tell whether the promoted build already is what a new one would be."""
    promoted = request.publication.promoted()
    if promoted is None or promoted.inputs_key != inputs_key(request.house):
        return False
    return promoted.as_of <= request.as_of < promoted.stale_on


def find_build(request: BuildRequest) -> Manifest | None:
    """Give the newest build that passed and is what a new one would be, judged against what is promoted now.

    Args:
        request: what would be built.

    Returns:
        Its manifest; null where there is none, or where its files are not whole.
    """
    key, promoted = inputs_key(request.house), request.publication.promoted_id()
    for manifest in request.publication.builds():
        if promoted is not None and manifest.build_id <= promoted:
            return None
        if _is_the_same(manifest, request, key) and not request.publication.damage(manifest.build_id):
            return manifest if _compared_with(request.publication, manifest.build_id) == promoted else None
    return None


def _is_the_same(manifest: Manifest, request: BuildRequest, key: str) -> bool:
    return (
        manifest.result != "failure"
        and manifest.inputs_key == key
        and manifest.as_of <= request.as_of < manifest.stale_on
        and manifest.code_version == package_version("cakupan")
        and set(manifest.required) == set(request.required)
    )


def _compared_with(publication: Publication, build_id: str) -> str | None:
    document = json.loads((publication.fetched(build_id) / "diff.json").read_text(encoding="utf-8"))
    return document["before"]


def make_build(request: BuildRequest, judge: Judge) -> Manifest:
    """Assemble, write, judge and describe a build; nothing is promoted.

    Args:
        request: what to build.
        judge: a started judge.

    Returns:
        The manifest, as written last into the build's folder; ``result`` tells whether it may be promoted.

    Raises:
        duckdb.Error: the marts cannot be computed at all.
    """
    key = inputs_key(request.house)
    build_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{key[:8]}"
    partial = request.publication.builds_folder / f".{build_id}"
    (partial / "marts").mkdir(parents=True)
    versions = request.house.core_versions()
    with connect(request.limits) as con:
        checks = _assemble_and_check(con, request, partial, versions)
        rows = _rows(con)
        stale_on = _stale_on(con, request.as_of)
        inputs = _inputs(con, request.house)
        checks += _verdict(request, judge, partial, versions)
        found = {"tally": tally(checks), "checks": checks, "findings": listed_findings(con)}
        _write_json(partial / "checks.json", found)
        _write_json(partial / "diff.json", diff_builds(con, _promoted_folder(request), partial))
    counts = tally(checks)
    _write_database(request.limits, partial, sound=_result(counts) != "failure")
    manifest = Manifest(
        build_id=build_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        result=_result(counts),
        as_of=request.as_of,
        stale_on=stale_on,
        code_version=package_version("cakupan"),
        person_key_id=request.person_key_id,
        required=request.required,
        inputs_key=key,
        core_versions=versions,
        inputs=inputs,
        rows=rows,
        sha256=_digests(partial),
        checks=counts,
        reasons=_reasons(checks),
    )
    _finish(partial, request.publication.folder_of(build_id), manifest)
    request.publication.deliver(build_id, manifest.sha256, request.house.confirm)
    return manifest


def _assemble_and_check(
    con: duckdb.DuckDBPyConnection, request: BuildRequest, partial: Path, versions: dict[str, int]
) -> list[Check]:
    request.house.attach_core(con, versions)
    load_reference(con)
    merge_landed(con)
    refresh_partials(con, request.house, versions, request.as_of)
    assemble(con, request.as_of)
    for name in published_tables():
        _write_mart(con, name, partial / "marts" / f"{name}.parquet")
    find_contradictions(con)
    return [
        *freshness_checks(con, request.as_of, request.required),
        *budget_checks(con, request.house),
        *identity_checks(con),
        *office_checks(con),
        *person_checks(con),
        *share_checks(con),
    ]


def _write_mart(con: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    columns = ", ".join(field.name for field in load_contracts()[name].core_fields)
    write_parquet(con, f"SELECT {columns} FROM marts.{name} ORDER BY {', '.join(load_contracts()[name].key)}", path)


def _rows(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = [f"core.{name}" for name in contracts_of("dataset")] + [f"marts.{name}" for name in published_tables()]
    counted = " UNION ALL ".join(f"SELECT {quoted(table)}, {row_count(table)}" for table in tables)
    return dict(con.execute(counted).fetchall())


def _stale_on(con: duckdb.DuckDBPyConnection, as_of: date) -> date:
    """Find the first later day on which a month ends or freezes, something begins to hold, or data is late."""
    ages = [
        newest + timedelta(days=contract.freshness.days + 1)
        for contract in contracts_of("dataset").values()
        if (newest := newest_day(con, contract)) is not None
    ]
    con.execute("CREATE OR REPLACE TEMP TABLE turning (day DATE)")
    con.executemany("INSERT INTO turning VALUES (?)", [[day] for day in [*ages, *_calendar(as_of)]])
    con.execute(
        """INSERT INTO turning
        SELECT decided_on FROM core.targets
        UNION SELECT vintage FROM core.labour_force
        UNION SELECT published_on FROM core.labour_force
        UNION SELECT published_on FROM core.recaps
        UNION SELECT unnest([valid_from, valid_to + 1]) FROM reference.offices
        UNION SELECT unnest([valid_from, valid_to + 1]) FROM reference.office_regions"""
    )
    return first_value(con, "SELECT min(day) FROM turning WHERE day > ?", [as_of])


def _calendar(as_of: date) -> list[date]:
    first = as_of.replace(day=1)
    next_first = (first + timedelta(days=32)).replace(day=1)
    after_next = (next_first + timedelta(days=32)).replace(day=1)
    freezes = [first.replace(day=10), next_first.replace(day=10)]
    return [next_first - timedelta(days=1), after_next - timedelta(days=1), *freezes]


def _inputs(con: duckdb.DuckDBPyConnection, house: House) -> list[Input]:
    rows = con.execute(
        "SELECT source_key, dataset, file, size, arrived_at::TIMESTAMP "
        f"FROM ({house.arrivals.relation()}) ORDER BY file, source_key"
    ).fetchall()
    return [
        Input(source_key=key, dataset=dataset, file=file, size=size, arrived_at=f"{arrived:%Y-%m-%dT%H:%M:%SZ}")
        for key, dataset, file, size, arrived in rows
    ]


def _verdict(request: BuildRequest, judge: Judge, partial: Path, versions: dict[str, int]) -> list[Check]:
    given = {"as_of": request.as_of.isoformat(), "memory_limit": request.limits.memory}
    return verdict(judge, request.house, versions, partial / "marts", _rows_before(request), given)


def _rows_before(request: BuildRequest) -> dict[str, int]:
    """Give the rows that bands compare with; the marts of an earlier business date are smaller by nature."""
    last = request.baseline.promoted()
    if last is None:
        return {}
    later = request.as_of >= last.as_of
    return {name: rows for name, rows in last.rows.items() if later or not name.startswith("marts.")}


def _promoted_folder(request: BuildRequest) -> Path | None:
    promoted = request.baseline.promoted_id()
    return None if promoted is None else request.baseline.fetched(promoted)


def _write_database(limits: Limits, partial: Path, *, sound: bool) -> None:
    """Assemble ``marts.duckdb`` from the Parquet files, with comments, in a form that BI clients can open.

    The tables stand in the file's main schema: opened as ``marts.duckdb`` they are ``marts.coverage`` and so on, while
    a schema ``marts`` beside the catalogue of that name would make every such name ambiguous.
    """
    path = partial / "marts.duckdb"
    with connect(limits) as con:
        con.execute(f"ATTACH {quoted(str(path))} AS build (STORAGE_VERSION '{_STORAGE_VERSION}')")
        for name in published_tables():
            con.execute(create_table(load_contracts()[name], f"build.{name}", constraints=sound))
            parquet = quoted(str(partial / "marts" / f"{name}.parquet"))
            con.execute(f"INSERT INTO build.{name} FROM read_parquet({parquet})")
        con.execute("CHECKPOINT build")
        con.execute("DETACH build")


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _result(counts: Mapping[str, int]) -> BuildResult:
    if counts["fail"] or counts["error"]:
        return "failure"
    return "warnings" if counts["warn"] else "success"


def _reasons(checks: Sequence[Check]) -> list[str]:
    return [
        f"{c['table']} {c['code']}: {c['message_id']} / {c['message_en']} ({c['observed']})" for c in stopping(checks)
    ]


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def _finish(partial: Path, folder: Path, manifest: Manifest) -> None:
    """Write the manifest last, make everything durable, and give the folder its name."""
    (partial / "manifest.json").write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for path in partial.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            path.chmod(0o444)
    partial.replace(folder)
    sync_folder(folder.parent)
