"""The shipped sample: it comes out of its script, holds nobody real, and the night treats it as it says."""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import polars as pl
import pytest
import yaml

from expectations.contracts import load_contracts
from expectations.rules import row_rules
from sample.flaws import FLAWS
from sample.make_participants import GIANYAR, HERE, SOLOK, clean_files, write_all
from sample.people import MONTHS, Office, Row, month_lines, roster_of
from tests.warm import warm_cli

ROOT = HERE.parent
OFFICES = (SOLOK, GIANYAR)
# They would refuse the whole file, or need a file that the sample leaves out on purpose.
NOT_BROKEN = {
    "undecodable_bytes", "undecodable_text", "total_mismatch", "line_unreadable", "office_code_missing",
    "period_missing", "period_unreadable", "period_in_future", "region_code_system_unknown",
    "village_code_system_unknown", "office_unknown", "office_closed", "membership_at_two_offices",
    "exported_at_unreadable", "region_code_system_contradicts", "village_code_system_contradicts",
}  # fmt: skip


def read_expected() -> dict[str, dict[str, Any]]:
    """Read what must become of every line of the sample."""
    return yaml.safe_load((HERE / "expected.yml").read_text(encoding="utf-8"))


def good_rows(office: Office, month: str) -> list[Row]:
    """Give the rows of one export without those that an error sends to quarantine."""
    lines = month_lines(office, month, FLAWS[office.code, month])
    return [row for row, flaw in lines if flaw is None or flaw.warns]


def figures(dataset: str) -> pl.DataFrame:
    """Read a dataset's canonical files as text."""
    paths = sorted((HERE / dataset).glob("*.csv"))
    delimiters = [";" if ";" in path.read_text("utf-8").splitlines()[0] else "," for path in paths]
    frames = [
        pl.read_csv(path, separator=delimiter, infer_schema=False)
        for path, delimiter in zip(paths, delimiters, strict=True)
    ]
    return pl.concat(frames, how="diagonal").fill_null("")


def test_the_script_writes_the_files_that_are_shipped(tmp_path: Path) -> None:
    written = sorted(path.relative_to(tmp_path) for _ in [write_all(tmp_path)] for path in tmp_path.rglob("*.*"))
    assert written == sorted(
        path.relative_to(HERE) for folder in ("participants", "agents") for path in (HERE / folder).rglob("*.*")
    )
    for path in written:
        if path.suffix == ".csv":
            assert (tmp_path / path).read_bytes() == (HERE / path).read_bytes()
        else:
            assert unpacked(tmp_path / path) == unpacked(HERE / path)


def unpacked(path: Path) -> dict[str, bytes]:
    """Read a workbook's parts: how they are compressed depends on the zlib of the machine."""
    with ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_a_workbook_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_all(tmp_path / name)
    books = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.xlsx")]
    assert len(books) == len(MONTHS)
    assert all((tmp_path / "a" / book).read_bytes() == (tmp_path / "b" / book).read_bytes() for book in books)


def test_what_is_expected_is_up_to_date(tmp_path: Path) -> None:
    expected = write_all(tmp_path) | clean_files(HERE)
    assert {file: wanted.as_dict() for file, wanted in expected.items()} == read_expected()


def test_nobody_in_the_sample_exists() -> None:
    niks = {person.nik for office in OFFICES for person in roster_of(office)}
    assert {identity[:2] for identity in niks} == {"00", "99"}
    texts = [path.read_bytes().decode("cp1252") for path in HERE.rglob("*.csv")]
    sixteen = {digits for text in texts for digits in re.findall(r"\b[0-9]{16}\b", text)}
    assert len(sixteen) > len(niks) / 3
    assert {digits[:2] for digits in sixteen} == {"00", "99"}


def test_identifiers_have_their_shape_and_memberships_belong_to_one_office() -> None:
    people = [person for office in OFFICES for person in roster_of(office)]
    assert all(re.fullmatch(r"[0-9A-Z]{11}", person.kpj) for person in people)
    assert len({person.kpj for person in people}) == len(people)


def test_the_exports_stand_in_regions_that_no_published_figure_uses() -> None:
    con = pl.read_csv(ROOT / "warehouse" / "reference" / "office_regions.csv", infer_schema=False)
    served = set(con.filter(pl.col("office_code").is_in(["SLK", "GIA"]))["region_code"])
    published = {code for name in ("recaps", "labour_force") for code in figures(name)["region_code"]} - {
        "0000",
        "",
    }
    assert served == {"1303", "1304", "1372", "5104", "5105", "5106", "5107"}
    assert served & published == set()
    assert {"SLK", "GIA"} & set(figures("recaps")["office_code"]) == set()


def test_no_key_of_the_coverage_mart_has_two_numerators() -> None:
    keys = ["as_of", "village_code", "region_code", "office_code", "segment", "basis", "measure"]
    assert figures("recaps").select(keys).is_duplicated().sum() == 0


def test_every_rule_is_broken_somewhere() -> None:
    broken = {rule for flaws in FLAWS.values() for flaw in flaws for rule in flaw.rules}
    rules = {rule.code for rule in row_rules(load_contracts()["participants"])}
    assert rules - broken - NOT_BROKEN == set()
    assert broken - rules == set()


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.code)
@pytest.mark.parametrize("month", MONTHS)
def test_about_one_line_in_twenty_five_is_broken(office: Office, month: str) -> None:
    lines = list(month_lines(office, month, FLAWS[office.code, month]))
    bad = sum(flaw is not None and not flaw.warns for _, flaw in lines)
    assert 0.03 < bad / len(lines) < 0.05
    assert 280 < len(lines) < 300


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.code)
def test_people_pay_lapse_come_back_join_leave_and_move(office: Office) -> None:
    paid = [{str(row["kpj"]): str(row["last_paid_period"]) for row in good_rows(office, month)} for month in MONTHS]
    places = [{str(row["kpj"]): str(row["region_code"]) for row in good_rows(office, month)} for month in MONTHS]
    august, september, october = paid
    always = august.keys() & september.keys() & october.keys()
    assert sum(august[kpj] == "2026-08" and october[kpj] == "2026-10" for kpj in always) > 140
    assert sum(august[kpj] == october[kpj] == "2026-06" for kpj in always) > 20
    assert sum(september[kpj] < "2026-04" and october[kpj] == "2026-10" for kpj in always) > 20
    assert len(october.keys() - september.keys()) > 3
    assert len(september.keys() - october.keys()) > 3
    assert sum(places[1][kpj] != places[2][kpj] for kpj in always) == 1


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.code)
def test_one_person_has_two_memberships_and_one_stands_in_two_segments(office: Office) -> None:
    rows = good_rows(office, "2026-10")
    twice = {nik for nik, n in Counter(str(row["nik"]) for row in rows).items() if n == 2}
    segments = [sorted(str(row["segment"]) for row in rows if row["nik"] == nik) for nik in twice]
    assert sorted(segments) == [["BPU", "PU"], ["PU", "PU"]]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the night on the sample and give its answer, its quarantine, and how to ask it."""
    home = tmp_path_factory.mktemp("night")
    answer = cakupan(home, "run", "--landing", str(HERE), "--as-of", "2026-11-21", "--publish", str(home / "publish"))
    return {"home": home, "run": answer, "quarantine": cakupan(home, "quarantine", "list")}


def cakupan(home: Path, *arguments: str) -> Any:
    """Run one command with ``--json`` on a lake of its own and give its document."""
    secrets = {"CAKUPAN_PERSON_KEY": "kunci contoh untuk pengujian saja, tidak rahasia"}
    done = subprocess.run(
        warm_cli(*arguments, "--lake", str(home / "lake"), "--json"),
        cwd=ROOT, env=os.environ | secrets, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 3}, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_night_counts_every_line_as_expected(night: dict[str, Any]) -> None:
    names = ("read", "header", "good", "quarantined", "blank")
    expected = read_expected()
    found = {entry["file"]: entry["lines"] for entry in night["run"]["files"]}
    assert found == {file: {name: wanted[name] for name in names} for file, wanted in expected.items()}
    assert night["run"]["lines"] == {name: sum(wanted[name] for wanted in expected.values()) for name in names}


@pytest.mark.slow
def test_the_night_quarantines_the_expected_lines_for_the_expected_reasons(night: dict[str, Any]) -> None:
    found = {(entry["file"], entry["line"]): set(entry["rules"]) for entry in night["quarantine"]}
    expected = {
        (file, line): set(rules)
        for file, wanted in read_expected().items()
        for line, rules in wanted.get("rules", {}).items()
    }
    assert found == expected


@pytest.mark.slow
def test_the_published_figures_come_out_once_each(night: dict[str, Any]) -> None:
    rows = cakupan(
        night["home"],
        "query",
        "SELECT geo_code, numerator_basis, numerator, numerator_qualifier, coverage_qualifier, "
        "round(coverage_pct, 4) AS pct, uncovered, uncovered_qualifier "
        "FROM marts.coverage WHERE as_of < DATE '2026-01-01' ORDER BY 1, 2",
        "--publish",
        str(night["home"] / "publish"),
    )
    assert [[value if isinstance(value, str) else float(value) for value in row.values()] for row in rows] == [
        ["1311", "unspecified", 28_879, "approx", "approx", 20.9999, 108_641, "approx"],
        ["3510", "registered_stock", 100_000, "lt", "lt", 12.1951, 720_000, "gt"],
        ["74", "active_stock", 103_000, "approx", "approx", 8.5833, 1_097_000, "approx"],
        ["74", "registered_stock", 227_000, "approx", "approx", 18.9167, 973_000, "approx"],
    ]
