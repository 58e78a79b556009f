"""Tenures: which place had a code from when to when, and where it went on, told from the change table.

Most rows say it themselves. Two things have to be concluded:

- A reassigned code (码位改派) names its earlier and its later bearer, but not where the earlier one went. That is found
  by its name, in the same year, level and province (`_Moves.way_of`).
- A few of these rows are renamings, which the source could not tell from reassignments (郊区 of 440111 was renamed
  白云区 in 1987): `_Moves.is_renaming`.

What cannot be concluded stays open: a way that is not known is none, and never a guess.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.addresses import province
from contracts.changes import FOUNDED, REASSIGNED, RENAMED, Change


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
    moves = _Moves(changes_by_code)
    return {code: _tenures_of(code, changes, moves, names_now) for code, changes in changes_by_code.items()}


def tenure_in(tenures_of_code: Sequence[Tenure], year: int | None) -> Tenure:
    """The tenure that whoever wrote the code in this year meant; without a year, the last one.

    The year of a change is the later bearer's. Between two tenures, and after the last, the code can only mean the
    place that had it before; before the first, the one that had it first.
    """
    if year is None:
        return tenures_of_code[-1]
    begun = [tenure for tenure in tenures_of_code if tenure.since is None or tenure.since <= year]
    return begun[-1] if begun else tenures_of_code[0]


def _tenures_of(code: str, changes: Iterable[Change], moves: "_Moves", names_now: Mapping[str, str]) -> list[Tenure]:
    done: list[Tenure] = []
    names: list[str] = []
    since: int | None = None
    ended: Change | None = None
    for change in changes:
        if change.ends == code:
            names = _with(names, change.old_name)
            # Of several rows that end a tenure, the latest that says where the place went counts.
            ended = change if ended is None or change.new_code is not None else ended
            continue
        if ended is not None:
            done.append(Tenure(tuple(names), since, ended.year, moves.way_of(ended)))
            names, since, ended = [change.new_name], change.year, None
        elif change.reassigns and not moves.is_renaming(change):
            names = _with(names, change.old_name)
            done.append(Tenure(tuple(names), since, change.year, moves.way_of(change)))
            names, since = [change.new_name], change.year
        else:
            names = _with(names, *((change.old_name,) if change.old_code == code else ()), change.new_name)
    return [*done, *_last(code, names, since, ended, moves, names_now)]


def _last(
    code: str,
    names: Sequence[str],
    since: int | None,
    ended: Change | None,
    moves: "_Moves",
    names_now: Mapping[str, str],
) -> list[Tenure]:
    name_now = names_now.get(code)
    # A current code whose bearer kept its name only gave up a part, whatever a change says of its end.
    if ended is None or name_now in names:
        return [Tenure(tuple(names), since, None, None)]
    last = Tenure(tuple(names), since, ended.year, moves.way_of(ended))
    # The code is current under another name: somebody has it again, and the changes do not say since when.
    return [last] if name_now is None else [last, Tenure((name_now,), ended.year, None, None)]


def _with(names: Sequence[str], *more: str) -> list[str]:
    return list(dict.fromkeys((*names, *more)))


# Names are looked up in the year, level (as the length of the code) and province of a change.
_Key = tuple[int, int, str, str]


class _Moves:
    """What the changes of a year together say about where places went."""

    def __init__(self, changes_by_code: Mapping[str, Iterable[Change]]) -> None:
        # The codes that a name came to, with whether by reassignment; those it left; and where a year's changes within
        # a prefecture or province do not add up by themselves, because something ended or began out of nothing.
        self._arrivals: dict[_Key, dict[str, bool]] = defaultdict(dict)
        self._departures: dict[_Key, set[str]] = defaultdict(set)
        self._unsettled: set[tuple[int, str]] = set()
        self._founded: set[str] = set()
        self._renamed: set[tuple[int, str]] = set()
        for code, changes in changes_by_code.items():
            for change in changes:
                self._note(code, change)

    def _note(self, code: str, change: Change) -> None:
        if change.starts == code or change.reassigns:
            self._arrivals[_key(change.year, code, change.new_name)][code] = change.reassigns
        if change.ends == code or change.reassigns:
            self._departures[_key(change.year, code, change.old_name)].add(code)
        if change.old_code is None or change.new_code is None:
            self._unsettled.add((change.year, code[:-2]))
        if change.change == FOUNDED and code == province(code):
            self._founded.add(code)
        if change.change == RENAMED and change.starts is None:
            self._renamed.add((change.year, code))

    def is_renaming(self, change: Change) -> bool:
        """Whether a reassigned code in truth kept its place under another name.

        That is so when another row of the year says it, or when the earlier name came to no other code, the later one
        left no other, and around it nothing else ended or began by itself.
        """
        code = change.old_code or ""
        if (change.year, code) in self._renamed:
            return True
        came = self._arrivals[_key(change.year, code, change.old_name)].keys() - {code}
        left = self._departures[_key(change.year, code, change.new_name)] - {code}
        as_city = self._arrivals[_key(change.year, code, _as_city(change.old_name))]
        return not came and not left and not as_city and (change.year, code[:-2]) not in self._unsettled

    def way_of(self, change: Change) -> str | None:
        """Where the place that had the change's old code went; None where that is not known.

        The earlier bearer of a reassigned code is found by its name: it must have come to exactly one other code of its
        level and province in that year, and best by another reassignment. A county that became a city then goes by the
        city's name.
        """
        if change.change != REASSIGNED or change.old_code is None:
            return None if self._only_by_name(change) else change.new_code
        code = change.old_code
        for name in (change.old_name, _as_city(change.old_name)):
            found = self._arrivals[_key(change.year, code, name)]
            others = [other for other in found if other != code]
            reassigned = [other for other in others if found[other]]
            if others:
                return _only(reassigned or others)
        return change.new_code if change.new_code != code else None

    def _only_by_name(self, change: Change) -> bool:
        """Whether nothing but an equal name connects the two codes: they lie in different provinces, of which the later
        was not founded since, and no document is cited.

        The source followed 郊区, 河西区 and the like to places of the same name at the other end of the country.
        """
        old, new = change.old_code, change.new_code
        if old is None or new is None or province(old) == province(new) or province(new) in self._founded:
            return False
        return change.old_name == change.new_name and not change.document


def _key(year: int, code: str, name: str) -> _Key:
    return year, len(code), province(code), name


def _as_city(county: str) -> str:
    return county.removesuffix("县") + "市"


def _only(codes: Sequence[str]) -> str | None:
    return codes[0] if len(codes) == 1 else None
