"""``amqps`` and SASL EXTERNAL, against a RabbitMQ that asks for certificates which are made here."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from services.cli.stack import broker as broker_server
from services.cli.stack.broker_settings import VHOST, enabled_plugins, environment
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import PLACES, choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from services.runtime.ports import Publication, SinkLost
from tests.integration.runtime.behaviour import BrokerControl, OpenBroker
from tests.integration.runtime.certificates import Authority

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT = "gateway-410102"


@dataclass(frozen=True, slots=True)
class TLSBroker:
    """A broker that takes encrypted lines on ``port``."""

    port: int
    password: str
    directory: Path

    def url(self, entry: str = "", **parameters: str) -> str:
        """A URL of it, as any account, with these parameters."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"amqps://{entry}localhost:{self.port}/{VHOST}?{query}"

    def file(self, name: str) -> str:
        """The path of a certificate or key."""
        return str(self.directory / name)

    @property
    def own(self) -> dict[str, str]:
        """The parameters of the account that has a certificate."""
        return {
            "cafile": self.file("authority.pem"),
            "certfile": self.file(f"{ACCOUNT}.pem"),
            "keyfile": self.file(f"{ACCOUNT}.key"),
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TLSBroker]:
    """A broker of the module's own: it cannot be had without TLS settings and plugin from its start on."""
    home = private_directory(tmp_path_factory.mktemp("tls") / "home")
    authority = Authority("authority")
    authority.write(home, "authority")
    authority.issue("localhost").write(home, "localhost")
    authority.issue(ACCOUNT).write(home, ACCOUNT)
    Authority("stranger").write(home, "stranger")
    ports = choose(home, None, [*PLACES, "amqps"])
    credentials = Credentials.of_directory(home)
    private_directory(home / "broker")
    (home / "broker" / "advanced.config").write_text(advanced(home, ports["amqps"]))
    supervisor = Supervisor(ProcessBook(home / "processes.json"), print)
    with pytest.MonkeyPatch.context() as patched:
        plugins = enabled_plugins().replace("[", "[rabbitmq_auth_mechanism_ssl,")
        patched.setattr(broker_server, "enabled_plugins", lambda: plugins)
        try:
            await broker_server.start(
                supervisor, directory=home / "broker", ports=ports, credentials=credentials, logs=home
            )
            node = environment(home / "broker", ports, credentials.broker_node)
            control = BrokerControl({**node, "PATH": os.defpath})
            await control.run("add_user", ACCOUNT, "its-password")
            await control.run("set_permissions", "--vhost", VHOST, ACCOUNT, ".*", ".*", ".*")
            yield TLSBroker(ports["amqps"], "its-password", home)
        finally:
            await supervisor.stop()


def advanced(home: Path, port: int) -> str:
    """What cannot be said together with the rest of ``rabbitmq.conf``, which is not the test's."""
    return f"""\
[{{rabbit, [
  {{ssl_listeners, [{{"127.0.0.1", {port}}}]}},
  {{ssl_options, [{{cacertfile, "{home}/authority.pem"}}, {{certfile, "{home}/localhost.pem"}},
                  {{keyfile, "{home}/localhost.key"}}, {{verify, verify_peer}}, {{fail_if_no_peer_cert, false}}]}},
  {{auth_mechanisms, ['PLAIN', 'EXTERNAL']}},
  {{ssl_cert_login_from, common_name}}
]}}].
"""


async def comes_in(broker: OpenBroker, url: str) -> bool:
    """Whether the URL is one to publish by. The default exchange is always there."""
    async with broker(url, 5.0).open_sink("amq.direct") as sink:
        (failure,) = await sink.publish([Publication("nowhere", bytes(300_000))])
        return failure.reason == "returned"


async def test_a_certificate_stands_for_the_account_by_external(implementation: OpenBroker, tls: TLSBroker) -> None:
    assert await comes_in(implementation, tls.url(**tls.own, auth="EXTERNAL"))


async def test_a_password_is_taken_over_tls(implementation: OpenBroker, tls: TLSBroker) -> None:
    url = tls.url(f"{ACCOUNT}:{tls.password}@", cafile=tls.file("authority.pem"))

    assert await comes_in(implementation, url)


async def test_external_without_a_certificate_is_refused(implementation: OpenBroker, tls: TLSBroker) -> None:
    with pytest.raises(SinkLost):
        await comes_in(implementation, tls.url(cafile=tls.file("authority.pem"), auth="EXTERNAL"))


async def test_a_broker_whose_certificate_nobody_vouches_for_is_refused(
    implementation: OpenBroker, tls: TLSBroker
) -> None:
    with pytest.raises(SinkLost, match=r"(?i)certificate.verify.failed"):
        await comes_in(implementation, tls.url(**tls.own | {"cafile": tls.file("stranger.pem")}, auth="EXTERNAL"))


async def test_a_broker_is_looked_at_by_its_name(implementation: OpenBroker, tls: TLSBroker) -> None:
    url = tls.url(**tls.own, auth="EXTERNAL").replace("localhost", "127.0.0.1")
    with pytest.raises(SinkLost, match=r"(?i)certificate"):
        await comes_in(implementation, url)

    assert await comes_in(implementation, f"{url}&no_verify_ssl=1")
