"""Whoever is simulated stays the same person from month to month, and the country is whole."""

import csv
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.schemas import quoted
from simulation.country import WORKERS
from simulation.exports import simulate
from simulation.options import Format, Options
from simulation.places import Regency, cells_of
from tests.support import ROOT, tree

PARTICIPANTS, MONTHS = 3_000, 14
REGENCIES = [
    Regency(row["region_code"], row["region_code"], int(row["formal"]), int(row["informal"]), int(row["f"]))
    for row in csv.DictReader(WORKERS.open(encoding="utf-8"))
]
WORKBOOK = ROOT.parent / "shared" / "realdata" / "labour" / "PYB-2018-2025-ver2.xlsx"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clean landing zone of four offices."""
    folder = tmp_path_factory.mktemp("simulated") / "landing"
    simulate(Options(4, PARTICIPANTS, MONTHS, folder))
    return folder


@pytest.fixture(scope="module")
def con(out: Path) -> duckdb.DuckDBPyConnection:
    """Give a connection with ``p``: every line of every export, and ``steps``: a membership's month and the next."""
    connection = duckdb.connect()
    exports = quoted(f"{out}/participants/*/*/export.csv")
    connection.execute(f"CREATE TABLE p AS FROM read_csv({exports}, all_varchar = true)")
    connection.execute(
        "CREATE TABLE steps AS SELECT b.kpj AS kpj_before, a.kpj AS kpj_after, b.period AS period_before, "
        "b.segment <> a.segment AS switched, b.office_code <> a.office_code AS moved, "
        "b.last_paid_period AS paid_before, a.last_paid_period AS paid_after "
        "FROM p AS b JOIN p AS a ON a.kpj = b.kpj "
        "AND (a.period || '-01')::DATE = (b.period || '-01')::DATE + INTERVAL 1 MONTH"
    )
    return connection


def count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0])


def test_every_month_has_the_members_that_were_asked_for_each_at_one_office(con: duckdb.DuckDBPyConnection) -> None:
    months = con.execute("SELECT count(*), count(DISTINCT kpj) FROM p GROUP BY period").fetchall()
    assert months == [(PARTICIPANTS, PARTICIPANTS)] * MONTHS


def test_a_membership_keeps_its_person(con: duckdb.DuckDBPyConnection) -> None:
    same = "nik, name, birth_date, sex, registered_date, region_code"
    assert count(con, f"SELECT kpj FROM p GROUP BY kpj HAVING count(DISTINCT ({same})) > 1") == 0
    assert count(con, "SELECT nik FROM p GROUP BY nik HAVING count(DISTINCT (name, birth_date, sex)) > 1") == 0
    assert count(con, "FROM p WHERE NOT regexp_full_match(nik, '(00|99)[0-9]{14}')") == 0


def test_a_membership_begins_when_it_is_registered_and_does_not_come_back_once_it_has_ended(
    con: duckdb.DuckDBPyConnection,
) -> None:
    spans = (
        "SELECT min(period) AS first, max(period) AS last, count(*) AS months, "
        "any_value(registered_date)[:7] AS registered, "
        "date_diff('month', (min(period) || '-01')::DATE, (max(period) || '-01')::DATE) + 1 AS span FROM p GROUP BY kpj"
    )
    assert count(con, f"FROM ({spans}) WHERE months <> span") == 0
    assert count(con, f"FROM ({spans}) WHERE registered > first") == 0
    new = f"FROM ({spans}) WHERE first > (SELECT min(period) FROM p)"
    assert count(con, new) > 0
    assert count(con, f"{new} AND registered <> first") == 0


def test_what_is_paid_stays_paid(con: duckdb.DuckDBPyConnection) -> None:
    assert count(con, "FROM steps WHERE paid_after < paid_before") == 0
    assert count(con, "FROM p WHERE last_paid_period < registered_date[:7]") == 0


def test_people_lapse_come_back_pay_ahead_move_switch_leave_and_hold_two_memberships(
    con: duckdb.DuckDBPyConnection,
) -> None:
    lapsed = "FROM steps WHERE paid_before < period_before AND paid_after = paid_before"
    back = "FROM steps WHERE paid_before < strftime((period_before || '-01')::DATE - INTERVAL 2 MONTH, '%Y-%m')"
    assert count(con, lapsed) > 0
    assert count(con, f"{back} AND paid_after > paid_before") > 0
    assert count(con, "FROM p WHERE last_paid_period > period") > 0
    assert count(con, "FROM steps WHERE moved") > 0
    assert count(con, "FROM steps WHERE switched") > 0
    two = "SELECT nik FROM p WHERE period = '2026-10' GROUP BY nik HAVING count(*) > 1"
    assert 0.005 < count(con, two) / PARTICIPANTS < 0.05
    assert count(con, f"{two} AND count(DISTINCT office_code) > 1") > 0
    assert count(con, f"{two} AND count(DISTINCT segment) > 1") > 0


def test_segments_have_the_countrys_mix(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("SELECT segment, count(*) FROM p WHERE period = '2026-10' GROUP BY segment").fetchall()
    shares = {segment: members / PARTICIPANTS for segment, members in rows}
    assert shares.keys() == {"PU", "BPU", "JAKON", "PMI"}
    assert 0.6 < shares["PU"] < 0.75
    assert 0.18 < shares["BPU"] < 0.32


def test_a_month_is_the_same_whichever_months_are_exported_beside_it(out: Path, tmp_path: Path) -> None:
    alone = Options(4, PARTICIPANTS, 1, tmp_path / "alone", month="2026-03")
    simulate(alone)
    files = tree(alone.out / "participants")
    assert len(files) == 4
    beside = tree(out / "participants")
    assert {name: beside[name] for name in files} == files


@pytest.mark.parametrize(("form", "dirty"), [pytest.param("mix", 0.2, marks=pytest.mark.slow), ("csv", 0.0)])
def test_the_same_options_give_the_same_bytes_with_any_number_of_threads(
    tmp_path: Path, form: Format, dirty: float
) -> None:
    options = Options(11, 900, 1, tmp_path / "one", form, dirty=dirty, threads=1)
    simulate(options)
    simulate(replace(options, out=tmp_path / "two", threads=2))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    truths = [folder for folder in ("one.truth", "two.truth") if (tmp_path / folder).exists()]
    assert len(truths) == (2 if dirty else 0)
    assert [tree(tmp_path / folder) for folder in truths[:1]] == [tree(tmp_path / folder) for folder in truths[1:]]


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    simulate(Options(1, 50, 1, tmp_path / "one", seed=1))
    simulate(Options(1, 50, 1, tmp_path / "two", seed=2))
    columns = [
        duckdb.execute(f"SELECT {name} FROM '{tmp_path}/{folder}/participants/*/*/*.csv'").fetchall()
        for name in ("kpj", "nik")
        for folder in ("one", "two")
    ]
    assert set(columns[0]).isdisjoint(columns[1])
    assert set(columns[2]).isdisjoint(columns[3])


def test_one_office_and_ten_members_are_a_country_too(tmp_path: Path) -> None:
    written = simulate(Options(1, 10, 1, tmp_path / "out"))
    assert (written.files, written.rows) == (1, 10)
    assert len((tmp_path / "out/participants/K001/2026-10/export.csv").read_text(encoding="utf-8").splitlines()) == 11


@given(
    offices=st.integers(1, 700),
    participants=st.integers(1, 50_000_000),
    seed=st.integers(0, 2**63 - 1),
)
def test_every_regency_is_served_whole_and_every_slot_belongs_to_one_office(
    offices: int, participants: int, seed: int
) -> None:
    cells = cells_of(REGENCIES, offices, participants, seed)
    assert {cell.office_no for cell in cells} == set(range(offices))
    shares: dict[str, float] = {}
    for cell in cells:
        assert 0 < cell.share <= 1
        shares[cell.regency.code] = shares.get(cell.regency.code, 0) + cell.share
    assert len(shares) == 514
    assert all(abs(share - 1) < 1e-9 for share in shares.values())
    ends = [0, *(cell.end_slot for cell in cells)]
    assert [cell.first_slot for cell in cells] == ends[:-1]
    assert ends[-1] == participants
    assert ends == sorted(ends)


@pytest.mark.skipif(not WORKBOOK.exists(), reason="the ministry's workbook is not here")
def test_the_workers_are_those_of_the_published_table() -> None:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(WORKBOOK)  # pyright: ignore[reportUnknownMemberType]
    header, *rows = workbook.get_sheet_by_index(0).to_python()
    told = [dict(zip(map(str, header), row, strict=True)) for row in rows]
    employed = {
        str(int(float(str(row["kd_kabkot"])))): int(float(str(row["PYB"])))
        for row in told
        if row["thn"] == 2025 and row["lvl_wil"] in ("Kabupaten", "Kota")
    }
    assert {regency.code: regency.workers for regency in REGENCIES} == employed
