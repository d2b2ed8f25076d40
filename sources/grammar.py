"""RFC 4180 as regular expressions: what a sound line of a delimited file looks like."""

import re
from dataclasses import dataclass
from functools import cached_property

import polars as pl


@dataclass(frozen=True)
class Grammar:
    """The shape that a table's header gives to its lines.

    Attributes:
        delimiter: one of `; , tab |`.
        width: how many fields the header has, unnamed trailing ones included.
        named: how many fields a record must at least have (up to the last named column).
    """

    delimiter: str
    width: int
    named: int

    @cached_property
    def _d(self) -> str:
        return re.escape(self.delimiter)

    @cached_property
    def strict(self) -> str:
        """A record whose every field is whole quotes or has none at all."""
        field = rf'(?:"(?:[^"]|"")*"|[^"\n{self._d}]*)'
        return rf"\A{field}(?:{self._d}{field})*\z"

    @cached_property
    def lenient(self) -> str:
        """The same, but a field that does not begin with a quote may hold some: `SITI "ANI" R`."""
        field = rf'(?:"(?:[^"]|"")*"|[^"\n{self._d}][^\n{self._d}]*|)'
        return rf"\A{field}(?:{self._d}{field})*\z"

    @cached_property
    def simple(self) -> str:
        """A lenient record without a delimiter or newline inside quotes: it can be split as it stands."""
        field = rf'(?:"(?:[^"\n{self._d}]|"")*"|[^"\n{self._d}][^\n{self._d}]*|)'
        return rf"\A{field}(?:{self._d}{field})*\z"

    @cached_property
    def clean(self) -> str:
        """A strict record without a delimiter or newline inside quotes: every CSV parser reads it alike."""
        field = rf'(?:"(?:[^"\n{self._d}]|"")*"|[^"\n{self._d}]*)'
        return rf"\A{field}(?:{self._d}{field})*\z"

    @cached_property
    def one_field(self) -> str:
        """One field with the delimiter before it, for taking apart a delimiter plus a lenient record."""
        return rf'{self._d}(?:"(?:[^"]|"")*"|[^"{self._d}][^{self._d}]*|)'

    @cached_property
    def open_last(self) -> str:
        """A line that is sound up to an open quote after which no delimiter follows."""
        field = rf'(?:"(?:[^"]|"")*"|[^"\n{self._d}]*)'
        return rf'\A(?:{field}{self._d})*"(?:[^"\n{self._d}]|"")*\z'

    @cached_property
    def blank(self) -> str:
        """A line of nothing but white space, delimiters and empty quotes."""
        return rf'\A(?:""|[\s{self._d}])*\z'

    def literal_fields(self, text: pl.Expr) -> pl.Expr:
        """Return how many fields a line has when quotes mean nothing."""
        return text.str.count_matches(self.delimiter, literal=True) + 1

    def cells(self, text: pl.Expr) -> pl.Expr:
        """Return a sound record's fields as a list; each still has its delimiter in front and its quotes."""
        return (pl.lit(self.delimiter) + text).str.extract_all(self.one_field)

    def fits(self, fields: pl.Expr, surplus_empty: pl.Expr) -> pl.Expr:
        """Tell whether a record has the header's fields; empty trailing ones may lack or be surplus."""
        return ((fields >= self.named) & (fields <= self.width)) | ((fields > self.width) & surplus_empty)

    def surplus_empty(self, text: pl.Expr) -> pl.Expr:
        """Tell whether a line without inner delimiters only has empty fields after the header's width."""
        return self.literal_fields(text.str.strip_chars_end(self.delimiter)) <= self.width
