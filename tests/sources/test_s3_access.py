"""Where a credential comes from, what is asked of every write, and what refusals are in plain words."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
import pytest

from sources.buckets import Bucket, bucket_of
from sources.places import OutOfReachError, PlaceError
from sources.s3_access import S3Access, explained
from tests.s3 import access_to, client_to, new_bucket
from tests.s3_credentials import credential_server
from tests.s3_gate import Gate, Refusal, Request, gate_before
from warehouse.lake import Table

pytestmark = pytest.mark.slow
HERE = "ap-southeast-3"
SCHEMA = pa.schema([("n", pa.int64())])


@pytest.fixture
def gate(s3_address: Any) -> Iterator[Gate]:
    """Give a gate before moto's server, which takes every credential."""
    with gate_before(s3_address("moto")) as started:
        yield started


@pytest.fixture
def bucket(s3_address: Any, gate: Gate, tmp_path: Path) -> Bucket:
    """Give a bucket in a region of its own that is reached through the gate, with no credential of its own."""
    made = new_bucket(s3_address("moto"), tmp_path / "cache", region=HERE)
    return replace(made, access=S3Access(gate.address, HERE, path_style=True, attempts=2))


def append(bucket: Bucket) -> Table:
    """Write one small file with boto3, a Parquet file, and a commit with delta-rs."""
    bucket.write("a", b"1")
    table = Table(bucket.below("core/rows"), SCHEMA)
    with duckdb.connect() as con:
        table.append([table.write_file(con, "SELECT 1 AS n", {}, "part")])
    return table


def key_of(request: Request) -> str:
    """Give the id of the credential that a request is signed with."""
    return request.headers["authorization"].partition("Credential=")[2].partition("/")[0]


def region_of(request: Request) -> str:
    """Give the region that a request is signed for."""
    return request.headers["authorization"].split("/")[2]


def clients(gate: Gate) -> set[str]:
    """Give whose requests came: boto3's, those of delta-rs."""
    return {request.headers["user-agent"].partition("/")[0] for request in gate.requests}


# --- credentials --------------------------------------------------------------------------------------------------


def test_variables_give_the_credential(bucket: Bucket, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "DARIVARIABEL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rahasia")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-sementara")
    append(replace(bucket, access=replace(bucket.access, kms_key_id="variabel")))
    assert clients(gate) == {"Boto3", "object_store"}
    assert {key_of(request) for request in gate.requests} == {"DARIVARIABEL"}
    assert {request.headers.get("x-amz-security-token") for request in gate.requests} == {"token-sementara"}


def test_a_profile_gives_credential_region_and_address(
    bucket: Bucket, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, config = tmp_path / "credentials", tmp_path / "config"
    secrets.write_text("[malam]\naws_access_key_id = DARIPROFIL\naws_secret_access_key = rahasia\n", encoding="utf-8")
    config.write_text(f"[profile malam]\nregion = {HERE}\nendpoint_url = {gate.address}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secrets))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "malam")
    gate.judge = lambda request: None if region_of(request) == HERE else Refusal(400, "InvalidToken")
    append(replace(bucket, access=S3Access(attempts=2)))
    assert clients(gate) == {"Boto3", "object_store"}
    assert {key_of(request) for request in gate.requests} == {"DARIPROFIL"}


def test_a_token_of_another_credential_goes_nowhere(
    bucket: Bucket, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-asing")
    append(replace(bucket, access=access_to(gate.address)))
    assert {request.headers.get("x-amz-security-token") for request in gate.requests} == {None}


def test_a_credential_that_ends_in_the_middle_of_a_night_is_renewed(
    bucket: Bucket, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The chain renews what ends within ten minutes before it uses it.
    with credential_server(timedelta(minutes=5)) as (address, given):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        chained = replace(bucket, access=replace(bucket.access, kms_key_id="container"))
        append(chained)
        ended = set(given)
        gate.judge = lambda request: Refusal(400, "ExpiredToken") if key_of(request) in ended else None
        gate.requests.clear()
        assert append(chained).version() == 2
    later = {key_of(request) for request in gate.requests}
    assert clients(gate) == {"Boto3", "object_store"}
    assert later
    assert not later & ended
    assert all(request.headers["x-amz-security-token"] == f"t-{key_of(request)}" for request in gate.requests)


def test_a_credential_that_cannot_be_renewed_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with credential_server(timedelta(seconds=-5)) as (address, _):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        chained = replace(bucket, access=replace(bucket.access, kms_key_id="ended"))
        with pytest.raises(PlaceError, match=r"no credential or settings with which s3://.* can be asked"):
            chained.stat("a")


def test_no_credential_at_all_is_told_by_both_clients(bucket: Bucket) -> None:
    bare = replace(bucket, access=replace(bucket.access, kms_key_id="none"))
    for question in (lambda: bare.read("a"), lambda: Table(bare.below("x"), SCHEMA).version()):
        with pytest.raises(PlaceError, match="set CAKUPAN_S3_ACCESS_KEY_ID, or mend what the AWS chain reads"):
            question()


def test_a_profile_that_is_not_there_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "tidak-ada")
    with pytest.raises(PlaceError, match=r"ProfileNotFound"):
        replace(bucket, access=replace(bucket.access, kms_key_id="profile")).exists()


# --- regions and addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 400])
def test_a_bucket_in_another_region_is_found_there(bucket: Bucket, gate: Gate, status: int) -> None:
    codes = {301: "PermanentRedirect", 307: "TemporaryRedirect", 400: "AuthorizationHeaderMalformed"}
    elsewhere = Refusal(status, codes[status], {"x-amz-bucket-region": HERE}, f"<Region>{HERE}</Region>")
    gate.judge = lambda request: None if region_of(request) == HERE else elsewhere
    assert append(replace(bucket, access=access_to(gate.address))).version() == 1
    assert {region_of(r) for r in gate.requests if r.headers["user-agent"].startswith("object_store")} == {HERE}


@pytest.mark.parametrize(
    ("name", "path_style", "host"),
    [("ember", False, "ember.s3.contoh.test"), ("ember", True, "s3.contoh.test"), ("a.titik", False, "s3.contoh.test")],
)
def test_both_clients_put_the_bucket_into_the_same_address(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path_style: bool, host: str
) -> None:
    # A host that nobody knows: the gate is the proxy that reaches it.
    monkeypatch.setenv("HTTP_PROXY", gate.address)
    gate.judge = lambda _request: Refusal(403, "AccessDenied")
    far = replace(access_to("http://s3.contoh.test"), path_style=path_style, attempts=1, kms_key_id=name)
    bucket = Bucket(name, "x", far, tmp_path)
    for question in (lambda: bucket.stat("a"), lambda: Table(bucket, SCHEMA).version()):
        with pytest.raises(PlaceError, match="refuses the credential"):
            question()
    assert clients(gate) == {"Boto3", "object_store"}
    asked = {urlsplit(r.line.partition(" ")[2]).hostname for r in gate.requests if r.line.startswith("GET")}
    assert asked == {host}


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///prefix", "https://bucket", "s3://x", "s3://KUNCI:RAHASIA@bucket/a", "s3://a b/c"]
)
def test_an_address_without_a_bucket_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="names no bucket") as refused:
        bucket_of(uri, S3Access(), tmp_path)
    assert "RAHASIA" not in str(refused.value)


@pytest.mark.parametrize("uri", ["s3://bucket/a//b", "s3://bucket//a", "s3://bucket/../a", "s3://bucket/a/./b"])
def test_a_prefix_that_no_folder_of_copies_can_have_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="an empty part, or one of dots"):
        bucket_of(uri, S3Access(), tmp_path)


@pytest.mark.parametrize(
    ("uri", "prefix"),
    [("s3://bucket", ""), ("s3://bucket/", ""), ("s3://bucket/a?b#c/", "a?b#c"), ("s3://b.x/ä/b", "ä/b")],
)
def test_a_prefix_is_taken_as_it_is_written(uri: str, prefix: str, tmp_path: Path) -> None:
    assert bucket_of(uri, S3Access(), tmp_path).prefix == prefix


# --- encryption ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "key"), [("AES256", None), ("aws:kms", "arn:aws:kms:ap-southeast-3:1:key/kunci")])
def test_every_write_asks_for_encryption(
    s3_address: Any, bucket: Bucket, gate: Gate, kind: str, key: str | None
) -> None:
    access = replace(access_to(gate.address), encryption=kind, kms_key_id=key)
    encrypted = replace(bucket, access=access)
    append(encrypted)
    append(encrypted)
    large = encrypted.root / "large"
    large.write_bytes(bytes(9 << 20))
    encrypted.push(["large"])
    writes = [r for r in gate.asked(r"^(PUT|POST) ") if "partNumber" not in r.line and "uploadId" not in r.line]
    assert {"_delta_log" in request.line for request in writes} == {True, False}
    assert any("?uploads" in request.line for request in writes)
    assert {request.headers.get("x-amz-server-side-encryption") for request in writes} == {kind}
    assert {request.headers.get("x-amz-server-side-encryption-aws-kms-key-id") for request in writes} == {key}
    client = client_to(s3_address("moto"))
    stored = [client.head_object(Bucket=bucket.name, Key=f"{bucket.prefix}/{e.key}") for e in encrypted.entries()]
    assert len(stored) == 7
    assert {(head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) for head in stored} == {(kind, key)}


def test_without_the_setting_the_buckets_own_rule_holds(bucket: Bucket, gate: Gate) -> None:
    append(replace(bucket, access=access_to(gate.address)))
    assert {request.headers.get("x-amz-server-side-encryption") for request in gate.requests} == {None}


# --- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("400 Bad Request <Error><Code>ExpiredToken</Code></Error>", PlaceError, "refuses the credential"),
        ("Server returned non-2xx status code 403 Forbidden", PlaceError, r"refuses the credential \(403\)"),
        ("503 Service Unavailable <Code>SlowDown</Code>", OutOfReachError, "puts off what it is asked"),
        ("404 Not Found <Code>NoSuchBucket</Code>", PlaceError, "there is no bucket ember"),
        ("400 <Code>RequestTimeTooSkewed</Code>", PlaceError, "set the clock right"),
        ("301 Moved Permanently", PlaceError, "CAKUPAN_S3_REGION"),
        ("error sending request operation timed out", OutOfReachError, "out of reach"),
        ("400 <Code>KMS.DisabledException</Code>", PlaceError, "ask who keeps the bucket"),
    ],
)
def test_what_delta_rs_says_becomes_a_sentence(said: str, kind: type[PlaceError], told: str) -> None:
    fault = explained("s3://ember/lake", f"Generic S3 error http://127.0.0.1/?secret=x {said}")
    assert type(fault) in (kind, *kind.__subclasses__())
    assert isinstance(fault, OutOfReachError) == (kind is OutOfReachError)
    with pytest.raises(kind, match=told):
        raise fault
    assert "secret" not in str(fault)


def test_no_variable_of_the_tests_themselves_reaches_a_client() -> None:
    assert [name for name in os.environ if name.startswith("AWS_") and "ID" in name and "DISABLED" not in name] == []
