"""`cakupan regions`: suggestions, confirmations that land, and the night that takes them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.settings import business_today
from tests.support import Home, labour, recap, tree

# Sweeps of whole files.
pytestmark = pytest.mark.slow

UNKNOWN = "Kab. Darmasraya"
Answer = tuple[int, str, str]
Command = Callable[..., Answer]


@pytest.fixture
def cakupan(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Give a function that runs `cakupan regions …` in this home: exit code, standard output, standard error."""
    home.landing.mkdir(parents=True)
    for name, value in home.environment().items():
        if name.startswith("CAKUPAN_"):
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as end:
            main(["regions", *arguments])
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, said.out, said.err

    return run


def answer(cakupan: Command, *arguments: str) -> Any:
    """Run a command with --json and give its document."""
    code, out, err = cakupan(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def confirmed(home: Home) -> dict[str, bytes]:
    """Give the landed confirmations with their bytes."""
    return tree(home.landing / "region_aliases")


# --- propose -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first"), [(UNKNOWN, "1311"), ("KOTA DENPSAR", "5171"), ("Sumatra Brat", "13"), ("prov. gorontalo", "75")]
)
def test_the_most_alike_region_is_proposed_first(cakupan: Command, name: str, first: str) -> None:
    ((entry),) = answer(cakupan, "propose", name)
    scores = [proposal["score"] for proposal in entry["proposals"]]
    assert entry["proposals"][0]["region_code"] == first
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 100


def test_a_shared_name_proposes_both_of_its_regions(cakupan: Command) -> None:
    (entry,) = answer(cakupan, "propose", "Solok")
    assert [proposal["region_code"] for proposal in entry["proposals"]][:2] == ["1303", "1372"]


def test_the_names_in_quarantine_are_proposed_for_and_nothing_is_written(cakupan: Command, home: Home) -> None:
    rows = [labour(region_code=UNKNOWN), labour(region_code=UNKNOWN, year="2025"), labour(region_code="Kab. X Baru")]
    home.put("labour_force/a.csv", [*rows, labour(region_code="Solok"), labour(region_code="13.99")])
    home.put("recaps/r.csv", [recap(office_code="", place=f" {UNKNOWN}")])
    home.sweep()
    before = tree(home.root)
    found = answer(cakupan, "propose")
    assert [(entry["name"], entry["lines"], entry["files"]) for entry in found] == [
        (UNKNOWN, 3, ["labour_force/a.csv", "recaps/r.csv"]),
        ("Kab. X Baru", 1, ["labour_force/a.csv"]),
    ]
    assert found[0]["proposals"][0]["name_id"] == "Kabupaten Dharmasraya"
    assert found[0]["proposals"][0]["province_name_id"] == "Sumatera Barat"
    assert tree(home.root) == before
    code, out, _ = cakupan("propose")
    assert code == 0
    assert "1311 Kabupaten Dharmasraya, Sumatera Barat" in out


def test_without_a_lake_no_name_waits(cakupan: Command) -> None:
    assert answer(cakupan, "propose") == []
    assert "no name of a region is waiting" in cakupan("propose")[1]


# --- confirm -------------------------------------------------------------------------------------------------------


def test_a_confirmation_lands_with_who_and_when(cakupan: Command, home: Home) -> None:
    document = answer(cakupan, "confirm", " Kab.  Darmasraya", "13.10", "--by", "Siti, data")
    today = business_today().isoformat()
    file = f"region_aliases/confirmed/{today}-kab-darmasraya.csv"
    assert (document["result"], document["region_code"], document["file"]) == ("landed", "1311", file)
    assert (document["confirmed_by"], document["confirmed_on"]) == ("Siti, data", today)
    assert "cakupan run" in document["next"]
    assert [path.relative_to(home.landing).as_posix() for path in home.landing.rglob("*.csv")] == [file]
    assert (home.landing / file).read_text(encoding="utf-8").splitlines() == [
        "alias,region_code,region_system,confirmed_by,confirmed_on",
        f'kab. darmasraya,1311,bps,"Siti, data",{today}',
    ]


def test_a_dry_run_lands_nothing(cakupan: Command, home: Home) -> None:
    document = answer(cakupan, "confirm", UNKNOWN, "1311", "--by", "Siti", "--dry-run")
    assert (document["result"], document["next"]) == ("dry_run", None)
    assert document["file"].endswith("-kab-darmasraya.csv")
    assert tree(home.landing) == {}


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("Solok", "1303", "Kabupaten Solok (1303), Kota Solok (1372)"),
        ("jambi", "15", "Provinsi Jambi (15), Kota Jambi (1571)"),
        ("Kab. Dharmasraya", "1310", "1311 Kabupaten Dharmasraya"),
        (UNKNOWN, "1399", "no region has the code 1399"),
        (UNKNOWN, "13.99", "no region has the code 13.99"),
        ("1311", "1311", "it has no letter"),
    ],
)
def test_what_cannot_be_confirmed_is_refused_with_what_to_do(
    cakupan: Command, home: Home, name: str, code: str, says: str
) -> None:
    ended, out, err = cakupan("confirm", name, code, "--by", "Siti")
    assert (ended, out) == (2, "")
    assert says in err
    assert " / " in err
    assert tree(home.landing) == {}


def test_somebody_must_confirm(cakupan: Command, home: Home) -> None:
    assert cakupan("confirm", UNKNOWN, "1311")[0] == 2
    assert cakupan("confirm", UNKNOWN, "1311", "--by", " ")[0] == 2
    assert tree(home.landing) == {}


def test_a_known_spelling_needs_nothing(cakupan: Command, home: Home) -> None:
    document = answer(cakupan, "confirm", "KAB. DHARMASRAYA", "1311", "--by", "Siti")
    assert (document["result"], document["file"]) == ("unchanged", None)
    assert tree(home.landing) == {}


def test_a_confirmation_that_waits_is_not_confirmed_twice_nor_otherwise(cakupan: Command, home: Home) -> None:
    assert cakupan("confirm", UNKNOWN, "1311", "--by", "Siti")[0] == 0
    before = confirmed(home)
    assert answer(cakupan, "confirm", UNKNOWN, "1311", "--by", "Budi")["result"] == "unchanged"
    code, _, err = cakupan("confirm", UNKNOWN, "1310", "--by", "Budi")
    assert code == 2
    assert "already confirmed as 1311" in err
    assert confirmed(home) == before


def test_spellings_that_differ_in_a_mark_get_files_of_their_own(cakupan: Command, home: Home) -> None:
    files = [answer(cakupan, "confirm", name, "1311", "--by", "Siti")["file"] for name in (UNKNOWN, "kab darmasraya")]
    assert [Path(file).stem[11:] for file in files] == ["kab-darmasraya", "kab-darmasraya-2"]
    assert len(confirmed(home)) == 2


def test_without_a_landing_zone_it_ends_as_a_night_does(cakupan: Command, tmp_path: Path) -> None:
    code, _, err = cakupan("confirm", UNKNOWN, "1311", "--by", "Siti", "--landing", str(tmp_path / "none"))
    assert code == 5
    assert "is not there" in err


# --- show ----------------------------------------------------------------------------------------------------------


def test_a_region_is_shown_with_its_codes_of_each_time(cakupan: Command) -> None:
    for word in ("9501", "9401", "93.01", "Merauke"):
        document = answer(cakupan, "show", word)
        codes = [(entry["region_system"], entry["code"], entry["is_todays"]) for entry in document["codes"]]
        assert codes == [
            ("bps", "9501", True), ("bps", "9401", False),
            ("kemendagri", "93.01", True), ("kemendagri", "91.01", False),
        ]  # fmt: skip
        assert [entry["valid_from"] for entry in document["codes"]] == ["2022-07-25", None, None, None]
        assert [entry["valid_to"] for entry in document["codes"]] == [None, "2022-07-24", None, None]
        assert [change["predecessor_code"] for change in document["changes"]] == ["9401"]
        assert "merauke" in document["aliases"]


def test_people_see_what_a_province_was_split_into(cakupan: Command) -> None:
    code, out, _ = cakupan("show", "94")
    assert code == 0
    assert "94 Provinsi Papua / Papua (province)" in out
    assert [line.split()[4] for line in out.splitlines() if " split 94 -> " in line] == ["94", "95", "96", "97"]


@pytest.mark.parametrize(("word", "says"), [("Bogor", "Kota Bogor (3271)"), ("Sumbr", "perhaps"), ("1399", "1399")])
def test_what_means_no_region_or_two_is_not_shown(cakupan: Command, word: str, says: str) -> None:
    code, out, err = cakupan("show", word)
    assert (code, out) == (2, "")
    assert says in err


# --- the next night ------------------------------------------------------------------------------------------------


def test_the_next_sweep_takes_the_spelling_and_reads_the_file_again(cakupan: Command, home: Home) -> None:
    home.put("labour_force/a.csv", [labour(region_code=UNKNOWN), labour(year="2025")])
    home.put("recaps/r.csv", [recap(office_code="", place=UNKNOWN)])
    home.sweep()
    assert home.rules() == {
        ("labour_force/a.csv", 2): ["region_code_unknown"],
        ("recaps/r.csv", 2): ["place_unknown"],
    }
    assert cakupan("confirm", UNKNOWN, "1311", "--by", "Siti")[0] == 0
    verdicts = {file: result.verdict for file, result in home.sweep().items()}
    assert {verdicts["labour_force/a.csv"], verdicts["recaps/r.csv"]} == {"loaded"}
    assert home.rules() == {}
    assert home.core("labour_force", "region_code") == [("1303",), ("1311",)]
    assert home.core("recaps", "place_code, region_code") == [("1311", "1311")]
    assert answer(cakupan, "propose") == []
    assert answer(cakupan, "confirm", UNKNOWN, "1311", "--by", "Siti")["result"] == "unchanged"


@pytest.mark.slow
@pytest.mark.usefixtures("trusting")
def test_the_next_night_publishes_the_line(cakupan: Command, home: Home) -> None:
    home.put("labour_force/a.csv", [labour(region_code=UNKNOWN), labour(year="2025")])
    assert {file: loaded.verdict for file, loaded in home.sweep().items()} == {
        "labour_force/a.csv": "partly_quarantined"
    }
    assert cakupan("confirm", UNKNOWN, "1311", "--by", "Siti")[0] == 0
    home.run()
    found = home.mart("labour_series", "region_code = '1311'")
    assert {row["boundaries"]: row["value"] for row in found} == {"as_was": 1000, "restated": 1000}


def test_a_landed_file_cannot_give_a_shared_name_to_one_region(home: Home) -> None:
    home.put("region_aliases/a.csv", [{"alias": "Solok", "region_code": "13.02", "confirmed_by": "x"}])
    home.sweep()
    assert home.rules() == {("region_aliases/a.csv", 2): ["alias_ambiguous"]}
