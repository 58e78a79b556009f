"""Makes proof documents: a month's figures or a message's entries, with their leaves and the way of each to the root of
the published tree. ``contracts.proofs`` says what they hold, and checks them.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from contracts.leaf import Totals, closing_table, decode_leaf
from contracts.problems import ProblemError, ProblemType
from contracts.proofs import LeafProof, ProofDocument, figures_of
from contracts.tiles import inclusion_path, inclusion_tiles
from services.ledger.closings import closings
from services.ledger.rates import Role
from services.ledger.store import tiles
from services.ledger.store.connection import Connection
from services.ledger.store.queries import READING, at_and_below
from services.ledger.store.tiles import Published

MOST_LEAVES = 8000
"""Enough for every county of the country in both tiers."""

_AT_ONCE = 200
"""So many leaves' tiles are in memory at a time."""
_PUBLISHED_WITHIN_S = 10.0
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class FiguresClaim:
    """Whose figures are to be proved: ``jurisdiction`` "" is the whole platform, ``tier`` None both together."""

    jurisdiction: str
    role: Role
    period: str
    tier: str | None

    def about(self, figures: Totals, *, closed: bool) -> dict[str, Any]:
        """What the document says it is about."""
        return {
            "jurisdiction": self.jurisdiction,
            "role": self.role,
            "period": self.period,
            "tier": self.tier,
            "closed": closed,
            "figures": figures_of(figures),
        }


async def prove_message(pool: "asyncpg.Pool[Any]", id: UUID, indexes: Sequence[int]) -> ProofDocument:
    """What happened to a message: its entries at ``indexes``. Raises ProblemError while they are not published."""
    leaves, checkpoint = await _prove(pool, indexes)
    return ProofDocument({"message": str(id)}, leaves, checkpoint)


async def prove_figures(pool: "asyncpg.Pool[Any]", claim: FiguresClaim) -> ProofDocument:
    """A month's figures as they stand: the newest leaf of each cohort. Raises ProblemError."""
    async with pool.acquire() as connection:
        below = at_and_below(claim.jurisdiction)
        rows = await connection.fetch(
            READING["newest_of_cohorts"], claim.role, claim.period, below, claim.tier, MOST_LEAVES + 1
        )
    if len(rows) > MOST_LEAVES:
        raise ProblemError(
            ProblemType.INVALID_REQUEST,
            f"that takes more than {MOST_LEAVES} leaves; name a jurisdiction of fewer addresses, or a tier",
        )
    leaves, checkpoint = await _prove(pool, [row["entry"] for row in rows])
    return ProofDocument(claim.about(_stated(claim.role, leaves), closed=False), leaves, checkpoint)


async def prove_closed(pool: "asyncpg.Pool[Any]", claim: FiguresClaim) -> ProofDocument:
    """A closed month's figures: the leaf that closed it, and the table that it commits to. Raises ProblemError."""
    async with pool.acquire() as connection:
        closing = (await closings(connection)).get(claim.period)
        if closing is None:
            raise ProblemError(
                ProblemType.INVALID_REQUEST, f"{claim.period} is not closed; leave closed out for its present figures"
            )
        rows = [dict(row) for row in await connection.fetch(READING["closed_table"], claim.period)]
    leaves, checkpoint = await _prove(pool, [closing.entry])
    figures = sum((_counted(row) for row in rows if _is_claimed(claim, row)), Totals())
    table = [line.decode() for line in closing_table(rows)]
    return ProofDocument(claim.about(figures, closed=True), leaves, checkpoint, table)


async def _prove(pool: "asyncpg.Pool[Any]", indexes: Sequence[int]) -> tuple[list[LeafProof], str]:
    published = await _covering(pool, max(indexes, default=-1))
    leaves: list[LeafProof] = []
    for some in _parts(sorted(indexes)):
        async with pool.acquire() as connection:
            leaves += await _proofs(connection, some, published.size)
    return leaves, published.note


async def _covering(pool: "asyncpg.Pool[Any]", index: int) -> Published:
    """The published checkpoint, once it covers ``index``: what was committed last is published a moment later."""
    deadline = time.monotonic() + _PUBLISHED_WITHIN_S
    while True:
        async with pool.acquire() as connection:
            published = await tiles.published(connection)
        if published is not None and published.size > index:
            return published
        if time.monotonic() > deadline:
            raise ProblemError(
                ProblemType.UNAVAILABLE, "what is to be proved is not published yet; ask again in a moment"
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _proofs(connection: Connection, indexes: Sequence[int], size: int) -> list[LeafProof]:
    leaves = await tiles.read_leaves(connection, indexes)
    wanted = {tile for index in indexes for tile in inclusion_tiles(index, size)}
    hashes = await tiles.read_tiles(connection, wanted)

    def made() -> list[LeafProof]:
        return [
            LeafProof(leaf, index, inclusion_path(index, size, hashes))
            for index, leaf in zip(indexes, leaves, strict=True)
        ]

    # Every leaf takes some hundred hashes; the others go on meanwhile.
    return await asyncio.to_thread(made)


def _parts(indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indexes), _AT_ONCE):
        yield indexes[start : start + _AT_ONCE]


def _stated(role: Role, leaves: Iterable[LeafProof]) -> Totals:
    return sum((Totals.from_dict(decode_leaf(proof.leaf).data["totals"][role]) for proof in leaves), Totals())


def _is_claimed(claim: FiguresClaim, row: dict[str, Any]) -> bool:
    below = at_and_below(claim.jurisdiction)
    here = row["address"].startswith(below[:-1]) if below.endswith("%") else row["address"] == below
    return here and row["role"] == claim.role and claim.tier in (None, row["tier"])


def _counted(row: dict[str, Any]) -> Totals:
    return Totals(**{name: row[name] for name in Totals().to_dict()})
