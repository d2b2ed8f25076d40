from pathlib import Path

import pytest

from expectations.profiles import Choice, Pick, Profile, RowFilter, Unpivot, load_profiles
from sources.layouts import squeeze
from tests.sources.reading_harness import read, read_text

ALIASES = {"nik": ["No KTP", "NIK"], "kpj": ["No. KPJ"], "wage_idr": ["Upah (Rp)"], "segment": ["Segmen"]}


@pytest.mark.parametrize("dataset", ["participants", "recaps", "targets"])
def test_no_spelling_of_a_shipped_profile_means_two_columns(dataset: str) -> None:
    for profile in load_profiles(dataset):
        spellings = [squeeze(alias) for aliases in profile.aliases.values() for alias in aliases]
        assert len(spellings) == len(set(spellings)), profile.name


def _profile(**changes: object) -> Profile:
    basis: dict[str, object] = {
        "dataset": "participants",
        "name": "p",
        "description_id": "p",
        "description_en": "p",
        "evidence": "test",
        "aliases": ALIASES,
        "required": ["nik", "kpj"],
    }
    return Profile.model_validate({**basis, **changes})


def _write(folder: Path, text: str) -> Path:
    path = folder / "export.csv"
    path.write_text(text)
    return path


def test_case_spaces_a_byte_order_mark_and_an_apostrophe_do_not_matter(tmp_path: Path) -> None:
    result = read_text(tmp_path, "\ufeff'NIK ; Kpj\n1;2\n")
    assert result.table.layout.profile == "canonical"
    assert result.cells("nik", "kpj") == [("1", "2")]


@pytest.mark.parametrize("spelling", ["N I K", "nik ", "N.I.K", "NIK\xa0"])
def test_a_profile_squeezes_names(tmp_path: Path, spelling: str) -> None:
    path = _write(tmp_path, f"{spelling};no_kpj;UPAH  (Rp.)\n1;2;3\n")
    result = read(path, profiles=[_profile(locale="id", region_system="bps", unit=1000)])
    layout = result.table.layout
    assert (layout.profile, layout.locale, layout.region_system, layout.unit) == ("p", "id", "bps", 1000)
    assert result.cells("nik", "kpj", "wage_idr") == [("1", "2", "3")]


def test_the_preferred_spelling_is_read_and_the_other_is_reported(tmp_path: Path) -> None:
    result = read(_write(tmp_path, "NIK;No KTP;No. KPJ\n1;2;3\n"), profiles=[_profile()])
    assert result.cells("nik") == [("2",)]
    assert result.table.layout.unknown_columns == ["NIK"]


def test_a_percentage_column_is_not_the_count_beside_it(tmp_path: Path) -> None:
    result = read(_write(tmp_path, "NIK;% NIK;No. KPJ\n1;2;3\n"), profiles=[_profile()])
    assert result.cells("nik") == [("1",)]


@pytest.mark.parametrize("header", ["nik;kpj;NIK", "NIK;N I K;No. KPJ"])
def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path, header: str) -> None:
    refusal = read(_write(tmp_path, f"{header}\n1;2;3\n"), profiles=[_profile()]).refusal
    assert refusal.code == "duplicate_column"
    assert "nik" in refusal.message_id
    assert (refusal.lines.read, refusal.lines.data) == (2, 1)


def test_a_header_that_fits_two_profiles_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, "NIK;No. KPJ\n1;2\n")
    assert read(path, profiles=[_profile()]).table.layout.profile == "p"
    refusal = read(path, profiles=[_profile(), _profile(name="q")]).refusal
    assert refusal.code == "ambiguous_header"
    assert "p, q" in refusal.message_en


def test_excludes_settle_which_of_two_profiles_is_meant(tmp_path: Path) -> None:
    path = _write(tmp_path, "NIK;No. KPJ;Kode\n1;2;3\n")
    profiles = [_profile(excludes=["KODE"]), _profile(name="q")]
    assert read(path, profiles=profiles).table.layout.profile == "q"


def test_an_unknown_header_names_what_was_found_and_what_is_missing(tmp_path: Path) -> None:
    refusal = read(_write(tmp_path, "JUDUL\n\nNIK;Segmen;Alamat\n1;2;3\n"), profiles=[_profile()]).refusal
    for message in (refusal.message_id, refusal.message_en):
        assert "NIK, Segmen, Alamat" in message
        assert "No. KPJ" in message
    assert (refusal.lines.read, refusal.lines.header, refusal.lines.blank) == (4, 2, 1)


def test_a_file_without_a_header_does_not_leak_its_first_person(tmp_path: Path) -> None:
    refusal = read_text(tmp_path, "0012345678901234;ORANG UJI\n").refusal
    assert "ORANG" not in refusal.message_id + refusal.message_en
    assert "00123" not in refusal.message_id + refusal.message_en
    assert refusal.lines.data == 1


def test_a_header_beyond_thirty_lines_is_not_looked_for(tmp_path: Path) -> None:
    assert read_text(tmp_path, "x\n" * 29 + "nik;kpj\n1;2\n").table.count.header == 30
    assert read_text(tmp_path, "x\n" * 30 + "nik;kpj\n1;2\n").refusal.code == "unknown_header"


def test_value_maps_take_any_case_and_leave_the_rest_as_it_stood(tmp_path: Path) -> None:
    profile = _profile(value_maps={"segment": {"Penerima Upah": "PU"}})
    result = read(_write(tmp_path, "NIK;No. KPJ;Segmen\n1;2; PENERIMA UPAH\n3;4;Xyz\n"), profiles=[profile])
    assert result.cells("segment") == [("PU",), ("Xyz",)]


def test_null_marks_constants_and_filters(tmp_path: Path) -> None:
    profile = _profile(null_marks=["kosong"], constants={"note": "x"}, where=[RowFilter(column="Segmen", keep=["bpu"])])
    path = _write(tmp_path, "NIK;No. KPJ;Segmen;Upah (Rp)\n1;2;BPU;kosong\n3;4;PU;5\n5;6\n")
    result = read(path, profiles=[profile])
    assert result.cells("nik", "wage_idr", "note") == [("1", None, "x"), (None, None, "x")]
    assert result.problems == {4: "ragged_line"}
    assert result.table.count.header == 2


def test_choose_takes_a_value_from_one_of_several_columns(tmp_path: Path) -> None:
    cases = {"Nasional": Pick(constant="0000"), "Provinsi": Pick(column="Prov")}
    choice = Choice(by="Tingkat", cases=cases, otherwise=Pick(column="Kab"))
    path = _write(tmp_path, "NIK;No. KPJ;Tingkat;Prov;Kab\n1;2;NASIONAL;;\n1;2;provinsi;13;\n1;2;;13;1311\n")
    result = read(path, profiles=[_profile(choose={"region_code": choice})])
    assert result.cells("region_code") == [("0000",), ("13",), ("1311",)]


def test_unpivot_sums_never_takes_missing_for_zero_and_keeps_every_line(tmp_path: Path) -> None:
    parts = [Unpivot(set={"concept": "all"}, sum=["T"]), Unpivot(set={"concept": "ab"}, sum=["a", "b"])]
    path = _write(tmp_path, "NIK;No. KPJ;T;a;b\n1;2;3.000;1.000;2.000,5\n3;4;x;-;2\n5;6;-;1;x\n-1;0;-;-;1\n7;8\n")
    result = read(path, profiles=[_profile(unpivot=parts, locale="id")])
    assert result.frame.select("_line", "concept", "value").rows() == [
        (2, "all", "3.000"),
        (2, "ab", "\x013000.5"),
        (3, "all", "x"),
        (4, "ab", "1 + x"),
        (5, "all", None),
        (6, None, None),
    ]


def test_a_profile_over_several_header_rows_of_a_text_file(tmp_path: Path) -> None:
    profile = _profile(aliases={"nik": ["Peserta NIK"], "kpj": ["Peserta KPJ"]}, header_rows=2)
    result = read(_write(tmp_path, "Peserta;;Lain\nN I K;KPJ;X\n1;2;3\n"), profiles=[profile])
    assert result.cells("nik", "kpj") == [("1", "2")]
    assert result.table.count.header == 2
