"""The forms of the deployments take what makes sense, and say what they expect instead."""

from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from flows.forms import BackfillForm, LandForm, NightForm, PromoteForm, RetentionForm, SyncForm


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (NightForm, {}),
        (NightForm, {"as_of": "2026-11-21", "office": ["DPS", "N07"], "landing": "s3://masuk/ekspor", "force": True}),
        (LandForm, {"landing": "var/landing"}),
        (LandForm, {"landing": "file:///srv/landing"}),
        (SyncForm, {"domains": ["5100"], "first_year": 2017, "last_year": 2026}),
        (PromoteForm, {"build_id": "20261121T013000000000Z-1a2b3c4d"}),
        (BackfillForm, {"first": "2025-01", "last": "2025-12", "office": ["SLK"], "promote": True}),
        (RetentionForm, {"dry_run": True}),
    ],
)
def test_what_makes_sense_is_taken(form: type[BaseModel], given: dict[str, Any]) -> None:
    assert form.model_validate(given).model_dump(exclude_unset=True, mode="json") == given


@pytest.mark.parametrize(
    ("form", "given"),
    [
        (NightForm, {"as_of": "besok"}),
        (NightForm, {"as_of": "2026-02-30"}),
        (NightForm, {"office": ["../x"]}),
        (NightForm, {"landing": "ftp://x"}),
        (NightForm, {"landing": "s3://"}),
        (NightForm, {"surprise": 1}),
        (LandForm, {"as_of": "2026-11-21"}),
        (SyncForm, {"first_year": 1800}),
        (PromoteForm, {}),
        (PromoteForm, {"build_id": "../latest"}),
        (BackfillForm, {"first": "2025-01"}),
        (BackfillForm, {"first": "2025-13", "last": "2025-13"}),
        (BackfillForm, {"first": "2025-01", "last": "2025-12", "office": ["a b"]}),
        (RetentionForm, {"days": 3}),
    ],
)
def test_what_makes_none_is_refused(form: type[BaseModel], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        form.model_validate(given)


@pytest.mark.parametrize(
    ("moment", "day"),
    [("2026-11-20T18:30:00+00:00", date(2026, 11, 21)), ("2026-11-21T01:30:00+07:00", date(2026, 11, 21))],
)
def test_a_moment_is_taken_for_its_day_in_jakarta(moment: str, day: date) -> None:
    assert NightForm.model_validate({"as_of": moment}).as_of == day


@pytest.mark.parametrize("form", [NightForm, LandForm, SyncForm, PromoteForm, BackfillForm, RetentionForm])
def test_every_field_speaks_both_languages(form: type[BaseModel]) -> None:
    for name, field in form.model_fields.items():
        assert field.title, name
        assert " / " in str(field.description), name


def test_the_business_date_comes_first() -> None:
    assert next(iter(NightForm.model_fields)) == "as_of"
