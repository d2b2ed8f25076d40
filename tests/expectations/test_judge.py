"""The judge: each kind of promise can be broken and then fails alone; a fault is an error, not a verdict."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from expectations.contracts import Contract, TableCheck, load_contracts
from expectations.judge import Judge, Verdict
from expectations.schemas import arrow_schema, sql_type
from expectations.suites import CheckResult, Suite, all_errors, suite_of
from expectations.tables import Job, open_tables

KEY = "a" * 64
COVERAGE_ROW = {
    "as_of": "2026-10-31",
    "geo_level": "regency",
    "geo_code": "1311",
    "segment": "ALL",
    "numerator_basis": "active_stock",
    "denominator_concept": "employed",
    "denominator_source": "bps",
    "denominator_round": "aug",
    "geo_name": "Kabupaten Rahasia",
    "province_code": "13",
    "as_of_precision": "day",
    "numerator": "28879",
    "numerator_qualifier": "approx",
    "numerator_place": "domicile",
    "status_rule": "grace-3m",
    "coverage_pct": "20.9999",
    "is_headline": "false",
    "value_status": "final",
    "source_key": KEY,
}
PARTICIPANT_ROW = {
    "office_code": "007",
    "period": "2026-10",
    "membership_id": "abc",
    "person_id": "def",
    "segment": "BPU",
    "programmes": "JKK+JKM",
    "region_code": "1311",
    "last_paid_period": "2026-09",
    "value_status": "final",
    "source_key": KEY,
}
ATTAINMENT_ROW = {
    "year": "2026",
    "as_of": "2026-10-31",
    "geo_level": "office",
    "geo_code": "DPS",
    "segment": "BPU",
    "basis": "new_ytd",
    "measure": "persons",
    "target_version": "1",
    "in_force": "true",
    "months_elapsed": "10",
    "months_left": "2",
    "status": "risk",
    "value_status": "final",
}
ROWS = {"coverage": COVERAGE_ROW, "participants": PARTICIPANT_ROW, "target_attainment": ATTAINMENT_ROW}
# Each case: the table, what is done to its one good row, and the only check that may then fail.
BROKEN = {
    "key": ("coverage", "INSERT INTO broken FROM broken"),
    "not_null.value_status": ("coverage", "UPDATE broken SET value_status = NULL"),
    "values.segment": ("coverage", "UPDATE broken SET segment = 'XX'"),
    "not_negative.numerator": ("coverage", "UPDATE broken SET numerator = -1"),
    "shape.province_code": ("coverage", "UPDATE broken SET province_code = '1a'"),
    "shape.region_code": ("participants", "UPDATE broken SET region_code = '131'"),
    "shape.period": ("participants", "UPDATE broken SET period = '2026-13'"),
    "shape.last_paid_period": ("participants", "UPDATE broken SET last_paid_period = '2026-9'"),
    "shape.source_key": ("participants", "UPDATE broken SET source_key = 'abc'"),
    "shape.office_code": ("participants", "UPDATE broken SET office_code = '../x'"),
    "finite": ("target_attainment", "UPDATE broken SET months_elapsed = 'infinity'"),
    "columns": ("coverage", "ALTER TABLE broken DROP COLUMN said_on"),
    "types": ("coverage", "ALTER TABLE broken ALTER other_numerator TYPE DOUBLE"),
    "row_count": ("coverage", "DELETE FROM broken"),
    "own": ("coverage", "UPDATE broken SET other_source = '{x} :y 100%'"),
}
OWN = TableCheck(
    code="own",
    query="select count(*) from {table} where other_source like '{x} :y%' and regexp_matches(geo_code, '[0-9]{4}')",
    severity="warn",
    message_id="Sumber lain tidak boleh begini",
    message_en="The other source must not be so",
)
FAULTY = TableCheck(
    code="faulty",
    query="select count(*) from {table} join core.no_such_table using (geo_code)",
    severity="error",
    message_id="Tidak dapat dihitung",
    message_en="Cannot be computed",
)
QUOTING = TableCheck(
    code="quoting",
    query="select sum(cast(geo_name as integer)) from {table}",
    severity="error",
    message_id="Tidak dapat dihitung",
    message_en="Cannot be computed",
)


def _promised(table: str) -> Contract:
    return load_contracts()[table].model_copy(update={"checks": (OWN,) if table == "coverage" else ()})


def _write(table: str, changes: str, file: Path) -> str:
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        fields = load_contracts()[table].core_fields
        con.execute(f"CREATE TABLE broken ({', '.join(f'{f.name} {sql_type(f.column.type)}' for f in fields)})")
        row = ROWS[table]
        con.execute(f"INSERT INTO broken ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})", [*row.values()])
        con.execute(changes)
        con.execute(f"COPY broken TO '{file}' (FORMAT parquet)")
    return str(file)


def _suites_of_cases() -> list[Suite]:
    good = [suite_of(_promised(table), f"marts.good_{table}", 1) for table in ROWS]
    broken = [suite_of(_promised(table), f"marts.case_{i}", 1) for i, (table, _) in enumerate(BROKEN.values())]
    return [*good, *broken]


def _job(folder: Path) -> Job:
    views = {f"marts.good_{table}": [_write(table, "SELECT 1", folder / f"{table}.parquet")] for table in ROWS}
    for i, (table, changes) in enumerate(BROKEN.values()):
        views[f"marts.case_{i}"] = [_write(table, changes, folder / f"case_{i}.parquet")]
    views |= {"core.recaps": [], "marts.gone": [str(folder / "gone.parquet")]}
    views["marts.faulty"] = views["marts.good_coverage"]
    faulty = _promised("coverage").model_copy(update={"checks": (FAULTY, QUOTING)})
    extra = [
        suite_of(load_contracts()["recaps"], "core.recaps"),
        suite_of(load_contracts()["coverage"], "marts.gone"),
        suite_of(faulty, "marts.faulty"),
    ]
    suites = [*_suites_of_cases(), *extra]
    return {"database": None, "views": views, "hive": False, "suites": suites, "as_of": "2026-11-20"}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return _job(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def verdict(job: Job) -> Iterator[Verdict]:
    with Judge.start() as judge:
        yield judge.verdict(job)


def _outcomes(verdict: Verdict, table: str) -> dict[str, CheckResult]:
    return {check["code"]: check for check in verdict["checks"] if check["table"] == table}


def _not_passed(verdict: Verdict, table: str) -> dict[str, str]:
    return {code: check["outcome"] for code, check in _outcomes(verdict, table).items() if check["outcome"] != "pass"}


@pytest.mark.slow
@pytest.mark.parametrize("table", sorted(ROWS))
def test_a_good_table_passes_every_check(verdict: Verdict, table: str) -> None:
    assert verdict["canary"] == "pass"
    assert _outcomes(verdict, f"marts.good_{table}").keys() > {"columns", "types", "key", "row_count"}
    assert _not_passed(verdict, f"marts.good_{table}") == {}


@pytest.mark.slow
@pytest.mark.parametrize(("position", "code"), list(enumerate(BROKEN)))
def test_a_broken_promise_fails_its_check_and_no_other(verdict: Verdict, position: int, code: str) -> None:
    assert _not_passed(verdict, f"marts.case_{position}") == {code: "fail"}


@pytest.mark.slow
def test_a_failure_is_counted(verdict: Verdict) -> None:
    codes = list(BROKEN)
    key = _outcomes(verdict, f"marts.case_{codes.index('key')}")["key"]
    negative = _outcomes(verdict, f"marts.case_{codes.index('not_negative.numerator')}")["not_negative.numerator"]
    rows = _outcomes(verdict, f"marts.case_{codes.index('row_count')}")["row_count"]
    own = _outcomes(verdict, f"marts.case_{codes.index('own')}")["own"]
    assert (key["observed"], negative["observed"], rows["observed"], rows["expected"]) == (1, 1, 0, "1 to …")
    assert (own["observed"], own["severity"], own["message_id"]) == (1, "warn", OWN.message_id)


@pytest.mark.slow
def test_a_table_without_files_is_empty_in_its_contracts_shape(verdict: Verdict) -> None:
    assert _outcomes(verdict, "core.recaps")["columns"]["outcome"] == "pass"
    assert _not_passed(verdict, "core.recaps") == {}


@pytest.mark.slow
def test_a_file_that_is_gone_makes_errors(verdict: Verdict) -> None:
    answers = _outcomes(verdict, "marts.gone").values()
    assert {answer["outcome"] for answer in answers} == {"error"}
    assert "gone.parquet" in str(next(iter(answers))["observed"])


@pytest.mark.slow
def test_a_query_that_cannot_run_is_an_error_not_a_failure(verdict: Verdict) -> None:
    assert _not_passed(verdict, "marts.faulty") == {"faulty": "error", "quoting": "error"}
    assert "no_such_table" in str(_outcomes(verdict, "marts.faulty")["faulty"]["observed"])


@pytest.mark.slow
def test_no_value_of_a_row_is_told(verdict: Verdict) -> None:
    told = json.dumps([check["observed"] for check in verdict["checks"]])
    assert not [value for value in ("Rahasia", "../x", "100%", "1a") if value in told]


@pytest.mark.slow
def test_every_check_of_the_job_is_answered(job: Job, verdict: Verdict) -> None:
    asked = [(suite["table"], check["code"]) for suite in job["suites"] for check in suite["checks"]]
    assert [(check["table"], check["code"]) for check in verdict["checks"]] == asked


@pytest.mark.slow
def test_without_the_guard_the_canary_turns_every_answer_into_an_error(job: Job) -> None:
    unguarded = (
        "import sys, expectations.dialect as dialect; dialect.URL = 'duckdb:///:memory:'; "
        "import expectations.judge as judge; sys.exit(judge.main())"
    )
    with Judge.start([sys.executable, "-c", unguarded]) as judge:
        verdict = judge.verdict(job)
    assert verdict["canary"] == "error"
    assert {check["outcome"] for check in verdict["checks"]} == {"error"}
    assert "canary" in str(verdict["checks"][0]["observed"])


SUITES = [suite_of(load_contracts()["dim_segment"], "marts.dim_segment")]
SMALL: Job = {"database": None, "views": {"marts.dim_segment": []}, "hive": False, "suites": SUITES}


def _asked(script: str, timeout: float = 30) -> Verdict:
    with Judge.start([sys.executable, "-c", script]) as judge:
        return judge.verdict(SMALL, timeout)


@pytest.mark.slow
def test_a_killed_process_makes_errors_that_say_so() -> None:
    with Judge.start() as judge:
        os.kill(judge.pid, signal.SIGKILL)
        verdict = judge.verdict(SMALL)
    assert verdict["canary"] == "error"
    assert [check["outcome"] for check in verdict["checks"]] == ["error"] * len(SUITES[0]["checks"])
    assert "code -9" in str(verdict["checks"][0]["observed"])


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("import sys; sys.stdin.read(); sys.exit(7)", "ended with code 7"),
        ("import sys; sys.stdin.read(); print('half a {')", "ended with code 0"),
        ("import sys; sys.stdin.read(); print('{}')", "ended with code 0"),
        ("import sys; sys.stdin.read(); raise RuntimeError('NIK 0000111122223333')", "RuntimeError"),
        ("", "no verdict"),
    ],
)
def test_a_process_without_a_verdict_makes_errors(script: str, reason: str) -> None:
    verdict = _asked(script)
    assert {check["outcome"] for check in verdict["checks"]} == {"error"}
    assert reason in str(verdict["checks"][0]["observed"])
    assert "0000111122223333" not in json.dumps(verdict)


def test_a_silent_process_is_not_waited_for_ever() -> None:
    verdict = _asked("import time; time.sleep(60)", timeout=0.3)
    assert {check["observed"] for check in verdict["checks"]} == {"no verdict within 0.3 s"}


def _answering(canary: str, checks: Sequence[CheckResult]) -> str:
    answer = {"canary": canary, "checks": checks, "seconds": 0, "import_seconds": 0}
    return f"import sys; sys.stdin.read(); print({json.dumps(answer)!r})"


def _passes() -> list[CheckResult]:
    return [{**check, "outcome": "pass", "observed": 0} for check in all_errors(SUITES, "")]


def test_a_true_answer_is_handed_on() -> None:
    assert {check["outcome"] for check in _asked(_answering("pass", _passes()))["checks"]} == {"pass"}


def test_a_missed_canary_makes_errors() -> None:
    assert {check["outcome"] for check in _asked(_answering("error", _passes()))["checks"]} == {"error"}


def test_a_check_without_an_answer_is_an_error() -> None:
    checks = _asked(_answering("pass", _passes()[1:]))["checks"]
    assert (checks[0]["outcome"], checks[0]["observed"], checks[1]["outcome"]) == (
        "error",
        "no answer",
        "pass",
    )


def test_a_judge_answers_once() -> None:
    with Judge.start([sys.executable, "-c", _answering("pass", _passes())]) as judge:
        assert judge.verdict(SMALL)["canary"] == "pass"
        assert {check["outcome"] for check in judge.verdict(SMALL)["checks"]} == {"error"}


def test_the_process_sees_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAKUPAN_PERSON_KEY", "secret")
    script = "import os, sys; sys.stdin.read(); sys.exit(9 if 'CAKUPAN_PERSON_KEY' in os.environ else 4)"
    assert "ended with code 4" in str(_asked(script)["checks"][0]["observed"])


def test_the_client_imports_no_great_expectations() -> None:
    script = "import sys, expectations.judge; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def _opened(job: Job) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:", config={"threads": 1})
    assert open_tables(con, job) == {}
    return con


def test_a_partition_in_the_path_stays_text_and_stands_where_the_contract_has_it(tmp_path: Path) -> None:
    whole = _write("participants", "SELECT 1", tmp_path / "whole.parquet")
    folder = tmp_path / "period=2026-10" / "office_code=007"
    folder.mkdir(parents=True)
    file = folder / "part.parquet"
    duckdb.execute(f"COPY (SELECT * EXCLUDE (office_code, period) FROM '{whole}') TO '{file}' (FORMAT parquet)")
    con = _opened({"database": None, "views": {"core.participants": [str(file)]}, "hive": True, "suites": []})
    assert con.execute("SELECT office_code, period FROM core.participants").fetchall() == [("007", "2026-10")]
    fields = load_contracts()["participants"].core_fields
    assert con.sql("FROM core.participants").to_arrow_table().schema.equals(arrow_schema(fields))


def test_tables_of_a_database_are_seen_under_their_own_names(tmp_path: Path) -> None:
    file = tmp_path / "marts.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("CREATE SCHEMA marts.marts; CREATE TABLE marts.marts.dim_segment AS SELECT 'PU' AS segment")
    opened = _opened({"database": str(file), "views": {}, "hive": False, "suites": []})
    assert opened.execute("SELECT segment FROM marts.dim_segment").fetchall() == [("PU",)]


def test_the_business_date_is_known_to_checks() -> None:
    con = _opened({**SMALL, "as_of": "2026-11-20"})
    assert con.execute("SELECT CAST(getvariable('as_of') AS VARCHAR)").fetchall() == [("2026-11-20",)]
