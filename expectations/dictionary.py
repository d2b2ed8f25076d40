"""The data dictionary: one Markdown page that says what every table promises, made from the contracts."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from expectations.contracts import Contract, Field, Kind, load_contracts
from expectations.rules import row_rules
from expectations.schemas import sql_type
from expectations.suites import suite_of

DICTIONARY_FILE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"

_KINDS: dict[Kind, tuple[str, str]] = {
    "dataset": ("core", "Data yang didaratkan / Landed datasets"),
    "mart": ("marts", "Mart / Marts"),
    "dimension": ("marts", "Dimensi / Dimensions"),
    "quarantine": ("quarantine", "Karantina / Quarantine"),
}
_HEADER = """# Kamus data / Data dictionary

Halaman ini dibuat dari `expectations/contracts/` dan `expectations/columns.yml` dengan `make dictionary`;
jangan disunting. *This page is generated from `expectations/contracts/` and `expectations/columns.yml` by
`make dictionary`; do not edit it.*

- wajib / required: kolom tidak boleh kosong / *the column is never null*
- kunci / key: letak kolom dalam kunci utama / *the column's place in the primary key*
- lapis / layer: `landing` hanya dalam berkas, `core` hanya dalam tabel, kosong berarti keduanya /
  *`landing` only in the landed file, `core` only in the written table, empty means both*
- golongan / class: `identifier` dan `personal` disamarkan di luar buku kerja kantor sendiri /
  *`identifier` and `personal` are masked everywhere but in the office's own workbook*
- batas peringatan dilampaui bila jumlah dan persennya terlampaui /
  *the limit of warnings is exceeded where both its number and its share are*
"""


def dictionary() -> str:
    """Write the dictionary of every contract.

    Returns:
        The whole page as Markdown.
    """
    contracts = load_contracts().values()
    by_kind: dict[Kind, list[Contract]] = {kind: [one for one in contracts if one.kind == kind] for kind in _KINDS}
    parts = [_HEADER, *_contents(by_kind)]
    for kind, (schema, title) in _KINDS.items():
        parts.append(f"\n## {title}\n")
        parts += [_section(contract, schema) for contract in by_kind[kind]]
    return "\n".join(parts).rstrip() + "\n"


def _contents(by_kind: Mapping[Kind, Sequence[Contract]]) -> Iterator[str]:
    rows = (
        (f"[{one.name}](#{one.name})", kind, one.description_id, one.description_en)
        for kind, contracts in by_kind.items()
        for one in contracts
    )
    yield from _table(("tabel / table", "jenis / kind", "isi", "contents"), rows)


def _section(contract: Contract, schema: str) -> str:
    lines = [f"### {contract.name}\n", f"{contract.description_id}.\n", f"*{contract.description_en}.*\n"]
    lines += [*_facts(contract), "", *_columns(contract.fields), ""]
    if contract.kind == "dataset":
        lines += ["Aturan baris / row rules:\n", *_rules(contract), ""]
    lines += ["Pemeriksaan tabel / table checks:\n", *_checks(contract, f"{schema}.{contract.name}"), ""]
    return "\n".join(lines)


def _facts(contract: Contract) -> Iterator[str]:
    freshness, budget = contract.freshness, contract.budget
    band = f"{contract.band.min:g}-{contract.band.max:g}"
    yield f"- jenis / kind: {contract.kind}; pemilik / owner: {contract.owner}"
    yield f"- satu baris per / grain: {_codes(contract.key)}"
    if contract.partition:
        yield f"- diganti utuh per / replaced whole by: {_codes(contract.partition)}"
    if contract.defaults:
        defaults = (f"{name} = {_written(value)}" for name, value in contract.defaults.items())
        yield f"- nilai bila kosong / value where absent: {_codes(defaults)}"
    yield f"- kesegaran / freshness: `{freshness.column}` ≤ {freshness.days} hari / days"
    yield f"- jumlah baris / number of rows: {band} kali terbitan lalu / times the last published"
    yield f"- batas peringatan / limit of warnings: {budget.rows} baris / rows, {budget.share:.0%}"


def _written(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _columns(fields: Sequence[Field]) -> Iterator[str]:
    header = (
        "kolom / column",
        "tipe / type",
        "satuan / unit",
        "wajib / required",
        "kunci / key",
        "lapis / layer",
        "golongan / class",
        "arti",
        "meaning",
        "nilai / values",
    )
    yield from _table(header, (_column(field) for field in fields))


def _column(field: Field) -> tuple[str, ...]:
    column = field.column
    layers = {(True, False): "landing", (False, True): "core"}
    return (
        f"`{field.name}`",
        f"{column.type} ({sql_type(column.type)})",
        column.unit or "",
        "ya / yes" if field.required else "",
        "" if field.key_position is None else str(field.key_position),
        layers.get((field.in_landing, field.in_core), ""),
        column.classification,
        column.id,
        column.en,
        _codes(column.values),
    )


def _rules(contract: Contract) -> Iterator[str]:
    header = ("kode / code", "derajat / severity", "alasan", "reason", "yang diharapkan", "what is expected")
    rows = (
        (
            f"`{rule.code}`",
            rule.severity,
            rule.message_id,
            rule.message_en,
            rule.expected_id,
            rule.expected_en,
        )
        for rule in row_rules(contract)
    )
    yield from _table(header, rows)


def _checks(contract: Contract, table: str) -> Iterator[str]:
    header = ("kode / code", "derajat / severity", "alasan", "reason")
    rows = (
        (f"`{check['code']}`", check["severity"], check["message_id"], check["message_en"])
        for check in suite_of(contract, table)["checks"]
    )
    yield from _table(header, rows)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(header)
    yield _row(["---"] * len(header))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> int:
    """Write ``docs/data-dictionary.md``.

    Returns:
        0.
    """
    DICTIONARY_FILE.parent.mkdir(parents=True, exist_ok=True)
    DICTIONARY_FILE.write_text(dictionary(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
