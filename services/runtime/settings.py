"""Settings: one small class per concern, read from the environment, prefix ``HUIZHI_``.

    broker = read_settings(AMQPSettings)

Values never appear in an error or a log: some of them are passwords.
"""

from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.period import Calendar
from contracts.targets import Targets, read_targets


class SettingsError(Exception):
    """Settings are missing or wrong; the text names each variable and what is the matter."""


def _starts_with(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return url

    return AfterValidator(check)


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone; use a name like Asia/Shanghai") from error
    return name


def _targets(text: str) -> str:
    read_targets(text)
    return text


def _config(prefix: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=prefix, frozen=True, extra="ignore", hide_input_in_errors=True)


class DatabaseSettings(BaseSettings):
    """Where PostgreSQL is, as which role, and how many connections at most."""

    model_config = _config("HUIZHI_DATABASE_")

    url: Annotated[str, _starts_with("postgresql", "postgres")] = Field(repr=False)
    pool_size: int = Field(default=8, ge=1, le=200)
    start_timeout_s: float = Field(default=60.0, gt=0, le=3600)


class AMQPSettings(BaseSettings):
    """Where the broker is, as which account, in which vhost, and by which client services reach it."""

    model_config = _config("HUIZHI_AMQP_")

    url: Annotated[str, _starts_with("amqp", "amqps")] = Field(repr=False)
    confirm_timeout_s: float = Field(default=30.0, gt=0, le=600)
    client: Literal["lane", "aio-pika"] = "lane"


class BrokerAPISettings(BaseSettings):
    """The broker's management API, for provisioning only."""

    model_config = _config("HUIZHI_BROKER_API_")

    url: Annotated[str, _starts_with("http", "https")] = Field(repr=False)


class QueueSettings(BaseSettings):
    """How many bytes the queues may hold before they refuse more."""

    model_config = _config("HUIZHI_QUEUE_")

    internal_bytes: int = Field(default=4 * 1024**3, ge=1024**2)
    inbox_bytes: int = Field(default=256 * 1024**2, ge=1024**2)


class BatchSettings(BaseSettings):
    """How large a batch may grow, how long a lone message waits for company, how much may be on its way unacked."""

    model_config = _config("HUIZHI_BATCH_")

    size: int = Field(default=500, ge=1, le=10_000)
    linger_ms: float = Field(default=5.0, ge=0, le=1000)
    prefetch: int = Field(default=2000, ge=1, le=65_535, validation_alias="HUIZHI_PREFETCH")

    @property
    def linger(self) -> float:
        """``linger_ms`` in seconds."""
        return self.linger_ms / 1000


class HTTPSettings(BaseSettings):
    """Where a service listens for HTTP, and how much it lets in."""

    model_config = _config("HUIZHI_HTTP_")

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65_535)
    max_body_bytes: int = Field(default=1024**2, ge=1024)
    max_connections: int = Field(default=1000, ge=1)


class LogSettings(BaseSettings):
    """How much is logged."""

    model_config = _config("HUIZHI_LOG_")

    level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


class PlatformSettings(BaseSettings):
    """Which code this deployment serves, empty for the whole country, and by which calendar it counts."""

    model_config = _config("HUIZHI_")

    scope: str = Field(default="", pattern=r"^(?:[0-9]{2}(?:[0-9]{2}){0,2}|[0-9]{9})?$")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Asia/Shanghai"
    period_first_day: int = Field(default=21, ge=1, le=28)
    period_year_end_month: int = Field(default=12, ge=1, le=12)
    # Behind the first day, which its check needs. The default is checked too: it does not go with every first day.
    period_cutoff_day: int = Field(default=27, ge=1, le=28, validate_default=True)

    @field_validator("period_cutoff_day")
    @classmethod
    def _goes_with_the_first_day(cls, cutoff_day: int, others: ValidationInfo) -> int:
        if "period_first_day" in others.data:
            Calendar(ZoneInfo("UTC"), others.data["period_first_day"], cutoff_day)
        return cutoff_day

    def calendar(self) -> Calendar:
        """The calendar that these settings describe."""
        return Calendar(
            ZoneInfo(self.time_zone), self.period_first_day, self.period_cutoff_day, self.period_year_end_month
        )


class TargetSettings(BaseSettings):
    """Which feedback rates jurisdictions should reach: JSON, as ``contracts.targets`` describes it."""

    model_config = _config("HUIZHI_")

    targets: Annotated[str, AfterValidator(_targets)] = ""

    def read(self) -> Targets:
        """The targets that are set."""
        return read_targets(self.targets)


class RetentionSettings(BaseSettings):
    """How long what is over can still be told from other messages by its content."""

    model_config = _config("HUIZHI_RETENTION_")

    # A sender that retries after its message was forgotten is refused, so this is longer than anybody retries.
    days: int = Field(default=365, ge=30, le=36_500)


SettingsType = TypeVar("SettingsType", bound=BaseSettings)


def read_settings(settings: type[SettingsType]) -> SettingsType:
    """The settings of one concern, from the environment. Raises SettingsError, naming the variables."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        faults = (_fault(prefix, fault["loc"], fault["msg"], fault["type"]) for fault in error.errors())
        raise SettingsError("; ".join(faults)) from None


def _fault(prefix: str, place: tuple[int | str, ...], message: str, kind: str) -> str:
    name = str(place[0]) if place else ""
    variable = name if name.startswith(prefix) or name.isupper() else prefix + name.upper()
    return f"{variable} is not set" if kind == "missing" else f"{variable}: {message}"
