"""What `huizhi send` and `huizhi answer` post."""

import io
import json
from pathlib import Path
from uuid import UUID

import pytest

from services.cli.errors import CommandError
from services.cli.posting import body_of, new_id, read_payload


def test_a_payload_is_given_as_it_is_or_in_a_file_or_on_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"subject": "请协助"}'
    (tmp_path / "payload.json").write_text(text, "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert read_payload(text) == read_payload(f"@{tmp_path}/payload.json") == read_payload("-") == text


def test_a_payload_that_is_no_json_or_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--payload is not JSON"):
        read_payload('{"subject": ')
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        read_payload(f"@{tmp_path}/absent.json")
    (tmp_path / "latin").write_bytes(b'"\xe9"')
    with pytest.raises(CommandError, match="latin is not UTF-8"):
        read_payload(f"@{tmp_path}/latin")


def test_a_payload_goes_out_as_it_was_written() -> None:
    body = body_of({"id": "1", "to": "410102", "due": None}, '{"n": 1.10}').decode()
    assert body.endswith('"payload": {"n": 1.10}}')
    assert json.loads(body) == {"id": "1", "to": "410102", "payload": {"n": 1.1}}


def test_an_id_is_new_unless_it_is_given() -> None:
    assert UUID(new_id(None)) != UUID(new_id(None))
    given = "0197A3C2-5D00-7000-8000-000000000001"
    assert new_id(given) == given.lower()
    with pytest.raises(CommandError, match="--id is a UUID"):
        new_id("17")
