"""Builds aside: what would be published if staged exports were committed, kept apart from every other build."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sources.places import Place
from warehouse.house import House
from warehouse.lake import Table, files_relation
from warehouse.manifest import Manifest
from warehouse.publish import Publication

_REPLACED = "participants"


@dataclass(frozen=True, kw_only=True)
class Overlaid(House):
    """A lake as it would be if the exports that are staged in another were committed to it; only to be read."""

    staged: House

    def core_files(self, versions: dict[str, int]) -> dict[str, list[str]]:
        """Give the Parquet files of every core table, those of replaced offices and months exchanged."""
        files = super().core_files(versions)
        staged = self.staged.core(_REPLACED).files()
        replaced = {_partition(file) for file in staged}
        kept = [file for file in files[_REPLACED] if _partition(file) not in replaced]
        return files | {_REPLACED: kept + staged}

    def readings(self) -> str:
        """Write the SQL of every reading of a file, the staged ones too."""
        files = self.loads.files() + self.staged.loads.files()
        return files_relation(files, self.loads.schema, self.loads.partition_by)


def _partition(file: str) -> tuple[str, ...]:
    """Give the folders of a data file that name its office and month."""
    return Path(file).parts[-3:-1]


class Shown(BaseModel):
    """What was shown of a backfill: its build aside, and what that rests on.

    Attributes:
        build_id: the build aside.
        today: the day after which nothing can have happened, when the files were read.
        grounds: what the build rests on, each by name; if one is another now, it holds no more.
        reading: what became of the files and their lines, as a night tells it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    build_id: str
    today: date
    grounds: dict[str, str]
    reading: dict[str, Any]


@dataclass(frozen=True)
class Aside:
    """The builds aside of one publication: ``<publish>/aside/``, with one record for each choice of months."""

    place: Place

    @property
    def publication(self) -> Publication:
        """The builds themselves; none of them is ever promoted."""
        return Publication(self.place)

    def shown(self, choice: str) -> Shown | None:
        """Give what was shown last of a choice; null if nothing was, or if its record is damaged."""
        record = self.place.read(f"{choice}.json")
        try:
            return None if record is None else Shown.model_validate_json(record)
        except ValidationError:
            return None

    def keep(self, choice: str, shown: Shown) -> None:
        """Record what is shown of a choice, in place of what was shown of it before."""
        self.place.write(f"{choice}.json", (shown.model_dump_json(indent=1) + "\n").encode())

    def forget(self, choice: str, build_id: str) -> None:
        """Forget what was shown of a choice, and remove its build."""
        self.place.remove([f"{choice}.json"])
        self._remove(build_id)

    def tidy(self, grounds: Mapping[str, str]) -> None:
        """Remove the builds that no record names, or that rest on another core than that of today.

        The records stay: they tell a later call that what was shown holds no more.
        """
        self.publication.sweep_leftovers()
        records = [entry.key for entry in self.place.entries() if entry.key.endswith(".json") and "/" not in entry.key]
        shown = filter(None, (self.shown(key.removesuffix(".json")) for key in records))
        current = {record.build_id for record in shown if record.grounds["core"] == grounds["core"]}
        for build_id in self.place.folders("builds"):
            if build_id not in current:
                self._remove(build_id)

    def _remove(self, build_id: str) -> None:
        self.place.remove([entry.key for entry in self.place.entries(f"builds/{build_id}/")])
        shutil.rmtree(self.publication.folder_of(build_id), ignore_errors=True)


def differing(shown: Manifest, made: Manifest) -> list[str]:
    """Name the marts whose bytes are not those that were shown."""
    names = sorted(name for name in shown.sha256.keys() | made.sha256.keys() if name.startswith("marts/"))
    return [name for name in names if shown.sha256.get(name) != made.sha256.get(name)]


def versions_of(house: House) -> dict[str, int | None]:
    """Give the versions of all tables that a backfill changes, so that `put_back` can put them back."""
    return {name: table.version() for name, table in _changed(house).items()}


def put_back(house: House, versions: Mapping[str, int | None]) -> None:
    """Let the tables that a backfill changes stand as they did at these versions; only while holding the lease."""
    for name, table in _changed(house).items():
        table.restore(versions[name])


def _changed(house: House) -> dict[str, Table]:
    return {_REPLACED: house.core(_REPLACED), "quarantine": house.quarantine, "loads": house.loads}
