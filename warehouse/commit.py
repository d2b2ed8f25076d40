"""Commit what a sweep loaded: whole partitions for participants, rows by grain for every other dataset."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from expectations.contracts import Contract
from expectations.schemas import quoted
from transforms.identities import TABLES as IDENTITY_TABLES
from transforms.identities import identity_queries
from warehouse.connections import first_value
from warehouse.lake import Table
from warehouse.load import LoadedFile, StagedPartition

# What a row says of when it was said; the later one wins, before the order of sweeps.
_SAID = {"recaps": "published_on", "targets": "decided_on", "labour_force": "coalesce(published_on, vintage)"}


@dataclass(frozen=True)
class Standing:
    """The file that stands for a partition: its sha256, the sweep that recorded it, when it was exported if it says."""

    source_key: str
    sweep: int
    said: str | None


@dataclass(frozen=True)
class Refused:
    """A file that is refused as a whole after reading, because another one claims the same partition."""

    source_key: str
    message_id: str
    message_en: str


@dataclass(frozen=True)
class Choice:
    """Which staged partitions replace what is there, and which files are refused."""

    winners: list[StagedPartition]
    refused: list[Refused]


def choose_partitions(
    staged: Sequence[StagedPartition],
    current: Callable[[StagedPartition], Standing | None],
    sweeps: dict[str, int],
) -> Choice:
    """Decide which file stands for each partition.

    The later file wins: by what the files say (``exported_at``), then by the sweep that recorded them. Two files of
    one sweep that do not say it are both refused.

    Args:
        staged: the partitions of this sweep.
        current: gives, for a partition, the file that stands there now.
        sweeps: the sweep that first recorded each sha256.

    Returns:
        The winners, at most one a partition, and the refused files.
    """
    claims: dict[tuple[str, ...], list[StagedPartition]] = defaultdict(list)
    for partition in staged:
        claims[tuple(partition.partition.values())].append(partition)
    refused = [refusal for rivals in claims.values() for refusal in _ties(rivals, sweeps)]
    out = {refusal.source_key for refusal in refused}
    winners: list[StagedPartition] = []
    for rivals in claims.values():
        standing = [rival for rival in rivals if rival.source_key not in out]
        if not standing:
            continue
        best = max(standing, key=lambda rival: _order(rival, sweeps))
        if _is_later(best, current(best), sweeps):
            winners.append(best)
    return Choice(winners, list({refusal.source_key: refusal for refusal in refused}.values()))


def _is_later(best: StagedPartition, before: Standing | None, sweeps: dict[str, int]) -> bool:
    if before is None or before.source_key == best.source_key:
        return True
    if best.said and before.said and best.said != before.said:
        return best.said > before.said
    return sweeps[best.source_key] >= before.sweep


def _order(rival: StagedPartition, sweeps: dict[str, int]) -> tuple[str, int]:
    return (rival.said or "", sweeps[rival.source_key])


def _ties(rivals: Sequence[StagedPartition], sweeps: dict[str, int]) -> list[Refused]:
    best = max(_order(rival, sweeps) for rival in rivals)
    tied = [rival for rival in rivals if _order(rival, sweeps) == best]
    if len(tied) < 2:
        return []
    place = " ".join(tied[0].partition.values())
    files = ", ".join(sorted(rival.file for rival in tied))
    return [
        Refused(
            rival.source_key,
            f"Beberapa berkas berbeda untuk {place} tiba bersamaan tanpa exported_at: {files}; kirim satu saja",
            f"Different files for {place} arrived together without exported_at: {files}; send one",
        )
        for rival in tied
    ]


def commit_partitions(table: Table, winners: Sequence[StagedPartition]) -> None:
    """Replace the partitions that the winners stand for: all of a sweep in one commit, or none.

    Args:
        table: the core table, partitioned by office and period.
        winners: at most one staged partition a place.
    """
    if winners:
        table.replace_partitions([part for winner in winners for part in winner.data])


def merge_rows(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    sweeps: dict[str, int],
    loaded: Sequence[LoadedFile],
) -> None:
    """Let the rows of ``incoming`` replace the rows of the same grain, and commit the table if it changes.

    Args:
        con: the connection that holds ``incoming``; ``conflicts`` is left in it: source_key, _file, _sheet, _line and
            _lines of rows of one sweep that contradict each other and say no date.
        contract: the dataset's contract.
        table: its core table.
        sweeps: the sweep that first recorded each sha256.
        loaded: the files of this sweep; what they brought before is replaced by what they bring now.
    """
    _date_rows(con, contract, table, sweeps, [result.source_key for result in loaded])
    _find_conflicts(con, contract)
    columns = ", ".join(field.name for field in contract.core_fields)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE loaded AS
        SELECT {columns} FROM dated ANTI JOIN conflicts USING (source_key, _file, _sheet, _line)
        QUALIFY row_number() OVER (
          PARTITION BY {", ".join(contract.key)}
          ORDER BY _said DESC, _sweep DESC, source_key, _file, _sheet, _line) = 1"""
    )
    _commit_judged(con, contract, table)


def judge_again(con: duckdb.DuckDBPyConnection, contract: Contract, table: Table) -> None:
    """Judge what stands in a core table by the identities of today, and commit it if a status changes.

    Args:
        con: a connection with schema ``reference``.
        contract: the dataset's contract.
        table: its core table.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE loaded AS {table.relation()}")
    _commit_judged(con, contract, table)


def _commit_judged(con: duckdb.DuckDBPyConnection, contract: Contract, table: Table) -> None:
    columns = ", ".join(field.name for field in contract.core_fields)
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_judged(contract.name)}")
    if _changed(con, table):
        ordered = f"SELECT {columns} FROM judged ORDER BY {', '.join(contract.key)}, source_key"
        table.replace([table.write_file(con, ordered, {}, "part")])


def _judged(name: str) -> str:
    return identity_queries(name).rows if name in IDENTITY_TABLES else "SELECT * FROM loaded"


def _changed(con: duckdb.DuckDBPyConnection, table: Table) -> bool:
    columns = ", ".join(table.schema.names)
    now, before = f"SELECT {columns} FROM judged", table.relation()
    return first_value(con, f"SELECT EXISTS (({now}) EXCEPT ({before})) OR EXISTS (({before}) EXCEPT ({now}))")


def _date_rows(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    sweeps: dict[str, int],
    fresh: Sequence[str],
) -> None:
    """Put what stands and what came side by side, each row with when it was said and which sweep brought it."""
    con.execute("CREATE OR REPLACE TEMP TABLE sweeps (source_key VARCHAR, sweep BIGINT)")
    con.executemany("INSERT INTO sweeps VALUES (?, ?)", list(sweeps.items()))
    again = ", ".join(quoted(source_key) for source_key in fresh)
    bookkeeping = (*contract.key, "source_key", "value_status")
    content = ", ".join(field.name for field in contract.core_fields if field.name not in bookkeeping)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE dated AS
        WITH rows_of AS (
          SELECT *, '' AS _file, '' AS _sheet, 0 AS _line, 0 AS _lines
          FROM ({table.relation()}) WHERE source_key NOT IN ({again})
          UNION ALL BY NAME SELECT * FROM incoming
        )
        SELECT rows_of.*, sweeps.sweep AS _sweep, hash({content or "1"}) AS _content,
          coalesce(CAST({_SAID.get(contract.name, "NULL")} AS DATE), DATE '0001-01-01') AS _said
        FROM rows_of JOIN sweeps USING (source_key)"""
    )


def _find_conflicts(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Find the newest rows of one grain that different files of one sweep contradict without saying a date."""
    key = ", ".join(contract.key)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE conflicts AS
        WITH newest AS (
          SELECT *, rank() OVER (PARTITION BY {key} ORDER BY _said DESC, _sweep DESC) AS _tie FROM dated
        )
        SELECT DISTINCT source_key, _file, _sheet, _line, _lines FROM (
          SELECT source_key, _file, _sheet, _line, _lines,
            count(DISTINCT _content) OVER (PARTITION BY {key}) AS contents,
            count(DISTINCT source_key) OVER (PARTITION BY {key}) AS files
          FROM newest WHERE _tie = 1 AND _line > 0
        ) WHERE contents > 1 AND files > 1"""
    )
