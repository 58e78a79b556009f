"""A setting chooses the client, and a URL that it can do nothing with is refused at the start."""

import pytest

from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.broker import open_broker
from services.runtime.lane.broker import LaneBroker
from services.runtime.settings import AMQPSettings, SettingsError


@pytest.mark.parametrize(("client", "kind"), [("lane", LaneBroker), ("aio-pika", AioPikaBroker)])
def test_the_client_is_the_one_that_is_named(client: str, kind: type[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_AMQP_CLIENT", client)

    assert isinstance(open_broker(AMQPSettings(url="amqp://a:b@h/"), "gateway"), kind)


def test_a_url_that_is_of_no_use_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="HUIZHI_AMQP_URL: knows no parameter ca_file"):
        open_broker(AMQPSettings(url="amqps://a:secret@h/?ca_file=x"), "gateway")
