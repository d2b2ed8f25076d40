"""The server of the tests itself: both spellings of a request, static tables, questions without an answer."""

from typing import Any

import httpx
import pytest

from sources.bps.errors import NotAvailableError
from sources.bps.wire import USER_AGENT
from tests.bps_server import KEY, NO_KEY, BpsServer, StaticTable
from tests.sources.bps.support import client_of, labour_table

STATIC = StaticTable("7400", 16, "Angkatan Kerja", [["Wilayah", "<15+>"], ["Misal & Utara", "138.321"]])


def got(bps: BpsServer, path: str) -> Any:
    return httpx.get(bps.address + path, headers={"User-Agent": USER_AGENT}, trust_env=False).json()


@pytest.mark.parametrize(
    ("query", "segments"),
    [
        ("list?model=th&domain=7400&var=33", "list/model/th/domain/7400/var/33"),
        ("list?model=th&domain=7400&page=2", "list/model/th/lang/ind/domain/7400/keyword//page/2"),
        (
            "list?model=data&domain=7400&var=33&th=124;125",
            "list/model/data/domain/7400/keyword//page/1/var/33/th/124;125",
        ),
        ("list?model=data&domain=7400&var=33", "list/model/data/domain/7400/var/33"),
        ("list?model=statictable&domain=7400", "list/model/statictable/perpage/100000/domain/7400"),
        ("view?model=statictable&domain=7400&id=16", "view/model/statictable/lang/ind/domain/7400/id/16"),
        ("domain?type=all", "domain/type/all"),
        (
            "interoperabilitas/datasource/simdasi/id/27/?parent=7400000",
            "interoperabilitas/datasource/simdasi/id/27/parent/7400000",
        ),
    ],
)
def test_both_spellings_of_a_request_have_the_same_answer(query: str, segments: str) -> None:
    domains = [{"domain_id": "7400", "domain_name": "Contoh", "domain_url": ""}]
    areas: list[tuple[int | str, str]] = [("7400000", "Contoh"), ("7411000", "Kab. Contoh")]
    with BpsServer([labour_table(years=12)], {"domain": domains}, statics=[STATIC], areas=areas) as bps:
        by_query = got(bps, f"{query}{'&' if '?' in query else '?'}key={KEY}")
        by_path = got(bps, f"{segments}/key/{KEY}/")
        refused = got(bps, f"{segments}/key/{'f' * 32}/")
    assert by_query == by_path
    assert by_query != refused == {"status": "Error", "message": NO_KEY}


def test_a_static_table_is_listed_and_viewed() -> None:
    with BpsServer(statics=[STATIC]) as bps:
        rows = got(bps, f"list?model=statictable&domain=7400&key={KEY}")["data"][1]
        viewed = got(bps, f"view?model=statictable&domain=7400&id=16&key={KEY}")["data"]
        elsewhere = got(bps, f"view?model=statictable&domain=7500&id=16&key={KEY}")
    assert [(row["table_id"], row["title"]) for row in rows] == [(16, "Angkatan Kerja")]
    assert "&lt;nobr&gt;Misal &amp;amp; Utara&lt;/nobr&gt;" in viewed["table"]
    assert elsewhere == {"status": "OK", "data-availability": "list-not-available", "data": ""}


def test_a_server_without_domains_says_so() -> None:
    with BpsServer() as bps, client_of(bps) as client, pytest.raises(NotAvailableError):
        client.domains()


def test_a_census_that_nobody_holds_is_refused_inside_ok() -> None:
    with BpsServer() as bps:
        document = got(bps, f"interoperabilitas/datasource/sensus/id/41/?kegiatan=sp2020&key={KEY}")
    assert document["status"] == "OK"
    assert document["data"][1] == [{"status": 400, "condition": "ERROR", "message": "Invalid Parameter"}]


def test_what_bps_does_not_serve_is_a_page() -> None:
    with BpsServer() as bps:
        address = f"{bps.address}dataexim?key={KEY}"
        assert httpx.get(address, headers={"User-Agent": USER_AGENT}, trust_env=False).status_code == 404
