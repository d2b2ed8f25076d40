"""After a death: the run that held the lease last and never gave it back is marked as crashed in Prefect."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.states import Crashed

_ALIVE = frozenset({StateType.RUNNING, StateType.PENDING, StateType.CANCELLING})


def mark_dead(holder: Mapping[str, Any]) -> None:
    """Mark the flow run of a dead holder as crashed, so that nothing stays Running.

    Args:
        holder: what it said of itself in the lease; ``run`` is the id of its flow run, if it was one.
    """
    logger = get_run_logger()
    logger.warning(
        "run yang lama mati tanpa melepas lease / the last run died holding the lease: %s on %s, since %s",
        holder.get("pid"),
        holder.get("host"),
        holder.get("since"),
    )
    run_id = _run_id(holder)
    if run_id is None:
        return
    with get_client(sync_client=True) as client:
        try:
            found = client.read_flow_run(run_id)
        except ObjectNotFound:
            return
        if found.state is not None and found.state.type in _ALIVE:
            client.set_flow_run_state(run_id, Crashed(message=_message(holder)), force=True)


def _run_id(holder: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(str(holder["run"]))
    except (KeyError, ValueError):
        return None


def _message(holder: Mapping[str, Any]) -> str:
    return f"prosesnya mati / its process died: pid {holder.get('pid')} on {holder.get('host')}"
