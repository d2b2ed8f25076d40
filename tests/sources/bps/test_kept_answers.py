"""Bytes that never were a file are kept once, whole or not at all, and damage is noticed."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from sources.places import Folder
from sources.snapshots import SnapshotError, Snapshots


def test_bytes_are_kept_once_for_their_owner_under_their_sha256(tmp_path: Path) -> None:
    snapshots = Snapshots(Folder(tmp_path / "raw"))
    sha256 = snapshots.keep_bytes(b"isi")
    kept = snapshots.path_of(sha256)
    assert (sha256, stat.S_IMODE(kept.stat().st_mode)) == (hashlib.sha256(b"isi").hexdigest(), 0o600)
    before = kept.stat().st_mtime_ns
    assert snapshots.keep_bytes(b"isi") == sha256
    assert (kept.stat().st_mtime_ns, snapshots.read(sha256)) == (before, b"isi")
    assert [path.name for path in kept.parent.iterdir()] == [sha256]


def test_absent_and_damaged_bytes_are_refused(tmp_path: Path) -> None:
    snapshots = Snapshots(Folder(tmp_path / "raw"))
    sha256 = snapshots.keep_bytes(b"isi")
    with pytest.raises(SnapshotError, match="absent or damaged"):
        snapshots.read("0" * 64)
    snapshots.path_of(sha256).write_bytes(b"isi lain")
    with pytest.raises(SnapshotError, match="absent or damaged"):
        snapshots.read(sha256)


def test_a_write_that_dies_leaves_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_descriptor: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(OSError, match="no space"):
            Folder(tmp_path).write("a/b.csv", b"isi")
    assert not (tmp_path / "a" / "b.csv").exists()
    assert all(path.name.startswith(".") for path in (tmp_path / "a").iterdir())
    Folder(tmp_path).write("a/b.csv", b"isi")
    assert stat.S_IMODE((tmp_path / "a" / "b.csv").stat().st_mode) == 0o644
