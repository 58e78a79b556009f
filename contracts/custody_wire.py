"""What the HTTP API answers of custody time: how long queries lay with whom, by jurisdiction, in seconds."""

from datetime import datetime

from pydantic import Field

from contracts.addresses import Tier
from contracts.wire import Wire


class SpreadOut(Wire):
    """How long a stage took, in seconds, over the queries that entered it."""

    count: int = Field(description="How many entered this stage")
    median: float | None = Field(description="Half took no longer; null where there are none")
    p90: float | None = Field(description="Nine of ten took no longer; null where there are none")


class StagesOut(Wire):
    """The three stages of the queries that were received. What is still in a stage counts with its time so far."""

    received: int
    running: int = Field(description="Of these, not yet answered, withdrawn or forwarded")
    exchange: SpreadOut = Field(description="From a message's arrival at the exchange to the recipient's inbox")
    before_acknowledgement: SpreadOut = Field(description="From there until the recipient acknowledges or is done")
    after_acknowledgement: SpreadOut = Field(description="From the acknowledgement until the recipient is done")


class AddressCustody(StagesOut):
    """The stages of the queries that one address received."""

    address: str


class CustodyPage(StagesOut):
    """The stages of a jurisdiction and everything below it, and of each address in it, the slowest first."""

    jurisdiction: str = Field(description="Empty for the whole platform")
    name: str | None
    tier: Tier | None = Field(description="The one asked for; null for both together")
    kind: str | None
    period: str | None
    from_: datetime = Field(alias="from", description="Queries received at or after this moment")
    to: datetime = Field(description="Queries received before this moment")
    as_of: datetime = Field(description="What lasts is counted up to this moment")
    addresses: list[AddressCustody]
