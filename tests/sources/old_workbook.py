"""A minimal .xls of our own making: no library in the project writes the old format."""

import struct

_SECTOR = 512
_END, _FAT, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def old_workbook(rows: list[list[str | float]], sheet: str = "Peserta") -> bytes:
    """Return a workbook (BIFF8 in a compound file) with one sheet of texts and numbers."""
    stream = _workbook_stream(rows, sheet)
    stream += bytes(max(4096, -(-len(stream) // _SECTOR) * _SECTOR) - len(stream))
    sectors = len(stream) // _SECTOR
    fat = [_FAT, _END, *range(3, sectors + 2), _END]
    fat += [_FREE] * (_SECTOR // 4 - len(fat))
    directory = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 2, len(stream))
    directory += bytes(_SECTOR - len(directory))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    return header + struct.pack(f"<{len(fat)}I", *fat) + directory + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le")
    head = encoded + bytes(64 - len(encoded)) + struct.pack("<HBB", len(encoded) + 2, kind, 1)
    return head + struct.pack("<III", _FREE, _FREE, child) + bytes(36) + struct.pack("<IIxxxx", start, size)


def _workbook_stream(rows: list[list[str | float]], sheet: str) -> bytes:
    name = sheet.encode("latin-1")
    start = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    bound = len(start) + 4 + 8 + len(name) + 4
    globals_ = start + _record(0x0085, struct.pack("<IBBBB", bound, 0, 0, len(name), 0) + name) + _record(0x000A, b"")
    cells = [_cell(row, column, value) for row, line in enumerate(rows) for column, value in enumerate(line)]
    begin = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    return globals_ + begin + b"".join(cells) + _record(0x000A, b"")


def _cell(row: int, column: int, value: str | float) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, str):
        text = value.encode("latin-1")
        return _record(0x0204, place + struct.pack("<HB", len(text), 0) + text)
    return _record(0x0203, place + struct.pack("<d", value))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content
