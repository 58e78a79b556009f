"""What the page on the log as proof says of leaves, held against the samples that the leaf's tests use."""

import json

from contracts.leaf import MAX_LEAF_BYTES, decode_leaf, encode_leaf
from tests.contracts.pages import ROOT, blocks, table
from tests.unit.contracts.leaf_samples import DUTY, MEMBERS, longest_leaf, usual_leaf

PAGE = ROOT / "docs" / "proof-log.md"


def test_the_page_says_what_every_events_leaf_holds_and_how_long_it_can_be() -> None:
    said = {
        event: (set(_members(held)), int(longest))
        for event, held, longest in table(PAGE, "event", "what its data holds")
    }
    assert said == {event: (set(members), len(encode_leaf(longest_leaf(event)))) for event, members in MEMBERS.items()}
    assert f"at most {MAX_LEAF_BYTES:,} bytes" in PAGE.read_text("utf-8")


def test_the_page_says_what_moves_the_totals() -> None:
    rows = table(PAGE, "event", "moves")
    named = {name.strip() for row in rows for name in row[0].split(",") if name.strip() in MEMBERS}
    assert named == {event for event, members in MEMBERS.items() if "totals" in members}


def test_the_pages_leaf_is_one() -> None:
    (shown,) = [block.text for block in blocks(PAGE) if block.text.startswith('{"at"')]
    assert decode_leaf(shown.strip().encode()) == usual_leaf("parked", 1)
    assert set(json.loads(shown)) == {row[0] for row in table(PAGE, "member", "what it holds")}


def _members(held: str) -> list[str]:
    names = held.split(", ")
    return [*DUTY, *names[1:]] if names[0] == "duty" else names
