"""What can go wrong in the registry.

RegistryError
├── NotProvisioned          the database holds no registry yet
├── ImportRefused           directory files that cannot be taken as they are; nothing was changed
├── ParticipantRefused      an address that cannot be, or already is, or is not yet a participant
├── TopologyRefused         the broker holds a queue of ours with other arguments
└── BrokerAPIError          the broker's management API is away or refused a request
"""


class RegistryError(Exception):
    """Root of the registry's errors; the message says what to do."""


class NotProvisioned(RegistryError):  # noqa: N818 - the state is the name.
    """The database holds no registry yet."""


class ImportRefused(RegistryError):  # noqa: N818 - the same.
    """Directory files that cannot be taken as they are; the message names file and line, and nothing was changed."""


class ParticipantRefused(RegistryError):  # noqa: N818 - the same.
    """An address that cannot be, or already is, or is not yet a participant."""


class TopologyRefused(RegistryError):  # noqa: N818 - the same.
    """The broker holds an exchange or queue of ours with other arguments."""


class BrokerAPIError(RegistryError):
    """The broker's management API is away or refused a request."""
