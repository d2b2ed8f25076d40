import codecs
from pathlib import Path

import pytest

from sources.reading import Limits
from tests.sources.reading_harness import read_text


def test_every_cell_stays_the_text_that_it_was(tmp_path: Path) -> None:
    result = read_text(tmp_path, "nik;kpj;name;wage_idr\n0012; 01 ;'A;7.708\n")
    assert result.cells("nik", "kpj", "name", "wage_idr") == [("0012", " 01 ", "'A", "7.708")]
    assert result.frame["_raw"].to_list() == ["0012; 01 ;'A;7.708"]


@pytest.mark.parametrize("delimiter", list(";,\t|"))
def test_the_header_decides_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    result = read_text(tmp_path, f"nik{delimiter}kpj\n1{delimiter}a;b,c|d\te".replace("a;b,c|d\te", "x"))
    assert result.cells("nik", "kpj") == [("1", "x")]


def test_a_data_line_full_of_another_delimiter_does_not_change_it(tmp_path: Path) -> None:
    result = read_text(tmp_path, "nik;kpj;name\n1;2;a,b,c,d,e,f,g\n")
    assert result.cells("name") == [("a,b,c,d,e,f,g",)]


def test_swapped_columns_are_read_by_name(tmp_path: Path) -> None:
    assert read_text(tmp_path, "KPJ;name; NIK \n1;B;2\n").cells("nik", "kpj") == [("2", "1")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    bom = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    result = read_text(tmp_path, bom + "nik;kpj;name\n1;2;José “B”\n".encode(encoding))
    assert result.cells("name") == [("José “B”",)]


@pytest.mark.parametrize("damage", [b"\x81", b"\x00", b"\x01", b"\x02", "\ufffd".encode()])
def test_what_no_encoding_can_read_marks_its_line_only(tmp_path: Path, damage: bytes) -> None:
    result = read_text(tmp_path, b"nik;kpj;name\n1;2;a" + damage + b"\n3;4;b\n")
    assert result.problems == {2: "undecodable_text"}
    assert result.cells("nik", "name") == [(None, None), ("3", "b")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("chunk", [1, 7, 2**26])
def test_newlines_of_every_system_count_the_same(tmp_path: Path, newline: str, chunk: int) -> None:
    text = newline.join(["nik;kpj", "1;2", "", "3;4"])
    result = read_text(tmp_path, text, limits=Limits(chunk_bytes=chunk))
    assert result.frame["_line"].to_list() == [2, 4]
    assert (result.table.count.read, result.table.count.header, result.table.count.blank) == (4, 1, 1)


def test_blank_lines_hold_only_white_space_delimiters_or_empty_quotes(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj\n\n  \n;\n"";""\n1;\n;;;\n')
    assert result.table.count.blank == 5
    assert result.cells("nik", "kpj") == [("1", None)]


def test_null_marks_are_no_values_but_zero_is_one(tmp_path: Path) -> None:
    result = read_text(tmp_path, "nik;kpj;name;wage_idr\n1;-;NA;0\n2;n/a;...;–\n")
    assert result.cells("kpj", "name", "wage_idr") == [(None, None, "0"), (None, None, None)]


def test_ragged_lines_are_named_and_their_neighbours_stay_good(tmp_path: Path) -> None:
    result = read_text(tmp_path, "nik;kpj;name\n1;2\n3;4;C\n5;6;E;F\n7;8;G\n")
    assert result.problems == {2: "ragged_line", 4: "ragged_line"}
    assert result.cells("name") == [(None,), ("C",), (None,), ("G",)]


def test_ragged_lines_are_seen_beside_quotes_too(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj;name\n"1";2\n3;"4;5";C\n"5;6";6;E;F\n7;8;"G"\n')
    assert result.problems == {2: "ragged_line", 4: "ragged_line"}
    assert result.cells("kpj", "name") == [(None, None), ("4;5", "C"), (None, None), ("8", "G")]


@pytest.mark.parametrize("line", ['5;6;"C', '"5;6;C', '5;"6;C', '5;6";C', '5;6;C"'])
def test_an_unclosed_quote_never_swallows_the_next_good_line(tmp_path: Path, line: str) -> None:
    result = read_text(tmp_path, f"nik;kpj;name\n1;2;A\n{line}\n7;8;D\n9;10;E\n")
    assert result.problems == {3: "unclosed_quote"}
    assert result.cells("name") == [("A",), (None,), ("D",), ("E",)]


def test_two_unclosed_quotes_are_two_bad_lines(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj;name\n1;2;"\n3;4;D\n5;6;"\n7;8;"\n9;"10;E\n')
    assert set(result.problems) == {2, 4, 5, 6}
    assert result.frame["name"].drop_nulls().to_list() == ["D"]


def test_a_record_over_several_lines_counts_as_all_of_them(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj;name\n1;"a\n\nb";A\n"2";3;"x\ny; ""z"""\n4;5;B\n')
    assert result.frame.select("_line", "_lines").rows() == [(2, 3), (5, 2), (7, 1)]
    assert result.cells("kpj", "name") == [("a\n\nb", "A"), ("3", 'x\ny; "z"'), ("5", "B")]


@pytest.mark.parametrize("chunk", [1, 13, 40, 2**26])
def test_a_record_across_two_chunks_is_whole(tmp_path: Path, chunk: int) -> None:
    text = 'nik;kpj;name\n1;"a\nb";A\n2;3;"c\nd"\n4;5;"e\n6;7;F\n8;"i\nj";"k\nl"\n'
    result = read_text(tmp_path, text, limits=Limits(chunk_bytes=chunk))
    assert result.problems == {6: "unclosed_quote"}
    assert result.frame["_lines"].to_list() == [2, 2, 1, 1, 3]


def test_a_record_has_at_most_fifty_lines(tmp_path: Path) -> None:
    inner = "\n".join("x" for _ in range(60))
    result = read_text(tmp_path, f'nik;kpj;name\n1;"a\n{inner}\nb";A\n')
    assert result.problems[2] == "unclosed_quote"
    assert result.table.count.data == 62


def test_quotes_inside_an_unquoted_field_are_text(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj;name\n1;2;SITI "ANI" R\n3;4;"B"\n')
    assert result.cells("name") == [('SITI "ANI" R',), ("B",)]


def test_delimiters_at_the_end_of_every_line(tmp_path: Path) -> None:
    assert read_text(tmp_path, "nik;kpj\n1;2;\n3;4;;;\n").cells("kpj") == [("2",), ("4",)]
    assert read_text(tmp_path, "nik;kpj;;\n1;2;;\n3;4\n").cells("kpj") == [("2",), ("4",)]
    assert read_text(tmp_path, 'nik;kpj\n1;"2;3";\n').cells("kpj") == [("2;3",)]


def test_title_unit_and_number_rows_and_the_excel_hint_are_layout(tmp_path: Path) -> None:
    head = "sep=;\nLAPORAN PESERTA;;\nPeriode Oktober\n\nnik;kpj;wage_idr\n;;(Rp.)\n(1);(2);(3)\n"
    result = read_text(tmp_path, head + "1;2;5000\n")
    assert (result.table.count.header, result.table.count.blank) == (6, 1)
    assert result.frame["_line"].to_list() == [8]


def test_a_record_of_small_numbers_is_not_taken_for_column_numbers(tmp_path: Path) -> None:
    assert read_text(tmp_path, "nik;kpj\n1;2\n").cells("nik", "kpj") == [("1", "2")]


def test_a_repeated_header_is_layout(tmp_path: Path) -> None:
    result = read_text(tmp_path, "nik;kpj\n1;2\nnik;kpj\n3;4\n")
    assert (result.table.count.header, result.table.count.data) == (2, 2)


def test_a_header_cell_over_two_lines(tmp_path: Path) -> None:
    result = read_text(tmp_path, 'nik;kpj;"nama\nlengkap"\n1;2;A\n')
    assert (result.table.count.header, result.table.layout.unknown_columns) == (2, ["nama\nlengkap"])


def test_memory_is_bounded_by_the_chunk(tmp_path: Path) -> None:
    text = "nik;kpj;name\n" + "".join(f"{number};2;ORANG\n" for number in range(2000))
    (tmp_path / "many.csv").write_text(text)
    from sources.reading import SourceTable, open_tables

    limits = Limits(chunk_bytes=1024)
    (table,) = open_tables(
        tmp_path / "many.csv", "many.csv", "participants", ["nik", "kpj"], ["nik"], [], tmp_path, limits
    )
    assert isinstance(table, SourceTable)
    heights = [batch.height for batch in table.batches()]
    assert len(heights) > 20
    assert max(heights) < 200
    assert sum(heights) == 2000
