"""The sentences of every refusal: what was found, what was expected, what to do."""

import re
from collections.abc import Sequence

from sources.tables import Refusal

ENDINGS = ".csv .csv.gz .tsv .tsv.gz .xlsx .xls .parquet .zip"
_SHOWN = 40


def empty_file() -> Refusal:
    """Return the refusal of a file or member without any content."""
    return Refusal(
        "empty_file",
        "Berkas kosong: tidak ada satu baris pun yang berisi. Yang diharapkan: satu baris judul kolom dan "
        "baris data. Ekspor ulang dari aplikasi sumber lalu kirim lagi.",
        "The file is empty: not one line holds anything. Expected a header line and data lines. Export it "
        "again from its source and land the new file.",
    )


def unknown_ending(ending: str) -> Refusal:
    """Return the refusal of a file whose name ends in something that no reader takes."""
    return Refusal(
        "unknown_ending",
        f"Akhiran nama berkas '{ending}' tidak dikenal. Yang diterima: {ENDINGS}. Simpan ulang dalam salah "
        "satu format itu.",
        f"The file name's ending '{ending}' is not known. Accepted: {ENDINGS}. Save it in one of these.",
    )


def wrong_content(ending: str, found_id: str, found_en: str) -> Refusal:
    """Return the refusal of a file whose bytes are not what its name says."""
    return Refusal(
        "wrong_content",
        f"Nama berkas berakhiran '{ending}', tetapi isinya {found_id}. Buka di aplikasi asalnya, simpan "
        f"sebagai format yang sesuai dengan akhiran ({ENDINGS}), lalu kirim lagi.",
        f"The file's name ends in '{ending}' but its content is {found_en}. Open it in its own program, save "
        f"it in the format of its ending ({ENDINGS}) and land it again.",
    )


def damaged(kind_id: str, kind_en: str) -> Refusal:
    """Return the refusal of a file whose bytes are cut off or corrupt."""
    return Refusal(
        "damaged_file",
        f"Berkas rusak atau terpotong: {kind_id} tidak dapat dibaca sampai akhir. Salin atau ekspor ulang "
        "dari sumbernya, periksa ukurannya, lalu kirim lagi.",
        f"The file is damaged or cut off: the {kind_en} cannot be read to its end. Copy or export it again "
        "from its source, compare the sizes, and land it again.",
    )


def password_protected() -> Refusal:
    """Return the refusal of an encrypted workbook or archive member."""
    return Refusal(
        "password_protected",
        "Berkas dilindungi kata sandi, sehingga isinya tidak dapat dibaca. Simpan tanpa kata sandi lalu kirim lagi.",
        "The file is protected by a password, so its content cannot be read. Save it without a password and "
        "land it again.",
    )


def unreadable_workbook() -> Refusal:
    """Return the refusal of a workbook that its parser gave up on."""
    return Refusal(
        "unreadable_workbook",
        "Buku kerja Excel tidak dapat dibuka: rusak, atau ada sel terisi jauh di luar tabel sehingga lembar "
        "menjadi terlalu besar. Salin tabelnya ke buku kerja baru, simpan sebagai .xlsx, lalu kirim lagi.",
        "The Excel workbook cannot be opened: it is damaged, or a filled cell far outside the table makes the "
        "sheet too large. Copy the table into a new workbook, save it as .xlsx and land it again.",
    )


def too_large(limit: int) -> Refusal:
    """Return the refusal of content that inflates beyond the limit (bytes)."""
    return Refusal(
        "too_large",
        f"Isi berkas setelah dibuka melebihi batas {limit:,} byte. Ini tidak wajar untuk satu ekspor; bagi "
        "menjadi beberapa berkas yang lebih kecil.",
        f"The file's content inflates beyond the limit of {limit:,} bytes. That is not usual for one export; "
        "split it into smaller files.",
    )


def line_too_long(limit: int) -> Refusal:
    """Return the refusal of a text file with a line beyond the limit (bytes)."""
    return Refusal(
        "line_too_long",
        f"Ada baris yang lebih panjang dari {limit:,} byte; berkas ini bukan tabel teks. Ekspor ulang "
        "sebagai CSV dengan satu baris per data.",
        f"A line is longer than {limit:,} bytes; this file is not a text table. Export it again as CSV with "
        "one line per record.",
    )


def nested_columns(names: Sequence[str]) -> Refusal:
    """Return the refusal of a Parquet file with lists, structs or raw bytes in its columns."""
    return Refusal(
        "nested_columns",
        f"Kolom {listed(names)} berisi nilai majemuk (daftar, struktur atau byte). Yang diharapkan: satu "
        "nilai per sel. Ratakan kolom itu lalu kirim lagi.",
        f"Column {listed(names)} holds compound values (lists, structs or bytes). Expected one value per "
        "cell. Flatten it and land the file again.",
    )


def no_tables() -> Refusal:
    """Return the refusal of an archive or workbook without a single table."""
    return Refusal(
        "no_tables",
        f"Arsip atau buku kerja ini tidak memuat satu tabel pun. Yang diharapkan: berkas {ENDINGS} di "
        "dalamnya, atau lembar berisi data.",
        f"This archive or workbook holds no table at all. Expected files {ENDINGS} inside, or a sheet with data.",
    )


def nested_archive() -> Refusal:
    """Return the refusal of an archive inside an archive."""
    return Refusal(
        "nested_archive",
        "Arsip ZIP di dalam arsip ZIP tidak dibuka. Keluarkan isinya dan kirim dalam satu arsip saja.",
        "A ZIP archive inside a ZIP archive is not opened. Take its content out and land it in one archive.",
    )


def unknown_header(found: Sequence[str], missing: Sequence[str], nearest: str, lines: int) -> Refusal:
    """Return the refusal of a table in which no line is the header of a known layout.

    Args:
        found: the names of the line that comes nearest; empty where no line resembles a header (its
            cells might then be personal data and are not repeated).
        missing: what the nearest layout still lacks.
        nearest: that layout's name.
        lines: how many lines were searched.
    """
    found_id = f"Ditemukan: {listed(found)}. " if found else ""
    found_en = f"Found: {listed(found)}. " if found else ""
    return Refusal(
        "unknown_header",
        f"Judul kolom tidak dikenali dalam {lines} baris pertama. {found_id}Tata letak terdekat "
        f"'{nearest}' masih memerlukan: {listed(missing)}. Tambahkan kolom itu, atau minta profil baru "
        "untuk tata letak ini.",
        f"No known header in the first {lines} lines. {found_en}The nearest layout '{nearest}' still needs: "
        f"{listed(missing)}. Add these columns, or ask for a profile of this layout.",
    )


def ambiguous_header(found: Sequence[str], layouts: Sequence[str]) -> Refusal:
    """Return the refusal of a header that fits several layouts."""
    return Refusal(
        "ambiguous_header",
        f"Judul kolom cocok dengan lebih dari satu tata letak ({listed(layouts)}). Ditemukan: "
        f"{listed(found)}. Hapus kolom yang berlebih, atau perbaiki profilnya.",
        f"The header fits more than one layout ({listed(layouts)}). Found: {listed(found)}. Remove the "
        "surplus columns, or mend the profiles.",
    )


def duplicate_column(found: Sequence[str], twice: Sequence[str]) -> Refusal:
    """Return the refusal of a header in which two columns claim one meaning."""
    return Refusal(
        "duplicate_column",
        f"Judul kolom menyebut dua kali: {listed(twice)}. Ditemukan: {listed(found)}. Sisakan satu kolom "
        "untuk setiap nama.",
        f"The header names twice: {listed(twice)}. Found: {listed(found)}. Leave one column for each name.",
    )


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence: long digits hidden, at most 40 of them, each at most 60 characters."""
    safe = [re.sub(r"\d{5,}", "#####", " ".join(name.split()))[:60] for name in names if name.strip()]
    more = f" … (+{len(safe) - _SHOWN})" if len(safe) > _SHOWN else ""
    return ", ".join(safe[:_SHOWN]) + more
