"""The history of what was asked outlives crashes, and says what is due and what waits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sources.bps.history import Event, History, is_old
from sources.places import Folder

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def data(minute: int, **periods: str) -> Event:
    labels = {name.removeprefix("p"): label for name, label in periods.items()}
    return Event("data", "7400", NOON + timedelta(minutes=minute), "33", ("https://x",), labels, ("ab" * 32,))


def settled(*events: Event) -> Event:
    return Event("settled", "7400", events[-1].at, "33", answers=tuple(event.key for event in events), unit="persons")


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    events = [data(0, p125="2025"), settled(data(0, p125="2025")), Event("cap", "7400", NOON, cap=1)]
    History(Folder(tmp_path / "bps")).add(*events)
    again = History(Folder(tmp_path / "bps"))
    assert again.of("7400", "33", "data", "settled") == events[:2]
    assert (again.caps(), again.asked_at("7400", "33")) == ({"7400": 1}, {"125": NOON})


@pytest.mark.parametrize("kept", [1, 10, 100])
def test_a_line_that_was_cut_counts_as_not_written_and_hurts_no_later_one(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "history.jsonl"
    first, second, third = data(0, p125="2025"), data(1, p124="2024"), data(2, p123="2023")
    History(Folder(tmp_path)).add(first, second)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n") + 1 + kept])
    history = History(Folder(tmp_path))
    assert history.of("7400", "33", "data") == [first]
    history.add(third)
    assert History(Folder(tmp_path)).of("7400", "33", "data") == [first, third]


def test_what_is_not_settled_waits(tmp_path: Path) -> None:
    history = History(Folder(tmp_path))
    one, two = data(0, p125="2025", p124="2024"), data(0, p123="2023")
    history.add(one, two, settled(one))
    assert history.waiting("7400", "33") == [two]
    assert history.waiting("7400", "34") == []


def test_an_answer_waits_no_longer_when_a_later_one_for_its_periods_is_settled(tmp_path: Path) -> None:
    history = History(Folder(tmp_path))
    broken, half, other = data(0, p125="2025", p124="2024"), data(5, p125="2025"), data(5, p124="2024")
    history.add(broken, half, settled(half))
    assert history.waiting("7400", "33") == [broken]
    history.add(other, settled(other))
    assert history.waiting("7400", "33") == []


def test_old_is_when_so_many_days_have_passed() -> None:
    assert is_old(NOON, NOON + timedelta(days=30), 30)
    assert not is_old(NOON, NOON + timedelta(days=30, seconds=-1), 30)
    assert not is_old(NOON, NOON + timedelta(days=30), 10**12)


def test_a_time_without_zone_counts_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(data(0, p125="2025").line().replace("+00:00", "") + "\n", encoding="utf-8")
    assert History(Folder(tmp_path)).of("7400", "33", "data") == []


def test_a_file_is_known_by_what_landed_in_it_last_and_an_answer_by_its_unit(tmp_path: Path) -> None:
    history = History(Folder(tmp_path))
    one, two = data(0, p125="2025"), data(5, p124="2024")
    first, second = (
        Event("settled", "7400", of.at, "33", sha256=(sha256,), file="a.csv", answers=(of.key,), unit=unit)
        for of, sha256, unit in ((one, "aa", "thousands"), (two, "bb", "persons"))
    )
    history.add(one, first, two, second)
    assert {file: event.sha256 for file, event in history.landed("7400", "33").items()} == {"a.csv": ("bb",)}
    assert history.units("7400", "33") == {one.key: "thousands", two.key: "persons"}
