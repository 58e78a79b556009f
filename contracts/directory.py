"""The directory of jurisdictions: what a code is today, and where a retired code has gone (design §1 and §3).

A code is *current* when the directory holds it now. It is *retired* when it once was a code, by the change table or by
an earlier edition of the directory, and is not current. A retired code leads where its last bearer went: to the code
that the change which ended it names, and from there on in the same way until a current code is reached. Each step is
taken in its year, because the code it leads to may have been given to another place (码位改派) since.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from contracts.addresses import Address, parse_address
from contracts.changes import Change, in_order, name_in
from contracts.tenures import Tenure, tenure_in, tenures

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
class Resolution:
    """Where an address leads.

    `address` is current and keeps the department; it is None when the status is `retired` (the code once was one and
    leads to no current code, so the message is parked) or `unknown` (it never was a code, so the message is refused).
    The status is `current` when the address is the one asked for, and `successor` when it is another. `path` holds the
    codes followed, from the one asked for to the last one found.

    For a year, a code that is current today can be `retired` all the same: another place has it now, and where the one
    that had it then has gone is not known. Such an address must not be taken for the code's bearer of today.
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
        tenures: Mapping[str, Sequence[Tenure]],
        once: Set[str],
    ) -> None:
        self._jurisdictions = jurisdictions
        self._changes = changes
        self._tenures = tenures
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
        for change in changes:
            named = {code for code in (change.old_code, change.new_code) if code is not None}
            once |= named
            for code in named:
                by_code.setdefault(code, []).append(change)
        ordered = {code: in_order(code, rows) for code, rows in by_code.items()}
        current = {jurisdiction.code: jurisdiction for jurisdiction in jurisdictions}
        names_now = {code: jurisdiction.name for code, jurisdiction in current.items()}
        return cls(current, ordered, tenures(ordered, names_now), once)

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

    def name_in(self, code: str, year: int) -> str | None:
        """The name of what the code stood for in a year; None where the directory does not know it.

        What the year of a change, years before the first change and years to come mean, `resolve` says.
        """
        changes = self.changes_of(code)
        # What the edition itself says of today is better than what the changes amount to.
        if code in self._jurisdictions and all(change.year <= year for change in changes):
            return self._jurisdictions[code].name
        return name_in(changes, code, year)

    def successor_of(self, code: str) -> str | None:
        """The other code under which the last bearer of this code went on, current or not; None when there is none."""
        history = self._tenures.get(code)
        return history[-1].successor if history else None

    def resolve(self, address: str, year: int | None = None) -> Resolution:
        """Follow an address to a current one; raises AddressError when it has not the form of an address.

        With the year in which the address was written, what the code stood for in that year is followed: 142121 of
        1981 is 大同县, which is 140215 today, and from 1982 on 阳高县, which is 140221. The year of a change counts as
        after it. Any year has a meaning: before a code's first bearer it stands for that one, as nothing else can be
        meant, and a year to come is like today.
        """
        parsed = parse_address(address)
        if year is None and parsed.code in self._jurisdictions:
            return Resolution(address, "current", (parsed.code,))
        history = self._tenures.get(parsed.code)
        return self._resolution(parsed, self._follow(parsed.code, tenure_in(history, year) if history else None, year))

    def resolve_named(self, address: str, name: str) -> Resolution:
        """Follow an address to where the place has gone that bore this name under its code last.

        Where no bearer of the code had this name it is what `resolve` gives. Raises AddressError.
        """
        parsed = parse_address(address)
        named = [tenure for tenure in self._tenures.get(parsed.code, ()) if name in tenure.names]
        if not named:
            return self.resolve(address)
        return self._resolution(parsed, self._follow(parsed.code, named[-1], None))

    def today(self, address: str, year: int | None = None) -> str:
        """The current address that an address counts under today, itself where it leads nowhere (`contracts.readings`).

        `year` is the year to which what is counted belongs, if a code may have been given to another place since.
        """
        return self.resolve(address, year).address or address

    def _resolution(self, asked: Address, steps: "_Steps") -> Resolution:
        end = steps.path[-1]
        if steps.arrived:
            status: Status = "current" if end == asked.code else "successor"
            return Resolution(str(Address(end, asked.department)), status, steps.path)
        was_code = asked.code in self._jurisdictions or len(steps.path) > 1 or self._was_code(asked.code)
        return Resolution(None, "retired" if was_code else "unknown", steps.path)

    def _follow(self, code: str, tenure: Tenure | None, year: int | None) -> "_Steps":
        path = [code]
        # A tenure is told by its code and its beginning. The early renumberings hold circles, which lead nowhere.
        taken: set[tuple[str, int | None]] = set()
        while True:
            code = path[-1]
            if self._is_current_bearer(code, tenure, year):
                return _Steps(tuple(path), arrived=True)
            year = tenure.until if tenure is not None and tenure.until is not None else year
            step = self._step(code, tenure, year)
            mark = (code, tenure.since if tenure is not None else year)
            if step is None or mark in taken:
                return _Steps(tuple(path), arrived=False)
            taken.add(mark)
            path.append(step)
            history = self._tenures.get(step)
            tenure = tenure_in(history, year) if history else None

    def _is_current_bearer(self, code: str, tenure: Tenure | None, year: int | None) -> bool:
        if code not in self._jurisdictions or (tenure is not None and tenure is not self._tenures[code][-1]):
            return False
        return tenure is not None or not self._county_was_another(code, year)

    def _step(self, code: str, tenure: Tenure | None, year: int | None) -> str | None:
        if tenure is not None and tenure.successor is not None:
            return tenure.successor
        # No change table knows townships: one that is not current is covered by its county, and follows it, as long as
        # it can have existed, that is, under a county that is retired or was another place then, or as a township of
        # an earlier edition.
        if len(code) == LEVEL_DIGITS["township"] and (self._was_code(code) or self._county_was_another(code, year)):
            return code[: LEVEL_DIGITS["county"]]
        return None

    def _county_was_another(self, code: str, year: int | None) -> bool:
        """Whether this is a township's code, and its county's code stood for another place in the year than it does
        now.
        """
        county = code[: LEVEL_DIGITS["county"]]
        if year is None or len(code) != LEVEL_DIGITS["township"] or county not in self._tenures:
            return False
        return tenure_in(self._tenures[county], year) is not self._tenures[county][-1]

    def _was_code(self, code: str) -> bool:
        if code in self._once or len(code) != LEVEL_DIGITS["township"]:
            return code in self._once
        county = code[: LEVEL_DIGITS["county"]]
        return county in self._once and county not in self._jurisdictions


@dataclass(frozen=True, slots=True)
class _Steps:
    path: tuple[str, ...]
    arrived: bool
