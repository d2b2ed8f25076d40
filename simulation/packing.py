"""From the text that DuckDB wrote to the bytes that an office sends: encoded, compressed, put into a sheet."""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from simulation.layouts import Manner

_BLOCK = 2**22
# Fast, and half a line smaller than the best.
_LEVEL = 1
_SHEET_NAME = "Peserta"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
SHEET_BEGINS = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
SHEET_ENDS = "</sheetData></worksheet>"
_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_CONTENT}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_CONTENT}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    f'<sheet name="{_SHEET_NAME}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
}


def pack(written: Path, to: Path, manner: Manner) -> None:
    """Make the office's file of what DuckDB wrote; the same bytes at any time.

    Args:
        written: text in UTF-8 with LF newlines, or a sheet's XML.
        to: the file to make; its folder exists.
        manner: how the office sends it.
    """
    if manner.container == "sheet":
        _zipped(to, {"xl/worksheets/sheet1.xml": lambda: _read(written)}, _PARTS)
    elif manner.inner:
        _zipped(to, {manner.inner: lambda: _encoded(written, manner)}, {})
    elif manner.name.endswith(".gz"):
        with to.open("wb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as opened:
            _copy(_encoded(written, manner), opened)
    else:
        with to.open("wb") as opened:
            _copy(_encoded(written, manner), opened)


def _copy(blocks: Iterator[bytes], to: "IO[bytes] | gzip.GzipFile") -> None:
    for block in blocks:
        to.write(block)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        while block := opened.read(_BLOCK):
            yield block


def _encoded(written: Path, manner: Manner) -> Iterator[bytes]:
    """Yield the text in its encoding; U+0081, which stands for damage, becomes a byte that cp1252 does not know."""
    if manner.encoding != "utf-8":
        yield "".encode(manner.encoding)
    with written.open(encoding="utf-8", newline="") as opened:
        while text := opened.read(_BLOCK):
            lines = text.replace("\n", manner.newline)
            yield _bytes(lines, manner.encoding)


def _bytes(text: str, encoding: str) -> bytes:
    if encoding == "cp1252":
        return b"\x81".join(part.encode(encoding) for part in text.split("\x81"))
    return text.encode({"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding))


def _zipped(to: Path, streamed: "dict[str, Callable[[], Iterator[bytes]]]", others: dict[str, str]) -> None:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, text in others.items():
            archive.writestr(_undated(name), text, compresslevel=_LEVEL)
        for name, blocks in streamed.items():
            with archive.open(_undated(name), "w", force_zip64=True) as member:
                _copy(blocks(), member)


def _undated(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def archive_of(members: dict[str, bytes]) -> bytes:
    """Give a ZIP archive of small members; the same bytes at any time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(_undated(name), content, compresslevel=_LEVEL)
    return made.getvalue()


def workbook_of(sheet: str) -> bytes:
    """Give a workbook with one small sheet, given as its XML."""
    return archive_of(
        {**{name: text.encode() for name, text in _PARTS.items()}, "xl/worksheets/sheet1.xml": sheet.encode()}
    )
