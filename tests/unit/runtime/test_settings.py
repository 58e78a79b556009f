"""Settings come from the environment, within bounds, and their values stay out of errors."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from contracts.period import Calendar
from contracts.targets import Targets
from services.runtime.settings import (
    AMQPSettings,
    BatchSettings,
    DatabaseSettings,
    HTTPSettings,
    PlatformSettings,
    SettingsError,
    TargetSettings,
    read_settings,
)


def test_defaults_hold_when_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUIZHI_PREFETCH", raising=False)
    batch = read_settings(BatchSettings)

    assert (batch.size, batch.linger, batch.prefetch) == (500, 0.005, 2000)
    assert read_settings(PlatformSettings).time_zone == "Asia/Shanghai"


def test_the_environment_is_read_under_the_documented_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HUIZHI_AMQP_URL": "amqp://a:b@h:1/huizhi",
        "HUIZHI_BATCH_SIZE": "7",
        "HUIZHI_BATCH_LINGER_MS": "2.5",
        "HUIZHI_PREFETCH": "9",
        "HUIZHI_HTTP_PORT": "8080",
        "HUIZHI_TIME_ZONE": "Asia/Urumqi",
        "HUIZHI_PERIOD_FIRST_DAY": "1",
    }.items():
        monkeypatch.setenv(name, value)

    assert read_settings(AMQPSettings).url == "amqp://a:b@h:1/huizhi"
    batch = read_settings(BatchSettings)
    assert (batch.size, batch.linger, batch.prefetch) == (7, 0.0025, 9)
    assert read_settings(HTTPSettings).port == 8080
    platform = read_settings(PlatformSettings)
    assert (platform.time_zone, platform.period_first_day) == ("Asia/Urumqi", 1)


def test_the_client_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_AMQP_URL", "amqp://a:b@h:1/huizhi")
    assert read_settings(AMQPSettings).client == "lane"

    monkeypatch.setenv("HUIZHI_AMQP_CLIENT", "pika")
    with pytest.raises(SettingsError, match=r"HUIZHI_AMQP_CLIENT: .*'lane' or 'aio-pika'"):
        read_settings(AMQPSettings)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUIZHI_DATABASE_URL", raising=False)

    with pytest.raises(SettingsError, match="HUIZHI_DATABASE_URL is not set"):
        read_settings(DatabaseSettings)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HUIZHI_DATABASE_URL", "mysql://secret", r"HUIZHI_DATABASE_URL: .*postgresql://"),
        ("HUIZHI_DATABASE_POOL_SIZE", "0", "HUIZHI_DATABASE_POOL_SIZE: .*greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv("HUIZHI_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=message) as caught:
        read_settings(DatabaseSettings)
    assert "secret" not in str(caught.value)


def test_an_aliased_setting_is_named_as_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_PREFETCH", "0")

    with pytest.raises(SettingsError, match=r"^HUIZHI_PREFETCH: "):
        read_settings(BatchSettings)


def test_an_unknown_time_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_TIME_ZONE", "Mars/Olympus")

    with pytest.raises(SettingsError, match=r"HUIZHI_TIME_ZONE.*is not a time zone"):
        read_settings(PlatformSettings)


def test_the_calendar_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(PlatformSettings).calendar() == Calendar(ZoneInfo("Asia/Shanghai"), 21, 27, 12)

    for name, value in {
        "HUIZHI_TIME_ZONE": "Asia/Urumqi",
        "HUIZHI_PERIOD_FIRST_DAY": "1",
        "HUIZHI_PERIOD_CUTOFF_DAY": "8",
        "HUIZHI_PERIOD_YEAR_END_MONTH": "11",
    }.items():
        monkeypatch.setenv(name, value)
    assert read_settings(PlatformSettings).calendar() == Calendar(ZoneInfo("Asia/Urumqi"), 1, 8, 11)


@pytest.mark.parametrize(
    ("first_day", "cutoff_day"), [("21", "20"), ("28", None), ("1", "28")], ids=["set", "by default", "february"]
)
def test_a_cut_off_that_does_not_go_with_the_first_day_is_refused(
    monkeypatch: pytest.MonkeyPatch, first_day: str, cutoff_day: str | None
) -> None:
    monkeypatch.setenv("HUIZHI_PERIOD_FIRST_DAY", first_day)
    if cutoff_day is not None:
        monkeypatch.setenv("HUIZHI_PERIOD_CUTOFF_DAY", cutoff_day)

    with pytest.raises(SettingsError, match=r"^HUIZHI_PERIOD_CUTOFF_DAY: .*after the end of a month"):
        read_settings(PlatformSettings)


def test_targets_are_read_from_their_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(TargetSettings).read() == Targets()

    monkeypatch.setenv("HUIZHI_TARGETS", '{"county": {"*": "98.00"}}')
    assert read_settings(TargetSettings).read().target_for("county", None) == Decimal("98.00")

    monkeypatch.setenv("HUIZHI_TARGETS", '{"county": {"*": 98}}')
    with pytest.raises(SettingsError, match=r"^HUIZHI_TARGETS: .*county.*a target is a text"):
        read_settings(TargetSettings)


def test_passwords_stay_out_of_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_AMQP_URL", "amqp://a:secret@h:1/huizhi")

    assert "secret" not in repr(read_settings(AMQPSettings))
