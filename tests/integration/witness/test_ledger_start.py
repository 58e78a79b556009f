"""A ledger whose file of witnesses is wrong does not start, and says which line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.cosignatures import CosigningKey
from contracts.notes import SigningKey

WITNESS = CosigningKey.generate("witness.example/w1").verifier


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"{WITNESS}\n", "line 1: a line is a witness's verifier key, a space, and its URL"),
        (f"# one\n{WITNESS} ftp://one.example\n", "line 2: the URL of a witness begins with http:// or https://"),
        (None, "cannot be read: No such file or directory"),
    ],
    ids=["no URL", "no URL of HTTP", "no file"],
)
def test_a_bad_file_of_witnesses_is_said_at_the_start(tmp_path: Path, content: str | None, said: str) -> None:
    key, file = tmp_path / "log.pem", tmp_path / "witnesses"
    key.touch(0o600)
    key.write_bytes(SigningKey.generate("huizhi.local/national/0").to_pem())
    if content is not None:
        file.write_text(content)
    # Nothing of these is reached: settings are read before anything is opened.
    settings = {
        "HUIZHI_AMQP_URL": "amqp://localhost:1",
        "HUIZHI_DATABASE_URL": "postgresql://localhost:1/x",
        "HUIZHI_HTTP_PORT": "0",
        "HUIZHI_PROOF_KEYS": str(key),
        "HUIZHI_PROOF_WITNESSES": str(file),
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.ledger"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"WitnessFileError: the file of witnesses {file}" in done.stderr
    assert said in done.stderr
