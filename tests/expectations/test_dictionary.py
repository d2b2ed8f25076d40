"""The data dictionary: complete, and as fresh as the contracts."""

from pathlib import Path

import pytest

from expectations import dictionary as module
from expectations.columns import column_dictionary
from expectations.contracts import load_contracts
from expectations.dictionary import DICTIONARY_FILE, dictionary
from expectations.rules import row_rules


def test_the_page_is_fresh() -> None:
    assert DICTIONARY_FILE.read_text(encoding="utf-8") == dictionary(), "stale: run `make dictionary`"


def test_every_table_column_and_rule_is_told_in_both_languages() -> None:
    page = dictionary()
    for name, contract in load_contracts().items():
        rules = row_rules(contract) if contract.kind == "dataset" else ()
        sentences = [contract.description_id, contract.description_en]
        sentences += [text for rule in rules for text in (rule.message_id, rule.message_en, rule.expected_en)]
        sentences += [text for check in contract.checks for text in (check.message_id, check.message_en)]
        sentences += [text for field in contract.fields for text in (field.column.id, field.column.en)]
        missing = [text for text in sentences if text.replace("|", "\\|") not in page]
        assert (name, missing) == (name, [])


def test_allowed_values_and_classes_are_shown() -> None:
    page = dictionary()
    shown = ", ".join(f"`{value}`" for value in column_dictionary()["qualifier"].values)
    assert shown in page
    assert "| `nik` | code (VARCHAR) |  | ya / yes |  | landing | identifier |" in page


def test_a_bar_inside_a_sentence_does_not_break_the_table() -> None:
    assert module._row(["a|b", "c"]) == "| a\\|b | c |"  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def test_main_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DICTIONARY_FILE", tmp_path / "docs" / "data-dictionary.md")
    assert module.main() == 0
    assert (tmp_path / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == dictionary()
