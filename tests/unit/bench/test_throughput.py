"""What a round of load says, from what its processes say."""

import pytest

from tests.bench.amqpload import Timed
from tests.bench.throughput import Round

PUBLISHED = Timed(count=1000, started=100.0, ended=101.0, cpu=0.02)
READ = Timed(count=1000, started=100.5, ended=104.0, cpu=0.03)


def test_a_round_lasts_from_the_publishers_start_until_the_last_message_is_read() -> None:
    measured = Round.of(PUBLISHED, READ, [], {})

    assert measured.seconds == 4.0
    assert measured.per_second == 250.0


def test_the_load_has_its_own_share_of_the_processors() -> None:
    measured = Round.of(PUBLISHED, READ, [Timed(1000, 100.0, 103.0, 0.05)], {"gateway": 0.5})

    assert measured.cpu["load"] == pytest.approx(0.1)
    assert measured.cpu_us("load") == pytest.approx(100)


def test_instances_of_a_service_count_together() -> None:
    measured = Round.of(PUBLISHED, READ, [], {"gateway": 0.5, "gateway-2": 0.25, "router": 1.0})

    assert measured.cpu_us("gateway") == pytest.approx(750)
    assert measured.cpu_us("gateway", "router") == pytest.approx(1750)
