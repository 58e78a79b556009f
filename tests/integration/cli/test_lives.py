"""The commands for the life of a query on a running stack, and who had it for how long."""

import re
import uuid
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from services.cli.client import API, ProblemAnsweredError
from services.cli.errors import CommandError
from tests.integration.cli.conftest import (
    COUNTY,
    ORIGIN,
    PAYLOAD,
    RESIDENCE,
    RunningStack,
    call,
    call_json,
    send_query,
)

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]

CERTIFICATE = '{"certificate_type": "residence", "certificate_number": "1"}'


def events(query: str) -> list[str]:
    return [entry["event"] for entry in call_json("show", query)["entries"]]


def send_received(*options: object) -> str:
    query = send_query(*options)
    until_recipient(query, RESIDENCE)
    return query


def until_recipient(query: str, recipient: str) -> dict[str, Any]:
    # The commands ask the services anew each time; this waits on the state and not on the clock.
    while (message := call_json("show", query))["recipient"] != recipient:
        pass
    return dict(message)


def days_after(day: str, days: int) -> str:
    return str(date.fromisoformat(day) + timedelta(days=days))


def document_in_inbox(address: str, id: str, *options: object) -> dict[str, Any]:
    while True:
        for document in call_json("inbox", address, "--limit", 100, *options):
            if id in (document["id"], document["correlation_id"]):
                return dict(document)


def test_a_query_is_acknowledged_extended_answered_and_assessed() -> None:
    query = send_received()
    original = call_json("show", query)["due"]
    acknowledgement = call_json("acknowledge", query)
    assert acknowledgement["type"] == "acknowledgement"
    with pytest.raises(CommandError, match="The query is acknowledged already"):
        call("acknowledge", query)
    later = days_after(original, 60)
    call("extend", query, "--due", later, "--reason", "needs-investigation: 需要走访")
    waiting = call_json("show", query)
    assert (waiting["due"], waiting["proposed_due"]) == (original, later)
    call("extend", query, "--accept")
    text = call("unanswered", RESIDENCE, "--all").stdout
    assert "acknowledged" in text
    assert f"first due {original}" in text
    call("answer", query, "--outcome", "partial", "--reason", "more-follows")
    assert "the first part has come" in call("show", query).stdout
    call("answer", query, "--outcome", "confirmed")
    call("assess", query, "--timely", "yes", "--useful", "no")
    shown = call_json("show", query)
    assert (shown["due"], shown["original_due"], shown["timely"], shown["useful"]) == (later, original, True, False)
    assert events(query) == [
        *("accepted", "dispatched", "acknowledged", "extension-asked", "extended"),
        *("partly-answered", "answered", "rated"),
    ]
    text = call("show", query).stdout
    for expected in (f"{later} (first {original})", "timely, not useful", "confirmed, on time", "Asia/Shanghai"):
        assert expected in text
    with pytest.raises(CommandError, match="The answer is rated already"):
        call("assess", query, "--timely", "no", "--useful", "no")


def test_an_extension_that_is_refused_leaves_the_date_as_it_was() -> None:
    query = send_received("--due", call_json("show", send_received("--urgent"))["due"])
    before = call_json("show", query)["due"]
    with pytest.raises(CommandError, match="No extension waits for a reply"):
        call("extend", query, "--refuse")
    call("extend", query, "--due", days_after(before, 60), "--reason", "waiting-for-others")
    call("extend", query, "--refuse", "--reason", "no-longer-needed")
    shown = call_json("show", query)
    assert (shown["due"], shown["proposed_due"]) == (before, None)
    assert events(query)[-2:] == ["extension-asked", "extension-refused"]
    for words, problem in (
        (("--due", "2099-01-01"), "give --due DATE and --reason TEXT"),
        (("--accept", "--due", "2099-01-01"), "--due is for who asks for more time"),
        (("--due", "2020-01-01", "--reason", "other"), "is not later than"),
    ):
        with pytest.raises(CommandError, match=problem):
            call("extend", query, *words)


def test_a_query_is_forwarded_under_its_own_id_and_each_holder_is_charged_with_its_own_time() -> None:
    query = send_received()
    call("acknowledge", query)
    call("forward", query, COUNTY, "--reason", "not-in-charge", "--payload", PAYLOAD)
    forwarded = until_recipient(query, COUNTY)
    assert (forwarded["forwards"], forwarded["holders"]) == (1, [RESIDENCE])
    assert document_in_inbox(COUNTY, query)["type"] == "query"
    with pytest.raises(CommandError, match="The query was with this participant before"):
        call("forward", query, RESIDENCE, "--payload", PAYLOAD)
    call("answer", query, "--outcome", "refused", "--reason", "not-permitted")
    shown = call_json("show", query)
    assert (shown["state"], shown["reason_code"]) == ("answered", "not-permitted")
    assert [(each["holder"], each["stage"]) for each in shown["custody"]] == [
        ("exchange", "exchange"),
        (RESIDENCE, "before-acknowledgement"),
        (RESIDENCE, "after-acknowledgement"),
        ("exchange", "exchange"),
        (COUNTY, "before-acknowledgement"),
    ]
    assert all(before["until"] == after["since"] for before, after in pairwise(shown["custody"]))
    assert shown["custody"][-1]["until"] is not None
    text = call("show", query).stdout
    assert f"by {RESIDENCE} to {COUNTY}, not-in-charge" in text
    assert f"before     {RESIDENCE}" in text
    figures = call_json("rate", COUNTY)
    assert figures["answered"] >= 1
    assert figures["substantive"] < figures["answered"]


def test_a_query_is_withdrawn_by_who_asked_and_then_closed() -> None:
    query = send_received()
    withdrawal = call("withdraw", query, "--reason", "sent-by-mistake").stdout.strip()
    shown = call_json("show", query)
    assert (shown["state"], shown["entries"][-1]["data"]["withdrawal"]) == ("withdrawn", withdrawal)
    assert "sent-by-mistake" in call("show", query).stdout
    for words in (("answer", query, "--outcome", "confirmed"), ("withdraw", query), ("remind", query)):
        with pytest.raises(CommandError, match="The query is closed"):
            call(*words)
    assert document_in_inbox(RESIDENCE, withdrawal)["type"] == "withdrawal"


def test_an_urgent_query_has_the_kinds_urgent_deadline_and_says_so_in_the_inbox() -> None:
    urgent, normal = send_received("--urgent"), send_received()
    assert call_json("show", urgent)["due"] < call_json("show", normal)["due"]
    assert document_in_inbox(RESIDENCE, urgent)["urgency"] == "urgent"
    words = ("send", RESIDENCE, "--from", ORIGIN, "--kind", "service.notice", "--type", "notice", "--payload", PAYLOAD)
    with pytest.raises(CommandError, match="--urgent is for queries"):
        call(*words, "--urgent")


def test_a_code_is_read_as_it_was_in_the_year_it_was_written() -> None:
    words = ("send", "142121", "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)
    then, later = call_json(*words, "--year", 1981), call_json(*words, "--year", 1990)
    assert then["address"] != later["address"]
    with pytest.raises(CommandError, match="written is a year"):
        call(*words, "--year", 12)


def test_what_is_no_query_or_not_received_cannot_be_replied_to() -> None:
    with pytest.raises(CommandError, match="there is no query"):
        call("withdraw", str(uuid.uuid4()))
    with pytest.raises(CommandError, match="ID is a UUID"):
        call("acknowledge", "17")
    parked = call_json("send", "110105", "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)["id"]
    while call_json("show", parked)["state"] != "parked":
        pass
    with pytest.raises(CommandError, match="nobody has received it yet"):
        call("acknowledge", parked)
    with pytest.raises(CommandError, match="The query is not received yet"):
        call("remind", parked)
    call("withdraw", parked)
    shown = call_json("show", parked)
    assert shown["state"] == "withdrawn"
    (lay,) = shown["custody"]
    assert (lay["holder"], lay["until"]) == ("exchange", shown["closed_at"])


def test_a_recipient_is_reminded_by_hand_once_in_a_cool_down() -> None:
    query = send_received()
    said = call("remind", query, "--reason", "other: 请尽快").stdout
    assert said.startswith(f"{RESIDENCE} is reminded; on the ledger as entry ")
    (entry,) = [entry for entry in call_json("show", query)["entries"] if entry["event"] == "reminded"]
    assert (entry["data"]["step"], entry["data"]["by"]) == ("by-hand", "administrator")
    reminder = document_in_inbox(RESIDENCE, query, "--payload")
    while reminder["type"] != "reminder":
        reminder = next(
            (
                each
                for each in call_json("inbox", RESIDENCE, "--limit", 100, "--payload")
                if each["type"] == "reminder" and each["correlation_id"] == query
            ),
            reminder,
        )
    assert (reminder["step"], reminder["payload"]["query"]) == ("by-hand", query)
    assert reminder["payload"]["reason"] == "other: 请尽快"
    text = call("inbox", RESIDENCE, "--limit", 100).stdout
    assert "from the exchange" in text
    assert f"about query {query}" in text
    with pytest.raises(ProblemAnsweredError, match=r"it can be again from \d{4}-.*\+08:00") as answered:
        call("remind", query)
    assert answered.value.problem["type"] == "urn:huizhi:problem:cooling-down"


def test_only_the_asker_or_an_administrator_may_have_somebody_reminded(stack: RunningStack) -> None:
    query = send_received()
    for address, problem in ((RESIDENCE, "not-asker"), (COUNTY, "not-found")):
        with (
            API(stack.data, token=stack.participants[address].token) as api,
            pytest.raises(ProblemAnsweredError) as answered,
        ):
            api.remind(query, None)
        assert answered.value.problem["type"].endswith(problem)
    with API(stack.data, token=stack.participants[ORIGIN].token) as api:
        ordered = api.remind(query, None)
    assert (ordered["by"], ordered["recipient"], ordered["query"]) == (ORIGIN, RESIDENCE, query)
    while "reminded" not in events(query):
        pass


def test_custody_is_summed_by_jurisdiction_and_kind() -> None:
    words = ("send", COUNTY, "--from", ORIGIN, "--kind", "certificate.verify", "--payload", CERTIFICATE)
    answered, waiting = (call_json(*words)["id"] for _ in range(2))
    for query in (answered, waiting):
        until_recipient(query, COUNTY)
    call("acknowledge", answered)
    call("answer", answered, "--outcome", "confirmed")
    found = call_json("custody", COUNTY, "--kind", "certificate.verify")
    assert (found["received"], found["running"]) == (2, 1)
    assert found["exchange"]["count"] == found["before_acknowledgement"]["count"] == 2
    assert found["after_acknowledgement"]["count"] == 1
    (stretch,) = [each for each in call_json("show", answered)["custody"] if each["stage"] == "after-acknowledgement"]
    assert found["after_acknowledgement"]["median"] == pytest.approx(stretch["seconds"], abs=0.001)
    (own,) = found["addresses"]
    assert own == {
        "address": COUNTY,
        **{name: found[name] for name in ("received", "running", "exchange")},
        **{name: found[name] for name in ("before_acknowledgement", "after_acknowledgement")},
    }
    none = call_json("custody", "1501")
    assert (none["received"], none["exchange"]["median"], none["addresses"]) == (0, None, [])
    text = call("custody", COUNTY[:4]).stdout
    for expected in ("with the exchange", "before acknowledgement", "after acknowledgement", COUNTY, "median", "90 %"):
        assert expected in text


def test_the_open_states_are_in_the_metrics(stack: RunningStack) -> None:
    call("acknowledge", send_received())
    while not open_queries(stack)["acknowledged"]:
        pass
    assert open_queries(stack).keys() == {"dispatched", "acknowledged", "partly-answered"}


def open_queries(stack: RunningStack) -> dict[str, float]:
    page = httpx.get(f"{stack.addresses.ledger_url}/metrics", trust_env=False).text
    found = re.findall(r'^huizhi_open_queries\{state="([^"]+)"\} (\S+)$', page, re.MULTILINE)
    return {state: float(count) for state, count in found}
