"""How much memory services take: the kernel's own account of the peak, so that nothing between two looks is missed."""

from collections.abc import Iterable
from pathlib import Path

from tests.faults.harness.instance import ServiceProcess

_RESET_PEAK = "5"
"""What proc(5) has for ``clear_refs``: the peak begins anew from what is resident now."""


class Memory:
    """The resident memory of services from the moment at which each was noted."""

    def __init__(self) -> None:
        self._noted: dict[str, tuple[ServiceProcess, float]] = {}

    def note(self, services: Iterable[ServiceProcess]) -> None:
        """From here on, for processes that run; one that was started again is noted again."""
        for one in services:
            _of(one, "clear_refs").write_text(_RESET_PEAK)
            self._noted[one.name] = one, _mebibytes(one, "VmRSS")

    def growth(self) -> dict[str, float]:
        """By how many MiB each has grown at its peak."""
        return {name: _mebibytes(one, "VmHWM") - before for name, (one, before) in self._noted.items()}

    def __str__(self) -> str:
        peaks = (f"{name} {before:.0f} + {self.growth()[name]:.1f} MiB" for name, (_, before) in self._noted.items())
        return ", ".join(peaks)


def _mebibytes(one: ServiceProcess, field: str) -> float:
    lines = _of(one, "status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kibibytes) / 1024


def _of(one: ServiceProcess, file: str) -> Path:
    assert one.process is not None
    return Path(f"/proc/{one.process.pid}/{file}")
