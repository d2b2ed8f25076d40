"""The record of arrivals and readings: what is known, and what must be read again."""

from pathlib import Path

import pytest

from sources.landing import LandedFile
from tests.support import LIMITS, Home, participant, target
from warehouse.connections import connect
from warehouse.ledger import (
    Known,
    arrival_sweeps,
    known_files,
    last_sweep,
    must_read,
    profile_marks,
    reading_key,
    record_arrivals,
    record_loads,
)
from warehouse.load import Lines, LoadedFile, profile_digests


def landed(sha: str, file: str = "targets/a.csv") -> LandedFile:
    return LandedFile(Path(file), file, "targets", sha, 10)


def test_an_arrival_is_recorded_once_and_for_ever(home: Home) -> None:
    with connect(LIMITS) as con:
        record_arrivals(home.house, con, [landed("a"), landed("a", "targets/b.csv")], 1, [])
        record_arrivals(home.house, con, [landed("a"), landed("b")], 2, arrival_sweeps(home.house, con))
        assert arrival_sweeps(home.house, con) == {"a": 1, "b": 2}
        files = con.execute(f"SELECT source_key, file FROM ({home.house.arrivals.relation()}) ORDER BY 1").fetchall()
    assert files == [("a", "targets/a.csv"), ("b", "targets/a.csv")]


def test_the_last_reading_counts(home: Home) -> None:
    with connect(LIMITS) as con:
        assert (last_sweep(home.house, con), known_files(home.house, con)) == (0, {})
        record_loads(home.house, con, [LoadedFile(landed("a"), Lines(2, 1, 0, 1, 0), "refused")], 1, "r1")
        record_loads(home.house, con, [LoadedFile(landed("a"), Lines(2, 1, 1, 0, 0), "loaded")], 3, "r2")
        assert known_files(home.house, con) == {"a": Known("loaded", "r2", landed("a").file)}
        assert last_sweep(home.house, con) == 3


@pytest.mark.parametrize(
    ("known", "again"),
    [
        (None, True), (Known("loaded", "now", "a"), False), (Known("loaded", "before", "a"), False),
        (Known("refused", "now", "a"), False), (Known("refused", "before", "a"), True),
        (Known("partly_quarantined", "now", "a"), False), (Known("partly_quarantined", "before", "a"), True),
        (Known("refused", "", "a"), True), (Known("refused", "now", "moved from here"), True),
        (Known("loaded", "now", "moved from here"), False),
    ],
)  # fmt: skip
def test_what_must_be_read(known: Known | None, again: bool) -> None:
    assert must_read(known, "now", {"a"}, ["p=1"]) is again


@pytest.mark.parametrize(("marks", "again"), [({"p=1"}, False), ({"p=0"}, True), ({"p=1", "gone=1"}, True)])
def test_a_loaded_file_is_read_again_when_its_profile_says_something_else(marks: set[str], again: bool) -> None:
    assert must_read(Known("loaded", "now", "a", frozenset(marks)), "now", {"a"}, ["p=1", "q=2"]) is again


def test_the_record_of_a_reading_names_the_profiles_that_were_used(home: Home) -> None:
    home.put("targets/rkat.csv", "Tahun;Kode Kantor;Segmen;KPI;Target\n2026;SLK;BPU;TK Aktif;1.200\n")
    home.put("targets/canonical.csv", [target()])
    home.sweep()
    with connect(LIMITS) as con:
        profiles = {known.file: known.profiles for known in known_files(home.house, con).values()}
    assert profiles == {
        "targets/rkat.csv": frozenset(profile_marks({"rkat": profile_digests("targets")["rkat"]})),
        "targets/canonical.csv": frozenset(),
    }


def test_the_reading_key_changes_with_landed_reference_and_with_nothing_else(home: Home) -> None:
    before = reading_key(home.house)
    home.put("targets/a.csv", [target()])
    home.put("participants/SLK/2026-10/a.csv", [participant(1)])
    home.sweep()
    assert reading_key(home.house) == before
    home.put("offices/a.csv", [{"office_code": "N07", "name": "Contoh"}])
    home.sweep()
    assert reading_key(home.house) != before


def test_the_ledger_holds_the_lines_and_warnings_of_every_reading(home: Home) -> None:
    home.put("participants/SLK/2026-10/a.csv", [participant(1, sex="P"), participant(2, nik="1")])
    home.sweep()
    with connect(LIMITS) as con:
        columns = "sweep, verdict, read, header, good, quarantined, blank, warnings"
        rows = con.execute(f"SELECT {columns} FROM ({home.house.loads.relation()})").fetchall()
    assert rows == [(1, "partly_quarantined", 3, 1, 1, 1, 0, '{"sex_differs_from_nik": 1}')]
