"""Publications and what sinks make of repeated ids."""

import pytest

from services.runtime.amqp.sink import waves
from services.runtime.amqp.tolerance import legible
from services.runtime.ports import Malformed, Properties, Publication


def publication(message_id: str | None) -> Publication:
    return Publication("key", b"", message_id=message_id)


def test_an_id_is_never_twice_in_one_wave_and_the_order_stays() -> None:
    ids = ["a", "b", "a", "c", None, None, "c", "a"]

    parts = list(waves([publication(one) for one in ids]))

    assert [[ids[position] for position, _ in part] for part in parts] == [
        ["a", "b"],
        ["a", "c", None, None],
        ["c", "a"],
    ]
    assert [position for part in parts for position, _ in part] == list(range(len(ids)))


def test_a_list_without_repeated_ids_goes_out_in_one_wave() -> None:
    assert len(list(waves([publication(str(number)) for number in range(500)]))) == 1


@pytest.mark.parametrize("name", ["routing_key", "message_id", "type", "correlation_id", "content_type"])
def test_a_text_longer_than_amqp_has_room_for_is_refused_when_it_is_made(name: str) -> None:
    fields = {"routing_key": "key", name: "县" * 86}

    with pytest.raises(ValueError, match=f"{name} is longer than 255 bytes"):
        Publication(body=b"", **fields)  # type: ignore[arg-type]


def test_a_text_of_255_bytes_is_taken() -> None:
    Publication("县" * 85, b"")


def test_malformed_properties_are_named_and_their_content_is_not_shown() -> None:
    fault = Malformed(b"secret", "not UTF-8")

    assert list(Properties(message_id=fault, type="query", headers={"to": fault}).malformed()) == [
        ("headers.to", fault),
        ("message_id", fault),
    ]
    assert "secret" not in repr(fault)


def test_legible_gives_back_the_bytes_that_were_not_text() -> None:
    assert legible(b"a\xffb".decode(errors="surrogateescape")) == Malformed(b"a\xffb", "not UTF-8")
    assert legible("县") == "县"
    assert legible(None) is None
