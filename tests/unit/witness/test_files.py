"""What a witness keeps and what it is given: its record, its key, the logs that it trusts."""

import os
import stat
from pathlib import Path

import pytest

from contracts.cosignatures import CosigningKey
from contracts.notes import SigningKey
from services.witness.identity import KEY as KEY_FILE
from services.witness.identity import VERIFIER, IdentityError, identity
from services.witness.judging import NEVER, Seen
from services.witness.record import Record, RecordError
from services.witness.trust import TrustError, read_trust
from tests.unit.witness.made_log import KEY, ORIGIN, Branch


def anything(_seen: Seen) -> None:
    """Objects to nothing."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_record_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "witness.sqlite3"
    record = Record(path)
    assert record.seen(ORIGIN) == NEVER
    log = Branch().grown(7)
    record.advance(log.checkpoint, str(log.note()), anything)
    record.close()
    again = Record(path)
    assert again.seen(ORIGIN) == Seen(7, log.checkpoint.root)
    assert mode(path) == 0o600
    again.close()


def test_a_record_does_not_go_back_whatever_is_let_through(tmp_path: Path) -> None:
    record = Record(tmp_path / "witness.sqlite3")
    log = Branch().grown(7)
    record.advance(log.checkpoint, "", anything)
    for other in (log.cut(6), log.cut(6).grown(1, "another")):
        with pytest.raises(AssertionError, match="goes back"):
            record.advance(other.checkpoint, "", anything)
    assert record.seen(ORIGIN) == Seen(7, log.checkpoint.root)
    record.advance(log.grown(1).checkpoint, "", anything)
    record.close()


def test_one_process_at_a_time_has_a_record(tmp_path: Path) -> None:
    record = Record(tmp_path / "witness.sqlite3")
    with pytest.raises(RecordError, match="another witness runs in"):
        Record(tmp_path / "witness.sqlite3")
    record.close()
    Record(tmp_path / "witness.sqlite3").close()


def test_what_is_no_record_is_refused_and_let_go_of(tmp_path: Path) -> None:
    path = tmp_path / "witness.sqlite3"
    path.write_bytes(b"not a database, and long enough to be none" * 100)
    for _ in range(2):
        with pytest.raises(RecordError, match="cannot be used as a witness's record"):
            Record(path)
    with pytest.raises(RecordError, match="cannot be opened: No such file"):
        Record(tmp_path / "nowhere" / "witness.sqlite3")


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    made = identity(tmp_path, "witness.example/w1", "host", has_cosigned=False)
    assert made.name == "witness.example/w1"
    assert (mode(tmp_path / KEY_FILE), mode(tmp_path / VERIFIER)) == (0o600, 0o644)
    for name in (None, "witness.example/w1"):
        again = identity(tmp_path, name, "host", has_cosigned=True)
        assert (again.verifier, again.to_pem()) == (made.verifier, made.to_pem())
    with pytest.raises(IdentityError, match=r"is named witness\.example/w1; another name is for another directory"):
        identity(tmp_path, "w2", "host", has_cosigned=False)
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(IdentityError, match="is missing, and this witness has cosigned with it"):
        identity(tmp_path, None, "host", has_cosigned=True)
    assert identity(tmp_path, None, "host", has_cosigned=False).name == "host"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\u8bc1\u4eba"])
def test_a_name_that_none_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(IdentityError, match="cannot name a witness"):
        identity(tmp_path, None, name, has_cosigned=False)
    assert not (tmp_path / KEY_FILE).exists()


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    identity(tmp_path, "w1", "host", has_cosigned=False)
    (tmp_path / VERIFIER).write_text(f"{CosigningKey.generate('w1').verifier}\n")
    with pytest.raises(IdentityError, match="is not the key of"):
        identity(tmp_path, None, "host", has_cosigned=False)
    (tmp_path / VERIFIER).write_text("nonsense\n")
    with pytest.raises(IdentityError, match="a verifier key is written"):
        identity(tmp_path, None, "host", has_cosigned=False)
    (tmp_path / VERIFIER).unlink()
    with pytest.raises(IdentityError, match=f"{VERIFIER} cannot be read: No such file"):
        identity(tmp_path, None, "host", has_cosigned=False)


def test_logs_are_trusted_by_key_and_by_file(tmp_path: Path) -> None:
    rotated, other = SigningKey.generate(ORIGIN), SigningKey.generate("huizhi.local/41/0")
    file = tmp_path / "logs"
    file.write_text(f"# the national platform\n{KEY.verifier}\n\n  {rotated.verifier}  # new\n")
    trust = read_trust([str(file), str(other.verifier), str(KEY.verifier)])
    assert trust.logs == {ORIGIN: [KEY.verifier, rotated.verifier], other.name: [other.verifier]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no log is trusted"),
        ("# nothing\n", "no log is trusted"),
        ("\nnonsense\n", "logs, line 2: a verifier key is written"),
        (f"{KEY.verifier}x\n", "logs, line 1:"),
        (f"{CosigningKey.generate('w').verifier}\n", "line 1: this is a witness's key"),
    ],
    ids=["empty", "comments only", "no key", "an altered key", "a witness's key"],
)
def test_what_cannot_be_trusted_is_said_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "logs"
    file.write_text(content)
    with pytest.raises(TrustError, match=said):
        read_trust([str(file)])


def test_what_is_neither_key_nor_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="no verifier key, and no file"):
        read_trust([str(tmp_path / "none")])
    with pytest.raises(TrustError, match="Is a directory"):
        read_trust([os.fspath(tmp_path)])
    with pytest.raises(TrustError, match="the id of this verifier key"):
        read_trust([str(KEY.verifier).replace(KEY.verifier.id.hex(), "00000000")])
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(TrustError, match="is not UTF-8"):
        read_trust([str(tmp_path / "latin")])
