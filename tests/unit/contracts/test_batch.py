"""Batches: what one service writes, the other reads; anything else is one named error."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.batch import (
    Admitted,
    BatchError,
    Dispatch,
    Dispatched,
    Intake,
    Outbound,
    Parked,
    ParkedMessage,
    Refused,
    Report,
    decode_dispatch,
    decode_ledger_batch,
    decode_parked,
    encode,
)

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone.
TEXTS = st.text(max_size=30)
ADMITTED = st.builds(
    Admitted,
    id=st.uuids(),
    type=TEXTS,
    sender=TEXTS,
    submitter=TEXTS,
    origin=TEXTS,
    content_type=TEXTS,
    digest=st.binary(max_size=32),
    arrived_at=MOMENTS,
    payload=st.binary(max_size=100),
    kind=st.none() | TEXTS,
    due=st.none() | st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    correlation_id=st.none() | st.uuids(),
)
REFUSED = st.builds(
    Refused,
    id=st.uuids(),
    problem=TEXTS,
    detail=TEXTS,
    door=TEXTS,
    arrived_at=MOMENTS,
    payload_bytes=st.integers(0, 2**31),
    message_id=st.none() | st.uuids(),
    sender=st.none() | TEXTS,
)


@given(st.builds(Intake, st.uuids(), st.lists(ADMITTED | REFUSED, max_size=5)))
def test_an_intake_is_read_as_it_was_written(intake: Intake) -> None:
    assert decode_ledger_batch(encode(intake)) == intake


def test_the_other_batches_are_read_as_they_were_written() -> None:
    message = Outbound(uuid4(), "query", "410102", "310115", "application/json", b"{}", datetime.now(UTC), entry=7)
    report = Report(uuid4(), [Dispatched(uuid4(), "410102", "41"), Parked(uuid4(), "no-participant")])
    assert decode_ledger_batch(encode(report)) == report
    assert decode_dispatch(encode(Dispatch(uuid4(), [message]))).messages == [message]
    assert decode_parked(encode(ParkedMessage(message, "inbox-full"))).message == message


@given(st.binary(max_size=300))
def test_bytes_that_are_no_batch_are_one_named_error(body: bytes) -> None:
    for decode in (decode_ledger_batch, decode_dispatch, decode_parked):
        with pytest.raises(BatchError):
            decode(body)


@given(st.builds(Intake, st.uuids(), st.lists(ADMITTED, min_size=1, max_size=3)), st.data())
def test_a_truncated_or_changed_batch_is_read_or_refused_but_never_fails_otherwise(
    intake: Intake, data: st.DataObject
) -> None:
    body = bytearray(encode(intake))
    del body[data.draw(st.integers(1, len(body))) :]
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(0, 255))
    try:
        decode_ledger_batch(bytes(body))
    except BatchError:
        return


def test_a_batch_of_another_version_is_refused() -> None:
    with pytest.raises(BatchError, match="version 99"):
        decode_ledger_batch(encode(Intake(UUID(int=1), [], version=99)))
