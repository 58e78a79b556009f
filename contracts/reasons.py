"""Reasons: the coded part of what is said with an answer, an extension, a forward or a withdrawal.

A reason is a code, or a code, a colon and a text, or a text alone, which counts as ``other``. The code is kept and
counted; the text is carried through and never kept, since it may say something of a person.
"""

from enum import StrEnum


class ReasonCode(StrEnum):
    """Why something is refused, late, passed on or taken back."""

    NOT_IN_CHARGE = "not-in-charge"
    NO_RECORD = "no-record"
    MOVED_ON = "moved-on"
    INSUFFICIENT_DATA = "insufficient-data"
    NOT_PERMITTED = "not-permitted"
    MORE_FOLLOWS = "more-follows"
    NEEDS_INVESTIGATION = "needs-investigation"
    WAITING_FOR_OTHERS = "waiting-for-others"
    SENT_BY_MISTAKE = "sent-by-mistake"
    NO_LONGER_NEEDED = "no-longer-needed"
    OTHER = "other"


def reason_code(reason: str | None) -> ReasonCode | None:
    """The code that ``reason`` begins with, ``other`` for a text without one, None where no reason is given."""
    if reason is None:
        return None
    code = reason.partition(":")[0].strip()
    return ReasonCode(code) if code in _CODES else ReasonCode.OTHER


_CODES = frozenset(ReasonCode)
