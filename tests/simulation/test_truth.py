"""What the simulation says of every line is what a real night finds; a clean country gives a night without a fault."""

import re
from collections import Counter
from dataclasses import astuple
from pathlib import Path

import duckdb
import pytest

from expectations.contracts import load_contracts
from expectations.rules import row_rules
from simulation.attempts import ATTEMPTS, CLAIM, STRANGERS
from simulation.exports import simulate
from simulation.flaws import FLAWS
from simulation.options import Format, Options
from simulation.truth import folder_of
from tests.support import LIMITS, ROOT, Home
from warehouse.connections import connect
from warehouse.waiting import waiting_lines

PARTICIPANTS = load_contracts()["participants"]
# Rules that nothing in a file can break alone, and why.
NOT_BROKEN = {
    "line_unreadable": "no reader gives a problem of another name",
    "village_code_system_contradicts": "only beside an empty region_code, whose error sets the line aside",
}
# Refusals that no file of a reasonable size has, and why.
NOT_REFUSED = {"too_large": "needs content of 16 GB"}
Entries = dict[tuple[str, str | None, int | None], list[str]]


def truth_of(out: Path, severity: str) -> Entries:
    """Give the rules of every line of one severity."""
    lines = folder_of(out) / "lines.parquet"
    rows = duckdb.execute(
        "SELECT file, sheet, line, rules FROM read_parquet($1) WHERE severity = $2", [str(lines), severity]
    )
    return {(file, sheet, line): sorted(rules) for file, sheet, line, rules in rows.fetchall()}


def found_in(home: Home) -> Entries:
    """Give the rules of every entry in quarantine."""
    with connect(LIMITS) as con:
        return {(e["file"], e["sheet"], e["line"]): sorted(e["rules"]) for e in waiting_lines(con, home.house)}


def test_every_rule_of_the_contract_has_a_line_that_breaks_it() -> None:
    known = {rule for flaw in FLAWS for rule in flaw.rules} | {rule for rule, *_ in STRANGERS} | {"total_mismatch"}
    assert {rule.code for rule in row_rules(PARTICIPANTS)} - NOT_BROKEN.keys() == known


def test_every_refusal_has_a_file_that_meets_it() -> None:
    sources = [ROOT / "sources" / "refusals.py", ROOT / "warehouse" / "load.py"]
    written = {
        code for path in sources for code in re.findall(r'Refusal\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    written |= {"partition_claimed_twice", "unknown_dataset"}
    assert written - NOT_REFUSED.keys() == {attempt.code for attempt in (*ATTEMPTS, CLAIM)}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mix", pytest.param("xlsx", marks=pytest.mark.exhaustive)])
def test_quarantine_is_the_truth_about_a_dirty_country(home: Home, form: Format) -> None:
    size = (11, 18_000, 1) if form == "mix" else (4, 1_000, 1)
    simulate(Options(*size, home.landing, form, dirty=0.15))
    loaded = home.sweep()
    errors, warnings = truth_of(home.landing, "error"), truth_of(home.landing, "warn")
    assert found_in(home) == errors

    files = duckdb.execute("FROM read_parquet($1)", [str(folder_of(home.landing) / "files.parquet")]).fetchall()
    assert {
        file: (verdict, *counts) for file, _, verdict, *counts in files
    } == {file: (result.verdict, *astuple(result.lines)) for file, result in loaded.items()}  # fmt: skip

    told = Counter(rule for rules in warnings.values() for rule in rules)
    counted = Counter[str]()
    for result in loaded.values():
        counted.update(result.warnings)
    assert counted == told

    if form == "mix":
        occurring = {rule for rules in (*errors.values(), *warnings.values()) for rule in rules}
        row_codes = {rule.code for rule in row_rules(PARTICIPANTS)} - NOT_BROKEN.keys()
        assert occurring == row_codes | {attempt.code for attempt in (*ATTEMPTS, CLAIM)}


@pytest.mark.slow
@pytest.mark.usefixtures("trusting")
def test_a_clean_country_gives_a_night_without_a_fault_and_figures(home: Home) -> None:
    simulate(Options(5, 2_000, 2, home.landing))
    report = home.run()
    assert (report.result, report.exit_code) == ("success", 0)
    assert (report.lines.quarantined, report.lines.blank) == (0, 0)
    assert report.build is not None
    assert (report.build.checks["fail"], report.build.checks["warn"]) == (0, 0)
    headlines = home.mart("coverage", "is_headline AND as_of = '2026-10-31' AND geo_level = 'national'")
    assert {row["segment"] for row in headlines} == {"ALL", "PU", "BPU"}
    assert all(row["coverage_pct"] > 0 for row in headlines)
    assert all(
        row["attainment_pct"] > 0
        for row in home.mart("target_attainment", "as_of = '2026-10-31' AND office_code = 'K003' AND target > 0")
    )


@pytest.mark.slow
def test_every_way_to_send_an_export_is_read_whole(home: Home) -> None:
    written = simulate(Options(11, 1_500, 1, home.landing, "mix"))
    loaded = home.sweep()
    assert {result.verdict for result in loaded.values()} == {"loaded"}
    assert [result.warnings for result in loaded.values() if result.warnings] == []
    exports = [result for file, result in loaded.items() if file.startswith("participants/")]
    assert len(exports) == written.files == 11
    assert sum(result.lines.good for result in exports) == written.rows == 1_500
    names = home.core("participants", "count(DISTINCT membership_id), count(*)")
    assert names == [(1_500, 1_500)]
