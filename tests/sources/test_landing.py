"""What lies in a landing zone, and what its folders say."""

import hashlib
from pathlib import Path

import pytest

from sources.landing import LandedFile, LandingError, file_sha256, list_landing
from sources.places import Folder

DATASETS = ["participants", "targets"]


def put(folder: Path, file: str, content: bytes = b"x") -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_files_are_listed_in_a_stable_order_with_dataset_size_and_sha256(tmp_path: Path) -> None:
    for file in ("targets/b.csv", "targets/a/c.xlsx", "participants/SLK/2026-10/Ekspor Oktober.csv"):
        put(tmp_path, file, file.encode())
    found = list_landing(Folder(tmp_path), DATASETS)
    assert [landed.file for landed in found] == [
        "participants/SLK/2026-10/Ekspor Oktober.csv", "targets/a/c.xlsx", "targets/b.csv",
    ]  # fmt: skip
    assert [landed.dataset for landed in found] == ["participants", "targets", "targets"]
    assert found[2].sha256 == hashlib.sha256(b"targets/b.csv").hexdigest()
    assert found[2].size == len("targets/b.csv")
    assert list_landing(Folder(tmp_path), DATASETS) == found


@pytest.mark.parametrize(
    "file",
    [
        "targets/.hidden.csv",
        ".git/targets/a.csv",
        "targets/~$open.xlsx",
        "targets/__MACOSX/a.csv",
        "README.md",
        "notes/x.txt",
    ],
)
def test_hidden_files_locks_and_readmes_are_left_out(tmp_path: Path, file: str) -> None:
    put(tmp_path, file)
    assert list_landing(Folder(tmp_path), DATASETS) == []


@pytest.mark.parametrize("ending", ["csv", "CSV", "csv.gz", "tsv", "xlsx", "xls", "parquet", "zip"])
def test_data_in_no_datasets_folder_is_listed_so_that_it_can_be_refused(tmp_path: Path, ending: str) -> None:
    put(tmp_path, f"peserta/a.{ending}")
    put(tmp_path, f"b.{ending}")
    assert [landed.dataset for landed in list_landing(Folder(tmp_path), DATASETS)] == [f"b.{ending}", "peserta"]


def test_any_file_of_a_dataset_is_listed_so_that_its_ending_can_be_refused(tmp_path: Path) -> None:
    put(tmp_path, "targets/a.docx")
    assert [landed.file for landed in list_landing(Folder(tmp_path), DATASETS)] == ["targets/a.docx"]


def test_a_landing_zone_that_is_no_folder_says_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, "file")
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(LandingError, match="CAKUPAN_LANDING"):
            list_landing(Folder(place), DATASETS)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("participants/N07/2026-10/export.csv", {"office_code": "N07", "period": "2026-10"}),
        ("participants/wilayah/N07/2026-10/sub/export.csv", {"office_code": "N07", "period": "2026-10"}),
        ("participants/SLK/lain/export.csv", {"office_code": "SLK"}),
        ("participants/2026-10/export.csv", {"period": "2026-10"}),
        ("participants/2026-10/SLK/export.csv", {"period": "2026-10", "office_code": "SLK"}),
        ("participants/export.csv", {}),
        ("participants/SLK/2026-13/export.csv", {"office_code": "SLK"}),
        ("participants/lain/2026-10.csv", {}),
        ("targets/SLK/2026-10/t.csv", {}),
    ],
)
def test_only_the_folders_of_participants_say_office_and_period(file: str, said: dict[str, str]) -> None:
    landed = LandedFile(Path(file), file, file.partition("/")[0], "", 0)
    assert landed.said_by_path(frozenset({"SLK", "GIA"})) == said


def test_a_large_file_is_hashed_in_blocks(tmp_path: Path) -> None:
    content = b"0123456789" * 300_000
    put(tmp_path, "big", content)
    assert file_sha256(tmp_path / "big") == hashlib.sha256(content).hexdigest()
