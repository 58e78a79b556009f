"""The scene in which input goes wrong: three participants, and what they have sent each other before."""

from dataclasses import dataclass

from tests.acceptance.drafts import answer, notice, query
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


async def set_scene(exchange: Exchange, sender: Desk, recipient: Desk, third: Desk, below: str) -> Scene:
    """Put the background on the ledger, over AMQP."""
    opened, closed, told = query(sender.address), query(sender.address), notice(sender.address)
    foreign, used = query(third.address), query(recipient.address)
    await recipient.publish_all([opened, closed, told, foreign])
    await sender.publish(used)
    await sender.receives(opened["id"], closed["id"], told["id"])
    await third.receives(foreign["id"])
    await recipient.receives(used["id"])
    reply = answer(closed["id"])
    await sender.publish(reply)
    await recipient.receives(reply["id"])
    background = Background(
        to=recipient.address,
        other_province=recipient.address,
        below_with_an_account=below,
        open_query=opened["id"],
        foreign_query=foreign["id"],
        closed_query=closed["id"],
        notice=told["id"],
        used_id=used["id"],
        id_of_another=foreign["id"],
    )
    return Scene(exchange, sender, recipient, third, background)
