"""Write the sample's invented people: two offices' exports, an agents file, and expected.yml.

``python -m sample.make_participants`` from the project's folder; the same files come out every time.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
import yaml

from sample.flaws import FLAWS
from sample.people import MONTHS, Cell, Flaw, Office, Row, month_lines, nik

HERE = Path(__file__).parent
ENDINGS = (".csv", ".xlsx")
SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")
LAST_DAYS = {"2026-08": "31 Agustus 2026", "2026-09": "30 September 2026", "2026-10": "31 Oktober 2026"}
SOLOK = Office("SLK", "013", ("13.02", "13.72", "13.03"))
GIANYAR = Office(
    "GIA",
    "051",
    ("Kab. Gianyar", "Klungkung", "Kabupaten Bangli", "Kab. Karangasem"),
    ("51.04.01.2001", "51.05.01.2001", "51.06.01.2001", "51.07.01.2001"),
)
AGENT_COLUMNS = (
    "office_code", "agent_code", "nik", "village_code", "registered_on", "ended_on", "is_participant",
    "has_bank_account", "has_device", "scheme",
)  # fmt: skip
SOLOK_HEADER = {
    "kpj": "No. KPJ", "nik": "NIK", "name": "Nama Tenaga Kerja", "birth_date": "Tgl Lahir", "sex": "L/P",
    "segment": "Segmen", "programmes": "Program", "employer_npp": "NPP", "employer_scale": "Skala Usaha",
    "sector_code": "Lapangan Usaha", "region_code": "Kode Wilayah", "wage_idr": "Upah",
    "contribution_idr": "Iuran", "last_paid_period": "BLTH Terakhir", "registered_date": "Tgl Daftar",
    "funding": "Sumber Dana", "channel": "Kanal", "agent_code": "Kode Perisai",
}  # fmt: skip
GIANYAR_HEADER = {
    "nik": "N I K", "kpj": "Nomor KPJ", "name": "Nama Peserta", "sex": "Jenis Kelamin",
    "birth_date": "Tgl.Lahir (tgl/bln/thn)", "region_code": "Kabupaten/Kota", "village_code": "Kode Desa",
    "segment": "Segmen Kepesertaan", "programmes": "Program Kepesertaan", "employer_npp": "No. NPP",
    "employer_scale": "Skala Perusahaan", "sector_code": "Sektor", "wage_idr": "Upah Bulan Ini",
    "contribution_idr": "Total Iuran", "last_paid_period": "BLTH Terakhir Bayar",
    "registered_date": "Tanggal Kepesertaan", "funding": "Pembayar Iuran", "channel": "Jalur Pendaftaran",
    "agent_code": "Kode Agen",
}  # fmt: skip
GIANYAR_SPELLINGS: dict[str, dict[str, str]] = {
    "sex": {"L": "Laki-laki", "P": "Perempuan"},
    "segment": {
        "PU": "Penerima Upah",
        "BPU": "Bukan Penerima Upah",
        "JAKON": "Jasa Konstruksi",
        "PMI": "TKI",
    },
    "programmes": {"JKK+JKM": "JKK, JKM", "JKK+JKM+JHT": "JKK, JKM, JHT"},
    "employer_scale": {"micro": "Mikro", "small": "Kecil", "medium": "Menengah", "large": "Besar"},
    "funding": {"self": "Mandiri", "employer": "Pemberi Kerja", "apbd": "APBD"},
    "channel": {"perisai": "Agen Perisai", "branch": "Kantor Cabang", "employer": "Perusahaan"},
}


@dataclass(frozen=True)
class Expected:
    """What must become of one file: its lines, and the rules that each bad or doubtful line breaks."""

    read: int
    header: int
    blank: int
    quarantined: Mapping[int, tuple[str, ...]]
    warned: Mapping[int, tuple[str, ...]]

    def as_dict(self) -> dict[str, object]:
        """Give the numbers as they stand in expected.yml; good is what remains."""
        good = self.read - self.header - self.blank - len(self.quarantined)
        counts = {"read": self.read, "header": self.header, "good": good}
        document: dict[str, object] = {**counts, "quarantined": len(self.quarantined), "blank": self.blank}
        if self.quarantined:
            document["rules"] = _listed(self.quarantined)
        if self.warned:
            document["warnings"] = _listed(self.warned)
        return document


def _listed(found: Mapping[int, tuple[str, ...]]) -> dict[int, list[str]]:
    return {line: list(rules) for line, rules in sorted(found.items())}


def _found(flaws: Sequence[Flaw | None], first_line: int, *, warns: bool) -> dict[int, tuple[str, ...]]:
    lines = enumerate(flaws, first_line)
    return {line: flaw.rules for line, flaw in lines if flaw is not None and flaw.warns == warns}


def _total(rows: Sequence[Row]) -> float:
    """Add up the contributions that a cell holds as a number; the offices' total rows say this sum."""
    return sum(cell for row in rows if isinstance(cell := row["contribution_idr"], int | float))


def _month_year(cell: Cell) -> tuple[int, int] | None:
    """Give month and year of YYYY-MM, or nothing for anything else."""
    is_month = isinstance(cell, str) and len(cell) == len("2026-08") and cell[4] == "-"
    return (int(str(cell)[5:]), int(str(cell)[:4])) if is_month else None


def solok_cell(name: str, cell: Cell) -> str:
    """Write a cell as Solok does: 31-12-1990, 12-2026, 1.234.567."""
    if isinstance(cell, date):
        return f"{cell:%d-%m-%Y}"
    if name == "last_paid_period" and (month := _month_year(cell)):
        return f"{month[0]:02d}-{month[1]}"
    return f"{cell:,}".replace(",", ".") if isinstance(cell, int) else str(cell or "")


def gianyar_cell(name: str, cell: Cell) -> Cell:
    """Write a cell as Gianyar does: dates and amounts as Excel has them, words instead of codes, Agu 2026."""
    if name == "last_paid_period" and (month := _month_year(cell)):
        return f"{SHORT_MONTHS[month[0] - 1]} {month[1]}"
    return GIANYAR_SPELLINGS.get(name, {}).get(cell, cell) if isinstance(cell, str) else cell


def write_solok(path: Path, month: str) -> Expected:
    """Write Solok's export: cp1252, semicolons, titles, numbered columns, a total row, empty rows at the end.

    NIKs of migrant workers carry the apostrophe with which Excel users keep digits.
    """
    lines = list(month_lines(SOLOK, month, FLAWS[SOLOK.code, month]))
    rows, flaws = [row for row, _ in lines], [flaw for _, flaw in lines]
    above = [
        "DAFTAR PESERTA BPJS KETENAGAKERJAAN (ORANG REKAAN)",
        f"Kantor Cabang Solok;Posisi {LAST_DAYS[month]}",
        "",
        ";".join(SOLOK_HEADER.values()),
        ";".join(str(number) for number in range(1, len(SOLOK_HEADER) + 1)),
    ]
    body = [";".join(_solok_row(row)) for row in rows]
    total = {"kpj": "JUMLAH", "contribution_idr": solok_cell("contribution_idr", int(_total(rows)))}
    below = [";".join(total.get(name, "") for name in SOLOK_HEADER), ";" * 17, ";" * 17]
    text = "\r\n".join([*above, *body, *below]) + "\r\n"
    path.write_bytes(text.encode("cp1252"))
    first = len(above) + 1
    return Expected(
        read=len(above) + len(body) + len(below),
        header=len(above) - 1 + 1,
        blank=3,
        quarantined=_found(flaws, first, warns=False),
        warned=_found(flaws, first, warns=True),
    )


def _solok_row(row: Row) -> Iterator[str]:
    for name in SOLOK_HEADER:
        text = solok_cell(name, row[name])
        yield f"'{text}" if name == "nik" and text and row["segment"] == "PMI" else text


def write_gianyar(path: Path, month: str) -> Expected:
    """Write Gianyar's export: a workbook with titles, a row of units, typed cells and a total row."""
    lines = list(month_lines(GIANYAR, month, FLAWS[GIANYAR.code, month]))
    rows, flaws = [row for row, _ in lines], [flaw for _, flaw in lines]
    units = ["(Rp)" if name in ("wage_idr", "contribution_idr") else "" for name in GIANYAR_HEADER]
    total = {"nik": "JUMLAH SELURUHNYA", "contribution_idr": _total(rows)}
    table: list[list[Cell]] = [
        ["LAPORAN KEPESERTAAN (ORANG REKAAN)"],
        [f"Kantor Cabang Bali Gianyar, posisi {LAST_DAYS[month]}"],
        [],
        list(GIANYAR_HEADER.values()),
        [*units],
        *([gianyar_cell(name, row[name]) for name in GIANYAR_HEADER] for row in rows),
        [total.get(name, "") for name in GIANYAR_HEADER],
    ]
    _write_workbook(path, table)
    return Expected(
        read=len(table),
        header=5,
        blank=1,
        quarantined=_found(flaws, 6, warns=False),
        warned=_found(flaws, 6, warns=True),
    )


def _write_workbook(path: Path, table: Sequence[Sequence[Cell]]) -> None:
    workbook = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "strings_to_formulas": False})
    workbook.set_properties({"created": datetime(2026, 11, 1)})  # noqa: DTZ001  # pyright: ignore[reportUnknownMemberType]
    day = workbook.add_format({"num_format": "dd/mm/yyyy"})  # pyright: ignore[reportUnknownMemberType]
    sheet = workbook.add_worksheet("Peserta")  # pyright: ignore[reportUnknownMemberType]
    for line, cells in enumerate(table):
        for place, cell in enumerate(cells):
            if isinstance(cell, date):
                sheet.write_datetime(line, place, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001
            elif isinstance(cell, str) and cell:
                sheet.write_string(line, place, cell)
            elif isinstance(cell, int | float):
                sheet.write_number(line, place, cell)
    workbook.close()


def write_agents(path: Path) -> None:
    """Write 25 registrations of invented agents for Dharmasraya, each in a village of its own."""
    districts = [f"13.10.{district:02d}" for district in (3, 5, 6, 7, 8, 9, 10)]
    villages = [f"{district}.{2003 + place}" for place in range(2) for district in districts]
    villages += [f"13.10.{district:02d}.{2001 + place}" for place in range(2) for district in (5, 6, 7, 8, 9, 10)]
    text = io.StringIO()
    sheet = csv.writer(text, delimiter="|", lineterminator="\n")
    sheet.writerow(AGENT_COLUMNS)
    for place, village in enumerate(villages[:25], 1):
        joined = date(2018 + place % 5, place % 12 + 1, place)
        invented = nik(place + 400, date(1970 + place, place % 12 + 1, place), "LP"[place % 2])
        scheme = "perisai_v2" if joined >= date(2022, 4, 1) else "perisai_v1"
        sheet.writerow(["DHS", f"PDHS{place:02d}", invented, village, joined, "", *["true"] * 3, scheme])
    path.write_text(text.getvalue(), encoding="utf-8")


def write_all(folder: Path) -> dict[str, Expected]:
    """Write every generated file into a folder.

    Args:
        folder: the landing zone.

    Returns:
        What must become of each participants file, by its path in the landing zone.
    """
    expected: dict[str, Expected] = {}
    for month in MONTHS:
        for office, name, write in (
            (SOLOK, "export.csv", write_solok),
            (GIANYAR, f"Peserta Gianyar {month}.xlsx", write_gianyar),
        ):
            path = folder / "participants" / office.code / month / name
            path.parent.mkdir(parents=True, exist_ok=True)
            expected[path.relative_to(folder).as_posix()] = write(path, month)
    (folder / "agents").mkdir(exist_ok=True)
    write_agents(folder / "agents" / "perisai_dharmasraya.csv")
    return expected


def clean_files(folder: Path) -> dict[str, Expected]:
    """Give what must become of the other files: a header, and every line after it good."""
    paths = [path for path in sorted(folder.glob("*/*")) if path.suffix in ENDINGS]
    counts = {path.relative_to(folder).as_posix(): len(path.read_text("utf-8").splitlines()) for path in paths}
    return {file: Expected(count, 1, 0, {}, {}) for file, count in counts.items()}


def main() -> None:
    """Write the sample's generated files and ``expected.yml`` beside this script."""
    expected = write_all(HERE) | clean_files(HERE)
    document = {file: expected[file].as_dict() for file in sorted(expected)}
    comment = "# Written by sample.make_participants: what must become of every line of the sample.\n"
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    (HERE / "expected.yml").write_text(comment + text, encoding="utf-8")


if __name__ == "__main__":
    main()
