"""The command `cakupan alert test`: whether messages reach people."""

from collections.abc import Mapping
from typing import Any

from cyclopts import App

from flows.commands import FAULT, OK, USAGE, Json, complain, print_json, settings_of
from flows.settings import Settings

alert = App(name="alert", help="Messages to people: whether they arrive.\n\nExample: cakupan alert test")
NONE_CONFIGURED = (
    "no channel is set up: set CAKUPAN_ALERT_SMTP_URL, CAKUPAN_ALERT_FROM and CAKUPAN_ALERT_TO for mail, or "
    "CAKUPAN_ALERT_WEBHOOK_URL for a webhook"
)


@alert.command(name="test")
def send_trial(*, as_json: Json = False) -> int:
    """Send a test message on every channel that is set up, and say whether it was taken.

    Example: cakupan alert test
    """
    from flows.alert_channels import channels_of
    from flows.alerts import problem_of, trial_message, usable

    settings = settings_of()
    named, channels = channels_of(settings), usable(settings)
    if not named:
        complain(NONE_CONFIGURED)
    message = trial_message(settings)
    found = {name: problem_of(channel, message) for name, channel in channels.items()}
    if as_json:
        print_json([{"channel": name, "sent": problem is None, "problem": problem} for name, problem in found.items()])
    else:
        for name, problem in found.items():
            print(f"{name} ({channels[name].shown}): " + ("terkirim / sent" if problem is None else "tidak / not sent"))
    if not named or len(channels) < len(named):
        return USAGE
    return FAULT if any(found.values()) else OK


def watched(settings: Settings, found: Mapping[str, Any]) -> bool:
    """Tell people what the dead man's check found, if they do not know it yet.

    Args:
        settings: the channels.
        found: what `flows.health.status_of` gives.

    Returns:
        Whether there is any channel; without one, that is said on standard error.
    """
    from flows.alert_facts import facts_of_look
    from flows.alerts import tell_safely, usable

    channels = usable(settings)
    if not channels:
        complain(NONE_CONFIGURED)
    tell_safely(settings, lambda: facts_of_look(found, settings))
    return bool(channels)
