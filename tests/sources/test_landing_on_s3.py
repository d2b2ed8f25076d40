"""A landing zone in a bucket: what is downloaded, and that a stamp is only a stamp."""

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sources.buckets import Bucket
from sources.landing import LandingError, Seen, list_landing, remember, remembered
from sources.places import Folder
from tests.s3 import access_to, client_to, new_bucket
from tests.s3_gate import Gate, Refusal, Request

pytestmark = pytest.mark.slow
DATASETS = ["participants", "targets"]


@pytest.fixture
def landing(endpoint: str, gate: Gate, tmp_path: Path) -> Bucket:
    """Give an empty landing zone that is reached through the gate."""
    return replace(new_bucket(endpoint, tmp_path / "cache", "masuk"), access=access_to(gate.address))


def downloads(gate: Gate) -> list[str]:
    """Give the keys of the files that were asked for since the last call."""
    asked = [request.line.partition("?")[0].rpartition("/")[2] for request in gate.asked("^GET .*/masuk/")]
    gate.requests.clear()
    return asked


def seen(landing: Bucket) -> dict[str, Seen]:
    return {landed.file: Seen(landed.stamp, landed.sha256) for landed in list_landing(landing, DATASETS)}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_only_what_is_new_is_downloaded(landing: Bucket, gate: Gate) -> None:
    landing.write("targets/a.csv", b"satu")
    landing.write("targets/b.csv", b"dua")
    before = seen(landing)
    assert sorted(downloads(gate)) == ["a.csv", "b.csv"]
    landing.write("targets/b.csv", b"dua, diperbaiki")
    landing.write("targets/c.csv", b"")
    found = list_landing(landing, DATASETS, before)
    assert sorted(downloads(gate)) == ["b.csv", "c.csv"]
    assert [landed.sha256 for landed in found] == [digest(b"satu"), digest(b"dua, diperbaiki"), digest(b"")]


def test_a_stamp_need_not_be_a_digest(endpoint: str, landing: Bucket, gate: Gate, request: Any) -> None:
    """Encrypted by a key of its own, and uploaded in parts, a file has an ETag that is no digest of its bytes."""
    content = os.urandom(6 << 20)
    encrypted = {"ServerSideEncryption": "aws:kms"} if "moto" in request.node.name else {}
    upload(endpoint, landing, content, encrypted)
    (landed,) = list_landing(landing, DATASETS)
    assert landed.stamp.strip('"') != hashlib.md5(content).hexdigest()  # noqa: S324 - what an ETag is elsewhere
    assert landed.sha256 == digest(content)
    known = {landed.file: Seen(landed.stamp, landed.sha256)}
    gate.requests.clear()
    assert [again.sha256 for again in list_landing(landing, DATASETS, known)] == [landed.sha256]
    assert downloads(gate) == []
    other = bytes(reversed(content))
    upload(endpoint, landing, other, encrypted)
    assert [again.sha256 for again in list_landing(landing, DATASETS, known)] == [digest(other)]


def upload(endpoint: str, landing: Bucket, content: bytes, encrypted: dict[str, str]) -> None:
    """Upload a file in parts, as large exports come."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    key = f"{landing.prefix}/targets/a.csv"
    client_to(endpoint).upload_fileobj(io.BytesIO(content), landing.name, key, ExtraArgs=encrypted, Config=config)


def test_a_file_that_is_taken_away_while_the_zone_is_listed_is_left_out(landing: Bucket, gate: Gate) -> None:
    for name in "abc":
        landing.write(f"targets/{name}.csv", name.encode())
    gate.judge = remove_before_download(landing, gate, "targets/b.csv")
    assert [landed.file for landed in list_landing(landing, DATASETS)] == ["targets/a.csv", "targets/c.csv"]


def remove_before_download(landing: Bucket, gate: Gate, key: str) -> Any:
    """Give a judge that takes a file away as soon as it is asked for, and refuses nothing."""

    def judge(request: Request) -> Refusal | None:
        if request.line == f"GET /{landing.name}/{landing.prefix}/{key}":
            gate.judge = lambda _request: None
            landing.remove([key])
        return None

    return judge


def test_a_zone_out_of_reach_is_a_missing_source_and_a_full_disk_is_none(landing: Bucket, gate: Gate) -> None:
    landing.write("targets/a.csv", b"satu")
    gate.fail_always("denied", at="^GET")
    with pytest.raises(LandingError, match="refuses the credential"):
        list_landing(landing, DATASETS)
    gate.mend()
    blocked = replace(landing, cache=landing.cache / "file")
    landing.cache.mkdir(exist_ok=True)
    blocked.cache.write_bytes(b"")
    with pytest.raises(OSError, match="file") as full:
        list_landing(blocked, DATASETS)
    assert not isinstance(full.value, LandingError)


def test_what_is_remembered_is_what_comes_back(landing: Bucket, tmp_path: Path) -> None:
    landing.write("targets/spasi dan ünï.csv", b"x")
    found = list_landing(landing, DATASETS)
    for lake in (landing.below("lake"), Folder(tmp_path / "lake")):
        remember(lake, found)
        assert remembered(lake) == {landed.file: Seen(landed.stamp, landed.sha256) for landed in found}
        lake.write("seen.json", b"{half")
        assert remembered(lake) == {}
