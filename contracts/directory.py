"""The directory of jurisdictions: what a code is today, and where a retired code has gone (design §1 and §3).

A code is *current* when the directory holds it now. It is *retired* when it once was a code, by the change table or by
an earlier edition of the directory, and is not current. A retired code leads to the code that its latest change with a
named successor gives, and from there on in the same way until a current code is reached. Rows whose old and new code
are equal (更名, renamed; 码位改派, the code was given to another place) are not steps, because the code stayed in use.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from contracts.addresses import Address, parse_address

Level = Literal["province", "prefecture", "county", "township"]
Status = Literal["current", "successor", "retired", "unknown"]

LEVEL_DIGITS: Mapping[Level, int] = MappingProxyType({"province": 2, "prefecture": 4, "county": 6, "township": 9})


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A current jurisdiction. `parent` is the code one level up, None for a province.

    A county directly under its province has the province as its parent.
    """

    code: str
    name: str
    level: Level
    parent: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the change table: in `year`, `old_code` (with `old_name`) became `new_code` (with `new_name`).

    A code that the row does not name is None: a new jurisdiction has no old code, one that was abolished without a
    named successor has no new one, a moved seat has neither. `change` is the kind of change in the words of the
    source (同名改码, 撤销, …); `document` cites the decision and may be empty.
    """

    year: int
    change: str
    old_code: str | None
    old_name: str
    new_code: str | None
    new_name: str
    document: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where an address leads.

    `address` is current and keeps the department; it is None when the status is `retired` (the code once was one and
    leads to no current code, so the message is parked) or `unknown` (it never was a code, so the message is refused).
    `path` holds the codes followed, from the one asked for to the last one found.
    """

    address: str | None
    status: Status
    path: tuple[str, ...]


class Directory:
    """Jurisdictions by code, with the successors of the retired ones; immutable after `of`."""

    def __init__(
        self,
        jurisdictions: Mapping[str, Jurisdiction],
        changes: Mapping[str, tuple[Change, ...]],
        successors: Mapping[str, str],
        once: Set[str],
    ) -> None:
        self._jurisdictions = jurisdictions
        self._changes = changes
        self._successors = successors
        self._once = once

    @classmethod
    def of(
        cls, jurisdictions: Iterable[Jurisdiction], changes: Iterable[Change], retired: Iterable[str] = ()
    ) -> "Directory":
        """Build a directory from its current jurisdictions and the change table, in any order.

        `retired` are further codes that were current in an earlier edition. Of two changes of a code in one year, the
        later in the given order counts as the later one.
        """
        by_code: dict[str, list[Change]] = {}
        once = set(retired)
        for change in sorted(changes, key=lambda change: change.year):
            named = {code for code in (change.old_code, change.new_code) if code is not None}
            once |= named
            for code in named:
                by_code.setdefault(code, []).append(change)
        return cls(
            {jurisdiction.code: jurisdiction for jurisdiction in jurisdictions},
            {code: tuple(rows) for code, rows in by_code.items()},
            _latest_successors(by_code),
            once,
        )

    def __contains__(self, code: str) -> bool:
        """Whether the code is a current jurisdiction's (a department is not a code)."""
        return code in self._jurisdictions

    def __len__(self) -> int:
        return len(self._jurisdictions)

    @property
    def codes(self) -> Set[str]:
        """The current codes."""
        return self._jurisdictions.keys()

    @property
    def retired(self) -> Set[str]:
        """The codes that once were codes and are not current."""
        return self._once - self._jurisdictions.keys()

    def get(self, code: str) -> Jurisdiction | None:
        """The current jurisdiction of this code, or None."""
        return self._jurisdictions.get(code)

    def below(self, code: str) -> list[Jurisdiction]:
        """The current jurisdictions directly under a code, by code. Looks through all of them."""
        children = (jurisdiction for jurisdiction in self._jurisdictions.values() if jurisdiction.parent == code)
        return sorted(children, key=lambda jurisdiction: jurisdiction.code)

    def full_name(self, code: str) -> str:
        """The current jurisdiction's name behind those above it, such as 河南省开封市龙亭区; raises KeyError."""
        jurisdiction = self._jurisdictions[code]
        above = self._jurisdictions.get(jurisdiction.parent) if jurisdiction.parent is not None else None
        return jurisdiction.name if above is None else self.full_name(above.code) + jurisdiction.name

    def changes_of(self, code: str) -> tuple[Change, ...]:
        """The changes that name the code as old or new, earliest year first.

        They say what the code stood for in a year: 142121 was 大同县 until it was given to 阳高县 in 1982.
        """
        return self._changes.get(code, ())

    def successor_of(self, code: str) -> str | None:
        """The other code that the latest change of this code names, current or not; None when there is none."""
        return self._successors.get(code)

    def resolve(self, address: str) -> Resolution:
        """Follow an address to a current one; raises AddressError when it has not the form of an address."""
        parsed = parse_address(address)
        path = self._follow(parsed.code)
        if path[-1] in self._jurisdictions:
            status: Status = "current" if len(path) == 1 else "successor"
            return Resolution(str(Address(path[-1], parsed.department)), status, path)
        return Resolution(None, "retired" if self._was_code(path[0]) else "unknown", path)

    def _follow(self, code: str) -> tuple[str, ...]:
        path = [code]
        while path[-1] not in self._jurisdictions:
            step = self._step(path[-1])
            # The early renumberings hold codes that were exchanged for each other; a circle leads nowhere.
            if step is None or step in path:
                break
            path.append(step)
        return tuple(path)

    def _step(self, code: str) -> str | None:
        # No change table knows townships: one that is not current is covered by its county, and follows it, as long as
        # it can have existed, that is, under a county that is retired or as a township of an earlier edition.
        if code not in self._successors and len(code) == LEVEL_DIGITS["township"] and self._was_code(code):
            return code[: LEVEL_DIGITS["county"]]
        return self._successors.get(code)

    def _was_code(self, code: str) -> bool:
        if code in self._once or len(code) != LEVEL_DIGITS["township"]:
            return code in self._once
        county = code[: LEVEL_DIGITS["county"]]
        return county in self._once and county not in self._jurisdictions


def _latest_successors(changes_by_code: Mapping[str, Iterable[Change]]) -> dict[str, str]:
    """For each code the other code named by its latest change; the changes of a code come earliest first."""
    return {
        code: change.new_code
        for code, changes in changes_by_code.items()
        for change in changes
        if change.old_code == code and change.new_code is not None and change.new_code != code
    }
