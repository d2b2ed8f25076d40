"""Builds, the pointer to one of them, and what readers see while it moves."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sources.places import Folder, Place
from tests.flows.test_report import manifest
from tests.s3 import new_bucket
from tests.support import ROOT, killed_at_the_end
from warehouse.publish import REMEMBERED, Damage, PointerMovedError, Publication, PublishError


def publish(publication: Publication, build_id: str, content: str = "isi", **changes: object) -> None:
    """Write a finished build of one text file."""
    folder = publication.folder_of(build_id)
    (folder / "marts").mkdir(parents=True)
    (folder / "marts" / "a.txt").write_text(content, encoding="utf-8")
    digests = {"marts/a.txt": hashlib.sha256(content.encode()).hexdigest()}
    described = manifest(build_id=build_id, sha256=digests, **changes)
    (folder / "manifest.json").write_text(described.model_dump_json(), encoding="utf-8")
    publication.deliver(build_id, digests)


@pytest.fixture
def publication(place: Place) -> Publication:
    """Give a publication in a place of every kind with three builds, the last of which failed."""
    made = Publication(place)
    publish(made, "b1")
    publish(made, "b2", "isi lain", result="warnings")
    publish(made, "b3", result="failure", reasons=["coverage primary_key: twice"])
    return made


def test_nothing_is_promoted_at_first(tmp_path: Path) -> None:
    empty = Publication(Folder(tmp_path / "nowhere"))
    assert (empty.builds(), empty.promoted_id(), empty.promoted(), empty.confirmed_at()) == ([], None, None, None)


def test_builds_are_listed_newest_first_without_unfinished_ones(publication: Publication) -> None:
    text = manifest(build_id="b4").model_dump_json().encode()
    publication.place.write("builds/.b4/manifest.json", text)
    publication.place.write("builds/b5/marts/a.txt", b"isi")
    assert [build.build_id for build in publication.builds()] == ["b3", "b2", "b1"]


def test_promotion_moves_pointer_and_link_and_rollback_moves_them_back(publication: Publication) -> None:
    for build_id in ("b1", "b2", "b1"):
        publication.promote(build_id)
        assert publication.promoted_id() == build_id
        assert json.loads(publication.place.read("latest.json") or b"{}")["build_id"] == build_id
        if isinstance(publication.place, Folder):
            assert (publication.root / "current").readlink() == Path("builds") / build_id
            assert (publication.root / "current" / "marts" / "a.txt").is_file()
    top = {entry.key.partition("/")[0] for entry in publication.place.entries()}
    assert top - {"current"} == {"builds", "latest.json"}


def test_the_pointer_remembers_what_was_promoted_and_until_when(publication: Publication) -> None:
    assert publication.shown_until() == {}
    for build_id in ("b1", "b2", "b1"):
        publication.promote(build_id)
    shown = publication.shown_until()
    assert (shown.keys(), shown["b1"]) == ({"b1", "b2"}, None)
    until = shown["b2"]
    assert until is not None
    assert abs(datetime.now(UTC) - until) < timedelta(minutes=5)
    pointer = json.loads(publication.place.read("latest.json") or b"{}")
    for entry in pointer["earlier"]:
        entry["until"] = (until - REMEMBERED - timedelta(days=1)).isoformat()
    publication.place.write("latest.json", json.dumps(pointer).encode())
    publication.promote("b2")
    assert publication.shown_until().keys() == {"b1", "b2"}
    assert len(json.loads(publication.place.read("latest.json") or b"{}")["earlier"]) == 1


def test_the_link_names_a_build_that_is_shown_too(publication: Publication) -> None:
    if not isinstance(publication.place, Folder):
        pytest.skip("a bucket has no links")
    publication.promote("b1")
    (publication.root / "current").unlink()
    (publication.root / "current").symlink_to("builds/b2")
    assert publication.shown_until() == {"b1": None, "b2": None}


def test_a_build_without_its_manifest_is_unfinished(publication: Publication) -> None:
    publication.place.remove(["builds/b2/manifest.json"])
    assert (publication.unfinished(), [build.build_id for build in publication.builds()]) == (["b2"], ["b3", "b1"])
    with publication.going(["b2"]):
        publication.remove("b2")
    assert (publication.unfinished(), publication.folder_of("b2").exists()) == ([], False)


def test_a_failed_build_is_not_promoted_and_says_why(publication: Publication) -> None:
    publication.promote("b1")
    with pytest.raises(PublishError, match="coverage primary_key: twice"):
        publication.promote("b3")
    assert publication.promoted_id() == "b1"


def test_an_unknown_build_is_refused_with_the_newest_names(publication: Publication) -> None:
    with pytest.raises(PublishError, match="b3, b2, b1"):
        publication.promote("b9")


@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_a_damaged_build_is_found_and_not_promoted(publication: Publication, harm: str) -> None:
    publication.promote("b2")
    key = "builds/b1/marts/a.txt"
    assert publication.damage("b1") == []
    if harm == "flip":
        publication.place.write(key, b"isj")
    else:
        publication.place.remove([key])
    (found,) = publication.damage("b1")
    assert isinstance(found, Damage)
    assert (found.file, found.found == "missing") == ("marts/a.txt", harm == "remove")
    with pytest.raises(PublishError, match="damaged"):
        publication.promote("b1")
    assert publication.promoted_id() == "b2"


def test_a_night_without_news_confirms_what_is_promoted(publication: Publication) -> None:
    publication.promote("b1")
    assert publication.confirmed_at() is None
    publication.confirm()
    assert publication.confirmed_at() is not None
    assert publication.promoted_id() == "b1"


def test_a_pointer_that_somebody_else_moves_meanwhile_stays_theirs(publication: Publication) -> None:
    publication.promote("b1")
    with pytest.raises(PointerMovedError, match=r"latest\.json was moved by somebody else.*b1 stands"):
        publication.promote("b1", lambda: publication.promote("b2"))
    assert publication.promoted_id() == "b2"


def test_a_run_that_may_not_promote_any_more_moves_nothing(publication: Publication) -> None:
    def lost() -> None:
        raise RuntimeError("lost")

    publication.promote("b1")
    with pytest.raises(RuntimeError, match="lost"):
        publication.promote("b2", lost)
    with pytest.raises(RuntimeError, match="lost"):
        publication.deliver("b2", ["marts/a.txt"], lost)
    assert publication.promoted_id() == "b1"


@pytest.mark.slow
def test_what_a_night_left_that_died_while_it_uploaded_is_no_build_on_any_machine(
    endpoint: str, tmp_path: Path
) -> None:
    bucket = new_bucket(endpoint, tmp_path / "here")
    here, there = Publication(bucket), Publication(replace(bucket, cache=tmp_path / "there"))
    publish(here, "b1")
    here.promote("b1")
    begin(here, "b2")
    for publication in (here, there):
        assert [build.build_id for build in publication.builds()] == ["b1"]
        with pytest.raises(PublishError, match="no build b2"):
            publication.promote("b2")
    for path in here.root.rglob("*"):
        os.utime(path, times=(0, 0))
    here.sweep_leftovers()
    assert sorted(path.name for path in here.builds_folder.iterdir()) == ["b1"]
    assert {entry.key.split("/")[1] for entry in bucket.entries("builds/")} == {"b1"}
    assert here.damage("b1") == []


def begin(publication: Publication, build_id: str) -> None:
    """Write a finished build whose manifest never arrives, because the run dies before it."""

    def die() -> None:
        raise KeyboardInterrupt

    folder = publication.folder_of(build_id)
    (folder / "marts").mkdir(parents=True)
    (folder / "marts" / "a.txt").write_text("isi", encoding="utf-8")
    (folder / "manifest.json").write_text(manifest(build_id=build_id).model_dump_json(), encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        publication.deliver(build_id, ["marts/a.txt"], die)


READ = """
import duckdb, pathlib, sys
link, stop, reads = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), 0
print('ready', flush=True)
while not stop.exists() or reads == 0:
    with duckdb.connect(str(link), read_only=True) as con:
        rows = con.execute('SELECT count(*), min(n), max(n) FROM marts.a').fetchone()
    assert rows[0] == 1000 and rows[1] == rows[2], rows
    reads += 1
print(reads)
"""


def database(publication: Publication, build_id: str, n: int) -> None:
    """Write a build that holds a real ``marts.duckdb`` of a thousand equal rows."""
    folder = publication.folder_of(build_id)
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{folder / 'marts.duckdb'}' AS build")
        con.execute(f"CREATE TABLE build.a AS SELECT {n} AS n FROM range(1000)")
    (folder / "manifest.json").write_text(manifest(build_id=build_id).model_dump_json(), encoding="utf-8")


def test_readers_see_whole_builds_while_twenty_promotions_go_on(tmp_path: Path) -> None:
    publication, stop = Publication(Folder(tmp_path / "publish")), tmp_path / "stop"
    for n in (1, 2):
        database(publication, f"b{n}", n)
    publication.promote("b1")
    link = publication.root / "current" / "marts.duckdb"
    held = duckdb.connect(str(link.resolve()), read_only=True)
    reader = subprocess.Popen(
        [sys.executable, "-c", READ, str(link), str(stop)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with killed_at_the_end(reader):
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for turn in range(20):
            publication.promote(f"b{2 - turn % 2}")
            assert held.execute("SELECT count(*), max(n) FROM marts.a").fetchone() == (1000, 1)
        stop.touch()
        said, errors = reader.communicate(timeout=60)
    held.close()
    assert (reader.returncode, errors) == (0, "")
    assert int(said) > 0
