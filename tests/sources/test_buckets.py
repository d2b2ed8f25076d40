"""What goes wrong between this machine and S3: throttling, broken bodies, credentials that end, long listings."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sources.buckets import Bucket, bucket_of
from sources.places import PlaceError
from tests.s3 import Gate, access_to, gate_before, new_bucket, s3_endpoint

pytestmark = pytest.mark.slow
_PAGE = 1000


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_endpoint() as address:
        yield address


@pytest.fixture
def gate(endpoint: str) -> Iterator[Gate]:
    with gate_before(endpoint) as started:
        yield started


@pytest.fixture
def bucket(endpoint: str, gate: Gate, tmp_path: Path) -> Bucket:
    """Give a bucket that is reached through the gate."""
    made = new_bucket(endpoint, tmp_path / "cache")
    return replace(made, access=access_to(gate.address))


def test_throttling_is_waited_for(bucket: Bucket, gate: Gate) -> None:
    gate.faults.extend(["slow down", "slow down"])
    bucket.write("a", b"1")
    gate.faults.extend(["slow down"])
    assert bucket.read("a") == b"1"


def test_a_body_that_breaks_off_is_read_again(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"0123456789" * 1000)
    gate.faults.extend(["cut"])
    assert bucket.read("a") == b"0123456789" * 1000
    gate.faults.extend(["drop", "cut"])
    bucket.pull(["a"])
    assert (bucket.root / "a").read_bytes() == b"0123456789" * 1000


def test_a_download_that_never_ends_well_leaves_no_copy(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"0123456789" * 1000)
    gate.faults.extend(repeat("expired", 20))
    with pytest.raises(PlaceError, match=r"refuses the credential \(\w+\): renew it"):
        bucket.pull(["a"])
    assert not (bucket.root / "a").exists()


def test_an_error_names_the_place_and_no_secret(bucket: Bucket, gate: Gate) -> None:
    gate.faults.extend(repeat("expired", 20))
    with pytest.raises(PlaceError) as refused:
        bucket.stat("a")
    assert bucket.uri in str(refused.value)
    assert "testing-secret" not in str(refused.value) + repr(bucket)


def test_a_bucket_that_is_not_there_is_named(endpoint: str, tmp_path: Path) -> None:
    nowhere = Bucket("tidak-ada-di-sini", "", access_to(endpoint), tmp_path)
    assert not nowhere.exists()
    with pytest.raises(PlaceError, match="there is no bucket tidak-ada-di-sini"):
        list(nowhere.entries())
    with pytest.raises(PlaceError, match="there is no bucket tidak-ada-di-sini"):
        nowhere.write("a", b"1")


def test_an_endpoint_out_of_reach_is_said(tmp_path: Path) -> None:
    away = replace(Bucket("x", "", access_to("http://127.0.0.1:9"), tmp_path))
    with pytest.raises(PlaceError, match="out of reach"):
        away.stat("a")


@pytest.mark.parametrize("uri", ["s3://", "s3:///prefix", "https://bucket"])
def test_an_address_without_a_bucket_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="names no bucket"):
        bucket_of(uri, access_to("http://127.0.0.1:9"), tmp_path)


def listing_page(path: str) -> bytes:
    """Answer one page of a listing of 100,000 keys, as S3 does."""
    start = int(parse_qs(urlsplit(path).query).get("continuation-token", ["0"])[0])
    rows = "".join(
        f"<Contents><Key>satu/dua/{number:06}.csv</Key><Size>1</Size><ETag>&quot;{number}&quot;</ETag></Contents>"
        for number in range(start, start + _PAGE)
    )
    last = start + _PAGE >= 100 * _PAGE
    following = "" if last else f"<NextContinuationToken>{start + _PAGE}</NextContinuationToken>"
    truncated = "false" if last else "true"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IsTruncated>{truncated}</IsTruncated>{following}{rows}</ListBucketResult>"
    ).encode()


def test_a_hundred_thousand_keys_are_listed_though_pages_fail(bucket: Bucket, gate: Gate) -> None:
    gate.answers["list-type=2"] = listing_page
    gate.faults.extend(["slow down", "drop"])
    keys = [entry.key for entry in bucket.entries()]
    assert (len(keys), keys[0], keys[-1]) == (100_000, "000000.csv", "099999.csv")
