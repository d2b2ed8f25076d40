"""Builders for tests of the BPS client: a table of labour force, a client of the test server."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sources.bps.client import BpsClient
from sources.bps.pace import Pace
from tests.bps_server import KEY, BpsServer, Cell, Table

RECORDED = Path(__file__).parents[4] / "shared" / "realdata" / "webapi"
recorded_only = pytest.mark.skipif(not RECORDED.exists(), reason="recorded answers are not here")
REGIONS = ((7411, "Kab. <b>Kolaka Timur</b>"), (7471, "Kota Kendari"), (9999, "INDONESIA"))


def labour_table(domain: str = "7400", years: int = 10, variable: int = 33) -> Table:
    """Return the labour force of three rows, with every year's value known."""
    periods = tuple((125 - back, str(2025 - back)) for back in range(years))
    cells: dict[Cell, Any] = {
        (code, "0", period, 0): place * 1000 + period
        for place, (code, _) in enumerate(REGIONS, 1)
        for period, _ in periods
    }
    return Table(domain, variable, "Angkatan Kerja", REGIONS, periods, cells)


def client_of(bps: BpsServer, pace: Pace | None = None, **changes: Any) -> BpsClient:
    """Return a client of the test server that waits for nothing."""
    return BpsClient(SecretStr(KEY), bps.settings(**changes), pace)
