"""The report over HTTP: the newest promoted build and its files, nothing else, and nothing can be changed."""

import http.client
import json
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.report_server import report_served
from flows.settings import Settings
from tests.s3 import new_bucket, s3_endpoint
from tests.support import Home, participant, target, tree, trusting_judges


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass(frozen=True)
class Reader:
    """Somebody who asks the report's server; paths are sent as they are, without any tidying."""

    port: int

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> Got:
        """Ask once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=host is not None)
        if host is not None:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@contextmanager
def reader_of(settings: Settings) -> Generator[Reader]:
    """Serve the report of these settings."""
    with report_served(settings, "127.0.0.1", 0) as port:
        yield Reader(port)


def test_before_the_first_build_the_page_says_what_to_do(home: Home) -> None:
    with reader_of(home.settings()) as reader:
        first = reader.ask("/")
        assert (first.status, "cakupan run --landing sample" in first.text) == (200, True)
        assert reader.ask("/builds/x/manifest.json").status == 404


def test_builds_that_cannot_be_read_are_told(home: Home) -> None:
    home.publication.root.mkdir(parents=True)
    (home.publication.root / "latest.json").write_text('{"build_id": "gone"}', encoding="utf-8")
    with reader_of(home.settings()) as reader:
        broken = reader.ask("/")
        assert (broken.status, "no build gone" in broken.text) == (503, True)


def night_of(home: Home, segment: str) -> str:
    """Run a night with one target more; give the build."""
    home.put(f"targets/{segment}.csv", [target(segment=segment)])
    build = home.run().build
    assert build is not None
    return build.build_id


@pytest.fixture(scope="module", autouse=True)
def _trusting() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let the nights be quick: they are not about what Great Expectations says."""
    with trusting_judges():
        yield


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home with one promoted build."""
    home = Home(tmp_path_factory.mktemp("promoted"))
    home.put("participants/SLK/2026-10/export.csv", [participant(1), participant(2)])
    night_of(home, "BPU")
    return home


@pytest.fixture
def built(promoted: Home, tmp_path: Path) -> tuple[Home, str]:
    """Give a copy of it, and its build."""
    home = Home(shutil.copytree(promoted.root, tmp_path / "built", symlinks=True))
    build = home.publication.promoted_id()
    assert build is not None
    return home, build


@pytest.mark.slow
def test_the_newest_promoted_build_is_served_and_only_its_files(built: tuple[Home, str]) -> None:
    home, first = built
    folder = home.publication.folder_of(first)
    (home.publication.builds_folder / "beside.txt").write_text("not of the build", encoding="utf-8")
    with reader_of(home.settings()) as reader:
        page = reader.ask("/")
        assert (page.status, first in page.text, page.headers["content-type"]) == (
            200,
            True,
            "text/html; charset=utf-8",
        )
        policy = page.headers["content-security-policy"]
        assert ("default-src 'none'" in policy, "script-src" in policy) == (True, False)
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "server" not in page.headers or "Python" not in page.headers["server"]
        assert reader.ask(f"/builds/{first}/").body == page.body
        parquet = reader.ask(f"/builds/{first}/marts/coverage.parquet")
        assert parquet.body == (folder / "marts/coverage.parquet").read_bytes()
        assert json.loads(reader.ask(f"/builds/{first}/manifest.json").body)["build_id"] == first
        head = reader.ask(f"/builds/{first}/marts/coverage.parquet", "HEAD")
        assert (head.body, int(head.headers["content-length"])) == (b"", len(parquet.body))
        assert {reader.ask(path).status for path in outside(first, home)} == {404}
        assert {reader.ask("/", method).status for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")} == {405}
        assert reader.ask("/", host="evil.test").status == 421
        assert reader.ask("/", host=f"localhost:{reader.port}").status == 200
        second = night_of(home, "PU")
        assert second in reader.ask("/").text
        assert reader.ask(f"/builds/{first}/manifest.json").status == 404
        home.publication.promote(first)
        assert first in reader.ask("/").text


def outside(build: str, home: Home) -> list[str]:
    """Give paths that lead out of a build, plainly and in disguise."""
    up = "../" * 12
    return [
        f"/builds/{build}/../../latest.json",
        f"/builds/{build}/../beside.txt",
        f"/builds/{build}/{up}etc/passwd",
        f"/builds/{build}/%2e%2e/%2e%2e/latest.json",
        f"/builds/{build}/..%2f..%2flatest.json",
        f"/builds/{build}/marts/../../../latest.json",
        f"/builds/{build}//etc/passwd",
        f"/builds/{build}/marts",
        f"/builds/{build}/.",
        f"/builds/../{home.house.root}/person_key.json",
        "/builds/",
        "/latest.json",
        "/etc/passwd",
        "/%00",
    ]


@pytest.mark.slow
def test_a_failed_night_is_told_above_the_old_figures(built: tuple[Home, str], monkeypatch: pytest.MonkeyPatch) -> None:
    home, good = built
    monkeypatch.setattr("flows.report_server.TOO_OLD_HOURS", -1)
    assert home.run(forced=True, required=("offices",)).result == "failure"
    with reader_of(home.settings()) as reader:
        text = reader.ask("/").text
    assert good in text
    assert "Malam terakhir tidak terbit" in text
    assert "Tidak ada malam yang berhasil sejak" in text


@pytest.mark.slow
def test_a_build_with_a_page_of_its_own_shows_that(built: tuple[Home, str]) -> None:
    home, build = built
    folder = home.publication.folder_of(build)
    page = "<!doctype html><title>own</title><script>1</script>"
    (folder / "report.html").write_text(page, encoding="utf-8")
    manifest = home.publication.manifest(build)
    changed = manifest.model_copy(update={"sha256": {**manifest.sha256, "report.html": "0" * 64}})
    path = folder / "manifest.json"
    path.chmod(0o600)
    path.write_text(changed.model_dump_json(), encoding="utf-8")
    with reader_of(home.settings()) as reader:
        shown = reader.ask("/")
    assert shown.text == page
    assert "script-src 'unsafe-inline'" in shown.headers["content-security-policy"]
    assert "default-src 'none'" in shown.headers["content-security-policy"]


@pytest.mark.slow
def test_builds_on_s3_are_served_too(built: tuple[Home, str], tmp_path: Path) -> None:
    home, build = built
    with s3_endpoint() as endpoint:
        bucket = new_bucket(endpoint, tmp_path / "cache")
        for file, content in tree(home.root).items():
            if file.startswith(("publish/builds/", "publish/latest.json", "lake/")):
                bucket.write(file, content)
        with reader_of(on_s3(home, bucket.uri, endpoint, tmp_path)) as reader:
            assert build in reader.ask("/").text
            served = reader.ask(f"/builds/{build}/marts/coverage.parquet").body
            assert served == (home.publication.folder_of(build) / "marts/coverage.parquet").read_bytes()


def on_s3(home: Home, uri: str, endpoint: str, cache: Path) -> Settings:
    """Give the settings of a home whose lake and builds stand in a bucket, seen from another machine."""
    changed = {
        "publish": f"{uri}/publish",
        "lake": f"{uri}/lake",
        "cache": cache / "another",
        "s3_endpoint_url": endpoint,
        "s3_region": "us-east-1",
        "s3_path_style": True,
        "s3_access_key_id": os.environ.get("TEST_S3_ACCESS_KEY_ID", "testing"),
        "s3_secret_access_key": os.environ.get("TEST_S3_SECRET_ACCESS_KEY", "testing-secret"),
    }
    return Settings.model_validate({**home.settings().model_dump(), **changed})
