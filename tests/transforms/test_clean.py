"""What a file's text becomes: regions in either code system, defaults, constants, and the columns of core."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from expectations.contracts import contracts_of, load_contracts
from expectations.schemas import sql_type
from tests.support import Row, labour, nik, participant, recap, tag, tagging_connection, target
from transforms.clean import core_select, landing_names


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that tags rows."""
    with tagging_connection() as connection:
        yield connection


def typed(con: duckdb.DuckDBPyConnection, dataset: str, *rows: Row, columns: str, **reading: Any) -> list[Any]:
    """Tag rows and give some typed columns of each; of a single column its bare values."""
    tag(con, dataset, rows, **reading)
    found = con.execute(f"SELECT {columns} FROM tagged ORDER BY _line").fetchall()
    return [row[0] if len(row) == 1 else row for row in found]


def region(con: duckdb.DuckDBPyConnection, code: str, system: str = "", declared: str | None = None) -> str | None:
    """Read one region code of a labour force row."""
    row = labour(region_code=code, region_system=system)
    return typed(con, "labour_force", row, columns="region_code", region_system=declared)[0]


@pytest.mark.parametrize(
    ("code", "system", "key"),
    [
        ("1311", "bps", "1311"), ("1310", "bps", "1310"), ("1311", "kemendagri", "1310"),
        ("1310", "kemendagri", "1311"),
        ("13.10", "", "1311"), ("13.11", "", "1310"), ("13.10", "kemendagri", "1311"),
        ("0000", "bps", "0000"), ("0000", "kemendagri", "0000"), ("13", "bps", "13"), ("13", "kemendagri", "13"),
        ("1311", "BPS", "1311"), ("1310", "Kemendagri", "1311"),
    ],
)  # fmt: skip
def test_dharmasraya_and_solok_selatan_never_change_places(
    con: duckdb.DuckDBPyConnection, code: str, system: str, key: str
) -> None:
    assert region(con, code, system) == key


@pytest.mark.parametrize(("declared", "key"), [("bps", "1311"), ("kemendagri", "1310"), ("name", None), (None, None)])
def test_a_bare_code_needs_a_system(con: duckdb.DuckDBPyConnection, declared: str | None, key: str | None) -> None:
    assert region(con, "1311", declared=declared) == key


def test_the_rows_own_system_comes_before_the_layouts(con: duckdb.DuckDBPyConnection) -> None:
    assert region(con, "1311", "bps", declared="kemendagri") == "1311"


@pytest.mark.parametrize("code", ["13.99", "9999999", "99", "1399", "Atlantis", "solok", "Bogor", "gorontalo", "jambi"])
def test_what_is_unknown_or_meant_by_two_regencies_is_no_region(con: duckdb.DuckDBPyConnection, code: str) -> None:
    assert region(con, code, "bps") is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Kab. Dharmasraya", "1311"), ("KABUPATEN  SOLOK", "1303"), ("Kota Solok", "1372"), ("dharmasraya", "1311"),
        ("Solok Selatan", "1310"), (" Kab Solok ", "1303"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["name", "bps", "kemendagri", None])
def test_a_confirmed_name_is_a_region_in_any_system(
    con: duckdb.DuckDBPyConnection, name: str, key: str, declared: str | None
) -> None:
    assert region(con, name, declared=declared) == key


def test_villages_in_both_systems(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {"programme": "p", "village_code": "51.71.01.1003"},
        {"programme": "p", "village_code": "5171011003", "region_system": "kemendagri"},
        {"programme": "p", "village_code": "3273010001", "region_system": "bps"},
        {"programme": "p", "village_code": "9999010001", "region_system": "bps"},
        {"programme": "p", "village_code": "5171011003"},
    ]
    found = typed(con, "programme_villages", *rows, columns="village_code, village_code_system_is_missing")
    dotted, bare, elsewhere, nowhere, unknown = found
    assert dotted == bare
    assert dotted[0].startswith("5171")
    assert len(dotted[0]) == 10
    assert elsewhere == ("3273010001", False)
    assert nowhere == (None, False)
    assert unknown == (None, True)


def test_a_recap_stands_at_its_smallest_place(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        recap(),
        recap(region_code="13.10"),
        recap(region_code="51.71", village_code="51.71.01.1003"),
        recap(office_code="", place="Kab. Dharmasraya"),
        recap(place="Kab. Dharmasraya"),
    ]
    found = typed(con, "recaps", *rows, columns="place_code, region_code, office_code")
    assert [row[0][:4] for row in found] == ["SLK", "1311", "5171", "1311", "SLK"]
    assert found[3][1:] == ("1311", None)
    assert found[4][1:] == (None, "SLK")


def test_a_target_stands_at_its_region_else_at_its_office(con: duckdb.DuckDBPyConnection) -> None:
    rows = [target(), target(region_code="13.10"), target(office_code="", region_code="0000", region_system="bps")]
    assert typed(con, "targets", *rows, columns="place_code") == ["SLK", "1311", "0000"]


def test_a_place_that_cannot_be_read_is_not_replaced_by_a_larger_one(con: duckdb.DuckDBPyConnection) -> None:
    tag(con, "recaps", [recap(region_code="13.99")])
    codes = con.execute("SELECT region_code, _mask > 0 FROM tagged").fetchall()
    assert codes == [(None, True)]


def test_what_is_absent_gets_the_contracts_default(con: duckdb.DuckDBPyConnection) -> None:
    assert typed(con, "recaps", recap(), columns="qualifier, measure, as_of_precision") == [("eq", "persons", "day")]
    names = "qualifier, version, measure, includes_children, month"
    assert typed(con, "targets", target(), columns=names) == [("eq", 1, "persons", False, None)]
    share = {"office_code": "SLK", "region_code": "13.03"}
    assert typed(con, "office_regions", share, columns="share") == [Decimal(1)]
    claim = {"office_code": "SLK", "programme": "JKM", "amount_idr": "42000000"}
    assert typed(con, "benefits", claim, columns="claims") == [1]


def test_what_is_written_wrong_does_not_get_the_default(con: duckdb.DuckDBPyConnection) -> None:
    found = typed(con, "targets", target(version="dua", measure="ekor"), columns="version, measure, _mask > 0")
    assert found == [(None, None, True)]


def test_the_round_of_an_estimate_or_statement(con: duckdb.DuckDBPyConnection) -> None:
    rows = [labour(), labour(round=""), labour(round="", as_of="2023-02-09"), labour(round="FEB")]
    assert typed(con, "labour_force", *rows, columns="round") == ["aug", "annual", "stated", "feb"]


def test_controlled_values_are_read_in_any_case(con: duckdb.DuckDBPyConnection) -> None:
    row = participant(1, segment="bpu", sex="l", funding="APBD", office_code="SLK", period="2026-10")
    assert typed(con, "participants", row, columns="segment, sex, funding") == [("BPU", "L", "apbd")]


def test_constants_fill_what_a_file_does_not_say(con: duckdb.DuckDBPyConnection) -> None:
    said = {"office_code": "SLK", "period": "2026-10"}
    in_file = frozenset(participant(1)) - {"region_system"}
    tag(con, "participants", [participant(1)], columns=in_file, constants=said, region_system="bps")
    found = con.execute("SELECT office_code, period, region_code, _mask FROM tagged").fetchall()
    assert found == [("SLK", "2026-10", "1303", 0)]


def test_a_unit_multiplies_figures(con: duckdb.DuckDBPyConnection) -> None:
    assert typed(con, "labour_force", labour(value="820"), columns="value", unit="1000") == [Decimal(820_000)]


def test_identifiers_keep_their_zeros_and_leave_as_hashes(con: duckdb.DuckDBPyConnection) -> None:
    row = participant(7, office_code="SLK", period="2026-10")
    found = typed(con, "participants", row, columns="kpj, nik, membership_id, person_id, birth_year")[0]
    assert found[:2] == ("00000000007", nik(7))
    assert len(found[2]) == len(found[3]) == 16
    assert found[2] != found[3]
    assert found[4] == 1990


def test_the_year_of_birth_comes_from_the_nik_where_the_column_is_empty(con: duckdb.DuckDBPyConnection) -> None:
    row = participant(7, nik=nik(7, date(1978, 2, 3)), birth_date="", office_code="SLK", period="2026-10")
    assert typed(con, "participants", row, columns="birth_year") == [1978]


@pytest.mark.parametrize("dataset", contracts_of("dataset"))
def test_core_has_the_contracts_columns_and_types_and_no_text_of_a_person(
    con: duckdb.DuckDBPyConnection, dataset: str
) -> None:
    tag(con, dataset, [])
    contract = load_contracts()[dataset]
    found = con.execute(f"DESCRIBE {core_select(contract, 'tagged', 'key')}").fetchall()
    assert [row[:2] for row in found] == [(f.name, sql_type(f.column.type)) for f in contract.core_fields]
    assert not {"nik", "kpj", "birth_date"} & {row[0] for row in found}
    assert dataset == "offices" or "name" not in {row[0] for row in found}


def test_only_datasets_with_regions_say_a_code_system() -> None:
    with_system = {
        name for name, contract in contracts_of("dataset").items() if "region_system" in landing_names(contract)
    }
    assert with_system == contracts_of("dataset").keys() - {"benefits", "offices"}
