"""The order of a circular: by how good a rate certainly is, not by how good it looks.

3 of 3 is 100 %, but says far less about a district than 713 of 714. So jurisdictions are ranked by the lower bound of
the Wilson score interval (Wilson 1927, doi:10.2307/2276774), which is near the rate for many queries and well below it
for few.
"""

from collections.abc import Callable, Mapping

from contracts.rates import Figures, wilson_lower_bound

Bound = Callable[[int, int], float]
"""``part`` and ``whole`` to the lower bound of their share, 0 to 1."""

# Beyond so many digits, two bounds differ by the rounding of floating point and not by their fractions.
_COMPARED_DIGITS = 12


def ranks(figures: Mapping[str, Figures], bound: Bound = wilson_lower_bound) -> dict[str, int | None]:
    """The rank of each code, in the order of the ranks and then of the codes.

    Equal bounds share a rank, and as many ranks are left out behind them (1, 1, 3). Who received nothing has no rank
    and stands last.
    """
    bounds = {
        code: round(bound(counts.answered, counts.received), _COMPARED_DIGITS)
        for code, counts in figures.items()
        if counts.received
    }
    order = sorted(bounds, key=lambda code: (-bounds[code], code))
    result: dict[str, int | None] = {}
    for position, code in enumerate(order, start=1):
        above = order[position - 2] if position > 1 else None
        result[code] = result[above] if above and bounds[above] == bounds[code] else position
    return result | dict.fromkeys(sorted(figures.keys() - bounds.keys()))
