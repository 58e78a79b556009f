"""A participant's list beside the ledger's: what both have, and what only one of them has."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.listing_wire import ListName
from services.cli.reconcile.difference import Difference, Reason, Side
from services.cli.reconcile.own_list import OwnItem
from services.cli.reconcile.reasons import Moment, Resolver


@dataclass(frozen=True, slots=True)
class Counts:
    """How many queries each side has of one list, and how many of them both have."""

    mine: int
    ledger: int
    both: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it. ``differences`` are in the order of the lists, the participant's first."""

    counts: Mapping[ListName, Counts]
    differences: Sequence[Difference] = field(default_factory=tuple)

    @property
    def equal(self) -> bool:
        """Whether both sides have the same."""
        return not self.differences

    def on(self, side: Side) -> list[Difference]:
        """The differences of one side."""
        return [each for each in self.differences if each.side is side]


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be known: of which account, the months of a period, and how messages and moments are had."""

    account: str
    months: Callable[[str], Collection[str]]
    look_up: Callable[[str], Mapping[str, Any] | None]
    moment: Moment


def compare(
    mine: Sequence[OwnItem], ledger: Mapping[ListName, Sequence[Mapping[str, Any]]], question: Question
) -> Comparison:
    """Lay them beside each other, list by list. ``ledger`` has the items of `GET /v1/messages` of each list to compare;
    what is ``mine`` on other lists is left alone.
    """
    counts: dict[ListName, Counts] = {}
    differences: list[Difference] = []
    for list_, items in ledger.items():
        own = [item for item in mine if item.list is list_]
        there = {str(item["id"]): item for item in items}
        ids = {item.id for item in own}
        counts[list_] = Counts(len(own), len(there), len(ids & there.keys()))
        differences += _of_mine(list_, own, there, question)
        differences += _only_the_ledgers(list_, there, ids, question.moment)
    return Comparison(counts, differences)


def _of_mine(
    list_: ListName, own: Sequence[OwnItem], there: Mapping[str, Mapping[str, Any]], question: Question
) -> Iterator[Difference]:
    resolver = Resolver(question.account, question.moment)
    by_id: dict[str, list[OwnItem]] = {}
    for item in own:
        by_id.setdefault(item.id, []).append(item)
    for id, (first, *again) in by_id.items():
        if again:
            lines = ", ".join(str(item.line) for item in (first, *again))
            detail = f"it stands in lines {lines}; the ledger counts it once"
            yield Difference(Side.ONLY_MINE, list_, id, Reason.LISTED_TWICE, detail)
        if id not in there:
            yield resolver.resolved(list_, id, question.look_up(id))
        elif first.period is not None and there[id]["period"] not in question.months(first.period):
            yield resolver.elsewhere(list_, id, first.period, there[id])


def _only_the_ledgers(
    list_: ListName, there: Mapping[str, Mapping[str, Any]], ids: Collection[str], moment: Moment
) -> Iterator[Difference]:
    for id, item in there.items():
        if id in ids:
            continue
        answer = item["answer_id"]
        if list_ is ListName.ANSWERED and answer in ids:
            detail = f"you have it under {answer}, the id of your answer"
            yield Difference(Side.ONLY_LEDGER, list_, id, Reason.ANOTHER_ID, detail, answer)
        else:
            yield Difference(Side.ONLY_LEDGER, list_, id, Reason.NOT_LISTED, _said(list_, item, moment), answer)


def _said(list_: ListName, item: Mapping[str, Any], moment: Moment) -> str:
    inbox = f"inbox.{item['recipient']} at {moment(item['received_at'])}"
    match list_:
        case ListName.SENT:
            return f"you sent it to {item['to']}, and it was dispatched to {inbox}; it is {item['state']}"
        case ListName.RECEIVED:
            return f"dispatched to {inbox}, {item['kind']} from {item['from']} for {item['address']}: {item['state']}"
        case ListName.ANSWERED:
            return f"answered at {moment(item['ended_at'])} with {item['outcome']}, by answer {item['answer_id']}"
