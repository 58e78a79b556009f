"""The key that a stack's ledger signs the log with: `DIR/log-key.pem`, made at the first start and kept."""

from pathlib import Path

from contracts.notes import SigningKey
from services.cli.stack.files import write_private

NAME = "log-key.pem"


def proof_key(directory: Path) -> Path:
    """The file of the key (PKCS#8, mode 600), made where there is none yet."""
    path = directory / NAME
    if not path.exists():
        # The file has no name in it: a key signs under whatever name the ledger's settings give the log.
        write_private(path, SigningKey.generate("huizhi").to_pem().decode())
    return path
