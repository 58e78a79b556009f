"""A query on which a participant's list and the ledger do not agree, and why."""

from dataclasses import dataclass
from enum import StrEnum

from contracts.listing_wire import ListName


class Side(StrEnum):
    """Who has it: only the participant, only the ledger, or both and not alike."""

    ONLY_MINE = "only-mine"
    ONLY_LEDGER = "only-ledger"
    DIFFERS = "differs"


class Reason(StrEnum):
    """Why. Stable, for programs; the detail beside it is for people."""

    UNKNOWN = "unknown"
    REFUSED = "refused"
    PARKED = "parked"
    UNDERWAY = "underway"
    WITHDRAWN = "withdrawn"
    ANOTHER_ID = "another-id"
    ANOTHER_SENDER = "another-sender"
    ANOTHER_RECIPIENT = "another-recipient"
    NOT_A_QUERY = "not-a-query"
    LISTED_TWICE = "listed-twice"
    NOT_LISTED = "not-listed"
    NOT_ANSWERED = "not-answered"
    ANOTHER_PERIOD = "another-period"


EXPLAINED = {
    Reason.UNKNOWN: "never reached the ledger",
    Reason.REFUSED: "refused",
    Reason.PARKED: "parked: nobody has received it",
    Reason.UNDERWAY: "on its way: nobody has received it yet",
    Reason.WITHDRAWN: "withdrawn before anybody had received it",
    Reason.ANOTHER_ID: "under another id",
    Reason.ANOTHER_SENDER: "sent by another participant",
    Reason.ANOTHER_RECIPIENT: "received by another participant",
    Reason.NOT_A_QUERY: "not a query; the lists are of queries",
    Reason.LISTED_TWICE: "listed more than once",
    Reason.NOT_LISTED: "missing on your list",
    Reason.NOT_ANSWERED: "not answered, says the ledger",
    Reason.ANOTHER_PERIOD: "counted in another period",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``other`` is another id that has to do with it: an answer's query, a query's answer."""

    side: Side
    list: ListName
    id: str
    reason: Reason
    detail: str
    other: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """As `--json` prints it; the side is said by where it stands."""
        return {
            "list": self.list,
            "id": self.id,
            "reason": self.reason,
            "detail": self.detail,
            "other": self.other,
        }
