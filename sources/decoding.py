"""Turn a text file's bytes into UTF-8 blocks with plain newlines, deciding the encoding once, beforehand."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sources import refusals
from sources.tables import DAMAGED, Limits

_BLOCK = 8 * 2**20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SIGNATURES = (
    (b"PK\x03\x04", "berkas ZIP atau XLSX", "a ZIP or XLSX file"),
    (b"\xd0\xcf\x11\xe0", "buku kerja Excel lama", "an old Excel workbook"),
    (b"PAR1", "berkas Parquet", "a Parquet file"),
    (b"\x1f\x8b", "berkas gzip", "a gzip file"),
    (b"%PDF", "dokumen PDF", "a PDF document"),
)
# NUL and the two control characters that this package uses itself can only be damage in a text file.
_CONTROLS = (b"\x00", b"\x01", b"\x02")
_ODD = (b'"', *_CONTROLS)
_ODD_LETTERS = (chr(160).encode(), DAMAGED.encode())


@dataclass(frozen=True)
class Survey:
    """What one look at a text file's bytes found.

    Attributes:
        encoding: by BOM, else strict UTF-8, else cp1252.
        lines: how many lines it has.
        is_straight: UTF-8 with line ends of one kind and nothing that a reader must put right: no quotes, no control
            or replacement characters, no no-break spaces.
    """

    encoding: str
    lines: int
    is_straight: bool


class _Looks:
    """What the blocks of a file have in common, told block by block."""

    def __init__(self) -> None:
        self._newlines = self._returns = self._pairs = 0
        self._last = b""
        self._is_odd = False

    def add(self, block: bytes) -> None:
        """Look at the next block."""
        self._newlines += block.count(b"\n")
        if b"\r" in block or self._last == b"\r":
            self._returns += block.count(b"\r")
            self._pairs += block.count(b"\r\n") + (self._last == b"\r" and block.startswith(b"\n"))
        self._last = block[-1:]
        self._is_odd = self._is_odd or _is_odd(block)

    def told(self, encoding: str) -> Survey:
        """Tell what was found, once the encoding is known."""
        lines = self._newlines + (self._last not in {b"", b"\n"})
        one_kind = self._returns == self._pairs and self._pairs in {0, self._newlines}
        return Survey(encoding, lines, encoding in {"utf-8", "utf-8-sig"} and one_kind and not self._is_odd)


def _is_odd(block: bytes) -> bool:
    # A single byte is found ten times as fast as several.
    return any(odd in block for odd in _ODD) or any(odd[:1] in block and odd in block for odd in _ODD_LETTERS)


def survey(path: Path, ending: str, limits: Limits) -> Survey:
    """Read a text file once and tell how it is to be read.

    Args:
        path: the file (already inflated).
        ending: the ending of its name, for the refusal's sentence.
        limits: `line_bytes` bounds the longest line.

    Raises:
        Refusal: the file is empty, another format under this name, or has an endless line.
    """
    with path.open("rb") as file:
        start = file.read(8)
    for signature, found_id, found_en in _SIGNATURES:
        if start.startswith(signature):
            raise refusals.wrong_content(ending, found_id, found_en)
    marked = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    strict = codecs.getincrementaldecoder("utf-8")("strict")
    encoding, line, content, looks = marked or "utf-8", 0, False, _Looks()
    for block in _raw_blocks(path, _BLOCK):
        looks.add(block)
        content = content or bool(block.strip(b"\x00 \t\r\n\xff\xfe\xef\xbb\xbf"))
        line = _line_length(line, block)
        if line > limits.line_bytes:
            raise refusals.line_too_long(limits.line_bytes)
        encoding = encoding if marked or encoding != "utf-8" or _decodes(strict, block) else "cp1252"
    if not content:
        raise refusals.empty_file()
    if not marked and encoding == "utf-8" and not _decodes(strict, b"", final=True):
        encoding = "cp1252"
    return looks.told(encoding)


def blocks(path: Path, encoding: str, size: int = _BLOCK) -> Iterator[bytes]:
    """Yield the file as UTF-8 with LF newlines; what cannot be decoded becomes U+FFFD.

    Args:
        path: the file.
        encoding: what `survey` found.
        size: how many bytes are read at a time.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    held = b""
    for raw in _raw_blocks(path, size):
        text = raw if encoding == "utf-8" else decoder.decode(raw).encode()
        block = held + text if held else text
        # A carriage return at the very end may be half of a CRLF.
        held = block[-1:] if block.endswith(b"\r") else b""
        yield _plain(block[:-1] if held else block)
    yield _plain(held + (b"" if encoding == "utf-8" else decoder.decode(b"", final=True).encode()))


def _plain(block: bytes) -> bytes:
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for control in _CONTROLS:
        if control in block:
            block = block.replace(control, DAMAGED.encode())
    return block


def _raw_blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(size):
            yield block


def _line_length(line: int, block: bytes) -> int:
    """Return the length of the line that is open at the block's end, or of a longer one inside."""
    last = max(block.rfind(b"\n"), block.rfind(b"\r"))
    return line + len(block) if last < 0 else len(block) - last - 1


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    """Tell whether the next bytes are UTF-8; plain ASCII is told by a look that costs a tenth."""
    if not final and block.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def chunks(path: Path, encoding: str, size: int) -> Iterator[bytes]:
    """Yield the normalised file in pieces of about `size` bytes, each cut after a newline.

    The last piece ends where the file ends, with or without a newline. A file of at most `size` bytes is
    exactly one piece (none if it is empty).
    """
    parts: list[bytes] = []
    if path.stat().st_size <= size:
        whole = b"".join(block for block in blocks(path, encoding, size) if block)
        if whole:
            yield whole
        return
    for block in blocks(path, encoding, size):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join([*parts, block[:cut]])
            parts = [block[cut:]] if cut < len(block) else []
        elif block:
            parts.append(block)
    if parts:
        yield b"".join(parts)
