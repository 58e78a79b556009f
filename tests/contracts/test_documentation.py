"""What the pages say, held against the code: a line that is missing, or one too many, is a failure."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client import CollectorRegistry
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings
from typer.testing import CliRunner

from contracts.envelope import (
    FROM_THE_EXCHANGE,
    MEMBERS_OF,
    ExtensionReply,
    MessageType,
    Outcome,
    Urgency,
    read_envelope,
)
from contracts.kinds import built_in_kinds
from contracts.payloads import MAX_PAYLOAD_BYTES
from contracts.problems import ProblemType
from contracts.reasons import ReasonCode
from contracts.reminders import DEFAULT_POLICY, policy_from_definition
from contracts.targets import read_targets
from services.cli.__main__ import app
from services.cli.kind import described_deadline
from services.cli.reconcile.difference import Reason
from services.gateway.ingress import _HEADERS as SENT_HEADERS
from services.gateway.metrics import GatewayMetrics
from services.ledger.metrics import LedgerMetrics
from services.ledger.records import Move
from services.ledger.replies import REPLIES
from services.ledger.settings import LedgerSettings, ProofSettings
from services.ledger.store.metadata import METADATA
from services.ledger.transitions import CLOSED, OPEN, TRANSITIONS, Event
from services.router.addressing import ParkingReason
from services.router.metrics import RouterMetrics
from services.router.settings import RouterSettings
from services.runtime import settings, topology
from services.runtime.metrics import PumpMetrics, service_registry
from services.witness.metrics import WitnessMetrics
from services.witness.outcome import Outcome as WitnessOutcome
from tests.contracts.documents import gateway_document, ledger_document
from tests.contracts.pages import ARCHITECTURE, GUIDE, ROOT, blocks, pages, programs, prose, table
from tests.contracts.schemas import documents, validator

SETTINGS_PAGE = ROOT / "docs" / "operations" / "settings.md"
REGISTRY_PAGE = ROOT / "docs" / "operations" / "registry.md"
WATCHING_PAGE = ROOT / "docs" / "operations" / "watching.md"
WITNESSES_PAGE = ROOT / "docs" / "operations" / "witnesses.md"
_OUTSIDE_SETTINGS = {"HUIZHI_DATA", "HUIZHI_TOKEN"}
_MADE_BY_A_COMMAND = {"tests/bench/results/latest.json"}


def test_the_guide_lists_every_problem_with_its_status_and_title() -> None:
    listed = {row[0]: (row[1], row[2].partition(" (")[0]) for row in table(GUIDE, "urn:huizhi:problem:")}

    assert listed == {problem.slug: (str(problem.status), problem.title) for problem in ProblemType}


def test_the_guide_says_what_to_do_about_every_problem() -> None:
    assert all(row[3] for row in table(GUIDE, "urn:huizhi:problem:"))


def test_the_guide_lists_every_header_that_the_gateway_reads_and_on_which_type() -> None:
    rows = table(GUIDE, "header", "on", "")
    listed = {name: on for names, on, _ in rows for name in names.split(", ")}

    assert listed == {
        name: "all" if len(types) == len(MessageType) else ", ".join(types)
        for name in SENT_HEADERS
        for types in [[type.value for type in MessageType if name in MEMBERS_OF[type]]]
    }


def test_the_guide_lists_every_header_that_the_router_writes_and_on_which_type() -> None:
    text = GUIDE.read_text("utf-8")
    received = table_in(text[text.index("## Receiving") :])
    types = [*(type.value for type in MessageType), *FROM_THE_EXCHANGE]
    written = {
        type: set(documents()[f"delivered-{type}.json"]["properties"]["headers"]["properties"]) for type in types
    }

    for type in types:
        groups = {"all", type} | (set() if type in FROM_THE_EXCHANGE else {"participants"})
        assert {name for name, on in received.items() if groups & set(on.split(", "))} == written[type]


def test_the_guide_names_every_type_and_outcome_and_the_largest_payload() -> None:
    text = prose(GUIDE)

    words = [*MessageType, *FROM_THE_EXCHANGE, *Outcome, *ExtensionReply, *Urgency]
    assert all(f"`{word}`" in text for word in words)
    assert f"{MAX_PAYLOAD_BYTES:,} bytes" in text


def test_the_guide_shows_every_type_with_a_message_that_can_be_copied() -> None:
    shown = [json.loads(block.text) for block in blocks(GUIDE) if block.language == "json" and '"type"' in block.text]
    messages = [message for message in shown if "payload" in message]

    assert {message["type"] for message in messages} >= set(MessageType) - {MessageType.NOTICE}
    for message in messages:
        envelope = read_envelope(message)
        assert message.keys() - {"payload"} <= MEMBERS_OF[envelope.type]


def test_the_guide_lists_every_code_of_a_reason() -> None:
    assert [row[0] for row in table(GUIDE, "code", "for instance")] == list(ReasonCode)


def test_the_guide_lists_every_reason_of_a_reconciliation() -> None:
    assert {
        row[0] for row in table(GUIDE, "reason", "why you have it and the ledger's list does not, or differently")
    } == {reason.value for reason in Reason}


def test_the_guide_shows_a_reminder_as_its_schema_has_it() -> None:
    (shown,) = [json.loads(block.text) for block in blocks(GUIDE) if '"step"' in block.text]
    steps = [step for row in table(GUIDE, "step", "to") for step in row[0].split(", ")]
    schema = validator("reminder.json")

    for step in [shown["step"], *steps]:
        assert list(schema.iter_errors(shown | {"step": step})) == []
    assert list(schema.iter_errors(shown | {"step": "before"}))


def test_the_guide_lists_every_built_in_kind_as_its_document_has_it() -> None:
    expected = []
    for kind in built_in_kinds():
        required = list(kind.schema["required"])
        optional = [name for name in kind.schema["properties"] if name not in required]
        deadline = described_deadline(kind)
        expected.append([kind.name, kind.type.value, deadline, ", ".join(required), ", ".join(optional)])

    assert table(GUIDE, "kind", "type") == expected


def test_the_registry_page_lists_every_member_of_a_kinds_document() -> None:
    query = next(kind for kind in built_in_kinds() if kind.answer_owed)

    assert {row[0] for row in table(REGISTRY_PAGE, "member", "")} == query.definition().keys()


def test_the_registry_page_shows_the_reminders_that_hold_by_default() -> None:
    shown = next(block.text for block in blocks(REGISTRY_PAGE) if block.language == "yaml")

    assert policy_from_definition(yaml.safe_load(shown)["reminders"]) == DEFAULT_POLICY


def test_the_guide_lists_every_path_of_the_http_apis_with_its_parameters() -> None:
    listed = {tuple(row[0].split(" ")[:2]): row[1] for row in table(GUIDE, "request", "answer")}
    offered = {
        (method.upper(), path): [parameter["name"] for parameter in operation.get("parameters", [])]
        for document in (gateway_document(), ledger_document())
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    }

    assert listed.keys() == offered.keys()
    for request, parameters in offered.items():
        # A participant has one sender, itself, and the id of a message stands in its path.
        named = set(re.findall(r"\w+", listed[request]))
        assert set(parameters) - {"sender", "id"} <= named, request


def test_the_state_diagram_and_the_table_below_it_are_the_transition_table() -> None:
    (diagram,) = [block.text for block in blocks(ARCHITECTURE) if block.language == "mermaid"]
    frame = re.search(r"state open \{\n(.*?)\n\s*\}", diagram, re.DOTALL)
    assert frame
    # Mermaid takes no hyphen in a name.
    within = {name.replace("_", "-") for name in re.findall(r"\w+(?= -->)|(?<=--> )\w+", frame[1])}
    arrows = [
        (begin.replace("_", "-"), end.replace("_", "-"), event)
        for begin, end, event in re.findall(r"^\s*(\S+) --> (\w+): ([\w-]+)$", diagram, re.MULTILINE)
    ]
    drawn = {(each, end, event) for begin, end, event in arrows for each in (within if begin == "open" else {begin})}
    staying = {
        (state, state, event)
        for states, events in table(ARCHITECTURE, "state", "what happens")
        for state in states.split(", ")
        for event in events.partition(", for ")[0].split(", ")
    }
    closed = set(re.findall(r"^\s*(\w+) --> \[\*\]$", diagram, re.MULTILINE))
    known = {(str(state or "[*]"), str(after), str(event)) for (state, event), after in TRANSITIONS.items()}

    assert within == OPEN
    assert not drawn & staying
    assert drawn | staying == known
    assert closed == CLOSED
    assert {event for _, _, event in known} | {"refused", "closed"} == {event.value for event in Event}


def test_the_architecture_page_explains_every_counter() -> None:
    assert {row[0] for row in table(ARCHITECTURE, "counter")} == {field.name for field in fields(Move)}


def test_the_architecture_page_says_who_may_say_what_about_a_query() -> None:
    said = {word for row in table(ARCHITECTURE, "who", "may say about a query") for word in re.findall(r"\w+", row[1])}

    assert said - {"asks", "partial", "replies"} == REPLIES


def test_the_parking_reasons_are_those_of_the_router() -> None:
    reasons = {reason.value for reason in ParkingReason}

    assert {row[0] for row in table(ARCHITECTURE, "reason", "means")} == reasons
    assert {row[0] for row in table(WATCHING_PAGE, "reason", "what to do")} == reasons


def test_the_topology_table_is_the_topology() -> None:
    core = topology.core_topology("3.10.8", topology.QueueLimits())
    inbox = topology.inbox_topology(["<address>"], topology.QueueLimits())
    types = {exchange.name: exchange.type for exchange in core.exchanges}
    expected = {
        (queue.exchange, types[queue.exchange], queue.name, queue.routing_key, _sort(queue), _onward(queue))
        for queue in (*core.queues, *inbox.queues)
    }

    assert {tuple(row) for row in table(ARCHITECTURE, "exchange", "type")} == expected
    assert {row[0] for row in expected} == types.keys()
    named = {name for queue in core.queues for name in queue.arguments}
    assert all(f"`{name}`" in prose(ARCHITECTURE) for name in named - {"x-queue-type"})
    assert f"`x-delivery-limit` {topology.DELIVERY_LIMIT}" in prose(ARCHITECTURE)
    assert ["returns of one message to an inbox", str(topology.DELIVERY_LIMIT)] in table(GUIDE, "what", "limit")


def test_the_permission_table_is_the_topology() -> None:
    accounts = dict(topology.SERVICE_PERMISSIONS)
    accounts["participant 410102"] = topology.participant_permissions("410102")
    accounts["the same, disabled"] = topology.participant_permissions("410102", active=False)

    assert {row[0]: tuple(row[1:]) for row in table(ARCHITECTURE, "account", "configure")} == {
        account: (allowed.configure, allowed.write, allowed.read) for account, allowed in accounts.items()
    }


def test_the_architecture_page_lists_every_table_of_the_database() -> None:
    listed = {name for row in table(ARCHITECTURE, "table", "what it holds") for name in row[0].split(", ")}

    assert listed == set(METADATA.tables)


def test_the_settings_page_lists_every_variable_with_its_default() -> None:
    listed = {row[0]: row[1] for row in table(SETTINGS_PAGE, "variable", "default")}
    known = dict(_variables())

    assert listed.keys() == known.keys() | _OUTSIDE_SETTINGS
    for variable, default in known.items():
        assert listed[variable] == default, variable


def test_the_settings_page_shows_targets_that_can_be_set() -> None:
    shown = next(block.text for block in blocks(SETTINGS_PAGE) if block.language == "json")

    assert read_targets(shown).by_level


def test_the_metrics_table_lists_every_metric_with_its_type_and_its_service() -> None:
    expected: dict[str, tuple[str, str]] = {}
    for service, registry in _registries().items():
        for family in registry.collect():
            if family.name.startswith("huizhi_"):
                name = family.name + ("_total" if family.type == "counter" else "")
                services = service if name not in expected else "all"
                expected[name] = (services, family.type)

    assert {row[0]: (row[1], row[2]) for row in table(WATCHING_PAGE, "metric", "from")} == expected


def test_the_pages_list_every_outcome_of_a_request_to_a_witness() -> None:
    asked = {family.name: family for family in _registries()["ledger"].collect()}["huizhi_ledger_witness_requests"]
    outcomes = {sample.labels["outcome"] for sample in asked.samples}
    said = {
        row[0]: set(re.findall(r"[\w-]+", row[3].partition("outcome: ")[2])) for row in table(WATCHING_PAGE, "metric")
    }

    assert {row[0] for row in table(WITNESSES_PAGE, "outcome", "what it says")} == outcomes
    assert said["huizhi_ledger_witness_requests_total"] == outcomes
    assert said["huizhi_witness_requests_total"] == {outcome.label for outcome in WitnessOutcome}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    for line in _commands(page):
        _check_command(line)


@pytest.mark.parametrize("line", ["nonsense", "rate --nonsense", "participant nonsense", "up --data DIR --loud"])
def test_a_command_that_does_not_exist_would_be_found(line: str) -> None:
    with pytest.raises(AssertionError):
        _check_command(line)


def test_the_pages_show_every_command_and_each_has_help() -> None:
    shown = " ".join(line for page in pages() for line in _commands(page))
    runner = CliRunner()

    for path in _paths(typer.main.get_command(app), ()):
        assert runner.invoke(app, [*path, "--help"]).exit_code == 0
        assert path[0] in shown, f"no page shows huizhi {path[0]}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)

    assert set(named) <= targets


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_path_and_test_that_a_page_names_is_there(page: Path) -> None:
    text = prose(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("http"):
            _check_link(page, target)
    for path in re.findall(r"`((?:services|contracts|tests|deploy|docs)/[^`\s*<]*)`", text):
        assert path in _MADE_BY_A_COMMAND or (ROOT / path).exists(), path
    for name in re.findall(r"`(test_\w+)`", text):
        assert f"def {name}(" in _all_tests(), name


def test_the_readmes_show_the_programs_of_the_guide() -> None:
    for readme in ("README.md", "README.zh-CN.md"):
        shown = programs(ROOT / readme)
        assert shown.keys() == {"Ask.java", "post.sh"}
        assert shown.items() <= programs(GUIDE).items()


def test_every_decision_stands_in_the_list_and_has_its_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\) \| (.+) \|", (folder / "README.md").read_text("utf-8"))

    assert [name for name, _ in listed] == sorted(path.name for path in folder.glob("0*.md"))
    for name, title in listed:
        lines = (folder / name).read_text("utf-8").splitlines()
        assert lines[0] == f"# {name[:4]} {title}"
        parts = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
        assert parts == ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]


def _sort(queue: topology.Queue) -> str:
    alone = ", one at a time" if "x-single-active-consumer" in queue.arguments else ""
    return ("guarded" if "x-overflow" in queue.arguments else "unlimited") + alone


def _onward(queue: topology.Queue) -> str:
    exchange = queue.arguments.get("x-dead-letter-exchange")
    if exchange == topology.QUARANTINE:
        return topology.quarantine_queue(str(queue.arguments["x-dead-letter-routing-key"]))
    return str(exchange or "–")


def table_in(text: str) -> dict[str, str]:
    """The first table of headers in ``text``: name and on which types."""
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", text.partition("\n- **")[0], re.MULTILINE)
    return dict(rows)


def _variables() -> Iterator[tuple[str, str]]:
    classes: list[type[BaseSettings]] = [
        known for known in vars(settings).values() if isinstance(known, type) and issubclass(known, BaseSettings)
    ]
    classes += [LedgerSettings, ProofSettings, RouterSettings]
    for owner in classes:
        prefix = str(owner.model_config.get("env_prefix", ""))
        for name, field in owner.model_fields.items():
            alias = field.validation_alias
            yield (alias if isinstance(alias, str) else prefix + name.upper()), _default(field)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "–"
    if isinstance(field.default, float):
        return f"{field.default:g}"
    return str(field.default) or "empty"


def _registries() -> dict[str, CollectorRegistry]:
    registries = {service: service_registry(service) for service in ("gateway", "ledger", "router")}
    GatewayMetrics(registries["gateway"])
    LedgerMetrics(registries["ledger"])
    RouterMetrics(registries["router"])
    for registry in registries.values():
        PumpMetrics(registry)
    registries["witness"] = service_registry("witness")
    WitnessMetrics(registries["witness"])
    return registries


def _commands(page: Path) -> list[str]:
    in_blocks = [
        line.strip().removesuffix("&").partition("huizhi ")[2]
        for block in blocks(page)
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.strip().startswith((".venv/bin/huizhi ", "huizhi "))
    ]
    in_text = re.findall(r"`(?:[A-Z_]+=\S+ )?huizhi ([^`]+)`", prose(page))
    return [*in_blocks, *in_text]


def _check_command(line: str) -> None:
    command = typer.main.get_command(app)
    words = line.split()
    while hasattr(command, "commands") and words:
        known = command.commands
        assert words[0] in known, f"huizhi {line}: there is no {words[0]}"
        command = known[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, f"huizhi {line}"


def _paths(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield path
    for name, child in children.items():
        yield from _paths(child, (*path, name))


def _check_link(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    assert file.exists(), target
    if anchor:
        headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in anchors, target


def _all_tests() -> str:
    return "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
