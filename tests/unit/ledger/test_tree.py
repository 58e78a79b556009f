"""The tree grows in steps of any size to the same tiles, and leaves state what a replay of the entries counts."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.leaf import LeafError, Totals, closing_table, decode_leaf, table_digest
from contracts.merkle import Frontier, leaf_hash
from contracts.tiles import TILE_WIDTH, Tile, root, root_tiles, tiles_of
from services.ledger.draft import Draft
from services.ledger.records import CohortKey, CohortMove, NewEntry, SealedEntry
from services.ledger.totals import RunningTotals, totals_key
from services.ledger.transitions import Event
from services.ledger.tree import filling, grow, leaf_of, seal
from tests.unit.ledger.lives import START, Ledger, batch, query

HASHES = [hashlib.sha256(number.to_bytes(4)).digest() for number in range(140_000)]


class Grown:
    """A tree as the ledger keeps it: leaf hashes, and tiles above them."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.above: dict[tuple[int, int], bytes] = {}

    def append(self, hashes: Sequence[bytes]) -> None:
        wanted = filling(len(self.leaves), len(hashes))
        # Only what is asked for is there, as it stood before.
        begun = {tile: self.tile(tile) for tile in wanted}
        for growth in grow(len(self.leaves), hashes, begun):
            place = growth.level, growth.number
            self.above[place] = self.above.get(place, b"") + growth.hashes
        self.leaves += hashes

    def tile(self, tile: Tile) -> bytes:
        if tile.level == 0:
            first = tile.number * TILE_WIDTH
            return b"".join(self.leaves[first : first + tile.width])
        return self.above.get((tile.level, tile.number), b"")[: tile.width * 32]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=1500), max_size=8))
def test_a_tree_that_grew_in_steps_has_the_tiles_and_the_root_of_its_leaves(steps: list[int]) -> None:
    tree, size = Grown(), 0
    for step in steps:
        tree.append(HASHES[size : size + step])
        size += step
    assert_whole(tree)


@pytest.mark.parametrize("sizes", [(65_535, 1, 1), (65_536, 5), (131_000, 73, 4500), (1, 131_071, 300), (300, 131_000)])
def test_a_tree_with_full_tiles_above_the_leaves_goes_on_growing(sizes: tuple[int, ...]) -> None:
    tree = Grown()
    for size in sizes:
        tree.append(HASHES[len(tree.leaves) : len(tree.leaves) + size])
    assert_whole(tree)


def assert_whole(tree: Grown) -> None:
    size, frontier = len(tree.leaves), Frontier()
    for one in tree.leaves:
        frontier.append(one)
    tiles = {tile: tree.tile(tile) for tile in tiles_of(size)}
    assert all(len(tiles[tile]) == tile.width * 32 for tile in tiles)
    assert {(tile.level, tile.number) for tile in tiles if tile.level} == tree.above.keys()
    assert sum(tile.width for tile in tiles if tile.level) == sum(len(hashes) // 32 for hashes in tree.above.values())
    assert root(size, {tile: tiles[tile] for tile in root_tiles(size)}) == frontier.root()


def test_little_is_read_for_a_tree_to_grow() -> None:
    assert filling(100, 155) == []
    assert filling(100, 156) == [Tile(0, 0, 100)]
    assert filling(256, 256) == []
    assert filling(65_535, 1) == [Tile(0, 255, 255), Tile(1, 0, 255)]
    assert filling(65_536 * 256 - 1, 1) == [Tile(0, 65_535, 255), Tile(1, 255, 255), Tile(2, 0, 255)]


def test_without_what_a_tile_began_with_nothing_is_made_up() -> None:
    with pytest.raises(KeyError):
        grow(255, HASHES[:1], {})


def recipient(kind: str = "case.assist", address: str = "410102") -> CohortKey:
    return CohortKey("recipient", address, "national", kind, "2026-12")


def sender(kind: str = "case.assist") -> CohortKey:
    return CohortKey("sender", "310115", "national", kind, "2026-12")


def entry(index: int, move: CohortMove | None = None, event: Event = Event.DISPATCHED) -> NewEntry:
    return NewEntry(index, START, event, None, {"kind": "x"}, move)


def sealed(*moves: CohortMove | None) -> list[SealedEntry]:
    totals = RunningTotals()
    totals.know(totals.unknown(key for move in moves if move for key in (move.recipient, move.sender)), {})
    return seal([entry(index, move) for index, move in enumerate(moves)], totals, {})


def said(entry: SealedEntry) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(entry.data)
    return value


def test_totals_go_over_all_kinds_and_are_those_after_the_entry() -> None:
    one = CohortMove(recipient(), sender(), {"received": 1, "unanswered": 1})
    another = CohortMove(recipient("residence.verify"), sender("residence.verify"), {"received": 1, "unanswered": 1})
    elsewhere = CohortMove(recipient(address="410103"), sender(), {"received": 1, "unanswered": 1})
    ended = CohortMove(recipient(), sender(), {"answered": 1, "unanswered": -1, "on_time": 1})

    stated = [said(one)["totals"] for one in sealed(one, another, elsewhere, ended)]

    assert [(both["recipient"]["received"], both["sender"]["received"]) for both in stated] == [
        (1, 1),
        (2, 2),
        (1, 3),
        (2, 3),
    ]
    assert stated[3]["recipient"] == {
        **dict.fromkeys(("on_time_original", "substantive", "withdrawn", "forwarded"), 0),
        "received": 2,
        "answered": 1,
        "on_time": 1,
    }
    # What a later entry says changes nothing of what an earlier one said.
    assert stated[0]["recipient"]["answered"] == 0


def test_totals_go_on_from_where_a_cohort_stood_and_nothing_is_made_up() -> None:
    move, totals = CohortMove(recipient(), sender(), {"received": 1, "unanswered": 1}), RunningTotals()
    with pytest.raises(KeyError):
        totals.after(move)
    unknown = totals.unknown([recipient(), sender(), sender("residence.verify")])
    assert unknown == {totals_key(recipient()), totals_key(sender())}
    totals.know(unknown, {totals_key(recipient()): Totals(received=7, answered=3)})
    stands = json.loads(bytes(totals.after(move)))
    assert (stands["recipient"]["received"], stands["recipient"]["answered"]) == (8, 3)
    assert stands["sender"]["received"] == 1
    assert totals.unknown([recipient()]) == set()


def test_what_moves_nothing_states_nothing_and_is_left_as_it_was() -> None:
    (only,) = sealed(None)
    assert said(only) == {"kind": "x"}


def test_a_closing_commits_to_its_table_and_an_empty_one_too() -> None:
    row = {"role": "recipient", "address": "410102", "tier": "national", "kind": "case.assist", "period": "2026-12"}
    counts = dict.fromkeys(
        ("received", "answered", "on_time", "on_time_original", "substantive", "unanswered", "withdrawn", "forwarded"),
        0,
    )
    lines = closing_table([{**row, **counts}])
    closings = [entry(7, event=Event.CLOSED), entry(8, event=Event.CLOSED)]

    full, empty = seal(closings, RunningTotals(), {7: lines, 8: ()})

    assert said(full)["table"] == {"sha256": table_digest(lines), "rows": 1}
    assert said(empty)["table"] == {"sha256": hashlib.sha256(b"").hexdigest(), "rows": 0}


def test_a_sealed_entrys_hash_is_that_of_the_leaf_its_columns_make() -> None:
    ledger = Ledger()
    decision = ledger.take(batch(query(), query()))
    moved = sealed(CohortMove(recipient(), sender(), {"received": 1, "unanswered": 1}))
    for one in [*seal(decision.entries, RunningTotals(), {}), *moved]:
        leaf = leaf_of(one.index, one.at, one.event, one.message_id, said(one))
        assert one.leaf_hash == leaf_hash(leaf)
        assert decode_leaf(leaf).message_id == one.message_id


def test_what_cannot_be_a_leaf_is_the_records_fault_and_not_the_databases() -> None:
    draft = Draft({}, Ledger().setting())
    draft.append(Event.REFUSED, None, {"sender": "x" * 1024})
    with pytest.raises(LeafError):
        seal(draft.decision.entries, RunningTotals(), {})
