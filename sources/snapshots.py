"""Snapshots: the raw bytes of every file that ever landed, kept once under their sha256."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sources.landing import LandedFile, file_sha256
from sources.places import Place, on_disk

_OWNER_ONLY = 0o600


class SnapshotError(OSError):
    """A file changed while it was being copied, or kept bytes are not those that were kept."""


@dataclass(frozen=True)
class Snapshots:
    """The raw part of the lake: ``<first two digits>/<sha256>``; it may hold personal data."""

    place: Place

    def path_of(self, sha256: str) -> Path:
        """Give the local path of the bytes with this sha256."""
        return self.place.root / _key(sha256)

    def names(self) -> set[str]:
        """Give the sha256 of all bytes that are kept."""
        return {entry.key.rpartition("/")[2] for entry in self.place.entries()}

    def fetch(self, names: Iterable[str]) -> None:
        """See to it that kept bytes are at their local paths.

        Raises:
            FileNotFoundError: some are not kept.
        """
        self.place.pull(_key(name) for name in names)

    def keep(self, landed: LandedFile) -> Path:
        """Keep a landed file's bytes, once.

        Args:
            landed: the file, with the sha256 that was read from it.

        Returns:
            The path of the kept bytes.

        Raises:
            SnapshotError: the file has other bytes now than when it was listed (still being uploaded), or is gone.
        """
        key = _key(landed.sha256)
        if self.place.stat(key) is None:
            self._copy(landed)
            self.place.push([key])
        self.place.pull([key])
        return self.path_of(landed.sha256)

    def _copy(self, landed: LandedFile) -> None:
        kept = self.path_of(landed.sha256)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.{os.getpid()}")
        try:
            with on_disk(self.place.root):
                shutil.copyfile(landed.path, partial)
        except FileNotFoundError:
            raise SnapshotError(f"{landed.file} is not there any more; it will be read when it is back") from None
        if file_sha256(partial) != landed.sha256:
            partial.unlink()
            raise SnapshotError(f"{landed.file} changed while it was copied; it will be read when it is complete")
        partial.chmod(_OWNER_ONLY)
        partial.replace(kept)

    def keep_bytes(self, raw: bytes) -> str:
        """Keep bytes that never were a file, such as an answer from the network, once.

        Args:
            raw: the bytes.

        Returns:
            Their sha256, under which `read` finds them.
        """
        sha256 = hashlib.sha256(raw).hexdigest()
        if self.place.stat(_key(sha256)) is None:
            self.place.write(_key(sha256), raw, mode=_OWNER_ONLY)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Give kept bytes.

        Raises:
            SnapshotError: they are not there, or are others than those that were kept.
        """
        raw = self.place.read(_key(sha256))
        if raw is None or hashlib.sha256(raw).hexdigest() != sha256:
            where = f"{self.place.uri}/{_key(sha256)}"
            raise SnapshotError(f"{where} is absent or damaged; expected the bytes with that sha256, restore them")
        return raw


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
