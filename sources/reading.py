"""Open whatever landed: each table of a file as a `SourceTable`, or a `Refusal` that says why not."""

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import cast

import polars as pl

from expectations.profiles import Profile
from sources import refusals
from sources.packages import sound_archive
from sources.parquet import open_parquet
from sources.tables import Layout, Limits, LineCount, Refusal, Request, SourceTable
from sources.text import open_text, refused_lines
from sources.workbooks import open_workbook

__all__ = ["Layout", "Limits", "LineCount", "Refusal", "SourceTable", "open_tables"]

_TEXT = (".csv", ".tsv")
_GZIPPED = (".csv.gz", ".tsv.gz")
_WORKBOOK = (".xlsx", ".xls")
_ENDINGS = (*_GZIPPED, *_TEXT, *_WORKBOOK, ".parquet", ".zip")
_LITTER = {".ds_store", "thumbs.db", "desktop.ini"}
_BLOCK = 2**20

Outcome = SourceTable | Refusal


def open_tables(
    path: Path,
    file: str,
    dataset: str,
    columns: Sequence[str],
    required: Sequence[str],
    profiles: Sequence[Profile],
    work_dir: Path,
    limits: Limits | None = None,
) -> Iterator[Outcome]:
    """Yield every table of a landed file: a sheet, a member of an archive, or the file itself.

    Args:
        path: the file's bytes (its own name does not matter).
        file: the path within the landing zone; its ending says what the bytes should be.
        dataset: the dataset that the file landed in.
        columns: the dataset's canonical columns.
        required: those that a canonical header must have.
        profiles: the dataset's other layouts.
        work_dir: where archives are inflated; each inflated file is deleted once its batches are read.
        limits: bounds on memory and size; the defaults suit a machine of 4 GB.

    Yields:
        Tables, whose batches are read when asked for, and refusals. A refusal never ends its neighbours.
        Bytes that are damaged, foreign or endless are always a refusal, never another exception.
    """
    request = Request(dataset, columns, required, profiles, work_dir, limits or Limits())
    yield from _opened(path, file, request, inside=False)


def _opened(path: Path, file: str, request: Request, *, inside: bool) -> Iterator[Outcome]:
    """Yield a file's tables; what refuses the file as a whole is one refusal."""
    ending = _ending(file)
    try:
        if ending in _TEXT:
            yield open_text(path, file, ending, request)
        elif ending in _GZIPPED:
            yield from _gunzipped(path, file, ending, request)
        elif ending in _WORKBOOK:
            yield from open_workbook(path, file, ending, request)
        elif ending == ".parquet":
            yield open_parquet(path, file, request)
        elif ending == ".zip" and not inside:
            yield from _archived(path, file, request)
        elif ending == ".zip":
            raise refusals.nested_archive()
        else:
            raise refusals.unknown_ending(ending)
    except Refusal as refusal:
        yield refusal.at(file, refusal.sheet, refusal.lines)


def _ending(file: str) -> str:
    name = PurePosixPath(file.replace("!", "/")).name.lower()
    known = next((ending for ending in _ENDINGS if name.endswith(ending)), None)
    return known or PurePosixPath(name).suffix


def _gunzipped(path: Path, file: str, ending: str, request: Request) -> Iterator[Outcome]:
    if path.stat().st_size == 0:
        raise refusals.empty_file()
    inflated = _new_file(request.work_dir)
    try:
        with gzip.open(path) as opened:
            _copy(opened, inflated, request.limits.inflated_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        refusal = refusals.damaged("berkas gzip", "gzip file").at(file, None, refused_lines(inflated))
        inflated.unlink()
        raise refusal from None
    except BaseException:
        inflated.unlink()
        raise
    yield from _then_deleted(inflated, _text_of(inflated, file, ending, request))


def _text_of(path: Path, file: str, ending: str, request: Request) -> Iterator[Outcome]:
    try:
        yield open_text(path, file, ending, request)
    except Refusal as refusal:
        yield refusal


def _archived(path: Path, file: str, request: Request) -> Iterator[Outcome]:
    """Yield the tables of every member; a damaged member leaves the others alone."""
    if path.stat().st_size == 0:
        raise refusals.empty_file()
    with sound_archive("arsip ZIP", "ZIP archive"):
        archive = zipfile.ZipFile(path)
    with archive:
        members = [member for member in archive.infolist() if not _is_litter(member)]
        if not members:
            raise refusals.no_tables()
        left = request.limits.inflated_bytes
        for member in members:
            inner = f"{file}!{member.filename}"
            try:
                inflated = _inflated(archive, member, left, request)
            except Refusal as refusal:
                yield refusal.at(inner)
                continue
            left -= inflated.stat().st_size
            yield from _then_deleted(inflated, _opened(inflated, inner, request, inside=True))


def _is_litter(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    hidden = path.name.startswith("._") or path.name.lower() in _LITTER
    return member.filename.endswith("/") or hidden or "__MACOSX" in path.parts


def _inflated(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, request: Request) -> Path:
    if member.flag_bits & 1:
        raise refusals.password_protected()
    inflated = _new_file(request.work_dir)
    try:
        with sound_archive("isi arsip ZIP", "member of the ZIP archive"), archive.open(member) as opened:
            _copy(cast("BufferedIOBase", opened), inflated, left)
    except BaseException:
        inflated.unlink()
        raise
    return inflated


def _new_file(work_dir: Path) -> Path:
    work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=work_dir, prefix="inflated-", delete=False) as made:
        return Path(made.name)


def _copy(opened: BufferedIOBase, to: Path, limit: int) -> None:
    """Copy a stream, stopping with a refusal as soon as it exceeds the limit (bytes)."""
    left = limit
    with to.open("wb") as written:
        while block := opened.read1(_BLOCK):
            left -= len(block)
            if left < 0:
                raise refusals.too_large(limit)
            written.write(block)


def _then_deleted(path: Path, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Pass outcomes on; the file goes with the last batch of its table, or at once without a table."""
    tables = 0
    for outcome in outcomes:
        if isinstance(outcome, SourceTable):
            tables += 1
            handed_on = replace(outcome, produce=_deleting(path, outcome))
            yield handed_on
            if handed_on.is_taken:
                path.unlink()
        else:
            yield outcome
    if not tables:
        path.unlink(missing_ok=True)


def _deleting(path: Path, table: SourceTable) -> Callable[[SourceTable], Iterator[pl.DataFrame]]:
    def produce(outer: SourceTable) -> Iterator[pl.DataFrame]:
        try:
            yield from table.batches()
            outer.count = table.count
        finally:
            path.unlink(missing_ok=True)

    return produce
