"""The second reading of figures: what was counted under the codes of its time, read under today's codes (design §1).

A cohort stays with the address it was counted under, for good. Read under today's codes, it belongs to the address that
`Directory.today` gives: the successor, with the department kept, or the address itself where it leads nowhere. Every
address belongs to exactly one of today's, so whatever is summed over all of them comes to the same total in both
readings; and a province's total is the same as long as no address leaves its province. Where one does, as the
counties that became 重庆市 (50) in 1997 left 四川省 (51), its figures count in the new province today: the country's
total stays, and the two provinces differ by exactly what `leaving_their_province` names.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from contracts.addresses import covers, province
from contracts.directory import Directory

Codes = Literal["then", "today"]
"""Under which codes figures are read: as they were reported then, or today's."""


def grouped(directory: Directory, addresses: Iterable[str], year: int | None = None) -> dict[str, list[str]]:
    """The addresses by the one they count under today, each once, in the order given.

    `year` is the year to which what is counted belongs; it matters where a code was given to another place since.
    Raises AddressError.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for address in dict.fromkeys(addresses):
        groups[directory.today(address, year)].append(address)
    return dict(groups)


def counted_under(directory: Directory, code: str, addresses: Iterable[str], year: int | None = None) -> list[str]:
    """Those of the addresses that belong today to a code or to what lies below it, each once, in the order given.

    The code may be retired; then what is asked for is its successor. Raises AddressError.
    """
    above = directory.today(code)
    return [address for address in dict.fromkeys(addresses) if covers(above, directory.today(address, year))]


def leaving_their_province(directory: Directory, addresses: Iterable[str], year: int | None = None) -> dict[str, str]:
    """The addresses that count in another province today, with the address they count under; raises AddressError."""
    today = {address: directory.today(address, year) for address in addresses}
    return {address: now for address, now in today.items() if province(now) != province(address)}
