"""Settings: variables, then the file, then local folders."""

from datetime import date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.commands import SettingsFileError, settings_of
from flows.settings import BUSINESS_ZONE, Settings, UnknownPlaceError, business_today, confirm_apart, place_of
from sources.places import Folder


def test_without_anything_all_stands_under_var(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert (settings.landing, settings.lake, settings.publish) == ("var/landing", "var/lake", "var/publish")
    assert (settings.person_key, settings.required) == (None, ())


def test_variables_win_over_the_file_and_given_values_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cakupan.toml").write_text('lake = "/file"\npublish = "/file"\nlanding = "/file"\n', encoding="utf-8")
    monkeypatch.setenv("CAKUPAN_PUBLISH", "/variable")
    monkeypatch.setenv("CAKUPAN_LANDING", "/variable")
    settings = Settings(landing="/given")
    assert (settings.lake, settings.publish, settings.landing) == ("/file", "/variable", "/given")


def test_the_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAKUPAN_PERSON_KEY", "a secret that must not show")
    settings = Settings()
    assert "a secret" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.person_key is not None
    assert settings.person_key.get_secret_value() == "a secret that must not show"


def test_required_datasets_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAKUPAN_REQUIRED", "participants, targets,")
    assert Settings().required == ("participants", "targets")


def test_an_unknown_setting_in_the_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cakupan.toml").write_text('laek = "/typo"\n', encoding="utf-8")
    with pytest.raises(ValidationError, match="laek"):
        Settings()


@pytest.mark.parametrize(("uri", "path"), [("var/lake", "var/lake"), ("/a/b", "/a/b"), ("file:///a/b", "/a/b")])
def test_a_folder_is_a_path_or_a_file_uri(uri: str, path: str) -> None:
    assert place_of(uri, Settings()) == Folder(Path(path))


@pytest.mark.parametrize("uri", ["gs://bucket/prefix", "https://example.org/x"])
def test_another_place_is_refused_by_name(uri: str) -> None:
    with pytest.raises(UnknownPlaceError, match=uri):
        place_of(uri, Settings())


def test_business_dates_are_those_of_jakarta() -> None:
    assert str(BUSINESS_ZONE) == "Asia/Jakarta"
    assert isinstance(business_today(), date)
    assert abs((business_today() - datetime.now(BUSINESS_ZONE).date()).days) <= 1


@pytest.mark.parametrize("line", ['bps_kye = "0123456789abcdef"', 'person_key = ["0123456789abcdef"]'])
def test_a_key_under_a_wrong_name_or_type_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cakupan.toml").write_text(line, encoding="utf-8")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "0123456789abcdef" not in str(refused.value)
    assert line.partition(" ")[0] in str(refused.value)


def test_a_file_that_is_not_toml_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cakupan.toml").write_text("landing = var", encoding="utf-8")
    with pytest.raises(SettingsFileError, match=r"cakupan\.toml is not TOML"):
        settings_of()


def test_a_region_is_written_in_small_letters_and_an_address_with_its_scheme() -> None:
    assert Settings(s3_region=" AP-Southeast-3 ").s3_access.region == "ap-southeast-3"
    assert Settings(s3_endpoint_url="").s3_access.endpoint_url is None
    with pytest.raises(ValidationError, match="begins with http:// or https://"):
        Settings(s3_endpoint_url="s3.contoh.test:9000")


def test_a_lake_under_a_name_that_delta_rs_takes_for_another_is_refused() -> None:
    with pytest.raises(ValidationError, match="name another place"):
        Settings(lake="s3://ember/dua%20kata")
    assert Settings(lake="var/100%").lake == "var/100%"


@pytest.mark.parametrize(
    ("landing", "name", "uri"),
    [
        ("var", "lake", "var/lake"),
        ("s3://ember", "lake", "s3://ember/lake"),
        ("s3://ember/a", "publish", "s3://ember/a/"),
        (".", "publish", "var/publish"),
    ],
)
def test_lake_and_builds_inside_the_landing_zone_are_refused(landing: str, name: str, uri: str) -> None:
    with pytest.raises(UnknownPlaceError, match="stands inside the landing zone"):
        confirm_apart(Settings().model_copy(update={"landing": landing, name: uri}))
    confirm_apart(Settings(landing="s3://ember/masuk", lake="s3://ember/masuk-lake", publish="var/publish"))
