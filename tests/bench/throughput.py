"""What a round of load measured."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.bench.amqpload import Timed


@dataclass(frozen=True, slots=True)
class Round:
    """So many messages, from the publisher's start until the last one was read. ``cpu`` are the seconds that each
    process used until everything was done, reports on the ledger included; ``load`` are all of the generator's.
    """

    count: int
    started: float
    ended: float
    cpu: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, published: Timed, read: Timed, others: Iterable[Timed], cpu: Mapping[str, float]) -> "Round":
        """From what the publisher, the last reader and the other processes of the generator say."""
        load = sum(one.cpu for one in (published, read, *others))
        return cls(read.count, published.started, read.ended, {**cpu, "load": load})

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started

    @property
    def per_second(self) -> float:
        """Messages a second."""
        return self.count / self.seconds

    def cpu_us(self, *processes: str) -> float:
        """CPU microseconds a message of processes together: ``gateway`` is all gateways."""
        named = (
            seconds for name, seconds in self.cpu.items() if name.rpartition("-")[0] in processes or name in processes
        )
        return 1e6 * sum(named) / self.count
