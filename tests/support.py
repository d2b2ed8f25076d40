"""Builders shared by tests: a home with landing zone, lake and builds; invented people; nights in process."""

import csv
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest
from pydantic import SecretStr

from expectations.contracts import contracts_of, load_contracts
from expectations.judge import Judge, Verdict
from expectations.schemas import sql_type
from expectations.suites import answered
from expectations.tables import Job
from flows.nightly import run_night
from flows.report import NightReport
from flows.settings import Settings
from flows.steps import Night
from sources.landing import list_landing
from sources.places import Folder
from tests.warm import warm_cli
from transforms.clean import MACROS, Reading, landing_names, tagged_sql
from warehouse.connections import Limits, connect, write_parquet
from warehouse.file_loading import Sweep
from warehouse.house import House
from warehouse.load import LoadedFile
from warehouse.partials.exports import Export
from warehouse.partials.refresh import Work, refresh
from warehouse.partials.store import Store
from warehouse.publish import Publication
from warehouse.reference import load_reference
from warehouse.sweep import run_sweep
from warehouse.waiting import waiting_lines

Row = dict[str, Any]
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "sample"
PERSON_KEY = "a key for tests, which is no secret"
AS_OF = date(2026, 11, 21)
LIMITS = Limits(memory="1GB", threads=1)


def nik(number: int, born: date = date(1990, 2, 3), *, woman: bool = False) -> str:
    """Give the NIK of an invented person: prefix 99, a date that the calendar has, a serial from 0001."""
    return f"991301{born.day + 40 * woman:02}{born:%m%y}{number:04}"


def kpj(number: int) -> str:
    """Give a KPJ of 11 digits."""
    return f"{number:011}"


def participant(number: int, **changes: Any) -> Row:
    """Give one good canonical row of an invented person; office and period come from the path."""
    row: Row = {
        "kpj": kpj(number),
        "nik": nik(number),
        "name": f"Rekaan Uji {number}",
        "birth_date": "1990-02-03",
        "sex": "L",
        "segment": "BPU",
        "programmes": "JKK+JKM",
        "region_code": "1303",
        "region_system": "bps",
        "contribution_idr": "16800",
        "last_paid_period": "2026-10",
        "registered_date": "2024-05-06",
    }
    return row | changes


def recap(**changes: Any) -> Row:
    """Give one good recap."""
    row: Row = {
        "as_of": "2026-10-31",
        "office_code": "SLK",
        "segment": "BPU",
        "basis": "active_stock",
        "value": "100",
        "source_kind": "office",
        "source": "rekap",
    }
    return row | changes


def target(**changes: Any) -> Row:
    """Give one good target."""
    row: Row = {
        "year": "2026",
        "office_code": "SLK",
        "segment": "BPU",
        "basis": "active_stock",
        "target": "120",
        "source": "RKAT",
    }
    return row | changes


def labour(**changes: Any) -> Row:
    """Give one good estimate of workers."""
    row: Row = {
        "region_code": "1303",
        "region_system": "bps",
        "year": "2026",
        "round": "aug",
        "concept": "labour_force",
        "value": "1000",
        "source_kind": "bps",
        "source": "Sakernas",
        "vintage": "2026-11-05",
    }
    return row | changes


def csv_text(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> str:
    """Write rows as a canonical CSV file: the union of their columns, in the order of appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def zipped(**files: str) -> bytes:
    """Write an archive of text files, named without their ending."""
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text)
    return stream.getvalue()


@dataclass(frozen=True)
class Home:
    """A landing zone, a lake and builds under one temporary folder."""

    root: Path

    @property
    def landing(self) -> Path:
        """The landing zone."""
        return self.root / "landing"

    @property
    def house(self) -> House:
        """The lake."""
        return House(Folder(self.root / "lake"))

    @property
    def publication(self) -> Publication:
        """The builds."""
        return Publication(Folder(self.root / "publish"))

    def copied_to(self, root: Path) -> "Home":
        """Copy all that is here into another home."""
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        return Home(root)

    def put(self, file: str, content: str | bytes | Sequence[Mapping[str, Any]]) -> Path:
        """Land a file: bytes, text, or rows of a canonical CSV."""
        path = self.landing / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = csv_text(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def settings(self, person_key: str = PERSON_KEY, required: tuple[str, ...] = ()) -> Settings:
        """Give the settings of this home, with a key for persons."""
        return Settings(
            landing=str(self.landing),
            lake=str(self.house.root),
            publish=str(self.publication.root),
            secrets=self.root / "secrets",
            person_key=SecretStr(person_key),
            memory_limit="1GB",
            required=required,
        )

    def night(self, as_of: date = AS_OF, *, forced: bool = False, dry: bool = False, **given: Any) -> Night:
        """Describe a night."""
        return Night(self.settings(**given), as_of, is_forced=forced, is_dry_run=dry)

    def run(self, as_of: date = AS_OF, *, forced: bool = False, dry: bool = False, **given: Any) -> NightReport:
        """Run a night in process."""
        return run_night(self.night(as_of, forced=forced, dry=dry, **given))

    def sweep(self, as_of: date = AS_OF) -> dict[str, LoadedFile]:
        """Load what landed, without building; gives the outcome by file."""
        self.landing.mkdir(parents=True, exist_ok=True)
        files = list_landing(Folder(self.landing), list(contracts_of("dataset")))
        with connect(LIMITS) as con:
            sweep = Sweep(self.house, self.house, con, as_of, PERSON_KEY, self.root / "work")
            return {result.landed.file: result for result in run_sweep(sweep, files)}

    def verdicts(self) -> dict[str, str]:
        """Load what landed, without building; gives the verdict by file."""
        return {file: result.verdict for file, result in self.sweep().items()}

    def core(self, table: str, columns: str = "*", version: int | None = None) -> list[tuple[Any, ...]]:
        """Give the rows of a core table, in a stable order."""
        with connect(LIMITS) as con:
            relation = self.house.core(table).relation(version)
            return con.execute(f"SELECT {columns} FROM ({relation}) ORDER BY ALL").fetchall()

    def quarantine(self) -> dict[tuple[str, int | None], Row]:
        """Give what waits in quarantine, as the list shows it, by file and line."""
        with connect(LIMITS) as con:
            return {(entry["file"], entry["line"]): entry for entry in waiting_lines(con, self.house)}

    def rules(self) -> dict[tuple[str, int | None], list[str]]:
        """Give the broken rules of every quarantined line."""
        return {place: entry["rules"] for place, entry in self.quarantine().items()}

    def mart(self, table: str, where: str = "true", build_id: str | None = None) -> list[Row]:
        """Give rows of a published mart, from ``marts.duckdb`` of the promoted (or named) build."""
        build = build_id or self.publication.promoted_id()
        assert build is not None
        database = self.publication.folder_of(build) / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as con:
            found = con.execute(f"SELECT * FROM marts.{table} WHERE {where}")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def cakupan(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line in a process of its own, in this home; warm, but for Prefect, which bears no fork."""
        words = command if "--prefect" in arguments else warm_cli
        return subprocess.run(
            words(*arguments), cwd=self.root, env=self.environment(**environment),
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        """Give the variables that make a process work in this home."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CAKUPAN_")}
        return clean | self.settings_as_variables() | more

    def settings_as_variables(self) -> dict[str, str]:
        """Give the settings of this home as variables."""
        return {
            "CAKUPAN_LANDING": str(self.landing),
            "CAKUPAN_LAKE": str(self.house.root),
            "CAKUPAN_PUBLISH": str(self.publication.root),
            "CAKUPAN_PERSON_KEY": PERSON_KEY,
            "CAKUPAN_MEMORY_LIMIT": "1GB",
            # A flow without a server starts one of its own, which takes as long as the machine is busy.
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        }


def command(*arguments: str) -> list[str]:
    """Give the words that start the command line with this interpreter."""
    return [sys.executable, "-c", "from flows.cli import main; main()", *arguments]


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def tagging_connection() -> Generator[duckdb.DuckDBPyConnection]:
    """Give a connection that can tag rows as a night does: macros, reference data, the tables of other files."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute(MACROS.read_text(encoding="utf-8"))
        con.execute(f"SET VARIABLE today = DATE '{AS_OF}'")
        con.execute("SET VARIABLE person_key = $1", [PERSON_KEY])
        load_reference(con)
        con.execute("CREATE TEMP TABLE clashing (period VARCHAR, membership_id BLOB)")
        yield con


def tag(con: duckdb.DuckDBPyConnection, dataset: str, rows: Sequence[Row], **reading: Any) -> None:
    """Put rows of text into the table ``tagged``, as a night does with those of one file.

    Args:
        con: a tagging connection.
        dataset: whose rows they are.
        rows: cells by column; ``_problem`` for a structural fault. The first row is line 2.
        reading: what differs from a canonical file in plain locale without a declared code system.
    """
    contract = load_contracts()[dataset]
    names = landing_names(contract)
    columns = ", ".join(f"{name} VARCHAR" for name in names)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE raw_rows "
        f"(_line BIGINT, _lines INTEGER, _problem VARCHAR, _raw VARCHAR, {columns})"
    )
    for line, row in enumerate(rows, start=2):
        values = [line, 1, row.get("_problem"), "", *(row.get(name) or None for name in names)]
        con.execute(f"INSERT INTO raw_rows VALUES ({', '.join('?' for _ in values)})", values)
    types = {field.name: sql_type(field.column.type) for field in contract.core_fields}
    grain = ", ".join(f"{name} {types[name]}" for name in contract.key)
    con.execute(f"CREATE OR REPLACE TEMP TABLE earlier ({grain})")
    plain: dict[str, Any] = {"columns": frozenset(names), "locale": "plain", "region_system": None, "constants": {}}
    sql = tagged_sql(contract, Reading(**{**plain, **reading}), "raw_rows")
    con.execute(f"CREATE OR REPLACE TEMP TABLE tagged AS {sql}")


def refresh_from_table(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Write the rows of the table ``core.participants`` as a night does, and count its partial aggregates."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        partitions = con.execute("SELECT DISTINCT office_code, period FROM core.participants ORDER BY ALL").fetchall()
        for office, period in partitions:
            path = root / f"office_code={office}" / f"period={period}" / "part.parquet"
            rows = "SELECT * EXCLUDE (office_code, period) FROM core.participants"
            write_parquet(con, f"{rows} WHERE office_code = '{office}' AND period = '{period}'", path)
        exports = [Export.at(str(path)) for path in sorted(root.rglob("*.parquet"))]
        refresh(Work(con, Store(Folder(root / "kept")), exports, lambda _key: None), as_of)


def tree(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder with its bytes."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def marts_of(folder: Path) -> dict[str, bytes]:
    """Give the bytes of every published Parquet file of a build."""
    return {path.name: path.read_bytes() for path in sorted((folder / "marts").glob("*.parquet"))}


class TrustingJudge(Judge):
    """A judge that passes every check at once: for tests that are not about what Great Expectations says."""

    def __init__(self) -> None:
        """Start nothing."""

    @classmethod
    def start(cls, command: Sequence[str] | None = None) -> "Judge":  # noqa: ARG003 - as the real one takes it
        """Give the judge."""
        return cls()

    def verdict(self, job: Job, timeout: float = 0) -> Verdict:  # noqa: ARG002 - as the real one takes it
        """Answer every check with pass."""
        asked = ((suite["table"], check) for suite in job["suites"] for check in suite["checks"])
        checks = [answered(table, check, "pass", None) for table, check in asked]
        return {"canary": "pass", "checks": checks, "seconds": 0.0, "import_seconds": 0.0}

    def close(self) -> None:
        """End nothing."""


@contextmanager
def trusting_judges() -> Generator[None]:
    """Let nights in process be quick while it lasts: their judge passes everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.steps.Judge", TrustingJudge)
        yield


@contextmanager
def killed_at_the_end(process: "subprocess.Popen[str]") -> Generator["subprocess.Popen[str]"]:
    """Make sure that a process does not outlive its test."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def columns_of(rows: Iterable[Row], *names: str) -> list[tuple[Any, ...]]:
    """Give some columns of rows."""
    return [tuple(row[name] for name in names) for row in rows]
