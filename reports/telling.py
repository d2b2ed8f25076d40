"""What is still to be told, and what was told before: pure steps from one state to the next, so nothing is repeated."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from reports.message import Facts, Message, Past, Trouble, message_of

_WELL = "well"
_DAYS_KEPT = 31
# Another process may be sending a message at this moment; one that was killed meanwhile never says so.
_AT_WORK = timedelta(minutes=2)


class Owed(BaseModel):
    """A message that a channel has not taken yet: when it was last tried (null: it failed), and why it failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message: Message
    tried_at: datetime | None = None
    problem: str | None = None


class Standing(BaseModel):
    """What was told, what is wrong, and what is still owed.

    Attributes:
        told: by business date, what was told of it and from where.
        troubles: what is wrong now, by where it was found.
        owed: by channel and origin, the message that it has not taken yet.
    """

    model_config = ConfigDict(frozen=True)

    told: dict[str, dict[str, str]] = Field(default_factory=dict[str, dict[str, str]])
    troubles: dict[str, Past] = Field(default_factory=dict[str, Past])
    owed: dict[str, dict[str, Owed]] = Field(default_factory=dict[str, dict[str, Owed]])


class Delivery(NamedTuple):
    """How sending went: to which channel, what, and why it failed; null where it was taken."""

    channel: str
    message: Message
    problem: str | None


def heard(standing: Standing, facts: Facts, channels: Iterable[str], *, every_night: bool) -> Standing:
    """Take note of a night, a sweep or a look, and owe a message to every channel where one is due.

    A trouble is told once a business date, another one again; the first success after it ends it and is told. Other
    successes are told once a business date, and only those of nights.

    Args:
        standing: what was told until now.
        facts: how it went.
        channels: the names of the channels that are set up; what others were owed is forgotten.
        every_night: whether a success is told that ends no trouble.

    Returns:
        The new state.
    """
    kept = standing.model_copy(update={"owed": {name: standing.owed.get(name, {}) for name in channels}})
    return _worse(kept, facts) if facts.is_trouble else _well(kept, facts, every_night=every_night)


def _worse(standing: Standing, facts: Facts) -> Standing:
    if facts.mark in _told(standing, facts) or _is_known(standing, facts):
        return standing.model_copy(update={"troubles": standing.troubles | _opened(standing, facts)})
    noted = _noted(standing, facts, {facts.mark: facts.origin})
    after = noted.model_copy(update={"troubles": standing.troubles | _opened(standing, facts)})
    return _owing(after, facts.origin, message_of(facts))


def _is_known(standing: Standing, facts: Facts) -> bool:
    """Tell whether people know the cause already: a night of this date failed, so of course none succeeded."""
    night = standing.troubles.get("night")
    return facts.result == "too_old" and night is not None and night.on == facts.as_of


def _opened(standing: Standing, facts: Facts) -> dict[str, Past]:
    if _is_known(standing, facts):
        return {}
    before = standing.troubles.get(facts.origin)
    since, on = (before.since, max(before.on, facts.as_of)) if before else (facts.at, facts.as_of)
    return {facts.origin: Past(since=since, on=on, result=cast("Trouble", facts.result))}


def _well(standing: Standing, facts: Facts, *, every_night: bool) -> Standing:
    ended = {origin: past for origin, past in standing.troubles.items() if _ends(facts, origin, past)}
    is_news = every_night and facts.origin == "night" and _WELL not in _told(standing, facts)
    if not ended and not is_news:
        return standing
    noted = _noted(_without(standing, ended), facts, {_WELL: facts.origin} if facts.origin == "night" else {})
    return _owing(noted, facts.origin, message_of(facts, list(ended.values())))


def _ends(facts: Facts, origin: str, past: Past) -> bool:
    """Tell whether a success ends a trouble: one found at the same place, a night's success any; not a later one."""
    return past.on <= facts.as_of and facts.origin in (origin, "night")


def _without(standing: Standing, ended: Mapping[str, Past]) -> Standing:
    """End troubles: when they come back they are told again, and what of them was not delivered is never sent."""
    told = {
        day: {mark: origin for mark, origin in marks.items() if mark == _WELL or origin not in ended}
        for day, marks in standing.told.items()
    }
    troubles = {origin: past for origin, past in standing.troubles.items() if origin not in ended}
    owed = {
        channel: {origin: message for origin, message in waiting.items() if origin not in ended}
        for channel, waiting in standing.owed.items()
    }
    return Standing(told=told, troubles=troubles, owed=owed)


def _told(standing: Standing, facts: Facts) -> dict[str, str]:
    return standing.told.get(facts.as_of.isoformat(), {})


def _noted(standing: Standing, facts: Facts, marks: Mapping[str, str]) -> Standing:
    told = standing.told | {facts.as_of.isoformat(): {**_told(standing, facts), **marks}}
    return standing.model_copy(update={"told": {day: told[day] for day in sorted(told)[-_DAYS_KEPT:]}})


def _owing(standing: Standing, origin: str, message: Message) -> Standing:
    owed = {channel: waiting | {origin: Owed(message=message)} for channel, waiting in standing.owed.items()}
    return standing.model_copy(update={"owed": owed})


def claimed(standing: Standing, at: datetime) -> Standing:
    """Mark what is owed as being sent from this moment on, except what another process is sending."""

    def claim(owed: Owed) -> Owed:
        return owed if _is_at_work(owed, at) else owed.model_copy(update={"tried_at": at})

    owed = {
        channel: {origin: claim(one) for origin, one in waiting.items()} for channel, waiting in standing.owed.items()
    }
    return standing.model_copy(update={"owed": owed})


def _is_at_work(owed: Owed, at: datetime) -> bool:
    return owed.tried_at is not None and owed.tried_at <= at < owed.tried_at + _AT_WORK


def to_send(standing: Standing, at: datetime) -> Iterator[tuple[str, Message]]:
    """Give what was claimed at this moment, by channel, in the order in which it was written."""
    for channel, waiting in standing.owed.items():
        for owed in sorted(waiting.values(), key=lambda one: one.message.at):
            if owed.tried_at == at:
                yield channel, owed.message


def settled(standing: Standing, deliveries: Iterable[Delivery]) -> Standing:
    """Strike what was delivered; what was not is owed on, with the problem."""
    owed = {channel: dict(waiting) for channel, waiting in standing.owed.items()}
    for channel, message, problem in deliveries:
        waiting = owed.get(channel, {})
        for origin in [origin for origin, one in waiting.items() if one.message.id == message.id]:
            if problem is None:
                del waiting[origin]
            else:
                waiting[origin] = Owed(message=message, problem=problem)
    return standing.model_copy(update={"owed": owed})


def joined(standing: Standing, aside: Standing) -> Standing:
    """Put what was noted aside, while the state's own place was out of reach, into the state."""
    days = sorted({*standing.told, *aside.told})
    told = {day: standing.told.get(day, {}) | aside.told.get(day, {}) for day in days}
    channels = {*standing.owed, *aside.owed}
    owed = {channel: standing.owed.get(channel, {}) | aside.owed.get(channel, {}) for channel in sorted(channels)}
    begun = {origin: _longer(past, standing.troubles.get(origin)) for origin, past in aside.troubles.items()}
    return Standing(told=told, troubles=standing.troubles | begun, owed=owed)


def _longer(past: Past, other: Past | None) -> Past:
    return past if other is None else past.model_copy(update={"since": min(past.since, other.since)})
