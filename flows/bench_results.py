"""Results of the bench: one document a run, the table that people see, and the block of the README."""

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flows.bench import BENCH, LEAVES_OUT, Request, Run

RESULTS = BENCH / "results"
README = BENCH.parent / "README.md"
_BLOCK = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
_OWN = ("startup", "full", "idle", "again")
_COMPUTED_BY = ("duckdb", "polars", "deltalake", "great-expectations")


def document_of(request: Request, runs: Iterable[Run]) -> dict[str, Any]:
    """Describe what was measured, where and with what.

    Args:
        request: what was asked.
        runs: what came of it.
    """
    rows = [_row(run) for run in runs]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {name: version(name) for name in _COMPUTED_BY},
        "threads": request.threads,
        "memory_limit": request.memory,
        "runs": [row | _ratios(row, rows) for row in rows],
    }


def machine() -> dict[str, Any]:
    """Describe this machine."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _row(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": run.name, "title": run.title, "participants": run.size.participants, "offices": run.size.offices,
        "lines": dict(run.lines), "differences": run.differences, "note": run.note,
    }  # fmt: skip
    if run.cost is not None:
        row |= {
            "seconds": round(run.cost.seconds, 2), "cpu_seconds": round(run.cost.cpu_seconds, 2),
            "peak_mb": round(run.cost.peak_bytes / 2**20), "code": run.cost.code,
        }  # fmt: skip
    return row


def _ratios(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Give how a run stands to the floor and to the full night of the same month, start-up of ours taken off."""
    same = {other["name"]: other for other in rows if other["participants"] == row["participants"]}
    if row.get("code") not in (0, 3) or row["name"] == "simulate":
        return {}
    ratios = {"to_floor": same["floor"]["seconds"]} if "floor" in same else {}
    if row["name"] in _OWN and "full" in same:
        ratios |= {"to_full": _net(same["full"], same)}
    return {name: round(_net(row, same) / seconds, 3) for name, seconds in ratios.items() if seconds > 0}


def _net(row: Mapping[str, Any], same: Mapping[str, Mapping[str, Any]]) -> float:
    """Give the seconds of a run, of ours without those of start-up."""
    start = same["startup"]["seconds"] if row["name"] in _OWN and "startup" in same else 0.0
    return max(0.0, row["seconds"] - start)


def save(document: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Keep a document, by its day and machine.

    Args:
        document: what was measured.
        folder: where; beside other results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = document["machine"]
    words = re.sub(r"[^a-z0-9]+", "-", f"{described['cores']} cores {described['cpu']}".lower()).strip("-")
    path = folder / f"{document['at'][:10]}-{words}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def last_result(folder: Path = RESULTS) -> dict[str, Any] | None:
    """Give the newest document; null where there is none.

    Args:
        folder: where they lie.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return max(found, key=lambda document: str(document["at"]), default=None)


def table(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Give what people see of a document: headings, and a row a run.

    Args:
        document: what was measured.
    """
    headings = ("", "baris / rows", "detik / seconds", "CPU", "memori / memory", "x lantai / floor", "sama / agrees")
    return [headings, *map(_cells, _in_order(document))]


def _in_order(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the runs that people see: the largest month first, the floor before all."""
    runs = [run for run in document["runs"] if run["name"] != "simulate"]
    return sorted(runs, key=lambda run: (-run["participants"], _place(run["name"])))


def _place(name: str) -> int:
    order = ("floor", "startup", "full", "again", "idle")
    return order.index(name) if name in order else len(order)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "seconds" not in row:
        return (row["title"], f"{row['participants']:,}", "", "", "", "", row["note"])
    agrees = {None: "", 0: "ya / yes"}.get(row["differences"], f"{row['differences']} beda / differ")
    ended = row["note"] if row["code"] not in (0, 3) else agrees
    return (
        row["title"], f"{row['participants']:,}", f"{row['seconds']:,.1f}", f"{row['cpu_seconds']:,.1f}",
        f"{row['peak_mb']:,} MB", f"{row['to_floor']:.2f}" if "to_floor" in row else "", ended,
    )  # fmt: skip


def block(document: Mapping[str, Any]) -> str:
    """Write a document as the README shows it.

    Args:
        document: what was measured.
    """
    described = document["machine"]
    sentence = (
        f"{document['at'][:10]}, {described['cpu']}, {described['cores']} cores, {described['memory_gb']:g} GB: "
        "seconds as measured; against DuckDB alone without Cakupan's start-up ([how to read it](docs/bench.md))."
    )
    rows = [row for row in _in_order(document) if "seconds" in row and row["name"] != "startup"]
    sentence = " ".join([sentence, *left_out(document)])
    lines = [
        _headings(rows),
        ["---" for _ in [None, *rows]],
        ["seconds", *(f"{row['seconds']:,.1f}" for row in rows)],
        ["x DuckDB alone", *(f"{row['to_floor']:.2f}" if "to_floor" in row else row["note"] for row in rows)],
        ["memory, MB", *(f"{row['peak_mb']:,}" for row in rows)],
    ]
    return "\n".join([sentence, "", *("| " + " | ".join(cells) + " |" for cells in lines)]) + "\n"


def left_out(document: Mapping[str, Any]) -> list[str]:
    """Give a sentence on what others leave out of the job, and who.

    Args:
        document: what was measured.
    """
    titles: dict[str, list[str]] = {}
    for run in document["runs"]:
        begins, found, what = run["note"].partition(LEAVES_OUT)
        if found and not begins:
            titles.setdefault(what, []).append(run["title"])
    return [f"{_listed(names)} leave out {what}." for what, names in titles.items()]


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _headings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the runs; how many rows they read stands beside each, unless all read the same."""
    sizes = {f"{row['participants']:,} rows" for row in rows}
    if len(sizes) == 1:
        return [*sizes, *(row["title"] for row in rows)]
    return ["", *(f"{row['title']} ({row['participants']:,} rows)" for row in rows)]


def show_in_readme(document: Mapping[str, Any], readme: Path = README) -> None:
    """Put a document's block between the marks of the README.

    Args:
        document: what was measured.
        readme: the page.
    """
    text = readme.read_text(encoding="utf-8")
    readme.write_text(_BLOCK.sub(lambda marks: marks[1] + block(document) + marks[2], text), encoding="utf-8")
