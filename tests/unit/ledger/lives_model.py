"""What a ledger must make of queries, as a model of a few lines: per query its duties, and how each of them ended."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from contracts.batch import Admitted, ClosePeriod, Dispatched, LedgerBatch, Parked, PassOn, Refused
from contracts.period import Calendar
from contracts.problems import ProblemType

Key = tuple[str, str, str, str, str]
"""Role, address, tier, kind, period."""
Figures = dict[Key, Counter[str]]


@dataclass
class Duty:
    """A recipient's time with a query. ``judged`` are the counters that its answer moved beside ``answered``."""

    address: str
    recipient: str
    period: str
    ended: str | None = None
    ended_at: datetime | None = None
    judged: tuple[str, ...] = ()

    def end(self, how: str, at: datetime) -> None:
        """Nothing is owed any more."""
        self.ended, self.ended_at = how, at


@dataclass
class Life:
    """One query: ``duties`` are those that began; it is on its way to ``address``, or lies there."""

    query: Admitted
    address: str
    due: date
    duties: list[Duty] = field(default_factory=list)
    on_its_way: bool = True
    parked: bool = False
    acknowledged: bool = False
    partly: bool = False
    rated: bool = False
    withdrawn: bool = False
    forwards: int = 0
    proposed: date | None = None

    @property
    def answered(self) -> bool:
        """Whether the last recipient has answered."""
        return bool(self.duties) and self.duties[-1].ended == "answered"

    @property
    def closed(self) -> bool:
        """Whether it waits for nothing more."""
        return self.withdrawn or self.answered

    @property
    def open(self) -> bool:
        """Whether a recipient owes the answer."""
        return not (self.closed or self.on_its_way)

    @property
    def number(self) -> int:
        """The number of the present duty."""
        return sum(duty.ended == "forwarded" for duty in self.duties)

    @property
    def state(self) -> str:
        """What the ledger calls it."""
        if self.closed:
            return "withdrawn" if self.withdrawn else "answered"
        if self.on_its_way:
            return "parked" if self.parked else "forwarded" if self.duties else "accepted"
        return "partly-answered" if self.partly else "acknowledged" if self.acknowledged else "dispatched"


@dataclass
class Model:
    """All queries. ``asked`` names the participant that answers for an address; ``at`` is the ledger's time."""

    calendar: Calendar
    asked: Callable[[str], str | None]
    lives: dict[UUID, Life] = field(default_factory=dict)
    accepted: set[UUID] = field(default_factory=set)
    closed: dict[str, Figures] = field(default_factory=dict)

    def take(self, batch: LedgerBatch, at: datetime) -> list[ProblemType]:
        """Live through a batch; which problems its messages are refused with."""
        problems = []
        for record in batch.records:
            match record:
                case Admitted() if record.id not in self.accepted:
                    problem = self._let_in(record, at)
                    if problem is None:
                        self.accepted.add(record.id)
                    else:
                        problems.append(problem)
                case Dispatched() | Parked() if record.id in self.lives:
                    self._report(self.lives[record.id], record, at)
                case PassOn():
                    self._pass_on(self.lives[record.id], record, at)
                case ClosePeriod():
                    self._close(record.period, at)
                case Refused():
                    raise AssertionError("these lives have none")
        return problems

    def figures(self, period: str | None = None, before: datetime | None = None) -> Figures:
        """Every cohort, or those of one period, from what ended ``before`` a moment."""
        figures: Figures = {}
        for life in self.lives.values():
            for duty in life.duties:
                over = duty.ended_at is not None and (before is None or duty.ended_at < before)
                tier = "provincial" if life.query.origin[:2] == duty.address[:2] else "national"
                for role, address in (("recipient", duty.address), ("sender", life.query.origin)):
                    if period in (None, duty.period):
                        key = (role, address, tier, str(life.query.kind), duty.period)
                        moved = [duty.ended or "", *duty.judged] if over else ["unanswered"]
                        figures.setdefault(key, Counter()).update(["received", *moved])
        return figures

    def _receive(self, life: Life, at: datetime, address: str, recipient: str) -> None:
        if life.on_its_way and not life.closed:
            life.duties.append(Duty(address, recipient, self.calendar.period_of(at)))
            life.address, life.on_its_way, life.parked = address, False, False

    def _hand_on(self, life: Life, address: str, at: datetime) -> None:
        life.duties[-1].end("forwarded", at)
        life.address, life.on_its_way = address, True
        life.acknowledged, life.partly, life.proposed = False, False, None

    def _report(self, life: Life, record: Dispatched | Parked, at: datetime) -> None:
        if record.duty != life.number:
            return
        if isinstance(record, Dispatched):
            self._receive(life, at, record.address, record.recipient)
        elif life.on_its_way and not life.closed:
            life.parked = True

    def _pass_on(self, life: Life, order: PassOn, at: datetime) -> None:
        recipient = self.asked(order.successor)
        if life.open and life.address == order.address and recipient is not None:
            self._hand_on(life, order.successor, at)
            self._receive(life, at, order.successor, recipient)

    def _close(self, period: str, at: datetime) -> None:
        cutoff = self.calendar.cutoff(period)
        if period not in self.closed and at >= cutoff:
            self.closed[period] = self.figures(period, cutoff)

    def _let_in(self, record: Admitted, at: datetime) -> ProblemType | None:
        if record.type == "query":
            assert record.address is not None
            assert record.due is not None
            self.lives[record.id] = Life(record, record.address, record.due)
            return None
        life = self.lives.get(record.correlation_id) if record.correlation_id else None
        if life is None:
            return ProblemType.UNKNOWN_QUERY
        of_the_asker = record.type in ("withdrawal", "rating") or (record.type == "extension" and record.outcome)
        holder = self.asked(life.address) if life.on_its_way else life.duties[-1].recipient
        if of_the_asker and record.sender != life.query.sender:
            return ProblemType.NOT_ASKER
        if not of_the_asker and record.sender != holder:
            return ProblemType.NOT_ASKED
        problem = self._against(life, record, holder)
        if problem is None:
            if not of_the_asker:
                self._receive(life, at, life.address, record.sender)
            self._say(life, record, at)
        return problem

    def _against(self, life: Life, record: Admitted, holder: str | None) -> ProblemType | None:
        given = {duty.recipient for duty in life.duties} | {holder, life.query.sender}
        today = self.calendar.local_date(record.arrived_at)
        due = record.due or date.max
        latest = today + timedelta(days=366)
        objections: dict[str, list[tuple[bool, ProblemType]]] = {
            "rating": [
                (not life.answered, ProblemType.NOT_ANSWERED),
                (life.rated, ProblemType.ALREADY_RATED),
            ],
            "acknowledgement": [
                (life.acknowledged or (life.partly and not life.closed), ProblemType.ALREADY_ACKNOWLEDGED),
                (life.closed, ProblemType.QUERY_CLOSED),
            ],
            "extension": [
                (life.closed, ProblemType.QUERY_CLOSED),
                (record.outcome is not None and life.proposed is None, ProblemType.NO_EXTENSION_ASKED),
                (record.outcome is None and due <= life.due, ProblemType.DUE_NOT_LATER),
                (record.outcome is None and due > latest, ProblemType.DUE_TOO_LATE),
                (record.outcome is None and due < today, ProblemType.DUE_IN_THE_PAST),
            ],
            "forward": [
                (life.closed, ProblemType.QUERY_CLOSED),
                (life.forwards == 3, ProblemType.TOO_MANY_FORWARDS),
                (self.asked(record.address or "") in given, ProblemType.FORWARD_LOOP),
            ],
        }
        closed = [(life.closed, ProblemType.QUERY_CLOSED)]
        return next((problem for so, problem in objections.get(record.type, closed) if so), None)

    def _say(self, life: Life, record: Admitted, at: datetime) -> None:
        match record.type, record.outcome:
            case "acknowledgement", _:
                life.acknowledged = True
            case "extension", None:
                life.proposed = record.due
            case "extension", reply:
                life.due = life.proposed or life.due if reply == "accepted" else life.due
                life.proposed = None
            case "forward", _:
                self._hand_on(life, str(record.address), at)
                life.forwards += 1
            case "withdrawal", _:
                if life.open:
                    life.duties[-1].end("withdrawn", at)
                life.withdrawn = True
            case "rating", _:
                life.rated = True
            case "answer", "partial" if not life.partly:
                life.partly = True
            case "answer", outcome:
                self._answer(life, str(outcome), record.arrived_at, at)

    def _answer(self, life: Life, outcome: str, arrived_at: datetime, at: datetime) -> None:
        day = self.calendar.local_date(arrived_at)
        judged = {
            "on_time": day <= life.due,
            "on_time_original": day <= (life.query.due or date.max),
            "substantive": outcome in ("confirmed", "not-confirmed", "partial"),
        }
        life.duties[-1].end("answered", at)
        life.duties[-1].judged = tuple(name for name, so in judged.items() if so)
