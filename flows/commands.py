"""What all commands share: exit codes, settings with the options laid over them, JSON and complaints."""

import json
import re
import sys
from collections.abc import Sequence
from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from flows.settings import Settings, place_of

if TYPE_CHECKING:
    from warehouse.connections import Limits
    from warehouse.publish import Publication

OK, FAULT, USAGE, LATE, LEASE = 0, 1, 2, 5, 6
Json = Annotated[bool, Parameter(name="--json", negative="", help="one JSON document on standard output")]


def _hours(_type: Any, tokens: Sequence[Token]) -> float:
    """Read a number of hours: `26`, `26h`, `1.5`."""
    given = tokens[0].value
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?h?", given):
        raise ValueError(f"expected hours, such as 26 or 26h, not {given}")
    return float(given.removesuffix("h"))


Hours = Annotated[float | None, Parameter(converter=_hours)]


class SettingsFileError(ValueError):
    """The file of settings cannot be read."""


def settings_of(**given: str | None) -> Settings:
    """Give the settings, with those options laid over them that were given.

    Args:
        given: options by the name of their setting; null where the option was not used.

    Returns:
        The settings.

    Raises:
        pydantic.ValidationError: a setting has a value that it cannot have.
        SettingsFileError: `cakupan.toml` cannot be read.
    """
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**options)
    except (TOMLDecodeError, UnicodeDecodeError) as unreadable:
        raise SettingsFileError(f"cakupan.toml is not TOML: {unreadable}") from None


def limits_of(settings: Settings) -> "Limits":
    """Give what DuckDB may use by the settings."""
    from warehouse.connections import Limits

    return Limits(settings.memory_limit, settings.threads)


def published(settings: Settings) -> "Publication":
    """Give the published builds of the settings."""
    from warehouse.publish import Publication

    return Publication(place_of(settings.publish, settings))


def print_json(document: Any) -> None:
    """Print one JSON document on standard output; dates and times as ISO text."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1, default=str)
    sys.stdout.write("\n")


def complain(message: str) -> None:
    """Print one sentence on standard error."""
    print(f"cakupan: {message}", file=sys.stderr)
