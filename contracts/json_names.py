"""Whether a JSON text gives two members of one object the same name.

RFC 8259 section 4 leaves open what such an object says: one reader takes the first, another the last. The exchange
would check one and its recipient might read the other.
"""

import json
import re

_ESCAPED_COLON = re.compile(rb"\\u003a", re.IGNORECASE)


class RepeatedNameError(Exception):
    """Two members of one object have the same name."""


def expect_distinct_names(text: bytes, written_again: bytes, *, within: bool = True) -> None:
    """Raises RepeatedNameError where the object ``text``, or ``within`` it any other, has two members of one name.

    ``text`` is valid JSON, and ``written_again`` what was read of it, encoded. A member that reading dropped has taken
    its colon with it, so that the comparison of two counts clears nearly every text; the others are read once more.
    """
    if text.count(b":") == written_again.count(b":") and not _ESCAPED_COLON.search(text):
        return
    repeated: list[bool] = []

    def note(members: list[tuple[str, object]]) -> None:
        repeated.append(len({name for name, _ in members}) < len(members))

    json.loads(text, object_pairs_hook=note)
    # The outermost object ends last.
    if any(repeated if within else repeated[-1:]):
        raise RepeatedNameError
