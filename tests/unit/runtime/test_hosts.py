"""URLs that name several hosts."""

import pytest

from services.runtime.hosts import each_host


def test_a_url_of_one_host_is_itself() -> None:
    assert each_host("amqp://a:b@mq1:5672/huizhi") == ["amqp://a:b@mq1:5672/huizhi"]


def test_each_host_is_entered_by_the_same_account_and_leads_to_the_same_place() -> None:
    assert each_host("postgresql://role:p%40w@db1:5432,[::1]:5433/huizhi?target_session_attrs=read-write") == [
        "postgresql://role:p%40w@db1:5432/huizhi?target_session_attrs=read-write",
        "postgresql://role:p%40w@[::1]:5433/huizhi?target_session_attrs=read-write",
    ]


@pytest.mark.parametrize("password", ["a,b", "a%2Cb"])
def test_a_comma_in_the_password_parts_nothing(password: str) -> None:
    assert each_host(f"amqp://a:{password}@mq1,mq2/") == [f"amqp://a:{password}@mq1/", f"amqp://a:{password}@mq2/"]
