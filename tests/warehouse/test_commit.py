"""What stands in core after sweeps: whole partitions for participants, rows by grain for the rest."""

from pathlib import Path

import pytest

from tests.support import Home, csv_text, kpj, nik, participant, target, zipped
from warehouse.commit import choose_partitions
from warehouse.lake import DataFile
from warehouse.load import StagedPartition

# Sweeps over whole files.
pytestmark = pytest.mark.slow

SOLOK = "participants/SLK/2026-10/"
GIANYAR = "participants/GIA/2026-10/"


def members(home: Home, version: int | None = None) -> list[tuple[str, int]]:
    """Give office and wage of every membership in core."""
    rows = home.core("participants", "office_code, wage_idr::INTEGER", version)
    return [(office, wage) for office, wage in rows]


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_the_same_bytes_land_once_whatever_they_are_called(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1)])
    home.put("targets/t.csv", [target()])
    assert set(home.verdicts().values()) == {"loaded"}
    versions = home.house.core_versions()
    home.put(SOLOK + "b.csv", [participant(1)])
    home.put("targets/again.csv", [target()])
    assert set(home.verdicts().values()) == {"unchanged"}
    assert home.house.core_versions() == versions
    assert len(home.house.arrivals.files()) == 1


def test_the_same_bytes_under_two_names_in_one_sweep_are_read_once(home: Home) -> None:
    for name in ("a", "b"):
        home.put(f"{SOLOK}{name}.csv", [participant(1)])
    assert sorted(home.verdicts().values()) == ["loaded", "unchanged"]
    assert len(home.core("participants")) == 1


# --- partitions -------------------------------------------------------------------------------------------------------


def test_a_later_export_replaces_its_partition_whole_and_the_old_version_stays_readable(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1, wage_idr="1"), participant(2, wage_idr="2")])
    home.put("participants/SLK/2026-09/a.csv", [participant(1, wage_idr="9", last_paid_period="2026-09")])
    home.sweep()
    before = home.house.core("participants").version()
    home.put(SOLOK + "b.csv", [participant(3, wage_idr="3")])
    home.sweep()
    assert members(home) == [("SLK", 3), ("SLK", 9)]
    assert members(home, before) == [("SLK", 1), ("SLK", 2), ("SLK", 9)]


def test_two_files_for_one_partition_in_one_sweep_are_both_refused(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1), participant(2, nik="1")])
    home.put(SOLOK + "b.csv", [participant(2)])
    results = home.sweep()
    assert {result.verdict for result in results.values()} == {"refused"}
    assert [(r.lines.good, r.lines.quarantined, r.lines.add_up()) for r in results.values()] == [
        (0, 2, True),
        (0, 1, True),
    ]
    assert home.core("participants") == []
    waiting = home.quarantine()
    assert [entry["rules"] for entry in waiting.values()] == [["partition_claimed_twice"]] * 2
    assert {line for _, line in waiting} == {None}
    assert "exported_at" in waiting[SOLOK + "a.csv", None]["message_id"]


def test_what_stands_survives_two_rivals(home: Home) -> None:
    home.put(SOLOK + "first.csv", [participant(1, wage_idr="1")])
    home.sweep()
    home.put(SOLOK + "a.csv", [participant(1, wage_idr="2")])
    home.put(SOLOK + "b.csv", [participant(1, wage_idr="3")])
    assert home.verdicts() == {SOLOK + "a.csv": "refused", SOLOK + "b.csv": "refused", SOLOK + "first.csv": "unchanged"}
    assert members(home) == [("SLK", 1)]


def test_once_one_of_two_rivals_is_taken_away_the_other_is_loaded(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1, wage_idr="1")])
    rival = home.put(SOLOK + "b.csv", [participant(1, wage_idr="2")])
    home.sweep()
    rival.unlink()
    assert home.verdicts() == {SOLOK + "a.csv": "loaded"}
    assert members(home) == [("SLK", 1)]
    assert SOLOK + "a.csv" not in {file for file, _ in home.quarantine()}


def test_of_two_files_that_say_when_they_were_exported_the_later_stands(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1, wage_idr="2", exported_at="2026-11-02 10:00")])
    home.put(SOLOK + "b.csv", [participant(1, wage_idr="1", exported_at="2026-11-02 09:00")])
    home.sweep()
    assert members(home) == [("SLK", 2)]
    assert home.quarantine() == {}


@pytest.mark.parametrize("later", ["2026-11-02 10:00:00", "2026-11-02T10:00", "2026-11-10"])
def test_times_of_export_are_compared_as_times(home: Home, later: str) -> None:
    home.put(SOLOK + "a.csv", [participant(1, wage_idr="2", exported_at=later)])
    home.put(SOLOK + "b.csv", [participant(1, wage_idr="1", exported_at="2026-11-02 9:00")])
    home.sweep()
    assert members(home) == [("SLK", 2)]


def test_an_older_export_that_arrives_later_does_not_replace_a_newer_one(home: Home) -> None:
    home.put(SOLOK + "new.csv", [participant(1, wage_idr="2", exported_at="2026-11-05")])
    home.sweep()
    home.put(SOLOK + "old.csv", [participant(1, wage_idr="1", exported_at="2026-11-01")])
    home.sweep()
    assert members(home) == [("SLK", 2)]


def test_an_old_export_that_is_read_again_does_not_replace_a_newer_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = participant(2, nik="1", exported_at="2026-11-01")
    home.put(SOLOK + "old.csv", [participant(1, wage_idr="1", exported_at="2026-11-01"), bad])
    home.sweep()
    home.put(SOLOK + "new.csv", [participant(1, wage_idr="2", exported_at="2026-11-05")])
    home.sweep()
    monkeypatch.setattr("warehouse.ledger.shipped_digest", lambda: "other rules")
    assert home.verdicts()[SOLOK + "old.csv"] == "partly_quarantined"
    assert members(home) == [("SLK", 2)]


def test_without_a_time_of_export_the_order_of_sweeps_decides_even_when_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(SOLOK + "old.csv", [participant(1, wage_idr="1"), participant(2, nik="1")])
    home.sweep()
    home.put(SOLOK + "new.csv", [participant(1, wage_idr="2")])
    home.sweep()
    monkeypatch.setattr("warehouse.ledger.shipped_digest", lambda: "other rules")
    home.sweep()
    assert members(home) == [("SLK", 2)]


def test_an_export_in_several_parts_lands_as_one_zip(home: Home) -> None:
    parts = zipped(a=csv_text([participant(1)]), b=csv_text([participant(2), participant(1)]))
    home.put(SOLOK + "parts.zip", parts)
    result = home.sweep()[SOLOK + "parts.zip"]
    assert (result.verdict, result.lines.good, result.lines.quarantined) == ("partly_quarantined", 2, 1)
    assert len(home.core("participants")) == 2
    assert home.rules() == {(SOLOK + "parts.zip!b.csv", 3): ["duplicate_in_file"]}


def test_one_file_of_two_months_replaces_both(home: Home) -> None:
    rows = [
        participant(1, office_code="SLK", period=month, last_paid_period="2026-08") for month in ("2026-08", "2026-09")
    ]
    home.put("participants/both.csv", rows)
    home.sweep()
    assert home.core("participants", "office_code, period") == [("SLK", "2026-08"), ("SLK", "2026-09")]


# --- one membership at two offices ------------------------------------------------------------------------------------


def test_a_membership_at_two_offices_in_one_sweep_is_quarantined_at_both(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1), participant(2)])
    home.put(GIANYAR + "b.csv", [participant(3), participant(2, nik=nik(9))])
    results = home.sweep()
    assert [(r.lines.good, r.lines.quarantined) for r in results.values()] == [(1, 1), (1, 1)]
    assert home.rules() == {
        (SOLOK + "a.csv", 3): ["membership_at_two_offices"],
        (GIANYAR + "b.csv", 3): ["membership_at_two_offices"],
    }
    assert len(home.core("participants")) == 2


def test_against_what_is_loaded_only_the_newcomer_is_quarantined(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1), participant(2)])
    home.sweep()
    home.put(GIANYAR + "b.csv", [participant(2), participant(3)])
    home.sweep()
    assert home.rules() == {(GIANYAR + "b.csv", 2): ["membership_at_two_offices"]}
    assert home.core("participants", "office_code") == [("GIA",), ("SLK",), ("SLK",)]


def test_a_membership_may_move_in_one_sweep_and_between_months(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1), participant(2)])
    home.sweep()
    home.put(SOLOK + "b.csv", [participant(1)])
    home.put(GIANYAR + "b.csv", [participant(2)])
    home.put("participants/GIA/2026-09/c.csv", [participant(1, last_paid_period="2026-09")])
    home.sweep()
    assert home.quarantine() == {}
    assert home.core("participants", "office_code, period") == [
        ("GIA", "2026-09"),
        ("GIA", "2026-10"),
        ("SLK", "2026-10"),
    ]


# --- the choice itself ------------------------------------------------------------------------------------------------


def staged(source: str, said: str | None = None) -> StagedPartition:
    place = {"office_code": "SLK", "period": "2026-10"}
    return StagedPartition(source, f"{source}.csv", place, (DataFile(f"{source}.parquet", 1, 1, place),), said)


def test_of_rivals_the_undated_lose_to_the_dated() -> None:
    choice = choose_partitions(
        [staged("a"), staged("b", "2026-11-01"), staged("c")], lambda _: None, dict.fromkeys("abc", 1)
    )
    assert [winner.source_key for winner in choice.winners] == ["b"]
    assert choice.refused == []


def test_a_partition_belongs_to_the_file_of_the_later_sweep() -> None:
    choice = choose_partitions([staged("a"), staged("b")], lambda _: None, {"a": 1, "b": 2})
    assert [winner.source_key for winner in choice.winners] == ["b"]


def test_identifiers_of_invented_people_have_their_shape() -> None:
    assert (len(nik(1)), len(kpj(1)), nik(1)[:2]) == (16, 11, "99")
    assert Path(SOLOK).parts[1] == "SLK"


# --- what waits -------------------------------------------------------------------------------------------------------


def test_lines_of_a_month_that_a_later_file_replaced_wait_no_more(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1), participant(2, nik="1")])
    home.put(GIANYAR + "a.csv", [participant(3), participant(4, nik="1")])
    home.sweep()
    assert home.rules() == {(SOLOK + "a.csv", 3): ["nik_shape"], (GIANYAR + "a.csv", 3): ["nik_shape"]}
    home.put(SOLOK + "b.csv", [participant(1), participant(2)])
    home.sweep()
    assert home.rules() == {(GIANYAR + "a.csv", 3): ["nik_shape"]}
    assert [spot[:2] for spot in home.house.standing()] == [("2026-10", "GIA"), ("2026-10", "SLK")]


def test_all_months_of_a_sweep_are_committed_together(home: Home) -> None:
    for month in ("2026-08", "2026-09", "2026-10"):
        home.put(f"participants/SLK/{month}/a.csv", [participant(1, last_paid_period=month)])
    home.sweep()
    assert home.house.core("participants").version() == 1, "made by the first, filled by the second commit"
