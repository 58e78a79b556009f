"""Which port is whose."""

import socket
from pathlib import Path

import pytest

from services.cli.errors import StackError
from services.cli.stack.ports import HOST, choose, layout

ONE_OF_EACH = ["broker", "database", "gateway", "ledger", "router"]


def test_the_first_instances_have_fixed_places_and_further_ones_follow_from_ten() -> None:
    ports = layout(21_000, ["gateway", "gateway-2", "ledger", "ledger-2"])
    assert ports == {"gateway": 21_000, "gateway-2": 21_010, "ledger": 21_001, "ledger-2": 21_011}


def test_a_free_block_is_found_and_kept_for_the_next_start(tmp_path: Path) -> None:
    first = choose(tmp_path, None, ONE_OF_EACH)
    assert choose(tmp_path, None, ONE_OF_EACH) == first


def test_another_block_is_found_when_the_kept_one_is_busy(tmp_path: Path) -> None:
    first = choose(tmp_path, None, ONE_OF_EACH)
    with socket.create_server((HOST, first["database"])):
        assert choose(tmp_path, None, ONE_OF_EACH)["database"] != first["database"]


def test_a_busy_port_of_the_base_that_was_asked_for_is_named(tmp_path: Path) -> None:
    base = choose(tmp_path, None, ONE_OF_EACH)["gateway"]
    with socket.create_server((HOST, base + 6)), pytest.raises(StackError, match=rf"port {base + 6}.*database's"):
        choose(tmp_path, base, ONE_OF_EACH)


def test_more_instances_than_a_block_holds_are_refused() -> None:
    with pytest.raises(StackError, match="at most 30"):
        layout(21_000, [f"gateway-{number}" for number in range(2, 40)])
