"""Reads one workbook in a process of its own, and prints each sheet as one line of JSON.

The parser ends its whole process when a damaged file, or one stray cell at the far corner of a sheet, makes
it ask for more memory than there is. Only this process may end so, never the night. It imports little, so
that it starts in a twentieth of a second.
"""

import datetime as dt
import json
import resource
import sys
from collections.abc import Iterator
from decimal import Decimal

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from sources.marks import DAMAGED, MARKER

PASSWORD, DAMAGE, MEMORY = 10, 11, 12
_CPU_SECONDS = 900

Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def main() -> int:
    """Print the sheets of the workbook named first, in at most the bytes named second; return a code."""
    path, memory = sys.argv[1], int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    try:
        for line in _lines(path):
            sys.stdout.write(line + "\n")
    except PasswordError:
        return PASSWORD
    except (CalamineError, OSError, ValueError):
        return DAMAGE
    except MemoryError:
        return MEMORY
    return 0


def _lines(path: str) -> Iterator[str]:
    """Yield every sheet that has cells: its name, and its columns from the sheet's own first row on."""
    with open(path, "rb") as opened:  # noqa: PTH123 pathlib would cost a fifth of the start
        workbook = CalamineWorkbook.from_filelike(opened)
    for meta in workbook.sheets_metadata:
        if meta.typ == SheetTypeEnum.WorkSheet:
            columns = _columns(workbook.get_sheet_by_name(meta.name))
            if columns:
                yield json.dumps({"name": meta.name, "columns": columns}, ensure_ascii=True)


def _columns(sheet: CalamineSheet) -> list[list[str]]:
    rows = sheet.to_python(skip_empty_area=False)
    return [[_text(cell) for cell in column] for column in zip(*rows, strict=True)]


def _text(cell: Cell) -> str:
    """Return a cell's text; a stored number gets the marker, dates are ISO, midnight has no time."""
    if isinstance(cell, str):
        return cell.replace(MARKER, DAMAGED) if MARKER in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return MARKER + _digits(cell)
    if isinstance(cell, dt.datetime):
        midnight = cell.time() == dt.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    return str(cell) if isinstance(cell, dt.timedelta) else cell.isoformat()


def _digits(number: float) -> str:
    if isinstance(number, int) or number.is_integer():
        return str(int(number))
    shortest = repr(number)
    return format(Decimal(shortest), "f") if "e" in shortest else shortest


if __name__ == "__main__":
    sys.exit(main())
