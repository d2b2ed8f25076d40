"""Settings: `CAKUPAN_*` variables, then `cakupan.toml`, then local folders under `var/`."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sources.places import Folder, Place, PlaceError

if TYPE_CHECKING:
    from sources.buckets import S3Access

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

    bps_key: SecretStr | None = Field(default=None, description="key of the BPS WebAPI")
    bps_url: str = Field(default="https://webapi.bps.go.id/v1/api/", description="base address of the BPS WebAPI")
    bps_seconds_between: float = Field(default=1.0, ge=0, description="least time between two requests to BPS")
    bps_refresh_days: int = Field(default=30, ge=0, le=3650, description="days after which BPS is asked again")
    bps_series: Path | None = Field(default=None, description="catalogue of BPS series; default: the shipped one")

    cache: Path = Field(default=Path("var/cache"), description="folder for copies of files on S3")
    s3_endpoint_url: str | None = Field(default=None, description="address of another S3 than Amazon's")
    s3_region: str | None = Field(default=None, description="region of the buckets")
    s3_path_style: bool = Field(default=False, description="the bucket stands in the path, not in the host's name")
    s3_access_key_id: str | None = Field(default=None, description="credential; by default the usual AWS chain")
    s3_secret_access_key: SecretStr | None = Field(default=None, description="credential; by default the AWS chain")
    s3_session_token: SecretStr | None = Field(default=None, description="credential that ends by itself")
    s3_encryption: Literal["AES256", "aws:kms"] | None = Field(default=None, description="server-side encryption")
    s3_kms_key_id: str | None = Field(default=None, description="key for aws:kms")

    @property
    def s3_access(self) -> "S3Access":
        """How S3 is reached."""
        from sources.buckets import S3Access

        return S3Access(
            self.s3_endpoint_url,
            self.s3_region,
            self.s3_path_style,
            self.s3_access_key_id,
            self.s3_secret_access_key,
            self.s3_session_token,
            self.s3_encryption,
            self.s3_kms_key_id,
        )

    @field_validator("required", mode="before")
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
