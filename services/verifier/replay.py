"""What every entry may say after those before it: the rules that the ledger is held to, written a second time (pure).

    entry                       begins or ends        moves
    dispatched (of a query)     begins a duty         received
    answered                    ends one              answered; on_time, on_time_original, substantive as it says
    forwarded, passed-on        ends one              forwarded
    withdrawn, with an address  ends one              withdrawn

Everything else moves nothing. Who is moved are two cohorts, the recipient's and the sender's. Source: design section
2.3; docs/proof-log.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.addresses import AddressError, tier
from contracts.envelope import SUBSTANTIVE
from contracts.leaf import Leaf, LeafError, Totals, table_digest
from services.verifier.findings import Check, Finding, Findings
from services.verifier.records import ROLES, Cohort, CohortKey, Duty, DutyKey, Memory, Message

QUERY = "query"

EVIDENCE: Mapping[str, tuple[str, str]] = {
    "acknowledged": ("acknowledgement", "acknowledgement"),
    "extension-asked": ("extension", "extension"),
    "extended": ("extension", "extension"),
    "extension-refused": ("extension", "extension"),
    "partly-answered": ("answer", "answer"),
    "answered": ("answer", "answer"),
    "rated": ("rating", "rating"),
    "forwarded": ("forward", "forward"),
    "withdrawn": ("withdrawal", "withdrawal"),
}
"""By event: the member that names the message it is the consequence of, and that message's type."""

_WITHOUT_EVIDENCE = {"parked", "dispatched", "reminded", "escalated", "passed-on"}
_ENDS = {"answered", "forwarded", "passed-on", "withdrawn"}
_HANDED_ON = {"forwarded", "passed-on"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _MalformedError(ValueError):
    """An entry's data lacks what its event needs, or says it in another form."""


def moment(at: datetime) -> int:
    """A time in microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def evidence_of(leaf: Leaf) -> UUID | None:
    """The message that an entry is the consequence of, where it names one."""
    named = EVIDENCE.get(leaf.event)
    try:
        return None if named is None else UUID(leaf.data[named[0]])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


class Replay:
    """Takes the entries in order, holds each against ``memory``, and notes what is wrong in ``findings``.

    ``memory`` has to hold what the log said before of the messages that an entry names.
    """

    def __init__(self, memory: Memory, findings: Findings, newest: int | None = None, period: str = "") -> None:
        self._memory = memory
        self._findings = findings
        self.newest = newest
        self.period = period
        self._leaf = Leaf(0, _EPOCH, "", None, {})

    def take(self, leaf: Leaf, index: int) -> None:
        """The entry that stands at ``index`` of the log."""
        self._leaf = leaf
        if leaf.index != index:
            self._wrong(Check.LEAF, f"stands at place {index:,} of the log and says that it is entry {leaf.index:,}")
        at = moment(leaf.at)
        if self.newest is not None and at < self.newest:
            self._wrong(Check.TIME, f"its time, {leaf.at.isoformat()}, lies before that of the entry before it")
        self.newest = at
        try:
            self._take(leaf, at)
        except (_MalformedError, LeafError, AddressError) as error:
            self._wrong(Check.LEAF, str(error))

    def _take(self, leaf: Leaf, at: int) -> None:
        match leaf.event:
            case "accepted":
                self._accept(leaf)
            case "refused":
                self._number(leaf)
            case "closed":
                self._close(leaf, at)
            case event if event in EVIDENCE or event in _WITHOUT_EVIDENCE:
                self._follow(leaf, at)
            case _:
                # What came later under this version of the leaf moves nothing (docs/proof-log.md, "Versions").
                pass
        if leaf.event not in _ENDS and leaf.event != "dispatched":
            self._expect_no_totals(leaf.data)

    def _accept(self, leaf: Leaf) -> None:
        id, data = self._message_id(leaf), leaf.data
        if id in self._memory.messages:
            self._wrong(Check.MESSAGE, "is accepted a second time")
            return
        correlation = data.get("correlation_id")
        self._memory.messages[id] = Message(
            _text(data, "type"), _text(data, "from"), _text_or_none(data, "kind"), _uuid(correlation)
        )
        self._number(leaf)

    def _number(self, leaf: Leaf) -> None:
        if "sequence" in leaf.data:
            number, sender = leaf.data["sequence"], _text(leaf.data, "sender")
            if type(number) is not int or number < 1:
                raise _MalformedError("its sequence is no whole number from 1")
            self._memory.number(sender, number, leaf.message_id, leaf.index)

    def _follow(self, leaf: Leaf, at: int) -> None:
        """An entry about a message that must have been accepted before."""
        id = self._message_id(leaf)
        message = self._memory.messages.get(id)
        if message is None:
            self._wrong(Check.MESSAGE, f"is {leaf.event} and was never accepted")
            # It is told once: what follows about this message is held against what is said here.
            said = leaf.data
            message = Message(str(said.get("type", QUERY)), str(said.get("from", "")), said.get("kind"), None)
            self._memory.messages[id] = message
        if "type" in leaf.data:
            self._expect_same(leaf, message)
        if leaf.event in EVIDENCE:
            self._expect_evidence(leaf, id)
        if leaf.event == "dispatched":
            self._begin(leaf, DutyKey(id, _count(leaf.data, "duty")), message, at)
        elif leaf.event == "withdrawn" and "address" not in leaf.data:
            self._withdraw_unreceived(leaf, message)
        elif leaf.event in _ENDS:
            self._end(leaf, DutyKey(id, _count(leaf.data, "duty")), message, at)

    def _expect_same(self, leaf: Leaf, message: Message) -> None:
        accepted = {"type": message.type, "from": message.origin, "kind": message.kind}
        for name, value in accepted.items():
            if leaf.data.get(name) != value:
                self._wrong(Check.MESSAGE, f"has another {name} than when it was accepted")

    def _expect_evidence(self, leaf: Leaf, id: UUID) -> None:
        member, type = EVIDENCE[leaf.event]
        cause = evidence_of(leaf)
        if cause is None:
            raise _MalformedError(f"it does not name the {type} that it follows from")
        known = self._memory.messages.get(cause)
        if known is None or known.type != type or known.correlation_id != id:
            self._wrong(Check.MESSAGE, f"is {leaf.event}, but no {member} {cause} to it was accepted")

    def _begin(self, leaf: Leaf, key: DutyKey, message: Message, at: int) -> None:
        begun = None
        if message.running or message.over:
            self._wrong(
                Check.DUTY, "is received again, though it " + ("is over" if message.over else "was not handed on")
            )
        elif key.number != message.duties:
            self._wrong(Check.DUTY, f"begins duty {key.number} where duty {message.duties} is to begin")
        else:
            message.duties += 1
            message.running = message.type == QUERY
            message.over = message.type != QUERY
            begun = message.running
        if message.type != QUERY:
            self._expect_no_totals(leaf.data)
            return
        duty = _duty(leaf.data, at)
        if duty.tier != tier(duty.origin, duty.address):
            self._wrong(Check.DUTY, f"is counted as {duty.tier}, which its two addresses are not")
        if duty.period in self._memory.closed:
            self._wrong(
                Check.CLOSING, f"is received in {duty.period}, which entry {self._memory.closed[duty.period]:,} closed"
            )
        if duty.period < self.period:
            self._wrong(Check.TIME, f"is received in {duty.period}, after others were received in {self.period}")
        self.period = max(self.period, duty.period)
        if begun:
            self._memory.duties[key] = duty
        self._move(leaf.data, duty, Totals(received=1), counts=bool(begun))

    def _end(self, leaf: Leaf, key: DutyKey, message: Message, at: int) -> None:
        data = leaf.data
        judged = {name: leaf.event == "answered" and _flag(data, name) for name in _JUDGED}
        if leaf.event == "answered" and judged["substantive"] != (data.get("outcome") in SUBSTANTIVE):
            self._wrong(Check.DUTY, "is answered, and substantive does not agree with the outcome")
        duty = self._memory.duties.get(key)
        ends = duty is not None and duty.ended_at is None and message.running
        if duty is None:
            self._wrong(Check.DUTY, f"ends duty {key.number}, which never began")
        elif duty.ended_at is not None:
            self._wrong(Check.DUTY, f"ends duty {key.number} a second time; it was {duty.ended_as} before")
        elif duty.cohort != (cohort := _cohort(data)):
            self._wrong(Check.DUTY, f"ends a duty of {_place(duty.cohort)} as one of {_place(cohort)}")
        if duty is not None and ends:
            duty.ended_at, duty.ended_as = at, leaf.event
            duty.on_time, duty.on_time_original, duty.substantive = judged.values()
            message.running = False
            message.over = leaf.event not in _HANDED_ON
        count = {"answered": "answered", "withdrawn": "withdrawn"}.get(leaf.event, "forwarded")
        move = Totals(**{count: 1, **{name: int(value) for name, value in judged.items()}})
        self._move(data, duty if ends and duty is not None else _duty(data, at), move, counts=ends)

    def _withdraw_unreceived(self, leaf: Leaf, message: Message) -> None:
        self._expect_no_totals(leaf.data)
        if message.running:
            self._wrong(Check.DUTY, "is withdrawn as if nobody had received it, and its recipient's duty goes on")
        elif message.over:
            self._wrong(Check.DUTY, "is withdrawn, though it is over")
        message.over = True

    def _move(self, data: Mapping[str, Any], duty: Duty, move: Totals, *, counts: bool) -> None:
        """Two cohorts move. What they are counted to be moves only where a duty does begin or end."""
        stated = data.get("totals")
        if not isinstance(stated, dict) or set(stated) != set(ROLES):
            raise _MalformedError("it moves figures and does not state the totals of both its cohorts")
        for role, address in (("recipient", duty.address), ("sender", duty.origin)):
            cohort = self._cohort(CohortKey(role, address, duty.tier, duty.period))
            expected, now = cohort.stated + move, Totals.from_dict(stated[role])
            if counts:
                # One addition will do for a cohort of which nothing wrong was stated yet, as nearly all are.
                cohort.counted = expected if cohort.counted == cohort.stated else cohort.counted + move
            if now != expected:
                self._wrong(Check.TOTALS, f"the totals of {role} {address} {_difference(now, expected)}")
            # What is wrong is told where it begins: the entries after it are held against what is stated here.
            cohort.stated = now

    def _cohort(self, key: CohortKey) -> Cohort:
        cohort = self._memory.cohorts.get(key)
        if cohort is None:
            cohort = self._memory.cohorts[key] = Cohort()
        return cohort

    def _expect_no_totals(self, data: Mapping[str, Any]) -> None:
        if "totals" in data:
            self._wrong(Check.TOTALS, "states totals, though it moves none")

    def _close(self, leaf: Leaf, at: int) -> None:
        data = leaf.data
        period, table = _text(data, "period"), data.get("table")
        as_of = _moment(data, "as_of")
        if not isinstance(table, dict) or set(table) != {"sha256", "rows"}:
            raise _MalformedError("it closes a month without the digest of its table")
        if period in self._memory.closed:
            self._wrong(Check.CLOSING, f"closes {period}, which entry {self._memory.closed[period]:,} closed before")
            return
        if as_of > at:
            self._wrong(Check.CLOSING, f"closes {period} as of a moment that has not come")
        newest = self._memory.newest_of(period)
        if newest is not None and newest >= as_of:
            self._wrong(Check.CLOSING, f"closes {period} as of a moment at which its queries were still being received")
        lines = self._memory.closing_lines(period, as_of)
        if (len(lines), table_digest(lines)) != (table["rows"], table["sha256"]):
            self._wrong(
                Check.CLOSING,
                f"fixes figures of {period} that are not those of its entries: a table of {table['rows']} rows, "
                f"{str(table['sha256'])[:16]}…; the entries make {len(lines)} rows, {table_digest(lines)[:16]}…",
            )
        self._memory.closed[period] = leaf.index

    def _message_id(self, leaf: Leaf) -> UUID:
        if leaf.message_id is None:
            raise _MalformedError(f"it says {leaf.event} of no message")
        return leaf.message_id

    def _wrong(self, check: Check, text: str) -> None:
        self._findings.add(Finding(check, text, self._leaf.index, self._leaf.message_id))


_JUDGED = ("on_time", "on_time_original", "substantive")


def _duty(data: Mapping[str, Any], at: int) -> Duty:
    return Duty(*_cohort(data), began_at=at)


def _cohort(data: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    return (
        _text(data, "from"),
        _text(data, "address"),
        _text(data, "tier"),
        _text(data, "kind"),
        _text(data, "period"),
    )


def _place(cohort: tuple[str, str, str, str, str]) -> str:
    origin, address, tier, kind, period = cohort
    return f"{address} from {origin} ({tier}, {kind}, {period})"


def _difference(stated: Totals, expected: Totals) -> str:
    differing = [
        f"{name} {value:,} instead of {expected.to_dict()[name]:,}"
        for name, value in stated.to_dict().items()
        if value != expected.to_dict()[name]
    ]
    return "are miscounted: " + ", ".join(differing)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise _MalformedError(f"its {name} is no text")
    return value


def _text_or_none(data: Mapping[str, Any], name: str) -> str | None:
    return None if data.get(name) is None else _text(data, name)


def _count(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if type(value) is not int or value < 0:
        raise _MalformedError(f"its {name} is no whole number")
    return value


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if not isinstance(value, bool):
        raise _MalformedError(f"its {name} is neither true nor false")
    return value


def _uuid(value: object) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise _MalformedError("its correlation_id is no id") from None


def _moment(data: Mapping[str, Any], name: str) -> int:
    try:
        at = datetime.fromisoformat(_text(data, name))
    except ValueError:
        raise _MalformedError(f"its {name} is no moment") from None
    if at.tzinfo is None:
        raise _MalformedError(f"its {name} has no zone")
    return moment(at)
