"""What a log publishes is right by an implementation that others wrote: Go's, of the checksum database."""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.checkpoints import Checkpoint, open_checkpoint
from contracts.cosignatures import CosigningKey
from contracts.merkle import Frontier, root_of
from contracts.notes import Note, SigningKey, VerifierKey
from contracts.tiles import consistency_path, inclusion_path
from tests.unit.contracts.trees import hashes, leaf, served

ORIGIN = "huizhi.local/national/0"
LOG, NEXT = SigningKey.generate(ORIGIN), SigningKey.generate(ORIGIN)
WITNESS = CosigningKey.generate("witness.example/w1")


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 1000, 65_535, 65_536, 65_537])
def test_a_published_tree_and_its_proofs_hold(oracle: Path, size: int) -> None:
    assert complaint(oracle, "check", published(size)) == ""


def test_the_checkpoint_of_an_empty_tree_opens(oracle: Path) -> None:
    # Of an empty tree that implementation says nothing but that its hash is zero, which the standard's is not.
    case = published(1)
    empty = Checkpoint(ORIGIN, 0, Frontier().root())
    signed = str(Note(empty.text, (LOG.sign(empty.text),)))
    assert "root from tiles" in complaint(oracle, "check", {**case, "keys": case["keys"][:1], "note": signed})


@pytest.mark.parametrize(
    ("alter", "says"),
    [
        (lambda case: case.update(note=case["note"].replace("\n257\n", "\n258\n")), "note: invalid signature"),
        (lambda case: case["keys"].append(str(SigningKey.generate(ORIGIN).verifier)), "note: 2 of 3 keys signed it"),
        (lambda case: case["tiles"].pop("tile/0/001.p/1"), "tile/0/001.p/1 is missing"),
        (lambda case: case["tiles"].update({"tile/1/000.p/1": text(bytes(32))}), "root from tiles"),
        (lambda case: case["tiles"].update({"tile/0/000": text(bytes(8192))}), "inconsistent tile"),
        (
            lambda case: case["inclusion"][0].update(leaf=text(b"another leaf")),
            "inclusion of 0: invalid transparency proof",
        ),
        (lambda case: case["inclusion"][0]["path"].pop(), "inclusion of 0: invalid transparency proof"),
        (
            lambda case: case["consistency"][0].update(root=text(bytes(32))),
            "consistency with 1: invalid transparency proof",
        ),
        (lambda case: case["consistency"][0]["path"].reverse(), "consistency with 1: invalid transparency proof"),
    ],
)
def test_what_is_altered_is_found(oracle: Path, alter: Callable[[dict[str, Any]], object], says: str) -> None:
    case = published(257)
    alter(case)
    assert says in complaint(oracle, "check", case)


def test_a_note_that_it_signs_opens_here(oracle: Path) -> None:
    checkpoint = Checkpoint("go.example/log", 3, root_of(hashes(3)))
    said = json.loads(run(oracle, "sign", {"name": checkpoint.origin, "text": checkpoint.text}).stdout)
    opened, note = open_checkpoint(said["note"], [VerifierKey.parse(said["vkey"])])
    assert opened == checkpoint
    assert str(note) == said["note"]


def published(size: int) -> dict[str, Any]:
    """A tree as a log publishes it, with proofs of leaves and of former sizes here and there in it."""
    tiles = served(size)
    checkpoint = Checkpoint(ORIGIN, size, root_of(hashes(size)))
    signatures = (LOG.sign(checkpoint.text), NEXT.sign(checkpoint.text), WITNESS.cosign(checkpoint.text, 1_700_000_000))
    places = sorted({0, 1, 2, 127, 128, 254, 255, 256, size // 3, size // 2, size - 2, size - 1} & set(range(size)))
    return {
        "keys": [str(LOG.verifier), str(NEXT.verifier)],
        "note": str(Note(checkpoint.text, signatures)),
        "tiles": {tile.path: text(data) for tile, data in tiles.items()},
        "inclusion": [
            {"index": index, "leaf": text(leaf(index)), "path": texts(inclusion_path(index, size, tiles))}
            for index in places
        ],
        "consistency": [
            {
                "size": old + 1,
                "root": text(root_of(hashes(old + 1))),
                "path": texts(consistency_path(old + 1, size, tiles)),
            }
            for old in places
        ],
    }


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def texts(path: list[bytes]) -> list[str]:
    return [text(hash_) for hash_ in path]


def complaint(oracle: Path, command: str, case: Mapping[str, Any]) -> str:
    """What the reference implementation has against a case; nothing where it fails in no other way."""
    done = run(oracle, command, case)
    assert (done.returncode, done.stderr) == (1 if done.stdout else 0, "")
    return done.stdout


def run(oracle: Path, command: str, case: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([oracle, command], input=json.dumps(case), capture_output=True, text=True, check=False)
