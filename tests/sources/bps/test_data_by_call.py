"""Answers are handed over call by call, and every request is counted."""

from typing import Any

import pytest

from sources.bps import errors
from sources.bps.data import decode_data
from tests.bps_server import Asked, BpsServer
from tests.sources.bps.support import client_of, labour_table


def test_each_call_is_handed_over_before_the_next_is_made() -> None:
    with BpsServer([labour_table(years=5)]) as bps, client_of(bps) as client:
        counts: list[tuple[tuple[str, ...], int, int]] = []
        for asked, brought in client.data_by_call("7400", 33, ["125", "124", "123", "122", "121"]):
            counts.append((asked, len(brought.answers), bps.count))
        assert counts == [(("125", "124"), 1, 1), (("123", "122"), 1, 2), (("121",), 1, 3)]
        assert client.requests == bps.count == 3


def test_it_brings_what_one_question_for_all_brings() -> None:
    with BpsServer([labour_table(years=4)]) as bps, client_of(bps) as client:
        periods = ["125", "90", "124", "91", "92", "93", "123"]
        whole = client.data("7400", 33, periods)
        parts = [brought for _, brought in client.data_by_call("7400", 33, periods)]
        assert [answer.raw for part in parts for answer in part.answers] == [answer.raw for answer in whole.answers]
        assert tuple(period for part in parts for period in part.unavailable) == whole.unavailable
        assert [decode_data(answer).height for part in parts for answer in part.answers] == [3, 3, 3]


def test_a_period_without_data_is_no_error_and_no_answer() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        [(asked, brought)] = list(client.data_by_call("7400", 33, ["90"]))
        assert (asked, brought.answers, brought.unavailable) == (("90",), (), ("90",))
        assert list(client.data_by_call("7400", 33, [])) == []


def test_one_bad_period_does_not_keep_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with BpsServer([labour_table(years=5)]) as bps, client_of(bps) as client:
        whole = bps.answer

        def strange(asked: Asked) -> Any:
            document = whole(asked)
            surplus = [{"val": 99, "label": "1999"}] if "124" in asked.query["th"].split(";") else []
            return document | {"tahun": document["tahun"] + surplus}

        monkeypatch.setattr(bps, "answer", strange)
        calls = list(client.data_by_call("7400", 33, ["125", "124", "123", "122", "121"]))
        faults = {asked: brought.fault for asked, brought in calls if brought.fault}
        assert [asked for asked, brought in calls if brought.answers] == [("125",), ("123", "122"), ("121",)]
        assert [(asked, type(fault)) for asked, fault in faults.items()] == [(("124",), errors.ForeignAnswerError)]
        assert b'"1999"' in faults["124",].raw  # type: ignore[union-attr]
        with pytest.raises(errors.ForeignAnswerError, match="nobody asked for"):
            client.data("7400", 33, ["125", "124", "123"])


def test_a_period_too_large_by_itself_does_not_keep_the_others_back() -> None:
    table = labour_table(years=4)
    table.cells = {key: value for key, value in table.cells.items() if key[2] == 124 or key[0] == 7411}
    with BpsServer([table], most_cells=2) as bps, client_of(bps) as client:
        calls = list(client.data_by_call("7400", 33, ["125", "124", "123", "122"]))
        assert [(asked, brought.fault and brought.fault.code) for asked, brought in calls] == [
            (("125",), None), (("124",), "answer_too_large"), (("123",), None), (("122",), None),
        ]  # fmt: skip


def test_refused_and_repeated_requests_count_and_what_came_before_a_failure_stays() -> None:
    with BpsServer([labour_table(years=4)], caps={"7400": 1}) as bps, client_of(bps, attempts=2) as client:
        calls = client.data_by_call("7400", 33, ["125", "124"])
        assert next(calls)[0] == ("125",)
        assert (client.requests, client.caps) == (2, {"7400": 1})
        bps.faults.extend(["503", "503"])
        with pytest.raises(errors.SourceFailedError):
            next(calls)
        assert client.requests == bps.count == 4
