"""What is told and what is not: told as series of events, with the messages that each of them brings."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from reports.message import Facts, Message, Origin, Reason, Result
from reports.telling import Delivery, Standing, claimed, heard, joined, settled, to_send

START = datetime(2026, 11, 20, 1, 30, tzinfo=ZoneInfo("Asia/Jakarta"))
NO_CODE: tuple[Reason, ...] = ()


def event(words: str, number: int = 0) -> Facts:
    """Read an event: `20 night gate key` is a gate that failed by the check `key` in the night of 20 November."""
    day, origin, result, *codes = words.split()
    origins: dict[str, Origin] = {"night": "night", "land": "land", "watch": "watch"}
    found: Result = result  # pyright: ignore[reportAssignmentType]
    return Facts(
        result=found,
        as_of=date(2026, 11, int(day)),
        at=START + timedelta(minutes=10 * number),
        origin=origins[origin],
        reasons=tuple(Reason("core.x", code, "salah", "wrong") for code in codes),
    )


@dataclass
class People:
    """Who hears: the state, and by channel the subjects of what arrived."""

    every_night: bool = True
    channels: tuple[str, ...] = ("mail",)
    standing: Standing = field(default_factory=Standing)
    heard: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    texts: list[str] = field(default_factory=list[str])
    clock: int = 0

    def hear(self, words: str, down: Sequence[str] = ()) -> list[str]:
        """Let an event happen while some channels are down; give the heads of what arrived, by channel."""
        self.clock += 1
        facts = event(words, self.clock)
        noted = heard(self.standing, facts, self.channels, every_night=self.every_night)
        self.standing = Standing.model_validate_json(claimed(noted, facts.at).model_dump_json())
        waiting = list(to_send(self.standing, facts.at))
        sent = [Delivery(name, message, "down" if name in down else None) for name, message in waiting]
        self.standing = settled(self.standing, sent)
        taken = [one for one in sent if one.problem is None]
        self.texts += [one.message.text for one in taken]
        return [brief(one.message) for one in taken]


def brief(message: Message) -> str:
    """Give a message as `20 gate` or, where it ends a trouble, `20 published, recovered`."""
    day, result = message.fields["as_of"][-2:], message.fields["result"]
    return f"{day} {result}" + (", recovered" if message.fields["recovered_since"] else "")


Story = list[tuple[str, list[str]]]

STORIES: dict[str, Story] = {
    "a success is told once a date": [
        ("20 night published", ["20 published"]), ("20 night unchanged", []), ("20 night published", []),
        ("20 night warnings", []), ("21 night unchanged", ["21 unchanged"]),
    ],
    "the same failure is told once a date": [
        ("20 night gate key", ["20 gate"]), ("20 night gate key", []), ("20 night gate key", []),
        ("21 night gate key", ["21 gate"]),
    ],
    "another failure is told": [
        ("20 night gate key", ["20 gate"]), ("20 night gate row_count", ["20 gate"]),
        ("20 night fault", ["20 fault"]), ("20 night gate key", []), ("20 night gate row_count key", ["20 gate"]),
    ],
    "the first success after a failure is told as recovery": [
        ("20 night gate key", ["20 gate"]), ("21 night gate key", ["21 gate"]),
        ("21 night warnings", ["21 warnings, recovered"]), ("21 night unchanged", []),
    ],
    "recovery is told on a date that already had a success": [
        ("20 night published", ["20 published"]), ("20 night fault", ["20 fault"]),
        ("20 night published", ["20 published, recovered"]), ("20 night published", []),
    ],
    "a failure that comes back after recovery is told again": [
        ("20 night fault", ["20 fault"]), ("20 night published", ["20 published, recovered"]),
        ("20 night fault", ["20 fault"]),
    ],
    "the success of an earlier date ends no later failure": [
        ("21 night gate key", ["21 gate"]), ("20 night published", ["20 published"]),
        ("21 night published", ["21 published, recovered"]),
    ],
    "a sweep tells trouble and recovery only": [
        ("20 land landed", []), ("20 land source", ["20 source"]), ("20 land source", []),
        ("20 land landed", ["20 landed, recovered"]), ("20 land landed", []),
    ],
    "what a sweep told, the night does not tell again": [
        ("20 land source", ["20 source"]), ("20 night source", []), ("20 land landed", ["20 landed, recovered"]),
        ("20 night published", ["20 published, recovered"]),
    ],
    "a sweep that works does not end what is wrong with the night": [
        ("20 night gate key", ["20 gate"]), ("20 land landed", []), ("20 night gate key", []),
        ("20 night published", ["20 published, recovered"]),
    ],
    "a night that works ends what was wrong with sweeps": [
        ("20 land source", ["20 source"]), ("20 night published", ["20 published, recovered"]), ("20 land landed", []),
    ],
    "nobody is told every hour that no night succeeded": [
        ("20 watch alive", []), ("20 watch too_old", ["20 too_old"]), ("20 watch too_old", []),
        ("21 watch too_old", ["21 too_old"]), ("21 night published", ["21 published, recovered"]),
        ("21 watch alive", []),
    ],
    "a night that failed is not told once more by the dead man's check": [
        ("20 night gate key", ["20 gate"]), ("20 watch too_old", []), ("20 watch too_old", []),
        ("21 watch too_old", ["21 too_old"]),
    ],
    "a place out of reach is told beside a failed night": [
        ("20 night gate key", ["20 gate"]), ("20 watch unreachable", ["20 unreachable"]),
        ("20 watch unreachable", []), ("20 watch alive", ["20 alive, recovered"]),
        ("21 night published", ["21 published, recovered"]),
    ],
    "the dead man's check ends what it told itself": [
        ("20 watch unreachable", ["20 unreachable"]), ("20 watch alive", ["20 alive, recovered"]),
        ("20 watch alive", []),
    ],
    "a night that was killed is told by the check and by the next night": [
        ("20 night published", ["20 published"]), ("21 watch too_old", ["21 too_old"]),
        ("22 night published", ["22 published, recovered"]), ("22 watch alive", []),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_a_story(name: str) -> None:
    people = People()
    assert [(words, people.hear(words)) for words, _ in STORIES[name]] == STORIES[name]


def test_who_hears_of_trouble_only_hears_of_recovery_too() -> None:
    people = People(every_night=False)
    told = [people.hear(words) for words in ("19 night published", "20 night gate key", "21 night published")]
    assert told == [[], ["20 gate"], ["21 published, recovered"]]
    assert people.hear("22 night published") == []


def test_recovery_names_since_when() -> None:
    people = People()
    for words in ("20 night gate key", "21 night fault", "21 night published"):
        people.hear(words)
    assert "in trouble since 2026-11-20 01:40 WIB (berhenti karena" in people.texts[-1]


# --- a channel that fails ------------------------------------------------------------------------------------------


def test_what_a_channel_did_not_take_it_gets_with_the_next_call() -> None:
    people = People(channels=("mail", "webhook"))
    assert people.hear("20 night gate key", down=["mail"]) == ["20 gate"]
    assert [owed.problem for owed in people.standing.owed["mail"].values()] == ["down"]
    assert people.hear("20 watch alive") == ["20 gate"]
    assert people.hear("20 watch alive") == []


def test_a_trouble_that_ended_meanwhile_is_told_as_recovery_only() -> None:
    people = People()
    assert people.hear("20 night gate key", down=["mail"]) == []
    assert people.hear("21 night published") == ["21 published, recovered"]
    assert people.hear("21 watch alive") == []


def test_newer_news_of_the_same_kind_takes_the_place_of_what_is_owed() -> None:
    people = People()
    for day in range(10, 20):
        assert people.hear(f"{day} night gate key", down=["mail"]) == []
    assert people.hear("20 night gate key") == ["20 gate"]


def test_what_is_owed_comes_in_the_order_in_which_it_was_written() -> None:
    people = People()
    people.hear("20 night gate key", down=["mail"])
    people.hear("20 watch unreachable", down=["mail"])
    assert people.hear("20 land landed") == ["20 gate", "20 unreachable"]


def test_a_channel_that_is_not_set_up_any_more_is_owed_nothing() -> None:
    people = People(channels=("mail", "webhook"))
    people.hear("20 night gate key", down=["mail", "webhook"])
    people.channels = ("webhook",)
    assert people.hear("20 watch alive") == ["20 gate"]
    assert set(people.standing.owed) == {"webhook"}


def test_two_processes_do_not_send_the_same_at_once() -> None:
    facts = event("20 night gate key")
    first = claimed(heard(Standing(), facts, ["mail"], every_night=True), facts.at)
    assert len(list(to_send(first, facts.at))) == 1
    soon, later = facts.at + timedelta(seconds=30), facts.at + timedelta(minutes=3)
    assert list(to_send(claimed(first, soon), soon)) == []
    # The first one was killed while it sent.
    assert len(list(to_send(claimed(first, later), later))) == 1


# --- the state -----------------------------------------------------------------------------------------------------


def test_the_state_does_not_grow_for_ever() -> None:
    standing = Standing()
    for day in range(400):
        facts = replace(event("20 night published"), as_of=date(2026, 1, 1) + timedelta(days=day))
        standing = heard(standing, facts, ["mail"], every_night=True)
    assert len(standing.told) == 31
    assert len(standing.owed["mail"]) == 1


def test_what_was_noted_aside_joins_what_stands() -> None:
    standing, aside = People(), People()
    standing.hear("19 night published")
    standing.hear("20 land source", down=["mail"])
    aside.clock = -5
    aside.hear("20 night unreachable")
    aside.hear("20 land source")
    both = joined(standing.standing, aside.standing)
    assert set(both.told) == {"2026-11-19", "2026-11-20"}
    assert set(both.troubles) == {"night", "land"}
    assert both.troubles["land"].since == event("20 land source", -3).at
    assert joined(both, Standing()) == both
    after = People(standing=both)
    assert after.hear("20 night unreachable") == ["20 source"]
    assert after.hear("21 night published") == ["21 published, recovered"]
