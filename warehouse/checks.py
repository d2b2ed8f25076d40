"""The checks that look beyond one table: freshness, warning budgets, identities told to us, late offices."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb

from expectations.contracts import Contract, contracts_of
from expectations.rules import row_rules
from expectations.suites import CheckResult as Check
from transforms.identities import TABLES as IDENTITY_TABLES
from transforms.identities import identity_queries
from warehouse.connections import first_value
from warehouse.house import House
from warehouse.load import UNKNOWN_COLUMN

_FOUND = "code, place_code, year, concept, verdict, left_side, right_side, message_id, message_en"
# Of participants the exports are counted already, so that no row is read for months and numbers of rows.
_COUNTED = {"participants": "partials.exports"}
_NEWEST = {"period": "max(last_day(CAST(period || '-01' AS DATE)))", "year": "max(make_date(year, 8, 31))"}


def newest_day(con: duckdb.DuckDBPyConnection, contract: Contract) -> date | None:
    """Give the newest day that a core table speaks of, in its contract's freshness column; null if it says none."""
    column = contract.freshness.column
    table = _COUNTED.get(contract.name, f"core.{contract.name}")
    return first_value(con, f"SELECT {_NEWEST.get(column, f'max({column})')} FROM {table}")


def freshness_checks(con: duckdb.DuckDBPyConnection, as_of: date, required: Sequence[str]) -> Iterator[Check]:
    """Judge how old each table's newest row is; only tables that landed before or are required.

    Args:
        con: a connection with schemas ``core`` and ``partials``.
        as_of: the business date.
        required: datasets that must be there.

    Yields:
        One check a table: late is a warning, a required table without any row is an error.
    """
    for name, contract in contracts_of("dataset").items():
        newest = newest_day(con, contract)
        if newest is not None:
            limit = newest + timedelta(days=contract.freshness.days)
            yield _freshness(name, contract, as_of <= limit, newest.isoformat())
        elif name in required and not _has_rows(con, name):
            yield _absent(name)


def _has_rows(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return first_value(con, f"SELECT 1 FROM core.{name} LIMIT 1") is not None


def _freshness(name: str, contract: Contract, fresh: bool, newest: str) -> Check:
    return Check(
        table=f"core.{name}",
        check="freshness",
        code="freshness",
        severity="warn",
        outcome="pass" if fresh else "fail",
        observed=newest,
        expected=f"{contract.freshness.column} <= {contract.freshness.days} d",
        message_id=f"Data {name} terbaru tertanggal {newest}, terlambat",
        message_en=f"The newest {name} are of {newest}: late",
    )


def _absent(name: str) -> Check:
    return Check(
        table=f"core.{name}",
        check="required",
        code="required_absent",
        severity="error",
        outcome="fail",
        observed=0,
        expected="at least one row",
        message_id=f"Data {name} wajib ada tetapi belum pernah datang",
        message_en=f"{name} are required and never came",
    )


def budget_checks(con: duckdb.DuckDBPyConnection, house: House) -> Iterator[Check]:
    """Judge the warnings of the rows that stand in core against each contract's budget.

    Args:
        con: a connection with schemas ``core`` and ``partials``.
        house: the lake, for what was warned when the files were read.

    Yields:
        One check a dataset and rule that warned: within the budget a warning, over it an error.
    """
    newest = f"SELECT source_key, max_by(warnings, sweep) AS warnings FROM ({house.readings()}) GROUP BY source_key"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE warned AS "
        f"SELECT source_key, key AS code, CAST(value AS BIGINT) AS warnings FROM ({newest}), json_each(warnings)"
    )
    for name, contract in contracts_of("dataset").items():
        counted = con.execute(
            f"WITH standing AS ({_rows_by_source(name)}) "
            "SELECT code, sum(warnings), (SELECT sum(rows_) FROM standing) "
            "FROM warned JOIN standing USING (source_key) GROUP BY code ORDER BY code"
        ).fetchall()
        for code, warnings, rows in counted:
            yield _budget(name, contract, code, int(warnings), int(rows))


def row_count(table: str) -> str:
    """Write the SQL of the number of rows of a table, named with its schema."""
    counted = _COUNTED.get(table.removeprefix("core."))
    if counted is None or not table.startswith("core."):
        return f"(SELECT count(*) FROM {table})"
    return f"(SELECT CAST(coalesce(sum(memberships), 0) AS BIGINT) FROM {counted})"


def _rows_by_source(name: str) -> str:
    rows = "sum(memberships)" if name in _COUNTED else "count(*)"
    return f"SELECT source_key, {rows} AS rows_ FROM {_COUNTED.get(name, f'core.{name}')} GROUP BY source_key"


def _budget(name: str, contract: Contract, code: str, warnings: int, rows: int) -> Check:
    messages = {rule.code: (rule.message_id, rule.message_en) for rule in row_rules(contract)}
    messages[UNKNOWN_COLUMN] = ("Kolom berkas yang tidak dikenal dan tidak dibaca", "Unknown columns that are not read")
    # A rule that warned once may have been renamed since.
    message_id, message_en = messages.get(code, (f"Peringatan {code}", f"Warning {code}"))
    over = contract.budget.exceeded(warnings, rows)
    return Check(
        table=f"core.{name}",
        check="warning_budget",
        code=code,
        severity="error" if over else "warn",
        outcome="fail",
        observed=warnings,
        expected=f"<= {contract.budget.rows} or <= {contract.budget.share:.0%} of {rows} rows",
        message_id=message_id,
        message_en=message_en,
    )


def find_contradictions(con: duckdb.DuckDBPyConnection) -> None:
    """Judge the tables of what others tell us by their identities, and keep what was found.

    Args:
        con: a connection with schemas ``core`` and ``reference``; ``identity_findings`` is left in it: of_table, and
            what ``identity_queries`` gives for each finding.
    """
    con.execute(
        """CREATE OR REPLACE TEMP TABLE identity_findings (
          of_table VARCHAR, code VARCHAR, place_code VARCHAR, year BIGINT, concept VARCHAR, verdict VARCHAR,
          left_side VARCHAR, right_side VARCHAR, message_id VARCHAR, message_en VARCHAR)"""
    )
    for name in IDENTITY_TABLES:
        con.execute(f"CREATE OR REPLACE TEMP VIEW loaded AS SELECT * FROM core.{name}")
        found = identity_queries(name).findings
        con.execute(f"INSERT INTO identity_findings SELECT '{name}', {_FOUND} FROM ({found})")


def listed_findings(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """List what ``find_contradictions`` found, both sides of each, in one fixed order.

    Args:
        con: a connection that holds ``identity_findings``.

    Returns:
        One entry a finding: code, place_code, year, concept, verdict (``disputed``, ``missing`` or ``usable``),
        left_side, right_side, message_id, message_en.
    """
    rows = con.execute(f"SELECT {_FOUND} FROM identity_findings ORDER BY ALL").fetchall()
    return [dict(zip(_FOUND.split(", "), row, strict=True)) for row in rows]


def identity_checks(con: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    """Report the figures told to us that do not add up, one check a kind of finding.

    Args:
        con: a connection with schema ``core`` that holds ``identity_findings``.

    Yields:
        Warnings with how many findings there are; over the contract's budget an error.
    """
    for name in IDENTITY_TABLES:
        rows = con.execute(
            "SELECT code, count(*), min_by(message_id, place_code), min_by(message_en, place_code) "
            "FROM identity_findings WHERE of_table = ? GROUP BY code ORDER BY code",
            [name],
        ).fetchall()
        total = first_value(con, f"SELECT count(*) FROM core.{name}")
        for code, count, message_id, message_en in rows:
            over = contracts_of("dataset")[name].budget.exceeded(count, total)
            yield _identity(name, code, count, (message_id, message_en), over=over)


def _identity(name: str, code: str, count: int, messages: tuple[str, str], *, over: bool) -> Check:
    return Check(
        table=f"core.{name}",
        check="identity",
        code=code,
        severity="error" if over else "warn",
        outcome="fail",
        observed=count,
        expected="0",
        message_id=messages[0],
        message_en=messages[1],
    )


def office_checks(con: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    """Name the offices whose export of the newest month has not come.

    Args:
        con: a connection with ``steps.office_reports``.

    Yields:
        One warning if any office is late.
    """
    rows = con.execute(
        "SELECT office_code, as_of FROM steps.office_reports WHERE is_expected AND NOT has_reported "
        "AND as_of = (SELECT max(as_of) FROM steps.office_reports) ORDER BY office_code"
    ).fetchall()
    if rows:
        late = ", ".join(row[0] for row in rows)
        yield Check(
            table="core.participants",
            check="offices_reported",
            code="office_late",
            severity="warn",
            outcome="fail",
            observed=len(rows),
            expected="0",
            message_id=f"Ekspor {rows[0][1]:%Y-%m} belum datang dari kantor {late}",
            message_en=f"The export of {rows[0][1]:%Y-%m} has not come from {late}",
        )


def person_checks(con: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    """Tell how many persons hold several memberships, whose place a rule has decided.

    Args:
        con: a connection with ``partials.shared``.

    Yields:
        One check that always passes, about the newest month, if any office has exported.
    """
    rows = con.execute(
        "SELECT month, registered, reported_registered FROM partials.shared WHERE kind = 'persons' "
        "AND month = (SELECT max(strftime(as_of, '%Y-%m')) FROM steps.office_reports)"
    ).fetchall()
    for month, persons, memberships in rows:
        yield Check(
            table="core.participants",
            check="persons_placed",
            code="persons_placed",
            severity="warn",
            outcome="pass",
            observed=persons,
            expected="",
            message_id=f"{month}: {persons} orang punya beberapa kepesertaan ({memberships}) dan dihitung sekali, "
            "di domisili kepesertaan yang terakhir dibayar",
            message_en=f"{month}: {persons} persons hold several memberships ({memberships}) and count once, "
            "at the domicile of the one last paid",
        )


def share_checks(con: duckdb.DuckDBPyConnection) -> Iterator[Check]:
    """Prove that the offices' shares of a regency never add up to more than 1.

    Args:
        con: a connection with ``reference.office_regions``, landed rows merged in.

    Yields:
        One check; a regency that is served more than wholly on any day stops publication.
    """
    rows = con.execute(
        """WITH served AS (
          SELECT region_code, share, coalesce(valid_from, DATE '0001-01-01') AS from_day,
            coalesce(valid_to, DATE '9999-12-31') AS to_day
          FROM reference.office_regions
        )
        SELECT DISTINCT begins.region_code
        FROM (SELECT DISTINCT region_code, from_day FROM served) AS begins
        JOIN served ON served.region_code = begins.region_code
          AND begins.from_day BETWEEN served.from_day AND served.to_day
        GROUP BY begins.region_code, begins.from_day HAVING sum(served.share) > 1
        ORDER BY 1"""
    ).fetchall()
    regencies = ", ".join(row[0] for row in rows)
    yield Check(
        table="reference.office_regions",
        check="shares",
        code="shares_exceed_one",
        severity="error",
        outcome="fail" if rows else "pass",
        observed=regencies or None,
        expected="<= 1",
        message_id=f"Jumlah bagian kantor melebihi 1 di kabupaten/kota {regencies}" if rows else "",
        message_en=f"The offices' shares exceed 1 in regency {regencies}" if rows else "",
    )


def stopping(checks: Iterable[Check]) -> list[Check]:
    """Give the checks that stop publication: an error that failed, and what could not be judged."""
    return [c for c in checks if c["outcome"] == "error" or (c["outcome"] == "fail" and c["severity"] == "error")]


def tally(checks: Iterable[Check]) -> dict[str, int]:
    """Count checks as pass, fail (an error that stops), error (could not be judged) and warn."""
    counts = {"pass": 0, "fail": 0, "error": 0, "warn": 0}
    for check in checks:
        counts["warn" if check["outcome"] == "fail" and check["severity"] == "warn" else check["outcome"]] += 1
    return counts
