"""Faults in words that name nobody: what may be said of an error, and where its trace is kept."""

import os
from pathlib import Path


class StepFaultError(RuntimeError):
    """A step failed for a reason that no message foresaw; the trace is in a file that only its owner reads."""


def plain_words(error: Exception) -> str | None:
    """Give what an error says where it quotes no value of a person; null where it might.

    Args:
        error: whatever was raised.

    Returns:
        The words of our own errors and of the system's; null for all others, such as those of DuckDB.
    """
    return str(error) if isinstance(error, (OSError, *own_errors())) else None


def own_errors() -> tuple[type[Exception], ...]:
    """Give the errors that speak in sentences of our own."""
    from sources.landing import LandingError
    from warehouse.lake import LakeError
    from warehouse.lease import LeaseHeldError

    return (LandingError, LakeError, LeaseHeldError, StepFaultError, *wrong_use())


def wrong_use() -> tuple[type[Exception], ...]:
    """Give the errors that say that something was asked for wrongly: exit code 2."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from expectations.profiles import ProfileError
    from flows.commands import SettingsFileError
    from flows.retention import RetentionError
    from flows.settings import RunnerError, UnknownDatasetError, UnknownPlaceError
    from warehouse.away import AwayError
    from warehouse.person_key import PersonKeyError
    from warehouse.publish import PublishError
    from warehouse.query import QueryError

    return (
        ProfileError,
        UnknownPlaceError,
        UnknownDatasetError,
        ValidationError,
        SettingsError,
        SettingsFileError,
        PersonKeyError,
        PublishError,
        QueryError,
        RetentionError,
        RunnerError,
        AwayError,
    )


def described(error: Exception) -> str:
    """Give one sentence about any error; the trace of one that may quote values is kept in a file."""
    return plain_words(error) or f"{type(error).__name__}. Details: {keep_trace(error)}"


def keep_trace(error: Exception) -> Path:
    """Keep a fault's trace, which may quote values of persons, in a file that only its owner reads."""
    import tempfile
    import traceback

    folder_of_log = Path("var/log") if os.access(".", os.W_OK) else Path(tempfile.mkdtemp(prefix="cakupan-"))
    path = folder_of_log / "fault.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path
