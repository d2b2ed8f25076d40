"""The rows of this sweep that go to quarantine, in a temporary table with the quarantine's columns."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from expectations.contracts import Contract, load_contracts
from expectations.rules import row_rules
from expectations.schemas import quoted, sql_type
from sources.landing import LandedFile
from transforms.clean import landing_names

_TOLD = ("code", "message_id", "message_en", "expected", "column_name")
_RULES = pa.schema([("nth", pa.int32()), *((name, pa.string()) for name in _TOLD)])


@dataclass(frozen=True)
class Origin:
    """Where lines come from: the file within the landing zone, its sheet, its sha256."""

    file: str
    sheet: str | None
    source_key: str


def create_bad_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table ``bad_rows``, in the columns of the quarantine."""
    columns = ", ".join(f"{f.name} {sql_type(f.column.type)}" for f in load_contracts()["quarantine"].core_fields)
    con.execute(f"CREATE OR REPLACE TEMP TABLE bad_rows ({columns})")


def add_bad_entry(
    con: duckdb.DuckDBPyConnection, landed: LandedFile, code: str, messages: tuple[str, str], **more: str | int | None
) -> None:
    """Add one entry that is not the outcome of a row rule.

    Args:
        con: the connection that holds ``bad_rows``.
        landed: the file that it is about.
        code: why, in one word.
        messages: why, in Indonesian and in English.
        more: further columns, such as ``line``, ``lines``, ``sheet``, ``expected``; ``file`` for one inside an archive.
    """
    entry: dict[str, str | int | None] = {
        "dataset": landed.dataset,
        "file": landed.file,
        "source_key": landed.sha256,
        "rules": code,
        "message_id": messages[0],
        "message_en": messages[1],
        "lines": 0,
        **more,
    }
    marks = ", ".join("?" for _ in entry)
    con.execute(f"INSERT INTO bad_rows ({', '.join(entry)}) VALUES ({marks})", list(entry.values()))


def forget_bad_rows(con: duckdb.DuckDBPyConnection, source_key: str) -> None:
    """Remove what ``bad_rows`` holds of one file."""
    con.execute("DELETE FROM bad_rows WHERE source_key = ?", [source_key])


def quarantine_lines(con: duckdb.DuckDBPyConnection, contract: Contract, origin: Origin) -> None:
    """Add one entry a bad line, with every reason, what was found and what is expected.

    Args:
        con: the connection that holds ``tagged`` (rows with their ``_mask``), ``bad_lines`` and ``bad_rows``.
        contract: the dataset's contract.
        origin: where the lines come from.
    """
    _register_rules(con, contract)
    con.execute(
        f"""INSERT INTO bad_rows BY NAME
        WITH named AS (SELECT *, {_found_map(contract)} AS _cells FROM tagged WHERE _line IN (FROM bad_lines)),
        reasons AS (
          SELECT _line, nth, any_value(code) AS code, any_value(message_id) AS message_id,
            any_value(message_en) AS message_en, any_value(expected) AS expected,
            string_agg(DISTINCT column_name || '=' || coalesce(_cells[column_name], '')
              ORDER BY column_name || '=' || coalesce(_cells[column_name], '')) AS found
          FROM named JOIN broken_rules ON (named._mask & broken_rules.bit) <> 0
          GROUP BY _line, nth
        ),
        lines_of AS (
          SELECT _line, max(_lines) AS lines, min(_raw) AS record,
            min({_or_null(contract, "office_code")}) AS office_code, min({_or_null(contract, "period")}) AS period
          FROM named GROUP BY _line
        )
        SELECT $dataset AS dataset, $file AS file, $sheet AS sheet, _line AS line, any_value(lines) AS lines,
          any_value(office_code) AS office_code, any_value(period) AS period,
          string_agg(code, ',' ORDER BY nth) AS rules, string_agg(message_id, '; ' ORDER BY nth) AS message_id,
          string_agg(message_en, '; ' ORDER BY nth) AS message_en, string_agg(found, '; ' ORDER BY nth) AS found,
          string_agg(expected, '; ' ORDER BY nth) AS expected, any_value(record) AS record,
          $source_key AS source_key
        FROM reasons JOIN lines_of USING (_line) GROUP BY _line""",
        {
            "dataset": contract.name,
            "file": origin.file,
            "sheet": origin.sheet,
            "source_key": origin.source_key,
        },
    )


def _found_map(contract: Contract) -> str:
    cells = ", ".join(f"{quoted(name)}: {name}_text" for name in landing_names(contract))
    return f"MAP {{{cells}}}"


def _or_null(contract: Contract, name: str) -> str:
    return name if name in {field.name for field in contract.landing_fields} else "CAST(NULL AS VARCHAR)"


def _register_rules(con: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Put the error rules into ``broken_rules``: one row a rule and column that it looks at."""
    rows = [
        (nth, r.code, r.message_id, r.message_en, f"{r.expected_id} / {r.expected_en}", column)
        for nth, r in enumerate(row_rules(contract))
        if r.severity == "error"
        for column in r.columns or (None,)
    ]
    con.register("told", pa.Table.from_pylist([dict(zip(_RULES.names, row, strict=True)) for row in rows], _RULES))
    con.execute("CREATE OR REPLACE TEMP TABLE broken_rules AS SELECT *, 1::HUGEINT << nth AS bit FROM told")
    con.unregister("told")
