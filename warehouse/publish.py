"""Builds and the pointer to the promoted one: immutable folders, one `latest.json`, one link."""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sources.landing import file_sha256
from sources.places import ABSENT, Folder, Place, TakenError, sync_folder
from warehouse.manifest import Manifest, read_manifest

_POINTER = "latest.json"
_CONFIRMED = "confirmed.json"


class PublishError(ValueError):
    """What was asked of the published builds cannot be done."""


@dataclass(frozen=True)
class Damage:
    """A file of a build that is missing or has other bytes than its manifest says."""

    file: str
    found: str
    expected: str


@dataclass(frozen=True)
class Publication:
    """The published side of one place: ``builds/<build_id>/``, ``latest.json``; in a folder also ``current``."""

    place: Place

    @property
    def root(self) -> Path:
        """The local folder in which files are made and read."""
        return self.place.root

    @property
    def builds_folder(self) -> Path:
        """The local folder of the builds."""
        return self.root / "builds"

    def folder_of(self, build_id: str) -> Path:
        """Give the local folder of a build; `fetched` sees to it that its files are there."""
        return self.builds_folder / build_id

    def fetched(self, build_id: str) -> Path:
        """Give the local folder of a build with all its files.

        Raises:
            PublishError: there is no such build.
        """
        self.place.pull(f"builds/{build_id}/{name}" for name in self.manifest(build_id).sha256)
        return self.folder_of(build_id)

    def deliver(self, build_id: str, files: Iterable[str]) -> None:
        """Bring a finished build's files to the place, the manifest last: only then is it a build for others."""
        ordered = [*sorted(set(files) - {"manifest.json"}), "manifest.json"]
        self.place.push(f"builds/{build_id}/{name}" for name in ordered)

    def builds(self) -> list[Manifest]:
        """Give the manifests of all finished builds, newest first."""
        names = [name for name in self.place.folders("builds") if not name.startswith(".")]
        return [self._read(name) for name in reversed(names) if self._is_finished(name)]

    def _is_finished(self, build_id: str) -> bool:
        try:
            self.place.pull([f"builds/{build_id}/manifest.json"])
        except FileNotFoundError:
            return False
        return True

    def _read(self, build_id: str) -> Manifest:
        return read_manifest(self.folder_of(build_id))

    def manifest(self, build_id: str) -> Manifest:
        """Give one build's manifest.

        Raises:
            PublishError: there is no such build.
        """
        if not self._is_finished(build_id):
            known = ", ".join(manifest.build_id for manifest in self.builds()[:5]) or "none"
            raise PublishError(f"no build {build_id} in {self.place.uri}/builds; the newest are: {known}")
        return self._read(build_id)

    def promoted_id(self) -> str | None:
        """Give the promoted build; null before the first promotion."""
        pointer = self.place.read(_POINTER)
        return None if pointer is None else str(json.loads(pointer)["build_id"])

    def promoted(self) -> Manifest | None:
        """Give the promoted build's manifest; null before the first promotion."""
        build_id = self.promoted_id()
        return None if build_id is None else self.manifest(build_id)

    def promote(self, build_id: str) -> None:
        """Move the pointer to a build whose checks passed; an older build is a rollback.

        Raises:
            PublishError: there is no such build, its checks did not pass, its files are damaged, or somebody else
                moved the pointer meanwhile.
        """
        standing = self.place.stat(_POINTER)
        manifest = self.manifest(build_id)
        if manifest.result == "failure":
            raise PublishError(
                f"build {build_id} failed its checks ({'; '.join(manifest.reasons)}); it is not promoted"
            )
        damage = self.damage(build_id)
        if damage:
            raise PublishError(f"build {build_id} is damaged: {damage[0].file}; rebuild with cakupan run --force")
        self._point(build_id, ABSENT if standing is None else standing.stamp)
        self._link(build_id)

    def _point(self, build_id: str, expected: str) -> None:
        pointer = {"build_id": build_id, "promoted_at": _now()}
        try:
            self.place.write(_POINTER, (json.dumps(pointer, indent=2) + "\n").encode(), expected)
        except TakenError:
            raise PublishError(
                f"{self.place.uri}/{_POINTER} was moved by somebody else; look at cakupan builds"
            ) from None

    def _link(self, build_id: str) -> None:
        """Let the link `current` of a folder follow the pointer; a bucket has no links."""
        if isinstance(self.place, Folder):
            _link_atomically(self.place.root / "current", Path("builds") / build_id)

    def checks(self, build_id: str) -> list[dict[str, Any]]:
        """Give the checks of a build, as its ``checks.json`` lists them."""
        self.place.pull([f"builds/{build_id}/checks.json"])
        document = json.loads((self.folder_of(build_id) / "checks.json").read_text(encoding="utf-8"))
        return list(document["checks"])

    def confirm(self) -> None:
        """Record that a night found nothing new: the promoted build still holds, and the link follows the pointer."""
        build_id = self.promoted_id()
        if build_id is not None:
            self._link(build_id)
        self.place.write(_CONFIRMED, (json.dumps({"at": _now()}) + "\n").encode())

    def confirmed_at(self) -> datetime | None:
        """Give when a night last confirmed the promoted build; null if none did."""
        said = self.place.read(_CONFIRMED)
        return None if said is None else datetime.fromisoformat(json.loads(said)["at"])

    def damage(self, build_id: str) -> list[Damage]:
        """Compare a build's files, as the place has them now, with its manifest; an untouched build has no damage."""
        expected = self.manifest(build_id).sha256
        found = {name: self._digest(f"builds/{build_id}/{name}") for name in expected}
        return [Damage(name, found[name], expected[name]) for name in expected if found[name] != expected[name]]

    def _digest(self, key: str) -> str:
        try:
            self.place.pull([key], anew=True)
        except FileNotFoundError:
            return "missing"
        return file_sha256(self.place.root / key)

    def sweep_leftovers(self) -> None:
        """Remove the folders of builds that never finished (a killed run); only while this run holds the lease."""
        if self.builds_folder.is_dir():
            for folder in self.builds_folder.glob(".*"):
                shutil.rmtree(folder)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _link_atomically(link: Path, target: Path) -> None:
    partial = link.with_name(f".{link.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)
    sync_folder(link.parent)
