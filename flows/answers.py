"""Print the answer to a question as a table, as CSV or as JSON."""

import csv
import json
import sys
from typing import Literal

from rich.console import Console
from rich.table import Table

from warehouse.query import Answer, plain


def print_answer(answer: Answer, form: Literal["table", "csv", "json"]) -> None:
    """Print an answer on standard output.

    Args:
        answer: columns and rows.
        form: ``json`` is a list of records; ``csv`` has a header; ``table`` is for people.
    """
    if form == "json":
        json.dump(answer.records(), sys.stdout, ensure_ascii=False, indent=1, default=str)
        sys.stdout.write("\n")
    elif form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows([plain(value) for value in row] for row in answer.rows)
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(_table(answer))


def _table(answer: Answer) -> Table:
    table = Table()
    for column in answer.columns:
        table.add_column(column)
    for row in answer.rows:
        table.add_row(*("" if value is None else str(plain(value)) for value in row))
    return table
