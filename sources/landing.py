"""The landing zone: which files lie there, of which dataset, and what their bytes are."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sources.places import Entry, OutOfReachError, Place, PlaceError

ENDINGS = (".csv", ".csv.gz", ".tsv", ".xlsx", ".xls", ".parquet", ".zip")
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_BLOCK = 1 << 20
_SEEN = "seen.json"


class LandingError(ValueError):
    """The landing zone itself cannot be used."""


class LandingUnreachableError(LandingError):
    """The landing zone does not answer now, and may answer soon."""


@dataclass(frozen=True)
class LandedFile:
    """One file of the landing zone."""

    path: Path
    file: str
    dataset: str
    sha256: str
    size: int
    stamp: str = ""

    def said_by_path(self, offices: frozenset[str]) -> dict[str, str]:
        """Give what the path says of participants: the period, and the office before it or known as one.

        Args:
            offices: the known office codes.

        Returns:
            A mapping with ``office_code`` and ``period`` where the path says them; empty for other datasets.
        """
        if self.dataset != "participants":
            return {}
        folders = self.file.split("/")[1:-1]
        months = [place for place, folder in enumerate(folders) if _PERIOD.fullmatch(folder)]
        said = {"period": folders[months[0]]} if months else {}
        before = folders[months[0] - 1] if months and months[0] > 0 else None
        office = before or next((folder for folder in folders if folder in offices), None)
        return said | ({"office_code": office} if office else {})

    def told(self, offices: frozenset[str]) -> str:
        """Name the file's loading for people: dataset, office and period where the path says them, and the file.

        Args:
            offices: the known office codes.
        """
        said = self.said_by_path(offices)
        where = [said[name] for name in ("office_code", "period") if name in said]
        return " ".join(["load", self.dataset, *where, self.file.rpartition("/")[2]])


@dataclass(frozen=True)
class Seen:
    """What was found when a file was last looked at: its stamp, and the sha256 of its bytes."""

    stamp: str
    sha256: str


def list_landing(landing: Place, datasets: Sequence[str], seen: Mapping[str, Seen] | None = None) -> list[LandedFile]:
    """List what lies in a landing zone, in a stable order.

    Args:
        landing: where files arrive.
        datasets: the known dataset names; the first folder of a path.
        seen: what was found last time, by path; the bytes of files with the same stamp are not read again.

    Returns:
        The files of known datasets, and data files elsewhere, whose dataset is then no known one. Hidden files, and
        files outside the datasets' folders that hold no data (a README), are left out.

    Raises:
        LandingError: the place does not exist or refuses the credential.
        LandingUnreachableError: it does not answer now.
    """
    before = seen or {}
    try:
        if not landing.exists():
            raise LandingError(f"landing zone {landing.uri} is not there; pass --landing or set CAKUPAN_LANDING")
        entries = [entry for entry in landing.entries() if _is_data(entry.key, datasets)]
        known = {entry.key: before[entry.key].sha256 for entry in entries if _is_seen(entry, before)}
        brought = {entry.key: entry for entry in landing.fetch(entry for entry in entries if entry.key not in known)}
    except OutOfReachError as unreachable:
        raise LandingUnreachableError(str(unreachable)) from None
    except PlaceError as unusable:
        raise LandingError(str(unusable)) from None
    there = (entry if entry.key in known else brought.get(entry.key) for entry in entries)

    def described(entry: Entry) -> LandedFile | None:
        return _landed(landing, entry, known.get(entry.key))

    with ThreadPoolExecutor() as readers:
        found = readers.map(described, filter(None, there))
        return [landed for landed in found if landed is not None]


def remembered(lake: Place) -> dict[str, Seen]:
    """Give what `remember` kept in the lake; nothing in a new one, or where the record is damaged."""
    kept = lake.read(_SEEN)
    try:
        rows = json.loads(kept or b"{}")
        return {file: Seen(stamp, sha256) for file, (stamp, sha256) in rows.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def remember(lake: Place, files: Iterable[LandedFile]) -> None:
    """Keep the stamps and hashes of landed files in the lake, so that the next night reads only what changed.

    Args:
        lake: where the lake stands.
        files: the files whose bytes the lake has: those of others must be brought again.
    """
    rows = {landed.file: [landed.stamp, landed.sha256] for landed in files}
    content = json.dumps(rows, separators=(",", ":")).encode()
    if lake.read(_SEEN) != content:
        lake.write(_SEEN, content)


def _landed(landing: Place, entry: Entry, known: str | None) -> LandedFile | None:
    """Describe a file that was listed; null where it went away meanwhile."""
    path = landing.copy_of(entry.key)
    try:
        sha256 = known or file_sha256(path)
    except FileNotFoundError:
        return None
    return LandedFile(path, entry.key, entry.key.partition("/")[0], sha256, entry.size, entry.stamp)


def _is_seen(entry: Entry, seen: Mapping[str, Seen]) -> bool:
    return entry.key in seen and seen[entry.key].stamp == entry.stamp


def _is_data(key: str, datasets: Sequence[str]) -> bool:
    parts = key.split("/")
    if any(part.startswith((".", "__", "~$")) for part in parts):
        return False
    return parts[0] in datasets or key.lower().endswith(ENDINGS)


def file_sha256(path: Path) -> str:
    """Give the sha256 of a file's bytes as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
