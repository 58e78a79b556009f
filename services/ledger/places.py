"""Places: the addresses that queries were counted under, each in a year.

What was counted stays with its address. Which place an address stood for depends on the year, since a code may have
been given to another place; so whoever reads figures under today's codes sorts addresses by year
(`contracts.readings`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts import readings
from contracts.directory import Directory
from services.ledger.store.connection import Connection
from services.ledger.store.queries import READING


@dataclass(frozen=True, slots=True)
class Place:
    """An address in the year of the periods that were counted under it."""

    address: str
    year: int


async def places(connection: Connection, role: str, months: Sequence[str] | None) -> list[Place]:
    """Where anything was counted in ``months``, or ever."""
    rows = await connection.fetch(READING["places"], role, months)
    return [Place(row["address"], row["year"]) for row in rows]


def counted_under(directory: Directory, jurisdiction: str, known: Iterable[Place]) -> list[Place]:
    """Those of the places that belong today to ``jurisdiction`` or below it; "" is everything."""
    if not jurisdiction:
        return list(known)
    of_year: dict[int, list[str]] = {}
    for place in known:
        of_year.setdefault(place.year, []).append(place.address)
    return [
        Place(address, year)
        for year, addresses in of_year.items()
        for address in readings.counted_under(directory, jurisdiction, addresses, year)
    ]
