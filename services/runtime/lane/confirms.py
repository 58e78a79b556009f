"""What became of the publishes on a channel in confirm mode. Pure.

Publishes are numbered from 1 as they are written (RabbitMQ's publisher confirms). Known is the number up to which the
outcome of all is there, and the few above it that were told apart from the rest.

**Whose is a return?** ``basic.return`` carries the message and not its number. RabbitMQ handles a channel's publishes
one after the other in one process, and sends a return while it handles the publish, before anything is confirmed that
comes behind (``rabbit_channel``: "basic.returns must be sent before confirms"). So on the wire

1. returns come in the order of their publishes;
2. whatever was confirmed before a return was published before what is returned;
3. a returned publish is not confirmed yet, and will be acknowledged.

By 1 to 3 it is one of those behind the last return and behind the highest number confirmed so far. Of those it is the
first with the same routing key, properties and body. The id alone decides nothing; two publishes between which all
that is no difference are one message twice, and whichever of them is charged, what is in the queues and what is not are
the same bytes. Should the other one then be refused, which 3 tells, there are two failures and one place: a violation,
like a return that fits nothing, and the outcome of everything is unknown.

A broker may have been told to add headers to what comes in (message interceptors): what fits nothing exactly is looked
for by the headers that were published, and must fit one message only.
"""

from collections.abc import Iterator
from typing import Literal

from services.runtime.lane.frames import Confirm, ProtocolViolationError, Returned
from services.runtime.ports import Publication


class Confirms:
    """The publishes of one channel, and what is known of them."""

    def __init__(self) -> None:
        self._settled_through = 0
        self._settled_above: set[int] = set()
        self._highest_settled = 0
        self._last_returned = 0
        self._published: list[Publication] = []
        self._first = 1
        self._failures: dict[int, Literal["returned", "nacked"]] = {}

    @property
    def unsettled(self) -> int:
        """How many publishes have no outcome yet."""
        return self._first + len(self._published) - 1 - self._settled_through - len(self._settled_above)

    @property
    def failures(self) -> list[tuple[int, Literal["returned", "nacked"]]]:
        """What failed since ``begin``, as places from 0 on."""
        return sorted((number - self._first, reason) for number, reason in self._failures.items())

    def begin(self) -> None:
        """Count places anew. Only when nothing is unsettled."""
        self._first += len(self._published)
        self._published = []
        self._failures = {}

    def published(self, publication: Publication) -> None:
        """It is the next one on the wire."""
        self._published.append(publication)

    def settle(self, confirm: Confirm) -> int:
        """Note an outcome, and return how many publishes are in their queues by it. Raises ProtocolViolationError."""
        tag = confirm.tag
        if not self._settled_through < tag < self._first + len(self._published) or tag in self._settled_above:
            raise ProtocolViolationError("a confirm for nothing that was published")
        numbers = self._through(tag) if confirm.multiple else (tag,)
        failed = 0
        for number in numbers if self._failures or not confirm.acked else ():
            failed += self._note(number, acked=confirm.acked)
        count = len(numbers)
        if confirm.multiple:
            self._settled_above = {number for number in self._settled_above if number > tag}
            self._settled_through = tag
        else:
            self._settled_above.add(tag)
        while self._settled_through + 1 in self._settled_above:
            self._settled_through += 1
            self._settled_above.remove(self._settled_through)
        self._highest_settled = max(self._highest_settled, tag)
        return count - failed

    def give_back(self, returned: Returned) -> None:
        """Charge a return to the publish whose it is. Raises ProtocolViolationError."""
        number = _first_fitting(returned, self._behind(max(self._highest_settled, self._last_returned)))
        self._failures[number] = "returned"
        self._last_returned = number

    def _through(self, tag: int) -> list[int] | range:
        numbers = range(self._settled_through + 1, tag + 1)
        return [number for number in numbers if number not in self._settled_above] if self._settled_above else numbers

    def _note(self, number: int, *, acked: bool) -> bool:
        """Whether it is a failure."""
        returned = number in self._failures
        if not acked:
            if returned:
                raise ProtocolViolationError("a refusal of what was returned")
            self._failures[number] = "nacked"
        return returned or not acked

    def _behind(self, number: int) -> Iterator[tuple[int, Publication]]:
        start = number + 1 - self._first
        return enumerate(self._published[start:], number + 1)


def _first_fitting(returned: Returned, candidates: Iterator[tuple[int, Publication]]) -> int:
    alike = [(number, publication) for number, publication in candidates if _alike(publication, returned)]
    headers = returned.properties.headers
    for number, publication in alike:
        if publication.headers == headers:
            return number
    within = [(number, publication) for number, publication in alike if publication.headers.items() <= headers.items()]
    if not within or any(publication != within[0][1] for _, publication in within):
        raise ProtocolViolationError("a return of nothing that was published, or of more than one message")
    return within[0][0]


def _alike(publication: Publication, returned: Returned) -> bool:
    properties = returned.properties
    return (
        publication.routing_key,
        publication.message_id,
        publication.type,
        publication.correlation_id,
        publication.content_type,
        publication.body,
    ) == (
        returned.routing_key,
        properties.message_id,
        properties.type,
        properties.correlation_id,
        properties.content_type,
        returned.body,
    )
