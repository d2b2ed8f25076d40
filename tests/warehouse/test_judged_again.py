"""Figures that stand in core are judged by the identities of today, not by those of the day they came."""

import pytest

from tests.support import Home
from warehouse import ledger, sweep

SUMS = [
    {"region_code": "1311", "region_system": "bps", "year": "2025", "round": "aug", "concept": concept, "value": value,
     "vintage": "2025-11-05", "source_kind": "bps", "source": "contoh"}
    for concept, value in (("labour_force", "138321"), ("employed", "100000"), ("unemployed", "7617"))
]  # fmt: skip


def statuses(home: Home) -> set[str]:
    return {status for (status,) in home.core("labour_force", "value_status")}


def test_identities_that_changed_judge_what_came_before(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.put("labour_force/a.csv", SUMS)
    with monkeypatch.context() as lenient:
        lenient.setattr("warehouse.commit.IDENTITY_TABLES", ())
        home.sweep()
    assert statuses(home) == {"final"}
    version = home.house.core("labour_force").version()
    home.sweep()
    assert (statuses(home), home.house.core("labour_force").version()) == ({"final"}, version)
    monkeypatch.setattr(sweep, "judging_key", lambda: "other identities")
    home.sweep()
    assert "disputed" in statuses(home)
    version = home.house.core("labour_force").version()
    home.sweep()
    assert home.house.core("labour_force").version() == version


def test_the_key_follows_the_identities_and_the_reference_that_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger.judging_key() == ledger.judging_key()
    before = ledger.judging_key()
    monkeypatch.setattr(ledger, "_JUDGING_FILES", ("transforms/identities/*.sql",))
    assert ledger.judging_key() != before
