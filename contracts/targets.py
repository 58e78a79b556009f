"""Targets: the feedback rate that jurisdictions of a level should reach, for all kinds or for one.

Written as JSON, by level and kind, in per cent as texts; ``*`` stands for every kind that has no target of its own:

    {"county": {"*": "98.00", "case.assist": "95.00"}, "prefecture": {"*": "99.00"}}
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from contracts.directory import Level
from contracts.kinds import KIND_NAME

EVERY_KIND = "*"

_LEVELS: tuple[str, ...] = get_args(Level)
_PER_CENT = re.compile(r"(?:[0-9]{1,2}(?:\.[0-9]{1,2})?|100(?:\.00?)?)")


class TargetError(ValueError):
    """Targets that are not written as targets are."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of a platform, in per cent. Without any, nothing is a target."""

    by_level: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def target_for(self, level: Level, kind: str | None) -> Decimal | None:
        """The target of a jurisdiction of ``level`` for ``kind``, or for all kinds together where that is None."""
        of_level = self.by_level.get(level, {})
        return of_level.get(kind or EVERY_KIND, of_level.get(EVERY_KIND))


def is_met(rate: str | None, target: Decimal | None) -> bool | None:
    """Whether a feedback rate as it is shown reaches the target; None where there is no rate or no target.

    It is the rounded rate that is compared: a page that shows 99.86 % cannot call a target of 99.86 missed. A rate that
    lacks something is never shown as 100.00, so a target of 100 is met by nothing less.
    """
    return None if rate is None or target is None else Decimal(rate) >= target


def read_targets(text: str) -> Targets:
    """The targets that JSON ``text`` describes; an empty text has none. Raises TargetError."""
    if not text.strip():
        return Targets()
    try:
        document = json.loads(text, object_pairs_hook=_members_once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, TargetError):
            raise
        raise TargetError('targets are JSON, such as {"county": {"*": "98.00"}}; this is not JSON') from None
    by_level = _mapping(document, "targets are an object of levels")
    return Targets(MappingProxyType({level: _of_level(level, kinds) for level, kinds in by_level.items()}))


def _of_level(level: str, kinds: object) -> Mapping[str, Decimal]:
    if level not in _LEVELS:
        raise TargetError(f"a level is one of {', '.join(_LEVELS)}, not {level[:40]!r}")
    targets = _mapping(kinds, f'{level} has an object of kinds, such as {{"*": "98.00"}}')
    return MappingProxyType({kind: _target(level, kind, target) for kind, target in targets.items()})


def _target(level: str, kind: str, target: object) -> Decimal:
    if kind != EVERY_KIND and not KIND_NAME.fullmatch(kind):
        raise TargetError(f"{level}: a kind is a name like case.assist, or * for every kind, not {kind[:40]!r}")
    # A number of JSON may be read as one that is a little less, so a target is a text.
    if not isinstance(target, str) or not _PER_CENT.fullmatch(target):
        raise TargetError(f'{level}, {kind}: a target is a text from "0" to "100.00", with two decimals at most')
    return Decimal(target)


def _mapping(value: object, says: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TargetError(says)
    return value


def _members_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in members:
        if name in read:
            raise TargetError(f"{name[:40]!r} is there twice")
        read[name] = value
    return read
