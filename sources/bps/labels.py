"""Labels of BPS as plain text: they come with HTML, with escaped HTML, and with footnote marks."""

import html
import re

# The nation is found by its label: its code is 9999 in most tables and 151 in one.
NATION_LABEL = "indonesia"
_FOOTNOTE = re.compile(r"<sup\b[^<>]*>.*?</sup>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|td|th|tr)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_REMARKS = "sementara|revisi|perbaikan|tetap|ramalan|proyeksi"
_MARKS = re.compile(
    rf"(?:\s*(?:[*†‡⁰¹²³⁴⁵⁶⁷⁸⁹ʳ]+[)⁾]?|\((?:\d{{1,2}}|[*rpxe]+|[^()]*(?:{_REMARKS})[^()]*)\)))+$", re.IGNORECASE
)
_YEAR = re.compile(rf"((?:19|20)[0-9]{{2}})(?:\s?r|\s(?:angka )?(?:{_REMARKS}))?")
_SOME_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_ROUNDS = {
    **dict.fromkeys(("februari", "pebruari", "feb"), "feb"),
    **dict.fromkeys(("agustus", "agt", "agst", "ags", "agu"), "aug"),
    **dict.fromkeys(("tahun", "tahunan", "setahun"), "annual"),
}
_CONDITION = re.compile(r"^(?:(?:keadaan|kondisi|posisi|bulan|sakernas|survei|periode)\s+)+")
_MONTH = (
    "januari|februari|pebruari|maret|april|mei|juni|juli|agustus|september|oktober|november|nopember|desember|"
    "jan|feb|mar|apr|jun|jul|agt|sep|okt|nov|des"
)
_OTHER = re.compile(
    rf"(?:{_MONTH})(?:\s?[-–/]\s?(?:{_MONTH}))?|"
    r"(?:triwulan|tw|kuartal|caturwulan|catur wulan|semester|minggu|q)[\s-]?\w*"
)


def plain(text: str) -> str:
    """Return a label without tags, footnote marks in tags and doubled spaces; `< 15` stays as it is."""
    open_text = _FOOTNOTE.sub("", html.unescape(text))
    return " ".join(_TAG.sub("", _BREAK.sub(" ", open_text)).split())


def unmarked(text: str) -> str:
    """Return a label without the marks at its end: `INDONESIA *)`, `2025 (Sementara)`, `Agustus¹`."""
    label = _MARKS.sub("", plain(text))
    is_left_over = label.endswith(")") and label.count(")") > label.count("(")
    return label.removesuffix(")").rstrip(" *") if is_left_over else label


def is_nation(text: str) -> bool:
    """Tell whether a row's label is the nation's."""
    return unmarked(text).lower() == NATION_LABEL


def year_of(text: str) -> int | None:
    """Give the year that a period's label is, from 1900 to 2099; null for a span of years or no year."""
    year = _YEAR.fullmatch(unmarked(text).lower())
    return int(year[1]) if year else None


def years_in(text: str) -> set[int]:
    """Give every year that stands somewhere in a label, also in one that is no year: `2024/2025`."""
    return {int(year) for year in _SOME_YEAR.findall(plain(text))}


def round_of(text: str) -> str | None:
    """Give the survey round that a label of a part of the year means: `feb`, `aug`, `annual`; null for none."""
    return _ROUNDS.get(_period(text))


def is_known_period(text: str) -> bool:
    """Tell whether a label is a round, a month, a quarter or another part of a year, and not some other word."""
    return round_of(text) is not None or _OTHER.fullmatch(_period(text)) is not None


def _period(text: str) -> str:
    return _CONDITION.sub("", unmarked(text).lower()).rstrip(".")
