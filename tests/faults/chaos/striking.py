"""Carries strikes out. Each returns, as one line for the report, what was seen of it; afterwards its target is up."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping

from tests.acceptance.waiting import until
from tests.faults.chaos.bench import ChaosBench
from tests.faults.chaos.faults import BROKER, DATABASE, Fault
from tests.faults.chaos.mortal_broker import LITTLE, NO_WATERMARK, WATERMARK
from tests.faults.chaos.schedule import Strike


async def strike_now(bench: ChaosBench, strike: Strike) -> str:
    """Do it, for as long as it is to last, and let the target come back."""
    return await (_SERVERS.get((strike.target, strike.fault)) or _SERVICES[strike.fault])(bench, strike)


async def _kill_service(bench: ChaosBench, strike: Strike) -> str:
    await bench.keeper.kill(strike.target, strike.held)
    return "started again"


async def _pause_service(bench: ChaosBench, strike: Strike) -> str:
    one = bench.stack[strike.target]
    # It may have died by itself just now, and is started again in a moment.
    await until(f"{one.name} runs", lambda: one.running)
    one.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(strike.held)
    finally:
        one.send(signal.SIGCONT)
    return "went on"


async def _kill_broker(bench: ChaosBench, strike: Strike) -> str:
    await bench.broker.node.kill()
    bench.keeper.count_kill(BROKER)
    await asyncio.sleep(strike.held)
    await bench.broker.up()
    return "takes connections again"


async def _pause_broker(bench: ChaosBench, strike: Strike) -> str:
    bench.broker.node.pause()
    try:
        await asyncio.sleep(strike.held)
    finally:
        bench.broker.node.go_on()
    await bench.broker.up()
    return "takes connections again"


async def _stop_app(bench: ChaosBench, strike: Strike) -> str:
    await bench.broker.ctl("stop_app")
    await asyncio.sleep(strike.held)
    await bench.broker.ctl("start_app")
    await bench.broker.up()
    return "takes connections again"


async def _delete_consumer(bench: ChaosBench, strike: Strike) -> str:
    assert strike.queue is not None
    count = await bench.broker.delete_consumers(bench.stack.platform.vhost, strike.queue)
    return f"{count} consumers of {strike.queue} were told so"


async def _alarm_memory(bench: ChaosBench, strike: Strike) -> str:
    await bench.broker.ctl("set_vm_memory_high_watermark", NO_WATERMARK)
    try:
        await bench.broker.alarm(on=True)
        await asyncio.sleep(strike.held)
    finally:
        await bench.broker.ctl("set_vm_memory_high_watermark", WATERMARK)
    await bench.broker.alarm(on=False)
    return "the alarm went on, and off again"


async def _leave_little_room(bench: ChaosBench, strike: Strike) -> str:
    size = await asyncio.to_thread(bench.broker.disk.fill, LITTLE)
    try:
        await bench.broker.alarm(on=True)
        await asyncio.sleep(strike.held)
    finally:
        bench.broker.disk.relieve()
    await bench.broker.alarm(on=False)
    return f"{size >> 20} MB of ballast, the alarm went on, and off again"


async def _stop_database(bench: ChaosBench, strike: Strike) -> str:
    await bench.database.stop_at_once()
    bench.keeper.count_kill(DATABASE)
    await asyncio.sleep(strike.held)
    await bench.database.up()
    return "answers again"


async def _kill_backend(bench: ChaosBench, strike: Strike) -> str:
    await bench.database.kill_writer()
    bench.keeper.count_kill(DATABASE)
    await bench.database.up()
    return "answers again"


async def _fill_database(bench: ChaosBench, strike: Strike) -> str:
    panics = bench.database.panics()
    size = await asyncio.to_thread(bench.database.disk.fill)
    try:
        await bench.database.run_out_of_room()
        await asyncio.sleep(strike.held)
    finally:
        bench.database.disk.relieve()
    await bench.database.up()
    panics = bench.database.panics() - panics
    if panics:
        bench.keeper.count_kill(DATABASE)
    return f"{size >> 20} MB of ballast, no space left, {panics} panics; answers again"


_Strike = Callable[[ChaosBench, Strike], Awaitable[str]]

_SERVICES: Mapping[Fault, _Strike] = {Fault.KILL: _kill_service, Fault.PAUSE: _pause_service}

_SERVERS: Mapping[tuple[str, Fault], _Strike] = {
    (BROKER, Fault.KILL): _kill_broker,
    (BROKER, Fault.PAUSE): _pause_broker,
    (BROKER, Fault.STOP_APP): _stop_app,
    (BROKER, Fault.CONSUMER): _delete_consumer,
    (BROKER, Fault.MEMORY): _alarm_memory,
    (BROKER, Fault.LOW_DISK): _leave_little_room,
    (DATABASE, Fault.IMMEDIATE): _stop_database,
    (DATABASE, Fault.BACKEND): _kill_backend,
    (DATABASE, Fault.DISK): _fill_database,
}
