"""The scene in which input goes wrong: participants, and what they have sent each other before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.acceptance.drafts import about, answer, forward, notice, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.faults import Background
from tests.acceptance.participant import Desk


@dataclass(frozen=True)
class Scene:
    """``sender`` does something wrong, ``recipient`` gets what is right."""

    exchange: Exchange
    sender: Desk
    recipient: Desk
    third: Desk
    background: Background


async def set_scene(
    exchange: Exchange, sender: Desk, recipient: Desk, third: Desk, passers: Sequence[Desk], below: str
) -> Scene:
    """Put the background on the ledger, over AMQP. ``passers`` are two who hand a query on."""
    opened, closed, acknowledged = query(sender.address), query(sender.address), query(sender.address)
    told, foreign = notice(sender.address), query(third.address)
    used, rated = query(recipient.address), query(recipient.address)
    await recipient.publish_all([opened, closed, acknowledged, told, foreign])
    await sender.publish_all([used, rated])
    await sender.receives(opened["id"], closed["id"], acknowledged["id"], told["id"])
    await third.receives(foreign["id"])
    await recipient.receives(used["id"], rated["id"])
    reply, seen, replied = answer(closed["id"]), about("acknowledgement", acknowledged["id"]), answer(rated["id"])
    await sender.publish_all([reply, seen])
    await recipient.publish(replied)
    await recipient.receives(reply["id"], seen["id"])
    await sender.receives(replied["id"])
    rating = about("rating", rated["id"], timely="yes", useful="no")
    await sender.publish(rating)
    await recipient.receives(rating["id"])
    background = Background(
        to=recipient.address,
        other_province=recipient.address,
        elsewhere=passers[0].address,
        below_with_an_account=below,
        open_query=opened["id"],
        foreign_query=foreign["id"],
        closed_query=closed["id"],
        acknowledged_query=acknowledged["id"],
        much_forwarded_query=await _forwarded_thrice(recipient, [third, *passers, sender]),
        rated_query=rated["id"],
        notice=told["id"],
        used_id=used["id"],
        id_of_another=foreign["id"],
    )
    return Scene(exchange, sender, recipient, third, background)


async def _forwarded_thrice(asker: Desk, holders: Sequence[Desk]) -> str:
    """A query that the first of ``holders`` was asked, and that each has handed on to the next."""
    asked = query(holders[0].address)
    await asker.publish(asked)
    for holder, successor in pairwise(holders):
        await holder.receives(asked["id"])
        handed_on = forward(asked["id"], successor.address, reason="not-in-charge")
        await holder.publish(handed_on)
        await asker.receives(handed_on["id"])
    await holders[-1].receives(asked["id"])
    return str(asked["id"])
