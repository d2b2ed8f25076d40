"""Places: a folder, or a prefix of an S3 bucket with local copies, and the few things that are asked of either."""

import errno
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
# The stamp of what is not there: for writing only where nothing stands yet.
ABSENT = ""


class PlaceError(OSError):
    """A place that cannot be reached or used: what was found, and what to do."""


class OutOfReachError(PlaceError):
    """A place that does not answer now, or not whole, and may answer soon."""


class DiskError(OSError):
    """The disk of this machine does not take what has to be written."""


class TakenError(RuntimeError):
    """Somebody else wrote first: what stands there is not what the writer had seen."""


@dataclass(frozen=True)
class Entry:
    """One file of a place.

    Attributes:
        key: path below the place, parts joined by `/`.
        size: bytes.
        stamp: changes whenever the bytes may have changed (what a folder knows of the file, or the ETag).
        modified: when the bytes were written, in UTC, by the clock of the place.
    """

    key: str
    size: int
    stamp: str
    modified: datetime


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
    def delta_uri(self) -> str:
        """Return the place as delta-rs names it."""
        ...

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return what delta-rs needs to reach the place; nothing for a folder."""
        ...

    def explained(self, fault: Exception) -> PlaceError:
        """Give a fault of delta-rs in plain words; a `OutOfReachError` where trying again may help."""
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

    def age(self, key: str) -> timedelta | None:
        """Tell how long ago a file was written, by the clock of the place; null where there is none."""
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

    def copy_of(self, key: str) -> Path:
        """Give the local path at which `fetch` leaves a file; in a folder it is the file itself."""
        ...

    def fetch(self, entries: Iterable[Entry]) -> list[Entry]:
        """Bring files that others may change or take away, whatever their keys, to their `copy_of`.

        Args:
            entries: the files, as they were listed.

        Returns:
            The files as they were brought, each whole; those that are gone meanwhile are left out.
        """
        ...

    def push(self, keys: Iterable[str]) -> None:
        """See to it that files made below `root` stand in the place, each complete or not at all."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files; those that are gone already are no fault. No folder stays that has become empty."""
        ...

    def forget(self) -> None:
        """Let the local copies go; in a folder there are none."""
        ...

    def drop_copies(self, is_needed: Callable[[str], bool]) -> None:
        """Let the local copies go that nobody needs; a copy of the last hour stays: somebody may just read it.

        Args:
            is_needed: tells it of a key.
        """
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
    def delta_uri(self) -> str:
        """Return the path as an address, in which characters that mean something there are written apart."""
        return self.root.absolute().as_uri()

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def explained(self, fault: Exception) -> PlaceError:
        """Give a fault of delta-rs in one line."""
        return PlaceError(f"{self.uri} cannot be used: {one_line(fault)}")

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
            if key.startswith(prefix) and (entry := _entry(key, path)) is not None:
                yield entry

    def folders(self, key: str) -> list[str]:
        """Give the names of the folders directly under a key, in alphabetical order."""
        start = self.root / key
        return sorted(path.name for path in start.iterdir() if path.is_dir()) if start.is_dir() else []

    def stat(self, key: str) -> Entry | None:
        """Give one file's entry; null where there is none."""
        path = self.root / key
        return _entry(key, path) if path.is_file() else None

    def age(self, key: str) -> timedelta | None:
        """Tell how long ago a file was written, by the clock of this machine; null where there is none."""
        found = self.stat(key)
        return None if found is None else datetime.now(UTC) - found.modified

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

    def copy_of(self, key: str) -> Path:
        """Give the path of the file itself."""
        return self.root / key

    def fetch(self, entries: Iterable[Entry]) -> list[Entry]:
        """Give the files as they are now, without those that are gone."""
        found = (self.stat(entry.key) for entry in entries)
        return [entry for entry in found if entry is not None]

    def push(self, keys: Iterable[str]) -> None:
        """Do nothing: the files are here."""

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files; those that are gone already are no fault. No folder stays that has become empty."""
        parents: set[Path] = set()
        for key in keys:
            (self.root / key).unlink(missing_ok=True)
            parents.add((self.root / key).parent)
        for folder in parents:
            self._remove_empty(folder)

    def _remove_empty(self, folder: Path) -> None:
        """Remove a folder below the root, and those above it, up to one that holds something (or is gone already)."""
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def forget(self) -> None:
        """Do nothing: here are no copies."""

    def drop_copies(self, is_needed: Callable[[str], bool]) -> None:
        """Do nothing: here are no copies."""


def _entry(key: str, path: Path) -> Entry | None:
    """Describe a file; null where it went away since it was found."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return Entry(key, found.st_size, _stamp_of(found), datetime.fromtimestamp(found.st_mtime, UTC))


def _stamp(path: Path) -> str:
    return _stamp_of(path.stat())


def _stamp_of(found: os.stat_result) -> str:
    return f"{found.st_ctime_ns}-{found.st_size}-{found.st_ino}"


@contextmanager
def on_disk(folder: Path) -> Generator[None]:
    """Say in plain words what the disk of this machine does not take.

    Args:
        folder: where it is written.

    Raises:
        DiskError: the disk is full, or may not be written.
    """
    try:
        yield
    except OSError as fault:
        if fault.errno not in _DISK:
            raise
        hint = "free some room, or name a folder on another disk (CAKUPAN_CACHE for copies of what stands on S3)"
        raise DiskError(f"{folder} cannot be written ({os.strerror(fault.errno)}): {hint}") from None


def one_line(fault: Exception) -> str:
    """Give what a fault of delta-rs says, without the colours and lines of its tree."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|↳", " ", str(fault)).split())


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
