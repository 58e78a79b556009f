"""`huizhi reconcile` on a running stack: a participant's own list is resolved against the ledger, id by id."""

import json
import subprocess
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from services.cli.errors import CommandError
from tests.acceptance.exchange import HUIZHI, Exchange
from tests.acceptance.participant import Participant
from tests.integration.cli.conftest import PAYLOAD, call, call_json

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]
NOBODY = "110105"


def send(sender: str, to: str, type: str = "query", kind: str = "case.assist", status: str = "dispatched") -> str:
    """A message that is on the ledger, by its id."""
    words = ("--from", sender, "--type", type, "--kind", kind, "--payload", PAYLOAD)
    id: str = call("send", to, *words).stdout.strip()
    while call_json("show", id)["state"] != status:
        pass
    return id


def answer(query: str, outcome: str = "confirmed") -> str:
    words = ("--reason", "more-follows") if outcome == "partial" else ()
    id: str = call("answer", query, "--outcome", outcome, *words).stdout.strip()
    return id


def refuse(sender: str, to: str) -> str:
    """The id of a query that the gateway refused."""
    id = str(uuid.uuid4())
    with pytest.raises(CommandError, match="The kind is not known"):
        call("send", to, "--from", sender, "--kind", "x.y", "--payload", PAYLOAD, "--id", id)
    while not (call_json("refused", "--sender", sender)["items"]):
        pass
    return id


def own_list(directory: Path, rows: Iterable[tuple[str, str]]) -> Path:
    file = directory / "mine.csv"
    file.write_text("\n".join(["id,list", *(f"{id},{list_}" for list_, id in rows)]) + "\n")
    return file


def found(document: dict[str, Any], side: str) -> set[tuple[str, str, str]]:
    return {(each["list"], each["id"], each["reason"]) for each in document[side]}


def test_both_sides_of_a_months_work_are_resolved(exchange: Exchange, tmp_path: Path) -> None:
    asker, asked, third = (exchange.county("12") for _ in range(3))
    me, you = asker.address, asked.address
    answered, partly, waiting, forwarded = (send(me, you) for _ in range(4))
    said = answer(answered)
    answer(partly, "partial")
    call("forward", forwarded, third.address, "--payload", PAYLOAD, "--reason", "not-in-charge")
    while call_json("show", forwarded)["recipient"] != third.address:
        pass
    parked, withdrawn = (send(me, NOBODY, status="parked") for _ in range(2))
    call("withdraw", withdrawn, "--reason", "no-longer-needed")
    refused, unheard = refuse(me, you), str(uuid.uuid4())
    notice = send(me, you, "notice", "service.notice")
    of_another = send(third.address, me)

    mine = own_list(
        tmp_path,
        [
            *(("sent", id) for id in (answered, partly, answered, parked, withdrawn, refused, unheard, notice)),
            ("sent", of_another),
            ("answered", of_another),
        ],
    )
    document = call_json("reconcile", "--mine", mine, "--participant", me, status=1)
    assert found(document, "only_mine") == {
        ("sent", answered, "listed-twice"),
        ("sent", parked, "parked"),
        ("sent", withdrawn, "withdrawn"),
        ("sent", refused, "refused"),
        ("sent", unheard, "unknown"),
        ("sent", notice, "not-a-query"),
        ("sent", of_another, "another-sender"),
    }
    assert found(document, "only_ledger") == {
        ("sent", waiting, "not-listed"),
        ("sent", forwarded, "not-listed"),
        ("received", of_another, "not-listed"),
    }
    assert found(document, "differs") == {("answered", of_another, "not-answered")}
    assert document["lists"]["sent"] == {"mine": 9, "ledger": 4, "both": 2, "differences": 9}

    text = call("reconcile", "--mine", mine, "--participant", me, status=1).stdout
    for expected in (
        unheard,
        "unknown-kind at",
        "parked (no-participant)",
        f"dispatched to inbox.{you} at",
        f"{third.address} sent it",
        "only on the ledger: 3",
    ):
        assert expected in text

    lists = [("received", id) for id in (answered, partly, waiting, parked)]
    lists += [("answered", said), ("answered", partly), ("answered", forwarded)]
    document = call_json("reconcile", "--mine", own_list(tmp_path, lists), "--participant", you, status=1)
    assert found(document, "only_mine") == {("received", parked, "parked"), ("answered", said, "another-id")}
    assert found(document, "only_ledger") == {
        ("received", forwarded, "not-listed"),
        ("answered", answered, "another-id"),
    }
    assert found(document, "differs") == {("answered", partly, "not-answered"), ("answered", forwarded, "not-answered")}


def test_equal_lists_end_with_0_and_many_pages_are_read(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.cli.reconcile.command._PAGE", 2)
    asker, asked = (exchange.county("12") for _ in range(2))
    queries = [send(asker.address, asked.address) for _ in range(5)]
    answer(queries[0])
    rows = [("received", id) for id in queries] + [("answered", queries[0])]
    mine = own_list(tmp_path, rows)
    document = call_json("reconcile", "--mine", mine, "--participant", asked.address)
    assert document["equal"]
    assert document["lists"]["received"] == {"mine": 5, "ledger": 5, "both": 5, "differences": 0}
    assert "no difference" in call("reconcile", "--mine", mine, "--participant", asked.address).stdout
    figures = call_json("rate", asked.address)
    assert (figures["received"], figures["answered"]) == (5, 1)

    of_another_month = own_list(tmp_path, [("received", id) for id in queries[1:]])
    document = call_json("reconcile", "--mine", of_another_month, "--participant", asked.address, "--list", "received",
                         "--period", "2020-01", status=1)  # fmt: skip
    assert found(document, "differs") == {("received", id, "another-period") for id in queries[1:]}
    assert document["spans"][0]["period"] == "2020-01"


def test_a_list_by_periods_is_compared_by_periods(exchange: Exchange, tmp_path: Path) -> None:
    asker, asked = (exchange.county("12") for _ in range(2))
    query, other = (send(asker.address, asked.address) for _ in range(2))
    now = call_json("show", query)["period"]
    lines = [{"id": query, "list": "sent", "period": now}, {"id": other, "list": "sent", "period": "2020-01"}]
    mine = tmp_path / "mine.jsonl"
    mine.write_text("\n".join(json.dumps(line) for line in lines))
    document = call_json("reconcile", "--mine", mine, "--participant", asker.address, status=1)
    assert [span["period"] for span in document["spans"]] == ["2020-01", now]
    assert found(document, "differs") == {("sent", other, "another-period")}
    assert document["only_mine"] == document["only_ledger"] == []

    document = call_json("reconcile", "--mine", mine, "--participant", asker.address, "--period", now, status=1)
    assert document["left_out"] == 1
    assert found(document, "only_ledger") == {("sent", other, "not-listed")}


def participants_own(exchange: Exchange, participant: Participant, mine: Path, *words: str) -> Any:
    """The command as a participant calls it, who has its token and the ledger's address and no stack."""
    command = [*HUIZHI, "reconcile", "--mine", str(mine), "--ledger", exchange.stack["ledger_url"], "--json", *words]
    environment = exchange.environment | {"HUIZHI_TOKEN": participant.token, "HUIZHI_DATA": str(mine.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_participant_compares_with_its_own_token(exchange: Exchange, tmp_path: Path) -> None:
    asker, asked = (exchange.county("12") for _ in range(2))
    query = send(asker.address, asked.address)
    done = participants_own(exchange, asker, own_list(tmp_path, [("sent", query)]))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["participant"] == asker.address
    # Another's query looks as if it were not there.
    done = participants_own(exchange, exchange.county("12"), own_list(tmp_path, [("sent", query)]))
    assert done.returncode == 1
    assert found(json.loads(done.stdout), "only_mine") == {("sent", query, "unknown")}
    done = participants_own(exchange, asker, tmp_path / "mine.csv", "--participant", asked.address)
    assert done.returncode == 2
    assert f"this token is for {asker.address} and below; name a participant within it" in done.stderr


def test_what_cannot_be_compared_is_a_status_of_2(tmp_path: Path) -> None:
    bad, latin = tmp_path / "bad.csv", tmp_path / "latin.csv"
    bad.write_text("id,list\nx,sent\n")
    latin.write_bytes("id,list\n\u00e9,sent\n".encode("latin-1"))
    good = own_list(tmp_path, [])
    for words, said in (
        (("--mine", bad, "--participant", "41"), r'bad.csv, line 2: id is a UUID, not "x"'),
        (("--mine", latin, "--participant", "41"), "is not UTF-8"),
        (("--mine", tmp_path / "none.csv", "--participant", "41"), "none.csv cannot be read: No such file"),
        (("--mine", tmp_path, "--participant", "41"), "cannot be read: Is a directory"),
        (("--mine", good), "say whose list it is"),
        (("--mine", good, "--ledger", "http://127.0.0.1:1"), "needs the participant's token"),
        (("--mine", good, "--ledger", "http://127.0.0.1:1", "--token", "x"), "does not answer .*check the URL"),
        (("--mine", good, "--ledger", "nowhere", "--token", "x"), "check the URL"),
        (("--mine", good, "--participant", "999999"), "no jurisdiction has or had the code"),
        (("--mine", good, "--participant", "4"), "participant is a code like"),
        (("--mine", good, "--participant", "41", "--token", "x"), "no valid token"),
        (("--mine", good, "--participant", "41", "--period", "x"), "a period is written"),
        (("--mine", good, "--participant", "41", "--period", "2026-11", "--from", "2026-11-01"), "not both"),
    ):
        with pytest.raises(CommandError, match=said) as caught:
            call("reconcile", *words)
        assert caught.value.status == 2
