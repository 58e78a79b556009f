"""What every event's leaf says: each member of its data with a usual value and the longest that there can be."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.addresses import parse_address
from contracts.envelope import MessageType, Outcome
from contracts.kinds import KIND_NAME, MAX_KIND_CHARACTERS
from contracts.leaf import Leaf
from contracts.problems import ProblemType
from contracts.reasons import ReasonCode

LARGEST_COUNT = 10**12
_ADDRESS = f"440103001.{'d' * 32}"
_KIND = f"certificate.{'k' * (MAX_KIND_CHARACTERS - len('certificate.'))}"
assert str(parse_address(_ADDRESS)) == _ADDRESS
assert KIND_NAME.fullmatch(_KIND)

_COUNTS = ("received", "answered", "on_time", "on_time_original", "substantive", "withdrawn", "forwarded")
_SMALL_TOTALS = dict(zip(_COUNTS, (714, 713, 700, 690, 650, 0, 1), strict=True))
_LARGE_TOTALS = dict.fromkeys(_COUNTS, LARGEST_COUNT)
_TYPE = ("query", max(MessageType, key=len).value)
_REASON = ("no-record", max(ReasonCode, key=len).value)
_MOMENT = ("2026-11-24T09:59:59.875000+00:00", "2026-11-24T09:59:59.875000+00:00")
_DATE = ("2026-12-15", "2026-12-15")
_SEQUENCE = (4711, LARGEST_COUNT)
_TOTALS = (
    {"recipient": _SMALL_TOTALS, "sender": _SMALL_TOTALS},
    {"recipient": _LARGE_TOTALS, "sender": _LARGE_TOTALS},
)
_FALSE = (True, False)


def _id(last: int) -> tuple[str, str]:
    text = str(UUID(f"019abc00-0000-7000-8000-{last:012x}"))
    return text, text


def _address(text: str) -> tuple[str, str]:
    return text, _ADDRESS


DUTY: dict[str, tuple[Any, Any]] = {
    "type": _TYPE,
    "from": _address("310115"),
    "address": _address("410102.health"),
    "tier": ("national", "provincial"),
    "kind": ("case.assist", _KIND),
    "period": ("2026-12", "2026-12"),
    "duty": (0, LARGEST_COUNT),
}
_HANDED_ON: dict[str, tuple[Any, Any]] = {"by": _address("410102"), "to": _address("410103"), "totals": _TOTALS}

MEMBERS: dict[str, dict[str, tuple[Any, Any]]] = {
    "accepted": {
        "type": _TYPE,
        "kind": ("case.assist", _KIND),
        "sender": _address("310115"),
        "submitter": _address("310115"),
        "from": _address("310115"),
        "to": _address("410102.health"),
        "address": _address("410102.health"),
        "tier": ("national", "provincial"),
        "due": _DATE,
        "urgent": _FALSE,
        "correlation_id": (None, _id(2)[1]),
        "outcome": (None, max(Outcome, key=len).value),
        "reason": (None, _REASON[1]),
        "arrived_at": _MOMENT,
        "commitment": ("5f" * 32, "5f" * 32),
        "sequence": _SEQUENCE,
    },
    "parked": {"reason": ("inbox-full", "retired-without-successor")},
    "dispatched": {**DUTY, "recipient": _address("410102"), "totals": _TOTALS},
    "acknowledged": {**DUTY, "acknowledgement": _id(3), "arrived_at": _MOMENT},
    "extension-asked": {**DUTY, "extension": _id(4), "reason": _REASON, "due": _DATE},
    "extended": {**DUTY, "extension": _id(5), "reason": (None, _REASON[1]), "due": _DATE},
    "extension-refused": {**DUTY, "extension": _id(6), "reason": _REASON},
    "reminded": {
        **DUTY,
        "step": ("by-hand", "before-9999"),
        "number": (10_000, LARGEST_COUNT),
        "by": _address("310115"),
        "reason": (None, _REASON[1]),
    },
    "escalated": {
        **DUTY,
        "step": ("escalate-3", "escalate-9999"),
        "number": (10_003, LARGEST_COUNT),
        "told": _address("4101"),
    },
    "partly-answered": {**DUTY, "answer": _id(7), "reason": _REASON},
    "answered": {
        **DUTY,
        "answer": _id(8),
        "outcome": ("confirmed", max(Outcome, key=len).value),
        "reason": (None, _REASON[1]),
        "on_time": _FALSE,
        "on_time_original": _FALSE,
        "substantive": _FALSE,
        "totals": _TOTALS,
    },
    "rated": {**DUTY, "rating": _id(9), "timely": _FALSE, "useful": _FALSE},
    "forwarded": {**DUTY, **_HANDED_ON, "forward": _id(10), "reason": _REASON},
    "passed-on": {**DUTY, **_HANDED_ON},
    "withdrawn": {**DUTY, "withdrawal": _id(11), "reason": _REASON, "totals": _TOTALS},
    "refused": {
        "refusal": _id(12),
        "problem": ("unknown-kind", max((problem.slug for problem in ProblemType), key=len)),
        "sender": ("310115", "s" * 255),
        "type": _TYPE,
        "sequence": _SEQUENCE,
    },
    "closed": {
        "period": ("2026-12", "2026-12"),
        "as_of": ("2026-12-28T00:00:00+08:00", "2026-12-28T00:00:00.000000+08:00"),
        "by": ("administrator", _ADDRESS),
        "table": ({"sha256": "a3" * 32, "rows": 5_712}, {"sha256": "a3" * 32, "rows": LARGEST_COUNT}),
    },
}
"""By event: the members of its data, each as (usual, longest)."""


def usual_leaf(event: str, index: int) -> Leaf:
    """A leaf as there are many."""
    return _leaf(event, index, 0)


def longest_leaf(event: str) -> Leaf:
    """The longest leaf of an event that there can be."""
    return _leaf(event, LARGEST_COUNT, 1)


def _leaf(event: str, index: int, which: int) -> Leaf:
    data = {name: values[which] for name, values in MEMBERS[event].items()}
    message_id = None if event == "closed" else UUID("019abc00-0000-7000-8000-000000000001")
    return Leaf(index, datetime(2026, 11, 24, 10, 0, 0, 250_000, UTC), event, message_id, data)
