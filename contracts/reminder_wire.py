"""What the HTTP API takes and answers where somebody has a query's recipient reminded by hand."""

from uuid import UUID

from pydantic import Field

from contracts.envelope import MAX_REASON_CHARACTERS
from contracts.wire import Wire


class ReminderRequest(Wire):
    """Why the recipient is reminded."""

    reason: str | None = Field(
        default=None,
        max_length=MAX_REASON_CHARACTERS,
        description="Goes out with the reminder; only its code is kept",
        examples=["no-longer-needed: the resident has moved back"],
    )


class ReminderOrdered(Wire):
    """The reminder is ordered: the broker has the order on disk. A `reminded` entry follows, unless the query is
    closed or reminded of meanwhile.
    """

    order: UUID
    query: UUID
    recipient: str = Field(description="Who is reminded")
    by: str = Field(description="The account that asked for it, or `administrator`")
