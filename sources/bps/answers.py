"""Answers of BPS as they came, their error shapes, and the envelope of lists."""

import codecs
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, cast

import polars as pl

from sources.bps import errors
from sources.bps.labels import plain

_CAP = re.compile(r"maximum allowed number of years.*? is (\d+)", re.IGNORECASE)
_BLOCKED = re.compile(rb"waf|ditolak|blocked|security system|forbidden|captcha", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_ABSENT = frozenset({"list-not-available", "not-available", "unavailable"})
_RENAMED = {"kode_ver_id": "vervar_id"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One answer as it came: decoding it again needs no request.

    Attributes:
        address: what was asked, without the API key.
        raw: the bytes of the body (`***` stands where the source repeated the key).
        fetched_at: when, in UTC.
    """

    address: str
    raw: bytes = field(repr=False)
    fetched_at: datetime

    @property
    def sha256(self) -> str:
        """Return the sha256 of the raw bytes, as the raw part of the lake names it."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True)
class Listing:
    """A whole list: its rows, all text (`vervar_id`, `vervar`, …), and the answers it was read from."""

    rows: pl.DataFrame
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Page:
    """One page of a list with the source's own counts; `total` and `pages` cover the whole list."""

    page: int
    pages: int
    total: int
    rows: list[Json]


def examined(answer: Answer, status: int = 200) -> Json:
    """Read an answer and raise what it says by way of an error.

    Args:
        answer: the answer.
        status: the HTTP status it came with.

    Returns:
        The JSON document, whose `status` is OK and whose data are said to be available.

    Raises:
        FirewallError, WebPageError, ForeignAnswerError, CutAnswerError: the body is not one JSON object.
        TooLargeError: the body is `null`.
        RefusedError, KeyRefusedError, PeriodMissingError, TooManyPeriodsError: BPS refuses.
        NotAvailableError: BPS has no such data.
    """
    document = _document(answer, status)
    _raise_refusal(document, answer, status)
    if document.get("data-availability") in _ABSENT:
        raise errors.NotAvailableError(f"data-availability {document['data-availability']}", answer.address)
    if document.get("data", ...) is None and "datacontent" not in document:
        raise errors.TooLargeError("data: null", answer.address)
    return document


def page_of(answer: Answer) -> Page:
    """Read one page of a list and hold it against its own counts.

    Raises:
        EmptyAnswerError: no row at all.
        ForeignAnswerError: not the envelope of a list.
        ListDiffersError: `count`, `pages` and `total` do not fit together or not the rows.
    """
    head, rows = envelope(answer)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
        raise errors.ForeignAnswerError("a list whose second part is no list of rows", answer.address)
    listed = cast("list[Json]", rows)
    page = Page(_count(head, "page", answer), _count(head, "pages", answer), _count(head, "total", answer), listed)
    if not listed and not page.total:
        raise errors.EmptyAnswerError("a list of 0 rows", answer.address)
    _reconcile_page(page, head, answer)
    return page


def listing_of(answers: Sequence[Answer]) -> Listing:
    """Put the pages of one list together and reconcile them with the source's own counts.

    Args:
        answers: all pages, the first one first; from a client or from snapshots.

    Raises:
        ListDiffersError: a page is missing, twice there, of another list, or rows do not add up to `total`.
    """
    pages = [page_of(answer) for answer in answers]
    rows = [row for page in pages for row in page.rows]
    address = answers[0].address
    numbers = [page.page for page in pages]
    _must_be([(page.pages, page.total) for page in pages[1:]], [(pages[0].pages, pages[0].total)] * (len(pages) - 1),
             "pages and total of every page", address)  # fmt: skip
    _must_be(numbers, list(range(1, pages[0].pages + 1)), "the pages", address)
    _must_be(len(rows), pages[0].total, "the number of rows against total", address)
    # BPS lists a row twice within one page at times; a row of two pages means that a page came in place of another.
    of_pages = [{json.dumps(row, sort_keys=True) for row in page.rows} for page in pages]
    distinct = len(set[str]().union(*of_pages))
    _must_be(distinct, sum(len(page) for page in of_pages), "the number of different rows", address)
    return Listing(text_frame(rows).unique(maintain_order=True), tuple(answers))


def envelope(answer: Answer) -> tuple[Json, Any]:
    """Return the two parts of `data`: the counts and the content.

    Raises:
        EmptyAnswerError: `data` is empty.
        ForeignAnswerError: `data` has another shape.
    """
    data: Any = examined(answer).get("data", "")
    if data in ("", [], {}):
        raise errors.EmptyAnswerError(f"data: {json.dumps(data)}", answer.address)
    parts = cast("list[Any]", data) if isinstance(data, list) else []
    if len(parts) != 2 or not isinstance(parts[0], dict):
        raise errors.ForeignAnswerError("data is not a pair of counts and rows", answer.address)
    return cast("Json", parts[0]), parts[1]


def text_frame(rows: Sequence[Json]) -> pl.DataFrame:
    """Return rows of a list as a frame of text: plain labels, compound values as JSON, null where absent."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {_RENAMED.get(name, name): [_text(row.get(name)) for row in rows] for name in names}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def load_json(raw: bytes, **options: Any) -> Any:
    """Parse bytes as JSON; `NaN` and its kin are no JSON.

    Raises:
        ValueError: no JSON, nested too deep, or text that no file can hold (half a character).
    """
    text = raw.decode("utf-8-sig")
    try:
        document = json.loads(text, parse_constant=_no_constant, **options)
        if "\\ud" in text.lower():
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("text with half a character") from None
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _document(answer: Answer, status: int) -> Json:
    body = answer.raw.strip()
    if body.startswith(b"<"):
        _raise_page(answer, status)
    try:
        document = load_json(body)
    except ValueError as fault:
        _raise_broken(body, fault, answer, status)
    if document is None:
        raise errors.TooLargeError("the whole answer is null", answer.address)
    if not isinstance(document, dict):
        raise errors.ForeignAnswerError(f"HTTP {status}, JSON {type(document).__name__}", answer.address)
    return cast("Json", document)


def _raise_page(answer: Answer, status: int) -> NoReturn:
    title = _TITLE.search(answer.raw)
    named = plain(title[1].decode("utf-8", "replace")) if title else "without title"
    is_firewall = status == 403 or _BLOCKED.search(answer.raw)
    unblocked = errors.WebPageError if status < 300 else errors.ForeignAnswerError
    error = errors.FirewallError if is_firewall else unblocked
    raise error(f"HTTP {status}, a web page: {named}", answer.address)


def _raise_broken(body: bytes, fault: ValueError, answer: Answer, status: int) -> NoReturn:
    error = errors.CutAnswerError if not body or _ends_early(body, fault) else errors.ForeignAnswerError
    reason = "" if isinstance(fault, json.JSONDecodeError | UnicodeDecodeError) else f": {fault}"
    raise error(f"HTTP {status}, {len(body)} bytes that are no whole JSON document{reason}", answer.address) from None


def _ends_early(body: bytes, fault: ValueError) -> bool:
    if isinstance(fault, UnicodeDecodeError):
        return fault.reason == "unexpected end of data"
    opened = body.removeprefix(codecs.BOM_UTF8)[:1] in (b"{", b"[")
    return opened and isinstance(fault, json.JSONDecodeError) and not fault.msg.startswith("Extra data")


def _raise_refusal(document: Json, answer: Answer, status: int) -> None:
    said = str(document.get("status", ""))
    message = plain(str(document.get("message") or document.get("error") or ""))
    if said.upper() == "OK" and status < 400:
        return
    if not message and said.upper() in {"OK", ""} and status < 400:
        raise errors.ForeignAnswerError("a document without status", answer.address)
    if status == 404 and document.get("data-availability") in _ABSENT:
        raise errors.NotAvailableError(f"data-availability {document['data-availability']}", answer.address)
    raise refusal(f"HTTP {status}, status {said or 'absent'}: {message or 'no message'}", answer.address)


def refusal(found: str, address: str) -> errors.RefusedError:
    """Return the error that a refusal's own words name."""
    cap = _CAP.search(found)
    if cap:
        return errors.TooManyPeriodsError(found, address, int(cap[1]))
    if re.search(r"'th' parameter is required", found, re.IGNORECASE):
        return errors.PeriodMissingError(found, address)
    if re.search(r"\bkey\b|UserNotFound|not allowed", found, re.IGNORECASE):
        return errors.KeyRefusedError(found, address)
    return errors.RefusedError(found, address)


def _count(head: Json, name: str, answer: Answer) -> int:
    text = str(head.get(name, ""))
    if not re.fullmatch(r"\d{1,9}", text):
        raise errors.ForeignAnswerError(f"{name} of a list is {text or 'absent'}", answer.address)
    return int(text)


def _reconcile_page(page: Page, head: Json, answer: Answer) -> None:
    if "count" in head:
        _must_be(len(page.rows), _count(head, "count", answer), "the rows of a page against count", answer.address)
    if "per_page" in head:
        size = max(_count(head, "per_page", answer), 1)
        _must_be(page.pages, max(-(-page.total // size), 1), "pages against total", answer.address)


def _must_be(found: object, expected: object, what: str, address: str) -> None:
    if found != expected:
        raise errors.ListDiffersError(f"{what}: {found}, expected {expected}", address)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return plain(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
