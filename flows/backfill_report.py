"""What a backfill tells: its plan, what it would change, and whether it was promoted."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flows.report import GATE, OK, WARNINGS
from warehouse.backfill import Choice, Plan
from warehouse.manifest import Manifest

BackfillResult = Literal["planned", "nothing", "shown", "outdated", "different", "failure", "success", "warnings"]
_CODES = {"planned": OK, "nothing": OK, "shown": OK, "success": OK, "warnings": WARNINGS}


@dataclass(frozen=True)
class BackfillReport:
    """The outcome of one backfill.

    Attributes:
        result: ``planned`` (dry run), ``nothing`` (nothing to read), ``shown`` (built aside, not promoted),
            ``outdated`` (what was shown holds no more), ``different`` (what was made is not what was shown),
            ``failure`` (a gate failed), ``success`` or ``warnings`` (promoted).
        choice: the months and offices.
        plan: what was to be read.
        aside: the build aside.
        reading: what became of the files and lines that were read for it: ``lines``, ``files`` and ``notes``.
        diff: what changes from the promoted build to the one aside.
        build: the build that was made to be promoted.
        reasons: why nothing was promoted although it was asked for or could not be.
    """

    result: BackfillResult
    choice: Choice
    plan: Plan
    aside: Manifest | None = None
    reading: dict[str, Any] = field(default_factory=dict[str, Any])
    diff: dict[str, Any] | None = None
    build: Manifest | None = None
    reasons: list[str] = field(default_factory=list[str])

    @property
    def promoted(self) -> bool:
        """Whether the pointer moved."""
        return self.result in ("success", "warnings")

    @property
    def exit_code(self) -> int:
        """4 where a gate failed or what was shown is not what would be promoted; 3 promoted with warnings; else 0."""
        return _CODES.get(self.result, GATE)

    def as_json(self) -> dict[str, Any]:
        """Give the report as one JSON document."""
        plan = {
            "counts": self.plan.counts,
            "spots": [asdict(planned) for planned in self.plan.spots],
            "files": len(self.plan.files),
            "bytes": sum(file.size for file in self.plan.files),
            "unplaced": self.plan.unplaced,
        }
        return {
            "result": self.result,
            "promoted": self.promoted,
            "build_id": self.build.build_id if self.build else None,
            "from": self.choice.first,
            "to": self.choice.last,
            "offices": list(self.choice.offices),
            "only_missing": self.choice.only_missing,
            "plan": plan,
            "lines": self.reading.get("lines"),
            "files": self.reading.get("files", []),
            "notes": self.reading.get("notes", []),
            "aside": _brief(self.aside) if self.aside else None,
            "diff": self.diff,
            "reasons": self.reasons,
        }


def _brief(build: Manifest) -> dict[str, Any]:
    return {
        "build_id": build.build_id,
        "result": build.result,
        "as_of": build.as_of.isoformat(),
        "checks": build.checks,
        "reasons": build.reasons,
    }
