"""A build that was finished and not promoted is taken by the next night, if a new one would be the same."""

import pytest

from tests.support import AS_OF, Home, marts_of, target, trusting_judges
from warehouse.publish import Publication

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trusting")]


class DiedError(Exception):
    """The night ends here."""


def die(*_: object) -> None:
    """Stand for a process that ends here."""
    raise DiedError


@pytest.fixture(scope="module")
def died(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home whose night died before it promoted."""
    home = Home(tmp_path_factory.mktemp("died"))
    home.put("targets/t.csv", [target()])
    with trusting_judges(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Publication, "promote", die)
        with pytest.raises(DiedError):
            home.run()
    return home


@pytest.fixture
def finished(died: Home, home: Home) -> str:
    """Let the night have died before it promoted, and give its build."""
    died.copied_to(home.root)
    (build,) = home.publication.builds()
    return build.build_id


def test_the_next_night_promotes_it(home: Home, finished: str) -> None:
    report = home.run()
    assert report.promoted
    assert (home.publication.promoted_id(), len(home.publication.builds())) == (finished, 1)


def test_a_forced_night_builds_anew(home: Home, finished: str) -> None:
    home.run(forced=True)
    assert home.publication.promoted_id() != finished
    folders = [home.publication.folder_of(build.build_id) for build in home.publication.builds()]
    assert marts_of(folders[0]) == marts_of(folders[1]) != {}


def test_news_make_another_build(home: Home, finished: str) -> None:
    home.put("targets/more.csv", [target(segment="PU")])
    home.run()
    assert home.publication.promoted_id() != finished


def test_another_business_date_makes_another_build(home: Home, finished: str) -> None:
    home.run(AS_OF.replace(month=12, day=31))
    assert home.publication.promoted_id() != finished


def test_a_build_that_was_judged_under_other_demands_is_not_taken(home: Home, finished: str) -> None:
    assert home.run(required=("participants",)).result == "failure"
    assert home.publication.promoted_id() is None
    assert finished in {build.build_id for build in home.publication.builds()}


def test_a_damaged_build_is_not_taken(home: Home, finished: str) -> None:
    path = home.publication.folder_of(finished) / "marts" / "coverage.parquet"
    path.chmod(0o644)
    path.write_bytes(b"")
    home.run()
    assert home.publication.promoted_id() != finished


def test_a_build_that_was_compared_with_another_one_is_not_taken(
    home: Home, finished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.run()
    home.put("targets/more.csv", [target(segment="PU")])
    home.run()
    with monkeypatch.context() as patch:
        patch.setattr(Publication, "promote", die)
        with pytest.raises(DiedError):
            home.run(forced=True)
    forced = home.publication.builds()[0].build_id
    home.publication.promote(finished)
    report = home.run()
    assert report.build is not None
    assert report.build.build_id not in (finished, forced)


def test_a_night_that_catches_up_publishes_nothing_older(home: Home) -> None:
    home.put("targets/t.csv", [target()])
    home.run(AS_OF)
    promoted = home.publication.promoted_id()
    home.put("targets/more.csv", [target(segment="PU")])
    from flows.nightly import run_night

    night = home.night(AS_OF.replace(day=20))
    night.is_catching_up = True
    assert run_night(night).result == "unchanged"
    assert home.publication.promoted_id() == promoted
    assert len(home.core("targets")) == 2
