"""Builds, the pointer to one of them, and what readers see while it moves."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sources.places import Folder
from tests.flows.test_report import manifest
from tests.support import ROOT, killed_at_the_end
from warehouse.publish import Damage, Publication, PublishError


def publish(publication: Publication, build_id: str, content: str = "isi", **changes: object) -> None:
    """Write a finished build of one text file."""
    folder = publication.folder_of(build_id)
    (folder / "marts").mkdir(parents=True)
    (folder / "marts" / "a.txt").write_text(content, encoding="utf-8")
    digests = {"marts/a.txt": hashlib.sha256(content.encode()).hexdigest()}
    described = manifest(build_id=build_id, sha256=digests, **changes)
    (folder / "manifest.json").write_text(described.model_dump_json(), encoding="utf-8")


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    """Give a publication with three builds, the last of which failed."""
    made = Publication(Folder(tmp_path))
    publish(made, "b1")
    publish(made, "b2", "isi lain", result="warnings")
    publish(made, "b3", result="failure", reasons=["coverage primary_key: twice"])
    return made


def test_nothing_is_promoted_at_first(tmp_path: Path) -> None:
    empty = Publication(Folder(tmp_path / "nowhere"))
    assert (empty.builds(), empty.promoted_id(), empty.promoted(), empty.confirmed_at()) == ([], None, None, None)


def test_builds_are_listed_newest_first_without_unfinished_ones(publication: Publication) -> None:
    unfinished = publication.builds_folder / ".b4"
    unfinished.mkdir()
    (unfinished / "manifest.json").write_text(manifest(build_id="b4").model_dump_json(), encoding="utf-8")
    (publication.builds_folder / "b5").mkdir()
    assert [build.build_id for build in publication.builds()] == ["b3", "b2", "b1"]


def test_promotion_moves_pointer_and_link_and_rollback_moves_them_back(publication: Publication) -> None:
    for build_id in ("b1", "b2", "b1"):
        publication.promote(build_id)
        assert publication.promoted_id() == build_id
        assert json.loads((publication.root / "latest.json").read_text(encoding="utf-8"))["build_id"] == build_id
        assert (publication.root / "current").readlink() == Path("builds") / build_id
        assert (publication.root / "current" / "marts" / "a.txt").is_file()
    assert sorted(path.name for path in publication.root.iterdir()) == ["builds", "current", "latest.json"]


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
    path = publication.folder_of("b1") / "marts" / "a.txt"
    assert publication.damage("b1") == []
    if harm == "flip":
        path.write_bytes(b"isj")
    else:
        path.unlink()
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
