"""What is served: any byte that is another one, files that are missing, and a log that went back or forked."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from contracts.leaf import encode_leaf
from contracts.notes import SigningKey
from services.verifier.errors import NewerVersionError, StateError
from services.verifier.findings import MOST_KEPT, Check
from services.verifier.state import State
from services.verifier.verify import verify
from tests.unit.verifier.conftest import Verify
from tests.unit.verifier.made_log import ORIGIN, Book, Log


def small() -> Book:
    """A log of a few entries."""
    book = Book()
    book.answer(book.ask())
    book.ask()
    return book


def long(queries: int = 200) -> Book:
    """A log of several bundles: four entries for each query."""
    book = Book()
    for _ in range(queries):
        book.answer(book.ask())
    return book


def test_any_byte_of_any_file_that_is_another_one_is_found(verified: Verify) -> None:
    log = Log(small().leaves)
    honest = dict(log.files)
    assert sorted(honest) == ["checkpoint", "tile/0/000.p/6", "tile/entries/000.p/6"]
    for name, content in honest.items():
        # Of the entries every byte would take long: each of the first, which has every kind of byte, and every seventh.
        places = [at for at in range(len(content)) if name != "tile/entries/000.p/6" or at < 500 or at % 7 == 0]
        for at in places:
            flipped = bytearray(content)
            flipped[at] ^= 1
            log.files = {**honest, name: bytes(flipped)}
            assert not verified(log).holds, (name, at)
    log.files = honest
    assert verified(log).holds


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/003.p/32", "tile/1/000.p/3", "tile/entries/001"])
def test_a_changed_byte_of_a_larger_log_is_named_at_its_entries(verified: Verify, name: str) -> None:
    log = Log(long().leaves)
    assert name in log.files
    content = log.files[name]
    log.files[name] = content[:-1] + bytes([content[-1] ^ 0x80])
    result = verified(log)
    assert not result.holds
    last = {"tile/0/000": "entry 255", "tile/0/003.p/32": "entry 799", "tile/entries/001": "entry 511"}
    assert last.get(name, "entries 512 to 767") in str(next(iter(result.findings)))


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/003.p/32", "tile/1/000.p/3", "tile/entries/001"])
@pytest.mark.parametrize("kept", [None, 0, 33, -1])
def test_a_file_that_is_missing_or_cut_short_is_named(verified: Verify, name: str, kept: int | None) -> None:
    log = Log(long().leaves)
    if kept is None:
        del log.files[name]
    else:
        log.files[name] = log.files[name][:kept]
    result = verified(log)
    assert not result.holds
    assert result.findings.checks & {Check.WITHHELD, Check.TILE, Check.LEAF}


def test_an_entry_that_is_no_leaf_is_named_though_the_tree_holds_it(verified: Verify) -> None:
    leaves = [encode_leaf(leaf) for leaf in small().leaves]
    log = Log()
    log.publish_bytes([*leaves, b'{"v":0}', leaves[0] + b" "])
    result = verified(log)
    assert [(finding.check, finding.entry) for finding in result.findings] == [(Check.LEAF, 6), (Check.LEAF, 7)]


def test_entries_of_a_newer_form_are_neither_right_nor_wrong(verified: Verify) -> None:
    leaves = [encode_leaf(leaf) for leaf in small().leaves]
    log = Log()
    log.publish_bytes([*leaves, b'{"v":2}'])
    with pytest.raises(NewerVersionError, match="entry 6 is a leaf of version 2"):
        verified(log)


def test_what_is_signed_by_another_key_or_by_nobody_is_not_read(verified: Verify) -> None:
    log, other = Log(small().leaves), Log(small().leaves)
    log.files = other.files
    result = verified(log)
    assert result.findings.checks == {Check.SIGNATURE}
    assert result.figures() == {}
    assert log.asked == []


def test_an_empty_log_holds(verified: Verify, tmp_path: Path) -> None:
    log = Log()
    assert verified(log, tmp_path / "state").holds
    assert verified(log, tmp_path / "state").holds
    log.publish(small().leaves)
    assert verified(log, tmp_path / "state").holds


@pytest.mark.parametrize("step", [1, 7, 64, 255, 256, 257])
def test_a_verification_goes_on_where_the_last_one_stopped(verified: Verify, tmp_path: Path, step: int) -> None:
    book, path = long(150 if step > 1 else 8), tmp_path / "state"
    log, whole = Log(), verified(Log(book.leaves))
    for size in range(0, len(book.leaves) + step, step):
        log.publish(book.leaves[:size])
        result = verified(log, path)
        assert result.holds, list(result.findings)
    assert verified(log, path).figures() == whole.figures()
    log.asked.clear()
    assert verified(log, path).holds
    assert [name for name in log.asked if "entries" in name] == []


def test_a_log_that_goes_on_is_read_from_where_it_was_verified(verified: Verify, tmp_path: Path) -> None:
    book, path, log = long(), tmp_path / "state", Log()
    log.publish(book.leaves[:700])
    assert verified(log, path).holds
    log.publish(book.leaves)
    log.asked.clear()
    result = verified(log, path)
    assert result.holds
    assert result.before is not None
    assert result.before.size == 700
    assert {name for name in log.asked if "entries" in name} == {"tile/entries/002", "tile/entries/003.p/32"}


def test_a_log_that_went_back_is_found_by_who_saw_more(verified: Verify, tmp_path: Path) -> None:
    book, path, log = long(), tmp_path / "state", Log()
    log.publish(book.leaves)
    assert verified(log, path).holds
    log.publish(book.leaves[:700])
    result = verified(log, path)
    assert result.findings.checks == {Check.ROLLBACK}
    assert len(result.notes) == 2
    assert not result.holds
    # Who sees it for the first time cannot know.
    assert verified(log).holds


@pytest.mark.parametrize("at", [0, 300, 520, 699])
@pytest.mark.parametrize("size", [700, 800])
def test_a_rewritten_log_is_found_by_who_saw_the_old_one(verified: Verify, tmp_path: Path, at: int, size: int) -> None:
    """Even though all of it is signed, and consistent in itself."""
    old, path, log = long(), tmp_path / "state", Log()
    log.publish(old.leaves[:700])
    assert verified(log, path).holds
    new = long()
    new.change(at, data={"note": "rewritten"})
    log.publish(new.leaves[:size])
    result = verified(log, path)
    assert result.findings.checks == {Check.FORK}
    (finding,) = result.findings
    where = f"entries {at // 256 * 256} to {at // 256 * 256 + 255}" if at < 512 else "they differ here"
    assert where in str(finding)
    assert finding.entry == (at // 256 * 256 if at < 512 else at)
    assert [note.encode() for note in result.notes][1] == log.files["checkpoint"]
    assert verified(log).holds
    log.publish(old.leaves)
    assert verified(log, path).holds


def test_old_entries_served_anew_in_another_form_are_named(verified: Verify, tmp_path: Path) -> None:
    """A partial bundle is read a second time when it has grown; what was verified of it must not have changed."""
    book, path, log = long(20), tmp_path / "state", Log()
    log.publish(book.leaves[:70])
    assert verified(log, path).holds
    log.publish(book.leaves)
    forged = long(20)
    forged.change(3, data={"note": "rewritten"})
    log.files["tile/entries/000.p/80"] = Log(forged.leaves).files["tile/entries/000.p/80"]
    result = verified(log, path)
    assert {finding.entry for finding in result.findings} == {3}


def test_what_was_found_wrong_in_the_entries_is_told_every_time(verified: Verify, tmp_path: Path) -> None:
    book, path, log = small(), tmp_path / "state", Log()
    book.append("reminded", UUID(int=7))
    log.publish(book.leaves)
    told = [verified(log, path) for _ in range(2)]
    for result in told:
        assert [(finding.check, finding.entry) for finding in result.findings] == [(Check.MESSAGE, 6)]
    result = told[-1]
    assert result.before is not None
    assert result.before.size == 7


def test_a_file_that_is_wrong_is_looked_at_again(verified: Verify, tmp_path: Path) -> None:
    log, path = Log(long().leaves), tmp_path / "state"
    honest = dict(log.files)
    log.files["tile/0/000"] = bytes(8192)
    assert verified(log, path).findings.count == 256
    log.files = honest
    result = verified(log, path)
    assert result.holds
    assert result.before is None


def test_findings_are_counted_and_the_first_of_them_kept(verified: Verify) -> None:
    log = Log(long().leaves)
    log.files["tile/0/000"] = bytes(8192)
    findings = verified(log).findings
    assert (len(list(findings)), findings.count) == (MOST_KEPT, 256)


def test_a_state_of_another_log_or_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    first = Log(small().leaves)
    run(first, path)
    with pytest.raises(StateError, match=f"the state of another log, {ORIGIN}"):
        run(Log(key=SigningKey.generate("elsewhere.test/41/0")), path)
    second = Log(small().leaves)
    with pytest.raises(StateError, match="another key"):
        run(second, path)
    # A new key is taken over by who is given the old one beside it.
    with State(path) as state:
        keys = [first.key.verifier, second.key.verifier]
        assert asyncio.run(verify(second, keys, state, lambda _done, _total: None)).holds
    run(second, path)


def test_a_file_that_is_no_state_or_in_use_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("this is no database, and long enough to be seen as something else" * 20)
    with pytest.raises(StateError, match="cannot be used as a state"), State(text):
        pass
    with pytest.raises(StateError, match="cannot be used as a state"), State(tmp_path):
        pass
    path = tmp_path / "state"
    run(Log(small().leaves), path)
    with State(path), pytest.raises(StateError, match="locked"), State(path, patience_s=0.01):
        pass


def test_a_verification_that_is_stopped_leaves_the_state_as_it_was(tmp_path: Path, verified: Verify) -> None:
    book, path, log = long(), tmp_path / "state", Log()
    log.publish(book.leaves[:300])
    assert verified(log, path).holds
    log.publish(book.leaves)

    def stop(done: int, _total: int) -> None:
        if done > 300:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), State(path) as state:
        asyncio.run(verify(log, [log.key.verifier], state, stop))
    result = verified(log, path)
    assert result.holds
    assert result.before is not None
    assert result.before.size == 300


def run(log: Log, path: Path) -> None:
    """A verification that has to hold."""
    with State(path) as state:
        assert asyncio.run(verify(log, [log.key.verifier], state, lambda _done, _total: None)).holds
