"""Proofs that the ledger hands out: they hold for whoever has the log's key, and say what the ledger says."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import structs

from contracts.problems import ProblemType
from contracts.proofs import Checked, ProofError, check_proof, decode_proof
from services.ledger import proofs
from tests.integration.ledger.past import CALENDAR, DAY, Past, live
from tests.integration.ledger.published import Published, reading
from tests.integration.ledger.records import answer, intake, query
from tests.unit.ledger.lives import dispatched

MONTHS = CALENDAR.months("2025")[:3]
ADDRESSES = ("410102", "410103", "410103.health", "410202", "419001")
SCOPES = ("", "41", "4101", "410103", "410103.health", "42")


def checked(answer: httpx.Response, log: Published) -> Checked:
    """What the proof in an answer shows."""
    assert answer.status_code == httpx.codes.OK, answer.text
    return check_proof(decode_proof(answer.content), [log.key.verifier])


async def asked_and_answered(log: Published) -> Any:
    """A query that was received and answered."""
    asked = query("410102", "310115")
    await log.take(intake(asked))
    await log.take(dispatched(asked))
    await log.take(intake(answer(asked)))
    return asked


async def test_every_figure_of_random_lives_is_proved_as_the_ledger_has_it(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span(MONTHS[0]).start)
    await live(past, ADDRESSES, MONTHS, seed=11)
    log = Published(pool)
    await log.checkpoint()
    received = 0
    async with reading(pool, token="administrator") as client:
        for scope in SCOPES:
            for month in MONTHS:
                for role in ("recipient", "sender"):
                    asked = {"jurisdiction": scope, "period": month, "role": role}
                    said = (await client.get("/v1/rate", params=asked)).json()
                    for tier in (None, "national", "provincial"):
                        at_tier = said if tier is None else said["tiers"][tier]
                        more = {} if tier is None else {"tier": tier}
                        shown = checked(await client.get("/v1/rate", params={**asked, **more, "proof": True}), log)
                        assert shown.figures is not None
                        proved = {**shown.figures.to_dict(), "unanswered": shown.figures.unanswered}
                        assert proved == {name: at_tier[name] for name in proved}, (scope, month, role, tier)
                    received += said["received"]
                fixed = (await client.get(f"/v1/periods/{month}", params={"jurisdiction": scope})).json()["closed"]
                closed: dict[str, str | bool] = {"jurisdiction": scope, "period": month, "proof": True, "closed": True}
                shown = checked(await client.get("/v1/rate", params=closed), log)
                assert shown.figures is not None
                proved = {**shown.figures.to_dict(), "unanswered": shown.figures.unanswered}
                assert proved == {name: fixed[name] for name in proved}
                assert [leaf.event for leaf in shown.leaves] == ["closed"]
    assert received > 100


async def test_a_closing_commits_to_the_cohorts_that_were_fixed_with_it(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.answer(*(await past.ask("410102", "410103"))[:1])
    past.now = CALENDAR.cutoff("2025-11") + DAY
    # In one transaction with what still moves the month.
    late = (await past.ask("410102"))[0]
    await past.answer(late)
    await past.close("2025-11")
    log = Published(pool)
    await log.checkpoint()
    async with reading(pool, token="administrator") as client:
        params: dict[str, str | bool] = {"period": "2025-11", "proof": True, "closed": True}
        answered = await client.get("/v1/rate", params=params)
    shown, table = checked(answered, log), decode_proof(answered.content).table
    assert table is not None
    assert (
        shown.leaves[0].data["table"]["rows"] == len(table) == await pool.fetchval("SELECT count(*) FROM closed_cohort")
    )
    assert shown.figures is not None
    assert (shown.figures.received, shown.figures.answered) == (2, 1)
    altered = decode_proof(answered.content)
    altered.table = [line.replace('"answered":0', '"answered":1') for line in table]
    with pytest.raises(ProofError, match="not the one that the leaf commits to"):
        check_proof(altered, [log.key.verifier])


async def test_a_message_is_proved_to_its_parties_and_its_refusals_to_whom_was_refused(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    asked = await asked_and_answered(log)
    # Somebody answers what is not theirs, under the query's own id.
    strange = structs.replace(query("410102", "410103"), id=asked.id)
    refused = (await log.take(intake(strange))).refused
    assert [record.problem for record in refused.values()] == [ProblemType.ID_REUSED.slug]
    await log.checkpoint()
    expected = {
        "310115": ["accepted", "dispatched", "answered", "refused"],
        "410102": ["accepted", "dispatched", "answered", "refused"],
        "administrator": ["accepted", "dispatched", "answered", "refused"],
        "410103": ["refused"],
    }
    for token, events in expected.items():
        async with reading(pool, token=token) as client:
            shown = checked(await client.get(f"/v1/messages/{asked.id}/proof"), log)
            assert [leaf.event for leaf in shown.leaves] == events, token
    async with reading(pool, token="41") as client:
        assert (await client.get(f"/v1/messages/{asked.id}/proof")).status_code == httpx.codes.NOT_FOUND
    async with reading(pool) as client:
        assert (await client.get(f"/v1/messages/{asked.id}/proof")).status_code == httpx.codes.UNAUTHORIZED


async def test_a_proof_waits_until_what_it_proves_is_published(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Published(pool)
    asked = await asked_and_answered(log)
    async with reading(pool, token="administrator") as client:
        for path in (f"/v1/messages/{asked.id}/proof", "/v1/rate?proof=true"):
            waiting = asyncio.create_task(client.get(path))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await log.checkpoint()
            checked(await waiting, log)
            await asked_and_answered(log)
        monkeypatch.setattr(proofs, "_PUBLISHED_WITHIN_S", 0.3)
        # What is published is proved, also while newer entries are not.
        checked(await client.get(f"/v1/messages/{asked.id}/proof"), log)
        late = await client.get("/v1/rate?proof=true")
    assert late.status_code == httpx.codes.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"proof": True, "kind": "case.assist"}, "kind"),
        ({"proof": True, "as_of": "2026-01-01"}, "as_of"),
        ({"proof": True, "from": "2026-01-01", "to": "2026-02-01"}, "from, to"),
        ({"proof": True, "codes": "today"}, "codes"),
        ({"proof": True, "period": "2025"}, "month by month: ask for 2025-01 to 2025-12"),
        ({"proof": True, "period": "2025-13"}, "2025-13"),
        ({"proof": True, "closed": True, "period": "2025-01"}, "is not closed"),
        ({"closed": True, "period": "2025-01"}, "closed goes with proof"),
    ],
)
async def test_what_no_leaf_states_is_refused_with_what_to_ask_instead(
    pool: asyncpg.Pool, parameters: dict[str, Any], says: str
) -> None:
    async with reading(pool, token="administrator") as client:
        answer = await client.get("/v1/rate", params=parameters)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert says in answer.json()["detail"]


async def test_figures_of_nobody_are_proved_as_nothing_and_another_territory_not_at_all(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    await log.checkpoint()
    async with reading(pool, token="41") as client:
        shown = checked(await client.get("/v1/rate", params={"jurisdiction": "410202", "proof": True}), log)
        assert (shown.leaves, shown.figures and shown.figures.received) == ((), 0)
        refused = await client.get("/v1/rate", params={"jurisdiction": "42", "proof": True})
    assert refused.status_code == httpx.codes.FORBIDDEN


async def test_more_leaves_than_a_document_may_have_are_not_proved(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Published(pool)
    for to in ("410102", "410103"):
        asked = query(to)
        await log.take(intake(asked))
        await log.take(dispatched(asked))
    await log.checkpoint()
    monkeypatch.setattr(proofs, "MOST_LEAVES", 1)
    async with reading(pool, token="administrator") as client:
        answer = await client.get("/v1/rate?proof=true")
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        checked(await client.get("/v1/rate?proof=true&jurisdiction=410102"), log)


async def test_proofs_of_a_log_of_many_entries_are_made_in_parts(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "_AT_ONCE", 2)
    log = Published(pool)
    queries = [query(to) for to in ("410102", "410103", "410202", "419001", "410102") for _ in range(60)]
    await log.take(intake(*queries))
    await log.take(*(dispatched(one) for one in queries))
    await log.checkpoint()
    async with reading(pool, token="administrator") as client:
        shown = checked(await client.get("/v1/rate?proof=true"), log)
    assert shown.figures is not None
    assert (len(shown.leaves), shown.figures.received) == (4, 300)
    assert shown.checkpoint.size == 600


async def test_another_key_does_not_do(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    asked = await asked_and_answered(log)
    await log.checkpoint()
    other = Published(pool)
    async with reading(pool, token="administrator") as client:
        answered = await client.get(f"/v1/messages/{asked.id}/proof")
    with pytest.raises(ProofError, match="signed"):
        checked(answered, other)
