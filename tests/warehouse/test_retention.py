"""What is kept, decided over lists: never less than what is needed, and no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.places import Entry
from warehouse.retention import (
    Build,
    Change,
    Logged,
    Rules,
    builds_that_stay,
    kept_versions,
    needed_files,
    only_in_first,
)

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = Rules(
    builds=90 * DAY,
    newest_builds=3,
    monthly_builds=1096 * DAY,
    failed_builds=14 * DAY,
    versions=30 * DAY,
    raw=400 * DAY,
    quarantine=90 * DAY,
    grace=2 * DAY,
)
Shown = Mapping[str, datetime | None]
Decide = Callable[[Sequence[Build], Shown, Rules, datetime], Mapping[str, Any]]


def build(age: float, as_of: date = date(2026, 11, 20), *, passed: bool = True) -> Build:
    """Give a build by its age in days; older ones have earlier names."""
    made = NOW - age * DAY
    return Build(f"{made:%Y%m%dT%H%M%S%fZ}-0", made, as_of, passed, {})


def staying(builds: Sequence[Build], shown: Shown | None = None, rules: Rules = RULES) -> list[str]:
    """Give why each build stays, or that it goes."""
    stays = builds_that_stay(builds, shown or {}, rules, NOW)
    return [stays.get(one.build_id, "goes") for one in builds]


# --- builds --------------------------------------------------------------------------------------------------------


def test_young_builds_the_newest_and_the_last_of_each_month_stay() -> None:
    july, august = date(2026, 7, 31), date(2026, 8, 31)
    ages = [
        (300, july),
        (299, july),
        (200, august),
        (190, date(2026, 8, 30)),
        (100, august),
        (99, august),
        (20, august),
    ]
    builds = [build(age, as_of) for age, as_of in ages]
    assert staying(builds) == ["goes", "month", "goes", "goes", "newest", "newest", "young"]


def test_a_business_month_is_told_by_the_date_that_a_build_was_made_for() -> None:
    last, made_later_for_an_earlier_day = build(300, date(2026, 1, 31)), build(299, date(2026, 1, 15))
    others = [build(age) for age in (5, 4, 3)]
    assert staying([last, made_later_for_an_earlier_day, *others])[:2] == ["month", "goes"]
    assert staying([build(1200, date(2026, 1, 31)), *others])[0] == "goes"


def test_failed_builds_stay_a_shorter_time_and_count_neither_as_newest_nor_for_a_month() -> None:
    builds = [build(400, date(2025, 1, 31)), build(399, date(2025, 1, 31), passed=False), build(300), build(299)]
    builds += [build(298), build(20, passed=False), build(10, passed=False)]
    assert staying(builds) == ["month", "goes", "newest", "newest", "newest", "goes", "young"]


def test_the_newest_build_stays_even_if_it_failed() -> None:
    assert staying([build(300), build(200, passed=False)]) == ["newest", "newest"]


def test_what_was_promoted_within_the_grace_time_stays_however_old_it_is() -> None:
    old = [build(age) for age in (900, 800, 700, 600)]
    young = [build(age) for age in (3, 2.5, 2.2)]
    shown = {
        old[0].build_id: None,
        old[1].build_id: NOW - timedelta(hours=47),
        old[2].build_id: NOW - timedelta(hours=49),
    }
    assert staying([*old, *young], shown)[:4] == ["promoted", "grace", "goes", "goes"]


def test_a_build_younger_than_the_grace_time_stays_whatever_the_rules_say() -> None:
    hasty = replace(RULES, builds=timedelta(), failed_builds=timedelta(), monthly_builds=timedelta(), newest_builds=1)
    assert staying([build(1), build(0.5, passed=False), build(0.1)], rules=hasty) == ["grace"] * 3


ages = st.floats(0, 2000, allow_nan=False, allow_infinity=False)
some_builds = st.lists(
    st.builds(build, ages, st.dates(date(2025, 1, 1), date(2025, 6, 30)), passed=st.booleans()),
    max_size=25,
    unique_by=lambda one: one.build_id,
)
some_rules = st.builds(
    Rules,
    builds=st.integers(0, 200).map(lambda n: n * DAY),
    newest_builds=st.integers(1, 5),
    monthly_builds=st.integers(0, 1200).map(lambda n: n * DAY),
    failed_builds=st.integers(0, 30).map(lambda n: n * DAY),
    versions=st.just(30 * DAY),
    raw=st.just(400 * DAY),
    quarantine=st.just(90 * DAY),
    grace=st.integers(1, 100).map(lambda n: timedelta(hours=n)),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Build], dict[str, datetime | None], Rules]:
    """Draw builds, until when some of them were promoted, and rules."""
    builds = draw(some_builds)
    until = st.none() | st.floats(0, 10).map(lambda days: NOW - days * DAY)
    shown = {one.build_id: draw(until) for one in builds if draw(st.booleans())}
    return builds, shown, draw(some_rules)


def harm(decide: Decide, builds: Sequence[Build], shown: Shown, rules: Rules) -> set[str]:
    """Give the builds that a decision lets go although somebody needs them."""
    went = [one for one in builds if one.build_id not in decide(builds, shown, rules, NOW)]
    newer_passed = {
        one.build_id: sum(other.has_passed and other.build_id > one.build_id for other in builds) for one in went
    }

    def is_last_of_month(one: Build) -> bool:
        rivals = [
            o for o in builds if o.has_passed and (o.as_of.year, o.as_of.month) == (one.as_of.year, one.as_of.month)
        ]
        return max(rivals, key=lambda o: (o.as_of, o.build_id)) == one

    return {
        one.build_id
        for one in went
        if (one.build_id in shown and ((until := shown[one.build_id]) is None or until >= NOW - rules.grace))
        or one.created_at >= NOW - rules.grace
        or one.created_at >= NOW - (rules.builds if one.has_passed else rules.failed_builds)
        or (one.has_passed and newer_passed[one.build_id] < rules.newest_builds)
        or (one.has_passed and one.created_at >= NOW - rules.monthly_builds and is_last_of_month(one))
        or one.build_id == max(other.build_id for other in builds)
    }


def without(build_id: str) -> Decide:
    """Give a decision that lets one build more go."""

    def decide(builds: Sequence[Build], shown: Shown, rules: Rules, moment: datetime) -> Mapping[str, Any]:
        stays = builds_that_stay(builds, shown, rules, moment)
        return {name: reason for name, reason in stays.items() if name != build_id}

    return decide


@settings(deadline=None)
@given(situations())
def test_no_build_goes_that_is_needed_and_each_that_stays_has_its_reason(
    situation: tuple[list[Build], dict[str, datetime | None], Rules],
) -> None:
    builds, shown, rules = situation
    assert harm(builds_that_stay, *situation) == set()
    stays = builds_that_stay(builds, shown, rules, NOW)
    for build_id in stays:
        assert build_id in harm(without(build_id), *situation)


def over_eager(**less: Any) -> Decide:
    """Give a decision that cares less than it was told to."""
    return lambda builds, shown, rules, moment: builds_that_stay(builds, shown, replace(rules, **less), moment)


HASTY: dict[str, Decide] = {
    "pointer": lambda builds, _, rules, moment: builds_that_stay(builds, {}, rules, moment),
    "grace": over_eager(grace=timedelta()),
    "age": over_eager(builds=timedelta()),
    "failed": over_eager(failed_builds=timedelta()),
    "newest": over_eager(newest_builds=1),
    "month": over_eager(monthly_builds=timedelta()),
}


@pytest.mark.parametrize("rule", HASTY)
def test_an_over_eager_rule_is_caught(rule: str) -> None:
    months = [date(2025, month, 28) for month in range(1, 13)]
    builds = [build(2000 - 150 * n, as_of) for n, as_of in enumerate(months)]
    builds += [build(age) for age in (100, 95, 94, 93)]
    # Where there are young builds, the newest ones stay for their age.
    builds += [] if rule == "newest" else [build(80), build(10, passed=False), build(5), build(4), build(3)]
    shown = {builds[0].build_id: None, builds[1].build_id: NOW - DAY}
    assert harm(builds_that_stay, builds, shown, RULES) == set()
    assert harm(HASTY[rule], builds, shown, RULES) != set()


# --- versions and files --------------------------------------------------------------------------------------------


def test_a_version_stays_as_long_as_it_was_the_newest_lately() -> None:
    commits = [Logged(version, NOW - age * DAY) for version, age in enumerate([400, 300, 31, 29, 1])]
    assert kept_versions(commits, [], NOW - 30 * DAY) == {2, 3, 4}
    assert kept_versions(commits, [0], NOW - 30 * DAY) == {0, 2, 3, 4}
    assert kept_versions(commits, [], NOW) == {4}


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Change], list[set[str]]]:
    """Draw the commits of a table and what stood at each version, the empty version 0 first."""
    states: list[set[str]] = [set()]
    changes: list[Change] = []
    names = st.sets(st.sampled_from("abcdefgh"), max_size=4)
    for version in range(1, draw(st.integers(1, 12))):
        removed = draw(names) & states[-1]
        added = draw(names) - states[-1]
        states.append((states[-1] - removed) | added)
        changes.append(Change(version, sorted(added), sorted(removed)))
    return changes, states


@settings(deadline=None)
@given(histories(), st.data())
def test_the_needed_files_are_exactly_those_of_the_kept_versions(
    history: tuple[list[Change], list[set[str]]], data: st.DataObject
) -> None:
    changes, states = history
    newest = len(states) - 1
    first = data.draw(st.integers(0, newest))
    kept = {newest, *data.draw(st.sets(st.integers(first, newest)))}
    found = needed_files(first, states[first], changes[first:], kept)
    assert found.files == set[str]().union(*(states[version] for version in kept))
    assert found.standing == states[newest]


@settings(deadline=None)
@given(st.sets(st.text("ab/", max_size=4)), st.sets(st.text("ab/", max_size=4)))
def test_two_listings_are_told_apart(first: set[str], second: set[str]) -> None:
    one, other = ([Entry(key, 0, "", NOW) for key in sorted(keys)] for keys in (first, second))
    assert {entry.key for entry in only_in_first(one, iter(other))} == first - second
