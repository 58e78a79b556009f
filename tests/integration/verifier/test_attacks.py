"""Whoever owns the database, or the key as well, changes the log behind the ledger's back: the verifier names it.

Each attack is made twice: by an owner who only changes rows, and by one who makes hashes, tiles and signature anew.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.rates import Figures
from services.cli.rate import Role
from services.ledger.retention import forget
from services.verifier.findings import Check
from services.verifier.result import Result
from tests.integration.ledger.asking import ask, asking
from tests.integration.verifier.conftest import Copy
from tests.integration.verifier.logs import Entry, Owner, Site
from tests.unit.ledger.lives import batch, query

Attack = Callable[[Owner], Awaitable[int | None]]


def places(result: Result) -> set[int | None]:
    """The entries at which something is wrong."""
    return {finding.entry for finding in result.findings}


async def test_an_untouched_log_holds_and_its_figures_are_the_ledgers(site: Site, pool: asyncpg.Pool) -> None:
    """The control: the same log, served by the same application, is found right."""
    result = await site.verify()
    assert result.holds, list(result.findings)
    assert set(result.closed) == {"2026-10"}
    async with asking(pool) as client:
        for role in Role:
            for code in ("", "41", "4101", "410102", "410202", "420102"):
                for month in ("2026-10", "2026-11", "2026-12"):
                    told = await ask(client, "rate", jurisdiction=code, role=role, period=month)
                    for tier, figures in result.figures(role, code, month).items():
                        assert figures == Figures(**{name: told["tiers"][tier][name] for name in Figures.__slots__})
    assert sum(result.figures().values(), Figures()).received == 28


async def make_on_time(owner: Owner) -> int:
    """A late answer came in time."""
    entry = await owner.entry("answered", last=True)
    await owner.change(entry.index, on_time=not entry.data["on_time"])
    return entry.index


async def raise_totals(owner: Owner) -> int:
    """The newest leaf of a cohort states one answer more."""
    entry = await owner.entry("answered", last=True)
    totals = entry.data["totals"]
    totals["recipient"]["answered"] += 1
    await owner.change(entry.index, totals=totals)
    return entry.index


async def recount(owner: Owner) -> int:
    """All leaves of a cohort from one on state one answer more: they agree with each other."""
    begin = await owner.entry("answered")
    for entry in await owner.entries():
        same = all(entry.data.get(name) == begin.data[name] for name in ("address", "tier", "period"))
        if entry.index >= begin.index and same and "totals" in entry.data:
            totals = entry.data["totals"]
            totals["recipient"]["answered"] += 1
            await owner.change(entry.index, totals=totals)
    return begin.index


async def another_address(owner: Owner) -> int:
    """A query was received by somebody else."""
    entry = await owner.entry("dispatched")
    await owner.change(entry.index, address="410109")
    return entry.index


async def earlier(owner: Owner) -> int:
    """An answer came a day earlier."""
    entry = await owner.entry("answered", last=True)
    await owner.execute("UPDATE entry SET at = at - interval '1 day' WHERE index = $1", entry.index)
    return entry.index


async def another_table(owner: Owner) -> int:
    """A closed month had another table."""
    (entry,) = [one for one in await owner.entries() if one.event == "closed"]
    await owner.change(entry.index, table={**entry.data["table"], "sha256": "0" * 64})
    return entry.index


async def delete_one(owner: Owner) -> int:
    """An unanswered query was never received."""
    open_ones = {one.message_id for one in await owner.entries() if one.event == "answered"}
    entry = [one for one in await owner.entries() if one.event == "dispatched" and one.message_id not in open_ones][-1]
    await owner.execute("DELETE FROM entry WHERE index = $1", entry.index)
    return entry.index


async def swap(owner: Owner) -> int:
    """An answer stands before the query it answers was received."""
    entry = await owner.entry("dispatched")
    last = await owner.entry("answered", last=True)
    for old, new in ((entry.index, -1), (last.index, entry.index), (-1, last.index)):
        await owner.execute("UPDATE entry SET index = $2 WHERE index = $1", old, new)
    return entry.index


async def insert_an_answer(owner: Owner) -> int:
    """A query that nobody answered is answered at the end of the log, and the totals follow."""
    entries = await owner.entries()
    over = {one.message_id for one in entries if one.event in {"answered", "withdrawn", "forwarded"}}
    open_one = [one for one in entries if "totals" in one.data and one.message_id not in over][-1]
    newest = {role: _newest(entries, role, open_one) for role in ("recipient", "sender")}
    for totals in newest.values():
        for name in ("answered", "on_time", "on_time_original", "substantive"):
            totals[name] += 1
    data = {name: value for name, value in open_one.data.items() if name not in {"totals", "recipient"}}
    judged = {"on_time": True, "on_time_original": True, "substantive": True, "outcome": "confirmed", "reason": None}
    data |= judged | {"answer": "00000000-0000-4000-8000-000000000000", "totals": newest}
    place = (len(entries), entries[-1].at, "answered", open_one.message_id, json.dumps(data), bytes(32))
    await owner.execute(
        "INSERT INTO entry (index, at, event, message_id, data, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)", *place
    )
    return len(entries)


def _newest(entries: list[Entry], role: str, of: Entry) -> dict[str, Any]:
    side = {"recipient": "address", "sender": "from"}[role]
    names = (side, "tier", "period")
    same = [one for one in entries if "totals" in one.data and all(one.data[n] == of.data[n] for n in names)]
    totals: dict[str, Any] = same[-1].data["totals"][role]
    return totals


ATTACKS: list[Attack] = [
    make_on_time,
    raise_totals,
    recount,
    another_address,
    earlier,
    another_table,
    delete_one,
    swap,
    insert_an_answer,
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_is_changed_in_the_database_is_not_what_was_signed(site: Site, owner: Owner, attack: Attack) -> None:
    place = await attack(owner)
    result = await site.verify()
    if attack is insert_an_answer:
        # No checkpoint speaks of it: nobody is served it, and the ledger itself would not go on.
        assert result.holds
        return
    assert not result.holds
    assert result.cohorts is None
    (named,) = {place} & places(result) or {None}
    assert named == place or "entries 0 to" in str(next(iter(result.findings)))


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_is_made_anew_and_signed_contradicts_itself(site: Site, owner: Owner, attack: Attack) -> None:
    """Without any memory of the log: the entries themselves do not follow from each other."""
    place = await attack(owner)
    await owner.sign_anew(site.key)
    result = await site.verify()
    assert not result.holds
    assert Check.ROOT not in result.findings.checks
    assert Check.TILE not in result.findings.checks
    # What is missing, or stands under another address, is found by what does not follow from it.
    if attack not in (delete_one, another_address):
        assert place in places(result), list(map(str, result.findings))


@pytest.mark.parametrize("attack", [*ATTACKS, None])
async def test_what_is_made_anew_and_signed_is_a_fork_to_who_saw_the_log_before(
    site: Site, owner: Owner, attack: Attack | None, tmp_path: Path
) -> None:
    """A change that contradicts nothing, too."""
    assert (await site.verify(tmp_path / "state")).holds
    if attack is not None:
        await attack(owner)
    else:
        await owner.change(0, urgent=True)
    await owner.sign_anew(site.key)
    if attack is None:
        assert (await site.verify()).holds
    result = await site.verify(tmp_path / "state")
    assert not result.holds
    if attack is insert_an_answer:
        assert result.findings.checks & {Check.MESSAGE}
    else:
        assert result.findings.checks & {Check.FORK, Check.ROLLBACK}
        assert len(result.notes) == 2


async def test_a_ledger_whose_counters_were_moved_gives_itself_away_with_its_next_entry(
    site: Site, owner: Owner, pool: asyncpg.Pool
) -> None:
    """Cohort rows are no part of the log: the figures that follow from it stay, and the ledger's own differ."""
    key = {"role": "recipient", "address": "410102", "tier": "national", "period": "2026-10"}
    changed = "UPDATE cohort SET answered = answered + 1, unanswered = unanswered - 1 WHERE role = 'recipient'"
    await owner.execute(f"{changed} AND address = '410102' AND tier = 'national' AND period = '2026-10'")
    result = await site.verify()
    assert result.holds
    counted = result.figures(jurisdiction="410102", period="2026-10")["national"]
    async with asking(pool) as client:
        told = await ask(client, "rate", jurisdiction="410102", period="2026-10", tier="national")
    assert told["answered"] == counted.answered + 1
    # A writer remembers how its cohorts stand for as long as nobody else may write; the next one reads it.
    site.open(pool)
    still_open = [duty for duty in site.past.duties if duty.ended_at is None and duty.address == key["address"]]
    await site.past.answer(still_open[0])
    await site.publish()
    result = await site.verify()
    totals = [finding for finding in result.findings if finding.check is Check.TOTALS]
    (finding,) = totals
    answered = await owner.entry("answered", last=True)
    assert (finding.entry, finding.message) == (answered.index, still_open[0].query.id)
    assert Check.CONSERVATION in result.findings.checks


async def test_a_backup_that_is_restored_is_found_by_who_saw_more(site: Site, copy: Copy, tmp_path: Path) -> None:
    backup = await copy(site)
    size = (await site.verify()).checkpoint
    await site.past.ask("410102")
    await site.publish()
    seen = await site.verify(tmp_path / "state")
    assert seen.holds
    assert size is not None
    result = await backup.verify(tmp_path / "state")
    assert result.findings.checks == {Check.ROLLBACK}
    assert str(next(iter(result.findings))) == (
        f"the log has {size.size} entries, and {size.size + 2} were verified before: it went back"
    )
    assert (await backup.verify()).holds


@pytest.mark.parametrize("queries", [1, 4])
async def test_two_ledgers_that_go_on_from_one_copy_are_found_by_who_asks_both(
    site: Site, copy: Copy, tmp_path: Path, queries: int
) -> None:
    """Both are right by themselves, and signed by one key: only who saw one of them knows that the other is another."""
    other = await copy(site)
    before = await site.verify()
    await site.past.ask("410102")
    await site.publish()
    assert (await site.verify(tmp_path / "state")).holds
    await other.past.ask(*["410103"] * queries)
    await other.publish()
    assert (await other.verify()).holds
    result = await other.verify(tmp_path / "state")
    assert result.findings.checks == {Check.FORK}
    assert before.checkpoint is not None
    assert next(iter(result.findings)).entry == before.checkpoint.size
    assert len(set(result.notes)) == 2
    assert all(site.key.name in note for note in result.notes)


async def test_a_number_that_a_sender_gave_and_the_log_does_not_have_is_found(site: Site) -> None:
    """A message that the exchange swallowed leaves no trace but the gap in its sender's numbers."""
    told = [query(sender="420102", arrived_at=site.past.now, sequence=number) for number in (1, 2, 4)]
    await site.past.take(batch(*told))
    await site.publish()
    result = await site.verify()
    assert result.holds
    (gap,) = result.numbering.gaps
    assert (gap.sender, gap.first, gap.last) == ("420102", 3, 3)
    swallowed = query(sender="420102", arrived_at=site.past.now, sequence=3)
    await site.past.take(batch(swallowed))
    await site.publish()
    assert (await site.verify()).numbering.gap_count == 0


async def test_any_byte_on_the_line_that_is_another_one_is_found(site: Site) -> None:
    assert (await site.verify()).holds
    for path, content in list(site.served.items()):
        for at in _places(path, len(content)):

            def altered(asked: str, served: bytes, path: str = path, at: int = at) -> bytes:
                return served[:at] + bytes([served[at] ^ 1]) + served[at + 1 :] if asked == path else served

            site.altered = altered
            assert not (await site.verify()).holds, (path, at)


def _places(path: str, length: int) -> list[int]:
    """All of a checkpoint; of a bundle its first entry, which has every kind of byte; and some of the rest."""
    whole = {"/log/checkpoint": length}.get(path, 450 if "entries" in path else 32)
    return sorted({*range(min(whole, length)), *range(whole, length, 397), length - 1})


async def test_forgetting_what_messages_said_leaves_the_log_as_it_is(site: Site, owner: Owner, tmp_path: Path) -> None:
    before = await site.verify(tmp_path / "state")
    connection = owner.connection
    forgotten = await forget(connection, site.past.now + timedelta(days=1), actor="test")
    assert forgotten.total() > 0
    assert await owner.fetchval("SELECT count(*) FROM message WHERE salt IS NULL") > 0
    for state in (None, tmp_path / "state"):
        after = await site.verify(state)
        assert after.holds
        assert after.checkpoint == before.checkpoint
        assert after.figures() == before.figures()
