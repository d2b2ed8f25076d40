"""Look into an .xlsx package before it is parsed: its size, its checksums, and its error cells."""

import errno
import html
import re
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sources import refusals

_BLOCK = 2**20
_SHEET = re.compile(rb"<sheet\b[^>]*>")
_RELATION = re.compile(rb"<Relationship\b[^>]*>")
_ATTRIBUTE = re.compile(rb'([\w:]+)="([^"]*)"')
_ERROR = re.compile(
    rb'<c\b(?=[^>]*\bt="e")(?=[^>]*\br="([A-Z]{1,3})(\d{1,7})")[^>]*>'
    rb"(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>([^<]{1,20})</v>"
)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)


@dataclass(frozen=True)
class ErrorCell:
    """A cell that holds an error such as `#N/A`; row and column count from 0."""

    row: int
    column: int
    text: str


def checked_package(path: Path, limit: int) -> dict[str, list[ErrorCell]]:
    """Read a workbook's package through once and return its error cells by sheet name.

    The parser shows an error cell as an empty one, and an empty wage is not the same as `#REF!`.

    Args:
        path: the .xlsx file.
        limit: how many bytes all parts may have when inflated.

    Raises:
        Refusal: the package is damaged, encrypted, no workbook, or inflates beyond the limit.
    """
    with sound_archive("buku kerja Excel", "Excel workbook"), zipfile.ZipFile(path) as package:
        return _checked(package, limit)


@contextmanager
def sound_archive(kind_id: str, kind_en: str) -> Generator[None]:
    """Turn what zipfile raises on damaged bytes into a refusal; a fault of the disk stays a fault.

    Args:
        kind_id: what is read, in Indonesian.
        kind_en: the same in English.
    """
    try:
        yield
    except _BROKEN:
        raise refusals.damaged(kind_id, kind_en) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a damaged directory points before the file's beginning
            raise
        raise refusals.damaged(kind_id, kind_en) from None


def _checked(package: zipfile.ZipFile, limit: int) -> dict[str, list[ErrorCell]]:
    left = limit
    with_errors: list[str] = []
    for part in package.infolist():
        if part.flag_bits & 1:
            raise refusals.password_protected()
        left, has_errors = _read_through(package, part, left)
        if left < 0:
            raise refusals.too_large(limit)
        if has_errors:
            with_errors.append(part.filename)
    sheets = _sheet_parts(package) if with_errors else {}
    return {name: _error_cells(package.read(part)) for name, part in sheets.items() if part in with_errors}


def _read_through(package: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> tuple[int, bool]:
    """Inflate one part, which checks its checksum; return what is left of the limit, and if it has errors."""
    found, tail = False, b""
    watched = part.filename.startswith("xl/worksheets/")
    with package.open(part) as opened:
        while left >= 0 and (block := opened.read(_BLOCK)):
            left -= len(block)
            found = found or (watched and b't="e"' in tail + block)
            tail = block[-5:]
    return left, found


def _sheet_parts(package: zipfile.ZipFile) -> dict[str, str]:
    """Return the part that holds each sheet, by the sheet's name."""
    relations = {
        attributes.get("Id", ""): attributes.get("Target", "")
        for attributes in _tags(_RELATION, package.read("xl/_rels/workbook.xml.rels"))
    }
    sheets = _tags(_SHEET, package.read("xl/workbook.xml"))
    return {
        html.unescape(attributes.get("name", "")): _part(relations.get(attributes.get("r:id", ""), ""))
        for attributes in sheets
    }


def _part(target: str) -> str:
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _tags(pattern: re.Pattern[bytes], xml: bytes) -> list[dict[str, str]]:
    return [
        {key.decode(): value.decode("utf-8", "replace") for key, value in _ATTRIBUTE.findall(tag)}
        for tag in pattern.findall(xml)
    ]


def _error_cells(xml: bytes) -> list[ErrorCell]:
    return [
        ErrorCell(int(row) - 1, _column(letters), html.unescape(text.decode("utf-8", "replace")))
        for letters, row, text in _ERROR.findall(xml)
    ]


def _column(letters: bytes) -> int:
    """Return a column's position from its letters (`A` is 0)."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1
