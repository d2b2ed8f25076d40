"""S3 as a place: conditional writes, whole downloads, listings of any length."""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sources.places import ABSENT, Entry, PlaceError, TakenError, on_disk, one_line
from sources.s3_access import NoBucketError, S3Access, ask, blocks_of, delta_options, explained, refused
from sources.s3_download import Download

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_AT_ONCE = 1000
_SIDE_BY_SIDE = 8
# A file that changes while it is downloaded is begun anew as often as this.
_VERSIONS = 3
# Of what delta-rs says of a damaged log, the beginning tells enough.
_SAID = 300
_STAYS = timedelta(hours=1)


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
    def delta_uri(self) -> str:
        """Return the same, in which characters that mean something in an address are written apart."""
        return f"s3://{self.name}/{quote(self.prefix)}"

    @property
    def delta_options(self) -> Mapping[str, str]:
        """Return the same access in the words of delta-rs, with the credential of this moment."""
        return delta_options(self.access, self.name)

    def explained(self, fault: Exception) -> PlaceError:
        """Give a fault of delta-rs in plain words; a `OutOfReachError` where trying again may help."""
        if not isinstance(fault, OSError):
            return PlaceError(f"{self.uri} cannot be used: {one_line(fault)[:_SAID]}")
        return explained(self.uri, one_line(fault))

    def below(self, key: str) -> "Bucket":
        """Return the place under a key."""
        return Bucket(self.name, self._full(key), self.access, self.cache)

    def exists(self) -> bool:
        """Tell whether the bucket is there and may be listed."""
        asked = {"Bucket": self.name, "Prefix": self._full(""), "MaxKeys": 1}
        try:
            return self._ask(lambda s3: s3.list_objects_v2(**asked)) is not None
        except NoBucketError:
            return False

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List every file whose key begins with the prefix, in the order of the keys."""
        start = len(self._full(""))
        for page in self._pages({"Bucket": self.name, "Prefix": self._full(prefix)}):
            for found in page.get("Contents", []):
                # What ends so is how some programs draw an empty folder.
                if not found["Key"].endswith("/"):
                    yield Entry(found["Key"][start:], int(found["Size"]), str(found["ETag"]), found["LastModified"])

    def _pages(self, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Give the pages of a listing; each can be asked for again by itself."""
        while True:
            page: dict[str, Any] | None = self._ask(lambda s3, asked=asked: s3.list_objects_v2(**asked))
            if page is None:
                raise refused(self.uri, "NoSuchBucket")
            yield page
            if not page.get("IsTruncated"):
                return
            asked = {**asked, "ContinuationToken": str(page["NextContinuationToken"])}

    def folders(self, key: str) -> list[str]:
        """Give the names directly under a key that hold files, in alphabetical order."""
        start = self._full(f"{key}/" if key else "")
        asked = {"Bucket": self.name, "Prefix": start, "Delimiter": "/"}
        found = [prefix["Prefix"] for page in self._pages(asked) for prefix in page.get("CommonPrefixes", [])]
        return sorted(prefix[len(start) :].rstrip("/") for prefix in found)

    def stat(self, key: str) -> Entry | None:
        """Give one file's entry; null where there is none."""
        found = self._head(key)
        return None if found is None else _entry(key, found)

    def age(self, key: str) -> timedelta | None:
        """Tell how long ago a file was written, by the clock of S3 alone; null where there is none."""
        found = self._head(key)
        if found is None:
            return None
        said = found["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(said).replace(tzinfo=UTC) if said else datetime.now(UTC)
        return now - found["LastModified"]

    def _head(self, key: str) -> dict[str, Any] | None:
        return self._ask(lambda s3: s3.head_object(Bucket=self.name, Key=self._full(key)), key)

    def read(self, key: str) -> bytes | None:
        """Give a small file's bytes; null where there is none."""
        found = self._read(key)
        return None if found is None else found[1]

    def _read(self, key: str) -> tuple[str, bytes] | None:
        """Give the stamp and the bytes that belong together."""

        def whole(s3: Any) -> tuple[str, bytes]:
            answer = s3.get_object(Bucket=self.name, Key=self._full(key))
            return str(answer["ETag"]), b"".join(blocks_of(answer))

        return self._ask(whole, key)

    def write(self, key: str, content: bytes, expected: str | None = None, mode: int = 0o644) -> str:  # noqa: ARG002
        """Write a small file on a condition that S3 itself judges; see `Place.write`. Modes are the bucket's matter."""
        condition = {} if expected is None else {"IfNoneMatch": "*"} if expected == ABSENT else {"IfMatch": expected}
        more = {**condition, **self.access.asked_of_writes}

        def put(s3: Any) -> str:
            return str(s3.put_object(Bucket=self.name, Key=self._full(key), Body=content, **more)["ETag"])

        stamp = self._ask(put, key)
        if stamp is not None:
            return stamp
        # An answer that was lost on the way lets a repeated write meet its own first one.
        standing = self._read(key)
        if standing is not None and standing[1] == content:
            return standing[0]
        raise TakenError(f"{self.uri}/{key} was written by somebody else")

    def append(self, key: str, content: bytes) -> None:
        """Add to the end of a small file: read it, write it whole, unless somebody else wrote meanwhile."""
        stamp, before = self._read(key) or (ABSENT, b"")
        self.write(key, before + content, stamp)

    def pull(self, keys: Iterable[str], *, anew: bool = False) -> None:
        """Download the files that are not below `root` yet, several at a time."""
        wanted = {key: self._plain(key) for key in dict.fromkeys(keys)}
        missing = {key: path for key, path in wanted.items() if anew or not path.is_file()}
        for key, found in zip(missing, self._download_all(missing), strict=True):
            if found is None:
                raise FileNotFoundError(f"{self.uri}/{key} is not there")

    def _plain(self, key: str) -> Path:
        if not _is_plain(key):
            raise PlaceError(f"{self.uri}/{key} names no file below {self.uri}")
        return self.root / key

    def copy_of(self, key: str) -> Path:
        """Give the local path at which `fetch` leaves a file: a key may hold what no path can."""
        return Path(f"{self.cache}/{self.name}/{self.prefix}/.fetched/{hashlib.sha256(key.encode()).hexdigest()}")

    def fetch(self, entries: Iterable[Entry]) -> list[Entry]:
        """Download files as they are now, several at a time, without those that are gone."""
        wanted = {entry.key: self.copy_of(entry.key) for entry in entries}
        return [found for found in self._download_all(wanted) if found is not None]

    def _download_all(self, wanted: Mapping[str, Path]) -> list[Entry | None]:
        """Download files; the first fault stops those that were not begun."""
        pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        try:
            return list(pool.map(self._download, wanted, wanted.values()))
        finally:
            pool.shutdown(cancel_futures=True)

    def _download(self, key: str, path: Path) -> Entry | None:
        """Download one file, whole and of one version; null where it is gone, or changes all the time."""
        with on_disk(self.cache):
            self._own_copies()
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name[:100]}.{os.getpid()}")
            try:
                for _ in range(_VERSIONS):
                    found = self._ask(Download(self.name, self._full(key), unfinished).receive, key)
                    if found is not None:
                        unfinished.replace(path)
                        return _entry(key, found | {"ContentLength": path.stat().st_size})
                    if self._head(key) is None:
                        break
            finally:
                unfinished.unlink(missing_ok=True)
        return None

    def _own_copies(self) -> None:
        """See to it that only its owner reads the copies: those of exports and of the quarantine name people."""
        folder = self.cache / self.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)

    def push(self, keys: Iterable[str]) -> None:
        """Upload files from below `root`, in parts where they are large."""
        self._own_copies()
        for key in keys:
            if self._ask(partial(self._send, key), key) is None:
                raise refused(self.uri, "PreconditionFailed")

    def _send(self, key: str, s3: Any) -> bool:
        with (self.root / key).open("rb") as stream:
            s3.upload_fileobj(stream, self.name, self._full(key), ExtraArgs=self.access.asked_of_writes)
        return True

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files, a thousand a request.

        Raises:
            PlaceError: S3 does not remove one.
        """
        waiting = iter(keys)
        while batch := list(islice(waiting, _AT_ONCE)):
            asked = {"Objects": [{"Key": self._full(key)} for key in batch], "Quiet": True}
            for code in self._ask(partial(self._refusals, asked)) or []:
                raise refused(self.uri, code)

    def _refusals(self, asked: dict[str, Any], s3: Any) -> list[str]:
        """Remove some files; gives why S3 kept single ones, in its words."""
        answer = s3.delete_objects(Bucket=self.name, Delete=asked)
        return [str(refusal.get("Code", "")) for refusal in answer.get("Errors", [])]

    def forget(self) -> None:
        """Remove the local copies; what stands in the bucket stays."""
        shutil.rmtree(self.root, ignore_errors=True)

    def drop_copies(self, is_needed: Callable[[str], bool]) -> None:
        """Remove the local copies that nobody needs, but those of the last hour."""
        newest = time.time() - _STAYS.total_seconds()
        # A folder looks young as soon as something goes from it.
        walked = [(Path(folder), names) for folder, _, names in os.walk(self.root, topdown=False)]
        old = {folder for folder, _ in walked if _is_older(folder, newest)}
        for folder, names in walked:
            for path in (folder / name for name in names):
                if _is_older(path, newest) and not is_needed(path.relative_to(self.root).as_posix()):
                    path.unlink(missing_ok=True)
            if folder in old:
                # One that is not empty, or that somebody fills at this moment, stays.
                with suppress(OSError):
                    folder.rmdir()

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _ask(self, question: Callable[[Any], T], key: str = "") -> T | None:
        return ask(self.access, f"{self.uri}/{key}" if key else self.uri, question)


def _entry(key: str, found: Mapping[str, Any]) -> Entry:
    return Entry(key, int(found["ContentLength"]), str(found["ETag"]), found["LastModified"])


def _is_older(path: Path, moment: float) -> bool:
    """Tell whether a copy is older than a moment; one that another process has just finished is not."""
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:
        return False


def _is_plain(key: str) -> bool:
    """Tell whether a key is a path below a folder."""
    return not {"", ".", ".."} & set(key.split("/"))


def bucket_of(uri: str, access: S3Access, cache: Path) -> Bucket:
    """Give the place that `s3://bucket/prefix` names.

    Args:
        uri: the address.
        access: how S3 is reached.
        cache: local folder for copies.

    Raises:
        PlaceError: the URI names no bucket, or no prefix that a folder of copies can have.
    """
    name, _, rest = uri.removeprefix("s3://").partition("/")
    prefix = rest.rstrip("/")
    if not uri.startswith("s3://") or not _NAME.fullmatch(name):
        # What stands before an @ may be a secret.
        raise PlaceError(f"{uri.rpartition('@')[2]} names no bucket; expected s3://bucket/prefix")
    if prefix and not _is_plain(prefix):
        raise PlaceError(f"{uri} has an empty part, or one of dots; expected s3://bucket/prefix")
    return Bucket(name, prefix, access, cache)
