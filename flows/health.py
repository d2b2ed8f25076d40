"""Is it well: what the last night did, and whether this machine can run the next one."""

import os
import platform
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from flows.alert_memory import standing_at
from flows.bounded import within
from flows.settings import Settings, place_of
from reports.summary import late_sentences
from sources.places import Folder, Place, PlaceError
from warehouse.connections import Limits, connect
from warehouse.house import House
from warehouse.manifest import DamagedManifestError, Manifest
from warehouse.person_key import SHORTEST
from warehouse.publish import Publication
from warehouse.waiting import waiting_by_rule

_LIBRARIES = ("duckdb", "polars", "pyarrow", "deltalake", "great-expectations", "prefect")
_LEAST_DISK = 2 * 1024**3
_LEAST_MEMORY = 4 * 1024**3


T = TypeVar("T")
# Longer than S3 is asked again and again, so that its own words are told where it has any.
_LOOK_SECONDS = 60.0
_NO_BUILDS: dict[str, Any] = {"last": None, "promoted": None, "age_hours": None, "late": [], "undelivered": []}


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
        ``late`` (messages), ``undelivered`` (messages to people that a channel did not take), ``quarantine`` (lines
        by dataset and rule), ``unreadable``: a sentence for each place that cannot be read.
    """
    publication = Publication(place_of(settings.publish, settings))
    lake = place_of(settings.lake, settings)
    unreadable: list[str] = []
    found = _looked_into(publication.place, lambda: _builds(publication), unreadable)
    builds = found or _NO_BUILDS
    waiting: list[dict[str, Any]] | None = None
    # Where builds cannot be read, the lake mostly cannot either: one wait is enough.
    if found is not None:
        is_expected = builds["last"] is not None
        waiting = _looked_into(lake, lambda: _quarantine(settings, lake, is_expected=is_expected), unreadable)
    age = builds["age_hours"]
    return {
        **builds,
        "too_old": max_age_hours is not None and (age is None or age > max_age_hours),
        "quarantine": waiting or [],
        "unreadable": unreadable,
    }


def _looked_into(place: Place, look: Callable[[], T], unreadable: list[str]) -> T | None:
    """Give what a look at a place finds; where it finds only a fault, note a sentence that quotes no row."""
    try:
        return within(_LOOK_SECONDS, look)
    except (PlaceError, DamagedManifestError) as told:
        unreadable.append(str(told))
    except TimeoutError as silent:
        unreadable.append(f"{place.uri}: {silent}")
    except Exception as fault:
        unreadable.append(f"{place.uri} cannot be read ({type(fault).__name__})")
    return None


def _builds(publication: Publication) -> dict[str, Any]:
    manifests = publication.builds()
    passed = next((manifest for manifest in manifests if manifest.result != "failure"), None)
    promoted = publication.promoted_id()
    return {
        "last": _brief(manifests[0]) if manifests else None,
        "promoted": promoted,
        "age_hours": _age_hours(publication, passed),
        "late": late_sentences(publication.checks(promoted)) if promoted else [],
        "undelivered": _undelivered(publication.place),
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


def _undelivered(publish: Place) -> list[dict[str, Any]]:
    owed = standing_at(publish).owed
    waiting = [(channel, one) for channel, messages in owed.items() for one in messages.values()]
    return [
        {"channel": channel, "since": one.message.at.isoformat(timespec="minutes"), "problem": one.problem}
        for channel, one in waiting
        if one.problem is not None
    ]


def _quarantine(settings: Settings, lake: Place, *, is_expected: bool) -> list[dict[str, Any]]:
    if is_expected and not lake.exists():
        raise PlaceError(f"{lake.uri} is not there, but builds were made from a lake")
    with connect(Limits(settings.memory_limit, settings.threads)) as con:
        counted = waiting_by_rule(con, House(lake))
    return [{"dataset": dataset, "rule": rule, "lines": lines} for dataset, rule, lines in counted]


def print_status(found: dict[str, Any]) -> None:
    """Print what `status_of` found."""
    last: dict[str, Any] | None = found["last"]
    none = "tidak diketahui / not known" if found["unreadable"] else "belum ada build / no build yet"
    print(f"Build terakhir / last build: {last['build_id']} {last['result']}" if last else none)
    for reason in cast("list[str]", last["reasons"]) if last else []:
        print(f"  {reason}")
    age = "–" if found["age_hours"] is None else f"{found['age_hours']} jam / hours"
    print(f"Terbit / promoted: {found['promoted'] or '–'}; sukses terakhir / last success: {age}")
    for sentence in found["late"]:
        print(f"Terlambat / late: {sentence}")
    for entry in found["undelivered"]:
        print(f"Pesan belum terkirim / message not sent: {entry['channel']} {entry['since']}: {entry['problem']}")
    for sentence in found["unreadable"]:
        print(f"Tidak terbaca / unreadable: {sentence}")
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
    # Who looks whether S3 can be reached does not wait for it as a night does.
    once = settings.model_copy(update={"s3_attempts": 1})
    findings += [_writable(name, place_of(getattr(settings, name), once)) for name in ("lake", "publish")]
    landing = place_of(settings.landing, once)
    findings += [_alert(name, settings) for name in ("mail", "webhook")]
    return [*findings, _landing(landing), _disk(place_of(settings.lake, settings).root)]


def _alert(name: str, settings: Settings) -> Finding:
    from flows.alert_channels import AlertSettingsError, channels_of

    channel = channels_of(settings).get(name)
    expected = "a channel that can be used, or none"
    if channel is None:
        return _finding(f"alert {name}", "not set up: nobody is told this way", expected, fit=True)
    if isinstance(channel, AlertSettingsError):
        return _finding(f"alert {name}", str(channel), expected, fit=False)
    return _finding(f"alert {name}", f"{channel.shown}; try it with cakupan alert test", expected, fit=True)


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
