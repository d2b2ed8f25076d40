"""A folder and a bucket are the same kind of place."""

import errno
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sources.buckets import bucket_of
from sources.places import ABSENT, DiskError, Entry, Folder, Place, PlaceError, TakenError, on_disk
from tests.s3 import access_to, new_bucket

ODD_KEYS = [
    "spasi di nama.csv",
    "plus+persen%20.csv",
    "ünï/kodé.csv",
    "tanya?pagar#.csv",
    "dan&sama=dengan.csv",
    "kutip'dua\".csv",
    "titik../dua..titik/...csv",
    "panjang/" + "x" * 200,
]
# What a bucket may hold and no path can: parts that are empty or of dots, a file that is a folder too, long names.
BUCKET_KEYS = ["dua//garis.csv", "/mutlak.csv", "../naik.csv", "a/./b.csv", "a", "a/b", "y" * 400]


def test_what_is_written_is_read_listed_and_removed(place: Place) -> None:
    for key in ("b/two.csv", "a/one.csv", "b/c/three.csv"):
        place.write(key, key.encode())
    assert [entry.key for entry in place.entries()] == ["a/one.csv", "b/c/three.csv", "b/two.csv"]
    assert [entry.key for entry in place.entries("b/")] == ["b/c/three.csv", "b/two.csv"]
    assert (place.folders("b"), place.folders("none"), place.folders("")) == (["c"], [], ["a", "b"])
    assert (place.read("a/one.csv"), place.read("none")) == (b"a/one.csv", None)
    assert [entry.size for entry in place.below("b").entries()] == [len("b/c/three.csv"), len("b/two.csv")]
    place.remove(["a/one.csv", "never there"])
    assert place.stat("a/one.csv") is None


def test_no_folder_stays_that_has_become_empty(place: Place) -> None:
    for key in ("a/b/one", "a/b/two", "a/c/d/three"):
        place.write(key, b"1")
    place.remove(["a/b/one", "a/c/d/three"])
    assert (place.folders(""), place.folders("a")) == (["a"], ["b"])
    place.remove(["a/b/two"])
    assert place.folders("") == []
    place.write("a/b/one", b"1")
    assert place.folders("a") == ["b"]


def test_an_entry_tells_when_it_was_written(place: Place) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    place.write("a", b"1")
    found = place.stat("a")
    assert found is not None
    assert before <= found.modified <= datetime.now(UTC) + timedelta(seconds=2)
    assert [entry.modified for entry in place.entries()] == [found.modified]


def test_a_stamp_changes_with_the_bytes_and_only_then(place: Place) -> None:
    first = place.write("a", b"1")
    stood = place.stat("a")
    assert stood is not None
    assert stood.stamp == first
    assert place.write("a", b"2") != first


def test_a_condition_lets_only_one_writer_win(place: Place) -> None:
    stamp = place.write("pointer", b"1", ABSENT)
    with pytest.raises(TakenError):
        place.write("pointer", b"2", ABSENT)
    place.write("pointer", b"3", stamp)
    with pytest.raises(TakenError):
        place.write("pointer", b"4", stamp)
    assert place.read("pointer") == b"3"


def test_lines_are_added_at_the_end(place: Place) -> None:
    for line in (b"one\n", b"two\n"):
        place.append("log/history", line)
    assert place.read("log/history") == b"one\ntwo\n"


def test_large_files_are_made_below_the_root_and_come_back_elsewhere(place: Place) -> None:
    content = bytes(range(256)) * 80_000
    path = place.root / "big" / "file.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    place.push(["big/file.bin"])
    if not isinstance(place, Folder):
        path.unlink()
    place.pull(["big/file.bin"])
    assert path.read_bytes() == content
    with pytest.raises(FileNotFoundError):
        place.pull(["big/none.bin"])


def test_a_copy_is_taken_anew_where_that_is_asked(place: Place) -> None:
    place.write("a", b"old")
    place.pull(["a"])
    place.write("a", b"new")
    place.pull(["a"], anew=True)
    assert (place.root / "a").read_bytes() == b"new"


def test_what_is_forgotten_still_stands(place: Place) -> None:
    place.write("a", b"1")
    place.pull(["a"])
    place.forget()
    assert (place.root / "a").exists() == isinstance(place, Folder)
    assert place.read("a") == b"1"


@pytest.mark.parametrize("key", ODD_KEYS, ids=range(len(ODD_KEYS)))
def test_keys_may_hold_whatever_a_path_can(place: Place, key: str) -> None:
    place.write(key, b"")
    place.write(key, key.encode())
    (found,) = place.fetch(place.entries())
    assert (found.key, found) == (key, place.stat(key))
    assert place.copy_of(key).read_bytes() == place.read(key) == key.encode()
    place.pull([key])
    assert (place.root / key).read_bytes() == key.encode()
    place.remove([key])
    assert list(place.entries()) == []


@pytest.mark.slow
def test_a_bucket_may_hold_keys_that_no_path_can(endpoint: str, tmp_path: Path) -> None:
    bucket = new_bucket(endpoint, tmp_path / "cache")
    for key in BUCKET_KEYS:
        bucket.write(key, key.encode())
    found = bucket.fetch(bucket.entries())
    assert sorted(entry.key for entry in found) == sorted(BUCKET_KEYS)
    assert all(bucket.copy_of(entry.key).read_bytes() == entry.key.encode() for entry in found)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {bucket.root / ".fetched"}
    for key in ("../naik.csv", "/mutlak.csv", "dua//garis.csv"):
        with pytest.raises(PlaceError, match="names no file below"):
            bucket.pull([key])


@pytest.mark.slow
def test_a_whole_bucket_may_be_a_place_and_marks_of_empty_folders_are_no_files(endpoint: str, tmp_path: Path) -> None:
    name = new_bucket(endpoint, tmp_path).name
    whole = bucket_of(f"s3://{name}/", access_to(endpoint), tmp_path / "whole")
    for key in ("participants/", "participants/SLK/", "participants/SLK/a.csv", "empty.csv"):
        whole.write(key, b"" if key != "participants/SLK/a.csv" else b"isi")
    assert [(entry.key, entry.size) for entry in whole.entries()] == [("empty.csv", 0), ("participants/SLK/a.csv", 3)]
    assert (whole.uri, whole.folders(""), whole.folders("participants")) == (f"s3://{name}", ["participants"], ["SLK"])
    assert [entry.size for entry in whole.fetch(whole.entries())] == [0, 3]
    assert whole.copy_of("empty.csv").read_bytes() == b""


def test_what_went_away_since_it_was_listed_is_left_out(place: Place) -> None:
    for key in ("a", "b", "c"):
        place.write(key, key.encode())
    listed = list(place.entries())
    place.remove(["b"])
    stamp = place.write("c", b"changed")
    found = place.fetch(listed)
    assert [entry.key for entry in found] == ["a", "c"]
    assert (found[1].stamp, place.copy_of("c").read_bytes()) == (stamp, b"changed")


def test_a_folder_whose_files_go_away_while_it_is_listed_gives_the_others(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for key in ("a", "b", "c"):
        folder.write(key, b"")
    listed = folder.entries()
    assert next(listed).key == "a"
    (tmp_path / "b").unlink()
    assert [entry.key for entry in listed] == ["c"]


def test_the_age_of_a_file_is_told_by_the_place(place: Place) -> None:
    place.write("a", b"1")
    age = place.age("a")
    assert age is not None
    assert timedelta(seconds=-2) < age < timedelta(seconds=30)
    assert place.age("none") is None


def old(path: Path) -> None:
    """Let a file look as if it had been written two hours ago."""
    os.utime(path, times=(time.time() - 7200, time.time() - 7200))


def test_copies_that_nobody_needs_go_and_young_ones_stay(place: Place) -> None:
    keys = ["deep/er/old", "needed", "young"]
    for key in keys:
        place.write(key, key.encode())
    place.pull(keys)
    for key in keys[:2]:
        old(place.root / key)
    place.drop_copies(lambda key: key == "needed")
    assert (place.root / "deep/er/old").exists() == isinstance(place, Folder)
    assert all((place.root / key).exists() for key in keys[1:])
    for folder in ("deep/er", "deep"):
        assert (place.root / folder).exists()
        old(place.root / folder)
    place.drop_copies(lambda _key: True)
    assert (place.root / "deep").exists() == isinstance(place, Folder)
    assert [entry.key for entry in place.entries()] == keys


@pytest.mark.slow
def test_copies_are_for_their_owner_only(endpoint: str, tmp_path: Path) -> None:
    bucket = new_bucket(endpoint, tmp_path / "cache")
    bucket.write("a", b"1")
    bucket.root.mkdir(parents=True)
    bucket.pull(["a"])
    assert (bucket.cache / bucket.name).stat().st_mode & 0o077 == 0


def test_a_full_disk_is_told_in_plain_words(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskError, match=r"cannot be written \(No space left on device\): free some room"),
        on_disk(tmp_path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), on_disk(tmp_path):
        (tmp_path / "none").read_bytes()


@pytest.mark.slow
def test_of_many_writers_at_once_one_wins(endpoint: str, tmp_path: Path) -> None:
    bucket = new_bucket(endpoint, tmp_path)
    won: list[int] = []

    def write(number: int) -> None:
        try:
            bucket.write("pointer", str(number).encode(), ABSENT)
            won.append(number)
        except TakenError:
            pass

    writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(won) == 1
    assert bucket.read("pointer") == str(won[0]).encode()


def test_entries_say_when_they_were_written(place: Place) -> None:
    place.write("a", b"1")
    stood, (listed,) = place.stat("a"), place.entries()
    assert isinstance(stood, Entry)
    assert abs(stood.modified - listed.modified) < timedelta(seconds=1)
