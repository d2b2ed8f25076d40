"""Processes of our own that need none of the settings and secrets."""

import os
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def bare_environment() -> dict[str, str]:
    """Give this process's environment without any ``CAKUPAN_*`` variable, with the project's packages importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAKUPAN_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), kept.get("PYTHONPATH")]))}
