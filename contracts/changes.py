"""Changes of codes: the rows of the change table.

The change table compares the yearly tables of GB/T 2260: a row of 1982 says how the table of 1982 differs from that of
1981. So the year of a change belongs to what the change made of the code, and a year says at most one thing of a code.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FIRST_YEAR = 1980
"""The first year whose codes are known: the change table begins with what 1981 changed in them."""

# The one kind of change that says a code passed to another place; under every other kind the place stays the same.
REASSIGNED = "码位改派"
FOUNDED = "新设"
RENAMED = "更名"


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

    @property
    def starts(self) -> str | None:
        """The code that this change brought into use, or led another jurisdiction into."""
        return self.new_code if self.new_code != self.old_code else None

    @property
    def ends(self) -> str | None:
        """The code that this change took out of use."""
        return self.old_code if self.new_code != self.old_code else None

    @property
    def reassigns(self) -> bool:
        """Whether the code stayed in use and passed to another place."""
        return self.change == REASSIGNED and self.old_code == self.new_code


def in_order(code: str, changes: Iterable[Change]) -> tuple[Change, ...]:
    """A code's changes, earliest first; those of one year in the order given, as far as their names allow it.

    Where a code is left by one place and taken by another in one year, the leaving comes first.
    """
    changes = tuple(changes)
    taken = {(change.year, change.new_name) for change in changes if change.starts == code}

    def place(change: Change) -> tuple[int, int]:
        if change.ends != code:
            return change.year, 1
        return change.year, 2 if (change.year, change.old_name) in taken else 0

    return tuple(sorted(changes, key=place))


def name_in(changes_of_code: Iterable[Change], code: str, year: int) -> str | None:
    """The name of the code's bearer in this year by its changes, earliest first; None where they name no bearer.

    The year means what it means for `contracts.tenures.tenure_in`.
    """
    name = None
    for change in changes_of_code:
        if change.year > year and name is not None:
            break
        if change.old_code == code and (change.year > year or change.new_code != code):
            name = change.old_name
        elif change.new_code == code:
            name = change.new_name
    return name
