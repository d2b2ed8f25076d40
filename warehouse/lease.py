"""One run at a time on a lake: a lock that the operating system gives back when its holder dies."""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


class LeaseHeldError(RuntimeError):
    """Another run is at work on the same lake."""


@contextmanager
def lease(lake: Path) -> Generator[None]:
    """Hold the lake for this process.

    Args:
        lake: the lake's folder.

    Raises:
        LeaseHeldError: another process holds it; the message says which and since when.
    """
    lake.mkdir(parents=True, exist_ok=True)
    path = lake / "lease.json"
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise LeaseHeldError(f"another run holds {lake}: {stream.read().strip() or 'unknown'}") from None
        stream.truncate(0)
        json.dump({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}, stream)
        stream.flush()
        yield
        stream.truncate(0)
