"""The bench: the floor, this project's nights and its peers, each in processes of its own, on one simulated month."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from expectations.processes import bare_environment, environment_without
from flows.bench_figures import differences, lines_of, write_again, write_ten_lines
from flows.bench_measure import Measured, measured

BENCH = Path(__file__).parents[1] / "bench"
MONTH, MONTH_END, TODAY = "2026-10", date(2026, 10, 31), date(2026, 11, 15)
# Of the offices, those that export again.
AGAIN = 0.05
# Any key does; the peers break ties by it as the night does.
KEY = "bench" * 8
_GOOD_CODES = (0, 3)
# Of what a failed command said, the end tells why.
_SAID = 300


class BenchError(RuntimeError):
    """The bench cannot be run."""


@dataclass(frozen=True)
class Peer:
    """What a team might use instead.

    Attributes:
        name: of its script and its environment.
        title: the tools.
        leaves_out: what this project's night does beside it.
    """

    name: str
    title: str
    leaves_out: str

    @property
    def script(self) -> Path:
        """Return its program."""
        return BENCH / "peers" / f"{self.name.replace('-', '_')}.py"

    @property
    def requirements(self) -> Path:
        """Return what it needs, pinned."""
        return BENCH / f"requirements-{self.name}.txt"

    @property
    def python(self) -> Path:
        """Return the interpreter of its environment."""
        return BENCH / ".env" / self.name / "bin" / "python"


# How a peer's note begins.
LEAVES_OUT = "leaves out: "
_ALL_LEAVE_OUT = "hashed identifiers, versions, checks of tables, recaps, page and workbook"
PEERS = (
    Peer("pandas-gx", "pandas + Great Expectations", _ALL_LEAVE_OUT),
    Peer("polars-dataframely", "Polars + dataframely", _ALL_LEAVE_OUT),
    Peer("dlt-duckdb", "dlt + DuckDB", _ALL_LEAVE_OUT),
    Peer("sqlmesh-duckdb", "SQLMesh + DuckDB", _ALL_LEAVE_OUT),
)
NAMES = ("floor", "cakupan", *(peer.name for peer in PEERS))


@dataclass(frozen=True)
class Size:
    """How large a simulated month is."""

    participants: int
    offices: int


@dataclass(frozen=True)
class Request:
    """What is to be measured.

    Attributes:
        size: the month.
        peers_size: a smaller month for the peers, where they cannot hold the whole one.
        only: which of `NAMES`.
        work: an empty folder for everything that is written.
        threads, memory: what each may use, where it can be told.
        timeout: seconds for one command.
    """

    size: Size
    peers_size: Size
    only: tuple[str, ...]
    work: Path
    threads: int = 2
    memory: str = "4GB"
    timeout: float = 3600


@dataclass(frozen=True)
class Run:
    """One measured command.

    Attributes:
        name: one of `NAMES`, or of this project's nights.
        title: for people.
        size: the month that it worked on.
        cost: what it cost; null where it did not run.
        lines: how many lines were read, good and quarantined, as far as it says.
        differences: rows of coverage and attainment that differ from this project's; null where nothing is compared.
        note: what it leaves out, or why it did not run.
    """

    name: str
    title: str
    size: Size
    cost: Measured | None = None
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    differences: int | None = None
    note: str = ""


def plan(request: Request) -> list[str]:
    """Give the names of what would be measured, in order."""
    return [name for name in NAMES if not request.only or name in request.only]


def run_bench(request: Request, tell: Callable[[str], None]) -> list[Run]:
    """Measure.

    Args:
        request: what.
        tell: is told of every command before it starts.

    Returns:
        The runs, in order.

    Raises:
        BenchError: a command of this project, or the floor, failed.
    """
    return list(_Bench(request, tell).runs())


@dataclass(frozen=True)
class _Bench:
    request: Request
    tell: Callable[[str], None]

    def runs(self) -> Iterator[Run]:
        """Measure one after the other; the night that changes the exports comes last."""
        chosen = plan(self.request)
        peers = [peer for peer in PEERS if peer.name in chosen]
        for size in self._sizes(is_compared=bool(peers)):
            yield self._simulated(size)
            if "floor" in chosen:
                yield self._floor(size)
            if "cakupan" in chosen or peers:
                yield from self._nights(size)
        yield from map(self._peer, peers)
        if "cakupan" in chosen:
            yield self._night_of_some(self.request.size)

    def _sizes(self, *, is_compared: bool) -> list[Size]:
        sizes = [self.request.size, self.request.peers_size] if is_compared else [self.request.size]
        return list(dict.fromkeys(sizes))

    def _folder(self, size: Size) -> Path:
        return self.request.work / f"{size.participants}-{size.offices}"

    def _landing(self, size: Size) -> Path:
        return self._folder(size) / "landing"

    def _simulated(self, size: Size) -> Run:
        self._folder(size).mkdir(parents=True)
        words = [
            "simulate", "--offices", str(size.offices), "--participants", str(size.participants), "--months", "1",
            "--month", MONTH, "--out", str(self._landing(size)), "--json",
        ]  # fmt: skip
        cost = self._own(size, "simulate", cakupan(*words), self._home(size, "home"))
        return Run("simulate", "the simulated month itself", size, cost)

    def _floor(self, size: Size) -> Run:
        out = self._folder(size) / "floor"
        out.mkdir()
        words = [str(self._landing(size)), str(out), str(self.request.threads), self.request.memory]
        cost = self._own(size, "floor", [sys.executable, str(BENCH / "floor.py"), *words], bare_environment())
        shutil.rmtree(out)
        return Run("floor", "DuckDB alone, typed Parquet", size, cost, json.loads(cost.out))

    def _nights(self, size: Size) -> Iterator[Run]:
        """Measure start-up, a full night, and one in which nothing landed."""
        start, home = self._home(size, "start"), self._home(size, "home")
        write_ten_lines(self._landing(size), Path(start["CAKUPAN_LANDING"]))
        yield self._night("startup", "Cakupan, one file of ten lines", size, start)
        full = self._night("full", "Cakupan, full night", size, home)
        yield replace(full, lines=lines_of(Path(home["CAKUPAN_LAKE"])))
        yield self._night("idle", "Cakupan, idle night", size, home)

    def _night_of_some(self, size: Size) -> Run:
        """Measure a night in which some offices export again."""
        again = write_again(self._landing(size), math.ceil(AGAIN * size.offices))
        return self._night("again", f"Cakupan, {again} of {size.offices} offices again", size, self._home(size, "home"))

    def _home(self, size: Size, name: str) -> dict[str, str]:
        """Give the variables of a home in a folder of its own."""
        folder = self._folder(size) / name
        landing = folder / "landing" if name == "start" else self._landing(size)
        return bare_environment() | {
            "CAKUPAN_LANDING": str(landing), "CAKUPAN_LAKE": str(folder / "lake"),
            "CAKUPAN_PUBLISH": str(folder / "publish"), "CAKUPAN_PERSON_KEY": KEY,
            "CAKUPAN_MEMORY_LIMIT": self.request.memory, "CAKUPAN_THREADS": str(self.request.threads),
        }  # fmt: skip

    def _night(self, name: str, title: str, size: Size, home: Mapping[str, str]) -> Run:
        return Run(name, title, size, self._own(size, name, cakupan("run", "--as-of", f"{TODAY}", "--json"), home))

    def _own(self, size: Size, name: str, words: Sequence[str], variables: Mapping[str, str]) -> Measured:
        """Measure a command that must go well."""
        cost = self._measured(size, name, words, variables)
        if cost.code not in _GOOD_CODES:
            raise BenchError(f"{name} ended with {cost.code}: {(cost.err or cost.out)[-_SAID:]}")
        return cost

    def _measured(self, size: Size, name: str, words: Sequence[str], variables: Mapping[str, str]) -> Measured:
        self.tell(f"{name}: {size.participants:,} baris / rows")
        return measured(words, self._folder(size), variables, self.request.timeout)

    def _peer(self, peer: Peer) -> Run:
        """Measure a peer and compare its figures with those of the full night."""
        size, title = self.request.peers_size, peer.title
        if not peer.python.exists():
            return Run(peer.name, title, size, note="not installed: cakupan bench --install")
        out = self._folder(size) / peer.name
        words = [str(peer.python), str(peer.script), str(self._landing(size)), str(out)]
        options = ["--today", f"{TODAY}", "--key", KEY, "--threads", str(self.request.threads)]
        cost = self._measured(size, peer.name, [*words, *options], _limited(self.request.threads))
        if cost.code != 0:
            late = f"ended after {self.request.timeout:g} s"
            return Run(
                peer.name, title, size, cost, note=late if cost.code is None else f"failed: {_last_line(cost.err)}"
            )
        found = differences(Path(self._home(size, "home")["CAKUPAN_PUBLISH"]), out, MONTH_END)
        shutil.rmtree(out)
        return Run(peer.name, title, size, cost, json.loads(cost.out), found, f"{LEAVES_OUT}{peer.leaves_out}")


def cakupan(*words: str) -> list[str]:
    """Give the words that start this project's command line."""
    return [sys.executable, "-c", "from flows.cli import main; main()", *words]


def _limited(threads: int) -> dict[str, str]:
    """Give the variables of a peer: its libraries may use as many threads as the others."""
    names = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS")
    return environment_without("CAKUPAN_", "PYTHONPATH") | dict.fromkeys(names, str(threads)) | {"DO_NOT_TRACK": "1"}


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][-_SAID:]
