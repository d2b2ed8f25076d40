"""What was asked of BPS and what became of it: one JSON line for each answer, only ever added to."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sources.bps.labels import year_of
from sources.places import Place

_FILE = "history.jsonl"
_SHA256 = re.compile(rb"[0-9a-f]{64}")
Kind = Literal["periods", "data", "nothing", "settled", "cap", "foreign"]


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: `periods` (the list of periods came), `data` (an answer came), `nothing` (BPS has nothing for the
            periods), `settled` (answers were decoded and what they changed has landed), `cap` (a domain's cap was
            learnt), `foreign` (an answer came that is none; it is kept, and its periods count as not asked for).
        domain: four digits.
        at: when, in UTC; of `settled`, when its answers came.
        variable: `var_id`.
        address: what was asked, without the key.
        periods: label by `th_id`.
        sha256: of the raw answers (`periods`, `data`), or of the landed file (`settled`; empty: nothing changed).
        file: the landed file, within the landing zone.
        answers: keys of the settled answers.
        unit: kind of unit that they stated.
        cap: periods a call.
    """

    kind: Kind
    domain: str
    at: datetime
    variable: str = ""
    address: tuple[str, ...] = ()
    periods: Mapping[str, str] = field(default_factory=dict[str, str])
    sha256: tuple[str, ...] = ()
    file: str = ""
    answers: tuple[str, ...] = ()
    unit: str = ""
    cap: int = 0

    @property
    def key(self) -> str:
        """Name an answer: when it came, for which periods, and what it said."""
        return " ".join([self.at.isoformat(), ";".join(self.periods), *(one[:12] for one in self.sha256)])

    @property
    def years(self) -> list[int]:
        """Give the years of the periods."""
        return sorted({year for label in self.periods.values() if (year := year_of(label)) is not None})

    def line(self) -> str:
        """Write the event as one line of JSON, without what is empty."""
        said = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(said | {"at": self.at.isoformat()}, ensure_ascii=False)


@dataclass
class History:
    """The events of one lake, kept in one file; a line that was cut by a crash counts as not written."""

    place: Place
    _events: dict[tuple[str, str], list[Event]] = field(default_factory=dict[tuple[str, str], list[Event]], init=False)
    _caps: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _mend: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Read what is there."""
        lines = (self.place.read(_FILE) or b"").splitlines()
        # A line that was cut must not swallow the next one.
        self._mend = "\n" if lines and not (self.place.read(_FILE) or b"").endswith(b"\n") else ""
        self._remember(event for line in lines if (event := _event(line)) is not None)

    def add(self, *events: Event) -> None:
        """Write events at the end of the file, so that they survive a crash."""
        if not events:
            return
        text = "".join(f"{event.line()}\n" for event in events)
        self.place.append(_FILE, f"{self._mend}{text}".encode())
        self._mend = ""
        self._remember(events)

    def _remember(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.kind == "cap":
                self._caps[event.domain] = event.cap
            self._events.setdefault((event.domain, event.variable), []).append(event)

    def of(self, domain: str, variable: str, *kinds: Kind) -> list[Event]:
        """Give the events of some kinds of a variable, in their order."""
        return [event for event in self._events.get((domain, variable), []) if event.kind in kinds]

    def periods(self, domain: str, variable: str) -> Event | None:
        """Give the latest list of a variable's periods."""
        return next(iter(reversed(self.of(domain, variable, "periods"))), None)

    def asked_at(self, domain: str, variable: str) -> dict[str, datetime]:
        """Give when each period (`th_id`) of a variable was asked for last."""
        asked = self.of(domain, variable, "data", "nothing")
        return {period: event.at for event in sorted(asked, key=lambda e: e.at) for period in event.periods}

    def units(self, domain: str, variable: str) -> dict[str, str]:
        """Give the kind of unit that each settled answer stated, by its key."""
        settled = self.of(domain, variable, "settled")
        return {key: event.unit for event in settled if event.unit for key in event.answers}

    def landed(self, domain: str, variable: str) -> dict[str, Event]:
        """Give by file the event with which it landed as it is now; a file may be replaced within its day."""
        return {event.file: event for event in self.of(domain, variable, "settled") if event.file}

    def caps(self) -> dict[str, int]:
        """Give how many periods each domain allows in one call, as far as it was learnt."""
        return dict(self._caps)

    def waiting(self, domain: str, variable: str) -> list[Event]:
        """Give the answers that were not settled, and whose periods no later answer has settled."""
        asked = {event.key: event for event in self.of(domain, variable, "data", "nothing")}
        settled = {key for event in self.of(domain, variable, "settled") for key in event.answers}
        since = {period: asked[key].at for key in sorted(settled & asked.keys()) for period in asked[key].periods}
        return [
            event
            for key, event in asked.items()
            if key not in settled and any(since.get(period, event.at) <= event.at for period in event.periods)
        ]


def referred_bytes(place: Place) -> set[str]:
    """Give the sha256 of all raw bytes that the history of a lake's syncs names, also in lines that nobody can read."""
    return {found.decode() for found in _SHA256.findall(place.read(_FILE) or b"")}


def is_old(at: datetime, now: datetime, days: int) -> bool:
    """Tell whether something is so many days old."""
    return (now - at).days >= days


def _event(line: bytes) -> Event | None:
    try:
        said: dict[str, Any] = json.loads(line)
        said |= {name: tuple(said[name]) for name in ("address", "sha256", "answers") if name in said}
        said["at"] = datetime.fromisoformat(said["at"])
        return Event(**said) if said["at"].tzinfo is not None else None
    except (ValueError, TypeError, KeyError):
        return None
