"""The night, told once: land, validate, load, build, check, promote. It runs plainly, or as a Prefect flow."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from flows.report import NightReport
from flows.steps import Night

T = TypeVar("T")


class Step(Protocol):
    """How a step of the night is run: called plainly, or as a task that a server watches."""

    def __call__(self, name: str, work: Callable[[], T], /) -> T:
        """Do the work under this name and give what it gives."""
        ...


def plainly(name: str, work: Callable[[], T], /) -> T:  # noqa: ARG001 - the name is for those who watch
    """Do a step's work, nothing else."""
    return work()


def run_night(night: Night, step: Step = plainly) -> NightReport:
    """Turn what landed into a promoted build, or say why there is none.

    Args:
        night: everything that the night works with.
        step: how each step is run.

    Returns:
        What was read, what was built, and whether it was promoted.

    Raises:
        LeaseHeldError: another run is at work on the same lake.
    """
    with night.lease(), night.judge():
        landed = step("land", night.list_landing)
        loaded = step("validate and load", lambda: night.load(landed))
        if night.is_dry_run:
            return night.dry_report(loaded)
        if not night.has_news():
            return night.unchanged_report(loaded)
        build = step("build and check", night.build)
        if build.result == "failure":
            return night.failure_report(loaded, build)
        step("promote", lambda: night.promote(build))
        return night.promoted_report(loaded, build)
