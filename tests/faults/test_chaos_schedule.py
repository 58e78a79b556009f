"""The schedule of chaos: the same for the same seed and duration, and in a long one everything happens."""

from collections import defaultdict
from itertools import pairwise

from tests.faults.chaos.faults import TARGETS, Fault
from tests.faults.chaos.schedule import HEARTBEAT_SECONDS, schedule

SEEDS = range(50)


def test_a_seed_replays_the_same_schedule() -> None:
    assert schedule(7, 300) == schedule(7, 300)


def test_another_seed_makes_another_schedule() -> None:
    assert len({schedule(seed, 300) for seed in SEEDS}) == len(SEEDS)


def test_a_schedule_is_known_for_good() -> None:
    # What a report of last year says must be replayed today, whatever the interpreter.
    first = schedule(7, 300)[0]

    assert (first.at, first.target, first.fault, first.held) == (3.9, "gateway-2", Fault.KILL, 1.33)


def test_in_five_minutes_every_target_meets_everything_that_it_may_meet() -> None:
    everything = {target: {nature.fault for nature in natures} for target, natures in TARGETS.items()}
    for seed in SEEDS:
        met = defaultdict(set)
        for strike in schedule(seed, 300):
            met[strike.target].add(strike.fault)

        assert met == everything, seed


def test_all_kinds_of_fault_occur() -> None:
    assert {strike.fault for strike in schedule(7, 300)} == set(Fault)


def test_a_target_is_struck_again_only_when_it_is_over() -> None:
    for target in TARGETS:
        strikes = [strike for strike in schedule(7, 600) if strike.target == target]

        assert all(earlier.at + earlier.held < later.at for earlier, later in pairwise(strikes))
        assert strikes[-1].at + strikes[-1].held <= 600


def test_a_pause_is_longer_than_two_heartbeats() -> None:
    pauses = [strike for strike in schedule(7, 600) if strike.fault is Fault.PAUSE]

    assert min(strike.held for strike in pauses) > 2 * HEARTBEAT_SECONDS
