"""What a new edition of the directory means for what is still open at the addresses of the old one."""

from collections.abc import Iterable

from contracts.addresses import parse_address
from contracts.directory import Directory


def moved(before: Directory, after: Directory, addresses: Iterable[str]) -> dict[str, str]:
    """For the addresses that were current before and are not now: their successor's address, departments kept.

    An address whose code stays in use but was given to another place counts too, because what is open there is the
    earlier place's. Addresses without a current successor are left out, and so are those that were not current before.
    Raises AddressError.
    """
    found = {}
    for address in dict.fromkeys(addresses):
        jurisdiction = before.get(parse_address(address).code)
        if jurisdiction is None:
            continue
        successor = after.resolve_named(address, jurisdiction.name).address
        if successor is not None and successor != address:
            found[address] = successor
    return found
