"""What can be wrong with a line: every rule of the participants contract, and what the line looks like that breaks it.

An expression is SQL over the canonical cells of the line, all of them text (null where empty).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warn", "layout"]
# Where a flaw can stand: in delimited text, in a sheet, in Parquet.
Container = Literal["text", "sheet", "parquet"]
EVERYWHERE: tuple[Container, ...] = ("text", "sheet", "parquet")


@dataclass(frozen=True)
class Flaw:
    """One way to break a line, or to put something beside it that is no line of data.

    Attributes:
        name: what it is called in the tables of the simulation.
        rules: the codes of the rules that must find it; of a line with an error only those of severity error.
        cells: what stands in the line's cells instead.
        line: SQL that makes the line's text from `line`, for flaws of the text itself.
        after: how many lines follow that belong to it: a repetition, a blank line, the rest of the record.
        severity: what becomes of the line.
        at: which line the rules find, from the line itself on.
        lines: how many lines count as bad or good with it.
        containers: where it can stand.
        columns: the columns that a file must have for it, beside those of `cells`.
    """

    name: str
    rules: tuple[str, ...]
    cells: Mapping[str, str] = field(default_factory=dict[str, str])
    line: str = ""
    after: int = 0
    severity: Severity = "error"
    at: int = 0
    lines: int = 1
    containers: tuple[Container, ...] = EVERYWHERE
    columns: tuple[str, ...] = ()

    def fits(self, container: Container, columns: Sequence[str]) -> bool:
        """Tell whether a file of that container and those columns can hold the flaw."""
        return container in self.containers and {*self.cells, *self.columns} <= set(columns)


def _cell(rule: str, column: str, expression: str, *more: str) -> Flaw:
    """Give a flaw of one cell; `more` are further rules that it breaks."""
    return Flaw(f"{rule}_{column}" if more else rule, (rule, *more), {column: expression})


_OF_BPU = {"segment": "'BPU'", "employer_scale": "NULL"}
_TEXT: tuple[Container, ...] = ("text",)
_ERRORS = (
    Flaw("surplus_field", ("ragged_line",), line="line || $delimiter || 'lebih'", containers=_TEXT),
    Flaw(
        "split_name",
        ("ragged_line",),
        # A surplus field that is empty is none: the last one of the line is not to be empty.
        {"name": "'Contoh' || $delimiter || ' Ragam'", "agent_code": "'P00'"},
        containers=_TEXT,
    ),
    Flaw("cut_line", ("ragged_line",), line="left(line, 24)", containers=_TEXT),
    Flaw("unclosed_quote", ("unclosed_quote",), {"name": "'\"Rekaan Kutip'"}, containers=_TEXT),
    Flaw("undecodable_text", ("undecodable_text",), {"name": "name || $damage"}),
    _cell("office_code_missing", "office_code", "NULL"),
    # Of a month that cannot be read nobody knows whether the office was open in it.
    _cell("period_missing", "period", "NULL"),
    _cell("period_unreadable", "period", "left(period, 5) || '13'"),
    _cell("kpj_missing", "kpj", "NULL"),
    _cell("kpj_shape", "kpj", "left(kpj, 3) || '-' || substr(kpj, 5)"),
    _cell("nik_missing", "nik", "NULL"),
    _cell("nik_shape", "nik", "left(nik, 15)"),
    _cell("nik_damaged_by_excel", "nik", "'9.90413E+15'", "nik_shape"),
    Flaw(
        "nik_as_number", ("nik_damaged_by_excel",), {"nik": "chr(1) || left(nik, 12) || '4321'"}, containers=("sheet",)
    ),
    _cell("nik_birth_date", "nik", "left(nik, 6) || '3102' || substr(nik, 11)"),
    _cell("nik_serial", "nik", "left(nik, 12) || '0000'"),
    _cell("birth_date_unreadable", "birth_date", "'1990-02-30'"),
    _cell("birth_date_implausible", "birth_date", "'1790-05-17'"),
    _cell("sex_not_allowed", "sex", "'X'"),
    _cell("segment_missing", "segment", "NULL"),
    _cell("segment_not_allowed", "segment", "'XYZ'"),
    _cell("segment_total", "segment", "'ALL'"),
    _cell("programmes_missing", "programmes", "NULL"),
    _cell("programme_unknown", "programmes", "'JKK+JKM+JXX'"),
    Flaw(
        "programme_not_for_segment",
        ("programme_not_for_segment",),
        {**_OF_BPU, "programmes": "'JKK+JKM+JP'", "contribution_idr": "NULL"},
    ),
    _cell("programme_required_missing", "programmes", "'JKK'"),
    _cell("employer_scale_not_allowed", "employer_scale", "'raksasa'"),
    _cell("region_code_missing", "region_code", "NULL"),
    Flaw(
        "region_code_system_unknown",
        ("region_code_system_unknown",),
        {"region_system": "NULL", "region_code": "'1311'", "village_code": "NULL"},
    ),
    Flaw(
        "region_code_system_contradicts",
        ("region_code_system_contradicts",),
        {"region_system": "'bps'", "region_code": "'13.10'", "village_code": "NULL"},
    ),
    _cell("region_code_unknown", "region_code", "'Kab. Antah Berantah'"),
    _cell("region_code_ambiguous", "region_code", "'Solok'"),
    _cell("wage_idr_unreadable", "wage_idr", "'empat juta'"),
    _cell("contribution_idr_unreadable", "contribution_idr", "'delapan ribu'"),
    _cell("last_paid_period_missing", "last_paid_period", "NULL"),
    _cell("last_paid_period_unreadable", "last_paid_period", "left(last_paid_period, 5) || '13'"),
    _cell("last_paid_implausible", "last_paid_period", "'1970-01'"),
    _cell("registered_date_unreadable", "registered_date", "'2024-02-31'"),
    _cell("registered_after_period", "registered_date", "'2099-12-01'"),
    _cell("amount_negative", "wage_idr", "'-1000000'"),
    _cell("amount_ambiguous", "wage_idr", "'2500000.125'"),
    _cell("wage_implausible", "wage_idr", "'45000000000'"),
    Flaw(
        "contribution_below_rate",
        ("contribution_below_rate",),
        {**_OF_BPU, "programmes": "'JKK+JKM'", "last_paid_period": "$period", "contribution_idr": "'5000'"},
    ),
    _cell("funding_not_allowed", "funding", "'hibah'"),
    _cell("channel_not_allowed", "channel", "'pos'"),
    _cell("exported_at_unreadable", "exported_at", "'kemarin pagi'"),
    Flaw("duplicate_in_file", ("duplicate_in_file",), after=1, at=1),
    Flaw("several_reasons", ("kpj_shape", "sex_not_allowed"), {"kpj": "left(kpj, 9)", "sex": "'?'"}),
)
_WARNINGS = (
    Flaw(
        "programme_set_incomplete",
        ("programme_set_incomplete",),
        {"segment": "'PU'", "employer_scale": "'large'", "programmes": "'JKK+JKM+JHT'"},
        severity="warn",
    ),
    Flaw("sex_differs_from_nik", ("sex_differs_from_nik",), {"sex": "if(sex = 'P', 'L', 'P')"}, severity="warn"),
    Flaw(
        "birth_date_differs_from_nik",
        ("birth_date_differs_from_nik",),
        {"birth_date": "strftime(birth_date::DATE + 1, '%Y-%m-%d')"},
        severity="warn",
    ),
    Flaw("village_code_unknown", ("village_code_unknown",), {"village_code": "'99.99.99.9999'"}, severity="warn"),
    Flaw(
        "village_code_system_unknown",
        ("village_code_system_unknown",),
        {"region_system": "NULL", "region_code": "'13.10'", "village_code": "'1311020001'"},
        severity="warn",
    ),
)
_LAYOUT = (
    Flaw("blank_line", (), after=1, severity="layout", containers=("text", "sheet")),
    Flaw(
        "record_of_two_lines",
        (),
        {"name": "'\"Contoh' || chr(10) || split_part(name, ' ', 2) || '\"'"},
        severity="layout",
        after=1,
        lines=2,
        containers=_TEXT,
    ),
)
CLASH = Flaw("membership_at_two_offices", ("membership_at_two_offices",))
# Those of CLASH come first: its number is 0, which no draw gives.
FLAWS = (CLASH, *_ERRORS, *_WARNINGS, *_LAYOUT)


def number_of(flaw: Flaw) -> int:
    """Give the number of a flaw in the tables of the simulation."""
    return FLAWS.index(flaw)


def fitting(container: Container, columns: Sequence[str], severity: Severity) -> list[Flaw]:
    """Give the flaws of one severity that a file can hold, `membership_at_two_offices` left out.

    Args:
        container: what kind of file it is.
        columns: its canonical columns.
        severity: error, warn or layout.
    """
    return [flaw for flaw in FLAWS[1:] if flaw.severity == severity and flaw.fits(container, columns)]
