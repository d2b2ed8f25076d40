"""The words and envelopes of BPS: what it says with every answer, and what it says instead of one."""

from collections.abc import Mapping, Sequence
from typing import Any

KEY = "0123456789abcdef0123456789abcdef"
PAGE_ROWS = 10
NO_KEY = "You are not Allowed to take this action. Please re-check your key"
NO_TH = (
    "'th' parameter is required and must be an integer, separated by colon (:) for range or semicolon (;) for "
    "multiple values."
)
TOO_MANY = (
    "The maximum allowed number of years for the 'th' parameter is {cap}. You provided {given}. Please reduce the "
    "number of years accordingly."
)


def axis(pairs: Sequence[tuple[int | str, Any]]) -> list[dict[str, Any]]:
    """Return an axis of an answer."""
    return [{"val": code, "label": label} for code, label in pairs]


def error(message: str) -> dict[str, str]:
    """Return a refusal as BPS writes it."""
    return {"status": "Error", "message": message}


def available(data: Any) -> dict[str, Any]:
    """Return data in the envelope of an answer."""
    return {"status": "OK", "data-availability": "available", "data": data}


def not_available() -> dict[str, Any]:
    """Return what BPS says where it has nothing."""
    return {"status": "OK", "data-availability": "list-not-available", "data": ""}


def listed(rows: Sequence[Mapping[str, Any]], page: int = 1, size: int = PAGE_ROWS) -> dict[str, Any]:
    """Return one page of a list in its envelope."""
    shown = list(rows[(page - 1) * size : page * size])
    pages = max(-(-len(rows) // size), 1)
    head = {"page": page, "pages": pages, "per_page": size, "count": len(shown), "total": len(rows)}
    return available([head, shown])


def sourced(inner: Any) -> dict[str, Any]:
    """Return a document of SIMDASI or the census in its envelope, whose counts are always one."""
    return available([{"page": 1, "pages": 1, "per_page": 1, "count": 1, "total": 1}, inner])
