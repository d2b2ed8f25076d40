"""Flow runs whose process is gone, seen before a worker starts: without this they would be at work for ever.

A worker that is killed, or a machine that goes down, tells nobody. A run that had not begun is put back, so that
nothing is lost; one that had begun is marked as crashed, for people and automations to see.
"""

import os

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkerFilter,
    WorkerFilterStatus,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkerStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed, Scheduled

from flows.family import values_of

_AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


async def mend_dead_runs(client: PrefectClient, pool: str) -> list[str]:
    """Put back or mark as crashed every flow run of a pool that says it is at work, and has no process here.

    Where a worker of another machine is at work in the pool, nothing is touched: its processes cannot be seen.

    Args:
        client: of the server.
        pool: the work pool's name; one that is not there has no runs.

    Returns:
        The names of the runs.
    """
    if await _others_are_at_work(client, pool):
        return []
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_AT_WORK))),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
    )
    living = values_of("PREFECT__FLOW_RUN_ID")
    dead = [run for run in runs if str(run.id) not in living]
    for run in dead:
        await _mend(client, run)
    return [run.name for run in dead]


async def _others_are_at_work(client: PrefectClient, pool: str) -> bool:
    online = WorkerFilter(status=WorkerFilterStatus(any_=[WorkerStatus.ONLINE]))
    try:
        workers = await client.read_workers_for_work_pool(pool, worker_filter=online)
    except ObjectNotFound:
        return False
    return any(worker.name != os.uname().nodename for worker in workers)


async def _mend(client: PrefectClient, run: FlowRun) -> None:
    if run.state_type == StateType.PENDING:
        state = Scheduled(message="Belum dimulai ketika prosesnya hilang / its process was gone before it began.")
    else:
        state = Crashed(message="Prosesnya sudah tidak ada / its process was gone when the worker started.")
    await client.set_flow_run_state(run.id, state, force=True)
