"""Addresses of the exchange: a jurisdiction code, or a department of one (design §1).

A code has 2 digits (province), 4 (prefecture), 6 (county or district) or 9 (township), after GB/T 2260; each level's
code begins with the code of the level above. A department is written behind a dot: `410102.health`.

Everything here reads only the form of an address. Whether the code exists is the directory's knowledge.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Tier = Literal["national", "provincial"]

# `[0-9]` and not `\d`, because `\d` also accepts the digits of other scripts.
_ADDRESS = re.compile(r"(?P<code>[0-9]{2}(?:[0-9]{2}){0,2}|[0-9]{9})(?:\.(?P<department>[a-z][a-z0-9-]{0,31}))?")
_LEVEL_LENGTHS = (9, 6, 4, 2)


class AddressError(ValueError):
    """The text is not in the form of an address; the message says what the form is."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: its jurisdiction code and, when it names one, the department."""

    code: str
    department: str | None = None

    def __str__(self) -> str:
        return self.code if self.department is None else f"{self.code}.{self.department}"


def parse_address(text: str) -> Address:
    """Parse `410102` or `410102.health`; raises AddressError when the text has another form."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise AddressError(
            f"{text[:64]!r} is not an address: write a jurisdiction code of 2, 4, 6 or 9 digits, and for a department "
            "of it a dot and a name of at most 32 of a-z, 0-9 and '-' that begins with a letter, such as 410102.health"
        )
    return Address(match["code"], match["department"])


def ancestors(address: str) -> list[str]:
    """The address and everything above it, nearest first: `410102.health`, `410102`, `4101`, `41`.

    Codes are cut by their form: a county directly under its province still has a four-digit code in its list, which
    then simply belongs to nobody.
    """
    parsed = parse_address(address)
    codes = [parsed.code[:length] for length in _LEVEL_LENGTHS if length <= len(parsed.code)]
    return codes if parsed.department is None else [address, *codes]


@lru_cache(maxsize=65_536)
def province(address: str) -> str:
    """The province an address lies in, as its two-digit code."""
    return parse_address(address).code[:2]


def tier(a: str, b: str) -> Tier:
    """`provincial` when both parties lie in the same province, `national` when they do not (design §1)."""
    return "provincial" if province(a) == province(b) else "national"


def covers(above: str, below: str) -> bool:
    """Whether `below` is `above` itself or lies under it, so that `above` may speak for it."""
    return str(parse_address(above)) in ancestors(below)
