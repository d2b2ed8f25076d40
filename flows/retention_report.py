"""What a retention tells: what went and why, what stays, and the exit code."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from reports.summary import indonesian
from warehouse.removal import Gone, Kind, Reason
from warehouse.retention import Rules, Stays

RetentionResult = Literal["dry_run", "removed", "nothing"]
_REASONS: dict[Reason, tuple[str, str]] = {
    "passed": (
        "lebih tua dari {builds} hari, bukan {newest} terbaru, bukan yang terakhir di bulannya",
        "older than {builds} days, not of the newest {newest}, not the last of its month",
    ),
    "failed": ("gagal, lebih tua dari {failed} hari", "failed, older than {failed} days"),
    "aside": ("build samping, lebih tua dari {failed} hari", "built aside, older than {failed} days"),
    "unfinished": ("tidak pernah selesai", "never finished"),
    "quarantine": (
        "diperbaiki atau diganti lebih dari {quarantine} hari lalu",
        "mended or replaced more than {quarantine} days ago",
    ),
    "small_files": ("banyak berkas kecil dijadikan satu", "many small files become one"),
    "log": ("mendahului versi tertua yang disimpan", "before the oldest version that is kept"),
    "data": ("bukan bagian versi yang disimpan", "of no version that is kept"),
    "raw": (
        "tiba lebih dari {raw} hari lalu, tidak dirujuk apa pun yang disimpan",
        "arrived more than {raw} days ago, nothing that is kept refers to it",
    ),
    "leftovers": ("sisa proses yang mati", "left by runs that died"),
    "copies": ("salinan lokal yang tidak ada lagi di bucket", "local copies of what is no longer in the bucket"),
}


_KINDS: dict[Kind, str] = {
    "build": "build",
    "unfinished": "build",
    "quarantine": "baris / lines:",
    "small_files": "berkas kecil / small files:",
    "log": "riwayat / log:",
    "data": "data:",
    "raw": "berkas mentah / raw:",
    "leftovers": "sisa / leftovers:",
    "copies": "salinan / copies:",
}
_STAYS: dict[Stays, str] = {
    "promoted": "terbit / promoted",
    "grace": "masa tenggang / grace time",
    "young": "muda / young",
    "newest": "terbaru / newest",
    "month": "akhir bulan / last of a month",
}
_RESULTS: dict[RetentionResult, str] = {
    "dry_run": "Uji coba, tidak ada yang dihapus / dry run, nothing removed",
    "removed": "Dihapus / removed",
    "nothing": "Tidak ada yang perlu dihapus / nothing to remove",
}


@dataclass
class RetentionReport:
    """The outcome of one retention."""

    is_dry_run: bool
    rules: Rules
    gone: list[Gone] = field(default_factory=list[Gone])
    builds: Mapping[str, Stays] = field(default_factory=dict[str, Stays])

    @property
    def result(self) -> RetentionResult:
        """The result in one word."""
        return "dry_run" if self.is_dry_run else "removed" if self.gone else "nothing"

    @property
    def exit_code(self) -> int:
        """Always 0: what cannot be done is raised."""
        return 0

    @property
    def files(self) -> int:
        """How many files went in all."""
        return sum(gone.files for gone in self.gone)

    @property
    def bytes(self) -> int:
        """How large they were in all."""
        return sum(gone.bytes for gone in self.gone)

    @property
    def stays(self) -> dict[Stays, int]:
        """How many builds stay, by the first reason."""
        return dict(Counter(self.builds.values()))

    def why(self, gone: Gone) -> tuple[str, str]:
        """Give the reason in Indonesian and in English."""
        rules = self.rules
        numbers = {
            "builds": rules.builds.days,
            "newest": rules.newest_builds,
            "failed": rules.failed_builds.days,
            "quarantine": rules.quarantine.days,
            "raw": rules.raw.days,
        }
        indonesian, english = _REASONS[gone.reason]
        return indonesian.format(**numbers), english.format(**numbers)

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON document."""
        return {
            "result": self.result,
            "files": self.files,
            "bytes": self.bytes,
            "gone": [asdict(gone) | dict(zip(("why_id", "why_en"), self.why(gone), strict=True)) for gone in self.gone],
            "builds_kept": dict(self.builds),
        }


def print_retention(report: RetentionReport) -> None:
    """Print what went, or would go, and how many builds stay."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    if report.gone:
        console.print(_table(report))
    size = f"{indonesian(report.files, 0)} berkas / files, {readable(report.bytes)}"
    kept = ", ".join(f"{count} {_STAYS[reason]}" for reason, count in report.stays.items())
    print(f"Build yang disimpan / builds kept: {kept or '0'}")
    print(f"{_RESULTS[report.result]}: {size}" if report.gone else _RESULTS["nothing"])


def _table(report: RetentionReport) -> Table:
    title = "Yang akan dihapus / What would go" if report.is_dry_run else "Yang dihapus / What went"
    table = Table(title=title, title_justify="left")
    for heading in ("Apa", "Mengapa / Why", "Berkas", "Ukuran"):
        table.add_column(heading, justify="right" if heading in ("Berkas", "Ukuran") else "left")
    for gone in report.gone:
        what = f"{_KINDS[gone.kind]} {gone.what}".strip()
        table.add_row(what, " / ".join(report.why(gone)), indonesian(gone.files, 0), readable(gone.bytes))
    return table


def readable(size: int) -> str:
    """Write a number of bytes for people, in the manner of Indonesia: `1,5 GB`."""
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if size >= 10**power:
            return f"{indonesian(size / 10**power, 1)} {unit}"
    return f"{size} B"
