"""One worker of a cluster: it reads single files for a night that runs elsewhere, by its own settings."""

import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flows.settings import Settings, place_of
from sources.places import OutOfReachError
from warehouse.away import FileJob, Orders, member_away, read_away
from warehouse.connections import Limits
from warehouse.crew import Member, ReadFile
from warehouse.person_key import PersonKeyError, load_or_make_key

_ONE_AT_A_TIME = threading.Lock()


class ClusterError(OutOfReachError):
    """The cluster cannot be reached, or has lost its workers."""


@dataclass(frozen=True)
class _Desk:
    """A member of the crew in this process, and the folder that holds all that it needs on this machine's disk."""

    member: Member
    folder: "tempfile.TemporaryDirectory[str]"


def read_on_worker(job: FileJob) -> ReadFile:
    """Read one file of a night that runs elsewhere; one at a time in a process.

    Args:
        job: the file, and what holds for all of its dataset.

    Returns:
        What became of the file; its rows wait in the lake.

    Raises:
        AwayError: this worker has other rules than the night, or does not see its lake.
        PersonKeyError: this worker has no key for persons, or another one.
    """
    with _ONE_AT_A_TIME:
        try:
            member = _desk(job.orders).member
            return read_away(member, job.landed)
        except Exception:
            # What a read that broke off left in the tables goes with them.
            _desk.cache_clear()
            raise


@lru_cache(maxsize=1)
def _desk(orders: Orders) -> _Desk:
    settings = Settings()
    settings.cache.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="worker-", dir=settings.cache, ignore_cleanup_errors=True)
    room = Path(folder.name)
    place = place_of(orders.lake, settings.model_copy(update={"cache": room / "copies"}))
    limits = Limits(settings.memory_limit, settings.threads, room / "spill")
    return _Desk(member_away(orders, place, limits, _person_key(settings), room / "work"), folder)


def _person_key(settings: Settings) -> str:
    """Give the key that this machine has; a worker makes none."""
    if settings.person_key is not None:
        return settings.person_key.get_secret_value()
    kept = settings.secrets / "person.key"
    if not kept.is_file():
        raise PersonKeyError(f"this worker has no person key; set CAKUPAN_PERSON_KEY, or put the lake's at {kept}")
    return load_or_make_key(kept)
