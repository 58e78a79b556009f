"""The verdict: every message in one class, by what its sender, its recipient and the ledger say of it.

It is a pure function of the parties' journals and of one moment of the ledger. What must be empty: ``lost``,
``duplicated``, ``unexpected`` and ``disagreements``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.ledger_view import APIView, LedgerView

OPEN = {"dispatched", "acknowledged", "partly-answered"}
DELIVERED = OPEN | {"answered"}
UNDERWAY = {"accepted", "forwarded"}
_WITHOUT_MOVING = {"extension-asked", "extended", "extension-refused", "reminded", "escalated", "rated"}
_CLASSES = ("attempted", "confirmed", "recorded", "delivered", "answered", "parked", "refused", "set_aside")
_ONCE = ("accepted", "answered", "withdrawn")


@dataclass(slots=True)
class Testimony:
    """What the parties wrote down. ``consumed`` is by party, with repetitions; ids are texts."""

    __test__ = False

    intents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    consumed: dict[str, Counter[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    reminders: dict[str, set[str]] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)
    duplicates: set[str] = field(default_factory=set)

    def hear(self, address: str, facts: Iterable[Mapping[str, Any]]) -> None:
        """Take one party's journal in."""
        mine = self.consumed.setdefault(address, Counter())
        for fact in facts:
            match fact["fact"]:
                case "intent":
                    self.intents[fact["id"]] = {**fact, "sender": address}
                case "confirm":
                    self.confirmed.add(fact["id"])
                case "consumed" if fact["type"] == "reminder":
                    self.reminders.setdefault(fact["correlation_id"], set()).add(fact["id"])
                case "consumed":
                    mine[fact["id"]] += 1
                    self.types[fact["id"]] = fact["type"]
                case "receipt":
                    self._hear_receipt(fact)

    def _hear_receipt(self, fact: Mapping[str, Any]) -> None:
        self.duplicates |= set(fact["duplicate"])
        for one in fact["accepted"]:
            if self.accepted.setdefault(one["id"], one["entry"]) != one["entry"]:
                self.disputed.add(one["id"])

    @property
    def receivers(self) -> dict[str, set[str]]:
        """Who consumed each message."""
        who: dict[str, set[str]] = {}
        for address, counts in self.consumed.items():
            for id in counts:
                who.setdefault(id, set()).add(address)
        return who


@dataclass(slots=True)
class Verdict:
    """The classes, as sets of ids. A message is in one of the first five, beside ``attempted`` and ``confirmed``.

    ``delivered`` were consumed by their recipient; ``answered`` are the queries among them with an answer on the
    ledger; ``redelivered`` counts the copies that came more than once, which a fault may cause.
    """

    attempted: set[str]
    confirmed: set[str]
    recorded: set[str]
    delivered: set[str]
    answered: set[str]
    parked: set[str]
    refused: set[str]
    set_aside: set[str | None]
    redelivered: int
    lost: dict[str, str] = field(default_factory=dict)
    duplicated: dict[str, str] = field(default_factory=dict)
    unexpected: dict[str, str] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    kills: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything that must be empty is."""
        return not (self.lost or self.duplicated or self.unexpected or self.disagreements)

    @property
    def line(self) -> str:
        """The sentence to print."""
        return (
            f"for every message accepted, in {len(self.confirmed)} messages and {self.kills} kills: "
            f"lost {len(self.lost)}, counted twice {len(self.duplicated)}, redelivered {self.redelivered}"
        )

    def __str__(self) -> str:
        figures = {
            name: len(getattr(self, name))
            for name in (
                "attempted",
                "confirmed",
                "recorded",
                "delivered",
                "answered",
                "parked",
                "refused",
                "set_aside",
            )
        }
        faults = [
            f"{name}: {len(found)}, such as {dict(list(found.items())[:5])}"
            for name in ("lost", "duplicated", "unexpected")
            if (found := getattr(self, name))
        ]
        return "\n".join([self.line, str(figures), *faults, *self.disagreements])


def judge(said: Testimony, ledger: LedgerView, api: APIView, kills: int, poison: set[str | None]) -> Verdict:
    """Class every message, and hold the testimonies against each other."""
    states = {id: str(message["state"]) for id, message in ledger.messages.items()}
    receivers = said.receivers
    verdict = Verdict(
        attempted=set(said.intents),
        confirmed=set(said.confirmed),
        recorded=set(states),
        delivered={id for id, who in receivers.items() if id in states},
        answered={id for id, state in states.items() if state == "answered"},
        parked={id for id, state in states.items() if state == "parked"},
        refused=set(ledger.refused) & set(said.intents),
        set_aside=set(ledger.set_aside),
        redelivered=sum(count - 1 for counts in said.consumed.values() for count in counts.values()),
        kills=kills,
    )
    _find_lost(verdict, said, ledger, states)
    _find_duplicated(verdict, said, ledger)
    _find_unexpected(verdict, said, ledger, states, poison)
    verdict.disagreements += [*_of_the_log(ledger), *_of_the_counters(said, ledger), *_of_the_api(verdict, ledger, api)]
    verdict.disagreements += _of_the_receipts(said, ledger)
    return verdict


def _find_lost(verdict: Verdict, said: Testimony, ledger: LedgerView, states: Mapping[str, str]) -> None:
    kept = verdict.recorded | verdict.refused | verdict.set_aside
    verdict.lost |= dict.fromkeys(verdict.confirmed - kept, "confirmed, and not on the ledger")
    receivers = said.receivers
    for id, state in states.items():
        # What is on the ledger goes the whole way, confirmed or not: never half.
        if state in DELIVERED and ledger.messages[id]["recipient"] not in receivers.get(id, ()):
            verdict.lost[id] = f"{state} on the ledger, and not in its recipient's hands"
        elif state in UNDERWAY and id not in verdict.set_aside:
            verdict.lost[id] = f"{state} on the ledger, and stuck there"
    _find_lost_replies(verdict, said, ledger)


def _find_lost_replies(verdict: Verdict, said: Testimony, ledger: LedgerView) -> None:
    """What is on the ledger has done to its query what it says, and what was reminded of has reached somebody."""
    for id in verdict.recorded:
        intent = said.intents.get(id)
        if intent and intent["type"] == "answer":
            query = ledger.messages.get(str(intent["correlation_id"]))
            if query is None or query["answer_id"] != id:
                verdict.lost[id] = "an answer on the ledger whose query does not have it"
        if intent and intent["type"] == "forward":
            query = ledger.messages.get(str(intent["correlation_id"]))
            if query is None or intent["sender"] not in query["holders"]:
                verdict.lost[id] = "a forward on the ledger whose query was not handed on"
    for id in verdict.recorded:
        if len(said.reminders.get(id, ())) < _reminded(ledger, id):
            verdict.lost[id] = "reminded of on the ledger, and no reminder in anybody's hands"


def _find_duplicated(verdict: Verdict, said: Testimony, ledger: LedgerView) -> None:
    for id in verdict.recorded:
        counts = Counter(ledger.events.get(id, []))
        twice = [event for event in _ONCE if counts[event] > 1]
        if twice:
            verdict.duplicated[id] = f"{', '.join(twice)} more than once"
        handed_on = counts["forwarded"] + counts["passed-on"]
        if counts["dispatched"] > 1 + handed_on or handed_on != ledger.messages[id]["duty"]:
            verdict.duplicated[id] = f"received {counts['dispatched']} times, handed on {handed_on} times"
        if len(said.reminders.get(id, ())) > _reminded(ledger, id):
            verdict.duplicated[id] = "more reminders in somebody's hands than on the ledger"


def _find_unexpected(
    verdict: Verdict, said: Testimony, ledger: LedgerView, states: Mapping[str, str], poison: set[str | None]
) -> None:
    note = verdict.unexpected
    note |= dict.fromkeys(verdict.recorded - verdict.attempted, "on the ledger, and nobody sent it")
    note |= dict.fromkeys(set(ledger.refused) - verdict.attempted - {"None"}, "refused, and nobody sent it")
    for aside in verdict.set_aside - poison:
        note[str(aside)] = "set aside, and nothing is wrong with it"
    for id in verdict.refused:
        note[id] = f"refused though it is right: {ledger.refused[id]}"
    for id, who in said.receivers.items():
        state = states.get(id)
        # Only queries have duties; anything else has its one recipient.
        held = {recipient for _, recipient in ledger.duties.get(id, ())}
        dispatched = held or {str(ledger.messages.get(id, {}).get("recipient"))}
        if state not in DELIVERED | {"withdrawn"}:
            note[id] = f"in the hands of {sorted(who)}, and {state or 'not'} on the ledger"
        elif state != "withdrawn" and who != dispatched:
            note[id] = f"in the hands of {sorted(who)}, dispatched to {dispatched}"
    for id, state in states.items():
        if "accepted" not in ledger.events.get(id, []) or not _follows(ledger.events[id], state):
            note[id] = f"{state}, and its entries say {ledger.events.get(id)}"


def _follows(events: list[str], state: str) -> bool:
    """Whether the last of a message's entries that moved it is what its state is."""
    moving = ["forwarded" if event == "passed-on" else event for event in events if event not in _WITHOUT_MOVING]
    return moving[0] == "accepted" and moving[-1] == state


def _reminded(ledger: LedgerView, id: str) -> int:
    events = Counter(ledger.events.get(id, []))
    return events["reminded"] + events["escalated"]


def _of_the_log(ledger: LedgerView) -> list[str]:
    faults = []
    if ledger.indexes != list(range(ledger.size)):
        faults.append(f"the log has gaps: {len(ledger.indexes)} entries, the head says {ledger.size}")
    if any(later < earlier for earlier, later in zip(ledger.times, ledger.times[1:], strict=False)):
        faults.append("entry times run backwards")
    return faults


def _of_the_counters(said: Testimony, ledger: LedgerView) -> list[str]:
    faults = []
    if ledger.broken:
        faults.append(f"conservation is broken in {len(ledger.broken)} cohorts: {ledger.broken[:2]}")
    if ledger.miscounted:
        faults.append(f"a recount of the entries differs in {len(ledger.miscounted)} cohorts: {ledger.miscounted[:2]}")
    receivers = said.receivers
    consumed = {id for id in receivers if said.types[id] == "query" and id in ledger.messages}
    received = Counter(address for id in consumed for address, who in ledger.duties[id] if who in receivers[id])
    answers = [intent for id, intent in said.intents.items() if intent["type"] == "answer" and id in ledger.messages]
    answered = Counter(str(ledger.messages[str(one["correlation_id"])]["address"]) for one in answers)
    for name, ours, theirs in (("received", received, ledger.received), ("answered", answered, ledger.answered)):
        if dict(ours) != dict(theirs):
            faults.append(f"the counters say {name} {dict(theirs)}, the recipients {dict(ours)}")
    return faults


def _of_the_api(verdict: Verdict, ledger: LedgerView, api: APIView) -> list[str]:
    faults = [] if api.holds else ["the API says that conservation is broken"]
    ours = {
        "received": sum(ledger.received.values()),
        "answered": sum(ledger.answered.values()),
        "unanswered": ledger.unanswered,
    }
    theirs = {name: api.rate[name] for name in ours}
    if ours != theirs:
        faults.append(f"the API's rate says {theirs}, the counters {ours}")
    open_queries = {id for id, row in ledger.messages.items() if row["type"] == "query" and row["state"] in OPEN}
    for name, expected, listed in (
        ("unanswered", open_queries, api.unanswered),
        ("parked", verdict.parked, api.parked),
    ):
        if expected != listed:
            faults.append(f"the API's list of {name} differs in {len(expected ^ listed)} messages")
    return faults


def _of_the_receipts(said: Testimony, ledger: LedgerView) -> list[str]:
    faults = [f"receipts name different entries for {len(said.disputed)} messages"] if said.disputed else []
    wrong = {id for id, entry in said.accepted.items() if ledger.accepted_at.get(id) != entry}
    if wrong:
        faults.append(f"receipts accept {len(wrong)} messages that the ledger does not have at their entry")
    silent = set(ledger.messages) - set(said.accepted) - said.duplicates
    if silent:
        faults.append(f"no receipt for {len(silent)} messages")
    return faults
