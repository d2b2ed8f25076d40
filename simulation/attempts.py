"""Whole files that cannot be taken: failed deliveries beside the exports, one at least of every kind."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import polars as pl

from simulation.country import Country
from simulation.layouts import CANONICAL, DATED, Layout, Manner
from simulation.options import Options
from simulation.packing import archive_of, workbook_of
from simulation.rendering import Export, lines_sql
from simulation.truth import Counts, Told

# The first members of an office stand in for a whole export.
_MEMBERS = 24
# Broken files are a quarter as frequent as broken lines.
_FILES_BROKEN = 0.25
_LONG_LINE = 17 * 2**20
_BOTH_HEADERS = (
    "No. KPJ", "NIK", "Segmen", "Program", "Kode Wilayah", "BLTH Terakhir",
    "Membership No", "National ID", "Segment", "Programmes", "Regency Code", "Last Paid Month",
)  # fmt: skip
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FAR_CELL = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    "</sheetData></worksheet>"
)
# Lines that are wrong about the office or the month: the rule, and what stands instead.
STRANGERS = (("office_unknown", "K-TAK-ADA", ""), ("office_closed", "DPS", ""), ("period_in_future", "", "2099-01"))
Lines = Sequence[str]


@dataclass(frozen=True)
class Attempt:
    """One kind of file that cannot be taken.

    Attributes:
        code: the refusal.
        name: the file's name, beside the office's export.
        content: the bytes, made of the lines of a sound file, the header first.
        counts: what must become of its lines.
        inside: the name inside an archive that is refused, not the archive.
        folder: the folder instead of the office's own, with its code and month.
        is_single: whether there is one such file only, because it has the same bytes or is large.
    """

    code: str
    name: str
    content: Callable[[Lines], bytes]
    counts: Callable[[Lines], Counts] = lambda _lines: Counts()
    inside: str = ""
    folder: str = "participants/{office}/{period}"
    is_single: bool = False


def _text(lines: Lines) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _below_header(lines: Lines) -> Counts:
    return Counts(len(lines), 1, 0, len(lines) - 1)


def _all_data(lines: Lines) -> Counts:
    return Counts(len(lines), 0, 0, len(lines))


def _truncated(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _left_of(lines: Lines) -> list[str]:
    """Give the lines that come out of the truncated gzip file before it ends."""
    inflated = zlib.decompressobj(31).decompress(_truncated(_gzipped(_text(lines))))
    return inflated.decode("utf-8", "replace").removesuffix("\n").split("\n")


def _locked(content: bytes) -> bytes:
    """Set the flag of encryption in an archive of one member."""
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    locked = bytearray(content)
    locked[local + 6] |= 1
    locked[central + 8] |= 1
    return bytes(locked)


def _parquet(lines: Lines, *, is_nested: bool) -> bytes:
    frame = pl.read_csv(io.BytesIO(_text(lines)), infer_schema=False)
    made = io.BytesIO()
    (frame.with_columns(pl.concat_list("name").alias("name")) if is_nested else frame).write_parquet(made)
    return made.getvalue()


def _renamed(lines: Lines, column: str, header: str) -> bytes:
    """Give the lines with another header of one column."""
    return _text([",".join(header if name == column else name for name in lines[0].split(",")), *lines[1:]])


def _zipped(lines: Lines) -> bytes:
    return archive_of({"export.csv": _text(lines)})


def _blank_lines(_lines: Lines) -> Counts:
    return Counts(read=3, blank=3)


def _nothing_inside(_lines: Lines) -> bytes:
    return archive_of({"__MACOSX/._export.csv": b"", "Thumbs.db": b""})


def _locked_workbook(_lines: Lines) -> bytes:
    return _OLD_WORKBOOK + "EncryptedPackage".encode("utf-16-le")


ATTEMPTS = (
    Attempt("empty_file", "kosong.csv", lambda _: b"", is_single=True),
    Attempt("empty_file", "baris kosong.csv", lambda _: b"\r\n\r\n\r\n", _blank_lines, is_single=True),
    Attempt("unknown_ending", "export.ods", _text),
    Attempt("wrong_content", "sebenarnya zip.csv", _zipped),
    Attempt("wrong_content", "halaman.xls", lambda _: b"<html><table></table></html>", is_single=True),
    Attempt(
        "damaged_file",
        "terpotong.csv.gz",
        lambda lines: _truncated(_gzipped(_text(lines))),
        lambda lines: _all_data(_left_of(lines)),
    ),
    Attempt("damaged_file", "terpotong.zip", lambda lines: _truncated(_zipped(lines))),
    Attempt("damaged_file", "terpotong.xlsx", lambda _: _truncated(workbook_of(_FAR_CELL)), is_single=True),
    Attempt("damaged_file", "terpotong.parquet", lambda lines: _truncated(_parquet(lines, is_nested=False))),
    Attempt("password_protected", "terkunci.zip", lambda lines: _locked(_zipped(lines)), inside="export.csv"),
    Attempt("password_protected", "terkunci.xlsx", _locked_workbook, is_single=True),
    Attempt("unreadable_workbook", "sel jauh.xlsx", lambda _: workbook_of(_FAR_CELL), is_single=True),
    Attempt("line_too_long", "satu baris.csv.gz", lambda _: _gzipped(b"9" * _LONG_LINE), is_single=True),
    Attempt(
        "nested_columns",
        "daftar.parquet",
        lambda lines: _parquet(lines, is_nested=True),
        lambda lines: _all_data(lines[1:]),
    ),
    Attempt("no_tables", "sampah.zip", _nothing_inside, is_single=True),
    Attempt(
        "nested_archive", "bertumpuk.zip", lambda lines: archive_of({"dalam.zip": _zipped(lines)}), inside="dalam.zip"
    ),
    Attempt("unknown_header", "tanpa kpj.csv", lambda lines: _renamed(lines, "kpj", "nomor"), _below_header),
    Attempt("duplicate_column", "dua kpj.csv", lambda lines: _renamed(lines, "agent_code", "kpj"), _below_header),
    Attempt(
        "ambiguous_header",
        "dua bahasa.csv",
        lambda lines: _text([";".join(_BOTH_HEADERS), *lines[1:]]),
        _below_header,
    ),
    Attempt("path_differs", "salah folder.csv", _text, _below_header, folder="participants/SALAH/{period}"),
    Attempt("unknown_dataset", "export.csv", _text, _all_data, folder="pesertaa/{office}/{period}"),
)
CLAIM = Attempt("partition_claimed_twice", "kiriman kedua.csv", _text, _below_header)


def claimed_places(country: Country, options: Options) -> frozenset[tuple[str, str]]:
    """Give the offices and months that two files claim: one in the middle of the last month, where that leaves others.

    Args:
        country: the simulated country.
        options: what is simulated.
    """
    offices = [office.code for office in country.offices if office.members >= _MEMBERS]
    if not options.dirty or len(offices) < 3:
        return frozenset()
    return frozenset({(offices[len(offices) // 2], options.periods()[-1])})


def write_attempts(country: Country, options: Options, exports: Sequence[Export]) -> list[Told]:
    """Write files that must be refused, and one whose every line is wrong about the office or the month.

    Args:
        country: the simulated country.
        options: what is simulated.
        exports: the sound files, beside which they lie.

    Returns:
        What must become of them.
    """
    told = [_claim(country, options, export) for export in exports if export.is_claimed]
    count = round(options.dirty * _FILES_BROKEN * len(exports))
    places = cycle(export for export in exports if not export.is_claimed)
    for number, (attempt, export) in enumerate(zip(_kinds(count), places, strict=False)):
        header, *rows = _sound_lines(country, options, export, CANONICAL)
        turn = number % len(rows)
        told.append(_written(options, export, attempt, [header, *rows[turn:], *rows[:turn]], number))
    return [*told, _strangers(country, options, exports[0])]


def _kinds(count: int) -> Iterator[Attempt]:
    """Yield every kind once, then those that may come again, until there are so many."""
    yield from ATTEMPTS
    yield from islice(cycle(attempt for attempt in ATTEMPTS if not attempt.is_single), max(0, count - len(ATTEMPTS)))


def _claim(country: Country, options: Options, export: Export) -> Told:
    layout = DATED if "exported_at" in export.manner.layout.columns else CANONICAL
    return _written(options, export, CLAIM, _sound_lines(country, options, export, layout), 0)


def _strangers(country: Country, options: Options, export: Export) -> Told:
    """Write lines of an office that nobody knows, of one that has closed, and of a month to come; none can be taken."""
    header, *rows = _sound_lines(country, options, export, CANONICAL)
    cases = cycle(STRANGERS)
    told = [
        (_about(row, office or export.office.code, period or export.period), rule)
        for row, (rule, office, period) in zip(rows, cases, strict=False)
    ]
    file = "participants/susulan.csv"
    (options.out / file).write_bytes(_text([header, *(line for line, _ in told)]))
    entries = tuple((line, rule) for line, (_, rule) in enumerate(told, 2))
    return Told(file, Counts(len(told) + 1, 1, 0, len(told)), file, entries=entries)


def _about(row: str, office: str, period: str) -> str:
    return ",".join([office, period, *row.split(",")[2:]])


def _sound_lines(country: Country, options: Options, export: Export, layout: Layout) -> list[str]:
    sound = replace(options, dirty=0.0)
    select = lines_sql(country, sound, replace(export, manner=Manner(layout)), 2)
    with country.con.cursor() as con:
        rows = con.execute(f"SELECT line FROM ({select}) LIMIT {_MEMBERS}").fetchall()
    return [",".join(layout.columns), *(str(row[0]) for row in rows)]


def _written(options: Options, export: Export, attempt: Attempt, lines: Lines, number: int) -> Told:
    folder = attempt.folder.format(office=export.office.code, period=export.period)
    file = f"{folder}/{number // len(ATTEMPTS) + 1} {attempt.name}"
    path = options.out / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(attempt.content(lines))
    inside = f"{file}!{attempt.inside}" if attempt.inside else file
    return Told(file, attempt.counts(lines), inside, code=attempt.code)
