"""Regions as files name them: both code systems, provinces in four digits, shared names, names beside codes."""

from collections.abc import Iterator

import duckdb
import pytest

from expectations.contracts import load_contracts
from expectations.rules import row_rules
from tests.support import Row, labour, recap, tag, tagging_connection, target

ROW: dict[str, Row] = {"labour_force": labour(), "recaps": recap(), "targets": target()}


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that tags rows."""
    with tagging_connection() as connection:
        yield connection


def read(con: duckdb.DuckDBPyConnection, dataset: str, *changes: Row) -> list[tuple[str | None, set[str]]]:
    """Tag rows and give the region and the broken rules of each; equal rows repeat each other, which counts not."""
    tag(con, dataset, [ROW[dataset] | change for change in changes])
    rules = row_rules(load_contracts()[dataset])
    rows = con.execute("SELECT region_code, _mask FROM tagged ORDER BY _line").fetchall()
    return [
        (code, {rule.code for bit, rule in enumerate(rules) if mask & (1 << bit)} - {"duplicate_in_file"})
        for code, mask in rows
    ]


@pytest.mark.slow
def test_no_regency_changes_places_in_either_system(con: duckdb.DuckDBPyConnection) -> None:
    regencies = "SELECT region_code FROM reference.regions WHERE level = 'regency' ORDER BY region_code"
    keys = [row[0] for row in con.execute(regencies).fetchall()]
    kemendagri = con.execute(
        "SELECT region_code, code FROM reference.region_codes WHERE region_system = 'kemendagri' AND length(code) = 5"
    ).fetchall()
    assert len(keys) == 514
    assert {key for key, _ in kemendagri} == set(keys)
    of_bps = read(con, "labour_force", *({"region_code": key, "region_system": "bps"} for key in keys))
    dotted = read(con, "labour_force", *({"region_code": code, "region_system": ""} for _, code in kemendagri))
    bare = [{"region_code": code.replace(".", ""), "region_system": "kemendagri"} for _, code in kemendagri]
    assert [code for code, _ in of_bps] == keys
    assert [code for code, _ in dotted] == [key for key, _ in kemendagri]
    assert [code for code, _ in read(con, "labour_force", *bare)] == [key for key, _ in kemendagri]
    assert sum(code.replace(".", "") != key for key, code in kemendagri) > 150
    assert not any(broken for _, broken in (*of_bps, *dotted))


def test_no_code_of_a_regency_is_read_without_its_system(con: duckdb.DuckDBPyConnection) -> None:
    found = read(con, "labour_force", *({"region_code": code, "region_system": ""} for code in ("1310", "1311")))
    assert found == [(None, {"region_code_system_unknown"})] * 2


@pytest.mark.parametrize("code", ["13.10", "13.11", "13", "13.99"])
def test_a_dotted_code_that_is_said_to_be_of_bps_contradicts_itself(con: duckdb.DuckDBPyConnection, code: str) -> None:
    expected = [(None, {"region_code_system_contradicts"})] if "." in code else [("13", set[str]())]
    for dataset in ROW:
        assert read(con, dataset, {"region_code": code, "region_system": "bps"}) == expected
    tag(con, "labour_force", [labour(region_code=code, region_system="")], region_system="bps")
    assert con.execute("SELECT region_code FROM tagged").fetchall() == [(expected[0][0],)]


@pytest.mark.parametrize("system", ["", "kemendagri", "KEMENDAGRI"])
def test_a_dotted_code_is_kemendagris_unless_bps_is_said(con: duckdb.DuckDBPyConnection, system: str) -> None:
    assert read(con, "labour_force", {"region_code": "13.10", "region_system": system}) == [("1311", set())]


def test_names_and_villages_beside_a_region_keep_their_dots(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "labour_force", {"region_code": "Kab. Solok", "region_system": "bps"}) == [("1303", set())]
    village = {"office_code": "", "village_code": "51.71.01.1003", "region_system": "bps"}
    beside, alone = read(con, "recaps", village | {"region_code": "5171"}, village | {"region_code": ""})
    assert beside == ("5171", set())
    assert "village_code_system_contradicts" in alone[1]


@pytest.mark.parametrize(("code", "key"), [("1300", "13"), ("3200", "32"), ("9700", "97"), ("0000", "0000")])
def test_a_province_in_four_digits_is_the_province(con: duckdb.DuckDBPyConnection, code: str, key: str) -> None:
    assert read(con, "labour_force", {"region_code": code, "region_system": "bps"}) == [(key, set())]


@pytest.mark.parametrize("code", ["13.00", "1300"])
def test_kemendagri_has_no_such_code(con: duckdb.DuckDBPyConnection, code: str) -> None:
    row = {"region_code": code, "region_system": "kemendagri"}
    assert read(con, "labour_force", row) == [(None, {"region_code_unknown"})]


@pytest.mark.parametrize("name", ["Solok", "BOGOR", " gorontalo ", "Jambi", "Yogyakarta"])
@pytest.mark.parametrize("dataset", ROW)
def test_a_name_of_two_regions_is_refused_with_its_reason(
    con: duckdb.DuckDBPyConnection, dataset: str, name: str
) -> None:
    nowhere = {"office_code": "", "region_code": ""}
    in_column, in_place = {"region_code": name, "region_system": ""}, nowhere | {"place": name}
    assert read(con, dataset, in_column, in_place) == [(None, {"region_code_ambiguous"}), (None, {"place_ambiguous"})]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Kab. Solok", "1303"), ("Kota Solok", "1372"), ("Kabupaten Bogor", "3201"), ("KOTA BOGOR", "3271"),
        ("Provinsi Gorontalo", "75"), ("Kab Gorontalo", "7502"), ("Kota Gorontalo", "7571"),
        ("Provinsi Jambi", "15"), ("Kota Jambi", "1571"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dataset", ROW)
def test_a_name_with_its_type_is_its_region(con: duckdb.DuckDBPyConnection, dataset: str, name: str, key: str) -> None:
    in_place = {"office_code": "", "region_code": "", "place": name}
    assert read(con, dataset, {"region_code": name}, in_place) == [(key, set())] * 2


def test_an_unknown_name_without_a_code_is_no_empty_one(con: duckdb.DuckDBPyConnection) -> None:
    nowhere = {"office_code": "", "region_code": ""}
    assert read(con, "recaps", nowhere, nowhere | {"place": "Kab. Darmasraya"}) == [
        (None, {"place_missing"}),
        (None, {"place_unknown"}),
    ]
    assert read(con, "labour_force", nowhere, nowhere | {"place": "Kab. Darmasraya"}) == [
        (None, {"region_code_missing"}),
        (None, {"place_unknown"}),
    ]


@pytest.mark.parametrize(
    ("code", "name", "contradicts"),
    [
        ("1311", "Solok Selatan", True), ("1311", "Kab. Dharmasraya", False), ("1311", "dharmasraya", False),
        ("1310", "Dharmasraya", True), ("3201", "Jawa Barat", True), ("3201", "Bogor", False),
        ("3271", "Bogor", False), ("3201", "Kota Bogor", True), ("3201", "Solok", True),
        ("3200", "Jawa Barat", False), ("32", "Jawa Barat", False), ("32", "Jawa Timur", True),
        ("0000", "Indonesia", False), ("1311", "Antah Berantah", False), ("1311", "", False),
        ("1571", "Jambi", False), ("15", "Jambi", False), ("9401", "Merauke", False), ("9501", "Merauke", False),
    ],
)  # fmt: skip
def test_a_name_beside_a_code_must_be_of_that_region(
    con: duckdb.DuckDBPyConnection, code: str, name: str, contradicts: bool
) -> None:
    found = read(con, "labour_force", {"region_code": code, "region_system": "bps", "place": name})
    assert found[0][1] == ({"region_name_differs"} if contradicts else set())


def test_the_swapped_pair_is_found_where_the_system_is_said_wrong(con: duckdb.DuckDBPyConnection) -> None:
    row = {"region_code": "1310", "place": "Kab. Dharmasraya"}
    right, wrong = read(con, "labour_force", row | {"region_system": "kemendagri"}, row | {"region_system": "bps"})
    assert right == ("1311", set())
    assert wrong == ("1310", {"region_name_differs"})


def test_a_district_may_bear_the_name_of_a_regency(con: duckdb.DuckDBPyConnection) -> None:
    district = con.execute("SELECT min(region_code) FROM reference.regions WHERE level = 'district'").fetchall()[0][0]
    row = {"region_code": district, "region_system": "bps", "place": "Kota Kediri"}
    assert read(con, "recaps", row) == [(district, set())]


@pytest.mark.parametrize("word", ["domicile", "booking", "work", "unknown"])
def test_a_word_for_how_a_recap_counts_is_no_name(con: duckdb.DuckDBPyConnection, word: str) -> None:
    assert read(con, "recaps", {"region_code": "13.10", "place": word}) == [("1311", set())]


def test_the_name_beside_a_code_does_not_enter_core() -> None:
    core = {name: [field.name for field in load_contracts()[name].core_fields] for name in ROW}
    assert [name for name, columns in core.items() if "place" in columns] == ["recaps"]
