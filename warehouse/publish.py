"""Builds and the pointer to the promoted one: immutable folders, one `latest.json`, one link."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sources.landing import file_sha256
from warehouse.manifest import Manifest, read_manifest


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
    """The published side under one folder: ``builds/<build_id>/``, ``latest.json``, ``current``."""

    root: Path

    @property
    def builds_folder(self) -> Path:
        """Where builds lie."""
        return self.root / "builds"

    def folder_of(self, build_id: str) -> Path:
        """Give the folder of a build."""
        return self.builds_folder / build_id

    def builds(self) -> list[Manifest]:
        """Give the manifests of all finished builds, newest first."""
        if not self.builds_folder.is_dir():
            return []
        folders = sorted(self.builds_folder.iterdir(), reverse=True)
        finished = (folder for folder in folders if not folder.name.startswith("."))
        return [read_manifest(folder) for folder in finished if (folder / "manifest.json").is_file()]

    def manifest(self, build_id: str) -> Manifest:
        """Give one build's manifest.

        Raises:
            PublishError: there is no such build.
        """
        if not (self.folder_of(build_id) / "manifest.json").is_file():
            known = ", ".join(manifest.build_id for manifest in self.builds()[:5]) or "none"
            raise PublishError(f"no build {build_id} in {self.builds_folder}; the newest are: {known}")
        return read_manifest(self.folder_of(build_id))

    def promoted_id(self) -> str | None:
        """Give the promoted build; null before the first promotion."""
        pointer = self.root / "latest.json"
        if not pointer.is_file():
            return None
        return str(json.loads(pointer.read_text(encoding="utf-8"))["build_id"])

    def promoted(self) -> Manifest | None:
        """Give the promoted build's manifest; null before the first promotion."""
        build_id = self.promoted_id()
        return None if build_id is None else self.manifest(build_id)

    def promote(self, build_id: str) -> None:
        """Move the pointer to a build whose checks passed; an older build is a rollback.

        Raises:
            PublishError: there is no such build, its checks did not pass, or its files are damaged.
        """
        manifest = self.manifest(build_id)
        if manifest.result == "failure":
            raise PublishError(
                f"build {build_id} failed its checks ({'; '.join(manifest.reasons)}); it is not promoted"
            )
        damage = self.damage(build_id)
        if damage:
            raise PublishError(f"build {build_id} is damaged: {damage[0].file}; rebuild with cakupan run --force")
        pointer = {"build_id": build_id, "promoted_at": _now()}
        _write_atomically(self.root / "latest.json", json.dumps(pointer, indent=2) + "\n")
        _link_atomically(self.root / "current", Path("builds") / build_id)

    def checks(self, build_id: str) -> list[dict[str, Any]]:
        """Give the checks of a build, as its ``checks.json`` lists them."""
        document = json.loads((self.folder_of(build_id) / "checks.json").read_text(encoding="utf-8"))
        return list(document["checks"])

    def confirm(self) -> None:
        """Record that a night found nothing new: the promoted build still holds, and the link follows the pointer."""
        build_id = self.promoted_id()
        if build_id is not None:
            _link_atomically(self.root / "current", Path("builds") / build_id)
        _write_atomically(self.root / "confirmed.json", json.dumps({"at": _now()}) + "\n")

    def confirmed_at(self) -> datetime | None:
        """Give when a night last confirmed the promoted build; null if none did."""
        path = self.root / "confirmed.json"
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["at"]) if path.is_file() else None

    def damage(self, build_id: str) -> list[Damage]:
        """Compare a build's files with its manifest; an untouched build has no damage."""
        folder = self.folder_of(build_id)
        found = {name: _digest(folder / name) for name in self.manifest(build_id).sha256}
        expected = self.manifest(build_id).sha256
        return [Damage(name, found[name], expected[name]) for name in expected if found[name] != expected[name]]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _digest(path: Path) -> str:
    return file_sha256(path) if path.is_file() else "missing"


def _write_atomically(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def _link_atomically(link: Path, target: Path) -> None:
    partial = link.with_name(f".{link.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)
    sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
