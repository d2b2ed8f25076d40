"""Snapshots: the raw bytes of every file that ever landed, kept once under their sha256."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sources.landing import LandedFile, file_sha256


class SnapshotError(OSError):
    """A file changed while it was being copied."""


@dataclass(frozen=True)
class Snapshots:
    """The raw part of the lake: ``<root>/<first two digits>/<sha256>``; it may hold personal data."""

    root: Path

    def path_of(self, sha256: str) -> Path:
        """Give where the bytes with this sha256 are kept."""
        return self.root / sha256[:2] / sha256

    def keep(self, landed: LandedFile) -> Path:
        """Keep a landed file's bytes, once.

        Args:
            landed: the file, with the sha256 that was read from it.

        Returns:
            The path of the kept bytes.

        Raises:
            SnapshotError: the file has other bytes now than when it was listed (still being uploaded).
        """
        kept = self.path_of(landed.sha256)
        if kept.exists():
            return kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.{os.getpid()}")
        shutil.copyfile(landed.path, partial)
        if file_sha256(partial) != landed.sha256:
            partial.unlink()
            raise SnapshotError(f"{landed.file} changed while it was copied; it will be read when it is complete")
        partial.chmod(0o600)
        partial.replace(kept)
        return kept
