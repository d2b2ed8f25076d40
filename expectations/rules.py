"""Row rules: what every column must be, what a contract adds, folded into one bit mask."""

from collections.abc import Sequence

from expectations.contracts import Contract, Field, Rule, Severity
from expectations.schemas import quoted

_STRUCTURE: dict[str, tuple[str, str, str, str]] = {
    "ragged_line": (
        "Jumlah kolom pada baris ini berbeda dari judul",
        "The line has another number of columns than the header",
        "sebanyak kolom pada judul; nilai yang memuat pemisah diapit tanda kutip",
        "as many columns as the header; values that hold the delimiter stand in quotes",
    ),
    "unclosed_quote": (
        "Tanda kutip dibuka tetapi tidak ditutup",
        "A quote is opened and not closed",
        "tanda kutip berpasangan",
        "quotes in pairs",
    ),
    "undecodable_text": (
        "Baris memuat byte yang bukan teks",
        "The line holds bytes that are no text",
        "teks UTF-8 atau cp1252",
        "text in UTF-8 or cp1252",
    ),
    "total_mismatch": (
        "Baris jumlah tidak sama dengan jumlah baris di atasnya",
        "The total row differs from the sum of its rows",
        "jumlah yang sama dengan isi berkas",
        "a total that equals the content of the file",
    ),
}
_STRUCTURE_OTHER = (
    "Susunan baris ini tidak dapat dibaca",
    "The structure of this line cannot be read",
    "satu baris data yang utuh",
    "one whole line of data",
)
_READABLE: dict[str, tuple[str, str]] = {
    "integer": ("bilangan bulat", "a whole number"),
    "decimal": ("bilangan tanpa pemisah ribuan", "a number without thousands separators"),
    "money": ("rupiah tanpa pemisah ribuan", "rupiah without thousands separators"),
    "share": ("bilangan antara 0 dan 1", "a number between 0 and 1"),
    "date": ("tanggal TTTT-BB-HH", "a date YYYY-MM-DD"),
    "period": ("bulan TTTT-BB", "a month YYYY-MM"),
    "boolean": ("true atau false", "true or false"),
}


def row_rules(contract: Contract) -> tuple[Rule, ...]:
    """Give every row rule of a dataset, in the order of their bits.

    Args:
        contract: the dataset's contract.

    Returns:
        Structure rules, then the rules that each column's definition implies, then the contract's own, then
        ``duplicate_in_file``. Predicates refer to ``<column>`` (typed), ``<column>_text`` (as in the file),
        ``_problem``, ``_repeats_line`` and the columns that the dataset's SQL adds.
    """
    structure = [_structure_rule(code, texts) for code, texts in _STRUCTURE.items()]
    known = ", ".join(quoted(code) for code in _STRUCTURE)
    other = _rule("line_unreadable", f"_problem NOT IN ({known})", _STRUCTURE_OTHER, ())
    columns = [rule for field in contract.landing_fields for rule in _column_rules(field)]
    own = [rule.model_copy(update={"predicate": _sound(rule.predicate)}) for rule in contract.rules]
    return (*structure, other, *columns, *own, _duplicate_rule(contract))


def _sound(predicate: str) -> str:
    return f"_problem IS NULL AND ({predicate})"


def _rule(
    code: str,
    predicate: str,
    texts: tuple[str, str, str, str],
    columns: Sequence[str],
    severity: Severity = "error",
) -> Rule:
    message_id, message_en, expected_id, expected_en = texts
    return Rule(
        code=code,
        predicate=predicate,
        severity=severity,
        message_id=message_id,
        message_en=message_en,
        expected_id=expected_id,
        expected_en=expected_en,
        columns=tuple(columns),
    )


def _structure_rule(code: str, texts: tuple[str, str, str, str]) -> Rule:
    return _rule(code, f"_problem = {quoted(code)}", texts, ())


def _column_rules(field: Field) -> list[Rule]:
    rules: list[Rule] = []
    if field.required:
        rules.append(_missing_rule(field))
    if field.name in ("region_code", "village_code"):
        rules += _region_rules(field)
    elif field.name == "place":
        rules += _place_rules()
    elif field.column.values:
        rules.append(_value_rule(field))
    elif field.column.type in _READABLE:
        rules.append(_readable_rule(field))
    return rules


def _missing_rule(field: Field) -> Rule:
    name = field.name
    texts = (f"Kolom {name} kosong", f"Column {name} is empty", f"{name} terisi", f"{name} filled")
    predicate = f"{name} IS NULL AND {name}_text IS NULL"
    if name == "region_code":
        predicate += " AND NOT place_is_used"
    return _rule(f"{name}_missing", _sound(predicate), texts, [name])


def _value_rule(field: Field) -> Rule:
    name, values = field.name, ", ".join(field.column.values)
    texts = (f"Isi kolom {name} tidak dikenal", f"Column {name} holds an unknown value", values, values)
    return _rule(f"{name}_not_allowed", _sound(f"{name}_text IS NOT NULL AND {name} IS NULL"), texts, [name])


def _readable_rule(field: Field) -> Rule:
    name = field.name
    expected_id, expected_en = _READABLE[field.column.type]
    texts = (f"Kolom {name} tidak dapat dibaca", f"Column {name} cannot be read", expected_id, expected_en)
    return _rule(f"{name}_unreadable", _sound(f"{name}_text IS NOT NULL AND {name} IS NULL"), texts, [name])


def _region_rules(field: Field) -> list[Rule]:
    name = field.name
    # A village may lie outside the regions that this project knows villages of.
    severity: Severity = "warn" if name == "village_code" and not field.required else "error"
    system = (
        f"Sistem kode {name} tidak disebut: 1311 adalah Dharmasraya bagi BPS dan Solok Selatan bagi Kemendagri",
        f"The code system of {name} is not given: 1311 is Dharmasraya to BPS and Solok Selatan to Kemendagri",
        "region_system bps atau kemendagri, atau kode bertitik seperti 13.10",
        "region_system bps or kemendagri, or a dotted code such as 13.10",
    )
    unknown = (
        f"Kode atau nama pada {name} tidak ada dalam daftar wilayah",
        f"The code or name in {name} is not in the list of regions",
        "kode wilayah BPS atau Kemendagri yang berlaku",
        "a valid BPS or Kemendagri region code",
    )
    contradiction = (
        f"Kode bertitik pada {name} adalah kode Kemendagri, tetapi region_system menyebut bps",
        f"The dotted code in {name} is one of Kemendagri, but region_system says bps",
        "region_system kemendagri atau kosong, atau kode BPS tanpa titik",
        "region_system kemendagri or empty, or a BPS code without dots",
    )
    contradicts = f"{name}_system_contradicts"
    rules = [
        _rule(f"{name}_system_unknown", _sound(f"{name}_system_is_missing"), system, [name], severity),
        _rule(contradicts, _sound(contradicts), contradiction, [name, "region_system"], severity),
    ]
    is_unknown = f"{name}_text IS NOT NULL AND {name} IS NULL AND NOT {name}_system_is_missing AND NOT {contradicts}"
    if name == "region_code":
        is_unknown += " AND NOT region_code_is_shared"
        shared = "region_code IS NULL AND region_code_is_shared"
        rules.append(_rule("region_code_ambiguous", _sound(shared), _shared_texts(name), [name]))
    return [*rules, _rule(f"{name}_unknown", _sound(is_unknown), unknown, [name], severity)]


def _shared_texts(name: str) -> tuple[str, str, str, str]:
    return (
        f"Nama pada {name} cocok dengan lebih dari satu wilayah: Solok adalah kabupaten dan juga kota",
        f"The name in {name} fits more than one region: Solok is a regency and also a city",
        "nama dengan jenisnya (Kabupaten, Kota atau Provinsi), atau kode wilayah",
        "the name with its type (Kabupaten, Kota or Provinsi), or a region code",
    )


def _place_rules() -> list[Rule]:
    """Give the rules of a name: one that stands in for a code must mean one region, one beside a code the same."""
    unknown = (
        "Nama pada place tidak ada dalam daftar wilayah",
        "The name in place is not in the list of regions",
        "nama wilayah dengan jenisnya, atau kode wilayah",
        "the name of a region with its type, or a region code",
    )
    differs = (
        "Nama pada place adalah wilayah lain daripada kode pada region_code",
        "The name in place is another region than the code in region_code",
        "kode dan nama dari wilayah yang sama, dan region_system yang benar",
        "the code and the name of one region, and the right region_system",
    )
    other = "place_region_code <> region_code OR NOT list_contains(place_candidates, region_code)"
    is_unknown = "place_is_used AND place_region_code IS NULL AND place_candidates IS NULL"
    columns = ["place", "region_code", "region_system"]
    # A district may share its name with a regency, so only codes of the nation, provinces and regencies are compared.
    return [
        _rule(
            "place_ambiguous",
            _sound("place_is_used AND place_candidates IS NOT NULL"),
            _shared_texts("place"),
            ["place"],
        ),
        _rule("place_unknown", _sound(is_unknown), unknown, ["place"]),
        _rule(
            "region_name_differs",
            _sound(f"region_code_text IS NOT NULL AND length(region_code) <= 4 AND ({other})"),
            differs,
            columns,
        ),
    ]


def _duplicate_rule(contract: Contract) -> Rule:
    grain = ", ".join(contract.key)
    texts = (
        "Baris ini mengulang baris lain dalam berkas yang sama",
        "The line repeats another line of the same file",
        f"satu baris untuk setiap {grain}",
        f"one line for each {grain}",
    )
    return _rule("duplicate_in_file", _sound("_repeats_line IS NOT NULL"), texts, ())


def mask_expression(rules: Sequence[Rule], first_bit: int = 0) -> str:
    """Fold the rules into one HUGEINT, a bit a rule from ``first_bit`` on (a null predicate is not broken)."""
    if not rules:
        return "0::HUGEINT"
    return " + ".join(
        f"(CASE WHEN coalesce(({rule.predicate}), false) THEN {1 << bit}::HUGEINT ELSE 0 END)"
        for bit, rule in enumerate(rules, first_bit)
    )


def severity_mask(rules: Sequence[Rule], severity: Severity) -> int:
    """Give the bits of the rules of one severity."""
    return sum(1 << bit for bit, rule in enumerate(rules) if rule.severity == severity)
