"""Identities of what others tell us: which loaded figures contradict each other, and what becomes of them."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("identities")
TABLES = ("labour_force", "recaps")
# The relations that the verdicts on a table are put together from, in the order of what they read: name and file.
_RELATIONS = {
    "labour_force": {
        "figures": "labour_force_figures",
        "inner_broken": "labour_force_inner",
        "regions_broken": "labour_force_regions",
        "unit_changes": "labour_force_units",
        "parts_exchanged": "labour_force_parts",
        "rates_broken": "labour_force_rates",
        "disputed": "labour_force_disputed",
        "jumps": "labour_force_jumps",
        "broken": "labour_force_broken",
    },
    "recaps": {"broken": "recaps_broken"},
}


@dataclass(frozen=True)
class IdentityQueries:
    """Two selects over a relation named ``loaded`` that has the core table's columns.

    Attributes:
        rows: gives the rows of ``loaded``, in its columns, with ``value_status`` set anew.
        findings: gives one row per figure found, and one in all for what was found everywhere: code, place_code, year,
            concept, verdict (``disputed``, ``missing`` or ``usable``), left_side, right_side, message_id, message_en,
            severity (``warn``).
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
    relations = ",\n".join(f"{name} AS MATERIALIZED (\n{_text(file)})" for name, file in _RELATIONS[table].items())
    return IdentityQueries(rows=f"WITH {relations}\n{_text(table)}", findings=f"WITH {relations}\n{_text('findings')}")


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
