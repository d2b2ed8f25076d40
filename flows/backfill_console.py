"""What people see of a backfill: its plan, what it would change, and what comes next."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.backfill_report import BackfillReport
from reports.summary import indonesian
from warehouse.backfill import Plan
from warehouse.load import Lines

_MOST_SPOTS, _MOST_ROWS, _MOST_MOVES, _MOST_NAMES = 60, 20, 8, 10
_ACTIONS = {
    "reload": "baca ulang / read again",
    "load": "muat / load",
    "keep": "biarkan / keep",
    "lost": "byte hilang / bytes lost",
    "absent": "tidak dikirim / not sent",
}
_RESULTS = {
    "planned": "hanya rencana, tidak ada yang ditulis / only planned, nothing written",
    "nothing": "tidak ada yang dapat dibaca / nothing to read",
    "shown": "dibangun di samping, tidak terbit / built aside, not promoted",
    "outdated": "yang diperlihatkan tidak berlaku lagi / what was shown holds no more",
    "different": "hasilnya lain dari yang diperlihatkan, tidak terbit / not what was shown, not promoted",
    "failure": "pemeriksaan gagal, tidak terbit / a gate failed, not promoted",
    "success": "terbit / promoted",
    "warnings": "terbit dengan peringatan / promoted with warnings",
}
_UNPLACED = (
    "Tanpa kantor dan bulan di jalurnya, malam yang membacanya / "
    "without office and month in the path, the night reads them"
)
_NEXT = "Untuk menerbitkan: perintah yang sama dengan --promote / to promote: the same command with --promote"


def print_plan(plan: Plan) -> None:
    """Print what a backfill will read: each month of each office where they are few, else their counts by month."""
    console = _console()
    console.print(_spots(plan) if len(plan.spots) <= _MOST_SPOTS else _months(plan))
    counts = [f"{indonesian(count, 0)} {_ACTIONS[action]}" for action, count in plan.counts.items() if count]
    size = indonesian(sum(file.size for file in plan.files) / 1_000_000, 1)
    lines = [
        f"Rencana / plan: {', '.join(counts) or '–'}",
        f"Dibaca / to be read: {indonesian(len(plan.files), 0)} berkas / files, {size} MB",
    ]
    if plan.unplaced:
        lines.append(f"{_UNPLACED}: {_few(plan.unplaced)}")
    _print_lines(console, lines)


def print_outcome(report: BackfillReport, publish: str) -> None:
    """Print what a backfill would change or has changed, why it was not promoted, and what comes next.

    Args:
        report: the outcome.
        publish: where builds are published.
    """
    console = _console()
    if report.reading:
        _print_lines(console, _reading(report.reading))
    if report.diff is not None:
        _print_diff(console, report.diff)
    _print_lines(console, _ending(report, publish))


def _ending(report: BackfillReport, publish: str) -> list[str]:
    lines = [f"Hasil / result: {_RESULTS[report.result]}", *(f"  ✗ {reason}" for reason in report.reasons)]
    if report.aside is not None:
        checks = ", ".join(f"{count} {what}" for what, count in report.aside.checks.items())
        lines.append(f"Pemeriksaan / checks: {checks}")
    if report.aside is not None and not report.promoted:
        lines.append(f"Di samping / aside: {publish}/aside/builds/{report.aside.build_id}")
    if report.build is not None:
        lines.append(f"Build: {publish}/builds/{report.build.build_id}")
    return [*lines, _NEXT] if report.result == "shown" else lines


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 140)


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _table(title: str, texts: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in texts:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def _spots(plan: Plan) -> Table:
    table = _table("Rencana / Plan", ("Bulan", "Kantor", "Tindakan", "Berkas"))
    for planned in plan.spots:
        table.add_row(planned.period, planned.office_code, _ACTIONS[planned.action], "\n".join(planned.files))
    return table


def _months(plan: Plan) -> Table:
    table = _table("Rencana, kantor per bulan / Plan, offices by month", ("Bulan",), tuple(_ACTIONS.values()))
    counts = Counter((planned.period, planned.action) for planned in plan.spots)
    for month in sorted({planned.period for planned in plan.spots}):
        table.add_row(month, *(indonesian(counts[month, action], 0) for action in _ACTIONS))
    return table


def _reading(reading: dict[str, Any]) -> list[str]:
    lines = Lines(**reading["lines"])
    verdicts = Counter(file["verdict"] for file in reading["files"])
    return [
        (
            f"Dibaca / read {lines.read} = judul / header {lines.header} + baik / good {lines.good} "
            f"+ karantina / quarantined {lines.quarantined} + kosong / blank {lines.blank}"
        ),
        f"Berkas / files: {', '.join(f'{count} {verdict}' for verdict, count in sorted(verdicts.items()))}",
        *_at_most(reading["notes"]),
    ]


def _at_most(notes: list[str]) -> list[str]:
    more = len(notes) - _MOST_ROWS
    return notes[:_MOST_ROWS] + ([f"… dan {more} lagi / and {more} more: --json"] if more > 0 else [])


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" … +{more}" if more > 0 else "")


def _print_diff(console: Console, diff: dict[str, Any]) -> None:
    """Print what changes by mart, the published months that move and why, and the biggest moves."""
    tables: dict[str, dict[str, Any]] = diff["tables"]
    counted = ("rows_before", "rows_after", "came", "went", "changed")
    rows = _table("Yang berubah / What changes", ("Mart",), ("sebelum", "sesudah", "datang", "pergi", "berubah"))
    for name, found in tables.items():
        rows.add_row(name, *(indonesian(found[count], 0) for count in counted))
    console.print(rows)
    months = [(name, month) for name, found in tables.items() for month in found["months"]]
    if months:
        console.print(_moved_months(months))
    moves = [(name, move) for name, found in tables.items() for move in found["moves"][:_MOST_MOVES]]
    if moves:
        console.print(_biggest(moves))


def _moved_months(months: list[tuple[str, dict[str, Any]]]) -> Table:
    table = _table("Bulan yang bergeser / Months that move", ("Mart", "Per", "Angka", "Sebab"), ("Baris",))
    for name, month in months[:_MOST_ROWS]:
        table.add_row(name, month["as_of"], month["figure"], _short(month["cause"]), indonesian(month["rows"], 0))
    if len(months) > _MOST_ROWS:
        table.caption = f"… +{len(months) - _MOST_ROWS}: --json"
    return table


def _biggest(moves: list[tuple[str, dict[str, Any]]]) -> Table:
    table = _table("Pergeseran terbesar / Biggest moves", ("Mart", "Kunci", "Angka"), ("Sebelum", "Sesudah"))
    for name, move in moves:
        key = [str(value) for word, value in move.items() if word not in ("figure", "before", "after", "cause")]
        table.add_row(name, " ".join(key), move["figure"], _number(move["before"]), _number(move["after"]))
    return table


def _number(value: str | int | None) -> str:
    return indonesian(None if value is None else float(value), 0)


def _short(cause: str) -> str:
    return cause if len(cause) <= 60 else f"{cause[:57]}…"
