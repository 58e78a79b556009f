"""Statements whose columns the code takes by their places have them where it looks for them."""

import re

from services.ledger.records import COLUMNS
from services.ledger.store.queries import WRITING


def test_a_message_is_read_in_the_order_of_its_fields() -> None:
    selected = re.search(r"SELECT (.*?) FROM message", WRITING["messages_by_id"], re.DOTALL)
    assert selected is not None
    assert tuple(re.split(r",\s*", selected[1].strip())) == COLUMNS
