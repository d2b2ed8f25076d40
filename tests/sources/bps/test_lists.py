"""Lists are paged to their end and held against what the source counts."""

from typing import Any

import pytest

from sources.bps.answers import listing_of
from sources.bps.errors import EmptyAnswerError, ListDiffersError, NotAvailableError
from tests.bps_server import BpsServer
from tests.sources.bps.support import client_of, labour_table

UNITS: list[dict[str, Any]] = [{"unit_id": number, "unit": f"Satuan {number}"} for number in range(23)]


def test_a_list_is_read_to_its_last_page() -> None:
    with BpsServer(lists={"unit": UNITS}) as bps, client_of(bps) as client:
        listing = client.listing("unit", "0000")
        assert listing.rows["unit_id"].to_list() == [str(number) for number in range(23)]
        assert [asked.query.get("page", "1") for asked in bps.asked] == ["1", "2", "3"]
        assert len(listing.answers) == 3


def test_a_list_can_be_read_again_from_its_kept_answers_without_a_request() -> None:
    with BpsServer(lists={"unit": UNITS}) as bps, client_of(bps) as client:
        listing = client.listing("unit", "0000")
        asked = bps.count
    assert listing_of(listing.answers).rows.equals(listing.rows)
    assert bps.count == asked


def test_filters_reach_the_source_and_labels_lose_their_html() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        variables = client.listing("var", "7400", subject=6)
        assert variables.rows["notes"].to_list() == ["Sakernas"]
        assert bps.asked[0].query["subject"] == "6"
        rows = client.listing("vervar", "7400", var=33).rows
        assert rows["vervar_id"].to_list() == ["7411", "7471", "9999"]
        assert rows["vervar"].to_list() == ["Kab. Kolaka Timur", "Kota Kendari", "INDONESIA"]
        assert client.listing("th", "7400", var=33).rows["th_id"].to_list()[:2] == ["125", "124"]


def test_domains_come_on_one_page_without_count() -> None:
    domains: list[dict[str, Any]] = [{"domain_id": f"{code}", "domain_name": "X"} for code in range(1100, 1134)]
    with BpsServer(lists={"domain": domains}) as bps, client_of(bps) as client:
        assert client.domains("prov").rows.height == 34
        assert bps.asked[0].query["type"] == "prov"


@pytest.mark.parametrize("knob", [{"drop_page": 2}, {"lie": 1}, {"lie": -1}, {"lie": 10}, {"repeat_page": 3}])
def test_a_list_that_does_not_add_up_fails(knob: dict[str, Any]) -> None:
    with (
        BpsServer(lists={"unit": UNITS}, **knob) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError, match=r"list_differs: .*expected"),
    ):
        client.listing("unit", "0000")


def test_a_page_served_twice_fails_though_the_counts_add_up() -> None:
    rows = [{"unit_id": number, "unit": "x"} for number in range(20)]
    with (
        BpsServer(lists={"unit": rows}, repeat_page=2) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError, match="different rows"),
    ):
        client.listing("unit", "0000")


def test_a_page_that_is_missing_among_kept_answers_fails() -> None:
    with BpsServer(lists={"unit": UNITS}) as bps, client_of(bps) as client:
        answers = client.listing("unit", "0000").answers
    with pytest.raises(ListDiffersError, match="the pages"):
        listing_of(answers[:2])


def test_domains_that_do_not_add_up_fail() -> None:
    with (
        BpsServer(lists={"domain": [{"domain_id": "1100"}]}, lie=1) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError),
    ):
        client.domains()


def test_a_list_that_does_not_exist_is_named() -> None:
    with BpsServer() as bps, client_of(bps) as client, pytest.raises(NotAvailableError, match="list-not-available"):
        client.listing("turvar", "7400", var=1)


def test_an_empty_list_is_named() -> None:
    class Empty(BpsServer):
        def answer(self, asked: object) -> Any:  # noqa: ARG002
            head: dict[str, int] = {"page": 1, "pages": 0, "total": 0}
            return {"status": "OK", "data-availability": "available", "data": [head, list[Any]()]}

    with Empty() as bps, client_of(bps) as client, pytest.raises(EmptyAnswerError):
        client.listing("unit", "0000")
