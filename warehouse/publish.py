"""Builds and the pointer to the promoted one: immutable folders, one `latest.json`, one link."""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from expectations.suites import CheckResult
from sources.landing import file_sha256
from sources.places import ABSENT, Folder, Place, TakenError, sync_folder
from warehouse.lease import unleased
from warehouse.manifest import Manifest, read_manifest

_POINTER = "latest.json"
_CONFIRMED = "confirmed.json"
_MANIFEST = "manifest.json"
# The builds that are being removed; none of them is promoted any more.
_GOING = "going.json"
# How long the pointer remembers which builds it pointed to before.
REMEMBERED = timedelta(days=30)


class PublishError(ValueError):
    """What was asked of the published builds cannot be done."""


class PointerMovedError(PublishError):
    """Somebody else moved the pointer first."""


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

    def deliver(self, build_id: str, files: Iterable[str], confirm: Callable[[], None] = unleased) -> None:
        """Bring a finished build's files to the place, the manifest last: only then is it a build for others.

        Args:
            build_id: the build.
            files: its files, by their paths in its folder.
            confirm: asked before the manifest; raises where this run may not write any more.
        """
        self.place.push(f"builds/{build_id}/{name}" for name in sorted(set(files) - {_MANIFEST}))
        confirm()
        self.place.push([f"builds/{build_id}/{_MANIFEST}"])

    def builds(self) -> list[Manifest]:
        """Give the manifests of all finished builds, newest first."""
        return list(self.each_build())

    def each_build(self) -> Iterator[Manifest]:
        """Give the manifests of all finished builds one by one, newest first: each names every file that arrived."""
        finished = sorted(name for name, files in self._files().items() if _MANIFEST in files)
        self.place.pull(f"builds/{name}/{_MANIFEST}" for name in finished)
        return (read_manifest(self.folder_of(name)) for name in reversed(finished))

    def unfinished(self) -> list[str]:
        """Give the folders of builds that have no manifest: on their way, or left by a run that was killed."""
        return sorted(name for name, files in self._files().items() if _MANIFEST not in files)

    def _files(self) -> dict[str, set[str]]:
        """Give what stands in the place of every build, by their paths in its folder."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.place.entries("builds/"):
            _, build_id, *path = entry.key.split("/")
            if path and not build_id.startswith("."):
                found[build_id].add("/".join(path))
        return found

    def manifest(self, build_id: str) -> Manifest:
        """Give one build's manifest.

        Raises:
            PublishError: there is no such build.
        """
        # A copy alone tells nothing: a night that died may not have brought all of a build to the place.
        if self.place.stat(f"builds/{build_id}/{_MANIFEST}") is None:
            known = ", ".join(manifest.build_id for manifest in self.builds()[:5]) or "none"
            raise PublishError(f"no build {build_id} in {self.place.uri}/builds; the newest are: {known}")
        self.place.pull([f"builds/{build_id}/{_MANIFEST}"])
        return read_manifest(self.folder_of(build_id))

    def promoted_id(self) -> str | None:
        """Give the promoted build; null before the first promotion."""
        pointer = self.place.read(_POINTER)
        return None if pointer is None else str(json.loads(pointer)["build_id"])

    def promoted(self) -> Manifest | None:
        """Give the promoted build's manifest; null before the first promotion."""
        build_id = self.promoted_id()
        return None if build_id is None else self.manifest(build_id)

    def promote(self, build_id: str, confirm: Callable[[], None] = unleased) -> None:
        """Move the pointer to a build whose checks passed; an older build is a rollback.

        Args:
            build_id: the build.
            confirm: asked after the pointer was looked at and before it moves: a run that lost its lease in between
                is told, and one that is told nothing cannot overwrite what its successor promoted.

        Raises:
            PublishError: there is no such build, its checks did not pass, or its files are damaged.
            PointerMovedError: somebody else moved the pointer meanwhile.
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
        before = self.place.read(_POINTER)
        self._refuse_going(build_id)
        confirm()
        self._point(build_id, ABSENT if standing is None else standing.stamp)
        self._take_back_if_going(build_id, before)
        self._link(build_id)

    def _refuse_going(self, build_id: str) -> None:
        is_going = build_id in json.loads(self.place.read(_GOING) or b"[]")
        if is_going or self.place.stat(f"builds/{build_id}/manifest.json") is None:
            raise PublishError(f"build {build_id} was just removed by cakupan retention; promote another one")

    def _take_back_if_going(self, build_id: str, before: bytes | None) -> None:
        """Point back where a removal was announced while the pointer moved: one of both sees what the other wrote."""
        try:
            self._refuse_going(build_id)
        except PublishError:
            if before is None:
                self.place.remove([_POINTER])
            else:
                self.place.write(_POINTER, before)
            raise

    def _point(self, build_id: str, expected: str) -> None:
        now = _now()
        pointer = {"build_id": build_id, "promoted_at": now, "earlier": self._earlier(now)}
        try:
            self.place.write(_POINTER, (json.dumps(pointer, indent=2) + "\n").encode(), expected)
        except TakenError:
            raise PointerMovedError(
                f"{self.place.uri}/{_POINTER} was moved by somebody else at this moment; build {build_id} stands and "
                "is not promoted: look at cakupan builds, then promote the right one"
            ) from None

    def _earlier(self, now: str) -> list[dict[str, str]]:
        """Give what was promoted before and until when, the longest ago first; what is long past is forgotten."""
        pointer = self.place.read(_POINTER)
        if pointer is None:
            return []
        said = json.loads(pointer)
        oldest = (datetime.fromisoformat(now) - REMEMBERED).isoformat(timespec="seconds")
        listed = [*said.get("earlier", []), {"build_id": said["build_id"], "until": now}]
        return [entry for entry in listed if entry["until"] >= oldest]

    def shown_until(self) -> dict[str, datetime | None]:
        """Give until when builds were promoted, of those that lately were; null for what a pointer names now."""
        said = json.loads(self.place.read(_POINTER) or b"{}")
        shown: dict[str, datetime | None] = {}
        for entry in said.get("earlier", []):
            shown[entry["build_id"]] = datetime.fromisoformat(entry["until"])
        link = self.root / "current"
        if isinstance(self.place, Folder) and link.is_symlink():
            shown[link.readlink().name] = None
        return shown | ({said["build_id"]: None} if said else {})

    @contextmanager
    def going(self, build_ids: Iterable[str]) -> Generator[None]:
        """Announce builds that are to be removed: until the end none of them is promoted.

        What was promoted before it was announced is to be looked at inside, with `shown_until`. Where the removal is
        broken off, the announcement stays until the next one.
        """
        self.place.write(_GOING, json.dumps(sorted(build_ids)).encode())
        yield
        self.place.remove([_GOING])

    def remove(self, build_id: str) -> None:
        """Remove an announced build, its manifest first: a kill at any moment leaves a build that is whole or none."""
        self.place.remove([f"builds/{build_id}/manifest.json"])
        self.place.remove(entry.key for entry in self.place.entries(f"builds/{build_id}/"))
        # Copies of a bucket's files would let the build look whole on this machine.
        shutil.rmtree(self.folder_of(build_id), ignore_errors=True)

    def _link(self, build_id: str) -> None:
        """Let the link `current` of a folder follow the pointer; a bucket has no links."""
        if isinstance(self.place, Folder):
            _link_atomically(self.place.root / "current", Path("builds") / build_id)

    def checks(self, build_id: str) -> list[CheckResult]:
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
        """Remove what nights that died left of builds, and the copies of old ones; only while this run has the lease.

        In a folder these are the hidden folders of unfinished builds, in a bucket the files of builds without manifest.
        """
        if self.builds_folder.is_dir():
            for folder in self.builds_folder.glob(".*"):
                shutil.rmtree(folder)
        if isinstance(self.place, Folder):
            return
        unfinished = {name: files for name, files in self._files().items() if _MANIFEST not in files}
        self.place.remove(f"builds/{name}/{file}" for name, files in unfinished.items() for file in files)
        kept = f"{self.promoted_id()}/"
        self.place.below("builds").drop_copies(lambda key: key.startswith(kept))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _link_atomically(link: Path, target: Path) -> None:
    partial = link.with_name(f".{link.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)
    sync_folder(link.parent)
