from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.profiles import FOLDER, Profile, load_profiles

MINIMAL = """
dataset: targets
name: plain
description_id: a
description_en: a
evidence: a
aliases: {target: [Target]}
required: [target]
"""
MEANING = "meanings: [{{when: {{column: y, keep: [z]}}, columns: {{{}}}, evidence: '{}'}}]\n"


def _folder(tmp_path: Path, **documents: str) -> Path:
    for name, text in documents.items():
        (tmp_path / f"targets.{name}.yml").write_text(text)
    return tmp_path


def test_every_shipped_profile_loads_under_its_own_name() -> None:
    names = sorted(path.name for path in FOLDER.glob("*.yml"))
    datasets = sorted({name.split(".")[0] for name in names})
    loaded = [f"{p.dataset}.{p.name}.yml" for dataset in datasets for p in load_profiles(dataset)]
    assert sorted(loaded) == names


def _examples() -> list[dict[str, Any]]:
    text = (FOLDER.parents[1] / "docs" / "profiles.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block.split("```")[0]) for block in text.split("```yaml\n")[1:]]


def test_the_example_of_the_manual_is_a_profile() -> None:
    assert Profile.model_validate(_examples()[0]).header_rows == 2


def test_every_piece_of_the_manual_fits_a_profile() -> None:
    pieces = [yaml.safe_load(MINIMAL) | piece for piece in _examples()[1:]]
    keys = {key for piece in _examples()[1:] for key in piece}
    assert keys == {"melt", "value_maps", "units", "own_sums", "meanings"}
    assert all(Profile.model_validate(piece).name == "plain" for piece in pieces)


def test_the_manual_declares_the_exchanged_statuses_of_the_ministry() -> None:
    (pyb,) = [profile for profile in load_profiles("labour_force") if profile.name == "kemnaker_pyb"]
    (piece,) = [piece for piece in _examples() if "meanings" in piece]
    declared = Profile.model_validate(pyb.model_dump() | piece)
    assert declared.meanings[0].columns == {"sta_1": "sta_3", "sta_3": "sta_1"}
    assert {"thn", "sta_1", "sta_3"} <= set(declared.sources())


def test_a_dataset_without_profiles_has_none() -> None:
    assert load_profiles("benefits") == []


def test_two_participants_profiles_never_share_the_region_header() -> None:
    regions = [set(profile.aliases["region_code"]) for profile in load_profiles("participants")]
    assert sum(len(names) for names in regions) == len({name for names in regions for name in names})


def test_a_child_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    child = "extends: plain\ndataset: targets\nname: child\naliases: {year: [Tahun]}\nlocale: id\n"
    _, plain = load_profiles("targets", _folder(tmp_path, plain=MINIMAL, child=child))
    extended, _ = load_profiles("targets", tmp_path)
    assert extended.aliases == {"target": ["Target"], "year": ["Tahun"]}
    assert (extended.locale, plain.locale) == ("id", "plain")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + "melt: [{columns: '(?P<year>'}]\n", "not a regular expression"),
        (MINIMAL + "melt: [{columns: '(?P<year>a)', set: {year: '1'}}]\n", "both a group of columns and set"),
        (MINIMAL + "melt: [{columns: '(?P<year>a)'}]\nconstants: {year: '1'}\n", "both a constant and a column"),
        (MINIMAL + "own_sums: [{total: a, parts: [b]}]\n", "own_sums.0.parts"),
        (MINIMAL + "own_sums: [{total: a, parts: [b, a]}]\n", "own_sums of 'a' name a column twice"),
        (MINIMAL + "own_sums: [{total: a, parts: [b, b]}]\n", "own_sums of 'a' name a column twice"),
        (MINIMAL + "own_sums: [{total: a, parts: [b, c]}]\nunit: 1000\n", "own_sums compare persons"),
        (MINIMAL + "units: {column: a, factors: {}}\n", "units.factors"),
        (MINIMAL + "units: {column: a, factors: {b: 0}}\n", "units.factors.b"),
        (MINIMAL + "units: {column: a, factors: {b: 1}}\nunit: 10\n", "either unit or units"),
        (MINIMAL + MEANING.format("a: b, b: c", "because"), "must change places among themselves"),
        (MINIMAL + MEANING.format("a: b, b: a", " "), "meanings need evidence"),
        (MINIMAL + MEANING.format("a: b, b: a", "").replace(", evidence: ''", ""), "evidence"),
        (MINIMAL + "surprise: 1\n", "surprise"),
        (MINIMAL.replace("[target]", "[target, year]"), "required without aliases"),
        (MINIMAL.replace("required: [target]", ""), "match anything"),
        (MINIMAL + "constants: {target: '5'}\n", "both a constant and a column"),
        (MINIMAL + "locale: fr\n", "locale"),
        (MINIMAL + "unit: '1000'\n", "unit"),
        (MINIMAL + "choose: {year: {by: x, cases: {}, otherwise: {}}}\n", "either column or constant"),
        (MINIMAL.replace("name: plain", "name: other"), "the content says targets.other"),
        ("extends: nobody\n" + MINIMAL, "extends 'nobody'"),
        ("extends: plain\n" + MINIMAL, "extends 'plain'"),
        ("- a\n- b\n", "expected keys and values"),
        ("a: [", "not YAML"),
    ],
)
def test_a_faulty_profile_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"targets\.plain\.yml") as caught:
        load_profiles("targets", _folder(tmp_path, plain=text))
    assert said in str(caught.value)
