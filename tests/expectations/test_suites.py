"""Suites: what is generated from a contract, as plain data, without Great Expectations."""

import json
from collections import Counter

import pytest

from expectations.contracts import Contract, TableCheck, load_contracts
from expectations.suites import IN_SET, NOT_NULL, OFFENCES, ROW_COUNT, Suite, escaped, suite_of

TABLES = sorted(load_contracts())


def _suite(name: str, last_rows: int | None = None) -> Suite:
    return suite_of(load_contracts()[name], f"core.{name}", last_rows)


def _codes(suite: Suite) -> list[str]:
    return [check["code"] for check in suite["checks"]]


@pytest.mark.parametrize("name", TABLES)
def test_a_suite_is_plain_data_with_unique_codes(name: str) -> None:
    suite = _suite(name, 100)
    assert json.loads(json.dumps(suite)) == suite
    assert [code for code, times in Counter(_codes(suite)).items() if times > 1] == []


@pytest.mark.parametrize("name", TABLES)
def test_every_check_has_severity_expectation_and_both_sentences(name: str) -> None:
    for check in _suite(name, 100)["checks"]:
        assert check["severity"] in {"error", "warn"}
        assert check["expected"]
        assert check["message_id"] != check["message_en"]


def test_core_columns_only() -> None:
    columns = _suite("participants")["checks"][0]["kwargs"]["column_list"]
    assert columns[:4] == ["office_code", "period", "membership_id", "person_id"]
    assert not {"nik", "kpj", "name", "birth_date"} & set(columns)
    assert not {"not_null.nik", "not_null.kpj"} & set(_codes(_suite("participants")))


def test_required_columns_are_not_null_and_no_others() -> None:
    contract = load_contracts()["recaps"]
    checked = {check["kwargs"]["column"] for check in _suite("recaps")["checks"] if check["type"] == NOT_NULL}
    assert checked == {field.name for field in contract.core_fields if field.required}
    assert "published_on" not in checked


def test_value_sets_come_from_the_column_dictionary() -> None:
    sets = {
        check["kwargs"]["column"]: check["kwargs"]["value_set"]
        for check in _suite("recaps")["checks"]
        if check["type"] == IN_SET
    }
    assert sets["qualifier"] == ["eq", "approx", "ge", "gt", "le", "lt"]
    assert "source" not in sets


def test_quantities_are_not_negative_but_differences_may_be() -> None:
    codes = set(_codes(_suite("target_attainment")))
    assert {"not_negative.target", "not_negative.actual", "not_negative.months_left"} <= codes
    assert not {"not_negative.gap", "not_negative.achieved_per_month", "not_negative.year"} & codes


def test_codes_that_have_a_shape_are_matched_to_it() -> None:
    codes = set(_codes(_suite("participants")))
    assert {f"shape.{name}" for name in ("period", "last_paid_period", "region_code", "office_code")} <= codes
    assert "shape.office_code" not in _codes(_suite("recaps"))


def test_the_number_of_rows_is_judged_against_the_last_promoted_build() -> None:
    (check,) = [check for check in _suite("recaps", 1001)["checks"] if check["type"] == ROW_COUNT]
    assert check["kwargs"] == {"min_value": 501, "max_value": 2002}
    assert (check["code"], check["expected"]) == ("row_count", "501 to 2002")


def test_a_small_table_may_grow_but_not_shrink() -> None:
    (check,) = [check for check in _suite("recaps", 7)["checks"] if check["type"] == ROW_COUNT]
    assert check["kwargs"] == {"min_value": 4, "max_value": None}


@pytest.mark.parametrize("last_rows", [None, 0])
def test_a_first_table_has_no_band(last_rows: int | None) -> None:
    assert "row_count" not in _codes(_suite("recaps", last_rows))


def _with_check(query: str) -> Contract:
    contract = load_contracts()["recaps"]
    check = TableCheck(code="own", query=query, severity="warn", message_id="Tidak sama", message_en="Not equal")
    return contract.model_copy(update={"checks": (check,)})


def test_a_contracts_own_check_keeps_its_severity_and_names_the_table() -> None:
    suite = suite_of(_with_check("select count(*) from {table} where note = '{x}';\n"), "core.recaps")
    own = suite["checks"][-1]
    assert (own["code"], own["type"], own["severity"]) == ("own", OFFENCES, "warn")
    assert "(select count(*) from core.recaps where note = '{{x}}')" in own["kwargs"]["unexpected_rows_query"]


@pytest.mark.parametrize(
    ("query", "protected"),
    [
        ("'[0-9]{4}'", "'[0-9]{{4}}'"),
        ("{'a':b}", "{{'a'\\:b}}"),
        ("x::DATE", "x::DATE"),
        ("'12:30'", "'12:30'"),
        ("' :name'", "' \\:name'"),
    ],
)
def test_braces_and_parameters_are_protected(query: str, protected: str) -> None:
    assert escaped(query) == protected
