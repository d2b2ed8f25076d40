"""A server that speaks as the WebAPI of BPS does, over real HTTP on 127.0.0.1.

It serves the tables that a test gives it, so the truth is known, and has the same manners: ten rows a page, a cap
of periods a call, refusals with HTTP 200, a `null` body for what would be too large, a firewall's page for
programs that are no browser. Its words are those of recorded answers.
"""

from tests.bps_server.server import BpsServer
from tests.bps_server.sockets import FIREWALL, Asked, Fault
from tests.bps_server.tables import Cell, Pair, StaticTable, Table
from tests.bps_server.words import KEY, NO_KEY, NO_TH, PAGE_ROWS, TOO_MANY, axis, error, listed

__all__ = [
    "FIREWALL",
    "KEY",
    "NO_KEY",
    "NO_TH",
    "PAGE_ROWS",
    "TOO_MANY",
    "Asked",
    "BpsServer",
    "Cell",
    "Fault",
    "Pair",
    "StaticTable",
    "Table",
    "axis",
    "error",
    "listed",
]
