"""What goes wrong between this machine and S3: throttling, broken bodies, credentials that end, long listings."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sources.buckets import Bucket
from sources.places import ABSENT, OutOfReachError, PlaceError
from tests.s3 import access_to, client_to, new_bucket
from tests.s3_gate import Fault, Gate, Refusal, Request

pytestmark = pytest.mark.slow
_PAGE = 1000


MB = 1 << 20


@pytest.fixture
def bucket(endpoint: str, gate: Gate, tmp_path: Path) -> Bucket:
    """Give a bucket that is reached through the gate."""
    made = new_bucket(endpoint, tmp_path / "cache")
    return replace(made, access=access_to(gate.address))


def stamp_at(bucket: Bucket, key: str) -> str:
    found = bucket.stat(key)
    assert found is not None
    return found.stamp


def test_throttling_is_waited_for(bucket: Bucket, gate: Gate) -> None:
    gate.fail("slow down", "slow down")
    bucket.write("a", b"1")
    gate.fail("slow down")
    assert bucket.read("a") == b"1"


def test_a_body_that_breaks_off_is_read_again(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"0123456789" * 1000)
    gate.fail("cut")
    assert bucket.read("a") == b"0123456789" * 1000
    gate.fail("drop", "cut")
    bucket.pull(["a"])
    assert (bucket.root / "a").read_bytes() == b"0123456789" * 1000


def test_a_broken_download_goes_on_where_it_broke_off(bucket: Bucket, gate: Gate) -> None:
    content = os.urandom(3 * MB)
    bucket.write("a", content)
    gate.fail("cut", "cut")
    bucket.pull(["a"])
    assert (bucket.root / "a").read_bytes() == content
    ranges = [request.headers.get("range") for request in gate.asked("^GET")]
    assert (ranges[0], len(ranges)) == (None, 3)
    assert all(asked is not None and asked != "bytes=0-" for asked in ranges[1:])


def test_a_file_that_changes_while_it_is_downloaded_is_no_mixture(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"lama" * MB)
    (listed,) = bucket.entries()
    gate.fail("cut", at="^GET")
    gate.judge = change_once(bucket, gate, b"baru" * MB)
    (found,) = bucket.fetch([listed])
    assert bucket.copy_of("a").read_bytes() == b"baru" * MB
    assert (found.stamp, found.size) == (stamp_at(bucket, "a"), 4 * MB)
    assert found.stamp != listed.stamp


def change_once(bucket: Bucket, gate: Gate, content: bytes) -> Callable[[Request], Refusal | None]:
    """Give a judge that writes another version before the first part of a rest is answered, and refuses nothing."""

    def judge(request: Request) -> Refusal | None:
        if request.headers.get("range"):
            gate.judge = lambda _request: None
            bucket.write("a", content)
        return None

    return judge


def test_a_download_that_never_ends_well_leaves_no_copy(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"0123456789" * 1000)
    faults: list[tuple[Fault, str]] = [
        ("expired", r"refuses the credential \(\w+\): renew it"),
        ("cut", "is out of reach"),
    ]
    for fault, told in faults:
        gate.fail_always(fault, at="^GET")
        with pytest.raises(PlaceError, match=told):
            quick(bucket).pull(["a"])
        gate.mend()
    assert [path for path in bucket.cache.rglob("*") if path.is_file()] == []


def test_after_the_first_refusal_the_other_files_are_not_asked_for(bucket: Bucket, gate: Gate) -> None:
    for number in range(40):
        bucket.write(f"{number:02}", b"x")
    gate.fail_always("denied", at="^GET")
    with pytest.raises(PlaceError):
        bucket.pull(f"{number:02}" for number in range(40))
    assert len(gate.asked("^GET")) < 30


@pytest.mark.parametrize("fault", ["slow down", "broken", "drop"])
def test_what_is_put_off_for_too_long_ends_with_a_sentence(bucket: Bucket, gate: Gate, fault: Fault) -> None:
    gate.fail_always(fault)
    patient = quick(bucket)
    (bucket.root / "a").parent.mkdir(parents=True, exist_ok=True)
    (bucket.root / "a").write_bytes(b"x")
    questions: list[Callable[[], object]] = [
        patient.exists, lambda: list(patient.entries()), lambda: patient.stat("a"), lambda: patient.read("a"),
        lambda: patient.write("a", b"1"), lambda: patient.push(["a"]), lambda: patient.remove(["a"]),
    ]  # fmt: skip
    with ThreadPoolExecutor(len(questions)) as pool:
        for asked in [pool.submit(question) for question in questions]:
            with pytest.raises(OutOfReachError, match=r"puts off what it is asked|is out of reach"):
                asked.result()


def quick(bucket: Bucket) -> Bucket:
    """Give the bucket with little patience."""
    return replace(bucket, access=replace(bucket.access, attempts=2))


# --- uploads ------------------------------------------------------------------------------------------------------


def large(bucket: Bucket, megabytes: int = 20) -> bytes:
    """Make a large file below the root."""
    content = os.urandom(MB) * megabytes
    bucket.root.mkdir(parents=True, exist_ok=True)
    (bucket.root / "besar").write_bytes(content)
    return content


def test_a_large_file_goes_in_parts_and_a_part_that_fails_goes_again(bucket: Bucket, gate: Gate) -> None:
    content = large(bucket)
    gate.fail("slow down", "drop", "lost", at="PUT .*partNumber=2")
    bucket.push(["besar"])
    assert bucket.read("besar") == content
    assert len(gate.asked(r"POST .*\?uploads")) == 1
    assert {number for number in "123" if gate.asked(f"PUT .*partNumber={number}")} == {"1", "2", "3"}
    assert len(gate.asked("PUT .*partNumber=2")) == 4
    assert gate.asked(r"PUT .*besar$") == []


def test_a_small_file_goes_in_one_piece(bucket: Bucket, gate: Gate) -> None:
    large(bucket, 1)
    bucket.push(["besar"])
    assert (len(gate.asked("^POST")), len(gate.asked("^PUT"))) == (0, 1)


@pytest.mark.parametrize(("fault", "told"), [("denied", "refuses the credential"), ("slow down", "puts off")])
def test_an_upload_that_fails_is_given_up_and_leaves_nothing(
    bucket: Bucket, gate: Gate, fault: Fault, told: str
) -> None:
    large(bucket)
    gate.fail_always(fault, at="PUT .*partNumber=3")
    with pytest.raises(PlaceError, match=told):
        quick(bucket).push(["besar"])
    gate.mend()
    assert bucket.stat("besar") is None
    assert list(bucket.entries()) == []
    uploads = client_to(gate.address).list_multipart_uploads(Bucket=bucket.name)
    assert uploads.get("Uploads", []) == []


def test_a_file_that_is_not_there_cannot_be_uploaded(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        bucket.push(["none"])


def test_a_write_whose_answer_was_lost_was_written_by_its_writer(bucket: Bucket, gate: Gate) -> None:
    gate.fail("lost", at="^PUT")
    stamp = bucket.write("pointer", b"1", ABSENT)
    gate.fail("lost", at="^PUT")
    assert bucket.write("pointer", b"2", stamp) == stamp_at(bucket, "pointer")
    assert len(gate.asked("^PUT")) == 4


# --- words --------------------------------------------------------------------------------------------------------


def test_an_error_names_the_place_and_no_secret(bucket: Bucket, gate: Gate) -> None:
    gate.fail_always("expired")
    with pytest.raises(PlaceError) as refused:
        bucket.stat("a")
    gate.mend()
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
    away = quick(Bucket("x", "", access_to("http://127.0.0.1:9"), tmp_path))
    with pytest.raises(PlaceError, match="out of reach"):
        away.stat("a")


def listing_page(path: str) -> bytes:
    """Answer one page of a listing of 100,000 keys, as S3 does."""
    start = int(parse_qs(urlsplit(path).query).get("continuation-token", ["0"])[0])
    rows = "".join(
        f"<Contents><Key>satu/dua/{number:06}.csv</Key><Size>1</Size><LastModified>2026-11-20T18:30:00.000Z</LastModified><ETag>&quot;{number}&quot;</ETag></Contents>"
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
    gate.fail("slow down", "drop")
    keys = [entry.key for entry in bucket.entries()]
    assert (len(keys), keys[0], keys[-1]) == (100_000, "000000.csv", "099999.csv")


def test_files_are_removed_a_thousand_a_request(bucket: Bucket, gate: Gate) -> None:
    bucket.write("a", b"1")
    before = len(gate.requests)
    bucket.remove(["a", *(f"none/{number}" for number in range(2500))])
    assert (len(gate.requests) - before, bucket.stat("a")) == (3, None)


def test_a_file_that_s3_does_not_remove_is_said(bucket: Bucket, gate: Gate) -> None:
    kept = "<Error><Key>satu/dua/a</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
    answer = f"<?xml version='1.0' encoding='UTF-8'?><DeleteResult>{kept}</DeleteResult>"
    gate.answers["?delete"] = lambda _: answer.encode()
    with pytest.raises(PlaceError, match=r"refuses the credential \(AccessDenied\)"):
        bucket.remove(["a"])
