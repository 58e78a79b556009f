"""One verification of a log: its checkpoint, its history, its tree, and every entry."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.checkpoints import Checkpoint, open_checkpoint
from contracts.leaf import VERSION, Leaf, LeafError, decode_leaf, parse_canonical
from contracts.merkle import leaf_hash
from contracts.notes import NoteError, VerifierKey
from contracts.tiles import TILE_WIDTH, EntryBundle, Tile, TileError, decode_bundle
from services.verifier.errors import NewerVersionError
from services.verifier.findings import Check, Finding, Findings
from services.verifier.history import continues
from services.verifier.replay import Replay, evidence_of
from services.verifier.result import Result
from services.verifier.source import Source
from services.verifier.state import State
from services.verifier.tree import GrowingTree, split

BUNDLES_AT_A_TIME = 16
Progress = Callable[[int, int], None]
"""Is told how many entries are verified, and how many there are."""

OF_WHAT_IS_SERVED = {Check.SIGNATURE, Check.ROLLBACK, Check.FORK, Check.WITHHELD, Check.TILE, Check.ROOT}
"""Findings after which nothing is remembered: they are about files, and the next verification looks at them again."""


async def verify(source: Source, keys: Sequence[VerifierKey], state: State, progress: Progress) -> Result:
    """Verify everything that came since ``state``, and remember it there if it holds together as a log.

    Raises SourceError where the log does not answer, StateError where ``state`` is of another log, NewerVersionError
    where it has entries that only a newer verifier can read.
    """
    result = Result()
    try:
        checkpoint, note = open_checkpoint(await source.checkpoint(), keys)
    except NoteError as error:
        result.findings.add(Finding(Check.SIGNATURE, f"the checkpoint is not to be trusted: {error}"))
        return result
    state.expect(checkpoint.origin, keys)
    result.checkpoint = checkpoint
    state.recall_findings(result.findings)
    tree, seen = state.tree(), state.seen()
    if seen is not None:
        result.before = seen[0]
        if not await continues(source, seen[0], tree, checkpoint, result.findings):
            result.notes = (seen[1], str(note))
            return result
    reading = _Reading(source, checkpoint, state, tree, result.findings)
    if not await reading.run(progress) or not await reading.root_holds():
        return result
    result.newest, result.cohorts, result.closed = reading.replay.newest, state.cohorts, state.closed
    result.numbering = state.numbering()
    _expect_conservation(state, result.findings)
    if result.findings.checks.isdisjoint(OF_WHAT_IS_SERVED):
        state.commit(checkpoint, str(note), keys, tree, result.findings, reading.replay.newest, reading.replay.period)
    return result


@dataclass(frozen=True, slots=True)
class _Piece:
    """A bundle and the hash tile beside it, as they are served."""

    bundle: EntryBundle
    entries: bytes | None
    hashes: bytes | None

    @property
    def first(self) -> int:
        """The index of the bundle's first entry."""
        return self.bundle.number * TILE_WIDTH


class _Reading:
    """Reads the entries that came since the tree was verified last: into the tree, and through the replay."""

    def __init__(
        self, source: Source, checkpoint: Checkpoint, state: State, tree: GrowingTree, findings: Findings
    ) -> None:
        self._source = source
        self._checkpoint = checkpoint
        self._state = state
        self._tree = tree
        self._findings = findings
        self.replay = Replay(state, findings, state.newest, state.newest_period)

    async def run(self, progress: Progress) -> bool:
        """Whether all entries could be read. What comes next is fetched while the last ones are replayed."""
        size = self._checkpoint.size
        progress(self._tree.size, size)
        bundles = [
            EntryBundle(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
            for number in range(self._tree.size // TILE_WIDTH, -(-size // TILE_WIDTH))
        ]
        stretches = [bundles[at : at + BUNDLES_AT_A_TIME] for at in range(0, len(bundles), BUNDLES_AT_A_TIME)]
        if self._tree.size == size:
            return True
        coming = asyncio.create_task(self._fetch(stretches[0]))
        try:
            for following in [*stretches[1:], []]:
                pieces = await coming
                coming = asyncio.create_task(self._fetch(following))
                if not await asyncio.to_thread(self._take, pieces):
                    return False
                progress(self._tree.size, size)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        return True

    async def root_holds(self) -> bool:
        """Whether the entries make the root that is signed; the hash tiles above level 0 are looked at, too."""
        made = self._tree.upper | {tile: hashes for tile, hashes in self._tree.unfinished().items() if tile.level > 0}
        served = await asyncio.gather(*(self._source.file(tile) for tile in made))
        for (tile, hashes), content in zip(made.items(), served, strict=True):
            if content is None:
                self._add(Check.WITHHELD, f"hash tile {tile.path} is not served")
            elif (place := _first_difference(hashes, content[: len(hashes)])) is not None:
                span = TILE_WIDTH**tile.level
                first = (tile.number * TILE_WIDTH + place) * span
                text = f"hash {place} of tile {tile.path} is not that of entries {first:,} to {first + span - 1:,}"
                self._add(Check.TILE, text)
        if self._tree.root() == self._checkpoint.root:
            return True
        text = f"the {self._tree.size:,} entries that are served do not make the root that is signed"
        self._add(Check.ROOT, text)
        return False

    async def _fetch(self, bundles: Sequence[EntryBundle]) -> list[_Piece]:
        names = [name for bundle in bundles for name in (bundle, Tile(0, bundle.number, bundle.width))]
        contents = await asyncio.gather(*(self._source.file(name) for name in names))
        return [_Piece(bundle, *contents[2 * place : 2 * place + 2]) for place, bundle in enumerate(bundles)]

    def _take(self, pieces: Sequence[_Piece]) -> bool:
        """Whether a stretch of entries could be read: only what is readable can be replayed."""
        entries: list[tuple[int, Leaf]] = []
        whole = all(self._read(piece, entries) for piece in pieces)
        self._state.look_up(_named(entries))
        for index, leaf in entries:
            self.replay.take(leaf, index)
        return whole

    def _read(self, piece: _Piece, entries: list[tuple[int, Leaf]]) -> bool:
        last = piece.first + piece.bundle.width - 1
        place = f"bundle {piece.bundle.path}, entries {piece.first:,} to {last:,},"
        if piece.entries is None:
            self._add(Check.WITHHELD, f"{place} is not served", piece.first)
            return False
        try:
            leaves = decode_bundle(piece.entries)[: piece.bundle.width]
        except TileError as error:
            self._add(Check.LEAF, f"{place} cannot be read: {error}", piece.first)
            return False
        if len(leaves) < piece.bundle.width:
            self._add(Check.LEAF, f"{place} has {len(leaves)} entries only", piece.first)
            return False
        hashes = [leaf_hash(leaf) for leaf in leaves]
        self._compare(piece, leaves, hashes, place)
        known = self._tree.size - piece.first
        self._tree.extend(hashes[known:])
        for index, data in enumerate(leaves[known:], start=piece.first + known):
            try:
                entries.append((index, decode_leaf(data)))
            except LeafError as error:
                _expect_known_version(index, data)
                self._add(Check.LEAF, f"is no leaf: {error}", index)
        return True

    def _compare(self, piece: _Piece, leaves: Sequence[bytes], hashes: Sequence[bytes], place: str) -> None:
        """Hold entries against the hash tile beside them, and those that were seen before against what they were."""
        before = self._tree.edges[0][: self._tree.size - piece.first]
        for index, (now, then) in enumerate(zip(hashes, before, strict=False), start=piece.first):
            if now != then:
                self._differs(index, leaves[index - piece.first], "it is not the entry that was verified before")
        if piece.hashes is None:
            self._add(Check.WITHHELD, f"the hash tile beside {place} is not served", piece.first)
            return
        served = split(piece.hashes)[: len(hashes)]
        if len(served) < len(hashes):
            self._add(Check.TILE, f"the hash tile beside {place} has {len(served)} hashes only", piece.first)
        for index, (made, stored) in enumerate(zip(hashes, served, strict=False), start=piece.first):
            if made != stored:
                self._differs(
                    index, leaves[index - piece.first], "its bytes do not have the hash that the tree has for it"
                )

    def _differs(self, index: int, leaf: bytes, text: str) -> None:
        try:
            message = decode_leaf(leaf).message_id
        except LeafError:
            message = None
        self._findings.add(Finding(Check.TILE, text, index, message))

    def _add(self, check: Check, text: str, entry: int | None = None) -> None:
        self._findings.add(Finding(check, text, entry))


def _expect_known_version(index: int, data: bytes) -> None:
    """Raises NewerVersionError for a leaf whose rules are not known here (docs/proof-log.md, "Versions")."""
    try:
        said = parse_canonical(data)
    except LeafError:
        return
    version = said.get("v") if isinstance(said, dict) else None
    if type(version) is int and version > VERSION:
        raise NewerVersionError(f"entry {index:,} is a leaf of version {version}; use a newer verifier")


def _named(entries: Sequence[tuple[int, Leaf]]) -> set[UUID]:
    """The messages that entries are about or refer to."""
    named = {leaf.message_id for _, leaf in entries} | {evidence_of(leaf) for _, leaf in entries}
    return {id for id in named if id is not None}


def _first_difference(made: bytes, served: bytes) -> int | None:
    """The number of the first hash that differs or is missing."""
    theirs = split(served)
    for place, hash in enumerate(split(made)):
        if place >= len(theirs) or hash != theirs[place]:
            return place
    return None


def _expect_conservation(state: State, findings: Findings) -> None:
    """Conservation: what is stated to be unanswered, received less all ends, are the duties that go on."""
    open_duties = state.open_duties()
    for key in sorted(open_duties.keys() | state.cohorts.keys()):
        cohort, unanswered = state.cohorts.get(key), open_duties.get(key, 0)
        stated = None if cohort is None else cohort.stated.unanswered
        if stated != unanswered:
            text = f"of {key.role} {key.address} ({key.tier}, {key.period}) {unanswered:,} queries are unanswered"
            said = "nothing is stated" if stated is None else f"the totals stated leave {stated:,}"
            findings.add(Finding(Check.CONSERVATION, f"{text}, and {said}"))
