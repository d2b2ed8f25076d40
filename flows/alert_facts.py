"""What is told of a night, a sweep or a look: taken from its report, its fault, or what the dead man's check found."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from expectations.suites import CheckResult
from flows.report import NightReport
from flows.settings import (
    BUSINESS_ZONE,
    Settings,
    UnknownDatasetError,
    UnknownPlaceError,
    business_today,
    place_of,
)
from flows.steps import Night
from reports.message import Facts, Origin, Reason, Result
from reports.summary import late_sentences
from sources.landing import LandingError
from sources.places import PlaceError
from warehouse.away import AwayError
from warehouse.checks import stopping
from warehouse.person_key import PersonKeyError
from warehouse.publish import Publication

# What ends otherwise, a dry run or a mere sweep, is no news about a night.
TOLD: Mapping[str, Result] = {
    "success": "published",
    "warnings": "warnings",
    "unchanged": "unchanged",
    "failure": "gate",
}


def now() -> datetime:
    """Give this moment in the zone in which people are told times."""
    return datetime.now(BUSINESS_ZONE)


def facts_of_report(report: NightReport, night: Night) -> Facts:
    """Give what is told of a night that came to its end.

    Args:
        report: how it went; its result is one of `TOLD`.
        night: what it worked with.
    """
    checks = _checks(report, night.publication)
    stops = stopping(checks)
    return Facts(
        result="source" if report.source_missing else TOLD[report.result],
        as_of=night.as_of,
        at=now(),
        place=night.settings.publish,
        in_use=_in_use(night.settings),
        reasons=tuple(_reason(check) for check in stops),
        late=tuple(late_sentences([check for check in checks if check not in stops])),
        files=_files(report),
        lines=asdict(report.lines),
        checks=report.build.checks if report.build else {},
    )


def _checks(report: NightReport, publication: Publication) -> list[CheckResult]:
    """Give the checks of the night's build; none where they cannot be read: then the rest is told."""
    try:
        return publication.checks(report.build.build_id) if report.build else []
    except OSError:
        return []


def _in_use(settings: Settings) -> str | None:
    """Give the build that readers have; null where there is none, or the place does not say."""
    try:
        return Publication(place_of(settings.publish, settings)).promoted_id()
    except (OSError, UnknownPlaceError):
        return None


def _reason(check: CheckResult) -> Reason:
    """Take a check's own sentences; of what it observed only a count, for a text could come from anywhere."""
    seen = check["observed"]
    return Reason(
        table=check["table"],
        code=check["code"],
        message_id=check["message_id"],
        message_en=check["message_en"],
        observed=seen if isinstance(seen, int | float) else None,
        could_judge=check["outcome"] != "error",
    )


def _files(report: NightReport) -> dict[str, int]:
    verdicts = Counter(loaded.verdict for loaded in report.files)
    read = len(report.files) - verdicts["unchanged"]
    return {"read": read, "partly_quarantined": verdicts["partly_quarantined"], "refused": verdicts["refused"]}


def facts_of_fault(fault: Exception, night: Night, origin: Origin = "night") -> Facts:
    """Give what is told of a night or a sweep that broke off: the kind of its fault, never what a library says.

    Args:
        fault: what ended it.
        night: what it worked with.
        origin: what broke off.
    """
    result, sentence = _kind(fault)
    return Facts(
        result=result,
        as_of=night.as_of,
        at=now(),
        origin=origin,
        place=night.settings.publish,
        in_use=None if result == "unreachable" else _in_use(night.settings),
        sentences=(sentence,) if sentence else (),
    )


def _kind(fault: Exception) -> tuple[Result, str]:
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from expectations.profiles import ProfileError

    if isinstance(fault, LandingError):
        return "source", str(fault)
    if isinstance(fault, PlaceError):
        return "unreachable", str(fault)
    if isinstance(fault, PersonKeyError):
        return "key", ""
    wrong = (AwayError, ProfileError, UnknownDatasetError, UnknownPlaceError, ValidationError, SettingsError)
    return "settings" if isinstance(fault, wrong) else "fault", _type_of(fault)


def _type_of(fault: Exception) -> str:
    """Name a fault by its type, and one of the system by the system's own words; its text may hold anything."""
    named = f": {os.strerror(fault.errno)}" if isinstance(fault, OSError) and fault.errno else ""
    return type(fault).__name__ + named


def facts_of_landing(settings: Settings) -> Facts:
    """Give what is told of a sweep of the landing zone that came to its end."""
    return Facts("landed", business_today(), now(), "land", settings.publish)


def facts_of_look(found: Mapping[str, Any], settings: Settings) -> Facts:
    """Give what is told by the dead man's check.

    Args:
        found: what `flows.health.status_of` gives.
        settings: where builds are published.
    """
    sentences: Sequence[str] = found["unreadable"]
    result: Result = "unreachable" if sentences else "too_old" if found["too_old"] else "alive"
    return Facts(
        result=result,
        as_of=business_today(),
        at=now(),
        origin="watch",
        place=settings.publish,
        in_use=found["promoted"],
        sentences=tuple(sentences),
        age_hours=found["age_hours"],
    )
