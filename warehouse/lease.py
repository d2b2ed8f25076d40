"""One run at a time on a lake: a lock that its holder loses when it dies, on a folder or on S3."""

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast, runtime_checkable

from sources.places import ABSENT, Folder, Place, PlaceError, TakenError

KEY = "lease.json"
# A bucket has no operating system that takes a lease back: it ends when its holder stops renewing it.
LASTS = timedelta(minutes=5)
_RENEWALS = 5
# S3 tells times in whole seconds.
_ROUNDED = timedelta(seconds=2)
_BETWEEN_TRIES = 5.0


class LeaseHeldError(RuntimeError):
    """Another run is at work on the same lake."""


@dataclass(frozen=True)
class Claim:
    """How a run asks for a lease.

    Attributes:
        run: what those who watch call the run, so that its successor can tell them should it die.
        wait: how long to wait where another run is at work.
        lasts: how long a lease on a bucket outlives its holder.
    """

    run: str | None = None
    wait: timedelta = timedelta(0)
    lasts: timedelta = LASTS


# Prefect looks at the types of what it is given.
@runtime_checkable
class Lease(Protocol):
    """A lease that this process has taken."""

    @property
    def died(self) -> Mapping[str, Any] | None:
        """Return what the last holder said of itself, where it never gave the lease back; else null."""
        ...

    def confirm(self) -> None:
        """Make sure that it is still this process's.

        Raises:
            LeaseHeldError: it ended meanwhile, and another run may have taken it.
        """
        ...


def unleased() -> None:
    """Confirm what is written without a lease: nothing could have been lost."""


@contextmanager
def lease(lake: Place, claim: Claim | None = None) -> Generator[Lease]:
    """Hold the lake for this process.

    Args:
        lake: where the lake stands.
        claim: who asks, and how long it waits; by default nobody that is watched, and not at all.

    Yields:
        The lease, to be confirmed before what only its holder may do.

    Raises:
        LeaseHeldError: another process holds it; the message says which and since when.
    """
    asked = claim or Claim()
    with ExitStack() as held:
        yield _taken(held, lake, asked)


def _taken(held: ExitStack, lake: Place, claim: Claim) -> Lease:
    """Take the lease, again and again until the claim waits no longer."""
    deadline = time.monotonic() + claim.wait.total_seconds()
    while True:
        try:
            return held.enter_context(_of_folder(lake, claim) if isinstance(lake, Folder) else _of_bucket(lake, claim))
        except LeaseHeldError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(min(_BETWEEN_TRIES, max(0.0, deadline - time.monotonic())))


@dataclass(frozen=True)
class _Kept:
    """A lease that the operating system keeps as long as its holder lives."""

    died: Mapping[str, Any] | None

    def confirm(self) -> None:
        """Do nothing: it cannot be lost."""


@contextmanager
def _of_folder(lake: Folder, claim: Claim) -> Generator[Lease]:
    lake.root.mkdir(parents=True, exist_ok=True)
    with (lake.root / KEY).open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise LeaseHeldError(f"another run holds {lake.uri}: {stream.read().strip() or 'unknown'}") from None
        stream.seek(0)
        died = _said(stream.read())
        stream.truncate(0)
        stream.write(json.dumps(_holder(datetime.now(UTC), claim.run)))
        stream.flush()
        try:
            yield _Kept(died)
        finally:
            stream.truncate(0)


def _holder(since: datetime, run: str | None) -> dict[str, Any]:
    said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since.isoformat(timespec="seconds")}
    return said if run is None else said | {"run": run}


def _said(text: str | bytes) -> Mapping[str, Any] | None:
    """Read what a holder says of itself; null where it says nothing that can be read."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return cast("Mapping[str, Any]", said) if isinstance(said, dict) else None


@contextmanager
def _of_bucket(lake: Place, claim: Claim) -> Generator[Lease]:
    held = _Held(lake, claim)
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

    def __init__(self, lake: Place, claim: Claim) -> None:
        self.died: Mapping[str, Any] | None = None
        self._lake = lake
        self._lasts = claim.lasts
        # Two hosts may have one name; whose a lease is must be beyond doubt where an answer was lost.
        self._holder = _holder(datetime.now(UTC), claim.run) | {"id": uuid.uuid4().hex}
        self._stamp = ABSENT
        self._until = 0.0
        # Renewing writes first and knows its new stamp after it.
        self._renewing = threading.Lock()

    def confirm(self) -> None:
        """Raise where the lease was not renewed in time: another run may be at work."""
        with self._renewing:
            standing, stamp = self._lake.stat(KEY), self._stamp
        if standing is None or standing.stamp != stamp or self._until <= time.monotonic():
            raise LeaseHeldError(f"this run lost its lease of {self._lake.uri}; nothing was promoted, run it again")

    def take(self) -> None:
        """Write the object where none stands, or over one that ended."""
        standing = self._lake.stat(KEY)
        if standing is not None:
            self.died = _said(self._lake.read(KEY) or b"")
            if not self._has_ended(self.died or {}):
                raise LeaseHeldError(f"another run holds {self._lake.uri}: {json.dumps(self.died)}")
        try:
            self._write(ABSENT if standing is None else standing.stamp)
        except TakenError:
            raise LeaseHeldError(f"another run took {self._lake.uri} at this moment") from None

    def _has_ended(self, said: Mapping[str, Any]) -> bool:
        """Tell whether a lease was not renewed for as long as it lasts, by the clock of S3: machines' clocks differ."""
        age = self._lake.age(KEY)
        return age is None or age >= timedelta(seconds=float(said.get("lasts", LASTS.total_seconds()))) + _ROUNDED

    def renew_until(self, stop: threading.Event) -> None:
        """Write the object again and again while the run is at work; a bucket out of reach is tried again."""
        while not stop.wait((self._lasts / _RENEWALS).total_seconds()):
            try:
                with self._renewing:
                    self._write(self._stamp)
            except PlaceError:
                continue
            except TakenError:
                return

    def _write(self, expected: str) -> None:
        # Counted from before the writing, so that nobody sees it end earlier than its holder does.
        until = time.monotonic() + self._lasts.total_seconds()
        said = {"until": (datetime.now(UTC) + self._lasts).isoformat(timespec="seconds")}
        content = json.dumps(self._holder | said | {"lasts": self._lasts.total_seconds()}).encode()
        self._stamp = self._lake.write(KEY, content, expected)
        self._until = until

    def give_back(self) -> None:
        """Remove the object, if it is still this run's."""
        standing = self._lake.stat(KEY)
        if standing is not None and standing.stamp == self._stamp:
            self._lake.remove([KEY])
