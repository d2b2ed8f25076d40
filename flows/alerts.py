"""Telling people: one message a night, nothing twice, and never at the night's expense."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from flows.alert_channels import AlertSettingsError, Channel, DeliveryError, channels_of, deliver
from flows.alert_facts import TOLD, facts_of_fault, facts_of_landing, facts_of_report, now
from flows.alert_memory import Memory
from flows.commands import complain
from flows.report import NightReport
from flows.settings import Settings, business_today
from flows.steps import Night
from reports.message import Facts, Message, Origin, message_of
from reports.telling import Delivery, claimed, heard, settled, to_send
from warehouse.lease import LeaseHeldError

T = TypeVar("T")


def run_and_tell(night: Night, work: Callable[[], NightReport]) -> NightReport:
    """Run a night and tell people how it went; a dry run, and a run that found another one at work, tell nobody.

    Args:
        night: the night.
        work: what runs it.

    Returns:
        The night's report. What the night raises is told and raised again.
    """
    with _faults_told(night, "night"):
        report = work()
    if report.result in TOLD:
        tell_safely(night.settings, lambda: facts_of_report(report, night))
    return report


def land_and_tell(night: Night, work: Callable[[], T]) -> T:
    """Sweep the landing zone and tell people if it broke off, or came to its end again after it had.

    Args:
        night: what the sweep works with.
        work: what sweeps.

    Returns:
        What the sweep gives. What it raises is told and raised again.
    """
    with _faults_told(night, "land"):
        given = work()
    if not night.is_dry_run:
        tell_safely(night.settings, lambda: facts_of_landing(night.settings))
    return given


@contextmanager
def _faults_told(night: Night, origin: Origin) -> Generator[None]:
    try:
        yield
    except LeaseHeldError:
        raise
    except Exception as raised:
        fault = raised
        if not night.is_dry_run:
            tell_safely(night.settings, lambda: facts_of_fault(fault, night, origin))
        raise


def tell_safely(settings: Settings, make: Callable[[], Facts]) -> None:
    """Tell people on all channels that are set up; nothing that goes wrong with telling harms who calls.

    Args:
        settings: the channels, what they are told, and where it is kept what they were told.
        make: gives how it went; not asked where there is no channel.
    """
    try:
        channels = usable(settings)
        if channels:
            tell(settings, channels, make())
    except Exception as fault:
        # What a library says may quote an address or a password.
        complain(f"people could not be told: {type(fault).__name__}")


def usable(settings: Settings) -> dict[str, Channel]:
    """Give the channels that can be used; of one that is set up wrongly it is said on standard error."""
    found = channels_of(settings)
    for name, wrong in found.items():
        if isinstance(wrong, AlertSettingsError):
            complain(f"alert by {name} is not possible: {wrong}")
    return {name: channel for name, channel in found.items() if not isinstance(channel, AlertSettingsError)}


def tell(settings: Settings, channels: Mapping[str, Channel], facts: Facts) -> None:
    """Tell people what they do not know yet, and send what a channel did not take before.

    Args:
        settings: what people are told, and where it is kept what they were told.
        channels: the ways to them, by name.
        facts: how it went. What cannot be sent is said on standard error and sent by the next call.
    """
    memory, every_night, at = Memory(settings), settings.alert_on == "every night", now()
    standing = memory.change(lambda before: claimed(heard(before, facts, channels, every_night=every_night), at))
    waiting = list(to_send(standing, at))
    if waiting:
        sent = [Delivery(name, message, problem_of(channels[name], message)) for name, message in waiting]
        memory.change(lambda before: settled(before, sent))


def problem_of(channel: Channel, message: Message) -> str | None:
    """Send a message; give why it was not taken, which is also said on standard error, or null."""
    try:
        remark = deliver(channel, message)
    except DeliveryError as untaken:
        complain(f"alert by {channel.name} was not sent: {untaken}")
        return str(untaken)
    if remark is not None:
        complain(f"alert by {channel.name}: {remark}")
    return None


def trial_message(settings: Settings) -> Message:
    """Give a message that only shows that the way to people works."""
    return message_of(Facts("test", business_today(), now(), "test", settings.publish))
