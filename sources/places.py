"""Places: a folder, or a prefix of an S3 bucket with local copies, and the few things that are asked of either."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# The stamp of what is not there: for writing only where nothing stands yet.
ABSENT = ""


class PlaceError(OSError):
    """A place that cannot be reached or used: what was found, and what to do."""


class TakenError(RuntimeError):
    """Somebody else wrote first: what stands there is not what the writer had seen."""


@dataclass(frozen=True)
class Entry:
    """One file of a place.

    Attributes:
        key: path below the place, parts joined by `/`.
        size: bytes.
        stamp: changes whenever the bytes may have changed (what a folder knows of the file, or the ETag).
    """

    key: str
    size: int
    stamp: str


class Place(Protocol):
    """Where files stand for good. Large files are worked on below `root`, on this machine.

    In a folder, `root` is the place itself, and `pull` and `push` have nothing to do.
    """

    @property
    def root(self) -> Path:
        """Return the local folder in which the place's files are read and made."""
        ...

    @property
    def uri(self) -> str:
        """Return the place as people name it: a path, or `s3://bucket/prefix`."""
        ...

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return what delta-rs needs to reach the place; nothing for a folder."""
        ...

    def below(self, key: str) -> "Place":
        """Return the place under a key."""
        ...

    def exists(self) -> bool:
        """Tell whether the place is there: the folder, or the bucket."""
        ...

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List every file whose key begins with the prefix, in the order of the keys."""
        ...

    def folders(self, key: str) -> list[str]:
        """Give the names directly under a key that hold files, in alphabetical order."""
        ...

    def stat(self, key: str) -> Entry | None:
        """Give one file's entry; null where there is none."""
        ...

    def read(self, key: str) -> bytes | None:
        """Give a small file's bytes; null where there is none."""
        ...

    def write(self, key: str, content: bytes, expected: str | None = None, mode: int = 0o644) -> str:
        """Write a small file that is there as a whole or not at all.

        Args:
            key: path below the place.
            content: the bytes.
            expected: the stamp that must still stand there (`ABSENT`: nothing); by default whatever stands.
            mode: who may read it, in a folder.

        Returns:
            The new stamp.

        Raises:
            TakenError: something else stands there.
        """
        ...

    def append(self, key: str, content: bytes) -> None:
        """Add to the end of a small file, which is made where there is none; one writer at a time."""
        ...

    def pull(self, keys: Iterable[str], *, anew: bool = False) -> None:
        """See to it that files are below `root`.

        Args:
            keys: the files.
            anew: also those of which a copy is there; without it, files are taken to never change.

        Raises:
            FileNotFoundError: one is not there.
        """
        ...

    def push(self, keys: Iterable[str]) -> None:
        """See to it that files made below `root` stand in the place, each complete or not at all."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files; those that are gone already are no fault."""
        ...

    def forget(self) -> None:
        """Let the local copies go; in a folder there are none."""
        ...


@dataclass(frozen=True)
class Folder:
    """A local folder as a place."""

    root: Path

    @property
    def uri(self) -> str:
        """Return the path."""
        return str(self.root)

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def below(self, key: str) -> "Folder":
        """Return the folder under a key."""
        return Folder(self.root / key)

    def exists(self) -> bool:
        """Tell whether the folder is there."""
        return self.root.is_dir()

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List every file whose key begins with the prefix, in the order of the keys."""
        start = self.root / prefix if (self.root / prefix).is_dir() else self.root
        found = ((path.relative_to(self.root).as_posix(), path) for path in start.rglob("*") if path.is_file())
        for key, path in sorted(found):
            if key.startswith(prefix):
                yield _entry(key, path)

    def folders(self, key: str) -> list[str]:
        """Give the names of the folders directly under a key, in alphabetical order."""
        start = self.root / key
        return sorted(path.name for path in start.iterdir() if path.is_dir()) if start.is_dir() else []

    def stat(self, key: str) -> Entry | None:
        """Give one file's entry; null where there is none."""
        path = self.root / key
        return _entry(key, path) if path.is_file() else None

    def read(self, key: str) -> bytes | None:
        """Give a small file's bytes; null where there is none."""
        path = self.root / key
        return path.read_bytes() if path.is_file() else None

    def write(self, key: str, content: bytes, expected: str | None = None, mode: int = 0o644) -> str:
        """Write a small file; see `Place.write`. Only one that writes under a lease may rely on `expected`."""
        path = self.root / key
        if expected is not None and (_stamp(path) if path.is_file() else ABSENT) != expected:
            raise TakenError(f"{path} was written by somebody else")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.touch(mode=mode)
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        sync_folder(path.parent)
        return _stamp(path)

    def append(self, key: str, content: bytes) -> None:
        """Add to the end of a small file, durably."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())

    def pull(self, keys: Iterable[str], *, anew: bool = False) -> None:  # noqa: ARG002 - here are no copies
        """Do nothing but look: the files are here."""
        for key in keys:
            if not (self.root / key).is_file():
                raise FileNotFoundError(f"{self.root / key} is not there")

    def push(self, keys: Iterable[str]) -> None:
        """Do nothing: the files are here."""

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files; those that are gone already are no fault."""
        for key in keys:
            (self.root / key).unlink(missing_ok=True)

    def forget(self) -> None:
        """Do nothing: here are no copies."""


def _entry(key: str, path: Path) -> Entry:
    return Entry(key, path.stat().st_size, _stamp(path))


def _stamp(path: Path) -> str:
    found = path.stat()
    return f"{found.st_ctime_ns}-{found.st_size}-{found.st_ino}"


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
