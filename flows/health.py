"""Is it well: what the last night did, and whether this machine can run the next one."""

import os
import platform
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict, cast

from flows.settings import Settings, place_of
from sources.places import Folder, Place, PlaceError
from warehouse.connections import Limits, connect
from warehouse.house import House
from warehouse.manifest import Manifest
from warehouse.person_key import SHORTEST
from warehouse.publish import Publication
from warehouse.waiting import waiting_by_rule

_LIBRARIES = ("duckdb", "polars", "pyarrow", "deltalake", "great-expectations", "prefect")
_LEAST_DISK = 2 * 1024**3
_LEAST_MEMORY = 4 * 1024**3


class Finding(TypedDict):
    """One thing that was looked at on this machine."""

    what: str
    found: str
    expected: str
    fit: bool


def status_of(settings: Settings, max_age_hours: float | None) -> dict[str, Any]:
    """Tell how the last nights went.

    Args:
        settings: where lake and builds are.
        max_age_hours: how old the last build that passed may be; null asks for nothing.

    Returns:
        ``last`` and ``promoted`` build with results, ``age_hours`` of the newest build that passed, ``too_old``,
        ``late`` (messages), ``quarantine`` (lines by dataset and rule).
    """
    publication = Publication(place_of(settings.publish, settings))
    manifests = publication.builds()
    passed = next((manifest for manifest in manifests if manifest.result != "failure"), None)
    age = _age_hours(publication, passed)
    return {
        "last": _brief(manifests[0]) if manifests else None,
        "promoted": publication.promoted_id(),
        "age_hours": age,
        "too_old": max_age_hours is not None and (age is None or age > max_age_hours),
        "late": _late(publication),
        "quarantine": _quarantine(settings),
    }


def _brief(manifest: Manifest) -> dict[str, Any]:
    return {
        "build_id": manifest.build_id,
        "result": manifest.result,
        "as_of": manifest.as_of.isoformat(),
        "reasons": manifest.reasons,
    }


def _age_hours(publication: Publication, passed: Manifest | None) -> float | None:
    """Give the age of the newest sign of success: a build that passed, or a night that confirmed it."""
    if passed is None:
        return None
    confirmed = publication.confirmed_at()
    newest = max(filter(None, [datetime.fromisoformat(passed.created_at), confirmed]))
    return round((datetime.now(UTC) - newest).total_seconds() / 3600, 2)


def _late(publication: Publication) -> list[str]:
    promoted = publication.promoted()
    if promoted is None:
        return []
    checks = publication.checks(promoted.build_id)
    codes = ("freshness", "office_late", "required_absent")
    return [f"{c['message_id']} / {c['message_en']}" for c in checks if c["outcome"] == "fail" and c["code"] in codes]


def _quarantine(settings: Settings) -> list[dict[str, Any]]:
    with connect(Limits(settings.memory_limit, settings.threads)) as con:
        counted = waiting_by_rule(con, House(place_of(settings.lake, settings)))
    return [{"dataset": dataset, "rule": rule, "lines": lines} for dataset, rule, lines in counted]


def print_status(found: dict[str, Any]) -> None:
    """Print what `status_of` found."""
    last: dict[str, Any] | None = found["last"]
    print(
        f"Build terakhir / last build: {last['build_id']} {last['result']}"
        if last
        else "belum ada build / no build yet"
    )
    for reason in cast("list[str]", last["reasons"]) if last else []:
        print(f"  {reason}")
    age = "–" if found["age_hours"] is None else f"{found['age_hours']} jam / hours"
    print(f"Terbit / promoted: {found['promoted'] or '–'}; sukses terakhir / last success: {age}")
    for sentence in found["late"]:
        print(f"Terlambat / late: {sentence}")
    for entry in found["quarantine"]:
        print(f"Karantina / quarantine: {entry['lines']} baris {entry['dataset']} {entry['rule']}")


def examine(settings: Settings) -> list[Finding]:
    """Look at what a run needs on this machine.

    Args:
        settings: which folders are used.

    Returns:
        One finding a thing, with what was found and what is expected.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    findings = [_finding("python", python, ">= 3.11", fit=sys.version_info >= (3, 11)), _memory(), _key(settings)]
    findings += [_library(name) for name in _LIBRARIES]
    findings += [_writable(name, place_of(getattr(settings, name), settings)) for name in ("lake", "publish")]
    landing = place_of(settings.landing, settings)
    return [*findings, _landing(landing), _disk(place_of(settings.lake, settings).root)]


def _landing(landing: Place) -> Finding:
    found, is_there = _looked_at(landing)
    hint = "" if is_there else " does not exist yet: make it, or name another with --landing"
    expected = "a folder, or a bucket that can be read"
    fit = is_there or (isinstance(landing, Folder) and not landing.root.is_file())
    return _finding("landing", f"{found}{hint}", expected, fit=fit)


def _looked_at(place: Place) -> tuple[str, bool]:
    """Give what is to be said of a place, and whether it is there."""
    try:
        return place.uri, place.exists()
    except PlaceError as unreachable:
        return str(unreachable), False


def _finding(what: str, found: str, expected: str, *, fit: bool) -> Finding:
    return {"what": what, "found": found, "expected": expected, "fit": fit}


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _finding(
        "memory", f"{total / 1024**3:.1f} GB on {platform.machine()}", ">= 4 GB", fit=total >= _LEAST_MEMORY
    )


def _key(settings: Settings) -> Finding:
    expected = f"at least {SHORTEST} characters, or none: one is made"
    if settings.person_key is None:
        return _finding("person key", f"kept under {settings.secrets}", expected, fit=True)
    length = len(settings.person_key.get_secret_value())
    return _finding("person key", f"{length} characters", expected, fit=length >= SHORTEST)


def _library(name: str) -> Finding:
    try:
        return _finding(name, version(name), "as in requirements.lock", fit=True)
    except PackageNotFoundError:
        return _finding(name, "not installed", "as in requirements.lock: run make setup", fit=False)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _writable(name: str, place: Place) -> Finding:
    found, is_there = _looked_at(place)
    fit = os.access(_existing(place.root.absolute()), os.W_OK) if isinstance(place, Folder) else is_there
    return _finding(name, found, "a folder that can be written, or a bucket that is there", fit=fit)


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(_existing(path.absolute())).free
    return _finding("disk", f"{free / 1024**3:.1f} GB free", ">= 2 GB", fit=free >= _LEAST_DISK)


def print_examination(findings: list[Finding]) -> None:
    """Print findings, one a line; what is not fit is marked and says what is expected."""
    for finding in findings:
        mark = "ok " if finding["fit"] else "NOT"
        hint = "" if finding["fit"] else f" (expected: {finding['expected']})"
        print(f"{mark} {finding['what']}: {finding['found']}{hint}")
