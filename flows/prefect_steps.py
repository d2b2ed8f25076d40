"""Steps as Prefect tasks: named for people, tried again where the network failed, found where they were done."""

import math
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from flows.faults import StepFaultError, described, plain_words
from sources.landing import LandingUnreachableError
from sources.places import OutOfReachError
from warehouse.stepping import nothing

P = ParamSpec("P")
T = TypeVar("T")
TRIES_AFTER_THE_FIRST = 3
FIRST_PAUSE = 10
_AT_MOST_EVERY = 1.0
# What these steps do can be done again from the start; a commit counts lines as it goes.
_REPEATABLE = frozenset({"land", "load", "build", "promote"})
_PASSING = (OutOfReachError, LandingUnreachableError)


def as_task(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
    """Run one step as a Prefect task of that name; see `warehouse.stepping.Step`.

    A network that failed is tried again; a failed gate or a bad file is not, since it would only fail once more.

    Raises:
        StepFaultError: the step failed with an error whose words may quote values of persons.
    """
    kept: list[T] = []

    def run() -> Any:
        before = found()
        if before is None:
            return guarded(work)
        kept.append(before)
        return Completed(name="Cached", message="sudah dikerjakan / done before, found by its inputs")

    result = named_task(name, run)()
    # A task that gives its own state gives no value beside it.
    return kept[0] if kept else result


def named_task(name: str, run: Callable[P, T]) -> Task[P, T]:
    """Make the Prefect task of a step, which is tried again where the network failed and it can be repeated.

    Args:
        name: what people see; its first word says the kind.
        run: does the work.
    """
    kind = name.partition(" ")[0]
    return task(
        name=kind,
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=TRIES_AFTER_THE_FIRST if kind in _REPEATABLE else 0,
        retry_delay_seconds=exponential_backoff(FIRST_PAUSE),
        retry_condition_fn=may_pass,
    )(run)


def guarded(work: Callable[[], T]) -> T:
    """Do the work; what Prefect would log of a fault must not quote values.

    Raises:
        StepFaultError: an error whose words may quote values of persons; its trace is kept on this machine.
    """
    try:
        return work()
    except Exception as error:
        if plain_words(error) is not None:
            raise
        raise StepFaultError(described(error)) from None


def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a step failed by what may be well again in a minute: the network, or what stands behind it."""
    return isinstance(state.result(raise_on_failure=False), _PASSING)


class ProgressArtifact:
    """The progress of the files of one run, as an artifact that people see grow."""

    def __init__(self) -> None:
        self._artifact: Any = None
        self._told = -math.inf

    def tell(self, file: str, done: int, of: int) -> None:
        """Show how many files are done; at most once a second, and at the end."""
        if done < of and time.monotonic() - self._told < _AT_MOST_EVERY:
            return
        self._told = time.monotonic()
        percent, said = 100.0 * done / of, f"{done} / {of} berkas / files, {file.partition('/')[0]}"
        if self._artifact is None:
            self._artifact = create_progress_artifact(percent, key="progress", description=said)
        else:
            update_progress_artifact(self._artifact, percent, description=said)
