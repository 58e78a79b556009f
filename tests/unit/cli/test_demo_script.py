"""The demonstration's script, cast and tally, without servers."""

import stat
from pathlib import Path
from typing import Any

import pytest

from contracts.addresses import Tier, tier
from contracts.envelope import OUTCOMES_WITH_REASON, Outcome
from contracts.kinds import ANSWER_SCHEMA, PayloadSchema, built_in_kinds
from services.cli.demo.cast import DISTRICT, append_credentials, chosen, read_credentials
from services.cli.demo.script import Script, answer_to, is_of_the_demonstration, query_content, write_script
from services.cli.demo.tally import TIERS, Tally
from services.cli.demo.view import flow_line
from services.cli.errors import CommandError
from services.registry.participants import Credentials

ORIGINS: dict[Tier, list[str]] = {"national": ["310115", "110101", "440106"], "provincial": ["410202", "410103"]}
FIGURES = {"received": 714, "answered": 713}


@pytest.fixture
def script() -> Script:
    return write_script(ORIGINS)


def test_a_script_has_714_queries_over_each_tier_and_leaves_one_of_each_open(script: Script) -> None:
    for name in TIERS:
        queries = [query for query in script.queries.values() if query.tier == name]
        assert len(queries) == 714
        assert {query.origin for query in queries} == set(ORIGINS[name])
        assert all(tier(query.origin, DISTRICT) == name for query in queries)
        assert len([query for query in queries if query.id in script.left_open]) == 1


def test_every_payload_follows_its_kind_and_bears_the_mark(script: Script) -> None:
    kinds = {kind.name: kind for kind in built_in_kinds()}
    for query in script.queries.values():
        kinds[query.kind].payload_schema.check(dict(query.payload))
        assert kinds[query.kind].answer_owed
        assert is_of_the_demonstration(dict(query.payload))
    assert {query.kind for query in script.queries.values()} == {
        name for name, kind in kinds.items() if kind.answer_owed
    }


def test_an_answer_is_always_the_same_and_follows_the_contract(script: Script) -> None:
    answers = [answer_to(id) for id in script.queries]
    assert answers == [answer_to(id) for id in script.queries]
    # A partial answer would leave its query open.
    assert {answer.outcome for answer in answers} == set(Outcome) - {Outcome.PARTIAL}
    for answer in answers:
        PayloadSchema(ANSWER_SCHEMA).check(dict(answer.payload))
        assert (answer.reason is not None) == (answer.outcome in OUTCOMES_WITH_REASON)
    assert len({answer.id for answer in answers}) == len(answers)


@pytest.mark.parametrize("payload", [None, [], "【演示】", {}, {"note": 1}, {"note": "请核实"}])
def test_what_others_sent_does_not_bear_the_mark(payload: Any) -> None:
    assert not is_of_the_demonstration(payload)


def test_names_are_anonymised() -> None:
    text = str([query_content(number) for number in range(714)])
    assert "某某" in text


def counties(*, without: str = "") -> list[str]:
    provinces = ("11", "12", "31", "32", "33", "34", "35", "36", "37", "41", "42", "44", "50", "51")
    codes = [f"{province}{n:04d}" for province in provinces for n in range(101, 125)]
    return [code for code in codes if code != without]


def test_forty_participants_of_fourteen_provinces_take_part() -> None:
    addresses = chosen(counties())
    assert addresses[0] == DISTRICT
    assert len(set(addresses)) == len(addresses) == 40
    assert len({address[:2] for address in addresses}) == 14


def test_a_district_that_somebody_else_added_is_not_taken_over() -> None:
    with pytest.raises(CommandError, match="huizhi demo --data ANOTHER"):
        chosen(counties(without=DISTRICT))
    with pytest.raises(CommandError, match="too few counties"):
        chosen([DISTRICT])


def test_credentials_are_kept_privately_and_the_last_ones_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "participants.jsonl"
    assert read_credentials(path) == {}
    append_credentials(path, [Credentials("410102", "amqp://first", "a"), Credentials("310115", "amqp://x", "b")])
    append_credentials(path, [Credentials("410102", "amqp://second", "c")])
    assert read_credentials(path)["410102"] == Credentials("410102", "amqp://second", "c")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def done(script: Script) -> Tally:
    tally = Tally(script, set(script.queries), set(script.queries), set(script.queries) - script.left_open)
    tally.ledger = {"national": FIGURES, "provincial": FIGURES}
    return tally


def test_a_run_is_done_when_the_ledger_and_the_origins_have_everything(script: Script) -> None:
    tally = done(script)
    assert tally.is_done
    assert tally.lacking() == tally.faults() == []


def test_a_run_that_is_not_done_says_what_is_lacking(script: Script) -> None:
    tally = done(script)
    tally.ledger = {"national": FIGURES, "provincial": {"received": 714, "answered": 712}}
    assert not tally.is_done
    (lacking,) = tally.lacking()
    assert lacking == (
        "provincial: of 714 queries 714 were sent, 714 are in custody and 714 received; of 713 answers the ledger has "
        "712 and the origins have 713"
    )
    assert "714 received, 712 answered" in flow_line({name: tally.stand(name) for name in TIERS})


def test_more_than_was_sent_and_any_refusal_are_faults_at_once(script: Script) -> None:
    tally = done(script)
    tally.ledger = {"national": FIGURES, "provincial": {"received": 715, "answered": 713}}
    assert "does somebody else write to the district?" in tally.faults()[0]
    id = next(iter(script.queries))
    problem = {"title": "The kind is not known", "detail": "kind is one of …"}
    receipt = {"refused": [{"id": id, "problem": problem}, {"id": "of another run", "problem": problem}]}
    tally.note_refusals(receipt, script.queries)
    assert tally.refusals == [f"{id}: The kind is not known: kind is one of …"]
    assert f"refused: {id}: The kind is not known: kind is one of …" in tally.faults()
