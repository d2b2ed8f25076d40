"""From BPS to the published figure: what the sync lands, the night reads; vintages stand beside each other."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from flows.cli import main
from tests.bps_server import KEY, BpsServer, Cell, Table
from tests.flows.sync_bench import LABOUR_FORCE, Bench
from tests.support import ROOT, Home, recap

pytestmark = pytest.mark.slow

FIRST, SECOND = datetime(2026, 10, 5, 3, 0, tzinfo=UTC), datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
ROWS = ((1303, "Kab. Solok"), (1311, "Kab. Dharmasraya"), (8888, "Kab. Tak Dikenal"), (9999, "INDONESIA"))
SERIES = LABOUR_FORCE.replace("7400", "1300")


def table() -> Table:
    """Give the labour force of West Sumatra as invented, with a row that no region is."""
    cells: dict[Cell, Any] = {(row, "0", 125, 0): 100_000 + row for row, _ in ROWS}
    return Table("1300", 33, "Jumlah Angkatan Kerja", ROWS, ((125, "2025"),), cells)


@pytest.fixture
def bench(home: Home) -> Iterator[Bench]:
    """Give a bench with figures of Dharmasraya, and one number of members there."""
    with BpsServer([table()]) as bps:
        made = Bench(home, bps, now=FIRST)
        made.catalogue(SERIES)
        home.put("recaps/r.csv", [recap(as_of="2026-09-30", office_code="", region_code="1311", region_system="bps",
                                        segment="ALL", value="20000", published_on="2026-10-01")])  # fmt: skip
        yield made


def denominator(home: Home) -> list[tuple[Any, ...]]:
    """Give the headline's denominator of Dharmasraya with its vintage, of the promoted build."""
    rows = home.mart("coverage", "geo_code = '1311' AND denominator_concept = 'labour_force'")
    return [(int(row["denominator"]), row["denominator_vintage"], round(row["coverage_pct"], 3)) for row in rows]


def test_a_later_vintage_stands_beside_the_first_and_each_day_reads_its_own(bench: Bench, trusting: None) -> None:  # noqa: ARG001
    home = bench.home
    assert bench.sync(2025, 2025).result == "landed"
    home.run(date(2026, 10, 6))
    assert denominator(home) == [(101_311, date(2026, 10, 5), 19.741)]
    bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (1311, "0", 125, 0): 138_321}
    bench.now = SECOND
    assert bench.sync(2025, 2025, is_forced=True).series[0].concepts["labour_force"].changed == 1
    home.run(date(2026, 11, 21))
    assert denominator(home) == [(138_321, date(2026, 11, 10), 14.459)]
    home.run(date(2026, 10, 20))
    assert denominator(home) == [(101_311, date(2026, 10, 5), 19.741)]
    vintages = home.core("labour_force", "region_code, CAST(value AS BIGINT), vintage, source, round")
    assert [row for row in vintages if row[0] == "1311"] == [
        ("1311", 101_311, date(2026, 10, 5), "BPS WebAPI", "aug"),
        ("1311", 138_321, date(2026, 11, 10), "BPS WebAPI", "aug"),
    ]


@pytest.mark.parametrize(("night_between", "updated"), [(True, False), (False, True)])
def test_a_correction_of_the_same_day_stands(
    bench: Bench,
    trusting: None,  # noqa: ARG001
    night_between: bool,
    updated: bool,
) -> None:
    bench.sync(2025, 2025)
    if night_between:
        bench.home.run(date(2026, 10, 6))
    bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (1311, "0", 125, 0): 138_321}
    if updated:
        bench.bps.tables[0].last_update = "2026-11-06 08:00:00"
    bench.wait(hours=1)
    bench.sync(2025, 2025, is_forced=True)
    bench.home.run(date(2026, 11, 21))
    assert denominator(bench.home) == [(138_321, date(2026, 10, 5), 14.459)]


def test_a_row_that_no_region_is_waits_in_quarantine_and_the_nation_arrives(bench: Bench, trusting: None) -> None:  # noqa: ARG001
    [file] = bench.sync(2025, 2025).files
    bench.home.run(date(2026, 10, 6))
    assert {row[0] for row in bench.home.core("labour_force", "region_code")} == {"0000", "1303", "1311"}
    [(place, rules)] = bench.home.rules().items()
    assert (place[0], rules) == (file, ["region_code_unknown"])


def test_a_figure_that_comes_back_within_a_day_stands_at_last(bench: Bench, trusting: None) -> None:  # noqa: ARG001
    for value in (101_311, 138_321, 101_311):
        bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (1311, "0", 125, 0): value}
        bench.sync(2025, 2025, is_forced=True)
        bench.home.run(date(2026, 10, 6))
        assert denominator(bench.home)[0][0] == value
        bench.wait(hours=1)
    assert bench.home.core("labour_force", "DISTINCT vintage") == [(date(2026, 10, 5),)]
    assert set(map(tuple, bench.home.rules().values())) == {("region_code_unknown",)}


def test_three_answers_of_a_day_before_one_night_contradict_nothing(bench: Bench, trusting: None) -> None:  # noqa: ARG001
    for value in (101_311, 5, 138_321):
        bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (1311, "0", 125, 0): value}
        bench.bps.tables[0].last_update = "2026-10-05 08:00:00"
        bench.sync(2025, 2025, is_forced=True)
        bench.wait(hours=1)
    bench.home.run(date(2026, 10, 6))
    assert denominator(bench.home) == [(138_321, date(2026, 10, 5), 14.459)]
    assert list(bench.home.rules().values()) == [["region_code_unknown"]]


@pytest.mark.parametrize("last_update", ["0000-00-00 00:00:00", "2026-13-45 10:00:00", "2099-01-01 00:00:00"])
def test_an_impossible_last_update_sets_nothing_aside(bench: Bench, trusting: None, last_update: str) -> None:  # noqa: ARG001
    bench.bps.tables[0].last_update = last_update
    bench.sync(2025, 2025)
    bench.home.run(date(2026, 10, 6))
    assert denominator(bench.home) == [(101_311, date(2026, 10, 5), 19.741)]


def test_one_row_under_another_regions_name_waits_and_lands_again_by_force(bench: Bench, trusting: None) -> None:  # noqa: ARG001
    good = bench.bps.tables[0].vervar
    bench.bps.tables[0].vervar = tuple((code, "Kab. Solok Selatan" if code == 1311 else name) for code, name in good)
    bench.sync(2025, 2025)
    bench.home.run(date(2026, 10, 6))
    assert {row[0] for row in bench.home.core("labour_force", "region_code")} == {"0000", "1303"}
    assert ["region_name_differs"] in bench.home.rules().values()
    bench.bps.tables[0].vervar = good
    bench.wait(days=3)
    assert bench.sync(2025, 2025).files == []
    [file] = bench.sync(2025, 2025, is_forced=True).files
    assert set(bench.values(file)) == {"1311 2025 labour_force"}
    assert bench.sync(2025, 2025, is_forced=True).files == []
    bench.home.run(date(2026, 10, 9))
    assert denominator(bench.home) == [(101_311, date(2026, 10, 8), 19.741)]
    assert bench.sync(2025, 2025, is_forced=True).files == []


def test_the_command_line_does_the_same_and_the_key_stands_nowhere(bench: Bench) -> None:
    bench.bps.echo_key = True
    wanted = ("bps", "sync", "--domain", "1300", "--from", "2025", "--to", "2025", "--json")
    own = {
        "CAKUPAN_BPS_KEY": KEY, "CAKUPAN_BPS_URL": bench.bps.address, "CAKUPAN_BPS_SECONDS_BETWEEN": "0",
        "CAKUPAN_BPS_SERIES": str(bench.series),
    }  # fmt: skip
    first = bench.home.cakupan(*wanted, **own)
    assert (first.returncode, json.loads(first.stdout)["requests"]) == (0, 2), first.stderr
    again = bench.home.cakupan(*wanted, **own)
    assert (again.returncode, json.loads(again.stdout)["result"]) == (0, "unchanged")
    bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (1303, "0", 125, 0): 7}
    as_flow = bench.home.cakupan(*wanted, "--force", "--prefect", **own)
    assert (as_flow.returncode, json.loads(as_flow.stdout)["result"]) == (0, "landed"), as_flow.stderr[-2000:]
    assert "1300 33" in as_flow.stderr
    said = "".join(done.stdout + done.stderr for done in (first, again, as_flow))
    written = b"".join(path.read_bytes() for path in bench.home.root.rglob("*") if path.is_file())
    assert (KEY in said, KEY.encode() in written, b"***" in written) == (False, False, True)


# --- the command line, in process ----------------------------------------------------------------------------------


@pytest.fixture
def at(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that runs `cakupan bps` in process: exit code, standard output, standard error."""

    def run(*words: str, **more: str) -> tuple[int, str, str]:
        own = {
            "BPS_KEY": KEY,
            "BPS_URL": bench.bps.address,
            "BPS_SECONDS_BETWEEN": "0",
            "BPS_SERIES": str(bench.series),
        }
        places = {"LANDING": str(bench.home.landing), "LAKE": str(bench.home.house.root)}
        for name, value in (own | places | more).items():
            monkeypatch.setenv(f"CAKUPAN_{name}", value)
        with pytest.raises(SystemExit) as end:
            main(("bps", *words))
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, said.out, said.err

    return run


def test_find_shows_what_is_missing_and_a_row_for_it(bench: Bench, at: Any) -> None:
    bench.bps.tables += [
        Table("1300", number, f"Pengangguran {number}", ROWS, ((125, "2025"),), {}) for number in range(40, 62)
    ]
    code, out, _ = at("find", "angkatan kerja", "--domain", "1300", "--json")
    [known] = json.loads(out)
    assert (code, known["id"], known["unit"], known["concepts"]) == (0, "33", "Orang", ["labour_force"])
    found = json.loads(at("find", "pengangguran", "--domain", "1300", "--subject", "6", "--json")[1])
    assert (len(found), found[0]["in_catalogue"]) == (22, False)
    assert bench.bps.asked[-1].query["subject"] == "6"
    bench.catalogue(SERIES, found[0]["row"])
    code, out, _ = at("find", "pengangguran 40", "--domain", "1300")
    assert code == 0
    assert "unemployed" in out
    assert "tidak ada yang cocok" in at("find", "padi", "--domain", "1300")[1].lower()
    assert json.loads(at("find", "x", "--domain", "9999", "--json")[1]) == []


def test_the_catalogue_is_listed(at: Any) -> None:
    [row] = json.loads(at("list", "--json")[1])
    assert (row["domain"], row["concept"], row["variable"], row["verified_on"]) == (
        "1300",
        "labour_force",
        "33",
        "2026-11-01",
    )
    assert "labour_force" in at("list")[1]


def test_a_sync_is_told_in_words(bench: Bench, at: Any) -> None:
    bench.catalogue(SERIES.replace("2026-11-01", ""))
    code, out, err = at("sync", "--domain", "1300", "--from", "2024", "--to", "2025")
    assert (code, "Hasil / result: landed; permintaan / requests: 2" in out, "1/1 1300 33" in err) == (0, True, True)
    assert "verified_on" in out
    assert "BPS has nothing for 2024" in out


@pytest.mark.parametrize(
    ("words", "more", "code", "said"),
    [
        (("sync", "--domain", "5100"), {}, 2, "cakupan bps find TEXT --domain 5100"),
        (("sync", "--from", "2025", "--to", "2020"), {}, 2, "after --to 2020"),
        (("sync", "--from", "1899"), {}, 2, "1900-2100"),
        (("sync", "--from", "1900", "--to", "3000", "--dry-run"), {}, 2, "1900-2100"),
        (("sync", "--from=-5", "--to=-3"), {}, 2, "--from '-5'"),
        (("sync", "--from", "2025.5"), {}, 2, "--from '2025.5'"),
        (("sync", "--to", "abc"), {}, 2, "--to 'abc'"),
        (("find", "x", "--domain", "٠٣٠٠"), {}, 2, "four digits"),
        (("sync", "--concept", "potential"), {}, 2, "potential"),
        (("find", "x", "--domain", "74"), {}, 2, "four digits"),
        (("sync",), {"BPS_KEY": "short"}, 2, "key_unusable"),
        (("find", "x", "--domain", "1300"), {"BPS_KEY": "short"}, 2, "key_unusable"),
        (("find", "x", "--domain", "1300"), {"BPS_URL": "http://bps.example/"}, 2, "address_unsafe"),
        (("list",), {"BPS_SERIES": "absent.csv"}, 2, "no readable CSV file"),
        (("find", "x", "--domain", "1300"), {"BPS_SERIES": "absent.csv"}, 2, "no readable CSV file"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    at: Any, words: tuple[str, ...], more: dict[str, str], code: int, said: str
) -> None:
    ended, out, err = at(*words, **more)
    assert (ended, said in out + err, "Traceback" in err) == (code, True, False)


def test_a_catalogue_without_rows_is_wrong_use(bench: Bench, at: Any) -> None:
    bench.catalogue()
    for words in (("sync", "--json"), ("list",)):
        ended, out, err = at(*words)
        assert (ended, "no row" in err, out) == (2, True, "")


def test_find_says_when_bps_is_out_of_reach(bench: Bench, at: Any) -> None:
    bench.bps.faults.append("firewall")
    code, _, err = at("find", "x", "--domain", "1300")
    assert (code, "firewall" in err) == (5, True)


def test_another_sync_at_work_is_exit_six(bench: Bench, at: Any) -> None:
    from warehouse.lease import lease

    with lease(bench.home.house.place.below("bps")):
        assert at("sync")[0] == 6


def test_the_deployment_runs_the_flow_of_the_sync_and_holds_no_key() -> None:
    described = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    [sync] = [one for one in described["deployments"] if one["name"] == "sync-labour-force"]
    file, _, name = sync["entrypoint"].partition(":")
    [flow] = [
        node
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert [argument.arg for argument in flow.args.args] == ["form"]
    assert (sync["parameters"], sync["schedules"][0]["timezone"]) == ({}, "Asia/Jakarta")
