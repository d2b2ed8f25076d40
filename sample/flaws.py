"""What is wrong on purpose in each export: every rule for participants is broken at least once.

Not broken are the rules that would refuse the whole file or need an office that closed: period_in_future,
office_unknown, office_closed, and a membership at two offices (it would be quarantined in both).
"""

from datetime import date, timedelta

from sample.people import Cell, Flaw, Row


def _nik(row: Row) -> str:
    return str(row["nik"])


def _as_number(row: Row) -> Cell:
    return int(_nik(row))


def _short(row: Row) -> Cell:
    return _nik(row)[:15]


def _serial_zero(row: Row) -> Cell:
    return _nik(row)[:12] + "0000"


def _thirty_first_of_february(row: Row) -> Cell:
    return _nik(row)[:6] + "3102" + _nik(row)[10:]


def _two_centuries_early(row: Row) -> Cell:
    born = row["birth_date"]
    return born.replace(year=born.year - 200) if isinstance(born, date) else None


def _day_after(row: Row) -> Cell:
    born = row["birth_date"]
    return born + timedelta(days=1) if isinstance(born, date) else None


def _other_sex(row: Row) -> Cell:
    return "L" if row["sex"] == "P" else "P"


DECEMBER = date(2026, 12, 1)
FLAWS: dict[tuple[str, str], tuple[Flaw, ...]] = {
    ("SLK", "2026-08"): (
        Flaw(9, ("ragged_line",), {"name": "Contoh; Ragam"}),
        Flaw(12, ("unclosed_quote",), {"name": '"Rekaan Kutip'}),
        Flaw(20, ("nik_shape",), {"nik": _short}),
        Flaw(28, ("nik_serial",), {"nik": _serial_zero}),
        Flaw(33, ("region_code_unknown",), {"region_code": "13.99"}),
        Flaw(32, ("duplicate_in_file",)),
        Flaw(10, ("contribution_below_rate",), {"contribution_idr": 5_000}),
        Flaw(14, ("programme_not_for_segment",), {"programmes": "JKK+JKM+JP"}),
        Flaw(35, ("registered_date_unreadable",), {"registered_date": "31-02-2024"}),
        Flaw(44, ("kpj_shape",), {"kpj": "013-0000044"}),
        Flaw(50, ("amount_ambiguous",), {"contribution_idr": "8.400,125"}),
        Flaw(55, ("sex_not_allowed",), {"sex": "X"}),
        Flaw(70, ("sex_differs_from_nik",), {"sex": _other_sex}, warns=True),
    ),
    ("SLK", "2026-09"): (
        Flaw(21, ("nik_damaged_by_excel", "nik_shape"), {"nik": "9,90413E+15"}),
        Flaw(24, ("nik_birth_date",), {"nik": _thirty_first_of_february}),
        Flaw(29, ("birth_date_unreadable",), {"birth_date": "30-02-1990"}),
        Flaw(33, ("birth_date_implausible",), {"birth_date": _two_centuries_early}),
        Flaw(47, ("last_paid_implausible",), {"last_paid_period": "1970-01"}),
        Flaw(52, ("registered_after_period",), {"registered_date": DECEMBER}),
        Flaw(54, ("amount_negative",), {"wage_idr": "-1.000.000"}),
        Flaw(69, ("programme_unknown",), {"programmes": "JKK+JKM+JXX"}),
        Flaw(64, ("segment_not_allowed",), {"segment": "XYZ"}),
        Flaw(72, ("region_code_missing",), {"region_code": ""}),
        Flaw(75, ("nik_missing",), {"nik": ""}),
        Flaw(80, ("wage_idr_unreadable",), {"wage_idr": "empat juta"}),
        Flaw(84, ("birth_date_differs_from_nik",), {"birth_date": _day_after}, warns=True),
    ),
    ("SLK", "2026-10"): (
        Flaw(26, ("segment_total",), {"segment": "ALL"}),
        Flaw(30, ("programme_required_missing",), {"programmes": "JKK"}),
        Flaw(31, ("programmes_missing",), {"programmes": ""}),
        Flaw(36, ("wage_implausible",), {"wage_idr": 45_000_000_000}),
        Flaw(45, ("last_paid_period_missing",), {"last_paid_period": ""}),
        Flaw(46, ("employer_scale_not_allowed",), {"employer_scale": "raksasa"}),
        Flaw(48, ("funding_not_allowed",), {"funding": "hibah"}),
        Flaw(49, ("channel_not_allowed",), {"channel": "pos"}),
        Flaw(51, ("kpj_missing",), {"kpj": ""}),
        Flaw(53, ("contribution_idr_unreadable",), {"contribution_idr": "delapan ribu"}),
        Flaw(62, ("last_paid_period_unreadable",), {"last_paid_period": "13-2026"}),
        Flaw(65, ("segment_missing",), {"segment": ""}),
        Flaw(
            82,
            ("programme_set_incomplete",),
            {"employer_scale": "large", "programmes": "JKK+JKM+JHT"},
            warns=True,
        ),
    ),
    ("GIA", "2026-08"): (
        Flaw(20, ("nik_damaged_by_excel",), {"nik": _as_number}),
        Flaw(28, ("nik_damaged_by_excel",), {"nik": _as_number}),
        Flaw(33, ("region_code_unknown",), {"region_code": "Kab. Antah Berantah"}),
        Flaw(35, ("duplicate_in_file",)),
        Flaw(50, ("contribution_below_rate",), {"contribution_idr": 5_000}),
        Flaw(54, ("registered_date_unreadable",), {"registered_date": "31/02/2024"}),
        Flaw(63, ("kpj_shape",), {"kpj": "051-0000063"}),
        Flaw(72, ("programme_not_for_segment",), {"programmes": "JKK+JKM+JKP"}),
        Flaw(76, ("region_code_ambiguous",), {"region_code": "Solok"}),
        Flaw(84, ("nik_shape",), {"nik": _short}),
        Flaw(90, ("amount_negative",), {"contribution_idr": -8_400}),
        Flaw(96, ("village_code_unknown",), {"village_code": "51.04.99.2999"}, warns=True),
    ),
    ("GIA", "2026-09"): (
        Flaw(21, ("nik_birth_date",), {"nik": _thirty_first_of_february}),
        Flaw(24, ("nik_serial",), {"nik": _serial_zero}),
        Flaw(31, ("last_paid_implausible",), {"last_paid_period": "1970-01"}),
        Flaw(34, ("birth_date_unreadable",), {"birth_date": "31/02/1990"}),
        Flaw(46, ("wage_implausible",), {"wage_idr": 45_000_000_000}),
        Flaw(52, ("programme_unknown",), {"programmes": "JKK+JKM+JXX"}),
        Flaw(53, ("region_code_missing",), {"region_code": ""}),
        Flaw(55, ("segment_not_allowed",), {"segment": "XYZ"}),
        Flaw(62, ("registered_after_period",), {"registered_date": DECEMBER}),
        Flaw(66, ("nik_damaged_by_excel",), {"nik": _as_number}),
        Flaw(74, ("amount_ambiguous",), {"contribution_idr": 8_400.125}),
        Flaw(85, ("sex_differs_from_nik",), {"sex": _other_sex}, warns=True),
    ),
    ("GIA", "2026-10"): (
        Flaw(22, ("nik_damaged_by_excel",), {"nik": _as_number}),
        Flaw(25, ("kpj_missing",), {"kpj": ""}),
        Flaw(30, ("nik_missing",), {"nik": ""}),
        Flaw(32, ("duplicate_in_file",)),
        Flaw(36, ("last_paid_period_missing",), {"last_paid_period": ""}),
        Flaw(44, ("segment_total",), {"segment": "ALL"}),
        Flaw(47, ("sex_not_allowed",), {"sex": "X"}),
        Flaw(51, ("channel_not_allowed",), {"channel": "pos"}),
        Flaw(56, ("funding_not_allowed",), {"funding": "hibah"}),
        Flaw(64, ("employer_scale_not_allowed",), {"employer_scale": "raksasa"}),
        Flaw(70, ("contribution_below_rate",), {"contribution_idr": 5_000}),
        Flaw(75, ("wage_idr_unreadable",), {"wage_idr": "empat juta"}),
    ),
}
