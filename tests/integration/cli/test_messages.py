"""`huizhi send`, `answer`, `show`, `inbox`, `refused` and `parked` on a running stack."""

import asyncio
import json
import uuid
from pathlib import Path

import asyncpg
import pytest

from services.cli.errors import CommandError
from services.runtime.topology import DELIVERY_LIMIT
from tests.integration.cli.conftest import ORIGIN, PAYLOAD, RESIDENCE, Run, RunningStack, call, call_json, send_query

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]


def empty_inbox(address: str) -> None:
    while call_json("inbox", address, "--take", 100):
        pass


def test_a_query_is_sent_shown_answered_and_closed() -> None:
    query = send_query("--id", given := str(uuid.uuid4()))
    assert query == given
    answer = call("answer", query, "--outcome", "confirmed", "--payload", '{"note": "属实"}').stdout.strip()
    shown = call_json("show", query)
    assert (shown["state"], shown["outcome"], shown["answer_id"]) == ("answered", "confirmed", answer)
    assert [entry["event"] for entry in shown["entries"]] == ["accepted", "dispatched", "answered"]
    text = call("show", query).stdout
    for expected in (
        query,
        answer,
        "confirmed, on time",
        f"in the inbox of {RESIDENCE}",
        "posted by the administrator",
    ):
        assert expected in text
    with pytest.raises(CommandError, match=r"^The query is closed: .* is answered already$"):
        call("answer", query, "--outcome", "confirmed")


def test_send_says_in_json_what_the_gateway_and_the_ledger_say(tmp_path: Path) -> None:
    (tmp_path / "payload.json").write_text(PAYLOAD, "utf-8")
    words = ("--from", ORIGIN, "--kind", "service.notice", "--type", "notice", "--payload", f"@{tmp_path}/payload.json")
    sent = call_json("send", RESIDENCE, *words)
    assert (sent["type"], sent["address"], sent["due"]) == ("notice", RESIDENCE, None)
    assert sent["state"] in {"accepted", "dispatched"}


def test_the_same_query_sent_again_is_not_counted_twice() -> None:
    query = send_query()
    assert send_query("--id", query) == query
    assert len(call_json("show", query)["entries"]) == 2
    with pytest.raises(CommandError, match="The id was used before for another content"):
        send_query("--id", query, "--payload", '{"subject": "另一件事"}')


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("send", "999999", "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD), "not in the directory"),
        (
            ("send", RESIDENCE, "--from", ORIGIN, "--kind", "x.y", "--payload", PAYLOAD),
            "The kind is not known: kind is",
        ),
        (("send", RESIDENCE, "--from", "11", "--kind", "case.assist", "--payload", PAYLOAD), "does not speak for"),
        (
            ("send", RESIDENCE, "--from", ORIGIN, "--kind", "case.assist", "--payload", "{}"),
            "does not follow its schema",
        ),
        (("rate", "41010"), "An address is malformed"),
        (("rate", "999999"), "not in the directory"),
        (("rate", "--period", "2026-13"), "a period is written YYYY-MM or YYYY"),
        (("rate", "--from", "yesterday"), "from is a moment"),
        (("unanswered", "--from", "2026-11-02", "--to", "2026-10-01"), "to lies before from"),
        (("show", "17"), "a UUID"),
        (("show", str(uuid.uuid4())), "there is no message"),
        (("answer", str(uuid.uuid4()), "--outcome", "confirmed"), "there is no query"),
        (("inbox", "110105"), "110105 has no inbox"),
        (("inbox", "1"), "is not an address"),
        (("period", "show", "2026-99"), "a period is written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call(*words)


def test_an_answer_needs_a_query_that_somebody_received() -> None:
    notice = call_json(
        "send", RESIDENCE, "--from", ORIGIN, "--kind", "service.notice", "--type", "notice", "--payload", PAYLOAD
    )
    with pytest.raises(CommandError, match="is a notice, not a query"):
        call("answer", notice["id"], "--outcome", "confirmed")
    parked = call_json("send", "110105", "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)["id"]
    wait_until_parked(parked)
    with pytest.raises(CommandError, match=r"is parked \(no-participant\): nobody has received it yet"):
        call("answer", parked, "--outcome", "confirmed")


def wait_until_parked(id: str) -> None:
    # The commands ask the services anew each time; this waits on the state and not on the clock.
    while call_json("show", id)["state"] != "parked":
        pass


def test_what_is_parked_is_listed_with_the_reason() -> None:
    parked = call_json("send", "110105", "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)["id"]
    wait_until_parked(parked)
    assert parked in {item["id"] for item in call_json("parked", "11", "--all")["items"]}
    text = call("parked", "11").stdout
    assert parked in text
    assert "no-participant" in text
    assert "0 set aside" in text


def test_what_is_refused_is_listed_with_the_problem() -> None:
    id = str(uuid.uuid4())
    with pytest.raises(CommandError):
        call("send", RESIDENCE, "--from", ORIGIN, "--kind", "x.y", "--payload", PAYLOAD, "--id", id)
    while call_json("refused", "--problem", "unknown-kind")["items"][0]["message_id"] != id:
        pass
    text = call("refused", "--sender", ORIGIN).stdout
    assert "unknown-kind: The kind is not known" in text
    assert f"query {id}" in text
    assert "refused; it is not on the ledger" in call("show", id).stdout
    many = call_json("refused", "--all", "--limit", 1)
    assert many["next"] is None
    assert len(many["items"]) >= 1


def test_an_inbox_is_looked_at_without_its_payloads_and_nothing_is_taken_out() -> None:
    empty_inbox(RESIDENCE)
    query = send_query()
    text = wait_for_inbox(query)
    assert f"query {query}" in text
    assert "请协助核实" not in text
    assert "1 message, still in the inbox" in text
    assert "请协助核实" in call("inbox", RESIDENCE, "--payload").stdout
    (shown,) = call_json("inbox", RESIDENCE, "--payload")
    assert shown["payload"] == json.loads(PAYLOAD)
    assert (shown["from"], shown["kind"], shown["tier"]) == (ORIGIN, "case.assist", "national")
    taken = call("inbox", RESIDENCE, "--take", 5).stdout
    assert "1 message, taken out of the inbox" in taken
    assert "0 messages" in call("inbox", RESIDENCE).stdout


def wait_for_inbox(id: str) -> str:
    while id not in (text := call("inbox", RESIDENCE).stdout):
        pass
    return text


def test_receipts_in_an_inbox_are_counted_out() -> None:
    empty_inbox(ORIGIN)
    send_query()
    while not (items := call_json("inbox", ORIGIN)):
        pass
    assert items[0]["receipt"] == {"accepted": 1, "duplicate": 0, "refused": 0}
    assert "1 accepted, 0 duplicate, 0 refused" in call("inbox", ORIGIN).stdout


def test_looking_more_often_than_the_delivery_limit_loses_no_message() -> None:
    empty_inbox(RESIDENCE)
    query = send_query()
    wait_for_inbox(query)
    before = call_json("inbox", RESIDENCE, "--payload")
    for _ in range(DELIVERY_LIMIT + 2):
        assert call_json("inbox", RESIDENCE, "--payload") == before


def test_conservation_that_does_not_hold_is_shown_and_is_a_status_of_1(stack: RunningStack) -> None:
    query = send_query()
    while call_json("show", query)["state"] != "dispatched":
        pass
    assert call_json("conservation")["holds"]
    assert "Conservation holds" in call("conservation").stdout
    asyncio.run(move_an_answer(stack, 1))
    try:
        broken = call_json("conservation", status=1)
        text = call("conservation", status=1).stdout
    finally:
        asyncio.run(move_an_answer(stack, -1))
    assert not broken["holds"]
    assert [cohort["address"] for cohort in broken["broken"]] == [RESIDENCE]
    assert "BROKEN in 1 cohort:" in text
    assert call_json("conservation")["holds"]


async def move_an_answer(stack: RunningStack, by: int) -> None:
    """Count so many answers that nobody gave."""
    cohort = "role = 'recipient' AND address = $2 AND kind = 'case.assist'"
    connection = await asyncpg.connect(stack.addresses.database_url)
    try:
        statement = f"UPDATE cohort SET answered = answered + $1, unanswered = unanswered - $1 WHERE {cohort}"  # noqa: S608
        assert await connection.execute(statement, by, RESIDENCE) == "UPDATE 1"
    finally:
        await connection.close()


def test_a_directory_without_a_stack_says_how_to_start_one(tmp_path: Path, run: Run) -> None:
    for words in (("rate",), ("inbox", RESIDENCE), ("show", str(uuid.uuid4()))):
        with pytest.raises(CommandError, match="huizhi up"):
            run(*words, "--data", tmp_path)


def test_a_stack_that_does_not_answer_is_said_so(tmp_path: Path, stack: RunningStack, run: Run) -> None:
    document = json.loads((stack.data / "stack.json").read_text())
    document |= {"ledger_url": "http://127.0.0.1:1", "amqp_url": "amqp://a:secret@127.0.0.1:1/huizhi"}
    (tmp_path / "stack.json").write_text(json.dumps(document))
    with pytest.raises(CommandError, match=r"the ledger at http://127\.0\.0\.1:1 does not answer .*`huizhi up"):
        run("rate", "--data", tmp_path)
    with pytest.raises(CommandError, match="the broker does not answer") as caught:
        run("inbox", RESIDENCE, "--data", tmp_path)
    assert "secret" not in str(caught.value)
