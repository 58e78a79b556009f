"""AMQP URLs are read as aiormq reads them, and what is wrong with one is said without its secrets."""

import ssl
from pathlib import Path

import pytest

from services.runtime.lane.address import Address, read_addresses


def address(url: str) -> Address:
    (one,) = read_addresses(url)
    return one


def test_what_a_url_leaves_out_is_as_usual() -> None:
    one = address("amqp://")

    assert (one.host, one.port, one.vhost, one.account, one.password) == ("localhost", 5672, "/", "guest", "guest")
    assert (one.mechanism, one.tls) == ("PLAIN", None)


def test_everything_in_a_url_is_unquoted() -> None:
    one = address("amqp://ga%40te:p%2Fw@mq1:7/%2Fa%20b")

    assert (one.host, one.port, one.vhost, one.account, one.password) == ("mq1", 7, "/a b", "ga@te", "p/w")


def test_every_host_is_an_address() -> None:
    hosts = read_addresses("amqps://a:b@mq1,mq2:7,mq3/v")

    assert [(one.host, one.port, one.vhost) for one in hosts] == [
        ("mq1", 5671, "v"),
        ("mq2", 7, "v"),
        ("mq3", 5671, "v"),
    ]


def test_brokers_are_verified_unless_it_is_said_otherwise() -> None:
    verified, unverified = (address(f"amqps://mq1/{query}").tls for query in ("", "?no_verify_ssl=1"))

    assert verified is not None
    assert unverified is not None
    assert (verified.verify_mode, verified.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unverified.verify_mode, unverified.check_hostname) == (ssl.CERT_NONE, False)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(address("amqp://a:secret@h/"))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://a:secret@h/", "must start with amqp:// or amqps://"),
        ("amqp://a:secret@h:x/", "a port that is not a number"),
        ("amqp://a:secret@h:70000/", "a port that is not a number"),
        ("amqp://a:secret@h/?auth=plane", "auth must be PLAIN or EXTERNAL"),
        ("amqps://a:secret@h/?ca_file=x", "knows no parameter ca_file; it knows auth, cafile, capath, certfile"),
        ("amqps://a:secret@h/?cafile=missing.pem", "names certificates that cannot be read: No such file"),
        ("amqps://a:secret@h/?certfile=missing.pem", "names certificates that cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as error:
        read_addresses(url)
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_certificate_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(ValueError, match="certificates that cannot be read"):
        read_addresses(f"amqps://h/?cafile={tmp_path / 'ca.pem'}")
