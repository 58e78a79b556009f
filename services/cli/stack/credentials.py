"""The passwords of a stack, made once and kept in `DIR/credentials.json` (mode 600)."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack.files import write_private

SERVICES = ("ledger", "router", "gateway")


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that a stack keeps secret, and the name its broker's data is filed under.

    `database_roles` and `broker_accounts` hold one password for each of the three services.
    """

    broker_node: str
    broker_cookie: str
    broker_password: str
    database_password: str
    admin_token: str
    database_roles: dict[str, str]
    broker_accounts: dict[str, str]

    @classmethod
    def of_directory(cls, directory: Path) -> "Credentials":
        """Those of an earlier start in this directory, or new ones.

        Raises StackError when the file is there and cannot be understood.
        """
        path = directory / "credentials.json"
        if path.exists():
            return cls._read(path)
        credentials = cls.generate()
        write_private(path, json.dumps(asdict(credentials), indent=2) + "\n")
        return credentials

    @classmethod
    def generate(cls) -> "Credentials":
        """New ones, each of at least 192 random bits."""
        return cls(
            # The node's name must differ between stacks on one machine, and stay the same for one directory.
            broker_node=f"huizhi-{secrets.token_hex(6)}@localhost",
            broker_cookie=secrets.token_hex(24),
            broker_password=secrets.token_hex(24),
            database_password=secrets.token_hex(24),
            admin_token=secrets.token_urlsafe(32),
            database_roles={service: secrets.token_hex(24) for service in SERVICES},
            broker_accounts={service: secrets.token_hex(24) for service in SERVICES},
        )

    @classmethod
    def _read(cls, path: Path) -> "Credentials":
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise StackError(
                f"{path} is not what `huizhi up` wrote ({error}). Without it the stack's broker and database cannot be "
                "entered: restore it, or start over in another directory."
            ) from error
