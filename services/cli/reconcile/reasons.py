"""Why the ledger does not have a query where the participant has it, read off the query as the ledger shows it."""

from collections.abc import Callable, Mapping
from typing import Any

from contracts.listing_wire import ListName
from services.cli.reconcile.difference import Difference, Reason, Side

Moment = Callable[[str | None], str]
"""Shows a moment of an API's answer."""

_URN = "urn:huizhi:problem:"


class Resolver:
    """Resolves what only ``account`` has, or has in another way. ``moment`` shows a moment of an API's answer."""

    def __init__(self, account: str, moment: Moment) -> None:
        self._account = account
        self._moment = moment

    def resolved(self, list_: ListName, id: str, message: Mapping[str, Any] | None) -> Difference:
        """Why ``id``, which the participant has on ``list_`` and the ledger does not, is not there.

        ``message`` is what `GET /v1/messages/{id}` answers, None where that knows nothing of it.
        """
        side, reason, detail, other = self._resolved(list_, message)
        return Difference(side, list_, id, reason, detail, other)

    def elsewhere(self, list_: ListName, id: str, written: str, item: Mapping[str, Any]) -> Difference:
        """Both have it, the participant in the period that it has ``written`` beside it."""
        detail = f"you have it in {written}; {self._received(item['period'], item['received_at'])}"
        return Difference(Side.DIFFERS, list_, id, Reason.ANOTHER_PERIOD, detail)

    def _resolved(self, list_: ListName, message: Mapping[str, Any] | None) -> tuple[Side, Reason, str, str | None]:
        if message is None:
            return Side.ONLY_MINE, Reason.UNKNOWN, _NO_TRACE[list_], None
        if message["state"] is None:
            return Side.ONLY_MINE, Reason.REFUSED, self._refused(message), None
        if message["type"] != "query":
            return self._reply(list_, message)
        if list_ is ListName.SENT:
            return self._sent(message)
        return self._received_or_answered(list_, message)

    def _refused(self, message: Mapping[str, Any]) -> str:
        # An administrator sees everybody's refusals of an id; another's say nothing of this participant's message.
        own = [each for each in message["refusals"] if each["sender"] == self._account] or message["refusals"]
        last = own[-1]
        by = "" if last["sender"] == self._account else f" of {last['sender'] or 'an unknown account'}"
        slug = last["problem"].removeprefix(_URN)
        return f"{slug}{by} at {self._moment(last['at'])}, entry {last['entry']}: {last['detail']}"

    def _reply(self, list_: ListName, message: Mapping[str, Any]) -> tuple[Side, Reason, str, str | None]:
        query, type = message["correlation_id"], message["type"]
        if query is None:
            return Side.ONLY_MINE, Reason.NOT_A_QUERY, f"it is a {type}, which no list and no figure counts", None
        article = "an" if type[0] in "ae" else "a"
        by = "you" if message["sender"] == self._account else message["sender"]
        detail = f"it is the id of {article} {type} from {by}; the query's own id is {query}"
        reason = Reason.ANOTHER_ID if list_ is ListName.ANSWERED and type == "answer" else Reason.NOT_A_QUERY
        return Side.ONLY_MINE, reason, detail, query

    def _sent(self, query: Mapping[str, Any]) -> tuple[Side, Reason, str, str | None]:
        if query["sender"] != self._account:
            return Side.ONLY_MINE, Reason.ANOTHER_SENDER, f"{query['sender']} sent it, as {query['from']}", None
        first = next(iter(_deliveries(query)), None)
        if first is None:
            return (*self._not_received(query), None)
        return Side.DIFFERS, Reason.ANOTHER_PERIOD, self._received(first["data"]["period"], first["at"]), None

    def _received_or_answered(self, list_: ListName, query: Mapping[str, Any]) -> tuple[Side, Reason, str, str | None]:
        own = [each for each in _deliveries(query) if each["data"].get("recipient") == self._account]
        if not own:
            return (*self._with_somebody_else(query), None)
        if list_ is ListName.ANSWERED and not self._has_answered(query):
            return Side.DIFFERS, Reason.NOT_ANSWERED, self._stands(query), query["answer_id"]
        return Side.DIFFERS, Reason.ANOTHER_PERIOD, self._received(own[-1]["data"]["period"], own[-1]["at"]), None

    def _with_somebody_else(self, query: Mapping[str, Any]) -> tuple[Side, Reason, str]:
        others = _deliveries(query)
        if not others:
            return self._not_received(query)
        last = others[-1]
        detail = (
            f"dispatched to inbox.{last['data'].get('recipient')} at {self._moment(last['at'])}, for "
            f"{last['data']['address']}; it never was in yours"
        )
        return Side.ONLY_MINE, Reason.ANOTHER_RECIPIENT, detail

    def _not_received(self, query: Mapping[str, Any]) -> tuple[Side, Reason, str]:
        accepted = f"accepted from {query['sender']} at {self._moment(query['accepted_at'])}"
        if query["state"] == "withdrawn":
            detail = f"{accepted}, withdrawn at {self._moment(query['closed_at'])}; it counts nowhere"
            return Side.ONLY_MINE, Reason.WITHDRAWN, detail
        if query["state"] == "parked":
            detail = f"{accepted} for {query['address']}, parked ({query['parked_reason']}); it waits to be placed"
            return Side.ONLY_MINE, Reason.PARKED, detail
        return Side.ONLY_MINE, Reason.UNDERWAY, f"{accepted} for {query['address']}, not confirmed into an inbox yet"

    def _has_answered(self, query: Mapping[str, Any]) -> bool:
        return bool(query["state"] == "answered" and query["recipient"] == self._account)

    def _stands(self, query: Mapping[str, Any]) -> str:
        if query["state"] == "withdrawn" and query["recipient"] == self._account:
            return f"its asker withdrew it at {self._moment(query['closed_at'])}"
        if query["recipient"] != self._account:
            handed_on = [each for each in query["entries"] if each["event"] in ("forwarded", "passed-on")]
            own = [each for each in handed_on if each["data"].get("by") == self._account]
            last = (own or handed_on)[-1]
            return f"{last['event']} to {last['data']['to']} at {self._moment(last['at'])}; it is not yours to answer"
        if query["state"] == "partly-answered":
            return f"only in part, by answer {query['answer_id']}; the rest is owed"
        return f"it is {query['state']} and unanswered, due {query['due'] or 'at no date'}"

    def _received(self, period: str, at: str) -> str:
        return f"the ledger counts it in {period}: received at {self._moment(at)}"


_NO_TRACE = {
    ListName.SENT: "no trace of it: it never arrived, or went out under another id",
    ListName.RECEIVED: "no trace of such a query to you",
    ListName.ANSWERED: "no trace of such a query to you, nor of an answer with this id",
}


def _deliveries(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in query["entries"] if entry["event"] == "dispatched"]
