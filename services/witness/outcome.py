"""What becomes of a request to a witness. Source: C2SP tlog-witness, section "add-checkpoint"."""

from enum import Enum


class Outcome(Enum):
    """Every answer: its name in the metrics, and its HTTP status."""

    COSIGNED = ("cosigned", 200)
    MALFORMED = ("malformed", 400)
    UNTRUSTED = ("untrusted", 403)
    UNKNOWN_LOG = ("unknown-log", 404)
    OTHER_SIZE = ("other-size", 409)
    FORKED = ("forked", 409)
    INCONSISTENT = ("inconsistent", 422)

    def __init__(self, label: str, status: int) -> None:
        self.label = label
        self.status = status


class RefusedError(Exception):
    """A checkpoint is not cosigned. ``size`` is the newest one's where the log has to know it."""

    def __init__(self, outcome: Outcome, detail: str, size: int | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.size = size
