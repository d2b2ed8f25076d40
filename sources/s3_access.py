"""How S3 is reached, and what it means when S3 refuses or does not answer, in plain words."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import stamina
from pydantic import SecretStr

from sources.places import OutOfReachError, PlaceError

T = TypeVar("T")
# Where a client has as many connections as it may use at once, none of them is thrown away.
CONNECTIONS = 16
_BLOCK = 1 << 20
_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER = 5, 30
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "InvalidRange", "409", "412", "416"})
# 400 without a word is how S3 answers a HEAD under a credential that has ended.
_REFUSED = frozenset(
    {"400", "401", "403", "AccessDenied", "AllAccessDisabled", "ExpiredToken", "Forbidden", "InvalidAccessKeyId"}
    | {"InvalidToken", "SignatureDoesNotMatch"}
)
_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "RequestLimitExceeded", "Throttling"}
    | {"ThrottlingException", "TooManyRequests", "429", "500", "502", "503", "504"}
)
_ELSEWHERE = frozenset({"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307"})
_HOST_PART = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_MADE_LOCK = threading.Lock()


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
        attempts: how often a request is tried before the run gives up.
    """

    endpoint_url: str | None = None
    region: str | None = None
    path_style: bool = False
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = field(default=None, repr=False)
    session_token: SecretStr | None = field(default=None, repr=False)
    encryption: str | None = None
    kms_key_id: str | None = None
    attempts: int = 6

    @property
    def asked_of_writes(self) -> dict[str, str]:
        """Return what every write asks for, in the words of boto3."""
        asked = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key_id}
        return {name: value for name, value in asked.items() if value}


class NoBucketError(PlaceError):
    """The bucket is not there."""


def client_of(access: S3Access) -> Any:
    """Give the client of an access; it may be used by several threads, and renews a credential that ends."""
    # Making one is nothing that two threads may do at once.
    with _MADE_LOCK:
        return _client(access)


@lru_cache(maxsize=8)
def _session(access: S3Access) -> Any:
    import boto3
    import botocore.session

    library: Any = botocore.session
    core = library.get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    return boto3.Session(
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=_plain(access.secret_access_key),
        aws_session_token=_plain(access.session_token),
        region_name=access.region,
        botocore_session=core,
    )


def _instant(text: str) -> datetime:
    """Read a time of S3's: of a long listing, botocore's own way is half the work."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        import botocore.utils

        library: Any = botocore.utils
        return library.parse_timestamp(text)


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


@lru_cache(maxsize=8)
def _client(access: S3Access) -> Any:
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": access.attempts},
        connect_timeout=_SECONDS_TO_CONNECT,
        read_timeout=_SECONDS_TO_ANSWER,
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path"} if access.path_style else None,
    )
    return _session(access).client("s3", endpoint_url=access.endpoint_url, config=config)


def ask(access: S3Access, uri: str, question: Callable[[Any], T]) -> T | None:
    """Ask S3.

    botocore tries again for some seconds, this for a minute or two.

    Args:
        access: how S3 is reached.
        uri: the place that the question is about, for what is said of faults.
        question: asks a client.

    Returns:
        The answer; null where there is no such object, or where the condition of a write does not hold.

    Raises:
        NoBucketError: the bucket is not there.
        OutOfReachError: S3 is out of reach, or puts off for too long.
        PlaceError: S3 refuses, or no credential was found.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        for attempt in stamina.retry_context(
            on=_may_pass, attempts=access.attempts, timeout=None, wait_initial=0.5, wait_max=8.0
        ):
            with attempt:
                return question(client_of(access))
    except ClientError as refusal:
        explained = _of_code(uri, _code(refusal.response))
        if explained is not None:
            raise explained from None
    except (BotoCoreError, RuntimeError, ValueError) as fault:
        raise _of_botocore(uri, fault) from None
    return None


def _may_pass(fault: Exception) -> bool:
    """Tell whether to ask once more: of bodies that break off botocore knows nothing, and with others it is hasty."""
    from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError, ResponseStreamingError
    from botocore.exceptions import ConnectionError as NoConnection

    if isinstance(fault, ClientError):
        return _code(cast("Any", fault).response) in _BUSY
    return isinstance(fault, ConnectionClosedError | IncompleteReadError | NoConnection | ResponseStreamingError)


def blocks_of(answer: Mapping[str, Any]) -> Iterator[bytes]:
    """Give the body of an answer, block by block.

    Raises:
        botocore.exceptions.BotoCoreError: it breaks off, or nothing comes any more; asked by `ask` it is asked again.
    """
    from botocore.exceptions import ReadTimeoutError, ResponseStreamingError

    try:
        yield from answer["Body"].iter_chunks(_BLOCK)
    except ReadTimeoutError as silence:
        raise ResponseStreamingError(error=silence) from None


def _code(response: Any) -> str:
    return str(cast("Mapping[str, Any]", response).get("Error", {}).get("Code", ""))


def refused(uri: str, code: str) -> PlaceError:
    """Say what it means that S3 answered with an error code to what must not fail."""
    return _of_code(uri, code) or PlaceError(f"{uri} answered {code}: somebody else changes the same files")


def _of_code(uri: str, code: str) -> PlaceError | None:
    """Say what an error code means; nothing of codes that are answers."""
    if code in _GONE | _CONFLICT:
        return None
    if code == "NoSuchBucket":
        return NoBucketError(f"there is no bucket {urlsplit(uri).netloc}: make it, or mend the setting")
    if code in _REFUSED:
        return PlaceError(f"{uri} refuses the credential ({code}): renew it, or mend its rights")
    if code in _BUSY:
        return OutOfReachError(f"{uri} puts off what it is asked ({code}), again and again: run it later")
    if code in _ELSEWHERE:
        return PlaceError(f"{uri} is in another region ({code}): set CAKUPAN_S3_REGION to it")
    if code == "RequestTimeTooSkewed":
        return PlaceError(f"{uri} refuses what this machine's clock says: set the clock right")
    return PlaceError(f"{uri} answered {code}; ask who keeps the bucket")


def _of_botocore(uri: str, fault: Exception) -> PlaceError:
    """Say what a fault of botocore means; what is none of these is a fault of ours and is raised."""
    from botocore.exceptions import BotoCoreError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as NoConnection

    what = type(fault).__name__
    if isinstance(fault, NoConnection | HTTPClientError | IncompleteReadError):
        return OutOfReachError(f"{uri} is out of reach ({what}): is the network up, CAKUPAN_S3_ENDPOINT_URL right?")
    if isinstance(fault, BotoCoreError) or "refreshed credentials are still expired" in str(fault):
        hint = "set CAKUPAN_S3_ACCESS_KEY_ID, or mend what the AWS chain reads"
        return PlaceError(f"no credential or settings with which {uri} can be asked ({what}): {hint}")
    raise fault


_SAID_CODE = re.compile(r"<Code>([\w.]+)</Code>")
_SAID_STATUS = re.compile(r"\b(301|307|400|401|403|404|429|5\d\d) [A-Z]")


def explained(uri: str, text: str) -> PlaceError:
    """Say in plain words what delta-rs says of a fault on S3.

    Args:
        uri: the place.
        text: what delta-rs says, which may hold addresses and whole answers.
    """
    if "redirect without LOCATION" in text:
        return refused(uri, "PermanentRedirect")
    said = _SAID_CODE.search(text) or _SAID_STATUS.search(text)
    if said is None:
        return OutOfReachError(f"{uri} is out of reach: is the network up, CAKUPAN_S3_ENDPOINT_URL right?")
    return refused(uri, said[1])


def delta_options(access: S3Access, bucket: str) -> dict[str, str]:
    """Give the access in the words of delta-rs, with the credential of this moment.

    Raises:
        PlaceError: no credential was found, or S3 is out of reach.
    """
    made = cast("tuple[Any, str, str | None]", ask(access, f"s3://{bucket}", lambda s3: _found(access, bucket, s3)))
    credential, region, endpoint = made
    if credential.token is None:
        # delta-rs would take the token of another credential from the variables.
        os.environ.pop("AWS_SESSION_TOKEN", None)
    virtual = _is_virtual(access, bucket, endpoint)
    options = {
        "aws_endpoint": _with_bucket(endpoint, bucket) if endpoint and virtual else endpoint,
        "aws_region": region,
        "aws_virtual_hosted_style_request": "true" if virtual else "false",
        "aws_allow_http": "true" if (endpoint or "").startswith("http://") else None,
        "aws_access_key_id": credential.access_key,
        "aws_secret_access_key": credential.secret_key,
        "aws_session_token": credential.token,
        "aws_server_side_encryption": access.encryption,
        "aws_sse_kms_key_id": access.kms_key_id,
        "connect_timeout": f"{_SECONDS_TO_CONNECT}s",
        "timeout": f"{_SECONDS_TO_ANSWER}s",
        "max_retries": str(access.attempts - 1),
    }
    return {name: value for name, value in options.items() if value is not None}


def _found(access: S3Access, bucket: str, s3: Any) -> tuple[Any, str, str | None]:
    """Find what the AWS chain says: credential, region of the bucket, address of another S3 than Amazon's."""
    from botocore.exceptions import NoCredentialsError

    found = _session(access).get_credentials()
    if found is None:
        raise NoCredentialsError
    endpoint = str(s3.meta.endpoint_url)
    amazons = (urlsplit(endpoint).hostname or "").endswith(".amazonaws.com")
    return found.get_frozen_credentials(), _region(access, bucket), None if amazons else endpoint


@lru_cache(maxsize=64)
def _region(access: S3Access, bucket: str) -> str:
    """Ask a bucket for its region, which its answer tells even where it refuses."""
    from botocore.exceptions import ClientError

    s3 = _client(access)
    try:
        answer = s3.head_bucket(Bucket=bucket)
    except ClientError as refusal:
        answer: Any = refusal.response
        if _code(answer) in _BUSY:
            raise
    headers: Mapping[str, str] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers.get("x-amz-bucket-region") or str(s3.meta.region_name)


def _is_virtual(access: S3Access, bucket: str, endpoint: str | None) -> bool:
    """Tell whether boto3 puts the bucket into the host's name: not where a certificate or an IP address forbids it."""
    is_address = re.fullmatch(r"[0-9.]+|.*:.*", urlsplit(endpoint or "").hostname or "") is not None
    return not access.path_style and not is_address and _HOST_PART.fullmatch(bucket) is not None


def _with_bucket(endpoint: str, bucket: str) -> str:
    parts = urlsplit(endpoint)
    return parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()
