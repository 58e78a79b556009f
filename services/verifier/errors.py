"""What keeps a verification from being made; the tree stands in the package's docstring."""


class VerifierError(Exception):
    """Nothing was found out; the message says why and what to do."""


class SourceError(VerifierError):
    """The log does not answer, or not as a log."""


class NewerVersionError(VerifierError):
    """The log has entries of a form that came after this verifier: it is neither right nor wrong."""


class StateError(VerifierError):
    """The file of a former verification cannot be used."""
