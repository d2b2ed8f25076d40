"""Identities of what others tell us: which loaded figures contradict each other, and what becomes of them."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("identities")
TABLES = ("labour_force", "recaps")


@dataclass(frozen=True)
class IdentityQueries:
    """Two selects over a relation named ``loaded`` that has the core table's columns.

    Attributes:
        rows: gives the rows of ``loaded``, in its columns, with ``value_status`` set anew.
        findings: gives one row per judged figure: code, place_code, year, concept, verdict (``disputed``,
            ``missing`` or ``usable``), left_side, right_side, message_id, message_en, severity (``warn``).
    """

    rows: str
    findings: str


def identity_queries(table: str) -> IdentityQueries:
    """Give the selects that judge a core table by its identities.

    Both read the relations ``loaded`` and ``reference.regions`` and write nothing. ``loaded`` is the whole
    table: a sum over regions can be judged only where all its parts are there.

    Args:
        table: ``labour_force`` or ``recaps``.

    Returns:
        The selects for the rows and for the findings.

    Raises:
        ValueError: the table has no identities.
    """
    if table not in TABLES:
        raise ValueError(f"no identities are declared for {table}; there are some for {', '.join(TABLES)}")
    broken = _text(f"{table}_broken")
    return IdentityQueries(rows=_over(broken, _text(table)), findings=_over(broken, _text("findings")))


def _over(broken: str, query: str) -> str:
    return f"WITH broken AS MATERIALIZED (\n{broken})\n{query}"


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
