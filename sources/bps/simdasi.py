"""SIMDASI (services 22 to 28): the tables of the yearbooks, the best source of labour by regency, and their areas."""

import re
from typing import Any, cast

import polars as pl

from sources.bps import errors
from sources.bps.answers import Answer, Json, Listing, envelope, refusal, text_frame
from sources.bps.cells import NULL_MARKS, marked_document, plain_text
from sources.bps.labels import NATION_LABEL, plain
from sources.marks import MARKER

COLUMNS: dict[str, type[pl.DataType]] = {
    "region_code": pl.String,
    "label": pl.String,
    "is_nation": pl.Boolean,
    "column_key": pl.String,
    "column": pl.String,
    "unit": pl.String,
    "value": pl.String,
    "value_text": pl.String,
    "problem": pl.String,
}
NATION_AREA = "0000000"
# Indonesian numbers: dots or spaces between thousands, a comma before decimals.
_INDONESIAN = r"\A-?(\d{1,3}(\.\d{3})+|\d{1,3}( \d{3})+|\d+)(,\d+)?\z"
_SPACES = r"[\s\u00a0\u202f]+"
_CELL = pl.Struct({"value_raw": pl.String, "value": pl.String})


def inner_of(answer: Answer) -> Json:
    """Return the inner document of a SIMDASI answer, whose own status is OK too.

    Raises:
        RefusedError: an inner error inside an outer OK (`Invalid Parameter`).
        ListDiffersError: more pages than one. EmptyAnswerError, ForeignAnswerError: other shapes.
    """
    head, inner = envelope(answer)
    held = _unwrapped(inner)
    if not isinstance(held, dict):
        raise errors.ForeignAnswerError("a SIMDASI answer without its inner document", answer.address)
    document = cast("Json", held)
    status, condition = str(document.get("status", "")), str(document.get("condition", "OK"))
    if status not in {"200", "OK", ""} or condition.upper() != "OK":
        raise refusal(f"inner status {status} {condition}: {document.get('message', '')}", answer.address)
    if str(head.get("pages", 1)) not in {"0", "1"}:
        raise errors.ListDiffersError(f"{head['pages']} pages, expected 1", answer.address)
    if not document.get("data"):
        raise errors.EmptyAnswerError("a SIMDASI answer without rows", answer.address)
    return document


def simdasi_listing(answer: Answer) -> Listing:
    """Read a list of subjects or tables (services 22, 23, 24), all text.

    Raises:
        ListDiffersError: not as many rows as the source counts (`data_count`). As `inner_of`.
    """
    document = inner_of(answer)
    rows = _rows(document, answer)
    counted = document.get("data_count", len(rows))
    if str(counted) != str(len(rows)):
        raise errors.ListDiffersError(f"{len(rows)} rows, expected {counted}", answer.address)
    return Listing(text_frame(rows), (answer,))


def areas_of(answer: Answer, parent: str = NATION_AREA) -> Listing:
    """Read the areas that an area is made of (services 26, 27, 28).

    Args:
        answer: the answer, from a client or from a snapshot.
        parent: the area that was asked for, seven digits; the nation is made of provinces.

    Returns:
        One row for each part, all text: `region_code` (seven digits), `name` (plain), `kind` (what BPS calls such
        an area; null where it does not say). The row of the parent itself is left out.

    Raises:
        RefusedError: an inner error inside an outer OK, such as for a parent that BPS does not know.
        ForeignAnswerError: a code that is no part of the parent, or an area without a name.
        ListDiffersError: an area stands twice, or not as many rows as the source counts.
        EmptyAnswerError: no part at all.
    """
    rows = simdasi_listing(answer).rows
    if not {"kode", "nama"} <= set(rows.columns):
        raise errors.ForeignAnswerError(f"areas with {rows.columns}, expected kode and nama", answer.address)
    named = rows.select(
        pl.col("kode").alias("region_code"),
        pl.col("nama").alias("name"),
        (pl.col("satuan_lingkungan") if "satuan_lingkungan" in rows.columns else pl.lit(None, pl.String)).alias("kind"),
    )
    parts = named.filter(~pl.col("region_code").eq_missing(parent))
    _must_be_parts(parts, parent, answer)
    return Listing(parts, (answer,))


def decode_simdasi(answer: Answer) -> pl.DataFrame:
    """Decode one table (service 25), from a client or from a snapshot.

    Args:
        answer: the answer.

    Returns:
        One row for each row and column of the table, with the columns `COLUMNS`: `region_code` (seven digits,
        null where the row has none), `label`, `is_nation`, `column_key` (random, differs by table), `column`
        (its name), `unit`, `value_text` (as it stands), `value` (decimal text; Indonesian numbers read, null
        for a mark of missing or a word), `problem` (`not_a_number` where digits cannot be read with certainty,
        `two_values` where `value` and `value_raw` contradict each other; `value` is null then). Rows of totals
        are among the rows, as BPS sends them.

    Raises:
        RefusedError, EmptyAnswerError: as `inner_of`. ForeignAnswerError: a column without a name in `kolom`,
            or other shapes.
    """
    inner_of(answer)
    held = cast("Json", _unwrapped(marked_document(answer)["data"][1]))
    rows = _rows(held, answer)
    columns = _columns(held, answer)
    keys = columns["column_key"].to_list()
    table = _table(rows, keys, answer).unpivot(
        on=keys, index=["row", "region_code", "label"], variable_name="column_key", value_name="cell"
    )
    cells = table.join(columns.with_row_index("place"), on="column_key", how="left").sort("row", "place")
    return _valued(cells.unnest("cell")).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _must_be_parts(parts: pl.DataFrame, parent: str, answer: Answer) -> None:
    if not parts.height:
        raise errors.EmptyAnswerError(f"no part of {parent}", answer.address)
    codes = parts["region_code"]
    strange = parts.filter(
        ~pl.col("region_code").str.contains(_pattern_of_parts(parent)).fill_null(False)
        | (pl.col("name").fill_null("") == "")
    )
    if strange.height:
        found = f"{strange.height} rows that are no part of {parent}, such as {strange.row(0)}"
        raise errors.ForeignAnswerError(found, answer.address)
    if codes.n_unique() != parts.height:
        twice = codes.filter(codes.is_duplicated())[0]
        raise errors.ListDiffersError(f"the area {twice} stands twice, expected once", answer.address)


def _pattern_of_parts(parent: str) -> str:
    if parent == NATION_AREA:
        return r"\A\d{2}00000\z"
    if parent.endswith("00000"):
        return rf"\A{re.escape(parent[:2])}\d{{2}}000\z"
    return rf"\A{re.escape(parent[:4])}\d{{3}}\z"


def _unwrapped(inner: Any) -> Any:
    wrapped = cast("list[Any]", inner) if isinstance(inner, list) else [inner]
    return wrapped[0] if wrapped else None


def _rows(document: Json, answer: Answer) -> list[Json]:
    rows: Any = document.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[Any]", rows)):
        raise errors.ForeignAnswerError("SIMDASI data that is no list of rows", answer.address)
    return cast("list[Json]", rows)


def _columns(document: Json, answer: Answer) -> pl.DataFrame:
    columns: Any = document.get("kolom")
    if not isinstance(columns, dict) or not all(isinstance(one, dict) for one in cast("Json", columns).values()):
        raise errors.ForeignAnswerError("a SIMDASI table without kolom", answer.address)
    named = cast("dict[str, Json]", columns)
    return pl.DataFrame(
        {
            "column_key": list(named),
            "column": [plain(plain_text(one.get("nama_variabel"))) or None for one in named.values()],
            "unit": [plain(plain_text(one.get("satuan"))) or None for one in named.values()],
        },
        schema=dict.fromkeys(("column_key", "column", "unit"), pl.String),
    )


def _table(rows: list[Json], keys: list[str], answer: Answer) -> pl.DataFrame:
    variables = [row.get("variables") for row in rows]
    unnamed = {key for one in variables if isinstance(one, dict) for key in cast("Json", one)} - set(keys)
    if unnamed or not all(isinstance(one, dict) for one in variables):
        raise errors.ForeignAnswerError(f"columns that kolom does not name: {sorted(unnamed)[:5]}", answer.address)
    # Polars would make null of a cell that is no object, and lose its value without a word.
    if not all(_is_cell(cell) for one in variables for cell in cast("Json", one).values()):
        raise errors.ForeignAnswerError("a SIMDASI cell without value_raw or value", answer.address)
    cells = pl.DataFrame(variables, schema=dict.fromkeys(keys, _CELL))
    return cells.with_columns(
        pl.Series("region_code", [plain_text(row.get("kode_wilayah")).strip() or None for row in rows], pl.String),
        pl.Series("label", [plain(plain_text(row.get("label"))) for row in rows], pl.String),
    ).with_row_index("row")


def _is_cell(cell: Any) -> bool:
    if cell is None or not isinstance(cell, dict):
        return cell is None
    held = cast("Json", cell)
    known = [held[name] for name in ("value_raw", "value") if name in held]
    return bool(known) and all(isinstance(text, str | None) for text in known)


def _valued(cells: pl.DataFrame) -> pl.DataFrame:
    raw, shown = _number(pl.col("value_raw")), _number(pl.col("value"))
    text = pl.coalesce("value_raw", "value").str.strip_prefix(MARKER)
    contradicts = raw.cast(pl.Decimal(38, 10), strict=False) != shown.cast(pl.Decimal(38, 10), strict=False)
    unread = pl.coalesce(raw, shown).is_null() & text.str.contains(r"\d")
    problem = pl.when(contradicts).then(pl.lit("two_values")).when(unread).then(pl.lit("not_a_number"))
    return cells.with_columns(
        (pl.col("label").str.to_lowercase() == NATION_LABEL).alias("is_nation"),
        text.alias("value_text"),
        problem.alias("problem"),
        pl.when(problem.is_null()).then(pl.coalesce(raw, shown)).alias("value"),
    )


def _number(stored: pl.Expr) -> pl.Expr:
    text = stored.str.replace_all(_SPACES, " ").str.strip_chars()
    bare = text.str.replace_all("[. ]", "").str.replace(",", ".", literal=True)
    missing = text.str.to_lowercase().is_in(NULL_MARKS)
    read = pl.when(~missing & text.str.contains(_INDONESIAN)).then(bare)
    return pl.when(stored.str.starts_with(MARKER)).then(stored.str.strip_prefix(MARKER)).otherwise(read)
