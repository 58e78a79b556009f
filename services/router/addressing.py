"""Addressing: whose inbox a message goes to, decided without I/O from a snapshot of the registry."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from contracts.batch import Outbound
from contracts.envelope import FROM_THE_EXCHANGE
from services.registry.snapshot import Snapshot


class ParkingReason(StrEnum):
    """Why a message cannot be placed now."""

    RETIRED_WITHOUT_SUCCESSOR = "retired-without-successor"
    NO_PARTICIPANT = "no-participant"
    PARTICIPANT_DISABLED = "participant-disabled"
    INBOX_GONE = "inbox-gone"
    INBOX_FULL = "inbox-full"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a message goes: the current address it is for, and the participant whose inbox serves that address."""

    address: str
    recipient: str


def place(message: Outbound, snapshot: Snapshot) -> Placement | ParkingReason:
    """The nearest participant at or above the message's address, or why there is none to send it to."""
    if message.type in FROM_THE_EXCHANGE:
        # The exchange speaks to a participant by its account.
        return Placement(message.address, message.address)
    resolution = snapshot.directory.resolve(message.address)
    if resolution.address is None:
        return ParkingReason.RETIRED_WITHOUT_SUCCESSOR
    participant = snapshot.nearest(resolution.address)
    if participant is None:
        return ParkingReason.NO_PARTICIPANT
    if not participant.active:
        return ParkingReason.PARTICIPANT_DISABLED
    return Placement(resolution.address, participant.address)


def reason_of_failure(failure: Literal["returned", "nacked"]) -> ParkingReason:
    """Why the broker did not take a message into an inbox, as a reason for parking it."""
    return ParkingReason.INBOX_GONE if failure == "returned" else ParkingReason.INBOX_FULL
