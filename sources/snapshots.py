"""Snapshots: the raw bytes of every file that ever landed, kept once under their sha256."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sources.landing import LandedFile, file_sha256


class SnapshotError(OSError):
    """A file changed while it was being copied, or kept bytes are not those that were kept."""


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

    def keep_bytes(self, raw: bytes) -> str:
        """Keep bytes that never were a file, such as an answer from the network, once.

        Args:
            raw: the bytes.

        Returns:
            Their sha256, under which `read` finds them.
        """
        sha256 = hashlib.sha256(raw).hexdigest()
        kept = self.path_of(sha256)
        if not kept.exists():
            write_whole(kept, raw)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Give kept bytes.

        Raises:
            SnapshotError: they are not there, or are others than those that were kept.
        """
        kept = self.path_of(sha256)
        raw = kept.read_bytes() if kept.exists() else b""
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise SnapshotError(f"{kept} is absent or damaged; expected the bytes with that sha256, restore them")
        return raw


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is there as a whole or not at all, whenever the machine stops.

    Args:
        path: where it shall stand; folders are made.
        content: its bytes.
        mode: who may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.chmod(mode)
    partial.replace(path)
