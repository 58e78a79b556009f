"""Who may read what: a participant its own territory and the messages it is a party to, an administrator everything."""

from dataclasses import dataclass

from fastapi import Request

from contracts.addresses import AddressError, covers, parse_address
from contracts.problems import ProblemError, ProblemType, echo
from services.ledger.store.connection import Row
from services.registry.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever asks. ``address`` is the participant's, None for an administrator."""

    address: str | None

    @property
    def administrator(self) -> bool:
        """Whether everything may be read."""
        return self.address is None

    def may_read(self, jurisdiction: str) -> bool:
        """Whether the figures of ``jurisdiction`` are within the reader's territory."""
        return self.address is None or (jurisdiction != "" and covers(self.address, jurisdiction))

    def default_jurisdiction(self) -> str:
        """What is meant where no jurisdiction is named: the reader's own."""
        return self.address or ""


def reader_of(request: Request, snapshot: Snapshot) -> Reader:
    """The reader whose bearer token the request carries (RFC 6750 section 2.1). Raises ProblemError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    owner = snapshot.owner_of(token.strip()) if scheme.lower() == "bearer" else None
    if owner is None:
        raise ProblemError(ProblemType.UNAUTHENTICATED, "send the header Authorization: Bearer <your token>")
    return Reader(owner.address)


def is_party(reader: Reader, message: Row) -> bool:
    """Whether the reader has, or had, to do with the message of a row; an administrator has with every one."""
    return reader.administrator or reader.address in (message["sender"], message["recipient"], *message["holders"])


def readable_jurisdiction(reader: Reader, written: str | None, snapshot: Snapshot) -> str:
    """The jurisdiction that a request names, or the reader's own. Raises ProblemError where it is none, or not the
    reader's.
    """
    jurisdiction = reader.default_jurisdiction() if written is None else written
    if jurisdiction:
        try:
            code = parse_address(jurisdiction).code
        except AddressError:
            raise ProblemError(
                ProblemType.MALFORMED_ADDRESS, f"jurisdiction is a code like 410102, not {echo(jurisdiction)}"
            ) from None
        if snapshot.directory.resolve(code).status == "unknown":
            raise ProblemError(ProblemType.UNKNOWN_ADDRESS, f"no jurisdiction has or had the code {code}")
    if not reader.may_read(jurisdiction):
        raise ProblemError(
            ProblemType.FORBIDDEN, f"this token is for {reader.address} and below; name a jurisdiction within it"
        )
    return jurisdiction
