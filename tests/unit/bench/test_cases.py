"""What ``make bench`` offers and with which settings it runs."""

import re
from pathlib import Path

import pytest

from services.ledger.settings import LedgerSettings
from services.runtime.settings import BatchSettings
from tests.bench import __main__ as bench
from tests.bench.exchange import SENDER, counties
from tests.bench.latency import Delays
from tests.bench.shipping import shipped


def test_every_case_is_described_and_every_one_described_is_there() -> None:
    assert bench.__doc__ is not None
    assert re.findall(r"^    ([a-z-]+)  +\S", bench.__doc__, re.MULTILINE) == list(bench.CASES)


def test_the_shipped_settings_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in shipped():
        monkeypatch.delenv(name, raising=False)

    assert shipped()["HUIZHI_BATCH_SIZE"] == str(BatchSettings.model_fields["size"].default)
    assert shipped()["HUIZHI_LEDGER_PREFETCH"] == str(LedgerSettings.model_fields["prefetch"].default)


def test_a_setting_of_the_environment_is_measured_in_the_place_of_the_shipped_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUIZHI_BATCH_SIZE", "250")
    monkeypatch.setenv("HUIZHI_ANYTHING_NEW", "yes")

    assert shipped()["HUIZHI_BATCH_SIZE"] == "250"
    assert shipped()["HUIZHI_ANYTHING_NEW"] == "yes"


def test_no_url_and_nothing_of_the_tests_is_a_setting_that_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUIZHI_AMQP_URL", "HUIZHI_DATABASE_URL", "HUIZHI_TEST_DATABASE_URL", "HUIZHI_DATA"):
        monkeypatch.setenv(name, "amqp://somebody:secret@host/")

    monkeypatch.setenv("HUIZHI_TOKEN", "secret")
    monkeypatch.setenv("HUIZHI_LEDGER_NOTIFY_URLS", "https://user:secret@hook.example/")
    assert not any("secret" in value for value in shipped().values())


def test_forty_counties_of_one_province_are_asked_and_the_country_has_an_inbox_for_each() -> None:
    asked, everybody = counties(40), counties()

    assert len(set(asked)) == 40
    assert {code[:2] for code in asked} == {"41"}
    assert len({*everybody, SENDER}) == 2847
    assert SENDER not in everybody


def test_delays_are_read_in_milliseconds_and_each_round_has_its_percentiles(tmp_path: Path) -> None:
    file, delays = tmp_path / "delays", Delays()
    file.write_text("\n".join(str(1000 * number) for number in range(1, 101)))

    assert delays.read(file) == 51.0
    file.write_text("2500\n")
    delays.read(file)
    assert delays.at(0.99).values == (100.0, 2.5)
