"""The crew of a night on a Dask cluster: one Prefect task a file, sent by Prefect's own task runner."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from prefect import flow
from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL
from prefect_dask.task_runners import DaskTaskRunner, PrefectDaskFuture

from flows.cluster import ClusterError, read_on_worker
from flows.prefect_steps import guarded, named_task
from flows.settings import RunnerError
from sources.landing import LandedFile
from sources.snapshots import SnapshotError
from warehouse.away import FileJob, Orders, brought_home, orders_of
from warehouse.crew import Crew, ReadFile
from warehouse.file_loading import Sweep, keep, postpone
from warehouse.load import Loader
from warehouse.pending import Pending

# Seconds in which a scheduler answers; for which a cluster may be without any worker; between two looks at it.
_ANSWERS = 10
_WITHOUT_WORKERS = 60
_LOOK_EVERY = 10


def crew_on(address: str) -> Crew:
    """Give a crew whose members are the workers of a Dask cluster.

    Args:
        address: of its scheduler.
    """

    def read(sweep: Sweep, loader: Loader, files: Sequence[LandedFile], circumstances: str, /) -> Iterator[ReadFile]:
        pending = Pending(sweep.house, sweep.con, loader.core, circumstances)
        with _cluster(address) as runner:
            sender = _Sender(runner, sweep, loader, orders_of(sweep, loader, circumstances))
            for landed, answer in [(landed, sender.send(landed)) for landed in files]:
                if isinstance(answer, ReadFile):
                    yield answer
                else:
                    yield brought_home(pending, landed, _outcome(runner, answer, landed))

    return read


@contextmanager
def _cluster(address: str) -> Generator[DaskTaskRunner]:
    """Hold a cluster that has at least one worker.

    Raises:
        ClusterError: it does not answer, or has none.
    """
    if PREFECT_API_URL.value() is None:
        raise RunnerError("CAKUPAN_RUNNER=dask needs a Prefect server that the workers reach too: set PREFECT_API_URL")
    with DaskTaskRunner(address=address, client_kwargs={"timeout": _ANSWERS}) as runner:
        try:
            client = runner.client
        except OSError:
            raise ClusterError(f"the Dask scheduler at {address} does not answer; start it, or name another") from None
        try:
            client.wait_for_workers(1, timeout=_WITHOUT_WORKERS)
        except TimeoutError:
            raise ClusterError(f"the Dask cluster at {address} has no worker; start some with dask worker") from None
        yield runner


@dataclass(frozen=True)
class _Sender:
    """Who keeps the bytes of files in the lake and sends the files to the cluster."""

    runner: DaskTaskRunner
    sweep: Sweep
    loader: Loader
    orders: Orders

    def send(self, landed: LandedFile) -> "ReadFile | PrefectDaskFuture[ReadFile]":
        """Send a file; one that is still being written is left to the next sweep."""
        try:
            keep(self.sweep, landed)
        except SnapshotError as changing:
            return ReadFile(postpone(self.sweep, landed, str(changing)))
        load = named_task(landed.told(self.loader.offices), load_on_worker)
        with _context_to_send():
            return self.runner.submit(load, {"job": FileJob(self.orders, landed)})


@flow(name="nightly", persist_result=False)
def _stand_in() -> None:
    """Stand for the night's flow in a worker: Prefect sends the flow of a task along, and a night stays at home."""


@contextmanager
def _context_to_send() -> Generator[None]:
    context = FlowRunContext.get()
    with nullcontext() if context is None else context.model_copy(update={"flow": _stand_in}):
        yield


def load_on_worker(job: FileJob) -> ReadFile:
    """Read one file in a worker's process; see `flows.cluster.read_on_worker`."""
    return guarded(lambda: read_on_worker(job))


def _outcome(runner: DaskTaskRunner, sent: "PrefectDaskFuture[ReadFile]", landed: LandedFile) -> ReadFile:
    """Wait for a file, as long as there are workers.

    Raises:
        ClusterError: the cluster lost its scheduler or its last worker, or each worker that took the file died.
    """
    while True:
        try:
            return sent.result(timeout=_LOOK_EVERY)
        except TimeoutError:
            if _is_answered(sent):
                raise
            _confirm_workers(runner)
        except KilledWorker:
            said = (
                f"every worker that took {landed.file} died; give them more memory, or set CAKUPAN_MEMORY_LIMIT lower"
            )
            raise ClusterError(said) from None
        except FutureCancelledError:
            raise ClusterError(f"the Dask cluster at {runner.address} was lost; run the night again") from None


def _is_answered(sent: Any) -> bool:
    """Tell whether a file's own task said TimeoutError, and not the wait for it."""
    return sent.wrapped_future.done()


def _confirm_workers(runner: DaskTaskRunner) -> None:
    try:
        runner.client.wait_for_workers(1, timeout=_WITHOUT_WORKERS)
    except (TimeoutError, OSError):
        raise ClusterError(
            f"the Dask cluster at {runner.address} has lost its last worker; run the night again"
        ) from None
