"""Read one delimited text file (already inflated) as a table, in bounded memory."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sources import refusals
from sources.decoding import blocks, chunks, survey
from sources.fields import Source, with_fields
from sources.grammar import Grammar
from sources.layouts import Candidate, Header, find_header
from sources.lines import Records, physical_lines, records
from sources.shaping import Shaper, undecodable
from sources.straight import straight_text
from sources.tables import DAMAGED, LineCount, Refusal, Request, SourceTable

_DELIMITERS = ";,\t|"
_HEADER_SPAN = 20
_ROWS_AFTER = 9
_SHOWN_LINE = 60_000


def open_text(path: Path, file: str, ending: str, request: Request) -> SourceTable:
    """Find a text file's layout; its rows are read when the table's batches are asked for.

    Args:
        path: the bytes, inflated.
        file: the name to report.
        ending: the ending of that name.
        request: what to read, and the bounds.

    Raises:
        Refusal: the file is empty, not text, or its header belongs to no layout.
    """
    try:
        found = survey(path, ending, request.limits)
        lines = _first_lines(path, found.encoding, request.limits.header_lines + _HEADER_SPAN)
        header = find_header(_candidates(lines, request.limits.header_lines), request, "text", None)
    except Refusal as refusal:
        count = refused_lines(path, refusal)
        refusal = refusals.empty_file() if count.read and count.read == count.blank else refusal
        raise refusal.at(file, None, count) from None
    above = lines[: header.last_line]
    reader = _TextReader(path, found.encoding, header, above, request)
    straight = straight_text(path, found, header, above, lambda: _shaper(header, above))
    return SourceTable(file, None, header.plan.layout, reader.read, straight=straight)


def _shaper(header: Header, above: Sequence[str]) -> Shaper:
    blank = sum(not line.strip(header.delimiter + " \t") for line in above)
    return Shaper(header, header_lines=len(above) - blank, blank_lines=blank)


def _first_lines(path: Path, encoding: str, wanted: int) -> list[str]:
    """Return the first lines as text, each cut at 60,000 characters."""
    data = b""
    for block in blocks(path, encoding, 2**20):
        data += block
        if data.count(b"\n") > wanted:
            break
    lines = data.decode("utf-8", "replace").lstrip("\ufeff").split("\n")
    return [line[:_SHOWN_LINE] for line in lines[: wanted + 1]]


def _candidates(lines: Sequence[str], reach: int) -> Iterator[Candidate]:
    for index, line in enumerate(lines[:reach]):
        for delimiter in _DELIMITERS:
            if line.strip(delimiter + " \t\r\ufeff"):
                rows, ends = _rows(lines[index : index + _HEADER_SPAN], delimiter)
                if rows:
                    yield Candidate(index + 1, delimiter, rows, [index + end for end in ends])


def _rows(lines: Sequence[str], delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Return the first rows of some lines and the line that each of them ends at."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
            if len(rows) == _ROWS_AFTER:
                break
    except csv.Error:
        pass
    return rows, ends


def refused_lines(path: Path, refusal: Refusal | None = None) -> LineCount:
    """Count the lines of a file that is refused; bytes that are no text have none.

    Args:
        path: the bytes, inflated as far as they go.
        refusal: why it is refused, None where the bytes are text that is cut off.
    """
    if refusal is not None and refusal.code in {"wrong_content", "line_too_long"}:
        return LineCount()
    read = blank = header = 0
    encoding = "utf-8"
    with path.open("rb") as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            encoding = "utf-16"
    for chunk in chunks(path, encoding, 2**23):
        lines = chunk.removesuffix(b"\n").split(b"\n")
        empty = [not line.strip(b" \t;,|\xef\xbb\xbf") for line in lines]
        header += empty[: max(0, (refusal.header_line if refusal else 0) - read)].count(False)
        read += len(lines)
        blank += sum(empty)
    return LineCount(read, header, blank)


class _TextReader:
    """Reads the rows under a header, chunk by chunk."""

    def __init__(self, path: Path, encoding: str, header: Header, above: Sequence[str], request: Request) -> None:
        plan = header.plan
        self._path = path
        self._encoding = encoding
        self._limits = request.limits
        self._grammar = Grammar(header.delimiter, len(plan.names), plan.named)
        self._skip = header.last_line
        self._one_piece = path.stat().st_size <= request.limits.chunk_bytes
        self._shaper = _shaper(header, above)

    def read(self, table: SourceTable) -> Iterator[pl.DataFrame]:
        """Yield the batches, then write the table's count."""
        line, skip, waiting = 1, self._skip, b""
        for piece in chunks(self._path, self._encoding, self._limits.chunk_bytes):
            if skip and (lines := _lines_up_to(piece, skip)) < skip + 1:
                skip, line = skip - lines, line + lines
                continue
            chunk = _Chunk(waiting + piece if waiting else piece, line + skip, skip)
            batch, line, waiting = self._batch(chunk, at_end=self._one_piece)
            skip = 0
            yield batch
        if waiting:
            batch, line, _ = self._batch(_Chunk(waiting, line, 0), at_end=True)
            yield batch
        table.count = self._shaper.count(line - 1)

    def _batch(self, chunk: "_Chunk", *, at_end: bool) -> tuple[pl.DataFrame, int, bytes]:
        """Return a chunk's records, the next line's number, and the bytes that must wait."""
        lines = physical_lines(chunk.data, chunk.first, chunk.skip)
        quoted = b'"' in chunk.data
        found = Records(_each_line(lines), None)
        if quoted:
            found = records(lines, self._grammar, self._limits.record_lines, at_end=at_end)
        frame = self._shaper.without_blank(found.frame, pl.col("_raw").str.contains(self._grammar.blank))
        if not chunk.data.isascii() and DAMAGED.encode() in chunk.data:
            frame = frame.with_columns(undecodable())
        untouched = frame.height == lines.height
        source = Source(chunk.data, chunk.skip) if untouched else None
        fields = with_fields(frame, self._grammar, source, quoted=quoted)
        batch = self._shaper.shape(fields, last=self._one_piece)
        if found.waiting_from is None:
            return batch, chunk.first + lines.height, b""
        rest = lines.filter(pl.col("_line") >= found.waiting_from)["_raw"].to_list()
        return batch, found.waiting_from, ("\n".join(rest) + "\n").encode()


@dataclass(frozen=True)
class _Chunk:
    """A piece of the file: its bytes, the number of its first record's line, the lines to skip before."""

    data: bytes
    first: int
    skip: int


def _lines_up_to(piece: bytes, lines: int) -> int:
    """Return how many lines a piece has, or one more than `lines` where it has more than that."""
    start = counted = 0
    while start < len(piece) and counted <= lines:
        start = piece.find(b"\n", start) + 1 or len(piece)
        counted += 1
    return counted


def _each_line(lines: pl.DataFrame) -> pl.DataFrame:
    one, none = pl.lit(1, pl.Int32).alias("_lines"), pl.lit(None, pl.String).alias("_problem")
    return lines.select("_line", one, none, "_raw")
