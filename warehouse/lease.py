"""One run at a time on a lake: a lock that its holder loses when it dies, on a folder or on S3."""

import fcntl
import json
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from sources.places import ABSENT, Folder, Place, PlaceError, TakenError

KEY = "lease.json"
# A bucket has no operating system that takes a lease back: it ends when its holder stops renewing it.
LASTS = timedelta(minutes=5)
RENEWED_EVERY = timedelta(minutes=1)


class LeaseHeldError(RuntimeError):
    """Another run is at work on the same lake."""


# Prefect looks at the types of what it is given.
@runtime_checkable
class Lease(Protocol):
    """A lease that this process has taken."""

    def confirm(self) -> None:
        """Make sure that it is still this process's.

        Raises:
            LeaseHeldError: it ended meanwhile, and another run may have taken it.
        """
        ...


@contextmanager
def lease(lake: Place) -> Generator[Lease]:
    """Hold the lake for this process.

    Args:
        lake: where the lake stands.

    Yields:
        The lease, to be confirmed before what only its holder may do.

    Raises:
        LeaseHeldError: another process holds it; the message says which and since when.
    """
    with _of_folder(lake) if isinstance(lake, Folder) else _of_bucket(lake) as held:
        yield held


class _Kept:
    """A lease that the operating system keeps as long as its holder lives."""

    def confirm(self) -> None:
        """Do nothing: it cannot be lost."""


@contextmanager
def _of_folder(lake: Folder) -> Generator[Lease]:
    lake.root.mkdir(parents=True, exist_ok=True)
    with (lake.root / KEY).open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise LeaseHeldError(f"another run holds {lake.uri}: {stream.read().strip() or 'unknown'}") from None
        stream.truncate(0)
        stream.write(_holder(datetime.now(UTC)))
        stream.flush()
        yield _Kept()
        stream.truncate(0)


def _holder(since: datetime) -> str:
    said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since.isoformat(timespec="seconds")}
    return json.dumps(said)


@contextmanager
def _of_bucket(lake: Place) -> Generator[Lease]:
    held = _Held(lake, datetime.now(UTC))
    held.take()
    stop = threading.Event()
    renewing = threading.Thread(target=held.renew_until, args=(stop,), daemon=True)
    renewing.start()
    try:
        yield held
    finally:
        stop.set()
        renewing.join()
        held.give_back()


class _Held:
    """A lease on a bucket: an object that only one writer can have written last."""

    def __init__(self, lake: Place, since: datetime) -> None:
        self._lake = lake
        self._since = since
        self._stamp = ABSENT
        self._until = since
        # Renewing writes first and knows its new stamp after it.
        self._renewing = threading.Lock()

    def confirm(self) -> None:
        """Raise where the lease was not renewed in time: another run may be at work."""
        with self._renewing:
            standing, stamp = self._lake.stat(KEY), self._stamp
        if standing is None or standing.stamp != stamp or self._until <= datetime.now(UTC):
            raise LeaseHeldError(f"this run lost its lease of {self._lake.uri}; nothing was promoted, run it again")

    def take(self) -> None:
        """Write the object where none stands, or over one that ended."""
        standing = self._lake.stat(KEY)
        if standing is not None:
            said = json.loads(self._lake.read(KEY) or b"{}")
            if datetime.fromisoformat(said["until"]) > datetime.now(UTC):
                raise LeaseHeldError(f"another run holds {self._lake.uri}: {json.dumps(said)}")
        try:
            self._stamp = self._lake.write(KEY, self._content(), ABSENT if standing is None else standing.stamp)
        except TakenError:
            raise LeaseHeldError(f"another run took {self._lake.uri} at this moment") from None

    def renew_until(self, stop: threading.Event) -> None:
        """Write the object again and again while the run is at work; a bucket out of reach is tried again."""
        while not stop.wait(RENEWED_EVERY.total_seconds()):
            try:
                with self._renewing:
                    self._stamp = self._lake.write(KEY, self._content(), self._stamp)
            except PlaceError:
                continue
            except TakenError:
                return

    def give_back(self) -> None:
        """Remove the object, if it is still this run's."""
        standing = self._lake.stat(KEY)
        if standing is not None and standing.stamp == self._stamp:
            self._lake.remove([KEY])

    def _content(self) -> bytes:
        self._until = datetime.now(UTC) + LASTS
        until = self._until.isoformat(timespec="seconds")
        return json.dumps(json.loads(_holder(self._since)) | {"until": until}).encode()
