"""What a night tells: the counts, the verdict of every file, the build, and the exit code."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from warehouse.load import Lines, LoadedFile
from warehouse.manifest import Manifest

NightResult = Literal["success", "warnings", "failure", "unchanged", "landed", "dry_run"]

OK, FAULT, USAGE, WARNINGS, GATE, SOURCE, LEASE = range(7)
_CODES = {"success": OK, "unchanged": OK, "landed": OK, "dry_run": OK, "warnings": WARNINGS, "failure": GATE}


@dataclass
class NightReport:
    """The outcome of one night."""

    result: NightResult
    files: list[LoadedFile]
    build: Manifest | None = None
    promoted: bool = False
    source_missing: bool = False

    @property
    def lines(self) -> Lines:
        """The lines that were read, over all files."""
        total = Lines()
        for loaded in self.files:
            total.add(loaded.lines)
        return total

    @property
    def notes(self) -> list[str]:
        """What is to be said of single files, beside their verdict."""
        return [f"{loaded.landed.file}: {note}" for loaded in self.files for note in loaded.notes]

    @property
    def exit_code(self) -> int:
        """The first that holds of: a gate stopped publication, a required source is missing, warnings, ok."""
        if self.result == "failure" and self.source_missing:
            return SOURCE
        return _CODES[self.result]

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON document."""
        return {
            "build_id": self.build.build_id if self.build else None,
            "result": self.result,
            "promoted": self.promoted,
            "lines": asdict(self.lines),
            "files": [
                {
                    "file": loaded.landed.file,
                    "dataset": loaded.landed.dataset,
                    "sha256": loaded.source_key,
                    "verdict": loaded.verdict,
                    "lines": asdict(loaded.lines),
                }
                for loaded in self.files
            ],
            "checks": self.build.checks if self.build else {"pass": 0, "fail": 0, "error": 0, "warn": 0},
            "reasons": self.build.reasons if self.build else [],
            "notes": self.notes,
        }
