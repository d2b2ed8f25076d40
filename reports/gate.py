"""A failed gate in words for people: what was found, what was expected, what to do."""

from collections.abc import Iterable

from expectations.suites import CheckResult
from warehouse.checks import stopping
from warehouse.manifest import Manifest

_RUNBOOK = "docs/runbooks/gate-failed.md"
# What to do first, by the code of a check, or by what its code begins with.
_REMEDIES = {
    "row_count": (
        "sering kali ekspor yang terpotong: minta dan daratkan ekspor utuh",
        "often half an export: ask for the whole one and land it",
    ),
    "required_absent": ("daratkan data yang wajib itu", "land the dataset that is required"),
    "warning_budget": (
        "lihat berkas yang membawa peringatan itu; longgarkan anggaran hanya dengan alasan",
        "look at the files that brought the warnings; widen a budget only with a reason",
    ),
}
_OF_CORE = (
    "sebuah baris lolos aturan: tambahkan aturannya ke kontrak",
    "a line passed the row rules: add the rule to the contract",
)
_OF_MARTS = (
    "hitungan kami atau data acuan: tulis kasusnya di tests/marts, lalu perbaiki SQL-nya",
    "our arithmetic or reference data: write the case under tests/marts, then mend the SQL",
)
_OF_FAULTS = (
    "pemeriksaan tidak dapat dijalankan: lihat memori dan berkas, lalu jalankan lagi",
    "the check could not be made: look at memory and files, then run again",
)


def remedy(check: CheckResult) -> tuple[str, str]:
    """Give what to do first about a check that stopped publication, in Indonesian and in English."""
    if check["outcome"] == "error":
        return _OF_FAULTS
    for name in (check["code"], check["check"]):
        if name in _REMEDIES:
            return _REMEDIES[name]
    return _OF_MARTS if str(check["table"]).startswith("marts.") else _OF_CORE


def gate_text(build: Manifest, checks: Iterable[CheckResult]) -> str:
    """Write what stopped a build, as Markdown.

    Args:
        build: the build that failed.
        checks: its checks, as `checks.json` lists them.

    Returns:
        A heading, one paragraph a check, and how to go on.
    """
    parts = [_paragraph(check) for check in stopping(checks)]
    return "\n\n".join(
        [
            f"# Tidak terbit: pemeriksaan gagal / Not published: a gate failed ({build.as_of})",
            "Build terbit yang terakhir tetap berlaku. / The last promoted build stays.",
            *parts,
            f"Langkah berikutnya / next: `{_RUNBOOK}`, `cakupan status`, `cakupan diff`; lalu / then `cakupan run`.",
        ]
    )


def _paragraph(check: CheckResult) -> str:
    what_id, what_en = remedy(check)
    found = "" if check["observed"] is None else f" Ditemukan / found: `{check['observed']}`."
    expected = f" Diharapkan / expected: `{check['expected']}`." if check["expected"] else ""
    return (
        f"## {check['table']} · {check['code']}\n\n{check['message_id']} / {check['message_en']}.{found}{expected}\n\n"
        f"**Yang dilakukan / what to do:** {what_id} / {what_en}."
    )
