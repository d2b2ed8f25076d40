"""Lines that go straight to core are those that the rules let pass, as the rules read them."""

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import Home, Row, csv_text, kpj, nik, participant
from warehouse import certain_lines
from warehouse.load import Lines

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_small_files_too")]


@pytest.fixture(scope="module")
def _small_files_too() -> Iterator[None]:
    """Let files of a few lines take the quick way."""
    with patch(WORTH, 0):
        yield


WORTH = "warehouse.file_loading._WORTH_PREPARING"
FILE = "participants/SLK/2026-10/export.csv"
OFFICES = ("DPS", "SLK")
# What people write into a cell, right and wrong, beside what is certain.
CELLS: dict[str, list[str]] = {
    "kpj": [kpj(1), kpj(2), f"'{kpj(2)}", f" {kpj(3)}", "123", "-", ""],
    "nik": [nik(2), f"'{nik(3)}", nik(4, date(2000, 2, 29)), nik(5, woman=True), "9913013102900001", "99130", "", "NA"],
    "birth_date": ["1990-02-03", "1990-2-3", "1990-02-30", "03/02/1990", "2026-12-01", "", "n/a"],
    "sex": ["L", "P", "l", "X", "", "-"],
    "segment": ["PU", "BPU", "bpu", "JAKON", "ALL", "", "BPU "],
    "employer_scale": ["micro", "large", "Large", "", "-"],
    "programmes": ["JKK+JKM", "JKM+JKK", "JKK+JKM+JHT", "JKK", "JKK+JKM+JP", "JKK+JKK+JKM", "jkk+jkm", ""],
    "employer_npp": ["10000050", " 1 ", "-", "", "..."],
    "sector_code": ["A", "H", "h", ""],
    "region_code": ["1303", "1310", "13.02", "9999", "Solok", "Kabupaten Solok", ""],
    "region_system": ["bps", "kemendagri", "BPS", ""],
    "village_code": ["", "1303010001", "13.02.01.2001", "-"],
    "wage_idr": ["1000000", "1.234", "1234.50", "-5", "99999999999", "Rp 500", "", "1e3"],
    "contribution_idr": ["16800", "8400", "168", "0", "", "16800.5"],
    "last_paid_period": ["2026-10", "2026-1", "2026-13", "2030-01", "1970-01", "2020-09", "Okt 2026", ""],
    "registered_date": ["2024-05-06", "2026-11-01", "2024-02-30", "20240506", ""],
    "period": ["2026-10", "2026-09", ""],
    "exported_at": ["2026-11-03 06:00", "2026-11-03", "besok", ""],
}
LINES = st.lists(
    st.dictionaries(st.sampled_from(sorted(CELLS)), st.integers(0, 7), max_size=3), min_size=5, max_size=60
)
LEFT_OUT = st.sets(st.sampled_from(["period", "exported_at", "region_system", "sector_code"]))
Changes = dict[str, int]


def row(number: int, changes: Changes, columns: frozenset[str]) -> Row:
    filled = participant(number, period="2026-10", exported_at="2026-11-03 06:00")
    filled |= {name: CELLS[name][choice % len(CELLS[name])] for name, choice in changes.items()}
    return {name: cell for name, cell in filled.items() if name in columns}


def text_of(first: int, lines: list[Changes], left_out: set[str]) -> str:
    columns = frozenset({*participant(1), *CELLS}) - left_out
    return csv_text([row(number, changes, columns) for number, changes in enumerate(lines, start=first)])


def outcome(texts: list[str]) -> tuple[list[tuple[Lines, str, dict[str, int]]], list[Any], list[Any]]:
    """Sweep a file of each office; give their counts, verdicts and warnings, and what stands in core and quarantine."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        for office, text in zip(OFFICES, texts, strict=False):
            home.put(f"participants/{office}/2026-10/export.csv", text)
        found = [(result.lines, result.verdict, result.warnings) for _, result in sorted(home.sweep().items())]
        waiting = [{**entry, "id": None} for entry in home.quarantine().values()]
        return found, home.core("participants"), waiting


@settings(max_examples=8)
@given(st.lists(st.tuples(LINES, LEFT_OUT), min_size=1, max_size=len(OFFICES)))
def test_both_ways_read_the_same(files: list[tuple[list[Changes], set[str]]]) -> None:
    texts = [text_of(10 + 100 * number, lines, left_out) for number, (lines, left_out) in enumerate(files)]
    quick = outcome(texts)
    with patch(WORTH, 10**9):
        assert outcome(texts) == quick


def taken(home: Home, text: str) -> bool:
    """Sweep one file; tell whether certain lines of it went straight to core."""
    home.put(FILE, text)
    found: list[object] = []

    take = certain_lines.take_certain_lines

    def watched(*given: Any) -> certain_lines.CertainLines | None:
        certain = take(*given)
        found.append(certain)
        return certain

    with patch("warehouse.load.take_certain_lines", watched):
        home.sweep()
    return found[-1] is not None


@pytest.mark.parametrize(("delimiter", "ending"), [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\r\n")])
def test_a_plain_file_takes_the_quick_way(home: Home, delimiter: str, ending: str) -> None:
    rows = [participant(1), participant(2, registered_date="06/05/2024"), participant(3)]
    assert taken(home, csv_text(rows, delimiter).replace("\n", ending))
    assert len(home.core("participants")) == 2
    assert list(home.rules().values()) == [["registered_date_unreadable"]]


@pytest.mark.parametrize(
    ("found", "written"),
    [
        ("Rekaan Uji 2", '"Rekaan, Uji 2"'),
        ("Rekaan Uji 2", "Rekaan\u00a0Uji 2"),
        ("\nRekaan Uji 2", "\n\nRekaan Uji 2"),
        ("\nRekaan Uji 2", "\nTotal,3\nRekaan Uji 2"),
    ],
)
def test_a_file_that_is_not_plain_is_read_as_a_whole(home: Home, found: str, written: str) -> None:
    text = csv_text([{"name": row.pop("name")} | row for row in (participant(number) for number in (1, 2, 3))])
    assert not taken(home, text.replace(found, written))
    assert len(home.core("participants")) == 3


def test_line_numbers_are_those_of_the_file_however_many_threads_read_it(home: Home) -> None:
    rows = [
        participant(number, nik=nik(number % 9_000 + 1), segment="X" if number % 997 == 0 else "BPU")
        for number in range(1, 20_000)
    ]
    assert taken(home, csv_text(rows))
    assert sorted(line or 0 for _, line in home.quarantine()) == [number + 1 for number in range(997, 20_000, 997)]
