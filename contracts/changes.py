"""Changes of codes: a row of the change table, and the tenures that a code's rows amount to.

The change table compares the yearly tables of GB/T 2260: a row of 1982 says how the table of 1982 differs from that of
1981. So the year of a change belongs to what the change made of the code, and a year says at most one thing of a code.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.addresses import province

FIRST_YEAR = 1980
"""The first year whose codes are known: the change table begins with what 1981 changed in them."""

# The one kind of change that says a code passed to another place; under every other kind the place stays the same.
REASSIGNED = "码位改派"


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


@dataclass(frozen=True, slots=True)
class Tenure:
    """One place's time under a code: from the year `since` (None: from the beginning) to before `until` (None: open).

    `names` are the place's names in this time, earliest first. `successor` is the code under which the place goes on
    from `until`; None while the tenure is open and where the changes do not say.
    """

    names: tuple[str, ...]
    since: int | None
    until: int | None
    successor: str | None


def tenures(changes_by_code: Mapping[str, Sequence[Change]], names_now: Mapping[str, str]) -> dict[str, list[Tenure]]:
    """The tenures of every code that the changes name, earliest first.

    A code's changes come earliest first. `names_now` are the names of the current codes; the last tenure of a current
    code is always open.
    """
    arrivals = _arrivals(changes_by_code)
    return {code: _tenures_of(code, changes, arrivals, names_now) for code, changes in changes_by_code.items()}


def tenure_in(tenures_of_code: Sequence[Tenure], year: int | None) -> Tenure:
    """The tenure that whoever wrote the code in this year meant; without a year, the last one.

    The year of a change is the later bearer's. Between two tenures, and after the last, the code can only mean the
    place that had it before; before the first, the one that had it first.
    """
    if year is None:
        return tenures_of_code[-1]
    begun = [tenure for tenure in tenures_of_code if tenure.since is None or tenure.since <= year]
    return begun[-1] if begun else tenures_of_code[0]


def name_in(changes_of_code: Iterable[Change], code: str, year: int) -> str | None:
    """The name of the code's bearer in this year by its changes, earliest first; None where they name no bearer.

    What holds for `tenure_in` holds for the year.
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


# For a year, level and province: the codes that a name was at from that year on, and whether by reassignment.
_Arrivals = Mapping[tuple[int, str, str, int], Mapping[str, bool]]


def _arrivals(changes_by_code: Mapping[str, Iterable[Change]]) -> _Arrivals:
    arrivals: dict[tuple[int, str, str, int], dict[str, bool]] = defaultdict(dict)
    for code, changes in changes_by_code.items():
        for change in changes:
            if change.starts == code or (change.reassigns and change.new_code == code):
                arrivals[change.year, change.new_name, province(code), len(code)][code] = change.reassigns
    return arrivals


def _tenures_of(
    code: str, changes: Iterable[Change], arrivals: _Arrivals, names_now: Mapping[str, str]
) -> list[Tenure]:
    done: list[Tenure] = []
    names: list[str] = []
    since: int | None = None
    ended: Change | None = None
    for change in changes:
        if change.ends == code:
            names = names or [change.old_name]
            # Of several rows that end a tenure, the latest that says where the place went counts.
            ended = change if ended is None or change.new_code is not None else ended
            continue
        if ended is not None:
            done.append(Tenure(tuple(names), since, ended.year, _way_of(ended, arrivals)))
            names, since, ended = [change.new_name], change.year, None
        elif change.reassigns:
            done.append(Tenure((*names,) or (change.old_name,), since, change.year, _way_of(change, arrivals)))
            names, since = [change.new_name], change.year
        else:
            names = _with(names, *((change.old_name,) if change.old_code == code else ()), change.new_name)
    return [*done, *_last(code, names, since, ended, arrivals, names_now)]


def _last(
    code: str,
    names: Sequence[str],
    since: int | None,
    ended: Change | None,
    arrivals: _Arrivals,
    names_now: Mapping[str, str],
) -> list[Tenure]:
    name_now = names_now.get(code)
    # A current code whose bearer kept its name only gave up a part, whatever a change says of its end.
    if ended is None or name_now in names:
        return [Tenure(tuple(names), since, None, None)]
    last = Tenure(tuple(names), since, ended.year, _way_of(ended, arrivals))
    # The code is current under another name: somebody has it again, and the changes do not say since when.
    return [last] if name_now is None else [last, Tenure((name_now,), ended.year, None, None)]


def _way_of(change: Change, arrivals: _Arrivals) -> str | None:
    """Where the place that had the change's old code went.

    Of a reassigned code the row names only the later bearer. The earlier one is found by its name: it must have come to
    exactly one other code of its level and province in that year, and best by another reassignment; a county that
    became a city goes by the city's name.
    """
    if change.change != REASSIGNED or change.old_code is None:
        return change.new_code
    code = change.old_code
    for name in (change.old_name, change.old_name.removesuffix("县") + "市"):
        found = arrivals.get((change.year, name, province(code), len(code)), {})
        others = [other for other in found if other != code]
        reassigned = [other for other in others if found[other]]
        if others:
            return _only(reassigned or others)
    return change.ends and change.new_code


def _only(codes: Sequence[str]) -> str | None:
    return codes[0] if len(codes) == 1 else None


def _with(names: Sequence[str], *more: str) -> list[str]:
    return list(dict.fromkeys((*names, *more)))
