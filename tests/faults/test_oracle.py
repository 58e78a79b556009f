"""The oracle itself: without a fault everything agrees, over both doors."""

from pathlib import Path

from tests.faults.harness.oracle import oracle, queries
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import fault_stack


async def test_without_a_fault_everybody_agrees_and_nothing_comes_twice(servers: Servers, tmp_path: Path) -> None:
    async with fault_stack(servers, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        await stack.start()
        parties.read_all()
        await parties["110101"].send(queries(600, "410102", "410202"))
        await parties["410102"].post(queries(100, "110101"), stack.gateway_urls)

        verdict = await parties.verdict()

    assert verdict.clean, verdict
    assert verdict.redelivered == 0
    assert verdict.confirmed == verdict.attempted == verdict.recorded == verdict.delivered
    assert len(verdict.answered) > 500
