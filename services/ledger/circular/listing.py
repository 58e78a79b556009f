"""Which jurisdictions a circular lists, and under which of them each place counts.

There are two readings (`contracts.readings`). As reported *then*, every address counts under its own code, and codes
that were in use and are retired since are listed beside the current ones. Under the codes of *today*, every address
counts where its code has gone. What belongs to the scope and to no listed code is counted under "".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.addresses import parse_address
from contracts.directory import LEVEL_DIGITS, Directory, Level
from contracts.readings import Codes
from services.ledger.places import Place

NOT_LISTED = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The listed codes with their names, and the code under which each place of the scope counts."""

    names: Mapping[str, str]
    code_of: Mapping[Place, str]


def level_of(code: str) -> Level | None:
    """The level that a code has by its form, None for the whole country."""
    return next((level for level, digits in LEVEL_DIGITS.items() if digits == len(code)), None)


def levels_below(directory: Directory, scope: str) -> list[Level]:
    """The levels that have current jurisdictions below the scope, highest first: a municipality has no prefectures."""
    found = {
        jurisdiction.level
        for code in directory.codes
        if (jurisdiction := directory.get(code)) and _lies_below(code, scope)
    }
    return [level for level in LEVEL_DIGITS if level in found]


def listed_names(directory: Directory, scope: str, level: Level) -> dict[str, str]:
    """The current jurisdictions of ``level`` below ``scope``, with their names."""
    return {
        code: jurisdiction.name
        for code in directory.codes
        if _lies_below(code, scope) and (jurisdiction := directory.get(code)) and jurisdiction.level == level
    }


def listing(directory: Directory, scope: str, level: Level, codes: Codes, places: Iterable[Place]) -> Listing:
    """List the jurisdictions of ``level`` below ``scope``, and sort the places under them. Raises AddressError."""
    names = listed_names(directory, scope, level)
    retired = directory.retired
    code_of: dict[Place, str] = {}
    for place in sorted(places, key=lambda place: place.year):
        address = directory.today(place.address, place.year) if codes == "today" else place.address
        if not address.startswith(scope):
            continue
        above = _at_level(directory, parse_address(address).code, level)
        if codes == "then" and above is not None and above not in names and above in retired:
            # Named as it was when queries were counted under it.
            names[above] = directory.name_in(above, place.year) or above
        code_of[place] = above if above in names else NOT_LISTED
    return Listing(names, code_of)


def _lies_below(code: str, scope: str) -> bool:
    return code.startswith(scope) and code != scope


def _at_level(directory: Directory, code: str, level: Level) -> str | None:
    """The code of the level that a code lies at or below; None where there is none, as above a county that is directly
    under its province.
    """
    jurisdiction = directory.get(code)
    if jurisdiction is None:
        digits = LEVEL_DIGITS[level]
        return code[:digits] if len(code) >= digits else None
    while jurisdiction is not None and jurisdiction.level != level:
        jurisdiction = directory.get(jurisdiction.parent) if jurisdiction.parent is not None else None
    return None if jurisdiction is None else jurisdiction.code
