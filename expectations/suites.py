"""Great Expectations suites, generated from contracts as plain data that survives a trip through JSON."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypedDict

from expectations.contracts import Contract, Field, Severity, TableCheck
from expectations.schemas import quoted, sql_type

NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
ROW_COUNT = "expect_table_row_count_to_be_between"
COLUMNS = "expect_table_columns_to_match_ordered_list"
# A query that gives no row where the promise holds, and else one row with the number of offences.
OFFENCES = "offences_expectation"

# Differences and projections may fall below zero; every other quantity may not.
SIGNED = frozenset({"gap", "achieved_per_month", "projected_year_end", "projected_attainment_pct"})
# Integers in these units count something; a year, a month or a rank only says which one.
_COUNTED_UNITS = frozenset({"persons", "memberships", "offices", "regencies", "claims", "lines", "months"})
_QUANTITIES = frozenset({"decimal", "decimal8", "money", "share", "double"})

_SHAPES = {
    "region_code": "[0-9]{2}|[0-9]{4}|[0-9]{7}|[0-9]{10}",
    "province_code": "[0-9]{2}",
    "village_code": "[0-9]{10}",
}
_PERIOD_SHAPE = "[0-9]{4}-(0[1-9]|1[0-2])"
_SHA256_SHAPE = "[0-9a-f]{64}"
# A partition's value stands in a path, and paths are not decoded.
_PATH_SHAPE = "[A-Za-z0-9_-]+"


class Check(TypedDict):
    """One promise as Great Expectations judges it, with the sentence that is shown where it is broken."""

    code: str
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    expected: str
    message_id: str
    message_en: str


class Suite(TypedDict):
    """Every check of one table; ``table`` is its name with its schema."""

    table: str
    checks: list[Check]


Sentences = tuple[str, str]
Outcome = Literal["pass", "fail", "error"]
Observed = str | int | float | None


class CheckResult(TypedDict):
    """One answer; ``observed`` is for a failure what was counted (or the columns), for an error why."""

    table: str
    check: str
    code: str
    severity: Severity
    outcome: Outcome
    observed: Observed
    expected: str
    message_id: str
    message_en: str


def suite_of(contract: Contract, table: str, last_rows: int | None = None, judged_rows: int = 0) -> Suite:
    """Generate the suite of one table from what its contract promises of the written columns.

    Args:
        contract: what the table promises.
        table: the table's name with its schema, such as ``core.recaps``.
        last_rows: rows of the last promoted build; none or 0 leaves the number of rows unjudged.
        judged_rows: rows that were judged before and that the judge does not see again; they count in the band.

    Returns:
        The suite: columns, types, key, required columns, value sets, quantities not below zero, finite
        numbers, shapes of codes, the row-count band, and the contract's own checks.
    """
    fields = contract.core_fields
    checks = [_columns(fields), _types(fields, table), _key(contract, table)]
    checks += [_not_null(field.name) for field in fields if field.required]
    checks += [_values(field) for field in fields if field.column.values]
    checks += [_not_negative(field.name) for field in fields if _is_quantity(field)]
    checks += [*_finite(fields, table), *_shapes(contract, table), *_row_count(contract, table, last_rows, judged_rows)]
    checks += [_declared(check, table) for check in contract.checks]
    return {"table": table, "checks": checks}


def _check(code: str, kind: str, kwargs: dict[str, Any], sentences: Sentences, expected: str = "0") -> Check:
    return {
        "code": code,
        "type": kind,
        "kwargs": kwargs,
        "severity": "error",
        "expected": expected,
        "message_id": sentences[0],
        "message_en": sentences[1],
    }


def _offences(code: str, query: str, sentences: Sentences) -> Check:
    counted = f"SELECT n AS observed FROM ({query}) AS offences(n) WHERE n IS DISTINCT FROM 0"
    return _check(code, OFFENCES, {"unexpected_rows_query": escaped(counted)}, sentences)


def escaped(query: str) -> str:
    """Protect a query from GX's formatting (braces) and SQLAlchemy's parameters (a colon before a word).

    Args:
        query: SQL for DuckDB.

    Returns:
        The same query with braces doubled and such colons escaped.
    """
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", query.replace("{", "{{").replace("}", "}}"))


def _columns(fields: Sequence[Field]) -> Check:
    names = [field.name for field in fields]
    return _check(
        "columns",
        COLUMNS,
        {"column_list": names},
        (
            "Kolom atau urutannya tidak sesuai kontrak",
            "The columns or their order are not those of the contract",
        ),
        ", ".join(names),
    )


def _types(fields: Sequence[Field], table: str) -> Check:
    declared = ", ".join(f"({quoted(field.name)}, {quoted(sql_type(field.column.type))})" for field in fields)
    written = f"SELECT column_name AS name, column_type AS type FROM (DESCRIBE {table})"
    promised = f"(VALUES {declared}) AS promised(name, type)"
    differing = f"SELECT count(*) FROM ({written}) AS written JOIN {promised} USING (name)"
    differing += " WHERE written.type <> promised.type"
    sentences = ("Tipe kolom tidak sesuai kontrak", "A column's type is not that of the contract")
    return _offences("types", differing, sentences)


def _key(contract: Contract, table: str) -> Check:
    key = ", ".join(contract.key)
    # Equal keys have equal hashes: to group eight bytes a row costs half as much, and whole keys are then few.
    twice = f"(SELECT hash({key}) AS h FROM {table} GROUP BY h HAVING count(*) > 1) AS twice"
    return _offences(
        "key",
        f"SELECT count(*) FROM (SELECT 1 FROM {table} SEMI JOIN {twice} ON twice.h = hash({key}) "
        f"GROUP BY {key} HAVING count(*) > 1)",
        (f"Kunci ({key}) muncul lebih dari sekali", f"The key ({key}) stands more than once"),
    )


def _not_null(name: str) -> Check:
    return _check(
        f"not_null.{name}",
        NOT_NULL,
        {"column": name},
        (f"Kolom wajib {name} kosong", f"The required column {name} is empty"),
    )


def _values(field: Field) -> Check:
    allowed = " ".join(field.column.values)
    return _check(
        f"values.{field.name}",
        IN_SET,
        {"column": field.name, "value_set": list(field.column.values)},
        (f"Nilai {field.name} di luar: {allowed}", f"A value of {field.name} is none of: {allowed}"),
    )


def _is_quantity(field: Field) -> bool:
    column = field.column
    counted = column.type == "integer" and column.unit in _COUNTED_UNITS
    return column.name not in SIGNED and (counted or column.type in _QUANTITIES)


def _not_negative(name: str) -> Check:
    return _check(
        f"not_negative.{name}",
        BETWEEN,
        {"column": name, "min_value": 0},
        (f"Nilai {name} di bawah nol", f"A value of {name} is below zero"),
    )


def _finite(fields: Sequence[Field], table: str) -> Iterator[Check]:
    doubles = [field.name for field in fields if field.column.type == "double"]
    if doubles:
        broken = " OR ".join(f"NOT isfinite({name})" for name in doubles)
        yield _offences(
            "finite",
            f"SELECT count(*) FROM {table} WHERE {broken}",
            ("Ada bilangan tak hingga atau NaN", "A number is infinite or NaN"),
        )


def _shapes(contract: Contract, table: str) -> Iterator[Check]:
    for field in contract.core_fields:
        shape = _shape(contract, field)
        if shape:
            yield _offences(
                f"shape.{field.name}",
                f"SELECT coalesce(sum(n), 0) FROM (SELECT {field.name} AS v, count(*) AS n FROM {table} GROUP BY v) "
                f"WHERE NOT regexp_full_match(v, {quoted(shape)})",
                (f"Bentuk {field.name} tidak sesuai", f"A value of {field.name} does not have its shape"),
            )


def _shape(contract: Contract, field: Field) -> str | None:
    if field.column.type == "period":
        return _PERIOD_SHAPE
    if field.name == "source_key" and contract.kind in ("dataset", "quarantine"):
        return _SHA256_SHAPE
    return _SHAPES.get(field.name) or (_PATH_SHAPE if field.name in contract.partition else None)


def _row_count(contract: Contract, table: str, last_rows: int | None, judged_rows: int) -> Iterator[Check]:
    if not last_rows:
        return
    band = contract.band
    least = math.ceil(band.min * last_rows)
    most = math.floor(band.max * last_rows) if last_rows >= band.max_from else None
    sentences = (
        f"Jumlah baris di luar {least} sampai {most or '…'} (terbitan terakhir {last_rows})",
        f"The number of rows is outside {least} to {most or '…'} (last published {last_rows})",
    )
    expected = f"{least} to {most or '…'}"
    if not judged_rows:
        yield _check("row_count", ROW_COUNT, {"min_value": least, "max_value": most}, sentences, expected)
        return
    rows = f"(SELECT count(*) + {judged_rows} FROM {table}) AS counted(n)"
    outside = f"n < {least}" if most is None else f"NOT n BETWEEN {least} AND {most}"
    yield {
        **_offences("row_count", f"SELECT CASE WHEN {outside} THEN n ELSE 0 END FROM {rows}", sentences),
        "expected": expected,
    }


def _declared(check: TableCheck, table: str) -> Check:
    query = check.query.replace("{table}", table).rstrip("; \n")
    judged = _offences(check.code, query, (check.message_id, check.message_en))
    return {**judged, "severity": check.severity}


def answered(table: str, check: Check, outcome: Outcome, observed: Observed) -> CheckResult:
    """Answer one check.

    Args:
        table: the table that was judged.
        check: what was promised.
        outcome: pass, fail, or error where the engine could not tell.
        observed: what was counted; for an error its reason.

    Returns:
        The answer, with the check's own severity, expectation and sentences.
    """
    return {
        "table": table,
        "check": check["type"],
        "code": check["code"],
        "severity": check["severity"],
        "outcome": outcome,
        "observed": observed,
        "expected": check["expected"],
        "message_id": check["message_id"],
        "message_en": check["message_en"],
    }


def all_errors(suites: Iterable[Suite], reason: str) -> list[CheckResult]:
    """Answer every check of some suites with error, for one reason."""
    return [answered(suite["table"], check, "error", reason) for suite in suites for check in suite["checks"]]
