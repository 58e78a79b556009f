"""Who takes part: the district and the places of origin, made participants where they are none yet.

Their secrets are kept where `huizhi participant add --all-counties` keeps its own: in DIR/participants.jsonl, mode 600,
a line for each participant, of which the last one for an address is valid.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from contracts.addresses import Tier
from contracts.directory import Directory
from services.cli.context import stack
from services.cli.demo.account import Account
from services.cli.errors import CommandError
from services.cli.participant import CREDENTIALS_FILE
from services.cli.registry import on_participants
from services.registry.candidates import counties, new_participant
from services.registry.participants import Credentials, Participants

DISTRICT = "410102"
HOME = "41"
ELSEWHERE = ("11", "12", "31", "32", "33", "34", "35", "36", "37", "42", "44", "50", "51")
FROM_EACH_PROVINCE = 2
FROM_HOME = 13


@dataclass(frozen=True, slots=True)
class Cast:
    """The participants of a run, and how many counties the platform's directory has."""

    district: Account
    origins: Mapping[Tier, Sequence[Account]]
    counties: int

    @property
    def provinces(self) -> int:
        """How many provinces the participants lie in."""
        return len({account.address[:2] for account in self.all()})

    def all(self) -> list[Account]:
        """Every participant of the run."""
        return [self.district, *self.origins["national"], *self.origins["provincial"]]


def gather(data: Path) -> Cast:
    """The cast of a run on the stack in `data`; a second run finds the first one's. Raises CommandError."""
    path = data / CREDENTIALS_FILE

    async def work(participants: Participants, directory: Directory) -> tuple[list[str], int]:
        kept = read_credentials(path)
        there = {record.address: record.status for record in await participants.list()}
        all_counties = [county.address for county in counties(directory)]
        usable = [c for c in all_counties if c not in there or (c in kept and there[c] == "active")]
        addresses = chosen(usable)
        absent = [new_participant(directory, address) for address in addresses if address not in there]
        await participants.add_absent(absent, lambda credentials: append_credentials(path, credentials))
        return addresses, len(all_counties)

    addresses, number = on_participants(data, work)
    kept = read_credentials(path)
    amqp_url = stack(data).amqp_url
    district, *origins = [
        Account(address, _elsewhere(kept[address].amqp_url, amqp_url), kept[address].token) for address in addresses
    ]
    return Cast(
        district,
        {
            "national": [origin for origin in origins if not origin.address.startswith(HOME)],
            "provincial": [origin for origin in origins if origin.address.startswith(HOME)],
        },
        number,
    )


def chosen(usable: Sequence[str]) -> list[str]:
    """The district, then the origins: some counties of each province, spread over it. Raises CommandError."""
    if DISTRICT not in usable:
        raise CommandError(
            f"{DISTRICT} is a participant here already (or disabled), and its password was shown only once, to whoever "
            "added it; let the demonstration have a directory of its own: huizhi demo --data ANOTHER"
        )
    origins = [address for province in ELSEWHERE for address in _spread(_within(usable, province), FROM_EACH_PROVINCE)]
    origins += _spread([address for address in _within(usable, HOME) if address != DISTRICT], FROM_HOME)
    if len(origins) < len(ELSEWHERE) * FROM_EACH_PROVINCE + FROM_HOME:
        raise CommandError(
            "the directory of this stack has too few counties that could take part; give the demonstration a directory "
            "of its own: huizhi demo --data ANOTHER"
        )
    return [DISTRICT, *origins]


def read_credentials(path: Path) -> dict[str, Credentials]:
    """The secrets that were kept, by address; of several for one address the last."""
    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines()
    return {one.address: one for one in (Credentials(**json.loads(line)) for line in lines)}


def append_credentials(path: Path, credentials: Sequence[Credentials]) -> None:
    """Keep secrets, on the disk before this returns: what they open is committed right after."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in credentials)
        file.flush()
        os.fsync(file.fileno())


def _within(addresses: Sequence[str], province: str) -> list[str]:
    return [address for address in addresses if address.startswith(province)]


def _spread(addresses: Sequence[str], count: int) -> list[str]:
    if len(addresses) < count:
        return list(addresses)
    return [addresses[position * len(addresses) // count] for position in range(count)]


def _elsewhere(kept_url: str, url: str) -> str:
    """The kept account at the address that the broker has now: a stack may come up on other ports."""
    server = urlsplit(url)
    account = urlsplit(kept_url).netloc.rpartition("@")[0]
    return urlunsplit(server._replace(netloc=f"{account}@{server.netloc.rpartition('@')[2]}"))
