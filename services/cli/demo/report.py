"""The end of a demonstration: the figures that the ledger gives, and what is unanswered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from services.cli.client import API
from services.cli.demo.cast import DISTRICT
from services.cli.demo.play import Played
from services.cli.demo.tally import DONE, TIERS
from services.cli.layout import Clock, show_table
from services.cli.rate import figures_table, place
from services.cli.stack.stack_file import NAME, StackFile


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ledger says after a run: of the run itself, of the current period, and whether everything adds up."""

    run: Mapping[str, Any]
    period: Mapping[str, Any]
    unanswered: Mapping[str, Mapping[str, Any]]
    conservation: Mapping[str, Any]
    log_keys: Sequence[str]

    def faults(self) -> list[str]:
        """Why the demonstration is no success; none where it is one."""
        faults = [
            f"{tier}: the ledger says {self.run['tiers'][tier]['fraction']}, not {DONE.answered}/{DONE.received}"
            for tier in TIERS
            if self.run["tiers"][tier]["fraction"] != f"{DONE.answered}/{DONE.received}"
        ]
        faults += [f"{tier}: the one unanswered query is not listed" for tier in TIERS if tier not in self.unanswered]
        if not self.conservation["holds"]:
            faults.append("conservation does not hold; `huizhi conservation` shows where")
        return faults


def ask_outcome(api: API, played: Played) -> Outcome:
    """The ledger's word on a run that came to its end."""
    start = played.start.isoformat()
    page = api.pages("unanswered", all_pages=True, jurisdiction=DISTRICT, from_=start, limit=1000)
    return Outcome(
        run=api.ask("rate", jurisdiction=DISTRICT, from_=start),
        period=api.ask("rate", jurisdiction=DISTRICT),
        unanswered={item["tier"]: item for item in page["items"] if item["id"] in played.script.left_open},
        conservation=api.ask("conservation"),
        log_keys=api.log_keys(),
    )


def print_outcome(outcome: Outcome) -> None:
    """The tables of rates and the unanswered queries."""
    clock = Clock.of_settings()
    run, period = outcome.run, outcome.period
    begin, end = clock.moment(run["from"]), clock.moment(run["to"])
    typer.echo(f"\n{place(run)}: this run, {begin} to {end} ({clock.zone})")
    show_table(figures_table(run))
    typer.echo(f"\n{place(period)}: period {period['period']}, {clock.days(period['from'], period['to'])}")
    show_table(figures_table(period))
    typer.echo("\nunanswered in this run")
    for tier in TIERS:
        if item := outcome.unanswered.get(tier):
            typer.echo(f"  {tier:<10}  {item['id']}")
            typer.echo(f"              {item['kind']} from {item['from']}, due {item['due']}")
    if outcome.conservation["holds"]:
        typer.echo(f"\nConservation holds over all {outcome.conservation['entries']:,} entries of the ledger.")


def print_whereabouts(data: Path, addresses: StackFile, log_keys: Sequence[str], *, stays: bool) -> None:
    """Where the HTTP APIs are, what opens them, and how a stranger finds out whether the figures are true."""
    typer.echo(f"\ngateway  {addresses.gateway_url}/docs")
    typer.echo(f"ledger   {addresses.ledger_url}/docs")
    typer.echo(f"token    the administrator's is admin_token in {data / NAME}")
    typer.echo("\nWho trusts nobody here counts anew, from the public files of the log and its public key alone:")
    typer.echo(f"  {verification(addresses, log_keys)}")
    if stays:
        typer.echo(
            f"\nLook further with `huizhi rate {DISTRICT} --data {data}`, `huizhi unanswered`, `huizhi show ID`."
        )
    else:
        typer.echo(f"\nThe stack stops now and keeps its data; `huizhi up --data {data}` starts it again.")


def verification(addresses: StackFile, log_keys: Sequence[str]) -> str:
    """The command that verifies the log and shows the district's rates."""
    return f"huizhi log verify {addresses.ledger_url} --key {log_keys[0]} --jurisdiction {DISTRICT}"


def document(outcome: Outcome, addresses: StackFile) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "run": outcome.run,
        "period": outcome.period,
        "unanswered": outcome.unanswered,
        "conservation": outcome.conservation,
        "log_keys": outcome.log_keys,
        "gateway_url": addresses.gateway_url,
        "ledger_url": addresses.ledger_url,
    }
