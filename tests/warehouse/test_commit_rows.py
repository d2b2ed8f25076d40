"""Rows by grain: the later statement stands, what contradicts is set aside, reference data is known at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest

from tests.support import Home, Row, csv_text, labour, participant, recap, target, zipped

# Sweeps over whole files.
pytestmark = pytest.mark.slow

SOLOK = "participants/SLK/2026-10/"
GIANYAR = "participants/GIA/2026-10/"


# --- rows by grain ----------------------------------------------------------------------------------------------------


Make = Callable[..., Row]


@dataclass(frozen=True)
class Told:
    """A dataset whose rows replace each other: how to make one, its figure, and the column that dates it."""

    table: str
    make: Make
    figure: str
    said: str
    other: Row

    def land(self, home: Home, name: str, value: str, said: str = "", **more: str) -> None:
        """Land a file of one row."""
        home.put(f"{self.table}/{name}.csv", [self.row(value, said) | more])

    def row(self, value: str, said: str = "") -> Row:
        """Give one row with this figure."""
        return self.make(**{self.figure: value, self.said: said})

    def stands(self, home: Home) -> list[int]:
        """Give the figures in core."""
        return [row[0] for row in home.core(self.table, f"{self.figure}::INTEGER")]


TOLD = [
    Told("recaps", recap, "value", "published_on", {"segment": "PU"}),
    Told("targets", target, "target", "decided_on", {"segment": "PU"}),
    Told("labour_force", labour, "value", "published_on", {"concept": "employed"}),
]
every_dataset = pytest.mark.parametrize("told", TOLD, ids=lambda told: told.table)


@every_dataset
def test_a_later_sweep_wins_where_nothing_is_said(home: Home, told: Told) -> None:
    for value in ("1", "2"):
        told.land(home, value, value)
        home.sweep()
    assert told.stands(home) == [2]


@every_dataset
@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
def test_the_later_statement_stands_whichever_comes_first(home: Home, told: Told, order: tuple[str, ...]) -> None:
    for value in order:
        told.land(home, value, value, f"2026-11-0{value}")
        home.sweep()
    assert told.stands(home) == [2]


@every_dataset
def test_the_later_of_one_sweep_stands(home: Home, told: Told) -> None:
    for value in ("2", "1", "3"):
        told.land(home, value, value, f"2026-11-0{value}")
    home.sweep()
    assert told.stands(home) == [3]
    assert home.quarantine() == {}


@every_dataset
def test_rows_of_one_sweep_that_contradict_each_other_are_quarantined(home: Home, told: Told) -> None:
    home.put(f"{told.table}/a.csv", [told.row("1"), told.row("7") | told.other])
    told.land(home, "b", "2")
    results = home.sweep()
    assert told.stands(home) == [7]
    assert home.rules() == {(f"{told.table}/{name}.csv", 2): ["contradicted_in_sweep"] for name in ("a", "b")}
    assert [(r.lines.add_up(), r.lines.quarantined) for r in results.values()] == [(True, 1), (True, 1)]


@every_dataset
def test_rows_of_one_sweep_that_agree_are_one_row(home: Home, told: Told) -> None:
    told.land(home, "a", "1")
    told.land(home, "b", "1", unknown_column="x")
    home.sweep()
    assert told.stands(home) == [1]
    assert home.quarantine() == {}


def test_a_new_vintage_stands_beside_the_old_one(home: Home) -> None:
    for vintage in ("2025-11-05", "2026-11-05"):
        home.put(f"labour_force/{vintage}.csv", [labour(vintage=vintage)])
        home.sweep()
    assert home.core("labour_force", "vintage") == [(date(2025, 11, 5),), (date(2026, 11, 5),)]


def test_a_new_version_of_a_target_stands_beside_the_first(home: Home) -> None:
    home.put("targets/a.csv", [target(), target(version="2", target="130", decided_on="2026-06-01")])
    home.sweep()
    assert home.core("targets", "version, target::INTEGER") == [(1, 120), (2, 130)]


def test_other_rows_stay_when_one_is_replaced(home: Home) -> None:
    home.put("targets/a.csv", [target(), target(segment="PU", target="50")])
    home.sweep()
    home.put("targets/b.csv", [target(target="121")])
    home.sweep()
    assert home.core("targets", "segment, target::INTEGER") == [("BPU", 121), ("PU", 50)]


def test_a_contradiction_in_one_member_of_an_archive_costs_no_row_of_another(home: Home) -> None:
    inner = zipped(a=csv_text([target(target="1")]), b=csv_text([target(segment="PU", target="50")]))
    home.put("targets/parts.zip", inner)
    home.put("targets/rival.csv", [target(target="2")])
    results = home.sweep()
    assert home.core("targets", "segment, target::INTEGER") == [("PU", 50)]
    assert results["targets/parts.zip"].lines.good == 1
    assert set(home.rules()) == {("targets/parts.zip!a.csv", 2), ("targets/rival.csv", 2)}


def test_a_contradicted_record_of_two_lines_counts_as_two(home: Home) -> None:
    home.put("recaps/a.csv", [recap(value="1", note="satu\ndua")])
    home.put("recaps/b.csv", [recap(value="2")])
    results = home.sweep()
    first = results["recaps/a.csv"].lines
    assert (first.read, first.good, first.quarantined, first.add_up()) == (3, 0, 2, True)


# --- offices, profiles, reference -------------------------------------------------------------------------------------


def test_offices_that_land_with_participants_are_known(home: Home) -> None:
    home.put("offices/o.csv", [{"office_code": "N07", "name": "Contoh", "office_type": "kc"}])
    home.put("office_regions/o.csv", [{"office_code": "N07", "region_code": "13.03", "share": "1"}])
    home.put("participants/N07/2026-10/a.csv", [participant(1)])
    assert set(home.verdicts().values()) == {"loaded"}
    assert home.core("participants", "office_code") == [("N07",)]


def test_a_confirmed_spelling_that_lands_is_known_at_once(home: Home) -> None:
    home.put("region_aliases/a.csv", [{"alias": "Kab.  Rekaan", "region_code": "13.10"}])
    home.put("labour_force/a.csv", [labour(region_code="KAB. REKAAN", region_system="")])
    home.sweep()
    assert home.core("labour_force", "region_code") == [("1311",)]


def test_a_quarantined_line_is_read_again_when_its_office_lands(home: Home) -> None:
    home.put("participants/N07/2026-10/a.csv", [participant(1)])
    assert home.verdicts() == {"participants/N07/2026-10/a.csv": "partly_quarantined"}
    assert home.verdicts() == {"participants/N07/2026-10/a.csv": "unchanged"}
    home.put("offices/o.csv", [{"office_code": "N07", "name": "Contoh"}])
    assert home.verdicts()["participants/N07/2026-10/a.csv"] == "loaded"
    assert home.quarantine() == {}


def test_a_refused_file_is_read_again_when_the_rules_change_and_a_good_one_is_not(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put("targets/good.csv", [target()])
    home.put("targets/refused.csv", "a,b\n1,2\n")
    assert home.verdicts() == {"targets/good.csv": "loaded", "targets/refused.csv": "refused"}
    assert set(home.verdicts().values()) == {"unchanged"}
    monkeypatch.setattr("warehouse.ledger.shipped_digest", lambda: "a new profile")
    assert home.verdicts() == {"targets/good.csv": "unchanged", "targets/refused.csv": "refused"}
    assert len(home.quarantine()) == 1


def test_a_row_that_was_quarantined_and_is_mended_leaves_the_quarantine_of_its_own_file_only(home: Home) -> None:
    home.put("targets/a.csv", [target(target="1.5")])
    home.sweep()
    home.put("targets/b.csv", [target(target="15"), target(segment="XX")])
    home.sweep()
    assert home.rules() == {
        ("targets/a.csv", 2): ["fraction_of_a_person"],
        ("targets/b.csv", 3): ["segment_not_allowed"],
    }
