"""The directory that comes with the project: divisions, townships and changes of China (see NOTICE)."""

from importlib.resources import files

CARRIED_AS_OF = "2026-09-01"
"""The day of the carried tables, which are a snapshot of September 2026."""

_NAMES = ("divisions.csv", "townships.csv", "division_changes.csv")


def carried_files() -> list[tuple[str, bytes]]:
    """The carried directory files, as pairs of name and content."""
    return [(name, files(__package__).joinpath(name).read_bytes()) for name in _NAMES]
