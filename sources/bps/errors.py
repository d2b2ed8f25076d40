"""Every way in which the WebAPI of BPS does not answer, each with its name and with what to do.

The texts hold what the source said, never the API key: the key is taken out of an answer before it is read.
"""

from typing import ClassVar

_SHOWN = 200


class BpsError(RuntimeError):
    """Anything that keeps an answer of BPS from being used.

    Attributes:
        code: the error's name for reports.
        found: what came instead of an answer.
        address: the question, without the key; empty where nothing was asked.
        retry: whether asking once more may help.
        raw: the bytes that came, without the key; empty where none came or they were not looked at.
    """

    code: ClassVar[str] = "bps_error"
    advice_id: ClassVar[str] = ""
    advice_en: ClassVar[str] = ""
    passing: ClassVar[bool] = False

    def __init__(self, found: str, address: str = "") -> None:
        self.found = " ".join(found.split())[:_SHOWN]
        self.address = address
        self.retry = self.passing
        self.raw = b""
        asked = f" [{address}]" if address else ""
        super().__init__(f"{self.code}: {self.found}{asked}\n{self.advice_id}\n{self.advice_en}")


class KeyUnusableError(BpsError):
    """The API key is empty or not a key; nothing was asked."""

    code = "key_unusable"
    advice_id = "Yang diharapkan: kunci WebAPI BPS (16-128 huruf dan angka). Salin dari webapi.bps.go.id."
    advice_en = "Expected a key of the BPS WebAPI (16-128 letters and digits). Copy it from webapi.bps.go.id."


class AddressUnsafeError(BpsError):
    """The base address would send the key in the clear; nothing was asked."""

    code = "address_unsafe"
    advice_id = "Yang diharapkan: alamat https://, supaya kunci tidak terbaca di jalan. Perbaiki alamat dasarnya."
    advice_en = "Expected an https:// address, so that nobody on the way reads the key. Mend the base address."


class RefusedError(BpsError):
    """BPS understood the question and refuses it; these refusals come with HTTP 200."""

    code = "refused"
    advice_id = "Yang diharapkan: status OK. BPS menolak isi permintaan; periksa parameternya, jangan diulang."
    advice_en = "Expected status OK. BPS refuses what was asked; check the parameters, do not repeat it."


class KeyRefusedError(RefusedError):
    """BPS does not know the key."""

    code = "key_refused"
    advice_id = "Yang diharapkan: kunci yang berlaku. Periksa atau ganti kunci WebAPI di webapi.bps.go.id."
    advice_en = "Expected a valid key. Check or renew the WebAPI key at webapi.bps.go.id."


class PeriodMissingError(RefusedError):
    """Data were asked for without `th`."""

    code = "period_missing"
    advice_id = "Yang diharapkan: parameter th. Ambil th_id dari daftar model=th variabel itu, lalu minta lagi."
    advice_en = "Expected the parameter th. Take th_id from the variable's list model=th and ask again."


class TooManyPeriodsError(RefusedError):
    """More periods in one call than the domain allows.

    Attributes:
        cap: the number of periods that BPS allows, from its own sentence.
    """

    code = "too_many_periods"
    advice_id = "Yang diharapkan: paling banyak sejumlah periode itu per permintaan. Bagi permintaannya."
    advice_en = "Expected at most that number of periods in one call. Split the question."

    def __init__(self, found: str, address: str, cap: int) -> None:
        super().__init__(found, address)
        self.cap = cap


class TooLargeError(BpsError):
    """The answer is `null` (BPS says so when it would be too large), or larger than is read."""

    code = "answer_too_large"
    advice_id = (
        "Yang diharapkan: jawaban berisi data. Jawabannya terlalu besar; minta lebih sedikit periode atau turvar."
    )
    advice_en = "Expected an answer with data. It is too large; ask for fewer periods or derived variables."


class NotAvailableError(BpsError):
    """BPS has nothing for this question (`list-not-available` and its kin)."""

    code = "not_available"
    advice_id = "Yang diharapkan: data-availability available. Tidak ada data untuk domain, variabel dan periode itu."
    advice_en = "Expected data-availability available. Nothing exists for this domain, variable and period."


class EmptyAnswerError(BpsError):
    """BPS says that data are available and sends none."""

    code = "empty_answer"
    advice_id = "Yang diharapkan: sekurangnya satu nilai. BPS belum mengisi tabel ini; coba lagi setelah pembaruan."
    advice_en = "Expected at least one value. BPS has not filled this table yet; ask again after its next update."


class FirewallError(BpsError):
    """The firewall before BPS answered with its own page."""

    code = "firewall"
    advice_id = "Yang diharapkan: JSON dari BPS. Permintaan ditahan firewall; pakai User-Agent peramban, kurangi laju."
    advice_en = "Expected JSON from BPS. Its firewall held the request; use a browser's User-Agent, ask more slowly."


class ForeignAnswerError(BpsError):
    """The answer has a shape that this program does not know."""

    code = "foreign_answer"
    advice_id = "Yang diharapkan: bentuk jawaban WebAPI BPS yang dikenal. Simpan jawabannya dan laporkan."
    advice_en = "Expected a known shape of the BPS WebAPI. Keep the answer and report it."


class WebPageError(BpsError):
    """A web page came with HTTP 200 instead of data, as while BPS is under maintenance; not the firewall's."""

    code = "web_page"
    advice_id = (
        "Yang diharapkan: JSON dari BPS. Halaman web datang, mungkin pemeliharaan; sudah diulang, coba lagi nanti."
    )
    advice_en = "Expected JSON from BPS. A web page came, perhaps maintenance; it was repeated, try again later."
    passing = True


class ListDiffersError(BpsError):
    """A list does not add up to what the source itself says it holds."""

    code = "list_differs"
    advice_id = "Yang diharapkan: jumlah baris dan halaman sama dengan total sumber. Ambil ulang seluruh daftar."
    advice_en = "Expected as many rows and pages as the source counts. Fetch the whole list again."


class CellUnmappedError(BpsError):
    """A key of `datacontent` is no combination of the axes."""

    code = "cell_unmapped"
    advice_id = "Yang diharapkan: tiap kunci = vervar+var+turvar+tahun+turtahun. Simpan jawabannya dan laporkan."
    advice_en = "Expected every key to be vervar+var+turvar+tahun+turtahun. Keep the answer and report it."


class CellAmbiguousError(BpsError):
    """A key of `datacontent` is more than one combination of the axes."""

    code = "cell_ambiguous"
    advice_id = "Yang diharapkan: satu sel per kunci. Minta lebih sedikit periode atau turvar sekali minta."
    advice_en = "Expected one cell for a key. Ask for fewer periods or derived variables at a time."


class ValueUnreadableError(BpsError):
    """A cell holds text whose number cannot be told with certainty."""

    code = "value_unreadable"
    advice_id = "Yang diharapkan: angka JSON atau tanda kosong. Periksa nilai itu di situs BPS; tidak ditebak."
    advice_en = "Expected a JSON number or a mark for missing. Look the value up at BPS; it is not guessed."


class UnitDiffersError(BpsError):
    """The answer states another unit than the catalogue or the answers before it, or one that is not known."""

    code = "unit_differs"
    advice_id = (
        "Yang diharapkan: satuan seperti di katalog atau jawaban sebelumnya. Tidak ada yang dikonversi; periksa di "
        "situs BPS, perbaiki unit di bps_series.csv, lalu cakupan bps sync --offline."
    )
    advice_en = (
        "Expected the unit of the catalogue or of earlier answers. Nothing is rescaled; look at BPS, mend unit in "
        "bps_series.csv, then cakupan bps sync --offline."
    )


class DerivedUnknownError(BpsError):
    """The derived variables (turvar) of the catalogue are not those of the answer."""

    code = "derived_unknown"
    advice_id = (
        "Yang diharapkan: kode turvar yang ada dalam jawaban. Isi derived di bps_series.csv (dipisah tanda + bila "
        "dijumlahkan), lalu cakupan bps sync --offline."
    )
    advice_en = (
        "Expected codes of turvar that the answer has. Fill derived in bps_series.csv (joined by + where they are "
        "added up), then cakupan bps sync --offline."
    )


class PeriodUnreadableError(BpsError):
    """BPS lists a period whose label holds a wanted year and is none, so that nobody knows what it is."""

    code = "period_unreadable"
    advice_id = (
        "Yang diharapkan: label tahun seperti 2025 atau 2025*. Periode itu tidak diminta; lihat di situs BPS, laporkan."
    )
    advice_en = (
        "Expected a label of a year, such as 2025 or 2025*. The period is not asked for; look at BPS, report it."
    )


class NothingReadError(BpsError):
    """An answer has values, and none of them is a figure by what the catalogue says."""

    code = "nothing_read"
    advice_id = (
        "Yang diharapkan: sekurangnya satu angka Februari, Agustus atau tahunan. Perbaiki variabel, derived atau "
        "region_axis di bps_series.csv, lalu cakupan bps sync --offline."
    )
    advice_en = (
        "Expected at least one figure of February, August or the year. Mend variable, derived or region_axis in "
        "bps_series.csv, then cakupan bps sync --offline."
    )


class UnexpectedError(BpsError):
    """The program met something that it has no name for, within one series or answer."""

    code = "unexpected"
    advice_id = "Yang diharapkan: tidak ada. Variabel ini dilewati, yang lain berjalan terus; laporkan kalimat ini."
    advice_en = "Expected no such thing. This series was left, the others went on; report this sentence."


class RowsUnknownError(BpsError):
    """The rows (vervar) of an answer are not regions in the way that the catalogue says."""

    code = "rows_unknown"
    advice_id = (
        "Yang diharapkan: baris wilayah seperti region_axis di katalog. Perbaiki region_axis atau region_row di "
        "bps_series.csv, lalu cakupan bps sync --offline."
    )
    advice_en = (
        "Expected rows of regions as region_axis of the catalogue says. Mend region_axis or region_row in "
        "bps_series.csv, then cakupan bps sync --offline."
    )


class SnapshotLostError(BpsError):
    """A kept answer is no longer there, or is damaged."""

    code = "snapshot_lost"
    advice_id = "Yang diharapkan: jawaban yang pernah disimpan. Pulihkan dari cadangan, atau cakupan bps sync --force."
    advice_en = "Expected an answer that was kept. Restore it from a copy, or ask again: cakupan bps sync --force."


class SilentError(BpsError):
    """No answer in time."""

    code = "no_answer_in_time"
    advice_id = "Yang diharapkan: jawaban sebelum batas waktu. Sudah diulang; coba lagi nanti."
    advice_en = "Expected an answer within the time limit. It was repeated; try again later."
    passing = True


class ConnectionBrokenError(BpsError):
    """The connection could not be made, or ended before an answer began."""

    code = "connection_broken"
    advice_id = "Yang diharapkan: sambungan ke BPS. Sudah diulang; periksa jaringan, lalu coba lagi."
    advice_en = "Expected a connection to BPS. It was repeated; check the network, then try again."
    passing = True


class CutAnswerError(BpsError):
    """The answer ends before its end."""

    code = "answer_cut"
    advice_id = "Yang diharapkan: jawaban utuh. Sudah diulang; coba lagi nanti atau minta lebih sedikit periode."
    advice_en = "Expected a whole answer. It was repeated; try again later or ask for fewer periods."
    passing = True


class SlowDownError(BpsError):
    """HTTP 429: BPS asks for a pause."""

    code = "too_many_requests"
    advice_id = "Yang diharapkan: laju yang diterima BPS. Tunggu selama yang diminta, lalu kurangi laju permintaan."
    advice_en = "Expected a pace that BPS accepts. Wait as long as it asks, then ask more slowly."
    passing = True


class SourceFailedError(BpsError):
    """HTTP 5xx: BPS has a fault of its own."""

    code = "source_failed"
    advice_id = "Yang diharapkan: HTTP 200. Gangguan ada di pihak BPS; sudah diulang, coba lagi nanti."
    advice_en = "Expected HTTP 200. The fault is at BPS; it was repeated, try again later."
    passing = True
