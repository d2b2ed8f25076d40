"""The manifest of a build: what went in, what came out, and whether it may be shown."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

BuildResult = Literal["success", "warnings", "failure"]


class DamagedManifestError(OSError):
    """A build that cannot be described any more."""


class Input(BaseModel):
    """One file that core was made of, and when it arrived."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source_key: str
    dataset: str
    file: str
    size: int
    arrived_at: str


class Manifest(BaseModel):
    """Written last into a build's folder; a folder without one is no build.

    Attributes:
        build_id: the folder's name, in the order of time.
        as_of: the business date that the marts were built for.
        stale_on: the first later business date on which the same inputs would give other marts.
        required: datasets without which nothing would have been published.
        inputs_key: digest of core versions, reference data, contracts and SQL; equal keys give equal marts.
        core_versions: version of every core table.
        inputs: every file that arrived until then.
        rows: rows of every published table.
        sha256: digest of every file of the build by its path in the folder.
        checks: how many passed, failed, could not run, or only warn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    build_id: str
    created_at: str
    result: BuildResult
    as_of: date
    stale_on: date
    code_version: str
    person_key_id: str
    required: tuple[str, ...] = ()
    inputs_key: str
    core_versions: dict[str, int]
    inputs: list[Input]
    rows: dict[str, int]
    sha256: dict[str, str]
    checks: dict[str, int]
    reasons: list[str]


def read_manifest(folder: Path) -> Manifest:
    """Read a build's manifest.

    Raises:
        FileNotFoundError: the folder holds no finished build.
        DamagedManifestError: the manifest is cut or was written by something else.
    """
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError:
        raise DamagedManifestError(
            f"manifest.json of build {folder.name} is damaged / rusak: move that folder out of {folder.parent} "
            "and promote another build, or run cakupan run --force"
        ) from None
