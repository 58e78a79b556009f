"""The commands on the registry, against a real exchange, as their users and scripts call them."""

import asyncio
import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import aio_pika
import pytest
import typer
from typer.testing import CliRunner, Result

from contracts.kinds import built_in_kinds
from services.cli import directory, kind, participant
from services.cli.errors import CommandError
from services.cli.stack.stack_file import StackFile
from services.registry.kinds import add_absent_kinds
from tests.integration.registry.conftest import CHANGES, DIVISIONS, HENAN, Exchange


@pytest.fixture
def data(exchange: Exchange, tmp_path: Path) -> Path:
    """The directory of a stack that consists of the test's exchange."""
    StackFile(
        amqp_url=exchange.amqp_url,
        broker_api_url=exchange.api_url,
        gateway_url="",
        ledger_url="",
        database_url=exchange.database_url,
        admin_token="",
        services=(),
    ).write(tmp_path)
    return tmp_path


async def run(app: typer.Typer, data: Path, *arguments: object) -> Result:
    """Run a command in a thread, since it has an event loop of its own; a CommandError is raised."""
    words = [*map(str, arguments), "--data", str(data)]
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, words))
    if isinstance(result.exception, CommandError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


async def run_json(app: typer.Typer, data: Path, *arguments: object) -> Any:
    return json.loads((await run(app, data, *arguments, "--json")).stdout)


async def test_participant_add_prints_what_a_participant_needs_and_nothing_else(data: Path) -> None:
    added = await run_json(participant.app, data, "add", "410102", "--name", "中原区公安局")
    assert set(added) == {"address", "amqp_url", "token"}
    async with await aio_pika.connect(added["amqp_url"]):
        pass
    shown = await run_json(participant.app, data, "show", "410102")
    assert (shown["name"], shown["status"], shown["inbox"]["messages"]) == ("中原区公安局", "active", 0)
    assert added["token"] not in json.dumps(shown)
    assert datetime.fromisoformat(shown["created_at"]).isoformat() == shown["created_at"]
    with pytest.raises(CommandError, match="participant already"):
        await run(participant.app, data, "add", "410102")


async def test_participant_list_show_disable_and_enable_speak_to_people(data: Path) -> None:
    text = (await run(participant.app, data, "add", "410202")).stdout
    assert "410202 河南省开封市龙亭区 is a participant." in text
    assert "shown this once" in text
    assert "disabled" in (await run(participant.app, data, "disable", "410202")).stdout
    assert "disabled" in (await run(participant.app, data, "list")).stdout
    assert "active" in (await run(participant.app, data, "enable", "410202")).stdout
    assert "0 messages" in (await run(participant.app, data, "show", "410202")).stdout
    assert [row["address"] for row in await run_json(participant.app, data, "list", "41")] == ["410202"]


async def test_participant_add_all_counties_keeps_the_secrets_in_a_private_file(data: Path) -> None:
    await run(participant.app, data, "add", "410102")
    summary = await run_json(participant.app, data, "add", "--all-counties", "--province", "41")
    path = Path(summary["credentials"])
    assert (summary["added"], summary["present_before"]) == (2, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["address"] for line in lines] == ["410103", "410202"]
    again = await run_json(participant.app, data, "add", "--all-counties", "--province", "41")
    assert (again["added"], again["present_before"]) == (0, 3)


@pytest.mark.parametrize(
    "arguments",
    [[], ["410102", "--all-counties"], ["410102", "--province", "41"], ["--all-counties", "--name", "x"]],
)
async def test_participant_add_wants_one_address_or_all_counties(data: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="either one ADDRESS, or --all-counties"):
        await run(participant.app, data, "add", *arguments)


async def test_directory_show_and_resolve_say_what_a_code_is(data: Path) -> None:
    assert "河南省开封市龙亭区" in (await run(directory.app, data, "show", "410202")).stdout
    shown = await run_json(directory.app, data, "show", "4102")
    assert (shown["full_name"], [row["code"] for row in shown["below"]]) == ("河南省开封市", ["410202"])
    retired = (await run(directory.app, data, "show", "412401")).stdout
    assert "leads to 410202: 河南省开封市龙亭区 (412401 → 410202)" in retired
    assert "1983 同名改码: 412401 龙亭区 → 410202 龙亭区" in retired
    resolved = await run_json(directory.app, data, "resolve", "412401.health")
    assert resolved == {"address": "410202.health", "status": "successor", "path": ["412401", "410202"]}
    assert "parked" in (await run(directory.app, data, "resolve", "410112")).stdout
    assert "refused" in (await run(directory.app, data, "resolve", "999999")).stdout
    with pytest.raises(CommandError, match="999999 is and was no code"):
        await run(directory.app, data, "show", "999999")
    with pytest.raises(CommandError, match="is not an address"):
        await run(directory.app, data, "resolve", "41010")


async def test_directory_import_reports_or_refuses_with_the_line(data: Path) -> None:
    file, changes = data / "新.csv", data / "changes.csv"
    changes.write_text(CHANGES)
    file.write_text(DIVISIONS + HENAN.replace("410103,二七区", "410104,管城回族区").replace("龙亭区", "龙亭新区"))
    report = await run_json(directory.app, data, "import", file, changes)
    assert [report[key] for key in ("added", "changed", "retired", "changes")] == [1, 1, 1, 0]
    assert report["retired_codes"] == ["410103"]
    assert "added" in (await run(directory.app, data, "import", file)).stdout
    file.write_text(DIVISIONS + HENAN + "4103,洛阳市,prefecture,42\n")
    with pytest.raises(CommandError, match=r"新\.csv, line 8: .* Nothing was changed"):
        await run(directory.app, data, "import", file)
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        await run(directory.app, data, "import", data / "absent.csv")


async def test_a_participant_on_a_retired_code_is_pointed_out(data: Path) -> None:
    await run(participant.app, data, "add", "410103")
    file = data / "new.csv"
    file.write_text(DIVISIONS + HENAN.replace("410103,二七区,county,4101\n", ""))
    assert (await run_json(directory.app, data, "import", file))["stranded_participants"] == ["410103"]
    assert "on a retired code" in (await run(participant.app, data, "show", "410103")).stdout


async def test_kinds_are_listed_shown_and_imported_from_what_show_prints(data: Path, exchange: Exchange) -> None:
    await add_absent_kinds(exchange.connection, built_in_kinds(), actor="test")
    assert len(await run_json(kind.app, data, "list")) == len(built_in_kinds())
    assert "certificate.verify" in (await run(kind.app, data, "list")).stdout
    file = data / "kind.yaml"
    file.write_text((await run(kind.app, data, "show", "certificate.verify")).stdout)
    assert await run_json(kind.app, data, "import", file) == {"name": "certificate.verify", "new": False}
    file.write_text(file.read_text().replace("certificate.verify", "certificate.renew"))
    assert "added" in (await run(kind.app, data, "import", file)).stdout
    file.write_text("name: x\n")
    with pytest.raises(CommandError, match=r"kind\.yaml: "):
        await run(kind.app, data, "import", file)
    with pytest.raises(CommandError, match=r"there is no kind absent\.kind; there are case.assist"):
        await run(kind.app, data, "show", "absent.kind")


async def test_a_directory_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="huizhi up"):
        await run(directory.app, tmp_path, "show", "41")
