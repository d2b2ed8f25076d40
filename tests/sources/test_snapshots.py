"""Raw bytes are kept once under their sha256."""

import stat
from pathlib import Path

import pytest

from sources.landing import LandedFile, file_sha256
from sources.places import Folder
from sources.snapshots import SnapshotError, Snapshots


def landed(path: Path, content: bytes = b"isi") -> LandedFile:
    path.write_bytes(content)
    return LandedFile(path, path.name, "targets", file_sha256(path), len(content))


def test_bytes_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    snapshots = Snapshots(Folder(tmp_path / "raw"))
    file = landed(tmp_path / "a.csv")
    kept = snapshots.keep(file)
    assert kept == snapshots.path_of(file.sha256) == tmp_path / "raw" / file.sha256[:2] / file.sha256
    assert kept.read_bytes() == b"isi"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_same_bytes_are_kept_once_even_when_the_file_is_gone(tmp_path: Path) -> None:
    snapshots = Snapshots(Folder(tmp_path / "raw"))
    first = landed(tmp_path / "a.csv")
    kept = snapshots.keep(first)
    before = kept.stat().st_mtime_ns
    first.path.unlink()
    assert snapshots.keep(first) == kept
    assert snapshots.keep(landed(tmp_path / "b.csv")) == kept
    assert kept.stat().st_mtime_ns == before


def test_a_file_that_changes_while_it_is_copied_is_not_kept(tmp_path: Path) -> None:
    file = landed(tmp_path / "a.csv")
    file.path.write_bytes(b"isi dan lagi")
    with pytest.raises(SnapshotError, match=r"a\.csv changed"):
        Snapshots(Folder(tmp_path / "raw")).keep(file)
    assert [path for path in (tmp_path / "raw").rglob("*") if path.is_file()] == []


def test_a_copy_that_a_crash_left_behind_is_no_snapshot(tmp_path: Path) -> None:
    snapshots = Snapshots(Folder(tmp_path / "raw"))
    file = landed(tmp_path / "a.csv")
    partial = snapshots.path_of(file.sha256).with_name(f".{file.sha256}.1")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"is")
    assert snapshots.keep(file).read_bytes() == b"isi"
