"""What was told is kept beside the builds, or on this machine while they are out of reach."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.alert_memory import FILE, Memory, standing_at
from flows.settings import Settings
from reports.telling import Standing, heard
from sources.places import Folder
from tests.reports.test_telling import event


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "publish").mkdir()
    return Settings(publish=str(tmp_path / "publish"), cache=tmp_path / "cache")


def step(words: str) -> Callable[[Standing], Standing]:
    """Give the step that takes note of an event."""
    return lambda before: heard(before, event(words), ["mail"], every_night=True)


def told(place: Path) -> set[str]:
    """Give of which results a place keeps that they were told."""
    marks = [mark for day in standing_at(Folder(place)).told.values() for mark in day]
    return {mark.partition(" ")[0] for mark in marks}


def test_it_is_kept_beside_the_builds_and_nowhere_else(settings: Settings) -> None:
    Memory(settings).change(step("20 night gate key"))
    Memory(settings).change(step("20 watch unreachable"))
    assert told(Path(settings.publish)) == {"gate", "unreachable"}
    assert not settings.cache.exists()


def test_what_changes_nothing_writes_nothing(settings: Settings) -> None:
    Memory(settings).change(lambda before: before)
    assert list(Path(settings.publish).iterdir()) == []


def test_who_was_slower_takes_the_step_again(settings: Settings) -> None:
    steps: list[Standing] = []

    def disturbed(before: Standing) -> Standing:
        if not steps:
            Memory(settings).change(step("20 night gate key"))
        steps.append(before)
        return step("20 land source")(before)

    Memory(settings).change(disturbed)
    assert len(steps) == 2
    assert told(Path(settings.publish)) == {"gate", "source"}


def test_without_the_place_it_is_kept_aside_and_brought_back(settings: Settings) -> None:
    publish = Path(settings.publish)
    Memory(settings).change(step("19 night published"))
    publish.rename(publish.with_name("away"))
    Memory(settings).change(step("20 watch unreachable"))
    assert Memory(settings).change(step("20 watch unreachable")).owed["mail"]["watch"]
    assert told(settings.cache) == {"unreachable"}
    assert not publish.exists()
    publish.with_name("away").rename(publish)
    Memory(settings).change(lambda before: before)
    assert told(publish) == {"well", "unreachable"}
    assert not (settings.cache / FILE).exists()


def test_a_damaged_record_is_begun_anew(settings: Settings) -> None:
    for damage in (b"", b"{", b'{"told": 1}', b"\xff\xfe"):
        (Path(settings.publish) / FILE).write_bytes(damage)
        assert Memory(settings).change(lambda before: before) == Standing()
    Memory(settings).change(step("20 night gate key"))
    assert told(Path(settings.publish)) == {"gate"}


def test_what_can_be_kept_nowhere_is_said_and_still_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (Path(settings.publish), settings.cache):
        path.rmdir() if path.is_dir() else None
        path.write_text("a file where a folder should be", encoding="utf-8")
    assert Memory(settings).change(step("20 night gate key")).owed["mail"]
    assert "cannot be kept" in capsys.readouterr().err


def test_a_publish_place_that_is_none_is_no_hindrance(settings: Settings) -> None:
    wrong = settings.model_copy(update={"publish": "gs://elsewhere"})
    assert Memory(wrong).change(step("20 night settings")).owed["mail"]
    assert told(settings.cache) == {"settings"}
