"""The key under which NIK and KPJ become hashes, and the record in the lake of which key it was."""

import hashlib
import json
import secrets
from pathlib import Path

from sources.places import ABSENT, Folder, Place

SHORTEST = 16
_RECORD = "person_key.json"
_OWNER_ONLY = 0o600


class PersonKeyError(ValueError):
    """The key is empty, or is not the one that the lake was made with."""


def load_or_make_key(path: Path, prefix: str = "") -> str:
    """Give the key kept at ``path``; the first time one is made there, readable by its owner only.

    Args:
        path: the key file.
        prefix: what a key made here begins with.

    Returns:
        The key as text.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Folder(path.parent).write(path.name, (prefix + secrets.token_hex(32)).encode(), mode=_OWNER_ONLY)
    return path.read_text(encoding="ascii").strip()


def key_id(key: str) -> str:
    """Give the public name of a key: the first digits of its sha256 under a fixed prefix.

    Raises:
        PersonKeyError: the key is empty, so that hashes could be guessed.
    """
    if not key.strip():
        raise PersonKeyError("CAKUPAN_PERSON_KEY is empty; unset it to have a key made, or set a long random text")
    return hashlib.sha256(b"cakupan person key " + key.encode()).hexdigest()[:16]


def confirm_key(lake: Place, key: str) -> str:
    """Record the key's name in a new lake, or compare it with the recorded one.

    Args:
        lake: where the lake stands.
        key: the key of this run.

    Returns:
        The key's name.

    Raises:
        PersonKeyError: the lake was made with another key; persons would be counted twice.
    """
    name = key_id(key)
    record = lake.read(_RECORD)
    if record is None:
        record = (json.dumps({"key_id": name}) + "\n").encode()
        lake.write(_RECORD, record, ABSENT, mode=_OWNER_ONLY)
    known = json.loads(record)["key_id"]
    if known != name:
        raise PersonKeyError(
            f"the lake {lake.uri} was made with person key {known}, this run has {name}; "
            "set CAKUPAN_PERSON_KEY to the first one, or start a new lake"
        )
    return name
