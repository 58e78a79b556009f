"""Who can become a participant: every current code, and every department of one."""

from dataclasses import dataclass

from contracts.addresses import AddressError, parse_address
from contracts.directory import LEVEL_DIGITS, Directory
from services.registry.errors import ParticipantRefused


@dataclass(frozen=True, slots=True)
class NewParticipant:
    """An address that is to become a participant, and the name to show for it."""

    address: str
    name: str


def new_participant(directory: Directory, address: str, name: str | None = None) -> NewParticipant:
    """The address as a participant to be, by default named as the directory names it.

    Raises ParticipantRefused when the address is not a current code or a department of one.
    """
    try:
        parsed = parse_address(address)
    except AddressError as error:
        raise ParticipantRefused(str(error)) from error
    if parsed.code not in directory:
        raise ParticipantRefused(_why_not(directory, parsed.code))
    full_name = directory.full_name(parsed.code)
    if parsed.department is not None:
        full_name = f"{full_name} · {parsed.department}"
    return NewParticipant(address, name or full_name)


def counties(directory: Directory, province: str | None = None) -> list[NewParticipant]:
    """All counties of the directory, or of one province, as participants to be, by code."""
    codes = sorted(
        code
        for code in directory.codes
        if len(code) == LEVEL_DIGITS["county"] and (province is None or code.startswith(province))
    )
    return [new_participant(directory, code) for code in codes]


def _why_not(directory: Directory, code: str) -> str:
    resolution = directory.resolve(code)
    if resolution.address is not None:
        return (
            f"{code} is retired; its successor today is {resolution.address} {directory.full_name(resolution.address)}"
        )
    if resolution.status == "retired":
        return f"{code} is retired and has no current successor; only current codes can be participants"
    return f"{code} is not a code of the directory; `huizhi directory show` looks codes up"
