"""How offices write: header, order of columns, spelling of values, delimiter, encoding, and what they pack it in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from expectations.schemas import quoted
from simulation.flaws import Container
from simulation.options import Format

COLUMNS = (
    "office_code", "period", "kpj", "nik", "name", "birth_date", "sex", "segment", "programmes", "employer_npp",
    "employer_scale", "sector_code", "region_system", "region_code", "village_code", "wage_idr", "contribution_idr",
    "last_paid_period", "registered_date", "funding", "channel", "agent_code",
)  # fmt: skip
DATES = ("birth_date", "registered_date")
PERIODS = ("period", "last_paid_period")
AMOUNTS = ("wage_idr", "contribution_idr")
# How a region is written: its BPS code, its code or its name by Kemendagri.
Regions = Literal["bps", "kemendagri", "name"]
Spelling = Callable[[str], str]


def _same(cell: str) -> str:
    return cell


def _day_first(cell: str) -> str:
    parts = f"substr({cell}, 9, 2) || '-' || substr({cell}, 6, 2) || '-' || left({cell}, 4)"
    return f"if({cell} LIKE '____-__-__', {parts}, {cell})"


def _month_first(cell: str) -> str:
    return f"if({cell} LIKE '____-__', substr({cell}, 6, 2) || '-' || left({cell}, 4), {cell})"


def _dots(cell: str) -> str:
    grouped = f"replace(format('{{:,}}', try_cast({cell} AS BIGINT)), ',', '.')"
    return f"if(contains({cell}, '.'), replace({cell}, '.', ','), coalesce({grouped}, {cell}))"


def _commas(cell: str) -> str:
    grouped = f"'\"' || format('{{:,}}', try_cast({cell} AS BIGINT)) || '\"'"
    return f"if(contains({cell}, '.'), {cell}, coalesce({grouped}, {cell}))"


@dataclass(frozen=True)
class Layout:
    """One layout of an export.

    Attributes:
        headers: the canonical columns in the file's order, each with its header.
        spellings: canonical values as the file writes them, by column.
        regions: what region_code is written as.
        day, month, amount: how dates, months and rupiah are written in text.
        typed: sheets and Parquet files hold dates and numbers, not their text.
    """

    headers: Mapping[str, str]
    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    regions: Regions = "bps"
    day: Spelling = _same
    month: Spelling = _same
    amount: Spelling = _same
    typed: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns, in the file's order."""
        return tuple(self.headers)

    def told(self, column: str) -> str:
        """Write the SQL of a cell's text, over the canonical text of all cells; `told` has the region's spellings."""
        if column in self.spellings:
            cases = " ".join(f"WHEN {quoted(v)} THEN {quoted(said)}" for v, said in self.spellings[column].items())
            return f"CASE {column} {cases} ELSE {column} END"
        if column == "region_code" and self.regions != "bps":
            return f"coalesce(regions_told.by_{self.regions}, {column})"
        write = self.day if column in DATES else self.month if column in PERIODS else self.amount
        return write(column) if column in (*DATES, *PERIODS, *AMOUNTS) else column


@dataclass(frozen=True)
class Manner:
    """How one office sends its exports, month after month.

    Attributes:
        layout: header and spellings.
        container: text, sheet or parquet.
        name: the file's name.
        delimiter: of text.
        encoding: of text: `utf-8`, `utf-8-sig`, `cp1252` or `utf-16`.
        newline: how lines of text end.
        inner: the name inside an archive.
        titles: whether titles stand above the header, and a total row and blank rows below.
    """

    layout: Layout
    container: Container = "text"
    name: str = "export.csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\n"
    inner: str = ""
    titles: bool = False

    @property
    def is_plain(self) -> bool:
        """True where the file is what DuckDB writes, byte for byte."""
        return (
            self.container != "sheet" and self.encoding == "utf-8" and self.newline == "\n" and self.name[-3:] == "csv"
        )


CANONICAL = Layout({name: name for name in COLUMNS})
DATED = Layout({name: name for name in (*COLUMNS, "exported_at")})
SHOUTED = Layout({name: name.upper() for name in (*reversed(COLUMNS), "exported_at")})
_SIPP = {
    "kpj": "No. KPJ", "nik": "NIK", "name": "Nama Tenaga Kerja", "birth_date": "Tgl Lahir", "sex": "L/P",
    "segment": "Segmen", "programmes": "Program", "employer_npp": "NPP", "employer_scale": "Skala Usaha",
    "sector_code": "Lapangan Usaha", "region_code": "Kode Wilayah", "wage_idr": "Upah", "contribution_idr": "Iuran",
    "last_paid_period": "BLTH Terakhir", "registered_date": "Tgl Daftar", "funding": "Sumber Dana", "channel": "Kanal",
    "agent_code": "Kode Perisai",
}  # fmt: skip
_SPELLED = {
    "sex": {"L": "Laki-laki", "P": "Perempuan"},
    "segment": {
        "PU": "Penerima Upah", "BPU": "Bukan Penerima Upah", "JAKON": "Jasa Konstruksi",
        "PMI": "Pekerja Migran Indonesia",
    },
    "programmes": {"JKK+JKM": "JKK, JKM", "JKK+JKM+JHT": "3 Program", "JKK+JKM+JHT+JP": "JKK/JKM/JHT/JP"},
    "employer_scale": {"micro": "Mikro", "small": "Kecil", "medium": "Menengah", "large": "Besar"},
    "funding": {"self": "Mandiri", "employer": "Pemberi Kerja", "village": "Dana Desa", "csr": "CSR"},
    "channel": {"perisai": "Agen Perisai", "branch": "Kantor Cabang", "app": "JMO", "collective": "Kolektif"},
}  # fmt: skip
SIPP = Layout(_SIPP, regions="kemendagri", day=_day_first, month=_month_first, amount=_dots)
SIPP_TYPED = Layout(_SIPP, _SPELLED, regions="kemendagri", month=_month_first, typed=True)
NAMES = Layout(
    {
        "office_code": "Kode Kantor", "period": "Periode",
        **{name: header for name, header in _SIPP.items() if name != "region_code"}, "region_code": "Kabupaten/Kota",
    },
    _SPELLED, regions="name", day=_day_first, month=_month_first, amount=_dots,
)  # fmt: skip
KACAB = Layout(
    {name: "Kode Wilayah BPS" if name == "region_code" else header for name, header in _SIPP.items()},
    _SPELLED, day=_day_first, month=_month_first, amount=_dots,
)  # fmt: skip
ENGLISH = Layout(
    {
        "office_code": "Branch Code", "period": "Reporting Month", "kpj": "Membership No", "nik": "National ID",
        "name": "Full Name", "sex": "Gender", "birth_date": "Date of Birth", "segment": "Segment",
        "programmes": "Programmes", "employer_npp": "Employer No", "employer_scale": "Employer Scale",
        "sector_code": "Sector", "region_code": "Regency Code", "wage_idr": "Monthly Wage (IDR)",
        "contribution_idr": "Contribution (IDR)", "last_paid_period": "Last Paid Month",
        "registered_date": "Registered On", "funding": "Funding Source", "channel": "Registration Channel",
        "agent_code": "Agent ID",
    },
    {
        "sex": {"L": "Male", "P": "Female"},
        "segment": {
            "PU": "Wage Recipient", "BPU": "Non-wage Recipient", "JAKON": "Construction", "PMI": "Migrant Worker",
        },
        "employer_scale": {name: f"{name.capitalize()} enterprise" for name in ("micro", "small", "medium", "large")},
        "funding": {"self": "Own funds", "apbd": "Provincial or regency budget"},
    },
    regions="kemendagri", amount=_commas,
)  # fmt: skip

_PLAIN = Manner(CANONICAL)
_SHEET = Manner(Layout(CANONICAL.headers, typed=True), "sheet", "export.xlsx")
_PARQUET = Manner(Layout(CANONICAL.headers, typed=True), "parquet", "export.parquet")
_MIX = (
    _PLAIN,
    Manner(SHOUTED, name="PESERTA.CSV", delimiter=";", encoding="cp1252", newline="\r\n"),
    Manner(SIPP_TYPED, "sheet", "Peserta.xlsx", titles=True),
    Manner(NAMES, name="peserta.csv", delimiter=";", encoding="utf-8-sig"),
    _PARQUET,
    Manner(KACAB, name="peserta.csv.gz", delimiter="|"),
    Manner(DATED, name="kiriman.zip", delimiter="\t", inner="export.tsv"),
    Manner(SIPP, name="daftar peserta.csv", delimiter=";", encoding="cp1252", newline="\r\n", titles=True),
    Manner(ENGLISH, name="members.csv"),
    Manner(CANONICAL, name="export.csv", delimiter=";", encoding="utf-16"),
    _SHEET,
)


def manner_of(office_number: int, format: Format, *, is_dirty: bool) -> Manner:  # noqa: A002 the option's name
    """Give how an office sends its exports.

    Args:
        office_number: the office.
        format: what was asked for.
        is_dirty: whether lines are broken; then text has a time of export too, since that can be broken as well.
    """
    if format == "mix":
        return _MIX[office_number % len(_MIX)]
    if format == "csv":
        return Manner(DATED) if is_dirty and office_number % 2 else _PLAIN
    return _SHEET if format == "xlsx" else _PARQUET
