from pathlib import Path

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


def _folder(tmp_path: Path, **documents: str) -> Path:
    for name, text in documents.items():
        (tmp_path / f"targets.{name}.yml").write_text(text)
    return tmp_path


def test_every_shipped_profile_loads_under_its_own_name() -> None:
    names = sorted(path.name for path in FOLDER.glob("*.yml"))
    datasets = sorted({name.split(".")[0] for name in names})
    loaded = [f"{p.dataset}.{p.name}.yml" for dataset in datasets for p in load_profiles(dataset)]
    assert sorted(loaded) == names


def test_the_example_of_the_manual_is_a_profile() -> None:
    text = (FOLDER.parents[1] / "docs" / "profiles.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    assert Profile.model_validate(yaml.safe_load(example)).header_rows == 2


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
