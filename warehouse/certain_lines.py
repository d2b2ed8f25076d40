"""Certain lines of a text file: from DuckDB's parser straight into a data file of core, in one pass.

Only lines that are not certain, and those that repeat a membership, come back to be read and judged like all others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from expectations.contracts import Contract
from expectations.schemas import quoted
from sources.straight import StraightText
from sources.tables import BOOKKEEPING, LineCount, SourceTable
from transforms.certain import (
    KIND_COLUMNS,
    Certain,
    certain_select,
    kind_mask,
    kind_rows,
    uncertain_select,
)
from transforms.clean import Reading, tagged_sql
from warehouse.connections import first_value
from warehouse.lake import DataFile, Table, files_relation

# How a time of export stands in a data file's name: in the order of time.
EXPORTED = "%Y%m%dT%H%M%S"
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_CODE = re.compile(r"[A-Za-z0-9_-]+")
# A file of which so many lines come back is read like all others: they are held in memory.
_MOST_COMING_BACK = 500_000

# Every day that digits 7 to 12 of a NIK can tell, as the macro reads them.
_BIRTHS = """
CREATE OR REPLACE TABLE births AS
SELECT digits, nik_birth_date('000000' || digits || '0001') AS born
FROM (
  SELECT printf('%02d%02d%02d', day.n + women.n, month.n, year.n) AS digits
  FROM range(1, 32) AS day(n), range(1, 13) AS month(n), range(100) AS year(n), (VALUES (0), (40)) AS women(n)
)
WHERE born IS NOT NULL
"""


@dataclass(frozen=True)
class CertainLines:
    """What became of a file's certain lines.

    Attributes:
        file: their rows, as a data file of core that is not handed over yet; null where none is alone.
        rest: the other lines, as a reader's batch.
        count: the lines of the whole table.
        partition: the office and month of the certain lines.
        exported: when they say that they were exported, as `EXPORTED` writes it.
    """

    file: DataFile | None
    rest: pl.DataFrame
    count: LineCount
    partition: Mapping[str, str]
    exported: str | None

    @property
    def is_all(self) -> bool:
        """Tell whether no other line is left to be judged."""
        return self.rest.is_empty()


def create_kinds(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Create ``kinds``, the combinations that break none of the rules that look at nothing else, and ``births``.

    Args:
        con: a connection with ``reference``, the transforms' macros, ``earlier`` and ``clashing``.
        contract: of a dataset that has certain lines.
    """
    columns = ", ".join(f"{name} VARCHAR" for name in KIND_COLUMNS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE combinations ({columns})")
    frame = pl.DataFrame(kind_rows(), schema=dict.fromkeys(KIND_COLUMNS, pl.String), orient="row").to_arrow()
    con.register("combined", frame)
    rows = "SELECT row_number() OVER () AS _line, 1 AS _lines, NULL::VARCHAR AS _problem, '' AS _raw, * FROM combined"
    reading = Reading(frozenset(KIND_COLUMNS), "plain", None, {})
    tagged = tagged_sql(contract, reading, f"({rows})")
    con.execute(
        f"CREATE OR REPLACE TABLE kinds AS SELECT {', '.join(KIND_COLUMNS)}, programme_set(programmes) "
        f"AS programme_set FROM ({tagged}) WHERE (_mask & {kind_mask(contract)}::HUGEINT) = 0"
    )
    con.unregister("combined")
    con.execute(_BIRTHS)


@dataclass(frozen=True)
class _Taking:
    """One file whose certain lines are taken."""

    con: duckdb.DuckDBPyConnection
    contract: Contract
    core: Table
    text: StraightText
    certain: Certain
    source_key: str
    exported: str | None

    def take(self) -> CertainLines | None:
        """Write the certain lines and bring back the rest; null where a line would be lost."""
        file = self._written()
        if file is None:
            return None
        taken = self._with_rest(file)
        if taken is None or taken.file is not file:
            self.core.discard(file)
        return taken

    def _written(self) -> DataFile | None:
        """Write the certain lines; null where the parser stumbles over a line."""
        try:
            return self._draft(certain_select(self.contract, self.certain, self._lines(), self.source_key))
        except duckdb.InvalidInputException:
            return None

    def _draft(self, select: str) -> DataFile:
        stem = f"{self.source_key}-{self.exported or ''}"
        return self.core.draft_file(self.con, select, self.certain.partition, stem)

    def _lines(self, *, numbered: bool = False) -> str:
        """Write the relation of the file's canonical columns."""
        named = ", ".join(f"c{place} AS {name}" for name, place in self.text.positions.items())
        nth = "_nth, " if numbered else ""
        return f"SELECT {nth}{named} FROM ({self._numbered() if numbered else self._parsed()})"

    def _parsed(self) -> str:
        fields = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in self.text.fields) + "}"
        return (
            f"SELECT * FROM read_csv({quoted(str(self.text.path))}, auto_detect = false, header = false, "
            f"skip = {self.text.skipped}, delim = {quoted(self.text.delimiter)}, quote = '', escape = '', "
            f"strict_mode = true, null_padding = false, columns = {fields})"
        )

    def _numbered(self) -> str:
        """Write the relation of the file's fields, each line with its number and the membership that it names."""
        membership = f"keyed_hash('kpj', identifier(c{self.text.positions['kpj']})) AS membership_id"
        return f"SELECT row_number() OVER () AS _nth, {membership}, * FROM ({self._parsed()})"

    def _with_rest(self, file: DataFile) -> CertainLines | None:
        """Bring back what is not certain, and what repeats a membership; null where a line is missing."""
        missing = self.text.records - file.rows
        if missing > _MOST_COMING_BACK or not self._finds_uncertain(file, missing):
            return None
        repeated = self._find_repeated(file)
        shaped = self.text.shaped(self._coming_back(is_repeated=repeated > 0) if missing or repeated else self._none())
        if shaped is None:
            return None
        kept = self._alone(file) if repeated or not file.rows else file
        return CertainLines(kept, *shaped, self.certain.partition, self.exported)

    def _finds_uncertain(self, file: DataFile, missing: int) -> bool:
        """Bring the missing lines into ``uncertain``: by their memberships, or by judgement where those do not tell."""
        lines = f"SELECT line.* FROM ({self._numbered()}) AS line"
        # Short hashes take a third of the room; where two meet by chance a line is missing, and judgement finds it.
        written = f"(SELECT hash(membership_id) AS short FROM ({self._rows_of(file)})) AS row"
        unwritten = f"ANTI JOIN {written} ON row.short = hash(line.membership_id)" if missing else "LIMIT 0"
        if self._create_uncertain(f"{lines} {unwritten}") == missing:
            return True
        judged = uncertain_select(self.contract, self.certain, self._lines(numbered=True))
        return self._create_uncertain(f"{lines} SEMI JOIN ({judged}) USING (_nth)") == missing

    def _create_uncertain(self, select: str) -> int:
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE uncertain AS {select}")
        return first_value(self.con, "SELECT count(*) FROM uncertain")

    def _find_repeated(self, file: DataFile) -> int:
        """Find the memberships that several lines name, certain or not, and those that another office names too.

        By short hashes first, which hardly ever meet by chance and leave a file of any size in memory.
        """
        named = (
            f"SELECT membership_id FROM ({self._rows_of(file)}) UNION ALL SELECT DISTINCT membership_id FROM uncertain"
        )
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE met AS
            SELECT hash(membership_id) AS short FROM ({named}) GROUP BY short HAVING count(*) > 1"""
        )
        self.con.execute(
            f"""CREATE OR REPLACE TEMP TABLE repeated AS
            SELECT membership_id FROM ({named}) WHERE hash(membership_id) IN (FROM met)
            GROUP BY membership_id HAVING count(*) > 1
            UNION SELECT membership_id FROM clashing WHERE period = $period""",
            {"period": self.certain.partition.get("period")},
        )
        return first_value(self.con, "SELECT count(*) FROM repeated")

    def _rows_of(self, file: DataFile) -> str:
        return files_relation([str(self.core.root / file.path)], self.core.schema, self.core.partition_by)

    def _alone(self, file: DataFile) -> DataFile | None:
        """Write a data file that leaves out the repeated memberships; null where nothing else is in it."""
        kept = f"SELECT * FROM ({self._rows_of(file)}) ANTI JOIN repeated USING (membership_id)"
        alone = self._draft(kept)
        if alone.rows:
            return alone
        self.core.discard(alone)
        return None

    def _none(self) -> pl.DataFrame:
        return pl.DataFrame(schema={**BOOKKEEPING, **dict.fromkeys(self.text.fields, pl.String)})

    def _coming_back(self, *, is_repeated: bool) -> pl.DataFrame:
        """Give the lines that are not certain or not alone, as the file has them."""
        raw = f" || {quoted(self.text.delimiter)} || ".join(f"coalesce({field}, '')" for field in self.text.fields)
        cells = ", ".join(f"coalesce({field}, '') AS {field}" for field in self.text.fields)
        lines = "FROM uncertain"
        if is_repeated:
            several = f"FROM ({self._numbered()}) SEMI JOIN repeated USING (membership_id)"
            lines = f"{lines} UNION BY NAME ({several})"
        return self.con.sql(
            f"""SELECT _nth + {self.text.skipped} AS _line, 1::INTEGER AS _lines, NULL::VARCHAR AS _problem,
              {raw} AS _raw, {cells}
            FROM ({lines}) ORDER BY _nth"""
        ).pl()


def take_certain_lines(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    core: Table,
    table: SourceTable,
    said: Mapping[str, str],
    source_key: str,
) -> CertainLines | None:
    """Take the certain lines of a table to core.

    Args:
        con: a connection with ``reference``, the transforms' macros, ``kinds``, ``births`` and ``clashing``.
        contract: the dataset's contract.
        core: its core table; a data file is written below it.
        table: the table.
        said: what the file's path says.
        source_key: the file's sha256.

    Returns:
        The certain lines, and the others to be judged; null where the table has to be read as a whole.
    """
    text = table.straight
    # Tables of one archive may repeat each other's lines.
    if text is None or not text.records or "!" in table.file:
        return None
    certain = _certain(contract, table, text, said)
    if certain is None:
        return None
    exported = first_value(con, f"SELECT strftime(try_cast(? AS TIMESTAMP), '{EXPORTED}')", [certain.exported_at])
    taken = _Taking(con, contract, core, text, certain, source_key, exported).take()
    if taken is not None:
        table.count, table.is_taken = taken.count, True
    return taken


def _certain(contract: Contract, table: SourceTable, text: StraightText, said: Mapping[str, str]) -> Certain | None:
    first = dict(enumerate(text.first_record))
    cells = {name: first.get(place, "") for name, place in text.positions.items()}
    partition = {name: said.get(name) or cells.get(name, "") for name in contract.partition}
    if not all(_is_whole(name, value, text) for name, value in partition.items()):
        return None
    return Certain(
        columns=frozenset(text.positions),
        nulls=text.nulls,
        region_system=table.layout.region_system,
        partition=partition,
        exported_at=cells.get("exported_at") or None,
    )


def _is_whole(name: str, value: str, text: StraightText) -> bool:
    shape = _PERIOD if name == "period" else _CODE
    return shape.fullmatch(value) is not None and value not in text.nulls
