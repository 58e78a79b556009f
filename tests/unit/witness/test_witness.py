"""The witness: what it cosigns, what it refuses, and that no two of its cosignatures ever contradict each other."""

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from structlog.testing import capture_logs

from contracts.cosignatures import CosigningKey, cosigned_at
from contracts.notes import Note, SigningKey
from services.witness.outcome import Outcome, RefusedError
from services.witness.record import Record
from services.witness.request import AddCheckpoint
from services.witness.trust import Trust
from services.witness.witness import Witness
from tests.unit.witness.made_log import KEY, ORIGIN, Branch

NOW = 1_795_000_000
WITNESS_KEY = CosigningKey.generate("witness.example/w1")


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = Record(tmp_path / "witness.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def witness(record: Record) -> Witness:
    return Witness(Trust([KEY.verifier]), WITNESS_KEY, record, lambda: NOW + 0.9)


def refusal(witness: Witness, asked: AddCheckpoint) -> tuple[Outcome, int | None]:
    with pytest.raises(RefusedError) as caught:
        witness.cosign(asked)
    return caught.value.outcome, caught.value.size


def test_a_log_that_grows_is_cosigned_at_every_size(witness: Witness) -> None:
    log, old = Branch(), 0
    for step in (0, 1, 1, 5, 0, 250, 1, 300):
        log = log.grown(step)
        asked = log.asks(old)
        signature = witness.cosign(asked)
        cosigned = Note(asked.note.text, (*asked.note.signatures, signature))
        assert cosigned_at(WITNESS_KEY.verifier, cosigned) == NOW
        old = len(log.leaves)


def test_the_old_size_must_be_the_newest_cosigned_one(witness: Witness) -> None:
    log = Branch().grown(10)
    assert refusal(witness, log.asks(3)) == (Outcome.OTHER_SIZE, 0)
    witness.cosign(log.asks(0))
    for old in (0, 3):
        assert refusal(witness, log.asks(old)) == (Outcome.OTHER_SIZE, 10)
    assert refusal(witness, log.cut(9).asks(9)) == (Outcome.OTHER_SIZE, 10)
    witness.cosign(log.asks(10))


def test_two_trees_of_one_size_are_a_fork_and_it_is_said_with_the_logs_own_signature(witness: Witness) -> None:
    log = Branch().grown(10)
    witness.cosign(log.asks(0))
    other = log.cut(9).grown(1, "another")
    with capture_logs() as logs:
        assert refusal(witness, other.asks(10)) == (Outcome.FORKED, 10)
    (said,) = logs
    assert (said["event"], said["log_level"], said["cosigned_size"]) == ("fork_refused", "error", 10)
    assert said["note"] == str(other.note())


@pytest.mark.parametrize("size", [1, 7, 8, 9])
def test_a_tree_that_does_not_begin_with_the_cosigned_one_is_refused(witness: Witness, size: int) -> None:
    log = Branch().grown(size)
    witness.cosign(log.asks(0))
    other = log.cut(size - 1).grown(5, "another")
    for proof in (other.proof(size), (), log.grown(5).proof(size), [*other.proof(size), b"x" * 32]):
        assert refusal(witness, other.asks(size, proof)) == (Outcome.INCONSISTENT, None)
    witness.cosign(log.grown(3).asks(size))


def test_a_first_checkpoint_needs_no_proof_and_has_none(witness: Witness) -> None:
    log = Branch().grown(3)
    assert refusal(witness, log.asks(0, [b"x" * 32])) == (Outcome.INCONSISTENT, None)
    witness.cosign(log.asks(0))
    assert refusal(witness, log.asks(3, [b"x" * 32])) == (Outcome.INCONSISTENT, None)


def test_an_unknown_log_and_one_that_others_sign_are_refused(record: Record) -> None:
    impostor, elsewhere = SigningKey.generate(ORIGIN), SigningKey.generate("elsewhere/national/0")
    witness = Witness(Trust([KEY.verifier]), WITNESS_KEY, record)
    assert refusal(witness, Branch(key=elsewhere).grown(3).asks(0)) == (Outcome.UNKNOWN_LOG, None)
    assert refusal(witness, Branch(key=impostor).grown(3).asks(0)) == (Outcome.UNTRUSTED, None)
    log = Branch().grown(3)
    altered = AddCheckpoint(0, (), log.checkpoint, Note(log.checkpoint.text, log.grown(1).note().signatures))
    assert refusal(witness, altered) == (Outcome.UNTRUSTED, None)
    assert record.logs() == {}


def test_one_of_several_keys_and_signatures_of_others_are_enough(record: Record) -> None:
    old_key, stranger = SigningKey.generate(ORIGIN), SigningKey.generate("stranger.example")
    witness = Witness(Trust([old_key.verifier, KEY.verifier]), WITNESS_KEY, record)
    log = Branch().grown(3)
    witness.cosign(AddCheckpoint(0, (), log.checkpoint, log.note(stranger, old_key)))
    witness.cosign(log.asks(3))


def test_logs_are_remembered_apart(record: Record) -> None:
    second = SigningKey.generate("huizhi.local/41/0")
    witness = Witness(Trust([KEY.verifier, second.verifier]), WITNESS_KEY, record)
    witness.cosign(Branch().grown(3).asks(0))
    witness.cosign(Branch(key=second).grown(8, "other").asks(0))
    assert record.logs() == {ORIGIN: 3, second.name: 8}


def test_nothing_is_cosigned_that_could_not_be_recorded(tmp_path: Path) -> None:
    record = Record(tmp_path / "witness.sqlite3")
    witness = Witness(Trust([KEY.verifier]), WITNESS_KEY, record)
    log = Branch().grown(3)
    witness.cosign(log.asks(0))
    other = sqlite3.connect(tmp_path / "witness.sqlite3")
    other.execute("CREATE TRIGGER full BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    with pytest.raises(sqlite3.Error, match="disk full"):
        witness.cosign(log.grown(2).asks(3))
    other.execute("DROP TRIGGER full")
    other.close()
    assert record.logs() == {ORIGIN: 3}
    witness.cosign(log.grown(4).asks(3))
    record.close()


class Histories(RuleBasedStateMachine):
    """A log that shows a witness several histories, tries every way to have them cosigned, and stops it in between."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.branches: list[Branch] = []
        self.cosigned: list[Branch] = []

    def teardown(self) -> None:
        self.record.close()
        self.home.cleanup()

    @initialize(size=st.integers(0, 9))
    def begin(self, size: int) -> None:
        self.branches = [Branch().grown(size)]
        self.start()

    def start(self) -> None:
        self.record = Record(Path(self.home.name) / "witness.sqlite3")
        self.witness = Witness(Trust([KEY.verifier]), WITNESS_KEY, self.record)

    @rule()
    def restart(self) -> None:
        self.record.close()
        self.start()

    @rule(which=st.integers(0), count=st.integers(1, 9))
    def grow(self, which: int, count: int) -> None:
        place = which % len(self.branches)
        self.branches[place] = self.branches[place].grown(count, str(place))

    @rule(which=st.integers(0), at=st.integers(0))
    def fork(self, which: int, at: int) -> None:
        branch = self.branches[which % len(self.branches)]
        cut = branch.cut(at % (len(branch.leaves) + 1))
        self.branches.append(cut.grown(1, f"fork {len(self.branches)}"))

    @rule(which=st.integers(0))
    def ask_honestly(self, which: int) -> None:
        branch, newest = self.branches[which % len(self.branches)], self.newest()
        goes_on = branch.leaves[: len(newest.leaves)] == newest.leaves
        try:
            self.witness.cosign(branch.asks(min(len(newest.leaves), len(branch.leaves))))
        except RefusedError:
            assert not goes_on
        else:
            self.cosigned.append(branch)

    @rule(which=st.integers(0), other=st.integers(0), cut=st.integers(0), old=st.integers(0), wrong=st.integers(0, 3))
    def ask_anyhow(self, which: int, other: int, cut: int, old: int, wrong: int) -> None:
        branch = self.branches[which % len(self.branches)]
        branch = branch.cut(cut % (len(branch.leaves) + 1))
        size = old % (len(branch.leaves) + 1)
        lender = self.branches[other % len(self.branches)]
        proof = (branch.proof(size), lender.proof(min(size, len(lender.leaves))), (), branch.proof(size)[1:])[wrong]
        try:
            self.witness.cosign(branch.asks(size, proof))
        except RefusedError:
            return
        self.cosigned.append(branch)

    def newest(self) -> Branch:
        return self.cosigned[-1] if self.cosigned else Branch()

    @invariant()
    def no_two_cosigned_histories_contradict_each_other(self) -> None:
        if len(self.cosigned) > 1:
            # Each goes on from the one before it, and so from all of them.
            before, last = self.cosigned[-2:]
            assert last.leaves[: len(before.leaves)] == before.leaves


Histories.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestHistories = Histories.TestCase
