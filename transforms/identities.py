"""Identities of what others tell us: which loaded figures contradict each other, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("identities")
TABLES = ("labour_force", "recaps")
# The relations that the verdicts on a table are put together from, in the order of what they read: name and file.
# Findings are of today; what a later vintage replaced is judged for its status only.
_RELATIONS = {
    "labour_force": {
        "counted": "labour_force_counted",
        "states": "labour_force_states",
        "surveys": "labour_force_surveys",
        "figures": "labour_force_figures",
        "inner_broken": "labour_force_inner",
        "unit_changes": "labour_force_units",
        "regions_broken": "labour_force_regions",
        "parts_exchanged": "labour_force_parts",
        "rates_broken": "labour_force_rates",
        "disputed": "labour_force_disputed",
        "jumps": "labour_force_jumps",
        "broken": "labour_force_broken",
    },
    "recaps": {"broken": "recaps_broken"},
}
_TODAY = {"labour_force_states": "labour_force_today"}


@dataclass(frozen=True)
class IdentityQueries:
    """Two selects over a relation named ``loaded`` that has the core table's columns.

    Attributes:
        rows: gives the rows of ``loaded``, in its columns, with ``value_status`` set anew.
        findings: gives one row per figure found as things stand today, and one in all for what was found everywhere:
            code, place_code, year, concept, verdict (``disputed``, ``missing`` or ``usable``), left_side, right_side,
            message_id, message_en, severity (``warn``).
    """

    rows: str
    findings: str


def identity_queries(table: str) -> IdentityQueries:
    """Give the selects that judge a core table by its identities.

    Both read the relations ``loaded``, ``reference.regions`` and ``reference.series_breaks`` and write nothing.
    ``loaded`` is the whole table: a sum over regions can be judged only where all its parts are there.

    Args:
        table: ``labour_force`` or ``recaps``.

    Returns:
        The selects for the rows and for the findings.

    Raises:
        ValueError: the table has no identities.
    """
    if table not in TABLES:
        raise ValueError(f"no identities are declared for {table}; there are some for {', '.join(TABLES)}")
    files = _RELATIONS[table]
    today = {name: _TODAY.get(file, file) for name, file in files.items()}
    return IdentityQueries(rows=_query(files, table), findings=_query(today, "findings"))


def _query(files: Mapping[str, str], select: str) -> str:
    relations = ",\n".join(f"{name} AS MATERIALIZED (\n{_text(file)})" for name, file in files.items())
    return f"WITH {relations}\n{_text(select)}"


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
