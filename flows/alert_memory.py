"""Where is kept what was told: beside the published builds, and on this machine while they are out of reach."""

from collections.abc import Callable

from pydantic import ValidationError

from flows.bounded import within
from flows.commands import complain
from flows.settings import Settings, UnknownPlaceError, place_of
from reports.telling import Standing, joined
from sources.places import ABSENT, Folder, Place, PlaceError, TakenError

FILE = "alerts.json"
_SECONDS = 30.0


class Memory:
    """What was told and what is owed, for one publish place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._aside = Folder(settings.cache)
        self._is_lost = False

    def change(self, step: Callable[[Standing], Standing]) -> Standing:
        """Take a step from what is kept now, and keep where it leads.

        Args:
            step: a pure function; it is taken again where another process was faster.

        Returns:
            Where the step led, whether that could be kept or not: what is not kept is told again.
        """
        if not self._is_lost:
            try:
                return self._change_at_place(step)
            except (OSError, UnknownPlaceError):
                self._is_lost = True
        after = step(standing_at(self._aside))
        try:
            self._aside.write(FILE, _written(after))
        except OSError as fault:
            complain(f"what people were told cannot be kept: {type(fault).__name__}")
        return after

    def _change_at_place(self, step: Callable[[Standing], Standing]) -> Standing:
        place = place_of(self._settings.publish, self._settings)
        for _ in range(5):
            stamp, standing = within(_SECONDS, lambda: _look(place))
            after = step(joined(standing, standing_at(self._aside)))
            try:
                if after != standing:
                    within(_SECONDS, lambda stamp=stamp, after=after: place.write(FILE, _written(after), stamp))
            except TakenError:
                continue
            self._aside.remove([FILE])
            return after
        raise PlaceError(f"{place.uri}/{FILE} is written by others all the time")


def _look(place: Place) -> tuple[str, Standing]:
    if not place.exists():
        raise PlaceError(f"{place.uri} is not there")
    standing = place.stat(FILE)
    return (ABSENT, Standing()) if standing is None else (standing.stamp, standing_at(place))


def standing_at(place: Place) -> Standing:
    """Give what was told and what is owed, as it is kept in a place."""
    kept = place.read(FILE)
    try:
        return Standing() if kept is None else Standing.model_validate_json(kept)
    except ValidationError:
        # A damaged record must not silence the alerts; at worst something is told twice.
        return Standing()


def _written(standing: Standing) -> bytes:
    return standing.model_dump_json(indent=1).encode() + b"\n"
