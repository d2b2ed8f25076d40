"""Great Expectations over a DuckDB connection, the one way that gives true answers.

GX reads results after SQLAlchemy has ended its transaction, and DuckDB drops a pending result then, so
that plain ``duckdb://`` compares against nothing and may pass falsely. The dialect here leaves transactions
alone; it is for reading only. Importing this module imports GX and takes seconds: only the judge's own
process does.
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, cast

import duckdb
import duckdb_engine
import great_expectations as gx
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import Expectation
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from expectations.suites import (
    NOT_NULL,
    OFFENCES,
    ROW_COUNT,
    Check,
    CheckResult,
    Observed,
    Outcome,
    Suite,
    all_errors,
    answered,
)

# GX's own types are partly unknown; its results are read as JSON.
_GX: Any = gx
_Expectation: Any = Expectation
URL = "duckdb+gx:///:memory:"
_ROWS = "unexpected_rows_query.table"
# Counts only: no value of a row leaves DuckDB.
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
# Faults of these kinds name tables, columns and files; others may quote a value.
_HARMLESS_FAULT = re.compile(
    r"(?:Binder|Catalog|Parser|IO|Out of Memory) Error: [^\n]*|The column \"\w+\" in BatchData does not exist"
)


class GuardedDialect(duckdb_engine.Dialect):
    """DuckDB without transactions, so that a result outlives the statement that made it."""

    supports_statement_cache = False

    def do_begin(self, connection: object) -> None:
        """Begin nothing."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Commit nothing."""

    def do_rollback(self, connection: object) -> None:
        """Roll nothing back."""


registry.register("duckdb.gx", __name__, "GuardedDialect")


# Each expectation with its configuration: GX makes it anew at every look, some sixty times a check, which is a third
# of what judging costs. The expectation is held too, so that its id is nobody else's.
_MADE: dict[int, tuple[object, Any]] = {}
_make: Any = _Expectation.configuration.fget


def _configuration_of(expectation: Any) -> Any:
    if id(expectation) not in _MADE:
        _MADE[id(expectation)] = (expectation, _make(expectation))
    made = _MADE[id(expectation)][1]
    # With words of its own for whoever adds to them.
    given = copy(made)
    given.kwargs = dict(made.kwargs)
    return given


_Expectation.configuration = property(_configuration_of)


class OffencesExpectation(UnexpectedRowsExpectation):
    """Holds where a query gives no row; else the one row's ``observed`` says how many offences there are.

    GX's own class runs its query twice, once for the rows and once for their number. This one runs it once.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = (_ROWS,)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: object = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        rows = metrics[_ROWS]
        observed = rows[0]["observed"] if rows else 0
        return {"success": not rows, "result": {"observed_value": observed}}


class Engine:
    """A GX context whose one data source is a DuckDB connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        context = _GX.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        connect = {"creator": lambda: duckdb_engine.ConnectionWrapper(con), "poolclass": StaticPool}
        self._source = context.data_sources.add_sql("duckdb", connection_string=URL, kwargs=connect)

    def judge(self, suite: Suite) -> list[CheckResult]:
        """Judge one table; a fault of the engine makes errors, never failures.

        Args:
            suite: the table's checks.

        Returns:
            One answer a check, in the suite's order.
        """
        try:
            batch = self._batch(suite["table"])
            results = _validated(batch, suite["checks"], "BOOLEAN_ONLY")
            # Counting costs a third more, so only what failed is counted.
            failed = [check for check in suite["checks"] if _outcome(results.get(check["code"])) == "fail"]
            counted = _validated(batch, failed, _COUNTS_ONLY) if failed else {}
        except Exception as fault:
            return all_errors([suite], reason_of(fault))
        found = {**results, **counted}
        return [_answer(suite["table"], check, found.get(check["code"])) for check in suite["checks"]]

    def _batch(self, table: str) -> Any:
        # A query asset, because GX reflects a table asset through the catalogue, which costs 40 ms a table.
        asset = self._source.add_query_asset(table, query=f"SELECT * FROM {table}")
        return asset.get_batch(asset.build_batch_request())


def _validated(batch: Any, checks: Sequence[Check], counts: object) -> dict[str, dict[str, Any]]:
    # GX gives results in an order of its own: the code finds each again.
    promised = _GX.ExpectationSuite(name="promised", expectations=[_configuration(check) for check in checks])
    results = [result.to_json_dict() for result in batch.validate(promised, result_format=counts).results]
    return {result["expectation_config"]["meta"]["code"]: result for result in results}


def _configuration(check: Check) -> dict[str, Any]:
    return {"type": check["type"], "kwargs": check["kwargs"], "meta": {"code": check["code"]}}


def _outcome(found: Mapping[str, Any] | None) -> Outcome:
    if found is None or _exceptions(found.get("exception_info") or {}):
        return "error"
    return "pass" if found["success"] else "fail"


def _answer(table: str, check: Check, found: Mapping[str, Any] | None) -> CheckResult:
    outcome = _outcome(found)
    if found is None:
        return answered(table, check, outcome, "no result")
    if outcome == "error":
        return answered(table, check, outcome, reason_of(_exceptions(found["exception_info"])[0]))
    return answered(table, check, outcome, _observed(found.get("result") or {}))


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    # Either one exception, or one for each metric that could not be computed.
    by_metric = [cast("dict[str, Any]", value) for value in info.values() if isinstance(value, dict)]
    return [str(one.get("exception_message")) for one in (info, *by_metric) if one.get("raised_exception")]


def _observed(result: Mapping[str, Any]) -> Observed:
    # Nothing is counted where a promise holds.
    value = result.get("unexpected_count", result.get("observed_value"))
    return ", ".join(cast("list[str]", value)) if isinstance(value, list) else value


def reason_of(fault: Exception | str) -> str:
    """Say why the engine could not tell, without quoting any value of a row.

    Args:
        fault: an exception or its text.

    Returns:
        The engine's own sentence where it names tables, columns or files; else the kind of the fault.
    """
    told = _HARMLESS_FAULT.search(str(fault))
    if told:
        return told.group()
    return "the engine could not compute this" if isinstance(fault, str) else type(fault).__name__


def judge_all(
    con: duckdb.DuckDBPyConnection, suites: Sequence[Suite], faults: Mapping[str, Exception]
) -> tuple[bool, list[CheckResult]]:
    """Judge tables, after proving that the engine still tells true from false.

    Args:
        con: the connection that holds the tables.
        suites: one a table.
        faults: the tables that could not be opened: all their checks are errors.

    Returns:
        Whether the canary was caught, and every check's answer.
    """
    engine = Engine(con)
    checks: list[CheckResult] = []
    caught = _canary_is_caught(engine, con)
    for suite in suites:
        fault = faults.get(suite["table"])
        checks += all_errors([suite], reason_of(fault)) if fault else engine.judge(suite)
    return caught, checks


def _canary_is_caught(engine: Engine, con: duckdb.DuckDBPyConnection) -> bool:
    # One row is known to be one and not 999, and a column that does not exist is an error, not a failure.
    con.execute(f"CREATE SCHEMA canary; CREATE TABLE {_CANARY_TABLE} AS SELECT 1 AS weight")
    suite: Suite = {"table": _CANARY_TABLE, "checks": [check for check, _ in _CANARIES]}
    return [result["outcome"] for result in engine.judge(suite)] == [wanted for _, wanted in _CANARIES]


def _canary(code: str, kind: str, kwargs: dict[str, Any]) -> Check:
    texts = {"expected": "", "message_id": "", "message_en": ""}
    return cast("Check", {"code": code, "type": kind, "kwargs": kwargs, "severity": "error", **texts})


_CANARY_TABLE = "canary.bird"
_COUNTED = f"SELECT count(*) AS observed FROM {_CANARY_TABLE} HAVING count(*) <>"
_CANARIES: tuple[tuple[Check, Outcome], ...] = (
    (_canary("rows_999", ROW_COUNT, {"min_value": 999, "max_value": 999}), "fail"),
    (_canary("rows_1", ROW_COUNT, {"min_value": 1, "max_value": 1}), "pass"),
    (_canary("count_999", OFFENCES, {"unexpected_rows_query": f"{_COUNTED} 999"}), "fail"),
    (_canary("count_1", OFFENCES, {"unexpected_rows_query": f"{_COUNTED} 1"}), "pass"),
    (_canary("no_such_column", NOT_NULL, {"column": "no_such_column"}), "error"),
)
