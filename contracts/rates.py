"""The figures of a cohort and the feedback rate, the same wherever they are shown. Source: design section 1."""

import math
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal

NO_RATE = "–"
"""What is printed for 0/0: no rate, which is neither 100 % nor an error."""

_HUNDREDTH = Decimal("0.01")
# A normal variable lies within so many standard deviations in 95 of 100 cases.
_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of queries in a cohort, as of a moment.

    ``on_time`` is the part of ``answered`` that came by the date agreed on, ``on_time_original`` by the date that held
    at first; ``substantive`` the part that says something of the matter.
    """

    received: int = 0
    answered: int = 0
    on_time: int = 0
    unanswered: int = 0
    withdrawn: int = 0
    forwarded: int = 0
    on_time_original: int = 0
    substantive: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def holds(self) -> bool:
        """Conservation (design section 2.3): nothing received is unaccounted for."""
        return self.received == self.answered + self.unanswered + self.withdrawn + self.forwarded

    @property
    def rate(self) -> str | None:
        """The feedback rate in per cent with two decimals, ``99.86``; None where nothing was received."""
        return percentage(self.answered, self.received)

    @property
    def fraction(self) -> str:
        """The rate as an exact fraction, ``713/714``."""
        return f"{self.answered}/{self.received}"


def percentage(part: int, whole: int) -> str | None:
    """``part`` of ``whole`` in per cent, rounded half up to two decimals, but never to 100.00 while something is
    missing.

    None for 0/0. Raises ValueError unless ``0 <= part <= whole``.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no part of a whole")
    if whole == 0:
        return None
    exact = (Decimal(100 * part) / whole).quantize(_HUNDREDTH, ROUND_HALF_UP)
    return str(min(exact, Decimal("99.99")) if part < whole else exact)


def wilson_lower_bound(part: int, whole: int) -> float:
    """The lower end of the Wilson score interval of ``part`` of ``whole``, at 95 %, from 0 to 1; 0 for 0/0.

    It is for ranking: a rate of few is trusted less than one of many, so that 3/3 (0.44) does not outrank 713/714
    (0.99). Raises ValueError unless ``0 <= part <= whole``. Source: E. B. Wilson, Probable Inference, the Law of
    Succession, and Statistical Inference, JASA 22 (1927), 209-212, without continuity correction.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no part of a whole")
    if part == 0:
        # Exactly: rounding would miss it by a hair.
        return 0.0
    rate, z_squared = part / whole, _Z_95**2
    centre = rate + z_squared / (2 * whole)
    margin = _Z_95 * math.sqrt(rate * (1 - rate) / whole + z_squared / (4 * whole**2))
    return (centre - margin) / (1 + z_squared / whole)


def shown(rate: str | None) -> str:
    """A rate for people: ``99.86 %``, or a dash for 0/0."""
    return NO_RATE if rate is None else f"{rate} %"
