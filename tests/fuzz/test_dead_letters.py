"""What is said of a dead letter is the broker's and the services' word, never the participant's who wrote it."""

from collections.abc import Mapping
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.runtime.dead_letters import Epitaph, dead_letter, epitaph
from services.runtime.ports import Delivery, Properties
from services.runtime.topology import INGRESS, LEDGER, quarantine_queue

ID = UUID("0197a3c2-5d00-7000-8000-000000000001")
FORGED = {"queue": "ledger", "reason": "a\0b", "sender": "310115\0", "message_id": str(UUID(int=9))}
ANYTHING = st.recursive(st.none() | st.integers() | st.text() | st.binary(), lambda inner: st.lists(inner, max_size=3))


def delivery(user_id: str | None, headers: Mapping[str, object]) -> Delivery:
    return Delivery(b"{}", "", True, 1, Properties(message_id=str(ID), user_id=user_id, headers=headers))


def test_headers_of_a_participant_do_not_speak_for_its_message() -> None:
    letter = dead_letter(delivery("410102", FORGED), INGRESS, "the gateway failed at it")

    assert epitaph(delivery(None, letter.headers)) == Epitaph(INGRESS, "the gateway failed at it", ID, "410102")


def test_of_what_the_broker_passed_on_the_broker_says_where_and_why() -> None:
    for queue in (INGRESS, quarantine_queue(INGRESS)):
        deaths = [{"queue": queue, "reason": "delivery_limit"}, {"queue": "ledger", "reason": "expired"}]
        passed_on = delivery("410102", {**FORGED, "x-death": deaths})

        assert epitaph(passed_on) == Epitaph(queue, "came back unhandled too often", ID, "410102")


def test_the_reason_of_an_answer_is_not_the_reason_of_its_dead_letter() -> None:
    deaths = [{"queue": "inbox.410102", "reason": "delivery_limit"}]

    assert "Zhang" not in epitaph(delivery(None, {"reason": "Zhang San moved away", "x-death": deaths})).reason


def test_headers_of_a_service_speak_for_its_piece() -> None:
    deaths = [{"queue": quarantine_queue(LEDGER), "reason": "delivery_limit"}]
    known = epitaph(delivery(None, {"message_id": str(UUID(int=9)), "sender": "310115", "x-death": deaths}))

    assert (known.queue, known.message_id, known.sender) == (quarantine_queue(LEDGER), UUID(int=9), "310115")


@settings(derandomize=True, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*FORGED, "x-death"]), ANYTHING),
    st.none() | st.text(),
    st.sampled_from([INGRESS, LEDGER]),
)
def test_whatever_is_said_of_a_dead_letter_can_be_listed(
    headers: dict[str, object], user_id: str | None, queue: str
) -> None:
    passed_on = delivery(user_id, headers)
    letter = dead_letter(passed_on, queue, "tried")
    for known in (epitaph(passed_on), epitaph(delivery(None, letter.headers))):
        assert all(text is None or text.isprintable() for text in (known.queue, known.reason, known.sender))
