"""The forms of the deployments: what people fill in to start a run, checked before it starts."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.settings import BUSINESS_ZONE

_CODE = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r"(s3://[^/\s]+(/.*)?|file://.+|[^:]+)")
_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
_BUILD = r"^\d{8}T\d{12}Z-[0-9a-f]{8}$"


def checked_codes(offices: tuple[str, ...]) -> tuple[str, ...]:
    """Give codes of offices as they are.

    Raises:
        ValueError: one is none.
    """
    if not all(_CODE.fullmatch(office) for office in offices):
        raise ValueError("an office's code has letters, digits, _ and - only, such as DPS")
    return offices


class _Form(BaseModel):
    """What all forms share: nothing unknown is filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _LandingForm(_Form):
    """Which files are read."""

    office: Annotated[tuple[str, ...], Field(title="Kantor / Offices")] = Field(
        default=(), description="Hanya ekspor peserta kantor ini / only the participant exports of these offices"
    )
    landing: str | None = Field(
        default=None,
        title="Zona pendaratan / Landing zone",
        description="Folder atau s3://bucket/prefix; kosong: menurut setelan / as the settings say if empty",
    )

    @field_validator("office")
    @classmethod
    def _codes(cls, offices: tuple[str, ...]) -> tuple[str, ...]:
        return checked_codes(offices)

    @field_validator("landing")
    @classmethod
    def _place(cls, landing: str | None) -> str | None:
        if landing is not None and not _PLACE.fullmatch(landing):
            raise ValueError("expected a local path, file://… or s3://bucket/prefix")
        return landing or None


class _DayForm(_Form):
    """For which day."""

    as_of: date | None = Field(
        default=None,
        title="Tanggal bisnis / Business date",
        description="Kosong: hari jadwalnya di Jakarta / the day for which the run is scheduled, in Jakarta, if empty",
    )

    @field_validator("as_of", mode="before")
    @classmethod
    def _day_of_moment(cls, said: object) -> object:
        """Take a moment for its day in Jakarta: an automation knows for when a run was scheduled, and no more."""
        if isinstance(said, str) and "T" in said:
            return datetime.fromisoformat(said).astimezone(BUSINESS_ZONE).date()
        return said


class NightForm(_LandingForm, _DayForm):
    """Satu malam / one night."""

    force: bool = Field(
        default=False,
        title="Paksa / Force",
        description="Bangun walau tidak ada yang baru / build even where nothing is new",
    )
    catch_up: bool = Field(
        default=False,
        title="Menyusul / Catch up",
        description="Jangan bangun bila tanggal yang lebih baru sudah terbit / "
        "build nothing where a later date is published already",
    )


class LandForm(_LandingForm):
    """Sapuan zona pendaratan / a sweep of the landing zone."""


class SyncForm(_Form):
    """Sinkronisasi dengan BPS / the sync with BPS."""

    domains: Annotated[tuple[str, ...], Field(title="Domain BPS / BPS domains")] = Field(
        default=(), description="Kosong: semua dalam katalog / all of the catalogue if empty"
    )
    first_year: int | None = Field(
        default=None,
        ge=1900,
        le=2100,
        title="Dari tahun / First year",
        description="Kosong: sembilan tahun sebelum yang terakhir / nine years before the last if empty",
    )
    last_year: int | None = Field(
        default=None,
        ge=1900,
        le=2100,
        title="Sampai tahun / Last year",
        description="Kosong: tahun ini / this year if empty",
    )
    force: bool = Field(
        default=False,
        title="Paksa / Force",
        description="Tanyakan juga yang baru ditanyakan / ask also for what was asked for lately",
    )


class PromoteForm(_Form):
    """Terbitkan satu build / move the pointer to one build; an older one is a rollback."""

    build_id: str = Field(
        pattern=_BUILD,
        title="Build",
        description="Nama folder di <publish>/builds / the folder's name; cakupan builds lists them",
    )


class BackfillForm(_Form):
    """Bulan-bulan yang dibaca ulang / months that are read again."""

    first: str = Field(pattern=_MONTH, title="Dari bulan / First month", description="YYYY-MM / YYYY-MM")
    last: str = Field(pattern=_MONTH, title="Sampai bulan / Last month", description="YYYY-MM / YYYY-MM")
    office: Annotated[tuple[str, ...], Field(title="Kantor / Offices")] = Field(
        default=(), description="Kosong: semua kantor / all offices if empty"
    )
    only_missing: bool = Field(
        default=False,
        title="Hanya yang belum ada / Only missing",
        description="Biarkan bulan yang sudah ada / leave alone the months of offices that stand",
    )
    promote: bool = Field(
        default=False,
        title="Terbitkan / Promote",
        description="Muat dan terbitkan yang sudah ditunjukkan / commit and promote what was shown",
    )
    dry_run: bool = Field(
        default=False, title="Hanya rencana / Plan only", description="Tidak membaca apa pun / nothing is read"
    )

    @field_validator("office")
    @classmethod
    def _codes(cls, offices: tuple[str, ...]) -> tuple[str, ...]:
        return checked_codes(offices)


class RetentionForm(_Form):
    """Yang tidak perlu disimpan lagi / what need not be kept any longer."""

    dry_run: bool = Field(
        default=False,
        title="Uji coba / Dry run",
        description="Katakan yang akan dihapus, jangan hapus / tell what would go, remove nothing",
    )
