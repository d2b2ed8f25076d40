"""Cells as BPS stores them: numbers keep their own digits, and stay told apart from text."""

from decimal import Decimal
from typing import Any, cast

from sources.bps import errors
from sources.bps.answers import Answer, Json, load_json
from sources.marks import MARKER

NULL_MARKS = ("", "-", "--", "–", "—", "...", "…", "na", "n/a", "null")
_LONGEST = 40


def marked_document(answer: Answer) -> Json:
    """Return the JSON of an answer with every number as marked decimal text (U+0001 `7.46`).

    Raises:
        ForeignAnswerError: a name stands twice in one object, so one of its values would be lost.
    """
    try:
        document = load_json(answer.raw, parse_int=_marked, parse_float=_marked, object_pairs_hook=_distinct)
    except ValueError as fault:
        raise errors.ForeignAnswerError(str(fault), answer.address) from None
    return cast("Json", document)


def plain_text(value: Any) -> str:
    """Return a number's or text's characters without the mark, and nothing for null."""
    return "" if value is None else str(value).removeprefix(MARKER)


def _marked(token: str) -> str:
    if "e" not in token.lower():
        return MARKER + token
    try:
        exact = Decimal(token)
    except ArithmeticError:
        raise ValueError(f"the number {token}") from None
    if abs(exact.adjusted()) > _LONGEST:
        raise ValueError(f"the number {token}")
    return MARKER + format(exact, "f")


def _distinct(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)} stands twice")
    return found
