"""S3 for tests: moto's server on this machine, and a real endpoint where `TEST_S3_ENDPOINT_URL` names one."""

import logging
import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sources.buckets import Bucket
from sources.s3_access import S3Access

KEY_ID, SECRET = "testing", "testing-secret"
NAMED = os.environ.get("TEST_S3_ENDPOINT_URL")
# Everything that stands on S3 is tested on each of these; folders are a third kind of place.
SERVERS = ["moto", "named"] if NAMED else ["moto"]
PLACES = ["folder", *(pytest.param(server, marks=pytest.mark.slow) for server in SERVERS)]


@contextmanager
def s3_endpoint(server: str = SERVERS[-1]) -> Generator[str]:
    """Give the address of an S3: a server of moto's that ends with the block, or the one that is named.

    Buckets that the tests made on the named one are removed when the block ends.
    """
    if server == "named":
        assert NAMED is not None
        try:
            yield NAMED
        finally:
            _remove_buckets(NAMED)
        return
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    _, port = moto.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        moto.stop()


def access_to(endpoint: str) -> S3Access:
    """Give the access that the tests use."""
    key_id, secret = _credential()
    return S3Access(endpoint, "us-east-1", True, key_id, SecretStr(secret))


def _credential() -> tuple[str, str]:
    variables = ("TEST_S3_ACCESS_KEY_ID", KEY_ID), ("TEST_S3_SECRET_ACCESS_KEY", SECRET)
    key_id, secret = (os.environ.get(name, default) for name, default in variables)
    return key_id, secret


@cache
def client_to(endpoint: str) -> Any:
    """Give a client of boto3's own, to look at what stands in a bucket."""
    import boto3

    key_id, secret = _credential()
    sessions: Any = boto3.Session
    session = sessions(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name="us-east-1")
    return session.client("s3", endpoint_url=endpoint)


_made: dict[str, list[str]] = {}


def new_bucket(endpoint: str, cache: Path, prefix: str = "satu/dua", region: str | None = None) -> Bucket:
    """Make a bucket and give a prefix of it as a place."""
    name = f"cakupan-{uuid.uuid4().hex[:16]}"
    where = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
    client_to(endpoint).create_bucket(Bucket=name, **where)
    _made.setdefault(endpoint, []).append(name)
    return Bucket(name, prefix, access_to(endpoint), cache)


def variables_of(bucket: Bucket) -> dict[str, str]:
    """Give the settings, as variables, of a home whose landing zone, lake and builds are in a bucket."""
    access = bucket.access
    assert access.secret_access_key is not None
    return {
        "CAKUPAN_LANDING": f"{bucket.uri}/landing",
        "CAKUPAN_LAKE": f"{bucket.uri}/lake",
        "CAKUPAN_PUBLISH": f"{bucket.uri}/publish",
        "CAKUPAN_CACHE": str(bucket.cache),
        "CAKUPAN_SECRETS": str(bucket.cache.parent / "secrets"),
        "CAKUPAN_S3_ENDPOINT_URL": str(access.endpoint_url),
        "CAKUPAN_S3_PATH_STYLE": "true",
        "CAKUPAN_S3_REGION": str(access.region),
        "CAKUPAN_S3_ACCESS_KEY_ID": str(access.access_key_id),
        "CAKUPAN_S3_SECRET_ACCESS_KEY": access.secret_access_key.get_secret_value(),
    }


def _remove_buckets(endpoint: str) -> None:
    client = client_to(endpoint)
    for name in _made.pop(endpoint, []):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                client.delete_objects(Bucket=name, Delete={"Objects": keys})
        client.delete_bucket(Bucket=name)
