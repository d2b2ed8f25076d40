"""S3 as a place: conditional writes, whole downloads, listings of any length, and errors in plain words."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import stamina
from pydantic import SecretStr

from sources.places import ABSENT, Entry, PlaceError, TakenError

T = TypeVar("T")
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
# 400 without a word is how S3 answers a HEAD under a credential that has ended.
_REFUSED = frozenset(
    {"400", "403", "AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"}
)
_AT_ONCE = 1000
_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class S3Access:
    """How S3 is reached; what is not given comes from the usual AWS chain (variables, profile, machine role).

    Attributes:
        endpoint_url: address of another S3 than Amazon's.
        region: region of the bucket.
        path_style: the bucket stands in the path and not in the host's name.
        access_key_id, secret_access_key, session_token: a credential.
        encryption: server-side encryption to ask for: `AES256` or `aws:kms`.
        kms_key_id: the key for `aws:kms`.
    """

    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool = False
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = field(default=None, repr=False)
    session_token: SecretStr | None = field(default=None, repr=False)
    encryption: str | None = None
    kms_key_id: str | None = None


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket as a place, with local copies of its files below `cache`."""

    name: str
    prefix: str
    access: S3Access
    cache: Path

    @property
    def root(self) -> Path:
        """Return the folder of the local copies."""
        return self.cache / self.name / self.prefix

    @property
    def uri(self) -> str:
        """Return `s3://bucket/prefix`."""
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return the same access in the words of delta-rs, with the credential of this moment."""
        found = _session(self.access).get_credentials()
        frozen = found.get_frozen_credentials() if found else None
        endpoint = self.access.endpoint_url
        options = {
            "aws_endpoint": endpoint,
            "aws_region": self.access.region or _session(self.access).region_name or "us-east-1",
            "aws_virtual_hosted_style_request": "false" if self.access.path_style else None,
            "aws_allow_http": "true" if (endpoint or "").startswith("http://") else None,
            "aws_access_key_id": frozen.access_key if frozen else None,
            "aws_secret_access_key": frozen.secret_key if frozen else None,
            "aws_session_token": frozen.token if frozen else None,
            "aws_server_side_encryption": self.access.encryption,
            "aws_sse_kms_key_id": self.access.kms_key_id,
        }
        return {name: value for name, value in options.items() if value}

    def below(self, key: str) -> "Bucket":
        """Return the place under a key."""
        return Bucket(self.name, self._full(key), self.access, self.cache)

    def exists(self) -> bool:
        """Tell whether the bucket is there and may be used."""
        return self._ask(lambda s3: s3.head_bucket(Bucket=self.name)) is not None

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List every file whose key begins with the prefix, in the order of the keys."""
        start = f"{self.prefix}/" if self.prefix else ""
        for page in self._pages({"Bucket": self.name, "Prefix": start + prefix}):
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):
                    yield Entry(found["Key"][len(start) :], int(found["Size"]), str(found["ETag"]))

    def _pages(self, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Give the pages of a listing; each can be asked for again by itself."""
        while True:
            page: dict[str, Any] | None = self._ask(lambda s3, asked=asked: s3.list_objects_v2(**asked))
            if page is None:
                raise PlaceError(f"there is no bucket {self.name}: make it, or mend the setting")
            yield page
            if not page.get("IsTruncated"):
                return
            asked = {**asked, "ContinuationToken": str(page["NextContinuationToken"])}

    def folders(self, key: str) -> list[str]:
        """Give the names directly under a key that hold files, in alphabetical order."""
        start = f"{self._full(key)}/"
        asked = {"Bucket": self.name, "Prefix": start, "Delimiter": "/"}
        found = [prefix["Prefix"] for page in self._pages(asked) for prefix in page.get("CommonPrefixes", [])]
        return sorted(prefix[len(start) :].rstrip("/") for prefix in found)

    def stat(self, key: str) -> Entry | None:
        """Give one file's entry; null where there is none."""
        found = self._ask(lambda s3: s3.head_object(Bucket=self.name, Key=self._full(key)))
        return None if found is None else Entry(key, int(found["ContentLength"]), str(found["ETag"]))

    def read(self, key: str) -> bytes | None:
        """Give a small file's bytes; null where there is none."""
        return self._ask(lambda s3: bytes(s3.get_object(Bucket=self.name, Key=self._full(key))["Body"].read()))

    def write(self, key: str, content: bytes, expected: str | None = None, mode: int = 0o644) -> str:  # noqa: ARG002
        """Write a small file on a condition that S3 itself judges; see `Place.write`. Modes are the bucket's matter."""
        condition = {} if expected is None else {"IfNoneMatch": "*"} if expected == ABSENT else {"IfMatch": expected}
        more = {**condition, **self._asked_of_writes()}

        def put(s3: Any) -> str:
            return str(s3.put_object(Bucket=self.name, Key=self._full(key), Body=content, **more)["ETag"])

        stamp = self._ask(put)
        if stamp is not None:
            return stamp
        # An answer that was lost on the way lets a repeated write meet its own first one.
        standing = self.stat(key)
        if standing is not None and self.read(key) == content:
            return standing.stamp
        raise TakenError(f"{self.uri}/{key} was written by somebody else")

    def append(self, key: str, content: bytes) -> None:
        """Add to the end of a small file: read it, write it whole, unless somebody else wrote meanwhile."""
        standing = self.stat(key)
        before = b"" if standing is None else self.read(key) or b""
        self.write(key, before + content, ABSENT if standing is None else standing.stamp)

    def pull(self, keys: Iterable[str], *, anew: bool = False) -> None:
        """Download the files that are not below `root` yet, several at a time."""
        missing = [key for key in dict.fromkeys(keys) if anew or not (self.root / key).is_file()]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            list(pool.map(self._download, missing))

    def _download(self, key: str) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")

        def whole(s3: Any) -> bool:
            s3.download_file(self.name, self._full(key), str(partial))
            return True

        if self._ask(whole) is None:
            raise FileNotFoundError(f"{self.uri}/{key} is not there")
        partial.replace(path)

    def push(self, keys: Iterable[str]) -> None:
        """Upload files from below `root`, in parts where they are large."""
        extra = self._asked_of_writes()
        for key in keys:
            path, full = str(self.root / key), self._full(key)
            self._ask(lambda s3, path=path, full=full: s3.upload_file(path, self.name, full, ExtraArgs=extra))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files, a thousand a request."""
        full = [{"Key": self._full(key)} for key in keys]
        for start in range(0, len(full), _AT_ONCE):
            asked = {"Objects": full[start : start + _AT_ONCE]}
            self._ask(lambda s3, asked=asked: s3.delete_objects(Bucket=self.name, Delete=asked))

    def forget(self) -> None:
        """Remove the local copies; what stands in the bucket stays."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}".strip("/")

    def _asked_of_writes(self) -> dict[str, str]:
        asked = {"ServerSideEncryption": self.access.encryption, "SSEKMSKeyId": self.access.kms_key_id}
        return {name: value for name, value in asked.items() if value}

    def _ask(self, question: Callable[[Any], T]) -> T | None:
        """Ask S3; null where there is no such object, or where the condition of a write does not hold.

        A connection that breaks in the middle of a body is asked again; botocore repeats what S3 itself puts off.
        """
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ResponseStreamingError

        broken = (HTTPClientError, ResponseStreamingError)
        try:
            for attempt in stamina.retry_context(on=broken, attempts=4, wait_initial=0.2, wait_max=5.0):
                with attempt:
                    return question(_client(self.access))
        except ClientError as refusal:
            self._explain(str(cast("dict[str, Any]", refusal.response)["Error"].get("Code", "")))
        except BotoCoreError as fault:
            raise PlaceError(f"{self.uri} is out of reach: {type(fault).__name__}") from None
        return None

    def _explain(self, code: str) -> None:
        if code in _GONE | _CONFLICT:
            return
        if code in _REFUSED:
            raise PlaceError(f"{self.uri} refuses the credential ({code}): renew it, or mend its rights") from None
        if code == "NoSuchBucket":
            raise PlaceError(f"there is no bucket {self.name}: make it, or mend the setting") from None
        raise PlaceError(f"{self.uri} answered {code}; try again, or ask who keeps the bucket") from None


def bucket_of(uri: str, access: S3Access, cache: Path) -> Bucket:
    """Give the place that `s3://bucket/prefix` names.

    Args:
        uri: the address.
        access: how S3 is reached.
        cache: local folder for copies.

    Raises:
        PlaceError: the URI names no bucket.
    """
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise PlaceError(f"{uri} names no bucket; expected s3://bucket/prefix")
    return Bucket(parts.netloc, parts.path.strip("/"), access, cache)


@lru_cache(maxsize=8)
def _session(access: S3Access) -> Any:
    import boto3

    return boto3.Session(
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=_plain(access.secret_access_key),
        aws_session_token=_plain(access.session_token),
        region_name=access.region,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


@lru_cache(maxsize=8)
def _client(access: S3Access) -> Any:
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "max_attempts": 8},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=2 * _SIDE_BY_SIDE,
        s3={"addressing_style": "path" if access.path_style else "auto"},
    )
    return _session(access).client("s3", endpoint_url=access.endpoint_url, config=config)
