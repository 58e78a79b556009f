"""What the ledger's API answers about statistical periods and their closing: the wire's models."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.addresses import Tier
from contracts.wire import FiguresOut, Wire

PeriodState = Literal["open", "over", "closed"]


class PeriodOut(Wire):
    """A statistical month or year. Only months are closed by themselves; a year is closed with the last of its months,
    whose closing is then said here.
    """

    period: str
    from_: datetime = Field(alias="from", description="Queries received at or after this moment")
    to: datetime = Field(description="Queries received before this moment")
    cut_off: datetime = Field(description="Answers before this moment count in the closed figures")
    state: PeriodState = Field(
        description="`open` until it has ended, then `over`, and `closed` once its figures are fixed"
    )
    open_months: list[str] = Field(description="Those of its months that are not closed; of a month, itself")
    closed_at: datetime | None
    closed_by: str | None
    as_of: datetime | None = Field(description="The closed figures are as of this moment; of a year, its last month's")
    entry: int | None = Field(description="The ledger's entry of the closing")


class PeriodsOut(Wire):
    """The last months, the present one first, and the years that they lie in."""

    months: list[PeriodOut]
    years: list[PeriodOut]


class PeriodFigures(FiguresOut):
    """Figures of both tiers together, and of each."""

    tiers: dict[Tier, FiguresOut]


class Restatement(Wire):
    """The present figures less the closed ones: what came after the cut-off. Nothing is received after a period."""

    answered: int
    on_time: int
    unanswered: int
    withdrawn: int
    forwarded: int
    on_time_original: int
    substantive: int


class PeriodDetail(PeriodOut):
    """A period with the figures of a jurisdiction and everything below it: the closed ones beside the present ones."""

    jurisdiction: str = Field(description="Empty for the whole platform")
    name: str | None
    role: str
    kind: str | None
    closed: PeriodFigures | None = Field(description="As fixed; of a year, the sum of its months. Null until closed")
    present: PeriodFigures = Field(description="As they stand now")
    restated: Restatement | None


class ClosingOrdered(Wire):
    """The order to close a month is on its way to the log's writer, which carries it out in its turn."""

    order: UUID
    period: str
    as_of: datetime = Field(description="What comes at or after this moment will not count")
