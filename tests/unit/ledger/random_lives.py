"""Random lives of queries: what may happen to them, in any order, for a ledger in memory and one on a database.

Each rule is a batch that the ledger and the model (``lives_model.py``) take. Whoever has a ledger says how it takes
batches and whom it would remind, and holds it against the model after every step.
"""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from msgspec import structs

from contracts.batch import Admitted, ClosePeriod, Dispatched, LedgerBatch, Parked, PassOn, Remind, Report
from services.ledger.records import Decision
from tests.unit.ledger.lives import CALENDAR, START, batch, dispatched, forward, orders, problems, query, reply
from tests.unit.ledger.lives_model import Life, Model

PLACES = ["410102", "410103", "4102", "310115", "110101", "110102"]
"""Of three provinces, so that a forward may change the tier."""
ASKED = {"410103": "4101"}
"""A place without an account of its own, and who answers for it."""

_MORE: dict[str, dict[str, Any]] = {
    "answer": {"outcome": "confirmed"},
    "forward": {"address": "110102", "written_to": "110102"},
    "rating": {"timely": True, "useful": True},
    "extension": {"outcome": "accepted"},
}
places = st.sampled_from(PLACES)
numbers = st.integers(min_value=0, max_value=99)


def asked(address: str) -> str | None:
    """The participant that an address leads to."""
    return ASKED.get(address, address)


class RandomLives(RuleBasedStateMachine):
    """``clock`` is what the clocks say, which may be set back; ``at`` is the ledger's time, which never runs
    backwards.
    """

    def __init__(self) -> None:
        super().__init__()
        # The log is empty: its first entry may be earlier than the clocks show now.
        self.clock, self.at = START, START - timedelta(days=30)
        self.model = Model(CALENDAR, asked)
        self.batches: list[LedgerBatch] = []

    def decide(self, *batches: LedgerBatch) -> Decision:
        """Have the ledger take batches in one transaction, at ``clock``."""
        raise NotImplementedError

    def to_be_reminded(self) -> list[UUID]:
        """Which queries' recipients are to be reminded at ``at``."""
        raise NotImplementedError

    def take(self, *batches: LedgerBatch) -> None:
        """The ledger and the model take batches in one transaction, a second after the one before."""
        self.clock += timedelta(seconds=1)
        self.at = max(self.at, self.clock)
        decision = self.decide(*batches)
        expected = Counter(problem.slug for one in batches for problem in self.model.take(one, self.at))
        assert Counter(problems(decision)) == expected
        self.batches += batches

    def life(self, number: int) -> Life:
        """One of the queries, three times in four one that somebody owes the answer to, if there is any."""
        lives = list(self.model.lives.values())
        owed = [life for life in lives if life.open] if number % 4 else lives
        return (owed or lives)[number % len(owed or lives)]

    def holder(self, life: Life) -> str:
        return (asked(life.address) or "") if life.on_its_way else life.duties[-1].recipient

    def say(self, type: str, life: Life, sender: str, **changes: Any) -> None:
        self.take(batch(reply(type, life.query, sender, arrived_at=self.clock, **changes)))

    has_lives = precondition(lambda self: self.model.lives)

    @rule(
        wanted=st.lists(
            st.tuples(places, places, st.sampled_from(["case.assist", "residence.verify"]), numbers),
            min_size=1,
            max_size=3,
        ),
        received=st.booleans(),
    )
    def send(self, wanted: list[tuple[str, str, str, int]], received: bool) -> None:
        day = CALENDAR.local_date(self.clock)
        sent = [
            query(to, sender, kind=kind, due=day + timedelta(days=number % 40), arrived_at=self.clock)
            for to, sender, kind, number in wanted
        ]
        self.take(batch(*sent))
        if received:
            self.take(*(dispatched(one, recipient=asked(one.address or "")) for one in sent))

    @has_lives
    @rule(number=numbers)
    def retry(self, number: int) -> None:
        self.take(batch(self.life(number).query))

    @precondition(lambda self: self.batches)
    @rule(back=st.integers(min_value=1, max_value=30), together=st.booleans())
    def redeliver(self, back: int, together: bool) -> None:
        again = self.batches[-back:] if together else [self.batches[-1 - back % len(self.batches)]]
        self.take(*again[:4])
        del self.batches[-len(again[:4]) :]

    @has_lives
    @rule(number=numbers)
    def dispatch(self, number: int) -> None:
        life = self.life(number)
        self.report(life, Dispatched(life.query.id, life.address, asked(life.address) or "", life.number))

    @has_lives
    @rule(number=numbers, place=places)
    def dispatch_elsewhere(self, number: int, place: str) -> None:
        """The address has moved while the query was on its way."""
        life = self.life(number)
        self.report(life, Dispatched(life.query.id, place, asked(place) or "", life.number))

    @precondition(lambda self: self.handed_on())
    @rule(number=numbers, parked=st.booleans())
    def report_on_a_recipient_before(self, number: int, parked: bool) -> None:
        """What the router says of a query may come when its recipient has handed it on already."""
        lives = self.handed_on()
        life = lives[number % len(lives)]
        before = number % life.number
        duty = life.duties[before]
        late = Dispatched(life.query.id, duty.address, duty.recipient, before)
        self.report(life, Parked(life.query.id, "inbox-full", before) if parked else late)

    def handed_on(self) -> list[Life]:
        return [life for life in self.model.lives.values() if life.number and not life.closed]

    @has_lives
    @rule(number=numbers, reason=st.sampled_from(["inbox-full", "inbox-gone"]))
    def park(self, number: int, reason: str) -> None:
        life = self.life(number)
        self.report(life, Parked(life.query.id, reason, life.number))

    @precondition(lambda self: len(self.model.accepted) > len(self.model.lives))
    @rule(number=numbers, place=places)
    def dispatch_a_reply(self, number: int, place: str) -> None:
        replies = sorted(self.model.accepted - self.model.lives.keys())
        self.take(Report(uuid4(), [Dispatched(replies[number % len(replies)], place, place)]))

    def report(self, life: Life, record: Dispatched | Parked) -> None:
        self.take(Report(uuid4(), [record]))

    @has_lives
    @rule(number=numbers)
    def acknowledge(self, number: int) -> None:
        life = self.life(number)
        self.say("acknowledgement", life, self.holder(life))

    @has_lives
    @rule(number=numbers, outcome=st.sampled_from(["confirmed", "not-confirmed", "not-found", "partial", "refused"]))
    def answer(self, number: int, outcome: str) -> None:
        life = self.life(number)
        self.say("answer", life, self.holder(life), outcome=outcome, reason="more-follows")

    @has_lives
    @rule(number=numbers)
    def answer_in_parts(self, number: int) -> None:
        life = self.life(number)
        parts = [
            reply("answer", life.query, self.holder(life), arrived_at=self.clock, outcome="partial", reason="other")
            for _ in range(2)
        ]
        self.take(batch(*parts))

    @has_lives
    @rule(number=numbers, later=st.sampled_from([-3, 0, 1, 5, 40, 400]))
    def ask_for_more_time(self, number: int, later: int) -> None:
        life = self.life(number)
        self.say("extension", life, self.holder(life), due=life.due + timedelta(days=later), reason="other")

    @has_lives
    @rule(number=numbers, said=st.sampled_from(["accepted", "refused"]))
    def reply_to_extension(self, number: int, said: str) -> None:
        life = self.life(number)
        self.say("extension", life, life.query.sender, outcome=said)

    @has_lives
    @rule(number=numbers, place=places)
    def forward(self, number: int, place: str) -> None:
        life = self.life(number)
        self.take(batch(self._forward(life, place)))

    def _forward(self, life: Life, place: str) -> Admitted:
        return structs.replace(forward(life.query, place, self.holder(life)), arrived_at=self.clock)

    @has_lives
    @rule(number=numbers, places=st.permutations(PLACES))
    def send_round(self, number: int, places: list[str]) -> None:
        """Everybody forwards it at once, until nobody may."""
        life = self.life(number)
        for place in places:
            self.take(batch(self._forward(life, place)))

    @has_lives
    @rule(number=numbers)
    def withdraw(self, number: int) -> None:
        life = self.life(number)
        self.say("withdrawal", life, life.query.sender, reason="no-longer-needed")

    @has_lives
    @rule(number=numbers, timely=st.booleans())
    def rate(self, number: int, timely: bool) -> None:
        life = self.life(number)
        self.say("rating", life, life.query.sender, timely=timely, useful=True)

    @has_lives
    @rule(
        number=numbers,
        stranger=places,
        type=st.sampled_from(["acknowledgement", "answer", "forward", "withdrawal", "rating", "extension"]),
    )
    def meddle(self, number: int, stranger: str, type: str) -> None:
        self.say(type, self.life(number), stranger, **_MORE.get(type, {}))

    @rule()
    def remind_who_is_due(self) -> None:
        """Once round the scheduler's loop: one reminder and one escalation at most, then nobody is due any more."""
        for _ in range(2):
            self.take(orders(*map(Remind, self.to_be_reminded())))
        assert self.to_be_reminded() == []

    @has_lives
    @rule(number=numbers, times=st.integers(min_value=1, max_value=2))
    def remind_by_hand(self, number: int, times: int) -> None:
        """Also by somebody who is impatient."""
        for _ in range(times):
            self.take(orders(Remind(self.life(number).query.id, by="clerk", reason="no-record")))

    @has_lives
    @rule(number=numbers, successor=places, honest=st.booleans())
    def pass_on(self, number: int, successor: str, honest: bool) -> None:
        life = self.life(number)
        address = life.address if honest else PLACES[number % len(PLACES)]
        if successor != address:
            self.take(orders(PassOn(life.query.id, address, successor)))

    @has_lives
    @rule(number=numbers)
    def close_a_month(self, number: int) -> None:
        periods = sorted({CALENDAR.period_of(self.at)} | {key[-1] for key in self.model.figures()})
        self.take(orders(ClosePeriod(uuid4(), periods[number % len(periods)], "clerk")))

    @has_lives
    @rule(number=numbers, early=st.booleans())
    def answer_at_the_cutoff(self, number: int, early: bool) -> None:
        """The last answer that counts for a month, or the first that does not; then the month is closed."""
        life = self.life(number)
        period = life.duties[0].period if life.duties else CALENDAR.period_of(self.at)
        self.clock = max(self.clock, CALENDAR.cutoff(period) - timedelta(seconds=3 if early else 0))
        self.say("answer", life, self.holder(life), outcome="confirmed")
        self.clock += timedelta(seconds=3)
        self.take(orders(ClosePeriod(uuid4(), period, "clerk")))

    @rule(hours=st.sampled_from([-1, 1, 25, 24 * 4, 24 * 9, 24 * 30]))
    def let_time_pass(self, hours: int) -> None:
        """Also backwards: clocks are set."""
        self.clock += timedelta(hours=hours)
