"""The landing zone: which files lie there, of which dataset, and what their bytes are."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".tsv", ".xlsx", ".xls", ".parquet", ".zip")
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_BLOCK = 1 << 20


class LandingError(ValueError):
    """The landing zone itself cannot be used."""


@dataclass(frozen=True)
class LandedFile:
    """One file of the landing zone."""

    path: Path
    file: str
    dataset: str
    sha256: str
    size: int

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


def list_landing(landing: Path, datasets: Sequence[str]) -> list[LandedFile]:
    """List what lies in a landing zone, in a stable order.

    Args:
        landing: the folder.
        datasets: the known dataset names; the first folder of a path.

    Returns:
        The files of known datasets, and data files elsewhere, whose dataset is then no known one. Hidden files, and
        files outside the datasets' folders that hold no data (a README), are left out.

    Raises:
        LandingError: the folder does not exist.
    """
    if not landing.is_dir():
        raise LandingError(f"landing zone {landing} is not a folder; pass --landing or set CAKUPAN_LANDING")
    files = ((path, path.relative_to(landing).as_posix()) for path in _files(landing))
    return [
        LandedFile(path, file, file.partition("/")[0], file_sha256(path), path.stat().st_size)
        for path, file in files
        if file.partition("/")[0] in datasets or path.name.lower().endswith(ENDINGS)
    ]


def _files(landing: Path) -> Iterator[Path]:
    for path in sorted(landing.rglob("*")):
        inside = path.relative_to(landing).parts
        if path.is_file() and not any(part.startswith((".", "__", "~$")) for part in inside):
            yield path


def file_sha256(path: Path) -> str:
    """Give the sha256 of a file's bytes as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
