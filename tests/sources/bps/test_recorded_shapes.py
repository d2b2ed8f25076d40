"""The server of the tests against every recorded answer: the shape that it speaks is BPS's and not ours.

Requests that were recorded are put to the server again, over HTTP; the tables that it serves are rebuilt from what
was recorded. Only documents whose sums were cut when they were recorded are compared by shape.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from sources.bps.answers import examined
from sources.bps.data import decode_data
from sources.bps.errors import BpsError, ListDiffersError
from sources.bps.simdasi import inner_of
from sources.bps.wire import USER_AGENT, Wire
from tests.bps_server import KEY, BpsServer, Cell, StaticTable, Table
from tests.sources.bps.support import RECORDED, client_of, recorded_only
from tests.sources.bps.test_answers import answer_of

REQUESTS = (
    "data_0000_2263_TRIMMED",
    "data_list_not_available",
    "data_null_too_large",
    "error_bad_key",
    "error_data_missing_th",
    "error_data_prov_max_2_th",
    "error_data_too_many_th",
    "error_waf_block",
    "th_0000_1804",
)
DATA = ("other/data_maluku_var218_full", "stadata_flutter/dynamic_table_detail", "bps_looker/data_0000_2263_TRIMMED")
# Lists that follow from the tables of a server, with the model that asks for them; and those that a test hands it.
DERIVED = {
    "derived_period_list": "turth",
    "derived_variable_list": "turvar",
    "period_list": "th",
    "static_table_list": "statictable",
    "variable_list": "var",
    "vertical_variable_list": "vervar",
}
HANDED = {
    "domain_list": "domain",
    "dynamic_table_list": "dynamictable",
    "sdg_list": "sdgs",
    "strategic_indicator_list": "indicators",
    "subject_category_list": "subcat",
    "subject_list": "subject",
    "unit_list": "unit",
}
CENSUS = {"census_datasets_list": 40, "census_data_list": 41}
VIEWED = "static_table_detail"
# Single parts of answers, quoted in notes and tests; `test_answers.py` decodes those that can be decoded.
EXCERPTS = ("bps_looker/bps-regions_EXCERPT", "other/data_sumbar_snippets")
_AXES = ("vervar", "turvar", "tahun", "turtahun")
pytestmark = recorded_only


def document_of(name: str) -> Any:
    document = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return document["body"] if "request" in document else document


def shape(value: Any, place: str = "") -> Iterator[str]:
    """Name every place in a document with the type of what stands there; rows of a list share their places."""
    yield f"{place}: {type(value).__name__}"
    if isinstance(value, dict):
        for name, held in cast("dict[str, Any]", value).items():
            yield from shape(held, f"{place}.{'#' if name.isdigit() else name}")
    if isinstance(value, list):
        for held in cast("list[Any]", value):
            yield from shape(held, f"{place}[]")


def rebuilt(recorded: dict[str, Any], domain: str = "7400") -> Table:
    """Return a table of the server with the axes and cells of a recorded answer."""
    axes = {name: [(one["val"], one["label"]) for one in recorded[name]] for name in _AXES}
    variable = recorded["var"][0]
    cells = dict(_cells(recorded, variable["val"], axes))
    known = {"unit": variable["unit"], "decimal": variable.get("decimal", 0), "labelvervar": recorded["labelvervar"]}
    table = Table(domain, variable["val"], variable["label"], axes["vervar"], axes["tahun"], cells, **known)
    table.turvar, table.turtahun, table.brief = axes["turvar"], axes["turtahun"], "last_update" not in recorded
    table.last_update, table.related = recorded.get("last_update", ""), recorded.get("related", [])
    return table


def _cells(recorded: dict[str, Any], variable: int, axes: dict[str, Any]) -> Iterator[tuple[Cell, Any]]:
    """Find the place of each recorded cell by the axes, without the project's own decoder."""
    for row, _ in axes["vervar"]:
        for derived, _ in axes["turvar"]:
            for year, _ in axes["tahun"]:
                for part, _ in axes["turtahun"]:
                    key = f"{row}{variable}{derived}{year}{part}"
                    if key in recorded["datacontent"]:
                        yield (row, derived, year, part), recorded["datacontent"][key]


def serving(name: str) -> AbstractContextManager[BpsServer]:
    """Return a server in the state in which BPS was when a request was recorded."""
    if name.startswith("data_0000"):
        return BpsServer([rebuilt(document_of(f"bps_looker/{name}"), "0000")])
    if name == "data_null_too_large":
        years = [(number, str(1900 + number)) for number in range(118, 121)]
        return BpsServer([Table("0000", 2096, "x", [(1, "a")], years, {(1, "0", 118, 0): 1})], most_cells=0)
    if name == "th_0000_1804":
        years = [(row["th_id"], row["th"]) for row in document_of(f"bps_looker/{name}")["data"][1]]
        return BpsServer([Table("0000", 1804, "x", [(1, "a")], years, {})])
    return BpsServer()


def asked_again(name: str, bps: BpsServer) -> httpx.Response:
    """Put the recorded request to the server, with a key and as a browser where the recorded one had those."""
    request = json.loads((RECORDED / f"bps_looker/{name}.json").read_text(encoding="utf-8"))["request"]
    address = request["url"].replace("https://webapi.bps.go.id/v1/api/", bps.address)
    key = "f" * 32 if name == "error_bad_key" else KEY
    agent = "curl/8.0" if name == "error_waf_block" else USER_AGENT
    return httpx.get(address.replace("***", key), headers={"User-Agent": agent}, trust_env=False)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_recorded_request_gets_its_recorded_answer(name: str) -> None:
    recorded = json.loads((RECORDED / f"bps_looker/{name}.json").read_text(encoding="utf-8"))
    with serving(name) as bps:
        response = asked_again(name, bps)
    assert (response.status_code, response.headers["content-type"]) == (
        recorded["status_code"],
        recorded["content_type"],
    )
    if name == "error_waf_block":
        words = ("Perimeter WAF Block", "Akses ini ditolak", "This access is blocked by our security system.")
        assert all(word in response.text and word in recorded["body"] for word in words)
    elif name.startswith("data_0000"):
        assert set(shape(response.json())) == set(shape(recorded["body"]))
    else:
        assert response.json() == recorded["body"]


@pytest.mark.parametrize("name", [name for name in REQUESTS if name.startswith(("error", "data_list", "data_null"))])
def test_the_client_names_the_servers_error_as_the_recorded_one(name: str) -> None:
    recorded = json.loads((RECORDED / f"bps_looker/{name}.json").read_text(encoding="utf-8"))
    body = recorded["body"]
    with pytest.raises(BpsError) as said:
        examined(answer_of(body.encode() if isinstance(body, str) else body), recorded["status_code"])
    agent = "curl/8.0" if name == "error_waf_block" else USER_AGENT
    with serving(name) as bps:
        bps.key = "f" * 32 if name == "error_bad_key" else KEY
        with Wire(SecretStr(KEY), bps.settings(user_agent=agent)) as wire, pytest.raises(BpsError) as spoken:
            wire.get("list", recorded["request"]["params"])
    assert (type(spoken.value), spoken.value.found) == (type(said.value), said.value.found)


@pytest.mark.parametrize("name", DATA)
def test_recorded_cells_come_back_from_the_server_under_the_same_keys(name: str) -> None:
    recorded = document_of(name)
    periods = [str(year["val"]) for year in recorded["tahun"]]
    with BpsServer([rebuilt(recorded)], caps={"7400": 3}) as bps, client_of(bps, caps={"7400": 3}) as client:
        answer = client.data("7400", recorded["var"][0]["val"], periods).answers[0]
    spoken = json.loads(answer.raw)
    assert set(shape(spoken)) == set(shape(recorded))
    assert spoken["datacontent"] == recorded["datacontent"]
    assert list(spoken) == list(recorded)
    assert decode_data(answer).equals(decode_data(answer_of(recorded)))


def distinct_rows(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each row of a recorded list once: the list of variables has two of its ten rows twice."""
    rows: list[dict[str, Any]] = recorded["data"][1]
    return [row for place, row in enumerate(rows) if row not in rows[:place]]


def server_of_list(model: str, rows: list[dict[str, Any]]) -> BpsServer:
    """Return a server whose tables give a recorded list."""
    if model == "statictable":
        return BpsServer(statics=[StaticTable("7400", row["table_id"], row["title"], []) for row in rows])
    if model == "var":
        one = [(1, "a")]
        return BpsServer([Table("7400", row["var_id"], row["title"], one, one, {}, unit=row["unit"]) for row in rows])
    code = "kode_ver_id" if model == "vervar" else f"{model}_id"
    pairs = [(row[code], row[model]) for row in rows]
    places = {"th": 4, "vervar": 3, "turvar": 6, "turth": 7}
    axes: list[Any] = ["7400", 1, "x", [(1, "a")], [(1, "a")], {}, (("0", "a"),), ((0, "a"),)]
    axes[places[model]] = pairs
    return BpsServer([Table(*axes)])


@pytest.mark.parametrize(("name", "model"), DERIVED.items())
def test_a_list_made_from_tables_has_the_recorded_fields_and_types(name: str, model: Any) -> None:
    recorded = document_of(f"stadata_flutter/{name}")
    rows = distinct_rows(recorded)
    with server_of_list(model, rows) as bps, client_of(bps) as client:
        listing = client.listing(model, "7400")
    spoken = json.loads(listing.answers[0].raw)
    assert set(shape(spoken)) == set(shape(recorded))
    assert [list(row) for row in spoken["data"][1]] == [list(row) for row in rows]
    own = {"var": "var_id", "vervar": "kode_ver_id", "statictable": "table_id"}.get(model, f"{model}_id")
    assert [row[own] for row in spoken["data"][1]] == [row[own] for row in rows]
    assert listing.rows.height == len(rows)


@pytest.mark.parametrize(("name", "model"), {**HANDED, **DERIVED}.items())
def test_recorded_rows_come_through_server_and_client_with_all_their_fields(name: str, model: Any) -> None:
    recorded = document_of(f"stadata_flutter/{name}")
    rows = distinct_rows(recorded)
    with BpsServer(lists={model: rows}) as bps, client_of(bps) as client:
        listing = client.domains() if model == "domain" else client.listing(model, "7400")
    spoken = json.loads(listing.answers[0].raw)
    assert set(shape(spoken)) == set(shape(recorded))
    if recorded["data"][0]["total"] == len(rows) and recorded["data"][0]["pages"] == 1:
        assert spoken == recorded
    assert listing.rows.columns == [{"kode_ver_id": "vervar_id"}.get(field, field) for field in rows[0]]
    assert listing.rows.height == len(rows)


def test_the_recorded_variables_with_two_rows_twice_are_listed_once() -> None:
    rows = document_of("stadata_flutter/variable_list")["data"][1]
    with BpsServer(lists={"var": rows}) as bps, client_of(bps) as client:
        assert client.listing("var", "7400").rows.height == len({row["var_id"] for row in rows}) == len(rows) - 2


def test_a_row_of_two_pages_is_refused() -> None:
    rows = document_of("stadata_flutter/variable_list")["data"][1]
    with (
        BpsServer(lists={"var": [*rows, rows[0]]}) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError, match="the number of different rows: 8, expected 9"),
    ):
        client.listing("var", "7400")


def test_a_static_table_is_viewed_as_recorded() -> None:
    recorded = document_of(f"stadata_flutter/{VIEWED}")
    with BpsServer(statics=[StaticTable("7315", 23, "Contoh", [["a", "b"]])]) as bps:
        address = f"{bps.address}view/model/statictable/lang/ind/domain/7315/id/23/key/{KEY}/"
        spoken = httpx.get(address, headers={"User-Agent": USER_AGENT}, trust_env=False).json()
        absent = httpx.get(address.replace("/23/", "/24/"), headers={"User-Agent": USER_AGENT}, trust_env=False)
    assert set(shape(spoken)) == set(shape(recorded))
    start = "&lt;table class=&quot;excel&quot; cellpadding=0"
    assert spoken["data"]["table"][: len(start)] == recorded["data"]["table"][: len(start)] == start
    assert absent.json()["data-availability"] == "list-not-available"


@pytest.mark.parametrize(("name", "service"), CENSUS.items())
def test_the_census_comes_in_the_recorded_envelope(name: str, service: int) -> None:
    recorded = document_of(f"stadata_flutter/{name}")
    path = f"interoperabilitas/datasource/sensus/id/{service}/"
    census = {(service, frozenset({("kegiatan", "sp2022")})): recorded["data"][1]}
    with BpsServer(census=census) as bps, Wire(SecretStr(KEY), bps.settings()) as wire:
        answer = wire.get(path, {"kegiatan": "sp2022"})
        refused = wire.get(path, {"kegiatan": "x"})
    assert json.loads(answer.raw) == recorded
    with pytest.raises(BpsError, match="Invalid Parameter"):
        inner_of(refused)


def test_the_comparison_of_shapes_finds_a_missing_field_and_another_type() -> None:
    document = {"data": [{"a": 1}, {"a": 2, "b": "x"}], "cells": {"7411": 1}}
    assert set(shape(document)) == {
        ": dict",
        ".data: list",
        ".data[]: dict",
        ".data[].a: int",
        ".data[].b: str",
        ".cells: dict",
        ".cells.#: int",
    }
    assert set(shape({"a": "1"})) != set(shape({"a": 1}))


def test_every_recorded_answer_is_compared() -> None:
    there = {path.relative_to(RECORDED).with_suffix("").as_posix() for path in RECORDED.rglob("*.json")}
    lists = {f"stadata_flutter/{name}" for name in (*DERIVED, *HANDED, *CENSUS, VIEWED)}
    assert there == {*(f"bps_looker/{name}" for name in REQUESTS), *DATA, *EXCERPTS, *lists}
