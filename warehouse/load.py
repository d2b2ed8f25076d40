"""Load one file: read its tables, tag their rows, set the good ones aside for core and the bad ones for quarantine."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl

from expectations.contracts import Contract
from expectations.profiles import shipped_profiles
from expectations.rules import row_rules, severity_mask
from expectations.schemas import quoted
from sources.landing import LandedFile
from sources.reading import Refusal, SourceTable, open_tables
from transforms.clean import Reading, core_select, landing_names, tagged_sql
from warehouse.bad_rows import Origin, add_bad_entry, create_bad_rows, quarantine_lines
from warehouse.certain_lines import EXPORTED, CertainLines, take_certain_lines
from warehouse.connections import first_value
from warehouse.lake import DataFile, Table, files_relation

Verdict = Literal["loaded", "partly_quarantined", "refused", "unchanged"]
UNKNOWN_COLUMN = "unknown_column"
_BOOKKEEPING = {"_line": "BIGINT", "_lines": "INTEGER", "_problem": "VARCHAR", "_raw": "VARCHAR"}


@dataclass
class Lines:
    """Lines of a file by what became of them: read = header + good + quarantined + blank."""

    read: int = 0
    header: int = 0
    good: int = 0
    quarantined: int = 0
    blank: int = 0

    def add(self, other: "Lines") -> None:
        """Add the lines of another table or file."""
        for name in ("read", "header", "good", "quarantined", "blank"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def add_up(self) -> bool:
        """Tell whether every line is accounted for."""
        return self.read == self.header + self.good + self.quarantined + self.blank


@dataclass(frozen=True)
class StagedPartition:
    """Good rows of one partition from one file, written below the core table and not yet registered."""

    source_key: str
    file: str
    partition: Mapping[str, str]
    data: tuple[DataFile, ...]
    said: str | None

    def joined(self, other: "StagedPartition") -> "StagedPartition":
        """Give both parts of one partition as one: an export may come as several tables of one file."""
        said = max(filter(None, (self.said, other.said)), default=None)
        return replace(self, data=self.data + other.data, said=said)


@dataclass
class LoadedFile:
    """What became of one file; one that is not settled is read again by the next sweep."""

    landed: LandedFile
    lines: Lines = field(default_factory=Lines)
    verdict: Verdict = "loaded"
    is_settled: bool = True
    partitions: list[StagedPartition] = field(default_factory=list[StagedPartition])
    warnings: dict[str, int] = field(default_factory=dict[str, int])
    notes: list[str] = field(default_factory=list[str])
    profiles: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def source_key(self) -> str:
        """The file's sha256."""
        return self.landed.sha256

    def add(self, staged: StagedPartition) -> None:
        """Add good rows of a partition to those that earlier tables of the file brought."""
        for index, known in enumerate(self.partitions):
            if known.partition == staged.partition:
                self.partitions[index] = known.joined(staged)
                return
        self.partitions.append(staged)


class LinesLostError(RuntimeError):
    """The counts of a file do not add up: a fault of the pipeline, never of the file."""


@dataclass(frozen=True)
class Loader:
    """Loads the files of one dataset over one connection that has ``reference`` and the transforms' macros.

    ``takes_certain`` is true where the connection also has the tables by which lines are certain.
    """

    con: duckdb.DuckDBPyConnection
    contract: Contract
    core: Table
    offices: frozenset[str]
    work_dir: Path
    takes_certain: bool = False

    def prepare(self) -> None:
        """Create the empty tables that loading fills: ``bad_rows``, ``clashing`` and ``incoming``."""
        create_bad_rows(self.con)
        self.con.execute("CREATE OR REPLACE TEMP TABLE clashing (period VARCHAR, membership_id BLOB)")
        no_rows = files_relation([], self.core.schema, self.core.partition_by)
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE incoming AS SELECT *, '' AS _file, '' AS _sheet, 0::BIGINT AS _line, "
            f"0::INTEGER AS _lines FROM ({no_rows})"
        )
        self._create_earlier()

    def load(self, landed: LandedFile, kept: Path) -> LoadedFile:
        """Load a file's kept bytes.

        Args:
            landed: the file as it was listed.
            kept: where its bytes are kept.

        Returns:
            Counts, verdict and staged partitions; bad rows are in ``bad_rows``, good rows of a dataset without
            partitions are in ``incoming``.

        Raises:
            LinesLostError: a line is neither good, quarantined, blank nor layout.
        """
        result = LoadedFile(landed)
        self._create_earlier()
        for table in self._tables(landed, kept):
            if isinstance(table, Refusal):
                self._refuse(result, table)
            else:
                self._load_table(result, table)
        result.verdict = _verdict(result, self._refusals(landed))
        if not result.lines.add_up():
            raise LinesLostError(f"{landed.file}: lines do not add up: {result.lines}")
        return result

    def _create_earlier(self) -> None:
        grain = ", ".join(f.name for f in self.contract.core_fields if f.name in self.contract.key)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE earlier AS SELECT {grain} FROM incoming LIMIT 0")

    def _remember_grains(self, table: SourceTable, good: str) -> None:
        """Keep the grains of a sheet or a member of an archive: another may repeat them."""
        if table.sheet is not None or "!" in table.file:
            self.con.execute(f"INSERT INTO earlier BY NAME SELECT {', '.join(self.contract.key)} FROM ({good})")

    def _tables(self, landed: LandedFile, kept: Path) -> Iterator[SourceTable | Refusal]:
        yield from open_tables(
            path=kept,
            file=landed.file,
            dataset=self.contract.name,
            columns=landing_names(self.contract),
            required=self.contract.header_required,
            profiles=shipped_profiles(self.contract.name),
            work_dir=self.work_dir,
        )

    def _refusals(self, landed: LandedFile) -> int:
        return first_value(
            self.con, "SELECT count(*) FROM bad_rows WHERE source_key = ? AND line IS NULL", [landed.sha256]
        )

    def _refuse(self, result: LoadedFile, refusal: Refusal) -> None:
        counted = refusal.lines
        bad = counted.read - counted.header - counted.blank
        result.lines.add(Lines(counted.read, counted.header, 0, bad, counted.blank))
        messages = (refusal.message_id, refusal.message_en)
        more = {"file": refusal.file, "sheet": refusal.sheet, "lines": bad}
        add_bad_entry(self.con, result.landed, refusal.code, messages, **more)

    def _load_table(self, result: LoadedFile, table: SourceTable) -> None:
        said = result.landed.said_by_path(self.offices)
        certain = self._take_certain(table, said, result.source_key)
        refusal = None if certain is not None and certain.is_all else self._judge(result, table, said, certain)
        if refusal is not None:
            self._refuse(result, refusal)
            return
        result.lines.add(Lines(table.count.read, table.count.header, 0, 0, table.count.blank))
        if certain is not None and certain.file is not None:
            self._add_certain(result, certain, certain.file)
        self._note_unknown(result, table)
        used = profile_digests(self.contract.name)
        result.profiles |= {name: digest for name, digest in used.items() if name == table.layout.profile}

    def _take_certain(self, table: SourceTable, said: Mapping[str, str], source_key: str) -> CertainLines | None:
        if not self.takes_certain:
            return None
        return take_certain_lines(self.con, self.contract, self.core, table, said, source_key)

    def _judge(
        self, result: LoadedFile, table: SourceTable, said: Mapping[str, str], certain: CertainLines | None
    ) -> Refusal | None:
        """Judge the lines that are not certain; give why the table is refused, if it is."""
        try:
            self._read_raw(table, table.batches() if certain is None else [certain.rest])
        except Refusal as damage:
            return damage
        reading = _reading(table, said)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE tagged AS {tagged_sql(self.contract, reading, 'raw_rows')}")
        conflict = self._path_conflict(table, said)
        if conflict is None:
            self._sort_out(result, table)
        return conflict

    def _add_certain(self, result: LoadedFile, certain: CertainLines, file: DataFile) -> None:
        self.core.hand_over(file)
        result.lines.good += file.rows
        staged = (result.source_key, result.landed.file, certain.partition, (file,), certain.exported)
        result.add(StagedPartition(*staged))

    def _read_raw(self, table: SourceTable, batches: Iterable[pl.DataFrame]) -> None:
        columns = _BOOKKEEPING | dict.fromkeys(sorted(table.layout.columns), "VARCHAR")
        ddl = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE raw_rows ({ddl})")
        for batch in batches:
            self._insert(batch, list(columns))

    def _insert(self, batch: pl.DataFrame, columns: list[str]) -> None:
        self.con.register("batch", batch.to_arrow())
        self.con.execute(f"INSERT INTO raw_rows BY NAME SELECT {', '.join(columns)} FROM batch")
        self.con.unregister("batch")

    def _path_conflict(self, table: SourceTable, said: Mapping[str, str]) -> Refusal | None:
        for name, value in said.items():
            if name not in table.layout.columns:
                continue
            found = first_value(self.con, f"SELECT min({name}) FROM tagged WHERE {name} <> ?", [value])
            if found is not None:
                return _conflict(table, name, value, found)
        return None

    def _sort_out(self, result: LoadedFile, table: SourceTable) -> None:
        rules = row_rules(self.contract)
        errors = severity_mask(rules, "error")
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE bad_lines AS "
            f"SELECT DISTINCT _line FROM tagged WHERE (_mask & {errors}::HUGEINT) <> 0"
        )
        good = "SELECT * FROM tagged WHERE _line NOT IN (SELECT _line FROM bad_lines)"
        if first_value(self.con, "SELECT count(*) FROM bad_lines"):
            quarantine_lines(self.con, self.contract, Origin(table.file, table.sheet, result.source_key))
        if self.contract.partition:
            self._stage(result, good)
        else:
            self._put_in_line(result, table, good)
        self._count_warnings(result, good)
        self._remember_grains(table, good)
        result.lines.good += self._count_lines("_line NOT IN (FROM bad_lines)")
        result.lines.quarantined += self._count_lines("_line IN (FROM bad_lines)")

    def _note_unknown(self, result: LoadedFile, table: SourceTable) -> None:
        """Warn of further columns that nobody reads, by name."""
        if unknown := table.layout.unknown_columns:
            result.warnings[UNKNOWN_COLUMN] = result.warnings.get(UNKNOWN_COLUMN, 0) + len(unknown)
            result.notes.append(f"kolom tidak dikenal / unknown columns: {', '.join(unknown)}")

    def _count_lines(self, where: str) -> int:
        records = f"SELECT DISTINCT _line, _lines FROM tagged WHERE {where}"
        return int(first_value(self.con, f"SELECT coalesce(sum(_lines), 0) FROM ({records})"))

    def _count_warnings(self, result: LoadedFile, good: str) -> None:
        warnings = {bit: rule.code for bit, rule in enumerate(row_rules(self.contract)) if rule.severity == "warn"}
        if not warnings:
            return
        counts = ", ".join(f"count(*) FILTER ((_mask & {1 << bit}::HUGEINT) <> 0)" for bit in warnings)
        found = self.con.execute(f"SELECT {counts} FROM ({good})").fetchall()[0]
        for code, count in zip(warnings.values(), found, strict=True):
            if count:
                result.warnings[code] = result.warnings.get(code, 0) + count

    def _put_in_line(self, result: LoadedFile, table: SourceTable, good: str) -> None:
        """Add good rows to ``incoming``, each with where it stands: a file may hold several tables."""
        place = f"{quoted(table.file)} AS _file, {quoted(table.sheet or '')} AS _sheet, _line, _lines"
        kept = core_select(self.contract, f"({good})", result.source_key).replace("SELECT ", f"SELECT {place}, ", 1)
        self.con.execute(f"INSERT INTO incoming BY NAME {kept}")

    def _stage(self, result: LoadedFile, good: str) -> None:
        select = core_select(self.contract, f"({good})", result.source_key)
        names = ", ".join(self.contract.partition)
        said = f"max(strftime(try_cast(exported_at AS TIMESTAMP), '{EXPORTED}'))"
        for *values, exported in self.con.execute(
            f"SELECT {names}, {said} FROM ({good}) GROUP BY {names} ORDER BY {names}"
        ).fetchall():
            partition = dict(zip(self.contract.partition, values, strict=True))
            where = " AND ".join(f"{name} = {quoted(value)}" for name, value in partition.items())
            stem = f"{result.source_key}-{exported or ''}"
            data = self.core.write_file(self.con, f"SELECT * FROM ({select}) WHERE {where}", partition, stem)
            result.add(StagedPartition(result.source_key, result.landed.file, partition, (data,), exported))


def profile_digests(dataset: str) -> dict[str, str]:
    """Give the digest of every profile of a dataset, by name."""
    return {profile.name: profile.digest for profile in shipped_profiles(dataset)}


def _reading(table: SourceTable, said: Mapping[str, str]) -> Reading:
    layout = table.layout
    return Reading(
        columns=frozenset(layout.columns),
        locale=layout.locale,
        region_system=layout.region_system,
        constants={**said, **layout.constants},
        unit=str(layout.unit),
    )


def _conflict(table: SourceTable, name: str, path_says: str, file_says: str) -> Refusal:
    return Refusal(
        "path_differs",
        f"Folder menyebut {name} {path_says}, isi berkas {file_says}: pindahkan berkas atau perbaiki isinya",
        f"The folder says {name} {path_says}, the file says {file_says}: move the file or mend it",
    ).at(table.file, table.sheet, table.count)


def _verdict(result: LoadedFile, refusals: int) -> Verdict:
    if refusals and result.lines.good == 0:
        return "refused"
    return "partly_quarantined" if result.lines.quarantined or refusals else "loaded"
