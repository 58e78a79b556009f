"""The broker of a service, by the client that the settings name."""

from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.lane.broker import LaneBroker
from services.runtime.ports import Broker
from services.runtime.settings import AMQPSettings, SettingsError


def open_broker(settings: AMQPSettings, name: str) -> Broker:
    """The ports of the service ``name``. Raises SettingsError for a URL that the client can do nothing with."""
    if settings.client == "aio-pika":
        return AioPikaBroker(settings.url, name=name, confirm_timeout=settings.confirm_timeout_s)
    try:
        return LaneBroker(settings.url, name=name, confirm_timeout=settings.confirm_timeout_s)
    except ValueError as error:
        raise SettingsError(f"HUIZHI_AMQP_URL: {error}") from None
