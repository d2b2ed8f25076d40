"""Labels of BPS as plain text: they come with HTML, with escaped HTML, and with footnote marks."""

import html
import re

# The nation is found by its label: its code is 9999 in most tables and 151 in one.
NATION_LABEL = "indonesia"
_FOOTNOTE = re.compile(r"<sup\b[^<>]*>.*?</sup>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|td|th|tr)>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def plain(text: str) -> str:
    """Return a label without tags, footnote marks and doubled spaces; `< 15` stays as it is."""
    open_text = _FOOTNOTE.sub("", html.unescape(text))
    return " ".join(_TAG.sub("", _BREAK.sub(" ", open_text)).split())
