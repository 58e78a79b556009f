"""A ledger whose clock is the test's: what is put on it happens at moments of the past, months of which can be closed.

The sequencer, the database and the API are the real ones. What happens is remembered beside them in a few plain rows,
so that every figure can be counted a second time in another way.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg

from contracts.addresses import tier
from contracts.batch import Admitted, ClosePeriod, LedgerBatch
from contracts.period import Calendar
from contracts.rates import Figures
from services.ledger.sequencer import Sequencer
from tests.unit.ledger.lives import batch, dispatched, forward, orders, query, reply

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
SUBSTANTIVE = ("confirmed", "not-confirmed", "partial")
OUTCOMES = (*SUBSTANTIVE, "not-found", "refused")
DAY = timedelta(days=1)


@dataclass(slots=True)
class Duty:
    """What is remembered of one recipient's time with a query."""

    query: Admitted
    address: str
    number: int
    received_at: datetime
    ended_at: datetime | None = None
    ended_as: str | None = None
    outcome: str | None = None

    @property
    def period(self) -> str:
        """The month in which the query was received."""
        return CALENDAR.period_of(self.received_at)

    @property
    def tier(self) -> str:
        """The tier of the two parties."""
        return tier(self.query.origin, self.address)

    def ended(self, before: datetime) -> bool:
        """Whether it had ended before a moment."""
        return self.ended_at is not None and self.ended_at < before


@dataclass
class Past:
    """A ledger, its clock, and the duties that are remembered beside it."""

    pool: asyncpg.Pool
    now: datetime
    duties: list[Duty] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sequencer = Sequencer(
            self.pool, CALENDAR, lambda address: address, lambda _name: None, clock=lambda: self.now
        )

    async def take(self, *batches: LedgerBatch) -> None:
        """Take batches in one transaction, at the clock's time."""
        decision, _ = await self._sequencer.take(list(batches))
        # What the ledger refuses would be remembered here as if it had happened.
        assert not decision.refused

    async def ask(self, *addresses: str, sender: str = "310115") -> list[Duty]:
        """Queries that their recipients have now."""
        asked = [query(address, sender, arrived_at=self.now) for address in addresses]
        await self.take(batch(*asked), *(dispatched(each) for each in asked))
        begun = [Duty(each, each.address or "", 0, self.now) for each in asked]
        self.duties += begun
        return begun

    async def answer(self, *duties: Duty, outcome: str = "confirmed") -> None:
        """Final answers to queries that are open."""
        await self.take(
            batch(*(reply("answer", d.query, d.address, outcome=outcome, arrived_at=self.now) for d in duties))
        )
        for duty in duties:
            duty.ended_at, duty.ended_as, duty.outcome = self.now, "answered", outcome

    async def withdraw(self, duty: Duty) -> None:
        """The asker takes the query back."""
        await self.take(batch(reply("withdrawal", duty.query, duty.query.sender, arrived_at=self.now, reason="solved")))
        duty.ended_at, duty.ended_as = self.now, "withdrawn"

    async def forward(self, duty: Duty, to: str) -> Duty:
        """The recipient hands the query on."""
        number = duty.number + 1
        await self.take(batch(forward(duty.query, to, duty.address)), dispatched(duty.query, to, number))
        duty.ended_at, duty.ended_as = self.now, "forwarded"
        begun = Duty(duty.query, to, number, self.now)
        self.duties.append(begun)
        return begun

    async def close(self, month: str) -> None:
        """The order that an administrator gives."""
        order = ClosePeriod(random.Random(month).choice(self.duties).query.id, month, "administrator")
        await self.take(orders(order))

    def counted(self, address: str, months: list[str], before: datetime | None = None) -> Figures:
        """The figures of an address and what lies below it, counted from what is remembered."""
        return sum(
            (_figures(d, before) for d in self.duties if d.address.startswith(address) and d.period in months),
            Figures(),
        )


def _figures(duty: Duty, before: datetime | None) -> Figures:
    ended = duty.ended_as if duty.ended(before or datetime.max.replace(tzinfo=UTC)) else None
    answered = int(ended == "answered")
    day = CALENDAR.local_date(duty.ended_at) if duty.ended_at else None
    on_time = int(bool(answered and day and duty.query.due and day <= duty.query.due))
    return Figures(
        received=1,
        answered=answered,
        on_time=on_time,
        unanswered=int(ended is None),
        withdrawn=int(ended == "withdrawn"),
        forwarded=int(ended == "forwarded"),
        on_time_original=on_time,
        substantive=int(answered and duty.outcome in SUBSTANTIVE),
    )


async def live(past: Past, addresses: tuple[str, ...], months: list[str], seed: int) -> None:
    """Random lives over the months; each month is closed some days after its cut-off, while life goes on."""
    chance = random.Random(seed)
    to_close = list(months)
    past.now = CALENDAR.span(months[0]).start
    end = CALENDAR.cutoff(months[-1]) + 9 * DAY
    while past.now < end:
        past.now += timedelta(hours=chance.randint(1, 150))
        if to_close and past.now > CALENDAR.cutoff(to_close[0]) + chance.choice([0, 1, 8]) * DAY:
            await past.close(to_close.pop(0))
        await past.ask(*chance.choices(addresses, k=chance.randint(1, 4)), sender=chance.choice(["310115", "419001"]))
        for duty in [duty for duty in past.duties if duty.ended_at is None]:
            await _go_on(past, duty, addresses, chance)
    for month in to_close:
        await past.close(month)


async def _go_on(past: Past, duty: Duty, addresses: tuple[str, ...], chance: random.Random) -> None:
    fate = chance.random()
    # Few are dealt with at a time, so that many are answered weeks later, and some after their period was closed.
    if fate < 0.15:
        await past.answer(duty, outcome=chance.choice([o for o in OUTCOMES if o != "partial"]))
    elif fate < 0.18:
        await past.withdraw(duty)
    elif fate < 0.22 and duty.number == 0:
        others = [address for address in addresses if address not in (duty.address, duty.query.sender)]
        await past.forward(duty, chance.choice(others))
