"""Every row rule of every dataset: a good row breaks none, and for each rule a row that breaks exactly it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import duckdb
import pytest

from expectations.contracts import contracts_of, load_contracts
from expectations.rules import Rule, mask_expression, row_rules, severity_mask
from tests.support import Row, labour, nik, participant, recap, tag, tagging_connection, target

GOOD: dict[str, Row] = {
    "participants": participant(1, office_code="SLK", period="2026-10", wage_idr="2000000", sector_code="A"),
    "recaps": recap(),
    "targets": target(),
    "labour_force": labour(),
    "agents": {"office_code": "SLK", "agent_code": "P1", "nik": nik(1), "registered_on": "2024-01-02"},
    "benefits": {"office_code": "SLK", "programme": "JKM", "amount_idr": "42000000", "paid_date": "2026-09-01"},
    "offices": {"office_code": "N07", "name": "Contoh", "office_type": "kc", "valid_from": "2020-01-01"},
    "office_regions": {"office_code": "SLK", "region_code": "1303", "region_system": "bps", "valid_from": "2020-01-01"},
    "programme_villages": {
        "village_code": "51.71.01.1003", "programme": "desa_sadar", "designated_on": "2017-08-13",
    },
    "region_aliases": {"alias": "kab. rekaan", "region_code": "1303", "region_system": "bps"},
}  # fmt: skip


@dataclass(frozen=True)
class Break:
    """What to change in a good row so that it breaks a rule; ``also`` names what cannot but break with it."""

    changes: Row = field(default_factory=dict[str, Any])
    also: tuple[str, ...] = ()


NO_PLACE = {"office_code": "", "region_code": ""}
# A name that stands in for a code, and one that contradicts the code beside it.
NAMES = {
    "place_ambiguous": Break({**NO_PLACE, "place": "Solok"}),
    "place_unknown": Break({**NO_PLACE, "place": "Kab. Antah Berantah"}),
    "region_name_differs": Break({"region_code": "1311", "region_system": "bps", "place": "Solok Selatan"}),
}
BREAKS: dict[str, dict[str, Break]] = {
    "participants": {
        "region_code_missing": Break({"region_code": ""}),
        "village_code_system_contradicts": Break(
            {"village_code": "51.71.01.1003", "region_code": "", "region_system": "bps"}, also=("region_code_missing",)
        ),
        "nik_damaged_by_excel": Break({"nik": "\x019913010302900001"}),
        "nik_shape": Break({"nik": nik(1)[:15]}),
        "nik_birth_date": Break({"nik": "9913013102900001"}),
        "nik_serial": Break({"nik": nik(0)}),
        "kpj_shape": Break({"kpj": "123-4567890"}),
        "segment_total": Break({"segment": "ALL"}),
        "programme_unknown": Break({"programmes": "JKK+JKM+JXX"}),
        "programme_not_for_segment": Break({"programmes": "JKK+JKM+JP"}),
        "programme_required_missing": Break({"programmes": "JKK+JHT"}, also=("programme_set_incomplete",)),
        "village_code_system_unknown": Break(
            {"village_code": "5171010001", "region_code": "13.03", "region_system": ""}
        ),
        "programme_set_incomplete": Break({"segment": "PU", "employer_scale": "large"}),
        "sex_differs_from_nik": Break({"sex": "P"}),
        "birth_date_differs_from_nik": Break({"birth_date": "1990-02-04"}),
        "birth_date_implausible": Break({"birth_date": "1890-02-03"}),
        "period_in_future": Break({"period": "2026-12"}),
        "last_paid_implausible": Break({"last_paid_period": "1970-01"}),
        "registered_after_period": Break({"registered_date": "2026-11-01"}),
        "amount_negative": Break({"wage_idr": "-1"}),
        "amount_ambiguous": Break({"contribution_idr": "16800.125"}),
        "wage_implausible": Break({"wage_idr": "10000000001"}),
        "contribution_below_rate": Break({"contribution_idr": "8399"}),
        "membership_at_two_offices": Break({"kpj": "00000000777"}),
        "exported_at_unreadable": Break({"exported_at": "kemarin"}),
        "office_unknown": Break({"office_code": "N99"}),
        "office_closed": Break({"office_code": "TUTUP"}),
    },
    "recaps": NAMES
    | {
        "place_missing": Break(NO_PLACE),
        "fraction_of_a_person": Break({"value": "7.708"}),
        "value_negative": Break({"value": "-1"}),
        "as_of_in_future": Break({"as_of": "2026-11-22"}),
        "office_unknown": Break({"office_code": "N99"}),
    },
    "targets": NAMES
    | {
        "place_missing": Break(NO_PLACE),
        "year_implausible": Break({"year": "1977"}),
        "fraction_of_a_person": Break({"target": "22.964"}),
        "target_negative": Break({"target": "-1"}),
        "version_without_date": Break({"version": "2"}),
        "version_implausible": Break({"version": "0"}),
        "custom_without_month": Break({"phasing": "custom"}),
        "office_unknown": Break({"office_code": "N99"}),
    },
    "labour_force": NAMES
    | {
        "year_implausible": Break({"year": "1969"}),
        "fraction_of_a_person": Break({"value": "137.520"}),
        "rate_above_100": Break({"concept": "participation_rate", "value": "100.01"}),
        "rate_implausible": Break({"concept": "unemployment_rate", "value": "67.52"}),
        "own_sums_differ": Break({"own_sums": "differ"}),
        "value_negative": Break({"value": "-1"}),
        "as_of_in_future": Break({"as_of": "2026-11-22"}),
        "statement_without_date": Break({"round": "stated"}),
    },
    "agents": {
        "nik_damaged_by_excel": Break({"nik": "\x019913010302900001"}),
        "nik_shape": Break({"nik": "1"}),
        "ended_on_before_registered_on": Break({"ended_on": "2024-01-01"}),
        "office_unknown": Break({"office_code": "N99"}),
    },
    "benefits": {
        "claims_negative": Break({"claims": "-1"}),
        "amount_idr_negative": Break({"amount_idr": "-1"}),
        "paid_date_before_event_date": Break({"event_date": "2026-09-02"}),
        "office_unknown": Break({"office_code": "N99"}),
    },
    "offices": {
        "valid_to_before_valid_from": Break({"valid_to": "2019-12-31"}),
        "office_code_shape": Break({"office_code": "N 07"}),
    },
    "office_regions": {
        "share_out_of_range": Break({"share": "1.5"}),
        "valid_to_before_valid_from": Break({"valid_to": "2019-12-31"}),
    },
    "programme_villages": {"ended_on_before_designated_on": Break({"ended_on": "2017-08-12"})},
    "region_aliases": {
        "alias_ambiguous": Break({"alias": " SOLOK"}),
        "alias_of_another": Break({"alias": "KOTA  Solok"}),
    },
}
STRUCTURE = {"ragged_line", "unclosed_quote", "undecodable_text", "total_mismatch"}
RULES = [(name, rule) for name, contract in contracts_of("dataset").items() for rule in row_rules(contract)]


def break_of(dataset: str, rule: Rule) -> Break:
    """Give what breaks a rule: as listed, or as the rule's kind implies."""
    listed = BREAKS[dataset].get(rule.code)
    if listed is not None:
        return listed
    column = rule.columns[0] if rule.columns else ""
    kinds: dict[str, Row] = {
        f"{column}_missing": {column: ""},
        f"{column}_not_allowed": {column: "XYZ"},
        f"{column}_unreadable": {column: "abc"},
        "region_code_system_unknown": {"region_code": "1303", "region_system": ""},
        "village_code_system_unknown": {"village_code": "5171010001", "region_code": "", "region_system": ""},
        f"{column}_unknown": {column: "13.99", "region_system": "kemendagri"},
        "region_code_system_contradicts": {"region_code": "13.10", "region_system": "bps"},
        "village_code_system_contradicts": {
            "village_code": "51.71.01.1003",
            "region_code": "",
            "region_system": "bps",
        },
        "region_code_ambiguous": {"region_code": "Bogor"},
        "duplicate_in_file": {},
        "line_unreadable": {"_problem": "something_new"},
    } | {code: {"_problem": code} for code in STRUCTURE}
    assert rule.code in kinds, f"{dataset}: no row is listed that breaks {rule.code}"
    return Break(kinds[rule.code])


def stands_in(dataset: str, rule: Rule) -> bool:
    """Tell whether an empty cell means something, so that the column is never missing."""
    column = rule.code.removesuffix("_missing")
    return column in load_contracts()[dataset].defaults or (dataset, column) == ("labour_force", "round")


Codes = Callable[..., list[set[str]]]
NONE = set[str]()


@pytest.fixture(scope="module")
def broken() -> Iterator[Codes]:
    """Give a function that tells which rules some rows of a dataset break, row by row."""
    with tagging_connection() as con:
        con.execute(
            "INSERT INTO reference.offices (office_code, name, valid_to) VALUES ('TUTUP', 'Tutup', '2020-12-31')"
        )
        con.execute("INSERT INTO clashing SELECT '2026-10', keyed_hash('kpj', '00000000777')")

        def codes(dataset: str, *rows: Row, **reading: Any) -> list[set[str]]:
            return codes_of(con, dataset, rows, **reading)

        yield codes


def codes_of(con: duckdb.DuckDBPyConnection, dataset: str, rows: Sequence[Row], **reading: Any) -> list[set[str]]:
    """Tag rows as a night does and name the rules behind the bits."""
    tag(con, dataset, rows, **reading)
    rules = row_rules(load_contracts()[dataset])
    masks = con.execute("SELECT _mask FROM tagged ORDER BY _line").fetchall()
    return [{rule.code for bit, rule in enumerate(rules) if mask & (1 << bit)} for (mask,) in masks]


def test_there_is_a_good_row_for_every_dataset() -> None:
    assert GOOD.keys() == BREAKS.keys() == contracts_of("dataset").keys()


@pytest.mark.parametrize("dataset", GOOD)
def test_a_good_row_breaks_nothing(broken: Codes, dataset: str) -> None:
    assert broken(dataset, GOOD[dataset]) == [set()]


@pytest.fixture(scope="module")
def breaking(broken: Codes) -> Callable[[str], dict[str, set[str]]]:
    """Give, for a dataset, the rules that each rule's row breaks; all rows are tagged in one query."""

    @cache
    def codes(dataset: str) -> dict[str, set[str]]:
        rules = row_rules(load_contracts()[dataset])
        rows = [GOOD[dataset] | break_of(dataset, rule).changes for rule in rules]
        # Side by side the rows repeat each other, which a row that stands alone cannot.
        found = [each - {"duplicate_in_file"} for each in broken(dataset, *rows)]
        return {rule.code: each for rule, each in zip(rules, found, strict=True)}

    return codes


@pytest.mark.parametrize(("dataset", "rule"), RULES, ids=[f"{name}-{rule.code}" for name, rule in RULES])
def test_a_row_that_breaks_exactly_this_rule(
    breaking: Callable[[str], dict[str, set[str]]], dataset: str, rule: Rule
) -> None:
    expected = {rule.code, *break_of(dataset, rule).also}
    if rule.code == "duplicate_in_file" or stands_in(dataset, rule):
        expected = NONE
    assert breaking(dataset)[rule.code] == expected


@pytest.mark.parametrize("dataset", GOOD)
def test_a_repeated_row_breaks_only_that_and_the_first_is_kept(broken: Codes, dataset: str) -> None:
    assert broken(dataset, GOOD[dataset], GOOD[dataset]) == [set(), {"duplicate_in_file"}]


@pytest.mark.parametrize(("dataset", "rule"), RULES, ids=[f"{name}-{rule.code}" for name, rule in RULES])
def test_every_rule_says_why_and_what_is_expected_in_both_languages(dataset: str, rule: Rule) -> None:
    texts = (rule.message_id, rule.message_en, rule.expected_id, rule.expected_en)
    assert all(text.strip() for text in texts), dataset
    assert rule.message_id != rule.message_en
    assert not rule.message_id.endswith(".")


@pytest.mark.parametrize("dataset", GOOD)
def test_codes_are_unique_and_fit_the_mask(dataset: str) -> None:
    codes = [rule.code for rule in row_rules(load_contracts()[dataset])]
    assert len(set(codes)) == len(codes) < 127
    assert not any("," in code for code in codes)


@pytest.mark.parametrize("dataset", GOOD)
def test_a_row_without_optional_values_is_good(broken: Codes, dataset: str) -> None:
    required = {f.name for f in load_contracts()[dataset].landing_fields if f.required} | {"region_system"}
    place = {"office_code", "round"}
    row = {name: value for name, value in GOOD[dataset].items() if name in required | place}
    assert broken(dataset, row) == [set()]


@pytest.mark.parametrize("dataset", GOOD)
def test_an_empty_row_breaks_what_is_required_and_nothing_else(broken: Codes, dataset: str) -> None:
    codes = broken(dataset, {"_problem": None})[0]
    assert codes
    assert all(code.endswith("_missing") for code in codes)


@pytest.mark.parametrize("dataset", GOOD)
def test_a_line_with_a_structural_fault_is_judged_for_nothing_else(broken: Codes, dataset: str) -> None:
    wrong = dict.fromkeys(GOOD[dataset], "?") | {"_problem": "ragged_line"}
    assert broken(dataset, wrong, wrong) == [{"ragged_line"}] * 2


def test_a_null_predicate_is_not_broken() -> None:
    rule = RULES[0][1].model_copy(update={"predicate": "NULL"})
    sure = rule.model_copy(update={"predicate": "1 = 1"})
    found = duckdb.execute(f"SELECT {mask_expression([rule, sure, rule])}, {mask_expression([])}").fetchone()
    assert found == (2, 0)


def test_the_mask_of_a_severity_holds_its_bits_only() -> None:
    error, warn = (RULES[0][1].model_copy(update={"severity": severity}) for severity in ("error", "warn"))
    assert severity_mask([warn, error, error, warn], "error") == 0b0110
    assert severity_mask([warn, error, error, warn], "warn") == 0b1001


def test_a_row_breaks_every_rule_that_it_breaks(broken: Codes) -> None:
    row = GOOD["participants"] | {"nik": "12", "kpj": "1", "segment": "ALL", "wage_idr": "-5"}
    assert broken("participants", row) == [{"nik_shape", "kpj_shape", "segment_total", "amount_negative"}]


@pytest.mark.parametrize(
    ("paid", "amount", "codes"),
    [
        ("2026-10", "8400", NONE), ("2026-10", "8399", {"contribution_below_rate"}), ("2026-03", "16800", NONE),
        ("2026-03", "16799", {"contribution_below_rate"}), ("2020-09", "168", NONE),
        ("2020-09", "167", {"contribution_below_rate"}),
        ("2015-06", "1", NONE), ("2026-10", "0", NONE),
    ],
)  # fmt: skip
def test_the_least_contribution_is_that_of_the_month_paid(
    broken: Codes, paid: str, amount: str, codes: set[str]
) -> None:
    row = GOOD["participants"] | {"last_paid_period": paid, "contribution_idr": amount}
    assert broken("participants", row) == [codes]


@pytest.mark.parametrize(("sector", "codes"), [("H", set[str]()), ("A", {"contribution_below_rate"})])
def test_transport_pays_less_from_january_2026(broken: Codes, sector: str, codes: set[str]) -> None:
    row = GOOD["participants"] | {"last_paid_period": "2026-02", "contribution_idr": "8400", "sector_code": sector}
    assert broken("participants", row) == [codes]


@pytest.mark.parametrize(
    ("segment", "scale", "programmes", "codes"),
    [
        ("PU", "micro", "JKK+JKM", NONE), ("PU", "small", "JKK+JKM", {"programme_set_incomplete"}),
        ("PU", "large", "JKK+JKM+JHT+JP", NONE), ("PU", "", "JKK+JKM+JHT+JP+JKP", NONE),
        ("BPU", "", "JKK+JKM+JHT", NONE), ("BPU", "", "JKK+JKM+JKP", {"programme_not_for_segment"}),
        ("JAKON", "", "JKK+JKM+JHT", {"programme_not_for_segment"}), ("PMI", "", "JKK+JKM+JHT", NONE),
    ],
)  # fmt: skip
def test_programmes_must_suit_segment_and_scale(
    broken: Codes, segment: str, scale: str, programmes: str, codes: set[str]
) -> None:
    changes = {"segment": segment, "employer_scale": scale, "programmes": programmes, "contribution_idr": ""}
    assert broken("participants", GOOD["participants"] | changes) == [codes]


def test_both_readings_of_one_figure_are_no_repetition(broken: Codes) -> None:
    as_was, restated = (GOOD["labour_force"] | {"restated": said} for said in ("", "true"))
    assert broken("labour_force", as_was, restated, as_was) == [NONE, NONE, {"duplicate_in_file"}]


@pytest.mark.parametrize(
    ("alias", "code", "codes"),
    [
        ("kota solok", "1372", NONE), ("kota solok", "1303", {"alias_of_another"}), ("kab. darmasraya", "1311", NONE),
        ("kab. darmasraya", "1310", NONE), ("SULTRA", "73", {"alias_of_another"}),
    ],
)  # fmt: skip
def test_a_spelling_of_the_shipped_list_keeps_its_region_and_one_that_landed_can_be_mended(
    alias: str, code: str, codes: set[str]
) -> None:
    with tagging_connection() as con:
        landed = [("kab. darmasraya", "1310"), ("kota solok", "1303")]
        for name, region in landed:
            con.execute("DELETE FROM reference.region_aliases WHERE alias = $1", [name])
            con.execute("INSERT INTO reference.region_aliases (alias, region_code) VALUES ($1, $2)", [name, region])
        row = {"alias": alias, "region_code": code, "region_system": "bps"}
        assert codes_of(con, "region_aliases", [row]) == [codes]


@pytest.mark.parametrize("prefix", ["00", "99", "13", "88"])
def test_no_nik_is_refused_for_its_province(broken: Codes, prefix: str) -> None:
    assert broken("participants", GOOD["participants"] | {"nik": prefix + nik(1)[2:]}) == [set()]


@pytest.mark.parametrize("written", ["'" + nik(1), f" {nik(1)} ", f"\xa0{nik(1)}"])
def test_an_apostrophe_or_spaces_around_a_nik_are_no_fault(broken: Codes, written: str) -> None:
    assert broken("participants", GOOD["participants"] | {"nik": written}) == [set()]


@pytest.mark.parametrize("written", ["9,91301E+15", "9.91301E15", "9.91301e+15"])
def test_a_nik_in_scientific_notation_is_damaged(broken: Codes, written: str) -> None:
    assert broken("participants", GOOD["participants"] | {"nik": written}) == [{"nik_damaged_by_excel", "nik_shape"}]


def test_a_thousands_dot_is_read_by_locale(broken: Codes) -> None:
    row = GOOD["recaps"] | {"value": "7.708"}
    assert broken("recaps", row, locale="id") == [set()]
    assert broken("recaps", row) == [{"fraction_of_a_person"}]
    assert broken("recaps", row | {"value": "7.7"}, locale="id") == [{"value_unreadable"}]
    assert broken("recaps", row | {"measure": "percent"}) == [set()]
