"""The SELECT statements of this folder, by name."""

from functools import cache
from pathlib import Path


@cache
def query(name: str) -> str:
    """Give the statement that stands in ``<name>.sql``."""
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8").rstrip().rstrip(";")
