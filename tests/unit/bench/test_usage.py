"""The kernel's accounts of processes, held against processes whose use is known."""

import os
import subprocess
import sys

from tests.bench.usage import Meter, cpu_seconds, peak_mib, reset_peak

_BURN = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 0.3: pass\n"


def test_what_a_child_used_counts_for_its_parent_while_it_runs_and_when_it_has_ended() -> None:
    meter = Meter({"tests": os.getpid()})
    child = subprocess.Popen(
        [sys.executable, "-c", _BURN + "print(flush=True)\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    running = meter.used()["tests"]
    child.communicate(b"\n")
    ended = meter.used()["tests"]

    assert running >= 0.28
    assert ended >= running


def test_a_process_that_is_gone_has_used_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert cpu_seconds(gone.pid) == 0.0


def test_the_peak_of_memory_stays_until_it_is_reset() -> None:
    script = "held = bytearray(b'x') * 100_000_000\ndel held\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        peak = peak_mib(child.pid)
        reset_peak(child.pid)
        after = peak_mib(child.pid)
        child.communicate(b"\n")

    assert peak > 90
    assert after < 50
