"""Ten thousand bad messages mixed into good traffic: the good ones arrive once, the bad ones are all accounted for."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aio_pika.exceptions
import aiormq.exceptions
import pytest

from contracts.problems import ProblemType
from tests.acceptance.drafts import Draft, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.faults import DOORS, FAULTS, Door
from tests.acceptance.participant import Desk
from tests.acceptance.scene import Scene, set_scene
from tests.acceptance.waiting import until

BAD, GOOD, FORGED = 10_000, 2_000, 20
SENDERS = 4
POSTS_AT_ONCE = 8
SHARE_OVER_HTTP = 0.1

# So many of these would be so many times 256 KiB, and say no more than a few.
RARE = {"payload-too-large": 0.05}


@dataclass
class Mix:
    """What one sender is to send, in order, and what is to become of it."""

    scene: Scene
    sending: list[tuple[Door, Draft]] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)


async def test_ten_thousand_bad_messages_among_good_ones_stop_and_lose_nothing(exchange: Exchange) -> None:
    senders = [exchange.this_county(code) for code in ("640105", "640106", "640121", "640122")]
    below = [(await exchange.add_participant(f"{senders[0].address}.health")).address]
    others = [exchange.county("50") for _ in range(4)]
    async with exchange.desks(*senders, *others) as desks:
        *sending, recipient, third, first, second = desks
        scenes = [await set_scene(exchange, desk, recipient, third, [first, second], below[0]) for desk in sending]
        mixes = mix(scenes, random.Random(714_713))
        newest, counted = await exchange.newest_refusal(), await refusals_counted(exchange)
        before = await exchange.see("rate", jurisdiction=recipient.address)

        await asyncio.gather(*(send(each) for each in mixes), forge(exchange, sending[0], third.address))

        good = set().union(*(each.good for each in mixes))
        await recipient.receives(*good, within_s=240)
        await until("all are refused", lambda: sum(len(d.inbox.refused) for d in sending) >= known(mixes), within_s=240)
        for each in mixes:
            await expect_receipts(each)

    assert {id: len(recipient.inbox.messages[id]) for id in good} == dict.fromkeys(good, 1)
    refused = sum((each.refused for each in mixes), Counter[str]())
    assert refused.total() == BAD
    listed = Counter(one["problem"].rpartition(":")[2] for one in await exchange.refusals_since(newest))
    assert listed == refused
    assert await refusals_counted(exchange) - counted == refused
    after = await exchange.see("rate", jurisdiction=recipient.address)
    assert after["received"] - before["received"] == GOOD
    assert (await exchange.see("parked"))["set_aside"] == []
    await exchange.conserves()
    assert await exchange.is_ready()


def mix(scenes: Sequence[Scene], chance: random.Random) -> list[Mix]:
    """Bad and good drafts in a random order, dealt out to the senders."""
    mixes = [Mix(scene) for scene in scenes]
    rows = [(fault, door) for fault in FAULTS for door in DOORS if fault.problem(door)]
    weights = [
        RARE.get(fault.problem(door) or "", 1.0) * (SHARE_OVER_HTTP if door == "http" else 1.0) for fault, door in rows
    ]
    for fault, door in chance.choices(rows, weights, k=BAD):
        each = chance.choice(mixes)
        each.sending.append((door, fault.draft(each.scene.background)))
        each.refused[fault.problem(door) or ""] += 1
    for number in range(GOOD):
        each = mixes[number % len(mixes)]
        draft = query(each.scene.background.to)
        each.sending.append(("http" if chance.random() < SHARE_OVER_HTTP else "amqp", draft))
        each.good.add(draft["id"])
    for each in mixes:
        chance.shuffle(each.sending)
    return mixes


async def send(each: Mix) -> None:
    """Send it all, over both doors at once, each door in its order."""
    sender = each.scene.sender
    posts = iter([draft for door, draft in each.sending if door == "http"])

    async def post() -> None:
        for draft in posts:
            answered = await sender.post(draft)
            assert answered.status_code < 500, answered.text

    published = sender.publish_all(draft for door, draft in each.sending if door == "amqp")
    await asyncio.gather(published, *(post() for _ in range(POSTS_AT_ONCE)))


async def forge(exchange: Exchange, forger: Desk, victim: str) -> None:
    """Meanwhile somebody publishes in another's name, and has its channel closed each time."""
    for _ in range(FORGED):
        async with exchange.desk_without_inbox(forger.participant) as desk:
            with pytest.raises((aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPError)):
                await desk.publish(query(victim, user_id=victim))


async def expect_receipts(each: Mix) -> None:
    """The sender was told of each of its messages."""
    inbox = each.scene.sender.inbox
    await each.scene.sender.accepted(*each.good)
    told = Counter(ProblemType.of(problem["type"].rpartition(":")[2]).slug for _, problem in inbox.refused)
    anonymous = ProblemType.MISSING_USER_ID.slug
    assert told == Counter({problem: n for problem, n in each.refused.items() if problem != anonymous})


def known(mixes: Sequence[Mix]) -> int:
    """Of how many refusals somebody can be told."""
    anonymous = ProblemType.MISSING_USER_ID.slug
    return sum(n for each in mixes for problem, n in each.refused.items() if problem != anonymous)


async def refusals_counted(exchange: Exchange) -> Counter[str]:
    """The ledger's counter of refusals, without zeros."""
    counted = await exchange.counted("ledger", "huizhi_refused_messages_total")
    return Counter({problem: int(n) for problem, n in counted.items() if n})
