"""The key for persons: made once, kept for its owner only, and never exchanged under a lake."""

import json
import stat
from pathlib import Path

import pytest

from sources.places import Folder
from tests.support import Home, kpj, nik, participant
from warehouse.person_key import PersonKeyError, confirm_key, key_id, load_or_make_key


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "person.key"
    key = load_or_make_key(path)
    assert len(key) == 64
    assert load_or_make_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_homes_get_two_keys(tmp_path: Path) -> None:
    assert load_or_make_key(tmp_path / "a") != load_or_make_key(tmp_path / "b")


def test_the_name_of_a_key_does_not_tell_the_key() -> None:
    name = key_id("0123456789abcdef")
    assert len(name) == 16
    assert name not in "0123456789abcdef"
    assert name == key_id("0123456789abcdef") != key_id("0123456789abcdee")


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_an_empty_key_is_refused(key: str) -> None:
    with pytest.raises(PersonKeyError, match="is empty"):
        key_id(key)


def test_the_lake_remembers_the_name_and_refuses_another_key(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = confirm_key(Folder(lake), "the first key of this lake")
    assert confirm_key(Folder(lake), "the first key of this lake") == name
    recorded = (lake / "person_key.json").read_text(encoding="utf-8")
    assert json.loads(recorded) == {"key_id": name}
    assert "the first key" not in recorded
    with pytest.raises(PersonKeyError, match="start a new lake"):
        confirm_key(Folder(lake), "another key, which is wrong")


def test_persons_and_memberships_of_core_differ_under_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[bytes, ...]] = []
    for key in ("one key for this test", "another key for this test"):
        monkeypatch.setattr("tests.support.PERSON_KEY", key)
        home = Home(tmp_path / key[:3])
        home.put("participants/SLK/2026-10/a.csv", [participant(1, kpj=kpj(1), nik=nik(1))])
        home.sweep()
        found += home.core("participants", "person_id, membership_id")
    assert len({identity for row in found for identity in row}) == 4
