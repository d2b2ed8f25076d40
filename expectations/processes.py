"""What processes of our own get of this one's environment: only what they need."""

import os
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def bare_environment() -> dict[str, str]:
    """Give this process's environment without any ``CAKUPAN_*`` variable, with the project's packages importable."""
    return environment_without("CAKUPAN_")


def environment_without(*beginnings: str) -> dict[str, str]:
    """Give this process's environment without the variables that begin so, with the project's packages importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(beginnings)}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), kept.get("PYTHONPATH")]))}
