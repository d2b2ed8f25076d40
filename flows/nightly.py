"""The night, told once: land, validate, load, build, check, promote. It runs plainly, or as a Prefect flow."""

from flows.report import NightReport
from flows.steps import Night
from warehouse.stepping import Step, plainly


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
        loaded = night.load(landed, step)
        if night.is_dry_run:
            return night.dry_report(loaded)
        if not night.has_news():
            return night.unchanged_report(loaded)
        build = step(f"build and check {night.as_of}", night.build, night.built_before)
        if build.result == "failure":
            return night.failure_report(loaded, build)
        step(f"promote {build.build_id}", lambda: night.promote(build))
        return night.promoted_report(loaded, build)


def run_landing(night: Night, step: Step = plainly) -> NightReport:
    """Take in what landed, without a build: the sweep between two nights.

    Args:
        night: everything that the sweep works with.
        step: how each step is run.

    Returns:
        What was read.

    Raises:
        LeaseHeldError: another run is at work on the same lake.
    """
    with night.lease():
        landed = step("land", night.list_landing)
        return night.landed_report(night.load(landed, step))
