"""Orders: what is due is done once, whoever orders it how often."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contracts.batch import ClosePeriod, PassOn, Remind
from services.ledger.transitions import State
from tests.unit.ledger.lives import Ledger, batch, forward, orders, received, reply


def test_a_reminder_is_sent_once_however_often_it_is_ordered() -> None:
    ledger = Ledger()
    asked = received(ledger)
    at = ledger.messages[asked.id].remind_at
    assert at is not None
    ledger.now = at
    first, second = ledger.take(orders(Remind(asked.id))), ledger.take(orders(Remind(asked.id)))
    assert [(message.type, message.address) for message in first.handovers[0].messages] == [("reminder", "410102")]
    assert second.handovers[0].messages == []
    assert ledger.events(asked.id).count("reminded") == 1
    following = ledger.messages[asked.id].remind_at
    assert following is not None
    assert following > at


def test_a_reminder_whose_batch_is_redelivered_is_handed_over_again_under_the_same_id() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.now = ledger.messages[asked.id].remind_at or ledger.now
    same = orders(Remind(asked.id))
    first, again = ledger.take(same), ledger.take(same)
    ids = [[message.id for message in taken.handovers[0].messages] for taken in (first, again)]
    assert ids[0] == ids[1] != []
    assert again.entries == []


def test_an_order_that_stands_twice_in_a_batch_is_carried_out_and_handed_over_once() -> None:
    ledger = Ledger()
    asked = received(ledger)
    for order in (Remind(asked.id, by="clerk", reason="other"), Remind(asked.id)):
        ledger.now = max(ledger.now, ledger.messages[asked.id].remind_at or ledger.now) + timedelta(days=2)
        twice = orders(order, order)
        assert [len(ledger.take(twice).handovers[0].messages) for _ in range(2)] == [1, 1]
    assert ledger.events(asked.id).count("reminded") == 2


def test_after_a_long_pause_there_is_no_flood() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.now = datetime(2027, 6, 1, tzinfo=UTC)
    said = [ledger.take(orders(Remind(asked.id))) for _ in range(10)]
    assert sum(len(taken.handovers[0].messages) for taken in said) <= 2
    assert ledger.events(asked.id).count("escalated") == 1
    assert ledger.messages[asked.id].remind_at is None


def test_an_escalation_goes_to_the_next_jurisdiction_up() -> None:
    ledger = Ledger()
    asked = received(ledger)
    told = []
    while (at := ledger.messages[asked.id].remind_at) is not None:
        ledger.now = at
        told += [(m.address, m.more["step"]) for m in ledger.take(orders(Remind(asked.id))).handovers[0].messages]
    assert ledger.events(asked.id)[-1] == "escalated"
    assert {address for address, _ in told} == {"410102", "4101"}


def test_nobody_is_reminded_of_what_is_answered_or_with_someone_else() -> None:
    ledger = Ledger()
    asked, handed_on = received(ledger), received(ledger)
    ledger.take(batch(reply("answer", asked, outcome="confirmed"), forward(handed_on, "410103")))
    ledger.now = datetime(2027, 6, 1, tzinfo=UTC)
    for id in (asked.id, handed_on.id):
        assert ledger.take(orders(Remind(id))).entries == []


def test_a_reminder_by_hand_is_on_record_and_cools_down() -> None:
    ledger = Ledger()
    asked = received(ledger)
    by_hand = Remind(asked.id, "administrator", "other: please")
    ledger.take(orders(by_hand))
    assert ledger.take(orders(by_hand)).entries == []
    ledger.now += timedelta(days=2)
    ledger.take(orders(by_hand))
    reminded = [entry for entry in ledger.entries if entry.event == "reminded"]
    assert [(entry.data["step"], entry.data["by"], entry.data["reason"]) for entry in reminded] == [
        ("by-hand", "administrator", "other")
    ] * 2


def test_an_accepted_extension_moves_the_reminders() -> None:
    ledger = Ledger()
    asked = received(ledger)
    before = ledger.messages[asked.id].remind_at
    later = datetime(2027, 1, 20, tzinfo=UTC).date()
    ledger.take(batch(reply("extension", asked, due=later, reason="other")))
    ledger.take(batch(reply("extension", asked, sender="310115", outcome="accepted")))
    after = ledger.messages[asked.id].remind_at
    assert before is not None
    assert after is not None
    assert after - before == timedelta(days=31)


def test_what_lies_at_a_retired_address_passes_to_its_successor_with_an_entry() -> None:
    ledger = Ledger()
    asked = received(ledger)
    same = orders(PassOn(asked.id, "410102", "410105"))
    taken, again = ledger.take(same), ledger.take(same)
    assert ledger.events(asked.id) == ["accepted", "dispatched", "passed-on", "dispatched"]
    assert ledger.figures("410102") == {"received": 1, "forwarded": 1}
    assert ledger.figures("410105") == {"received": 1, "unanswered": 1}
    assert [(message.type, message.address) for message in taken.handovers[0].messages] == [("reminder", "410105")]
    assert [m.id for m in again.handovers[0].messages] == [m.id for m in taken.handovers[0].messages]
    assert again.entries == []
    assert ledger.messages[asked.id].state is State.DISPATCHED
    assert ledger.take(orders(PassOn(asked.id, "410102", "410105"))).entries == []


def test_what_nobody_can_take_over_stays_where_it_is() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.nobody.add("410105")
    assert ledger.take(orders(PassOn(asked.id, "410102", "410105"))).entries == []


def test_a_month_is_closed_once_and_not_before_its_cut_off() -> None:
    ledger = Ledger()
    close = ClosePeriod(uuid4(), "2026-11", "administrator")
    assert ledger.take(orders(close)).closings == []
    ledger.now = datetime(2026, 12, 1, tzinfo=UTC)
    closed = ledger.take(orders(close, close)).closings
    assert [closing.period for closing in closed] == ["2026-11"]
    assert ledger.take(orders(close)).closings == []
