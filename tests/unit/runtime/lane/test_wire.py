"""What the lane publishes is read by pamqp as it was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from services.runtime.lane.wire import Writer, ack_frame
from services.runtime.ports import Publication

texts = st.text(st.characters(codec="utf-8"), max_size=60)


def read(data: bytes) -> list[object]:
    found: list[object] = []
    while data:
        size, channel, one = frame.unmarshal(data)
        assert channel == 1
        found.append(one)
        data = data[size:]
    return found


@given(
    st.lists(
        st.builds(
            Publication,
            routing_key=texts,
            body=st.binary(max_size=9000),
            message_id=st.none() | texts,
            type=st.none() | texts,
            correlation_id=st.none() | texts,
            content_type=st.none() | texts,
            headers=st.dictionaries(
                texts.filter(bool), texts | st.integers(-(2**63), 2**63 - 1) | st.booleans(), max_size=5
            ),
        ),
        max_size=4,
    )
)
def test_publishes_are_written_as_they_are_meant(publications: list[Publication]) -> None:
    writer = Writer("out", 4096)
    for sent in publications:
        data = writer.write(sent)

        publish, header, *parts = read(data)
        assert isinstance(publish, commands.Basic.Publish)
        assert (publish.exchange, publish.routing_key, publish.mandatory, publish.immediate) == (
            "out",
            sent.routing_key,
            True,
            False,
        )
        assert isinstance(header, ContentHeader)
        got = header.properties
        assert (got.message_id, got.message_type, got.correlation_id, got.content_type, got.delivery_mode) == (
            sent.message_id,
            sent.type,
            sent.correlation_id,
            sent.content_type,
            2,
        )
        assert (got.headers or {}) == dict(sent.headers)
        assert header.body_size == len(sent.body)
        assert all(isinstance(part, ContentBody) and len(part.value) <= 4088 for part in parts)
        assert b"".join(part.value for part in parts if isinstance(part, ContentBody)) == sent.body


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({"n" * 256: 1}, "longer than 255 bytes"),
        ({"n": 2**63}, "more than 64 bits"),
        ({"n": "x" * 4090}, "larger than"),
    ],
)
def test_what_cannot_be_written_down_is_said(headers: dict[str, str | int], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Writer("out", 4096).write(Publication("here", b"", headers=headers))


def test_more_keys_and_names_than_are_remembered_are_written_right() -> None:
    writer = Writer("out", 4096)
    for turn in range(2):
        for number in range(5000):
            publish, header = read(writer.write(Publication(f"key-{number}", b"", headers={f"name-{number}": turn})))
            assert isinstance(publish, commands.Basic.Publish)
            assert isinstance(header, ContentHeader)
            assert (publish.routing_key, header.properties.headers) == (f"key-{number}", {f"name-{number}": turn})


def test_an_ack_is_for_everything_up_to_it() -> None:
    (ack,) = read(ack_frame(2**40))

    assert isinstance(ack, commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (2**40, True)
