"""A folder and a bucket are the same kind of place."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.places import ABSENT, Folder, Place, TakenError
from tests.s3 import new_bucket, s3_endpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_endpoint() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, endpoint: str) -> Place:
    return Folder(tmp_path / "place") if request.param == "folder" else new_bucket(endpoint, tmp_path / "cache")


def test_what_is_written_is_read_listed_and_removed(place: Place) -> None:
    for key in ("b/two.csv", "a/one.csv", "b/c/three.csv"):
        place.write(key, key.encode())
    assert [entry.key for entry in place.entries()] == ["a/one.csv", "b/c/three.csv", "b/two.csv"]
    assert [entry.key for entry in place.entries("b/")] == ["b/c/three.csv", "b/two.csv"]
    assert (place.folders("b"), place.folders("none")) == (["c"], [])
    assert (place.read("a/one.csv"), place.read("none")) == (b"a/one.csv", None)
    assert [entry.size for entry in place.below("b").entries()] == [len("b/c/three.csv"), len("b/two.csv")]
    place.remove(["a/one.csv", "never there"])
    assert place.stat("a/one.csv") is None


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


def test_large_files_are_made_below_the_root_and_come_back_elsewhere(place: Place, tmp_path: Path) -> None:
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
    assert tmp_path.exists()


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
