"""Settings: `CAKUPAN_*` variables, then `cakupan.toml`, then local folders under `var/`."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sources.places import Folder, Place, PlaceError

if TYPE_CHECKING:
    from sources.s3_access import S3Access

_SCHEDULER = re.compile("(tcp|tls)://[^/:]+:[0-9]{1,5}")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
BUSINESS_ZONE = ZoneInfo("Asia/Jakarta")


class Settings(BaseSettings):
    """What a run needs to know of its surroundings."""

    # A key under a mistyped name must not be quoted by the error that refuses the name.
    model_config = SettingsConfigDict(
        env_prefix="CAKUPAN_", toml_file="cakupan.toml", extra="forbid", hide_input_in_errors=True
    )

    landing: str = Field(default="var/landing", description="folder of the landing zone")
    lake: str = Field(default="var/lake", description="folder of the lake")
    publish: str = Field(default="var/publish", description="folder of the published builds")
    secrets: Path = Field(default=Path("var/secrets"), description="folder of keys that are made here")
    person_key: SecretStr | None = Field(default=None, description="key under which NIK and KPJ are hashed")
    memory_limit: str = Field(default="4GB", description="memory that DuckDB may use")
    threads: int | None = Field(default=None, description="threads that DuckDB may use; default: all cores")
    required: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="datasets without which nothing is published, separated by commas"
    )

    report_url: str | None = Field(default=None, description="address under which people find the builds")

    keep_builds_days: int = Field(default=90, ge=0, description="days for which builds that passed are kept")
    keep_builds: int = Field(default=30, ge=1, description="so many of the newest builds that passed always stay")
    keep_monthly_builds_days: int = Field(default=1096, ge=0, description="days for a business month's last build")
    keep_failed_builds_days: int = Field(default=14, ge=0, description="days for builds that failed, and builds aside")
    keep_versions_days: int = Field(default=30, ge=0, description="days for replaced versions of core tables")
    keep_raw_days: int = Field(default=400, ge=0, description="days for raw bytes that nothing kept refers to")
    keep_quarantine_days: int = Field(default=90, ge=0, description="days for quarantined lines, once mended")
    grace_hours: int = Field(
        default=48, ge=1, le=720, description="hours for which a reader may hold what was replaced"
    )

    bps_key: SecretStr | None = Field(default=None, description="key of the BPS WebAPI")
    bps_url: str = Field(default="https://webapi.bps.go.id/v1/api/", description="base address of the BPS WebAPI")
    bps_seconds_between: float = Field(default=1.0, ge=0, description="least time between two requests to BPS")
    bps_refresh_days: int = Field(default=25, ge=0, le=3650, description="days after which BPS is asked again")
    bps_series: Path | None = Field(default=None, description="catalogue of BPS series; default: the shipped one")

    alert_smtp_url: SecretStr | None = Field(default=None, description="mail server that takes the alerts")
    alert_from: str | None = Field(default=None, description="sender of the alerts")
    alert_to: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="mail addresses that the alerts go to, separated by commas"
    )
    alert_webhook_url: SecretStr | None = Field(default=None, description="webhook that the alerts are posted to")
    alert_on: Literal["every night", "trouble"] = Field(default="every night", description="what people are told")

    runner: Literal["here", "dask"] = Field(default="here", description="where files are read")
    dask_address: str | None = Field(default=None, description="scheduler of the Dask cluster: tcp://host:8786")

    cache: Path = Field(default=Path("var/cache"), description="folder for copies of files on S3")
    s3_endpoint_url: str | None = Field(default=None, description="address of another S3 than Amazon's")
    s3_region: str | None = Field(default=None, description="region of the buckets")
    s3_path_style: bool = Field(default=False, description="the bucket stands in the path, not in the host's name")
    s3_access_key_id: str | None = Field(default=None, description="credential; by default the usual AWS chain")
    s3_secret_access_key: SecretStr | None = Field(default=None, description="credential; by default the AWS chain")
    s3_session_token: SecretStr | None = Field(default=None, description="credential that ends by itself")
    s3_encryption: Literal["AES256", "aws:kms"] | None = Field(default=None, description="server-side encryption")
    s3_kms_key_id: str | None = Field(default=None, description="key for aws:kms")
    s3_attempts: int = Field(default=6, ge=1, le=20, description="how often a request to S3 is tried")
    lease_seconds: int = Field(default=300, ge=5, le=86400, description="how long a lease on S3 outlives its holder")

    prefect_home: Path = Field(default=Path("var/prefect"), description="folder of Prefect's own files")
    prefect_database_url: SecretStr | None = Field(
        default=None, description="Prefect's PostgreSQL, postgresql+asyncpg://…; default: SQLite in prefect_home"
    )
    prefect_auth: SecretStr | None = Field(default=None, description="user:password of Prefect's UI and API")
    logs: Path = Field(default=Path("var/log"), description="folder for what the processes of cakupan serve say")

    @property
    def s3_access(self) -> "S3Access":
        """How S3 is reached."""
        from sources.s3_access import S3Access

        return S3Access(
            self.s3_endpoint_url,
            self.s3_region,
            self.s3_path_style,
            self.s3_access_key_id,
            self.s3_secret_access_key,
            self.s3_session_token,
            self.s3_encryption,
            self.s3_kms_key_id,
            self.s3_attempts,
        )

    @field_validator("s3_region", mode="after")
    @classmethod
    def _in_small_letters(cls, region: str | None) -> str | None:
        return region.strip().lower() if region else None

    @field_validator("s3_endpoint_url", mode="after")
    @classmethod
    def _with_scheme(cls, address: str | None) -> str | None:
        if address and not address.startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        return address or None

    @model_validator(mode="after")
    def _with_scheduler(self) -> "Settings":
        if self.runner == "dask" and not _SCHEDULER.fullmatch(self.dask_address or ""):
            raise ValueError(
                "CAKUPAN_RUNNER=dask needs CAKUPAN_DASK_ADDRESS, such as tcp://host:8786 or tls://host:8786"
            )
        return self

    @field_validator("lake", mode="after")
    @classmethod
    def _without_escapes(cls, lake: str) -> str:
        # delta-rs takes these for escapes, once more than it writes them.
        if _ESCAPE.search(lake):
            raise ValueError("a lake cannot stand under a path with % before two digits; name another place")
        return lake

    @field_validator("required", "alert_to", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings names it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let variables win over the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def business_today() -> date:
    """Give today's date in Asia/Jakarta."""
    return datetime.now(BUSINESS_ZONE).date()


class UnknownDatasetError(ValueError):
    """A setting names a dataset that does not exist."""


class UnknownPlaceError(ValueError):
    """A URI that this version cannot use."""


def place_of(uri: str, settings: Settings) -> Place:
    """Give the place that a URI names.

    Args:
        uri: a local path, `file://…` or `s3://bucket/prefix`.
        settings: how S3 is reached, and where copies of its files are kept.

    Raises:
        UnknownPlaceError: the URI names something else, or no bucket.
    """
    if uri.startswith("s3://"):
        from sources.buckets import bucket_of

        try:
            return bucket_of(uri, settings.s3_access, settings.cache)
        except PlaceError as nameless:
            raise UnknownPlaceError(str(nameless)) from None
    if "://" in uri and not uri.startswith("file://"):
        raise UnknownPlaceError(f"{uri} is no place; expected a local path, file://… or s3://bucket/prefix")
    return Folder(Path(uri.removeprefix("file://")))


class RunnerError(ValueError):
    """A run that cannot be where the settings say."""


def confirm_here(settings: Settings) -> None:
    """Make sure that a plain run may read files on this machine.

    Raises:
        RunnerError: they are read on a cluster, through Prefect.
    """
    if settings.runner == "dask":
        raise RunnerError(
            "CAKUPAN_RUNNER=dask: a plain run reads no files on a cluster; use cakupan run --prefect or a deployment, "
            "or set CAKUPAN_RUNNER=here for this run"
        )


def confirm_apart(settings: Settings) -> None:
    """Make sure that lake and builds do not stand inside the landing zone: their files would be read as exports.

    Raises:
        UnknownPlaceError: one does.
    """
    landing = _whole(settings.landing, settings)
    for name in ("lake", "publish"):
        uri: str = getattr(settings, name)
        if _whole(uri, settings).startswith(landing):
            raise UnknownPlaceError(f"{uri} ({name}) stands inside the landing zone {settings.landing}; set them apart")


def _whole(uri: str, settings: Settings) -> str:
    place = place_of(uri, settings)
    return f"{place.root.absolute() if isinstance(place, Folder) else place.uri}/"
