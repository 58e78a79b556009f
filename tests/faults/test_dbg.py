import asyncio
from tests.faults.test_lost_replies import *
@pytest.mark.parametrize("n", range(12))
async def test_dbg(servers, tmp_path, n):
    async with proxied_service(servers, tmp_path, "ledger") as (stack, parties, broker, database):
        loading = asyncio.create_task(load(stack, parties))
        await asyncio.sleep(0.35 + 0.05*n)
        broker.freeze(); database.freeze()
        for i in range(5):
            await asyncio.sleep(2)
            async with stack.database() as c:
                rows = await c.fetch("select pid, application_name, state, wait_event_type, wait_event, now()-state_change as since, pg_blocking_pids(pid) as b, backend_start::time bs, left(query,60) q from pg_stat_activity where datname=current_database() and application_name like 'huizhi ledger w%'")
                print("----", i, await c.fetchrow("select * from log_head"))
                for r in rows: print(dict(r))
        await loading
        v = await parties.verdict()
        print(v.clean)
        assert v.clean
