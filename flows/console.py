"""What people see in a terminal: progress while files load, the attainment table, the counts."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flows.report import NightReport
from reports.summary import HEADINGS, attainment_lines, indonesian
from warehouse.file_loading import Progress as Tell
from warehouse.publish import Publication

_RESULTS = {
    "success": "berhasil / published",
    "warnings": "terbit dengan peringatan / published with warnings",
    "failure": "tidak terbit: pemeriksaan gagal / not published: a gate failed",
    "unchanged": "tidak ada yang baru / nothing new",
    "landed": "data baru dimuat / what was new is loaded",
    "dry_run": "uji coba, tidak ada yang ditulis / dry run, nothing written",
}

# Nobody reads more lines of files in which nothing is new.
_LISTED = 100


@contextmanager
def progress_display(*, quiet: bool) -> Generator[Tell]:
    """Show which file is read: a bar on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        yield lambda _file, _done, _of: None
    elif sys.stderr.isatty():
        with _bar_from_the_first_file() as tell:
            yield tell
    else:
        yield lambda file, done, of: print(f"{done}/{of} {file}", file=sys.stderr, flush=True)


@contextmanager
def _bar_from_the_first_file() -> Generator[Tell]:
    """Show a bar as soon as a file is read: while it stands, what is printed goes where the bar is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("…", total=None)

    def tell(file: str, done: int, of: int) -> None:
        bar.start()
        bar.update(task, description=file, completed=done, total=of)

    try:
        yield tell
    finally:
        bar.stop()


def print_report(report: NightReport, publication: Publication) -> None:
    """Print the end of a night: attainment, counts by file, result and where the build is."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    if report.build is not None:
        console.print(_attainment(publication.fetched(report.build.build_id)))
    console.print(_files(report))
    console.print(_ending(report, publication), highlight=False, soft_wrap=True)


def _attainment(folder: Path) -> Table:
    table = Table(title="Capaian target / Target attainment", title_justify="left")
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if 4 <= place <= 8 else "left", no_wrap=place == 0)
    for line in attainment_lines(folder):
        table.add_row(*line.cells())
    return table


def _files(report: NightReport) -> Table:
    table = Table(title="Berkas / Files", title_justify="left")
    for heading in ("Berkas", "Hasil", "Baris", "Judul", "Baik", "Karantina", "Kosong"):
        table.add_column(heading, justify="left" if heading in ("Berkas", "Hasil") else "right")
    unchanged = sum(loaded.verdict == "unchanged" for loaded in report.files)
    listed = [loaded for loaded in report.files if unchanged <= _LISTED or loaded.verdict != "unchanged"]
    if len(listed) < len(report.files):
        table.caption = f"dan {unchanged} berkas tanpa perubahan / and {unchanged} files unchanged"
    for loaded in listed:
        lines = loaded.lines
        counts = (lines.read, lines.header, lines.good, lines.quarantined, lines.blank)
        table.add_row(loaded.landed.file, loaded.verdict, *(indonesian(count, 0) for count in counts))
    return table


def _ending(report: NightReport, publication: Publication) -> str:
    lines = report.lines
    parts = [
        (
            f"Dibaca / read {lines.read} = judul / header {lines.header} + baik / good {lines.good} "
            f"+ karantina / quarantined {lines.quarantined} + kosong / blank {lines.blank}"
        ),
        f"Hasil / result: {_RESULTS[report.result]}",
    ]
    parts += [f"  ✗ {reason}" for reason in report.build.reasons] if report.build and not report.promoted else []
    if report.build is not None:
        parts.append(f"Pemeriksaan / checks: {', '.join(f'{n} {what}' for what, n in report.build.checks.items())}")
        parts.append(f"Build: {publication.place.uri}/builds/{report.build.build_id}")
    return "\n".join([*parts, *report.notes])
