"""The agency's own Python client lists from the test server: the server speaks the API's shape and not ours.

Run by `make interop`, which installs stadata in an environment of its own. The file's name keeps it out of
`make test`. What stadata itself loses is asserted as it is, so that a mended stadata is noticed.
"""

import json
import subprocess
from typing import Any

import pytest
from pydantic import SecretStr

from sources.bps.client import BpsClient
from sources.bps.data import decode_data
from sources.bps.errors import ListDiffersError
from sources.bps.wire import USER_AGENT
from tests.bps_server import KEY, NO_KEY, NO_TH, TOO_MANY, BpsServer, Cell, StaticTable, Table
from tests.support import ROOT

STADATA = ROOT / "var" / "interop-stadata" / "bin" / "python"
REGIONS = ((7411, "Kab. Contoh"), (7471, "Kota Misal"), (9999, "INDONESIA"))
DERIVED = ((827, "Bekerja"), (828, "Pengangguran"))
YEARS = ((124, "2024"), (125, "2025"))
DOMAINS = [
    {"domain_id": "0000", "domain_name": "Pusat", "domain_url": "https://www.contoh.example"},
    {"domain_id": "7400", "domain_name": "Sulawesi Contoh", "domain_url": "https://prov.contoh.example"},
    {"domain_id": "7471", "domain_name": "Kota Misal", "domain_url": "https://kota.contoh.example"},
]
Call = tuple[str, dict[str, Any]]


def labour(variable: int, title: str = "Angkatan Kerja") -> Table:
    cells: dict[Cell, Any] = {
        (code, derived, year, 0): variable * 1000 + place * 100 + derived + year
        for place, (code, _) in enumerate(REGIONS)
        for derived, _ in DERIVED
        for year, _ in YEARS
    }
    return Table("7400", variable, title, REGIONS, YEARS, cells, DERIVED)


def by_stadata(bps: BpsServer, *calls: Call, agent: str = USER_AGENT, key: str = KEY) -> list[dict[str, Any]]:
    """Let stadata make some calls of the server, in its own environment, and return what each gave."""
    asked = {"address": bps.address.removesuffix("api/"), "key": key, "agent": agent, "calls": calls}
    done = subprocess.run(
        [STADATA, "-I", ROOT / "tests" / "interop" / "stadata_calls.py"],
        input=json.dumps(asked),
        env={"NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def numbers_asked(bps: BpsServer) -> list[str]:
    return [asked.query["page"] for asked in bps.asked]


def test_domains_are_the_servers() -> None:
    with BpsServer(lists={"domain": DOMAINS}) as bps:
        (listed,) = by_stadata(bps, ("list_domain", {}))
        assert bps.asked[0].query == {"type": "all", "key": KEY}
    levels = ("nasional", "provinsi", "kota/kabupaten")
    assert listed["columns"] == ["domain_id", "domain_name", "domain_url", "level"]
    assert listed["rows"] == [[*row.values(), level] for row, level in zip(DOMAINS, levels, strict=True)]


def test_variables_over_three_pages_are_the_servers_in_its_order() -> None:
    tables = [labour(number, f"Variabel {number}") for number in range(500, 523)]
    with BpsServer(tables) as bps:
        (listed,) = by_stadata(bps, ("list_dynamictable", {"domain": ["7400"], "latest": True}))
        # stadata asks for 100,000 rows a page; the server gives ten, as BPS does. It reads the first page twice.
        assert {asked.query["perpage"] for asked in bps.asked} == {"100000"}
        assert numbers_asked(bps) == ["1", "1", "2", "3"]
    fields = [name for name in tables[0].listed() if name not in {"turth", "turvar", "jenis"}]
    assert listed["columns"] == [*fields, "domain"]
    assert listed["rows"] == [[*(table.listed()[name] for name in fields), "7400"] for table in tables]


def test_a_row_that_the_server_keeps_back_is_missed_by_stadata_without_a_word_and_named_by_our_client() -> None:
    tables = [labour(number) for number in range(500, 523)]
    with BpsServer(tables, drop_page=2) as bps:
        (listed,) = by_stadata(bps, ("list_dynamictable", {"domain": ["7400"], "latest": True}))
        with BpsClient(SecretStr(KEY), bps.settings()) as client, pytest.raises(ListDiffersError):
            client.listing("var", "7400")
    assert [row[0] for row in listed["rows"]] == [number for number in range(500, 523) if number != 519]
    assert listed["warned"] == []


def test_variables_on_one_page_come_as_the_envelope_because_stadata_reads_rows_of_several_pages_only() -> None:
    with BpsServer([labour(33)]) as bps:
        (listed,) = by_stadata(bps, ("list_dynamictable", {"domain": ["7400"], "latest": True}))
    head = {"page": 1, "pages": 1, "per_page": 10, "count": 1, "total": 1}
    assert listed["columns"] == ["status", "data-availability", "data", "domain"]
    assert listed["rows"] == [
        ["OK", "available", head, "7400"],
        ["OK", "available", [labour(33).listed()], "7400"],
    ]


def test_a_data_table_is_the_servers_cell_for_cell_and_what_our_client_reads() -> None:
    table = labour(33)
    with BpsServer([table]) as bps:
        (viewed,) = by_stadata(bps, ("view_dynamictable", {"domain": "7400", "var": 33, "th": "124;125"}))
        with BpsClient(SecretStr(KEY), bps.settings()) as client:
            ours = decode_data(client.data("7400", 33, [124, 125]).answers[0])
        assert bps.asked[0].query["th"] == bps.asked[1].query["th"] == "124;125"
    assert viewed["columns"] == ["id_var", "variable", "id_tur_var", "turunan variable", "2024", "2025"]
    assert viewed["rows"] == [
        [code, label, derived, name, table.cells[code, derived, 124, 0], table.cells[code, derived, 125, 0]]
        for code, label in REGIONS
        for derived, name in DERIVED
    ]
    read = ours.select("vervar_code", "derived_code", "year", "value").rows()
    assert set(read) == {(str(a), str(b), 1900 + int(year), str(cell)) for (a, b, year, _), cell in table.cells.items()}


def test_of_two_rounds_of_a_year_stadata_keeps_the_first_because_it_matches_the_beginning_of_a_key() -> None:
    rounds = ((189, "Februari"), (190, "Agustus"))
    cells: dict[Cell, Any] = {(7411, "0", 125, 189): 5.69, (7411, "0", 125, 190): 5.62}
    table = Table("7400", 33, "TPT", REGIONS, YEARS, cells, turtahun=rounds, unit="Persen", decimal=2)
    with BpsServer([table]) as bps:
        (viewed,) = by_stadata(bps, ("view_dynamictable", {"domain": "7400", "var": 33, "th": "125"}))
        with BpsClient(SecretStr(KEY), bps.settings()) as client:
            ours = decode_data(client.data("7400", 33, [125]).answers[0])
    assert [row[4:] for row in viewed["rows"]] == [[5.69], [""], [""]]
    assert ours.select("round", "value").rows() == [("feb", "5.69"), ("aug", "5.62")]


@pytest.mark.parametrize(
    ("held", "shown", "pages"),
    [(5, 5, ["1"]), (12, 10, ["1"]), (34, 30, ["1", "2", "3"])],
)
def test_static_tables_are_the_servers_without_the_last_page_which_stadata_never_asks_for(
    held: int, shown: int, pages: list[str]
) -> None:
    statics = [StaticTable("7400", number, f"Tabel {number}", [["x"]]) for number in range(held)]
    with BpsServer(statics=statics) as bps:
        (listed,) = by_stadata(bps, ("list_statictable", {"domain": ["7400"], "latest": True}))
        assert numbers_asked(bps) == pages
    assert listed["columns"] == [*statics[0].listed(), "domain"]
    assert listed["rows"] == [[*table.listed().values(), "7400"] for table in statics[:shown]]


def test_no_static_table_is_an_empty_list() -> None:
    with BpsServer() as bps:
        (listed,) = by_stadata(bps, ("list_statictable", {"domain": ["7400"], "latest": True}))
    assert (listed["columns"][0], listed["rows"]) == ("table_id", [])


def test_the_cells_of_a_static_table_are_the_servers() -> None:
    cells = [["Wilayah", "Angkatan Kerja <15+>"], ["Contoh", "138.321"], ["Misal & Utara", "7.617"]]
    with BpsServer(statics=[StaticTable("7400", 16, "Contoh", cells)]) as bps:
        (viewed,) = by_stadata(bps, ("view_statictable", {"domain": "7400", "table_id": 16}))
        assert (bps.asked[0].path, bps.asked[0].query["id"]) == ("view", "16")
    assert viewed["rows"] == cells


def test_refusals_are_understood_in_the_servers_own_words() -> None:
    view: dict[str, Any] = {"domain": "7400", "var": 33}
    with BpsServer([labour(33)]) as bps:
        without, too_many = by_stadata(
            bps, ("view_dynamictable", view), ("view_dynamictable", {**view, "th": "123:125"})
        )
        (foreign,) = by_stadata(bps, ("list_domain", {}), key="f" * 32)
    assert (without["raised"], without["message"]) == ("Exception", NO_TH)
    assert too_many["message"] == TOO_MANY.format(cap=2, given=3)
    assert foreign["message"] == NO_KEY


def test_the_firewall_stops_stadata_unless_it_looks_like_a_browser() -> None:
    with BpsServer(lists={"domain": DOMAINS}) as bps:
        (listed,) = by_stadata(bps, ("list_domain", {}), agent="")
        assert bps.asked[0].agent.startswith("python-requests/")
    # stadata itself warns and returns None, which has no columns.
    assert listed["warned"] == ["Connection failed"]
    assert listed["message"] == "'NoneType' object has no attribute 'columns'"
