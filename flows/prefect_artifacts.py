"""What a night leaves in the Prefect UI: tables, the link to the build, and what to do where a gate failed."""

from collections.abc import Sequence
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.report import NightReport
from flows.steps import Night
from reports.gate import gate_text
from reports.summary import HEADINGS, attainment_lines, late_sentences
from warehouse.connections import connect
from warehouse.manifest import Manifest
from warehouse.waiting import waiting_by_rule

_CHECK_COLUMNS = ("table", "code", "severity", "outcome", "observed", "message_id", "message_en")


def show_night(night: Night, report: NightReport) -> None:
    """Leave the artifacts of a night that ended.

    Args:
        night: the night.
        report: its outcome; one without a build leaves the quarantine and the lines only.
    """
    show_table("files", "Berkas / Files", [_file(loaded) for loaded in report.files if loaded.verdict != "unchanged"])
    show_table("quarantine", "Karantina menurut aturan / Quarantine by rule", _quarantine(night))
    if report.build is not None:
        _show_build(night, report, report.build)


def _show_build(night: Night, report: NightReport, build: Manifest) -> None:
    checks = night.publication.checks(build.build_id)
    lines = attainment_lines(night.publication.fetched(build.build_id))
    show_table(
        "attainment",
        f"Capaian target / Target attainment {build.as_of}",
        [dict(zip(HEADINGS, line.cells(), strict=True)) for line in lines],
    )
    show_table("late-offices", "Terlambat / Late", [{"Terlambat / Late": said} for said in late_sentences(checks)])
    notable = [check for check in checks if check["outcome"] != "pass"]
    told = [{name: _cell(check[name]) for name in _CHECK_COLUMNS} for check in notable]
    show_table("checks", f"Pemeriksaan / Checks: {_counts(build)}", told)
    create_link_artifact(
        key="build", link=build_address(night, build), link_text=f"Build {build.build_id}", description="Build"
    )
    if report.result == "failure":
        create_markdown_artifact(gate_text(build, checks), key="gate", description="Gerbang gagal / A gate failed")


def build_address(night: Night, build: Manifest) -> str:
    """Give the address under which people find a build: the report's, or of the folder in which it stands."""
    if night.settings.report_url:
        return night.settings.report_url
    uri = night.publication.place.uri
    where = uri if "://" in uri else night.publication.root.absolute().as_uri()
    return f"{where}/builds/{build.build_id}/"


def _file(loaded: Any) -> dict[str, Any]:
    lines = loaded.lines
    return {
        "Berkas / File": loaded.landed.file,
        "Hasil / Verdict": loaded.verdict,
        "Baris / Lines": lines.read,
        "Baik / Good": lines.good,
        "Karantina / Quarantined": lines.quarantined,
        "Judul / Header": lines.header,
        "Kosong / Blank": lines.blank,
    }


def _quarantine(night: Night) -> list[dict[str, Any]]:
    with connect(night.limits) as con:
        counted = waiting_by_rule(con, night.house)
    return [{"Data": dataset, "Aturan / Rule": rule, "Baris / Lines": lines} for dataset, rule, lines in counted]


def show_table(key: str, description: str, rows: Sequence[dict[str, Any]]) -> None:
    """Leave a table as an artifact; one without rows says so, since Prefect shows none.

    Args:
        key: its name; letters, digits and - only.
        description: what it shows, in both languages.
        rows: texts and numbers by the names of their columns.
    """
    create_table_artifact(list(rows) or [{"–": "tidak ada / none"}], key=key, description=description)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _counts(build: Manifest) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in build.checks.items())
