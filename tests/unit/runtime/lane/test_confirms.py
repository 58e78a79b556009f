"""Every outcome is charged to the publish whose it is, in whatever form and order a broker tells it."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.lane.confirms import Confirms
from services.runtime.lane.frames import Confirm, Event, ProtocolViolationError, Returned
from services.runtime.ports import Properties, Publication

Failures = list[tuple[int, str]]


def publication(key: str, body: bytes = b"", message_id: str | None = "one") -> Publication:
    return Publication(key, body, message_id=message_id, type="query", headers={"to": "410102"})


def returned(known: Publication, **headers: str) -> Returned:
    properties = Properties(
        headers={**known.headers, **headers},
        message_id=known.message_id,
        type=known.type,
        correlation_id=known.correlation_id,
        content_type=known.content_type,
        delivery_mode=2,
    )
    return Returned(known.routing_key, properties, known.body)


def published(*publications: Publication) -> Confirms:
    confirms = Confirms()
    confirms.begin()
    for one in publications:
        confirms.published(one)
    return confirms


def tell(confirms: Confirms, events: list[Event]) -> int:
    """How many are in their queues."""
    count = 0
    for event in events:
        if isinstance(event, Confirm):
            count += confirms.settle(event)
        elif isinstance(event, Returned):
            confirms.give_back(event)
    return count


def ack(tag: int, *, multiple: bool = False) -> Confirm:
    return Confirm(tag, multiple, acked=True)


def nack(tag: int, *, multiple: bool = False) -> Confirm:
    return Confirm(tag, multiple, acked=False)


class Broker:
    """What RabbitMQ says about publishes (``rabbit_channel``): it handles them in turn, returns at once what no queue
    is bound for, and tells what is settled by then at any time later, of which it may make one word for several.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._confirmed: list[int] = []
        self._rejected: list[int] = []
        self._open: dict[int, bool] = {}

    def says(self, publications: list[Publication]) -> Iterator[Event]:
        for tag, one in enumerate(publications, 1):
            if one.routing_key == "nowhere":
                yield returned(one)
                self._confirmed.append(tag)
            else:
                self._open[tag] = one.routing_key != "full"
            self._settle_some()
            if self._chance.random() < 0.6:
                yield from self._flush()
        while self._open:
            self._settle_some()
            yield from self._flush()
        yield from self._flush()

    def _settle_some(self) -> None:
        for tag in list(self._open):
            if self._chance.random() < 0.4:
                (self._confirmed if self._open.pop(tag) else self._rejected).append(tag)

    def _flush(self) -> Iterator[Event]:
        confirmed, rejected = sorted(self._confirmed), sorted(self._rejected)
        self._confirmed, self._rejected = [], []
        yield from self._told(confirmed, rejected, acked=True)
        yield from self._told(rejected, confirmed, acked=False)

    def _told(self, tags: list[int], others: list[int], *, acked: bool) -> Iterator[Event]:
        cutoff = min([*self._open, *others], default=2**63)
        below = [tag for tag in tags if tag < cutoff]
        if below:
            yield Confirm(below[-1], multiple=True, acked=acked)
        for tag in tags[len(below) :]:
            yield Confirm(tag, multiple=False, acked=acked)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(
        st.builds(
            publication,
            st.sampled_from(["here", "nowhere", "full"]),
            st.sampled_from([b"a", b"b"]),
            st.sampled_from(["one", "two", None]),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_what_rabbitmq_says_is_charged_to_the_right_places(publications: list[Publication], chance: Random) -> None:
    confirms = published(*publications)

    count = tell(confirms, list(Broker(chance).says(publications)))

    reasons = {"nowhere": "returned", "full": "nacked"}
    expected = [
        (place, reasons[one.routing_key]) for place, one in enumerate(publications) if one.routing_key != "here"
    ]
    assert confirms.failures == expected
    assert confirms.unsettled == 0
    assert count == len(publications) - len(expected)


def test_places_begin_anew_with_every_publish_and_numbers_go_on() -> None:
    confirms = published(publication("here"), publication("nowhere"))
    tell(confirms, [returned(publication("nowhere")), ack(2, multiple=True)])
    assert confirms.failures == [(1, "returned")]

    confirms.begin()
    confirms.published(publication("full"))
    tell(confirms, [nack(3)])

    assert confirms.failures == [(0, "nacked")]


def test_a_return_falls_on_what_came_back_and_not_on_another_of_its_id() -> None:
    here, nowhere = publication("here"), publication("nowhere")
    confirms = published(here, nowhere, here)

    tell(confirms, [returned(nowhere), ack(3, multiple=True)])

    assert confirms.failures == [(1, "returned")]


@pytest.mark.parametrize(
    "other",
    [
        {"body": b"other"},
        {"type": "answer"},
        {"correlation_id": "c"},
        {"content_type": "application/json"},
        {"headers": {}},
        {"headers": {"to": "410102", "n": 1}},
        {"headers": {"to": "410103"}},
        {"message_id": "two"},
        {"routing_key": "nowhere else"},
    ],
)
def test_a_return_is_told_from_what_differs_by_one_property(other: dict[str, object]) -> None:
    mine = publication("nowhere")
    confirms = published(replace(mine, **other), mine, replace(mine, **other))  # type: ignore[arg-type]

    tell(confirms, [returned(mine), ack(3, multiple=True)])

    assert confirms.failures == [(1, "returned")]


def test_one_message_twice_of_which_the_later_one_is_returned_is_charged_to_what_is_not_confirmed() -> None:
    twin = publication("here")
    confirms = published(twin, twin)

    # Its queue was unbound in between.
    tell(confirms, [ack(1), returned(twin), ack(2)])

    assert confirms.failures == [(1, "returned")]


def test_one_message_twice_of_which_one_is_returned_and_one_refused_leaves_the_outcome_unknown() -> None:
    twin = publication("full")
    confirms = published(twin, twin)
    tell(confirms, [returned(twin), ack(2)])

    with pytest.raises(ProtocolViolationError, match="refusal of what was returned"):
        confirms.settle(nack(1))


def test_two_returns_of_one_message_are_charged_to_two_places() -> None:
    twin = publication("nowhere")
    confirms = published(twin, publication("here"), twin)

    tell(confirms, [returned(twin), returned(twin), ack(3, multiple=True)])

    assert confirms.failures == [(0, "returned"), (2, "returned")]


def test_a_return_to_which_the_broker_added_a_header_is_charged_all_the_same() -> None:
    confirms = published(publication("here"), publication("nowhere"))

    confirms.give_back(returned(publication("nowhere"), x_added_by_the_broker="now"))

    assert confirms.failures == [(1, "returned")]


def test_a_return_with_an_added_header_that_fits_two_messages_leaves_the_outcome_unknown() -> None:
    mine = publication("nowhere")
    confirms = published(replace(mine, headers={}), mine)

    with pytest.raises(ProtocolViolationError, match="more than one message"):
        confirms.give_back(returned(mine, x_added_by_the_broker="now"))


@pytest.mark.parametrize(
    "events",
    [
        [ack(0)],
        [ack(0, multiple=True)],
        [ack(3)],
        [ack(3, multiple=True)],
        [ack(2**64 - 1, multiple=True)],
        [ack(1), ack(1)],
        [ack(2), nack(2)],
        [ack(1, multiple=True), ack(1, multiple=True)],
        [returned(publication("elsewhere"))],
        [ack(1), returned(publication("here"))],
        [returned(publication("here")), returned(publication("here"))],
        [returned(publication("nowhere")), returned(publication("here"))],
        [ack(2), returned(publication("here"))],
    ],
)
def test_what_cannot_be_said_of_two_publishes_is_a_violation(events: list[Event]) -> None:
    with pytest.raises(ProtocolViolationError):
        tell(published(publication("here"), publication("nowhere")), events)
