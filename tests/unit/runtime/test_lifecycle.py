"""Services start, stop and fail as processes: each test here is one."""

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from services.runtime.lifecycle import Stop, together

HEAD = """
import asyncio, logging, sys
import structlog
from services.runtime.lifecycle import Stop, run, together
from services.runtime.logging import configure_logging
configure_logging("test")
"""


def start(body: str) -> subprocess.Popen[str]:
    program = HEAD + textwrap.dedent(body)
    return subprocess.Popen(  # A service is a process of its own: signals, exit status and standard error are its face.
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, list[dict[str, object]]]:
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, [json.loads(line) for line in errors.splitlines()]


def until_started(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(number: signal.Signals) -> None:
    process = start(
        """
        async def main(stop):
            print("started", flush=True)
            await stop.wait()
            print("finished", flush=True)
        sys.exit(run(main))
        """
    )
    until_started(process)
    process.send_signal(number)
    status, output, log = finish(process)

    assert (status, output) == (0, "finished\n")
    assert [line["event"] for line in log] == ["stop_asked", "stopped"]
    assert log[0]["signal"] == number.name
    assert {"timestamp", "level", "service", "logger"} <= log[0].keys()


def test_one_that_does_not_stop_is_cut_off_after_the_grace() -> None:
    process = start(
        """
        async def main(stop):
            print("started", flush=True)
            await asyncio.Event().wait()
        sys.exit(run(main, grace_s=0.2))
        """
    )
    until_started(process)
    started = time.perf_counter()
    process.terminate()
    status, _, log = finish(process)

    assert status == 1
    assert time.perf_counter() - started < 5
    assert "stop_overdue" in [line["event"] for line in log]


def test_a_second_signal_cuts_it_off_at_once() -> None:
    process = start(
        """
        async def main(stop):
            print("started", flush=True)
            await stop.wait()
            print("started", flush=True)
            await asyncio.Event().wait()
        sys.exit(run(main, grace_s=60))
        """
    )
    until_started(process)
    process.terminate()
    until_started(process)
    process.terminate()

    assert finish(process)[0] == 1


def test_a_failure_is_logged_with_its_traceback_and_without_local_values() -> None:
    process = start(
        """
        async def main(stop):
            payload = "a-person"
            raise LookupError("no luck")
        sys.exit(run(main))
        """
    )
    status, _, log = finish(process)

    assert status == 1
    assert log[-1]["event"] == "failed"
    assert "LookupError: no luck" in str(log[-1]["exception"])
    assert "a-person" not in str(log[-1]["exception"]).replace('payload = "a-person"', "")


def test_logs_of_the_standard_library_are_lines_of_the_same_kind() -> None:
    process = start(
        """
        logging.getLogger("uvicorn.error").warning("hello %s", "there", extra={"payload": "hidden"})
        structlog.get_logger("mine").info("县", count=2)
        logging.getLogger("aiormq.connection").info("too much")
        """
    )
    _, _, log = finish(process)

    assert [(line["event"], line["level"], line["logger"], line["service"]) for line in log] == [
        ("hello there", "warning", "uvicorn.error", "test"),
        ("县", "info", "mine", "test"),
    ]
    assert log[1]["count"] == 2
    assert "payload" not in log[0]


async def test_when_one_part_fails_the_others_are_told_and_may_finish() -> None:
    stop = Stop()
    finished: list[str] = []

    async def fails() -> None:
        raise LookupError("one")

    async def finishes() -> None:
        await stop.wait()
        finished.append("other")

    with pytest.raises(ExceptionGroup) as caught:
        await together(stop, fails(), finishes())

    assert finished == ["other"]
    assert [str(error) for error in caught.value.exceptions] == ["one"]


async def test_parts_that_end_by_themselves_end_the_others() -> None:
    stop = Stop()

    async def ends() -> None:
        return

    await together(stop, ends(), stop.wait())

    assert stop.is_set


async def test_a_stop_cuts_a_sleep_short() -> None:
    stop = Stop()
    sleeping = asyncio.create_task(stop.sleep(3600))
    stop.set()

    async with asyncio.timeout(5):
        await sleeping
    await stop.sleep(3600)
