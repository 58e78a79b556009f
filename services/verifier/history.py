"""Whether the log continues the one that was seen last. Source: C2SP tlog-tiles; RFC 9162, section 2.1.4."""

from collections.abc import Iterable

from contracts.checkpoints import Checkpoint
from contracts.merkle import HASH_BYTES, MerkleError, verify_consistency
from contracts.tiles import TILE_WIDTH, Tile, TileError, consistency_path, consistency_tiles, root, root_tiles
from services.verifier.findings import Check, Finding, Findings
from services.verifier.source import Source
from services.verifier.tree import GrowingTree, split


async def continues(source: Source, seen: Checkpoint, tree: GrowingTree, now: Checkpoint, findings: Findings) -> bool:
    """Whether the tree of ``now`` begins with that of ``seen``, which ``tree`` is. Where it does not, ``findings`` say
    so, and what came after has no meaning.
    """
    if now.size < seen.size:
        text = f"the log has {now.size:,} entries, and {seen.size:,} were verified before: it went back"
        findings.add(Finding(Check.ROLLBACK, text))
        return False
    tiles = await tiles_of(source, consistency_tiles(seen.size, now.size) | root_tiles(now.size))
    try:
        if root(now.size, tiles) != now.root:
            findings.add(Finding(Check.TILE, "the hash tiles do not make the root that is signed"))
            # Whether the log was rewritten or only a tile is damaged, the entries will tell.
            return True
        path = consistency_path(seen.size, now.size, tiles)
    except TileError as error:
        findings.add(Finding(Check.WITHHELD, f"the log does not prove that it continues the one seen before: {error}"))
        return True
    try:
        verify_consistency(seen.size, seen.root, now.size, now.root, path)
    except MerkleError:
        findings.add(await _fork(source, seen, tree, now))
        return False
    return True


async def tiles_of(source: Source, names: Iterable[Tile]) -> dict[Tile, bytes]:
    """Those of the tiles that are served in full length, cut to their width."""
    found: dict[Tile, bytes] = {}
    for name in sorted(names):
        content = await source.file(name)
        if content is not None and len(content) >= name.width * HASH_BYTES:
            found[name] = content[: name.width * HASH_BYTES]
    return found


async def _fork(source: Source, seen: Checkpoint, tree: GrowingTree, now: Checkpoint) -> Finding:
    """Where the two trees part, as narrowly as what is remembered of the old one says."""
    text = (
        f"the first {seen.size:,} entries are not those that were verified before: the log was rewritten, or shows "
        "different people different histories"
    )
    for level, hashes in reversed(list(enumerate(tree.edges))):
        span = TILE_WIDTH**level
        number = seen.size // (span * TILE_WIDTH)
        first = number * TILE_WIDTH
        name = Tile(level, number, min(TILE_WIDTH, now.size // span - first)) if hashes else None
        served = (await tiles_of(source, [name])).get(name, b"") if name is not None else b""
        for place, (ours, theirs) in enumerate(zip(hashes, split(served), strict=False), start=first):
            if ours != theirs:
                end = (place + 1) * span - 1
                where = f"a difference lies in entries {place * span:,} to {end:,}" if span > 1 else "they differ here"
                return Finding(Check.FORK, f"{text}; {where}", place * span)
    return Finding(Check.FORK, text)
