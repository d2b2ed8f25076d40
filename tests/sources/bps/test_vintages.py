"""What differs from what landed before is found exactly, and lands in a file that says nothing else."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sources.bps.estimates import ESTIMATES
from sources.bps.vintages import (
    LANDED,
    changes_between,
    landing_file,
    last_landed,
    merged,
    name_of_file,
    vintage_of,
    within_day,
)

Cells = dict[tuple[str, int, str, str], Decimal]
DAY = date(2026, 11, 21)
keys = st.tuples(
    st.sampled_from(["7411", "7471", "0000"]), st.sampled_from([2023, 2024, 2025]), st.sampled_from(["feb", "aug"]),
    st.sampled_from(["labour_force", "employed"]),
)  # fmt: skip
values = st.decimals(0, 200_000_000, places=2)
cells = st.dictionaries(keys, values, max_size=12)


def frame(of: Cells) -> pl.DataFrame:
    rows = [
        (place, place, "Kab. X", year, part, concept, value, "eq", None, None)
        for (place, year, part, concept), value in of.items()
    ]
    return pl.DataFrame(rows, schema=ESTIMATES, orient="row")


def keys_of(rows: pl.DataFrame) -> set[tuple[str, int, str, str]]:
    return set(rows.select("region", "year", "round", "concept").rows())


@given(before=cells, now=cells, years=st.sets(st.sampled_from([2023, 2024, 2025])))
def test_exactly_what_differs_is_found(before: Cells, now: Cells, years: set[int]) -> None:
    found = changes_between(frame(before), frame(now), sorted(years), ["labour_force"])
    assert keys_of(found.new) == now.keys() - before.keys()
    assert keys_of(found.changed) == {key for key in now.keys() & before.keys() if now[key] != before[key]}
    gone = {key for key in before.keys() - now.keys() if key[1] in years and key[3] == "labour_force"}
    assert keys_of(found.vanished) == gone
    assert keys_of(found.rows) == keys_of(found.new) | keys_of(found.changed)


@given(first=cells, second=cells)
def test_what_landed_is_what_was_last_said(first: Cells, second: Cells) -> None:
    landed: list[bytes] = []
    for now in (first, second, second):
        before = last_landed(landed, {})
        changes = changes_between(before, frame(now), [2023, 2024, 2025], ["labour_force", "employed"])
        if changes.rows.height:
            landed.append(landing_file(changes.rows, DAY))
    held = last_landed(landed, {})
    assert {
        (*row[:4],): row[4] for row in held.select("region", "year", "round", "concept", "value").rows()
    } == first | second
    assert len(landed) <= 2


def test_a_file_is_canonical_and_sorted() -> None:
    of: Cells = {
        ("7471", 2025, "aug", "labour_force"): Decimal("137520.00"),
        ("7411", 2025, "aug", "labour_force"): Decimal("7.5"),
    }
    rows = list(csv.DictReader(io.StringIO(landing_file(frame(of), DAY).decode())))
    assert list(rows[0]) == list(LANDED)
    assert [(row["region_code"], row["value"]) for row in rows] == [("7411", "7.5"), ("7471", "137520")]
    assert {(row["vintage"], row["region_system"], row["qualifier"]) for row in rows} == {("2026-11-21", "bps", "eq")}


def test_a_hundred_and_zero_keep_their_zeros() -> None:
    of: Cells = {("7411", 2024, "aug", "employed"): Decimal(100), ("7411", 2025, "aug", "employed"): Decimal(0)}
    assert [row["value"] for row in csv.DictReader(io.StringIO(landing_file(frame(of), DAY).decode()))] == ["100", "0"]


def test_a_day_of_publication_after_the_vintage_is_none() -> None:
    of = frame({("7411", 2024, "aug", "employed"): Decimal(1), ("7411", 2025, "aug", "employed"): Decimal(2)})
    dated = of.with_columns(published_on=pl.Series([str(DAY), "2099-01-01"]))
    rows = list(csv.DictReader(io.StringIO(landing_file(dated, DAY).decode())))
    assert [row["published_on"] for row in rows] == ["2026-11-21", ""]


def test_the_second_answer_of_a_day_says_so_and_others_do_not() -> None:
    key, other = ("7411", 2025, "aug", "employed"), ("7471", 2025, "aug", "employed")
    landed = last_landed([landing_file(frame({key: Decimal(5)}), DAY)], {})
    rows = frame({key: Decimal(6), other: Decimal(7)}).with_columns(published_on=pl.lit("2026-11-05"))
    noon = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
    marked = within_day(rows, landed, DAY, noon).sort("region")
    assert marked["published_on"].to_list() == ["2026-11-21", "2026-11-05"]
    assert [bool(note) for note in marked["note"]] == [True, False]
    assert within_day(rows, landed, date(2026, 11, 22), noon)["note"].is_null().all()


def test_a_day_is_merged_under_todays_codes() -> None:
    first = landing_file(frame({("9416", 2025, "aug", "employed"): Decimal(5)}), DAY)
    rows = frame({("9707", 2025, "aug", "employed"): Decimal(6), ("7411", 2025, "aug", "employed"): Decimal(7)})
    whole = merged(first, rows, {"9416": "9707"})
    assert sorted(whole.select("region_code", pl.col("value").cast(pl.Int64)).rows()) == [("7411", 7), ("9707", 6)]


def test_files_that_landed_without_labels_are_read() -> None:
    content = landing_file(frame({("7411", 2025, "aug", "employed"): Decimal(5)}), DAY)
    older = pl.read_csv(content, infer_schema=False).drop("place", "note").write_csv().encode()
    assert last_landed([older], {}).select("region", "place", "vintage").rows() == [("7411", None, "2026-11-21")]


def test_an_old_code_and_todays_are_one_estimate() -> None:
    old = landing_file(frame({("9416", 2021, "aug", "employed"): Decimal(5)}), DAY)
    assert last_landed([old], {"9416": "9707"})["region"].to_list() == ["9707"]
    assert last_landed([old], {})["region"].to_list() == ["9416"]


def test_other_bytes_have_another_name() -> None:
    names = {name_of_file("7400", "33", DAY, content) for content in (b"a", b"b", b"a")}
    assert len(names) == 2
    assert all(name.startswith("labour_force/bps/7400/33-2026-11-21-") for name in names)


def test_the_vintage_is_the_day_in_jakarta() -> None:
    assert vintage_of(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)) == date(2026, 11, 22)
    assert vintage_of(datetime(2026, 11, 21, 16, 59, tzinfo=UTC)) == DAY
