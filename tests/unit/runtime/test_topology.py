"""Names, arguments and permissions."""

import re

import pytest

from services.runtime import topology
from services.runtime.topology import QueueLimits, core_topology, inbox_topology, participant_permissions


def test_a_participants_permissions_match_its_own_inbox_and_no_other() -> None:
    read = participant_permissions("410102.health").read

    assert re.search(read, "inbox.410102.health")
    assert not re.search(read, "inbox.410102xhealth")
    assert not re.search(read, "inbox.410102.health2")
    assert not re.search(read, "inbox.410102")
    assert not re.search(read, "xinbox.410102.health")


def test_a_disabled_participant_may_not_write_but_still_read() -> None:
    disabled = participant_permissions("410102", active=False)

    assert not re.search(disabled.write, "ingress")
    assert re.search(disabled.read, "inbox.410102")


def test_no_account_of_ours_may_configure_and_every_pattern_is_anchored() -> None:
    everyone = [*topology.SERVICE_PERMISSIONS.values(), participant_permissions("41")]

    for permissions in everyone:
        assert permissions.configure == "^$"
        assert all(p.startswith("^") and p.endswith("$") for p in (permissions.write, permissions.read))


def test_every_queue_is_quorum_and_the_guarded_ones_dead_letter_at_least_once() -> None:
    queues = {queue.name: queue.arguments for queue in core_topology("3.10.8", QueueLimits(internal_bytes=7)).queues}

    assert all(arguments["x-queue-type"] == "quorum" for arguments in queues.values())
    for name in ("ingress", "ledger", "dispatch"):
        assert queues[name]["x-dead-letter-strategy"] == "at-least-once"
        assert queues[name]["x-overflow"] == "reject-publish"
        assert queues[name]["x-max-length-bytes"] == 7
    assert queues["ledger"]["x-single-active-consumer"] is True


@pytest.mark.parametrize("name", ["parking", "dead-letters"])
def test_the_delivery_limit_is_lifted_where_the_broker_has_one_by_default(name: str) -> None:
    def limit(version: str) -> object:
        (queue,) = (queue for queue in core_topology(version, QueueLimits()).queues if queue.name == name)
        return queue.arguments.get("x-delivery-limit")

    assert limit("3.10.8") is None
    assert limit("4.0.5") == -1


def test_an_inbox_is_bound_by_its_address() -> None:
    (inbox,) = inbox_topology(["410102"], QueueLimits(inbox_bytes=9)).queues

    assert (inbox.name, inbox.exchange, inbox.routing_key) == ("inbox.410102", "inbox", "410102")
    assert inbox.arguments["x-max-length-bytes"] == 9


@pytest.mark.parametrize("name", ["parking", "dead-letters", "set-aside"])
def test_what_was_accepted_and_has_no_other_place_is_never_refused(name: str) -> None:
    queues = {queue.name: queue.arguments for queue in core_topology("4.0.5", QueueLimits(internal_bytes=7)).queues}

    assert not {"x-max-length", "x-max-length-bytes", "x-overflow", "x-message-ttl"} & queues[name].keys()
