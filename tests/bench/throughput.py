"""What a round of load measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Round:
    """So many messages, from the publisher's start until the last one was read. ``load_cpu`` are the CPU seconds of the
    generator's processes.
    """

    count: int
    started: float
    ended: float
    load_cpu: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.count / self.seconds
