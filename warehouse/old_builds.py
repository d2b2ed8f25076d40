"""Builds that nobody needs any more: which they are, and how they go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sources.places import Place
from warehouse.publish import Publication
from warehouse.removal import Gone, Reason, Remover, measured
from warehouse.retention import Build, Rules, Stays, builds_that_stay


@dataclass(frozen=True)
class Remaining:
    """What stands after a removal.

    Attributes:
        builds: builds of all kinds, those aside too.
        stays: why each build that may be promoted stays.
        gone: what went, or would go.
    """

    builds: list[Build]
    stays: dict[str, Stays]
    gone: list[Gone]


def remove_old_builds(publication: Publication, rules: Rules, moment: datetime, remover: Remover) -> Remaining:
    """Remove builds that no rule keeps, and what is left of unfinished ones.

    Args:
        publication: the published builds, with those aside under ``aside/``.
        rules: how long what is kept.
        moment: the time from which ages are counted.
        remover: removes, or only counts.
    """
    aside = Publication(publication.place.below("aside"))
    builds, built_aside = list(_described(publication)), list(_described(aside))
    gone, stays = _remove_promotable(publication, builds, rules, moment, remover)
    gone_aside = _remove_aside(aside, built_aside, moment - max(rules.failed_builds, rules.grace), remover)
    remaining = [*_without(builds, gone), *_without(built_aside, gone_aside)]
    for one in (publication, aside):
        gone_aside += _remove_unfinished(one, moment - rules.grace, remover)
    return Remaining(remaining, stays, gone + gone_aside)


def _without(builds: Sequence[Build], gone: Sequence[Gone]) -> list[Build]:
    went = {entry.what for entry in gone}
    return [build for build in builds if build.build_id not in went]


def _described(publication: Publication) -> Iterator[Build]:
    for manifest in publication.each_build():
        made = datetime.fromisoformat(manifest.created_at)
        passed = manifest.result != "failure"
        yield Build(manifest.build_id, made, manifest.as_of, passed, manifest.core_versions)


def _remove_promotable(
    publication: Publication, builds: Sequence[Build], rules: Rules, moment: datetime, remover: Remover
) -> tuple[list[Gone], dict[str, Stays]]:
    stays = builds_that_stay(builds, publication.shown_until(), rules, moment)
    going = [build for build in builds if build.build_id not in stays]
    if remover.is_dry or not builds:
        return [_measured(publication, build) for build in going], stays
    with publication.going(build.build_id for build in going):
        # Somebody may have promoted one before it was announced.
        stays = builds_that_stay(builds, publication.shown_until(), rules, moment)
        going = [build for build in going if build.build_id not in stays]
        return [_removed(publication, build, remover) for build in going], stays


def _remove_aside(aside: Publication, builds: Sequence[Build], oldest: datetime, remover: Remover) -> list[Gone]:
    going = [build for build in builds if build.created_at < oldest]
    if remover.is_dry:
        return [_measured(aside, build, "aside") for build in going]
    for build in going:
        remover.confirm()
        aside.place.remove(_records_of(aside.place, build.build_id))
    return [_removed(aside, build, remover, "aside") for build in going]


def _records_of(aside: Place, build_id: str) -> list[str]:
    """Give the records that name a build aside."""
    records = [entry.key for entry in aside.entries() if entry.key.endswith(".json") and "/" not in entry.key]
    return [key for key in records if build_id.encode() in (aside.read(key) or b"")]


def _measured(publication: Publication, build: Build, reason: Reason | None = None) -> Gone:
    entries = publication.place.entries(f"builds/{build.build_id}/")
    return measured("build", build.build_id, reason or ("passed" if build.has_passed else "failed"), entries)


def _removed(publication: Publication, build: Build, remover: Remover, reason: Reason | None = None) -> Gone:
    gone = _measured(publication, build, reason)
    remover.confirm()
    publication.remove(build.build_id)
    remover.progress(f"build {build.build_id}", 1, 1)
    return gone


def _remove_unfinished(publication: Publication, before: datetime, remover: Remover) -> list[Gone]:
    gone: list[Gone] = []
    for name in publication.unfinished():
        entries = list(publication.place.entries(f"builds/{name}/"))
        if all(entry.modified < before for entry in entries):
            gone += remover.remove(publication.place, entries, "unfinished", name)
    return gone
