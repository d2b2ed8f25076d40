"""Calls of stadata, the agency's own Python client: reads them from standard input, writes what each gave.

Runs in stadata's own environment, `var/interop-stadata`, which has nothing of this project.
"""

import importlib
import json
import sys
import warnings
from typing import Any


def outcome(client: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the frame that a call gives, as columns and rows, or what it raised; and what it warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            frame = getattr(client, name)(**arguments)
            given = {
                "columns": [str(column) for column in frame.columns],
                "rows": json.loads(frame.to_json(orient="values")),
            }
        except Exception as fault:
            given = {"raised": type(fault).__name__, "message": str(fault)}
    return {**given, "warned": [str(one.message) for one in said if one.category is UserWarning]}


def main() -> None:
    """Point stadata at the address, name the agent if one is given, and make the calls."""
    asked = json.load(sys.stdin)
    stadata: Any = importlib.import_module("stadata.main")
    stadata.BASE_URL = asked["address"]
    if asked["agent"]:
        requests: Any = importlib.import_module("requests.utils")
        requests.default_user_agent = lambda: asked["agent"]
    client = stadata.Client(asked["key"])
    json.dump([outcome(client, name, arguments) for name, arguments in asked["calls"]], sys.stdout)


if __name__ == "__main__":
    main()
