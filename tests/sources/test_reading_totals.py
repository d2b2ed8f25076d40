from pathlib import Path

import pytest

from expectations.profiles import Profile
from sources.reading import Limits
from tests.sources.reading_harness import read, read_text

HEAD = "name;nik;kpj;wage_idr;contribution_idr\n"
ROWS = "A;1;2;1000;10\nB;3;4;2000;20\n"


@pytest.mark.parametrize("label", ["JUMLAH", "Total", "GRAND TOTAL", "jumlah seluruhnya", "Sub-Total", "TOTAL :"])
def test_a_right_total_is_layout(tmp_path: Path, label: str) -> None:
    result = read_text(tmp_path, f"{HEAD}{ROWS}{label};;;3000;30\n")
    assert (result.table.count.header, result.table.count.data, result.problems) == (2, 2, {})


def test_a_wrong_total_is_a_record_that_says_both_figures(tmp_path: Path) -> None:
    result = read_text(tmp_path, f"{HEAD}{ROWS}JUMLAH;;;3500;30\n")
    assert result.problems == {4: "total_mismatch"}
    raw = result.frame["_raw"][-1]
    assert "3500" in raw
    assert "3000" in raw
    assert "contribution" not in raw


@pytest.mark.parametrize(("printed", "wrong"), [("3000.4", True), ("3000", False), ("3001", True), ("2999.96", False)])
def test_the_tolerance_is_half_of_the_last_printed_digit(tmp_path: Path, printed: str, wrong: bool) -> None:
    rows = "A;1;2;1000;1\nB;3;4;2000;1\n".replace("2000", "1999.96" if printed == "2999.96" else "2000")
    assert bool(read_text(tmp_path, f"{HEAD}{rows}TOTAL;;;{printed};2\n").problems) == wrong


def test_subtotals_restart_and_the_grand_total_covers_all(tmp_path: Path) -> None:
    parts = f"{ROWS}SUB TOTAL;;;3000;30\nC;5;6;500;5\nSUB TOTAL;;;500;5\nGRAND TOTAL;;;3500;35\n"
    assert read_text(tmp_path, HEAD + parts).problems == {}
    wrong = parts.replace("SUB TOTAL;;;500;5", "SUB TOTAL;;;3500;35")
    assert read_text(tmp_path, HEAD + wrong).problems == {6: "total_mismatch"}


def test_a_total_may_count_the_rows(tmp_path: Path) -> None:
    assert read_text(tmp_path, f"{HEAD}{ROWS}JUMLAH;2;2;2 orang;2\n").problems == {}


def test_a_short_total_line_is_not_ragged(tmp_path: Path) -> None:
    result = read_text(tmp_path, f"{HEAD}{ROWS}TOTAL;;;3000\n")
    assert (result.problems, result.table.count.header) == ({}, 2)


@pytest.mark.parametrize("name", ["TOTAL", "Jumlah", "Jumlahudin", "TOTAL WIBOWO"])
def test_a_person_called_total_is_a_person(tmp_path: Path, name: str) -> None:
    rows = f"name;nik;kpj;segment\n{name};1;2;BPU\n"
    result = read_text(tmp_path, rows)
    assert result.cells("name", "segment") == [(name, "BPU")]


def test_a_total_over_an_unreadable_figure_is_not_judged(tmp_path: Path) -> None:
    assert read_text(tmp_path, f"{HEAD}A;1;2;seribu;10\nTOTAL;;;99;10\n").problems == {}
    assert read_text(tmp_path, f"{HEAD}A;1;2;9\nB;1;2;1;1\nTOTAL;;;99;1\n").problems == {2: "ragged_line"}


@pytest.mark.parametrize("chunk", [1, 30, 2**26])
@pytest.mark.parametrize("wrong", [0, 1])
def test_totals_hold_across_chunks(tmp_path: Path, chunk: int, wrong: int) -> None:
    rows = "".join(f"A{number};{number};2;{number};1\n" for number in range(1, 41))
    text = f"{HEAD}{rows}TOTAL;;;{820 + wrong};40\n"
    result = read_text(tmp_path, text, limits=Limits(chunk_bytes=chunk))
    assert result.problems == ({42: "total_mismatch"} if wrong else {})


def test_a_total_after_an_open_quote_near_the_end_is_still_judged(tmp_path: Path) -> None:
    text = f'{HEAD}{ROWS}TOTAL;;;3500;30\nC;5;6;"1;2\n'
    assert read_text(tmp_path, text).problems == {4: "total_mismatch", 5: "unclosed_quote"}


def test_totals_are_read_in_the_layouts_locale(tmp_path: Path) -> None:
    profile = Profile(
        dataset="participants",
        name="p",
        description_id="p",
        description_en="p",
        evidence="test",
        aliases={"nik": ["NIK"], "wage_idr": ["Upah"]},
        required=["nik", "wage_idr"],
        locale="id",
    )
    path = tmp_path / "a.csv"
    path.write_text("NIK;Upah\n1;1.000,50\n2;2.000\nTOTAL;3.000,5\n")
    assert read(path, profiles=[profile]).problems == {}
    path.write_text("NIK;Upah\n1;1.000,50\n2;2.000\nTOTAL;3.001,5\n")
    assert read(path, profiles=[profile]).problems == {4: "total_mismatch"}
