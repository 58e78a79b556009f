"""`DIR/stack.json`: where a running stack can be reached, and by what right (design.md §5)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack.files import write_private

NAME = "stack.json"


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """One running instance of a service: `gateway`, `gateway-2`, … and its HTTP address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class StackFile:
    """The addresses of a stack. All URLs of servers carry the administrator's password."""

    amqp_url: str
    broker_api_url: str
    gateway_url: str
    ledger_url: str
    database_url: str
    admin_token: str
    services: tuple[ServiceAddress, ...]

    def write(self, directory: Path) -> None:
        """Put it where commands and scripts look for it."""
        write_private(directory / NAME, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, directory: Path) -> "StackFile":
        """That of a stack that is up. Raises StackError when there is none."""
        path = directory / NAME
        try:
            content = json.loads(path.read_text())
            services = tuple(ServiceAddress(**service) for service in content.pop("services"))
            return cls(**content, services=services)
        except FileNotFoundError:
            raise StackError(
                f"no stack is up in {directory}. Start one with `huizhi up --data {directory}`, "
                "or name the directory of a running one with --data or HUIZHI_DATA."
            ) from None
        except PermissionError:
            raise StackError(
                f"{path} belongs to another user; run the command as the one who started the stack"
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise StackError(f"{path} is not what `huizhi up` wrote ({error}); start the stack again") from error

    @staticmethod
    def remove(directory: Path) -> None:
        """A stack that is not up has no addresses."""
        (directory / NAME).unlink(missing_ok=True)
