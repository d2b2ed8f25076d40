"""Backfills in process: what moves only through them, what they show, when they promote, and when they do not."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest

from expectations.contracts import Contract, contracts_of
from expectations.judge import Verdict
from expectations.suites import answered
from expectations.tables import Job
from flows.backfill import BackfillRequest, run_backfill
from flows.backfill_report import BackfillReport
from tests.support import AS_OF, LIMITS, Home, TrustingJudge, marts_of, participant, target, tree, trusting_judges
from warehouse.backfill import BackfillError
from warehouse.connections import connect
from warehouse.lease import LeaseHeldError, lease
from warehouse.stepping import nothing, plainly

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trusting")]

T = TypeVar("T")
MONTHS = ("2026-09", "2026-10")


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home after one good night: two offices, two months, three men and a woman each."""
    home = Home(tmp_path_factory.mktemp("night"))
    for first, office in ((10, "SLK"), (20, "GIA")):
        for month in MONTHS:
            men = [participant(first + n, last_paid_period=month) for n in range(3)]
            woman = participant(first + 3, last_paid_period=month, sex="P")
            home.put(f"participants/{office}/{month}/a.csv", [*men, woman])
    home.put("targets/t.csv", [target(), target(office_code="GIA")])
    with trusting_judges():
        assert home.run().promoted
    return home


@pytest.fixture
def home(after_a_night: Home, tmp_path: Path) -> Home:
    """Give a copy of that home."""
    return after_a_night.copied_to(tmp_path / "home")


def without_women(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a rule by which no woman passes, as a change of a contract would."""
    rule = contracts_of("dataset")["participants"].rules[0]
    strict = rule.model_copy(update={"code": "no_women", "predicate": "sex = 'P'", "severity": "error"})

    def stricter(kind: Any) -> dict[str, Contract]:
        found = contracts_of(kind)
        contract = found["participants"]
        return found | {"participants": contract.model_copy(update={"rules": (*contract.rules, strict)})}

    monkeypatch.setattr("warehouse.sweep.contracts_of", stricter)
    monkeypatch.setattr("warehouse.ledger.shipped_digest", lambda: "other rules")


@pytest.fixture
def changed_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rules be others from here on."""
    without_women(monkeypatch)


def request(
    home: Home, *offices: str, first: str = "2026-09", last: str = "2026-10", as_of: date = AS_OF, **more: Any
) -> BackfillRequest:
    settings = home.settings(required=more.pop("required", ()))
    return BackfillRequest(settings, first, last, offices, as_of=as_of, **more)


def women(home: Home) -> set[tuple[str, str]]:
    """Give the months and offices in which a woman stands in core."""
    return {
        (period, office) for period, office, sex in home.core("participants", "period, office_code, sex") if sex == "P"
    }


EVERYWHERE = {(month, office) for month in MONTHS for office in ("GIA", "SLK")}


def kept(home: Home) -> dict[str, bytes]:
    """Give what analysts and nights read: builds, pointers, and the lake but for locks and what can be made again."""
    published = {f"publish/{name}": content for name, content in tree(home.publication.root).items()}
    found = tree(home.house.root).items()
    lake = {name: content for name, content in found if not name.endswith("lease.json") and "partials/" not in name}
    return {name: content for name, content in (published | lake).items() if not name.startswith("publish/aside/")}


def shown_marts(home: Home, report: BackfillReport) -> dict[str, bytes]:
    assert report.aside is not None
    return marts_of(home.publication.root / "aside" / "builds" / report.aside.build_id)


@pytest.fixture(scope="module")
def after_a_look(after_a_night: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, BackfillReport]:
    """Give that home when a backfill under the rules of the night has been shown, and what was shown."""
    home = after_a_night.copied_to(tmp_path_factory.mktemp("look") / "home")
    read: list[str] = []
    with trusting_judges():
        report = run_backfill(request(home), progress=lambda file, _done, _of: read.append(file))
    assert (report.result, len(read)) == ("shown", 4)
    return home, report


@pytest.fixture
def looked(after_a_look: tuple[Home, BackfillReport], tmp_path: Path) -> tuple[Home, BackfillReport]:
    """Give a copy of it."""
    return after_a_look[0].copied_to(tmp_path / "looked"), after_a_look[1]


@pytest.fixture(scope="module")
def after_a_strict_look(after_a_night: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home in which a backfill under the changed rules has been shown."""
    home = after_a_night.copied_to(tmp_path_factory.mktemp("strict") / "home")
    with trusting_judges(), pytest.MonkeyPatch.context() as patch:
        without_women(patch)
        assert run_backfill(request(home)).result == "shown"
    return home


@pytest.fixture
def strict(after_a_strict_look: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a copy of it, and let the changed rules hold."""
    without_women(monkeypatch)
    return after_a_strict_look.copied_to(tmp_path / "strict")


# --- what it is for ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("changed_rule")
def test_a_changed_rule_moves_a_month_only_through_a_backfill_that_was_told_to_promote(home: Home) -> None:
    assert home.run().result == "unchanged"
    before = kept(home)

    shown = run_backfill(request(home, first="2026-10"))
    assert (shown.result, shown.exit_code, shown.promoted) == ("shown", 0, False)
    assert shown.diff is not None
    assert {month["as_of"] for month in shown.diff["tables"]["coverage"]["months"]} == {"2026-10-31"}
    assert (shown.reading["lines"]["good"], shown.reading["lines"]["quarantined"]) == (6, 2)
    assert kept(home) == before
    assert home.run().result == "unchanged", "a build aside is nothing to a night"
    assert len(home.publication.builds()) == 1
    assert women(home) == EVERYWHERE

    marts = shown_marts(home, shown)
    done = run_backfill(request(home, first="2026-10", promote=True))
    assert (done.promoted, done.exit_code) == (True, 3)
    assert marts_of(home.publication.root / "current") == marts
    assert women(home) == {("2026-09", "GIA"), ("2026-09", "SLK")}
    assert list(home.rules().values()) == [["no_women"], ["no_women"]]
    assert list((home.publication.root / "aside").glob("builds/*")) == []
    assert home.run().result == "unchanged"


@pytest.mark.usefixtures("changed_rule")
def test_one_office_is_chosen_and_the_other_stays(home: Home) -> None:
    assert run_backfill(request(home, "SLK", promote=True)).promoted
    assert women(home) == {("2026-09", "GIA"), ("2026-10", "GIA")}


@pytest.mark.usefixtures("changed_rule")
def test_only_what_is_missing_is_loaded(home: Home) -> None:
    home.put("participants/SLK/2026-08/late.csv", [participant(10, last_paid_period="2026-08")])
    report = run_backfill(request(home, first="2026-08", only_missing=True, promote=True))
    assert (report.promoted, report.plan.counts["keep"], report.plan.counts["load"]) == (True, 4, 1)
    assert women(home) == EVERYWHERE
    assert ("2026-08", "SLK") in {spot[:2] for spot in home.house.standing()}
    assert home.run().result == "unchanged", "the night knows the file"
    again = run_backfill(request(home, first="2026-08", only_missing=True, promote=True))
    assert (again.result, again.exit_code) == ("nothing", 0)


@pytest.mark.usefixtures("changed_rule")
def test_a_dry_run_writes_nothing(home: Home) -> None:
    before = tree(home.root)
    report = run_backfill(request(home, is_dry_run=True, promote=True))
    assert (report.result, report.plan.counts["reload"], len(report.plan.files)) == ("planned", 4, 4)
    assert tree(home.root) == before


def test_a_month_whose_lines_all_fail_now_stays_and_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    without_women(monkeypatch)
    only_women = [participant(30, last_paid_period="2026-08", sex="P")]
    home.put("participants/SLK/2026-08/a.csv", only_women)
    report = run_backfill(request(home, first="2026-08", last="2026-08"))
    assert report.result == "shown"
    assert [note.partition(":")[0] for note in report.reading["notes"]] == ["2026-08 SLK"]


# --- what was shown, and what is promoted -----------------------------------------------------------------------------


def test_what_was_shown_is_not_read_a_second_time(looked: tuple[Home, BackfillReport]) -> None:
    home, first = looked
    read: list[str] = []
    again = run_backfill(request(home, as_of=date(2026, 11, 22)), progress=lambda file, _done, _of: read.append(file))
    assert read == []
    assert (again.aside, again.diff, again.reading) == (first.aside, first.diff, first.reading)


def test_once_core_moved_what_was_shown_is_refused(strict: Home) -> None:
    strict.put("targets/more.csv", [target(segment="PU")])
    strict.sweep()
    before = kept(strict)
    report = run_backfill(request(strict, promote=True))
    assert (report.result, report.exit_code) == ("outdated", 4)
    assert "core moved" in report.reasons[0]
    assert kept(strict) == before
    assert run_backfill(request(strict)).result == "shown"


def refusal(home: Home, **more: Any) -> str:
    """Give why what was shown is not promoted."""
    report = run_backfill(request(home, promote=True, **more))
    assert (report.result, report.promoted) == ("outdated", False)
    return report.reasons[0]


def test_whatever_else_moved_is_said(looked: tuple[Home, BackfillReport], monkeypatch: pytest.MonkeyPatch) -> None:
    home, _ = looked
    assert "business date" in refusal(home, as_of=date(2027, 3, 1))
    landed = home.put("participants/DPS/2026-10/a.csv", [participant(40)])
    assert "other files" in refusal(home)
    landed.unlink()
    with monkeypatch.context() as patch:
        without_women(patch)
        assert "rules" in refusal(home)
    shutil.rmtree(home.publication.root / "aside" / "builds")
    assert "was removed" in refusal(home)


@pytest.mark.usefixtures("changed_rule")
def test_core_that_moves_while_it_is_read_aside_shows_nothing(home: Home) -> None:
    def meanwhile(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        if name == "build and check aside":
            home.put("targets/more.csv", [target(segment="PU")])
            home.sweep()
        return plainly(name, work, found)

    report = run_backfill(request(home), meanwhile)
    assert (report.result, "core moved" in report.reasons[0]) == ("outdated", True)


def test_a_result_that_was_not_shown_is_not_promoted_and_core_is_put_back(
    strict: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, pointer = strict.core("participants"), strict.publication.promoted_id()

    def other_rules_at_the_commit(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        if name == "load kept bytes":
            monkeypatch.setattr("warehouse.sweep.contracts_of", contracts_of)
        return plainly(name, work, found)

    recorded, waiting = readings(strict), strict.rules()
    report = run_backfill(request(strict, promote=True), other_rules_at_the_commit)
    assert (report.result, report.exit_code) == ("different", 4)
    assert "marts/coverage.parquet" in report.reasons[0]
    assert (strict.core("participants"), strict.publication.promoted_id()) == (core, pointer)
    assert (readings(strict), strict.rules()) == (recorded, waiting)


def readings(home: Home) -> list[tuple[Any, ...]]:
    """Give the record of readings."""
    with connect(LIMITS) as con:
        return con.execute(f"FROM ({home.house.readings()}) ORDER BY ALL").fetchall()


# --- gates ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("changed_rule")
def test_a_gate_that_fails_aside_stops_before_anything_is_committed(home: Home) -> None:
    before = kept(home)
    report = run_backfill(request(home, required=("benefits",), promote=True))
    assert (report.result, report.exit_code, "required_absent" in report.reasons[0]) == ("failure", 4, True)
    assert kept(home) == before


class Unable(TrustingJudge):
    """A judge that can tell nothing."""

    asked = 0

    def verdict(self, job: Job, timeout: float = 0) -> Verdict:
        """Answer every check with error."""
        type(self).asked += 1
        given = super().verdict(job, timeout)
        checks = [
            answered(suite["table"], check, "error", "mati") for suite in job["suites"] for check in suite["checks"]
        ]
        return {**given, "checks": checks}


def test_a_gate_that_fails_after_the_commit_puts_core_back(strict: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.steps.Judge", Unable)
    core, pointer = strict.core("participants"), strict.publication.promoted_id()
    report = run_backfill(request(strict, promote=True))
    assert (report.result, report.exit_code, Unable.asked) == ("failure", 4, 1)
    assert (strict.core("participants"), strict.publication.promoted_id()) == (core, pointer)


def test_a_fault_after_the_commit_puts_core_back(strict: Home) -> None:
    core = strict.core("participants")

    def failing(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        if name == "build and check":
            raise OSError("the disk is full")
        return plainly(name, work, found)

    with pytest.raises(OSError, match="disk"):
        run_backfill(request(strict, promote=True), failing)
    assert strict.core("participants") == core


# --- one at a time ----------------------------------------------------------------------------------------------------


def test_a_night_at_work_stops_the_promotion_only_and_without_a_change_nothing_moves(home: Home) -> None:
    before = home.core("participants")
    with lease(home.house.place):
        report = run_backfill(request(home))
        with pytest.raises(LeaseHeldError):
            run_backfill(request(home, promote=True))
    assert (report.result, report.diff is not None) == ("shown", True)
    tables = (report.diff or {})["tables"].values()
    assert {(table["came"], table["went"], table["changed"]) for table in tables} == {(0, 0, 0)}
    assert run_backfill(request(home, promote=True)).promoted
    assert home.core("participants") == before


def test_two_backfills_do_not_work_at_once_and_what_a_killed_one_left_is_removed(home: Home) -> None:
    def another(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        if name == "load kept bytes aside":
            with pytest.raises(LeaseHeldError):
                run_backfill(request(home))
        return plainly(name, work, found)

    for leftover in (
        "lake/aside/staged-x/core/a.parquet",
        "publish/aside/builds/.partial/a",
        "publish/aside/builds/old/a",
    ):
        (home.root / leftover).parent.mkdir(parents=True)
        (home.root / leftover).touch()
    report = run_backfill(request(home), another)
    assert report.result == "shown"
    assert report.aside is not None
    assert [path.name for path in (home.publication.root / "aside/builds").iterdir()] == [report.aside.build_id]
    assert [path.name for path in (home.house.root / "aside").iterdir()] == ["lease.json"]


def test_a_month_that_has_not_begun_is_refused(home: Home) -> None:
    with pytest.raises(BackfillError, match="2026-12 has not begun on 2026-11-21"):
        run_backfill(request(home, last="2026-12"))
