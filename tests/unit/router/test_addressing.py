"""Addressing: the nearest participant, or the reason why there is none."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.batch import Outbound
from contracts.changes import Change
from contracts.directory import Directory, Jurisdiction
from services.registry.snapshot import Participant, Snapshot
from services.router.addressing import ParkingReason, Placement, place, reason_of_failure

DIRECTORY = Directory.of(
    [
        Jurisdiction("41", "河南省", "province", None),
        Jurisdiction("4101", "郑州市", "prefecture", "41"),
        Jurisdiction("410102", "中原区", "county", "4101"),
        Jurisdiction("410102001", "林山寨街道", "township", "410102"),
        Jurisdiction("410103", "二七区", "county", "4101"),
        Jurisdiction("31", "上海市", "province", None),
        Jurisdiction("310115", "浦东新区", "county", "31"),
    ],
    [
        Change(1993, "撤销", "310222", "川沙县", "310115", "浦东新区", ""),
        Change(1990, "撤销", "310333", "某县", None, "", ""),
    ],
)
SNAPSHOT = Snapshot(
    version=1,
    directory=DIRECTORY,
    kinds={},
    participants={
        address: Participant(address, address, status)  # type: ignore[arg-type]
        for address, status in (
            ("41", "active"),
            ("410102", "active"),
            ("410103.health", "disabled"),
            ("310115", "active"),
        )
    },
    tokens={},
)


def message(address: str, type: str = "query") -> Outbound:
    return Outbound(uuid4(), type, address, "310115", "application/json", b"{}", datetime.now(UTC))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("410102", Placement("410102", "410102")),
        ("410102.health", Placement("410102.health", "410102")),
        ("410102001", Placement("410102001", "410102")),
        ("410103", Placement("410103", "41")),
        ("4101", Placement("4101", "41")),
        ("410103.health", ParkingReason.PARTICIPANT_DISABLED),
        ("31", ParkingReason.NO_PARTICIPANT),
        ("310222", Placement("310115", "310115")),
        ("310333", ParkingReason.RETIRED_WITHOUT_SUCCESSOR),
    ],
)
def test_a_message_goes_to_the_nearest_participant_of_its_current_address(
    address: str, expected: Placement | ParkingReason
) -> None:
    assert place(message(address), SNAPSHOT) == expected


def test_a_receipt_goes_to_its_account_whatever_the_directory_says() -> None:
    assert place(message("310333", "receipt"), SNAPSHOT) == Placement("310333", "310333")


def test_what_the_broker_says_becomes_a_reason() -> None:
    assert reason_of_failure("returned") is ParkingReason.INBOX_GONE
    assert reason_of_failure("nacked") is ParkingReason.INBOX_FULL
