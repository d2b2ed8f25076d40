"""Steps: how a piece of work is run under a name, plainly or watched, and what need not be done again."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


def nothing() -> None:
    """Find nothing: the work has to be done."""


class Step(Protocol):
    """How a step is run: called plainly, or as a task that a server watches."""

    def __call__(self, name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        """Give a step's result.

        Args:
            name: what people see of the step: the work, with office and period where it has them.
            work: does it.
            found: looks for the result of the same work upon the same inputs; null where there is none.

        Returns:
            What was found, or what the work gives.
        """
        ...


def plainly(name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:  # noqa: ARG001
    """Do a step's work unless its result is found; the name is for those who watch."""
    before = found()
    return work() if before is None else before
