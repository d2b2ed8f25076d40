"""Reading text as numbers, dates, months and identifiers: every way that files write them, and junk."""

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from babel.dates import format_date
from babel.numbers import NumberFormatError, format_decimal, parse_decimal
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import PERSON_KEY as KEY
from tests.support import nik
from transforms.clean import MACROS

EXCEL_ZERO = date(1899, 12, 30)
MONTHS = {
    1: ("Januari", "January", "Jan", "JAN"),
    2: ("Februari", "February", "Feb", "FEB", "Pebruari", "Peb"),
    3: ("Maret", "March", "Mar"),
    4: ("April", "Apr"),
    5: ("Mei", "May", "MEI"),
    6: ("Juni", "June", "Jun"),
    7: ("Juli", "July", "Jul"),
    8: ("Agustus", "August", "Agu", "Agt", "Ags", "Agst", "Aug", "AGT"),
    9: ("September", "Sep", "Sept", "SEP"),
    10: ("Oktober", "October", "Okt", "Oct"),
    11: ("November", "Nopember", "Nov", "Nop"),
    12: ("Desember", "December", "Des", "Dec"),
}


def _days(locale: str) -> str:
    return "plain" if locale == "plain" else "local"


@dataclass(frozen=True)
class Asker:
    """Evaluates macros over many texts in one query: planning a macro costs more than running it."""

    con: duckdb.DuckDBPyConnection

    def each(self, expression: str, texts: Sequence[str]) -> list[Any]:
        """Give the value of an expression over ``t`` for every text."""
        query = f"SELECT {expression} FROM (SELECT unnest($1::VARCHAR[]) AS t)"
        return [row[0] for row in self.con.execute(query, [list(texts)]).fetchall()]

    def numbers(self, texts: Sequence[str], locale: str) -> list[Decimal | None]:
        """Read numbers."""
        return self.each(f"read_number_{locale}(t, cell_text(t))", texts)

    def days(self, texts: Sequence[str], locale: str = "id") -> list[date | None]:
        """Read dates."""
        return self.each(f"read_date_{_days(locale)}(t, cell_text(t))", texts)

    def periods(self, texts: Sequence[str], locale: str = "id") -> list[str | None]:
        """Read months."""
        return self.each(f"read_period_{_days(locale)}(t, cell_text(t))", texts)


@pytest.fixture(scope="module")
def ask() -> Generator[Asker]:
    """Give a connection that has the macros."""
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute(MACROS.read_text(encoding="utf-8"))
    con.execute("SET VARIABLE today = DATE '2026-11-21'")
    con.execute("SET VARIABLE person_key = $1", [KEY])
    yield Asker(con)
    con.close()


MONEY = st.decimals(-(10**15), 10**15, places=8) | st.decimals(-(10**15), 10**15, places=2)
DAYS = st.dates(date(1930, 1, 1), date(2099, 12, 31))


def test_the_oracle_is_strict() -> None:
    with pytest.raises(NumberFormatError):
        parse_decimal("1.23", locale="id", strict=True)


@settings(max_examples=15, deadline=None)
@given(values=st.lists(MONEY, min_size=1, max_size=40), locale=st.sampled_from(["id", "en"]))
def test_a_number_written_by_babel_is_read_back_exactly(ask: Asker, values: list[Decimal], locale: str) -> None:
    texts = [format_decimal(value, locale=locale, decimal_quantization=False) for value in values]
    assert ask.numbers(texts, locale) == values


@settings(max_examples=15, deadline=None)
@given(values=st.lists(MONEY, min_size=1, max_size=40))
def test_a_plain_number_and_a_number_cell_are_read_back_exactly(ask: Asker, values: list[Decimal]) -> None:
    assert ask.numbers([f"{value:f}" for value in values], "plain") == values
    for locale in ("plain", "id", "en"):
        assert ask.numbers([f"\x01{value:f}" for value in values], locale) == values


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text("0123456789.,-+", min_size=1, max_size=12), min_size=20, max_size=80),
    locale=st.sampled_from(["id", "en"]),
)
def test_junk_is_null_or_what_babels_strict_parser_says(ask: Asker, texts: list[str], locale: str) -> None:
    for text, found in zip(texts, ask.numbers(texts, locale), strict=True):
        # "1.500,-" and "1.500,--" are how rupiah without cents are written, a plus stands for gains.
        bare = text.removesuffix(",--").removesuffix(",-").lstrip("+")
        assert found is None or found == parse_decimal(bare, locale=locale, strict=True), text


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text(max_size=12).map(lambda t: t.replace("\x00", "")), min_size=10, max_size=40))
def test_any_text_is_read_or_null_and_never_an_error(ask: Asker, texts: list[str]) -> None:
    for locale in ("plain", "id", "en"):
        assert all(isinstance(found, Decimal | None) for found in ask.numbers(texts, locale))
    assert all(isinstance(found, date | None) for found in ask.days(texts))
    assert all(isinstance(found, str | None) for found in ask.periods(texts))


def test_a_thousands_dot_is_thousands_in_indonesian_and_a_fraction_in_plain_text(ask: Asker) -> None:
    fraction = Decimal("7.708")
    assert ask.numbers(["7.708", "\x017.708", "0.708"], "id") == [7708, fraction, None]
    assert ask.numbers(["7.708", "7,708"], "plain") == [fraction, None]
    assert ask.numbers(["7.708", "7,708"], "en") == [fraction, 7708]


def test_amounts_and_magnitudes(ask: Asker) -> None:
    written = {
        "1.234.567,89": "1234567.89", "Rp 1.500.000": "1500000", "Rp1.500.000,-": "1500000", "Rp. 2.000,--": "2000",
        "IDR 36.800": "36800", "227 ribu": "227000", "103rb": "103000", "1,2 juta": "1200000", "1,2 Juta": "1200000",
        "3 miliar": "3000000000", "0,5 triliun": "500000000000", "4 jt": "4000000", "-12": "-12",
        "\xa07.708\xa0": "7708",
    }  # fmt: skip
    assert dict(zip(written, ask.numbers(list(written), "id"), strict=True)) == {
        text: Decimal(value) for text, value in written.items()
    }


def test_what_is_no_indonesian_number_is_null(ask: Asker) -> None:
    junk = [
        "", " ", "-", "juta", "1.23", "12.34.567", "1,2,3", "1e5", "5 orang", "4 jutaan", "٣", "1 234", "12-", "NaN",
        "inf", "0.708", "1.0000",
    ]  # fmt: skip
    assert dict(zip(junk, ask.numbers(junk, "id"), strict=True)) == dict.fromkeys(junk)


def test_every_spelling_of_a_month(ask: Asker) -> None:
    spelled = [(month, word) for month, words in MONTHS.items() for word in words]
    assert ask.each("month_number(t)", [word for _, word in spelled]) == [month for month, _ in spelled]
    assert ask.days([f"13 {word} 2017" for _, word in spelled]) == [date(2017, month, 13) for month, _ in spelled]
    assert ask.periods([f"{word} 2017" for _, word in spelled]) == [f"2017-{month:02}" for month, _ in spelled]
    junk = ["", "J", "Ma", "Agus", "Septem", "Foo", "Mai"]
    assert ask.each("month_number(t)", junk) == [None] * len(junk)


def written_days(when: date, word: str) -> list[str]:
    """Write a date in every way that files do."""
    d, m, y, serial = when.day, when.month, when.year, (when - EXCEL_ZERO).days
    return [
        f"{d} {word} {y}", f"{d:02} {word} {y}", f"{d}/{m}/{y}", f"{d:02}/{m:02}/{y}", f"{d}-{m}-{y}", f"{d}.{m}.{y}",
        f"{d:02}-{word.upper()}-{y}", f"Minggu, {d} {word} {y}", f"Jumat ({d}/{m}/{y})", when.isoformat(),
        f"{when.isoformat()} 00:00:00", f"{when.isoformat()}T00:00:00", f"{serial}", f"\x01{serial}",
        format_date(when, "long", locale="id"), format_date(when, "full", locale="id"),
    ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(when=DAYS, data=st.data())
def test_a_date_written_in_every_way_is_read_back(ask: Asker, when: date, data: st.DataObject) -> None:
    ways = written_days(when, data.draw(st.sampled_from(MONTHS[when.month])))
    assert dict(zip(ways, ask.days(ways), strict=True)) == dict.fromkeys(ways, when)


@settings(max_examples=10, deadline=None)
@given(days=st.lists(st.dates(date(1950, 1, 1), date(2049, 12, 31)), min_size=1, max_size=40))
def test_two_digits_of_a_year_are_read_as_oracle_writes_them(ask: Asker, days: list[date]) -> None:
    assert ask.days([f"{when:%d-%b-%y}".upper() for when in days]) == days
    assert ask.days([f"{when:%d/%m/%y}" for when in days]) == days


@settings(max_examples=10, deadline=None)
@given(when=DAYS)
def test_plain_files_write_iso_dates_only(ask: Asker, when: date) -> None:
    local = [f"{when:%d/%m/%Y}", f"{when.day} Mei {when.year}", str((when - EXCEL_ZERO).days)]
    assert ask.days([when.isoformat(), *local], "plain") == [when, None, None, None]


def test_dates_as_they_stand_in_files(ask: Asker) -> None:
    written = {
        "13 Agustus 2017": date(2017, 8, 13), "13/8/2017": date(2017, 8, 13), "22-SEP-2023": date(2023, 9, 22),
        "22-SEP-23": date(2023, 9, 22), "29 Pebruari 2024": date(2024, 2, 29), "42960": date(2017, 8, 13),
        "\x0142960": date(2017, 8, 13), "Minggu (13/8/2017)": date(2017, 8, 13), "\x0161": date(1900, 3, 1),
    }  # fmt: skip
    assert dict(zip(written, ask.days(list(written)), strict=True)) == written


def test_what_is_no_date_is_null(ask: Asker) -> None:
    junk = [
        "31/2/2024", "29-02-2023", "0/1/2020", "13/13/2017", "2017", "1 2017", "99999", "\x0199999999", "\x0180001",
        "\x01-3", "32 Mei 2020", "8/2017", "",
    ]  # fmt: skip
    assert dict(zip(junk, ask.days(junk), strict=True)) == dict.fromkeys(junk)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(when=DAYS, data=st.data())
def test_a_month_written_in_every_way_is_read_back(ask: Asker, when: date, data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(MONTHS[when.month]))
    m, y, serial = when.month, when.year, (when - EXCEL_ZERO).days
    month = f"{y}-{m:02}"
    local = [
        f"{word} {y}",
        f"{word}-{y}",
        f"{m}-{y}",
        f"{m:02}/{y}",
        f"{y}{m:02}",
        f"{m:02}{y}",
        f"{when.day} {word} {y}",
    ]
    every = [month, when.isoformat(), *local, f"\x01{serial}", f"\x01{y}{m:02}"]
    assert dict(zip(every, ask.periods(every), strict=True)) == dict.fromkeys(every, month)
    assert ask.periods([month, when.isoformat()], "plain") == [month, month]
    assert ask.periods(local, "plain") == [None] * len(local)


def test_what_is_no_month_of_a_year_is_null(ask: Asker) -> None:
    junk = ["2026-13", "2026-00", "13-2026", "202613", "132026", "Foo 2026", "2026", "", "26-10"]
    assert dict(zip(junk, ask.periods(junk), strict=True)) == dict.fromkeys(junk)


def test_booleans(ask: Asker) -> None:
    true, false = ["true", "Ya", "Y", "t", "1", "YES", "\x011"], ["false", "Tidak", "n", "F", "0", "no", "\x010"]
    assert ask.each("read_boolean(cell_text(t))", true) == [True] * len(true)
    assert ask.each("read_boolean(cell_text(t))", false) == [False] * len(false)
    assert ask.each("read_boolean(cell_text(t))", ["", "mungkin", "2", "yaa"]) == [None] * 4


@settings(max_examples=10, deadline=None)
@given(
    people=st.lists(st.tuples(st.dates(date(1927, 1, 1), date(2026, 11, 21)), st.booleans()), min_size=1, max_size=60)
)
def test_a_nik_tells_date_of_birth_and_sex(ask: Asker, people: list[tuple[date, bool]]) -> None:
    identities = [nik(1, born, woman=woman) for born, woman in people]
    assert ask.each("nik_birth_date(t)", identities) == [born for born, _ in people]
    assert ask.each("nik_sex(t)", identities) == ["P" if woman else "L" for _, woman in people]


def test_the_date_in_a_nik_must_be_in_the_calendar(ask: Asker) -> None:
    digits = {
        "290200": date(2000, 2, 29), "690200": date(2000, 2, 29), "290224": date(2024, 2, 29),
        "290228": date(1928, 2, 29), "290299": None, "290226": None, "290230": None, "310490": None,
        "710390": date(1990, 3, 31), "710490": None, "720190": None, "000190": None, "400190": None,
        "011390": None, "010090": None,
    }  # fmt: skip
    found = ask.each("nik_birth_date('991301' || t || '0001')", list(digits))
    assert dict(zip(digits, found, strict=True)) == digits
    misshapen = ["", "99130103029000", "991301030290000A", "99130103029000011"]
    assert ask.each("nik_birth_date(t)", misshapen) == [None] * 4


@settings(max_examples=10, deadline=None)
@given(
    identities=st.lists(st.text("0123456789ABC", min_size=11, max_size=16), min_size=1, max_size=40),
    kind=st.sampled_from(["nik", "kpj"]),
)
def test_a_keyed_hash_is_pythons_sha256(ask: Asker, identities: list[str], kind: str) -> None:
    expected = [hashlib.sha256((KEY + kind + identity).encode()).digest()[:16] for identity in identities]
    assert ask.each(f"keyed_hash('{kind}', t)", identities) == expected


def test_a_hash_differs_under_another_key_and_for_another_kind() -> None:
    con = duckdb.connect()
    con.execute(MACROS.read_text(encoding="utf-8"))
    hashes: list[bytes] = []
    for key in ("one key for tests", "another key for tests"):
        con.execute("SET VARIABLE person_key = $1", [key])
        hashes += con.execute("SELECT keyed_hash('nik', $1), keyed_hash('kpj', $1)", [nik(1)]).fetchall()[0]
    assert len(set(hashes)) == 4
    assert {len(each) for each in hashes} == {16}


def test_a_kemendagri_code_gets_its_dots(ask: Asker) -> None:
    codes = {
        "1310": "13.10", "13.10": "13.10", "13": "13", "131004": "13.10.04", "1310042003": "13.10.04.2003",
        "0000": "0000", "13100": "13100", "Solok": "Solok",
    }  # fmt: skip
    assert dict(zip(codes, ask.each("dotted(t)", list(codes)), strict=True)) == codes


def test_the_last_day_of_a_month_and_how_names_are_compared(ask: Asker) -> None:
    assert ask.each("last_day_of(t)", ["2024-02", "2024-13"]) == [date(2024, 2, 29), None]
    assert ask.each("alias_of(t)", ["  Kab.   Solok  Selatan "]) == ["kab. solok selatan"]
