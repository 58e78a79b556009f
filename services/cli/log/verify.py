"""`huizhi log verify`: whether a ledger's log is what it says it is, from its public files and its key alone."""

import asyncio
import base64
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.addresses import AddressError, parse_address
from contracts.notes import VerifierKey
from contracts.rates import Figures
from services.cli.context import JSONOption, print_json
from services.cli.layout import Clock, show_table
from services.cli.log.trusted import KeyOption, trusted_keys
from services.cli.rate import Role, figures_table, place
from services.verifier.errors import VerifierError
from services.verifier.result import Result
from services.verifier.source import HTTPSource
from services.verifier.state import State
from services.verifier.verify import verify as verify_log

WRONG = 1
NOT_CHECKED = 2

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def verify(
    url: Annotated[str, typer.Argument(metavar="URL", help="The ledger's URL, or that of its /log.")],
    *,
    key: KeyOption,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Remember there what is verified, and go on from it. Else all is verified."),
    ] = None,
    jurisdiction: Annotated[
        str, typer.Option(metavar="CODE", help="Show the figures of this code with all below it. Default: all.")
    ] = "",
    period: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Show the figures of this month: 2026-11. Default: all.")
    ] = None,
    role: Annotated[Role, typer.Option(help="As the one who was asked, or as the one who asked.")] = Role.RECIPIENT,
    strict: Annotated[
        bool, typer.Option("--strict", help="Status 1 for gaps and repeats in senders' numbers, too.")
    ] = False,
    token: Annotated[
        str | None, typer.Option(envvar="HUIZHI_LOG_TOKEN", metavar="TOKEN", help="Where the log asks for one.")
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Verify a log from its public files and its public key alone, and show the rates that follow from its entries.

    It rebuilds the tree from the entries, replays every total, and checks that the log continues the one seen last
    (with --state). Status 0 when all holds, 1 when something is wrong, 2 when it could not be checked.
    """
    keys = trusted_keys(key)
    _expect_place(jurisdiction, period)
    try:
        result = _verify(url, keys, state, token)
    except VerifierError as error:
        sys.stderr.write(f"huizhi: not verified: {error}\n")
        raise typer.Exit(NOT_CHECKED) from None
    figures = figures_document(result, role, jurisdiction, period)
    if as_json:
        print_json(document(result, figures))
    else:
        _print(result, figures)
    if not result.holds or (strict and (result.numbering.gap_count or result.numbering.repeat_count)):
        raise typer.Exit(WRONG)


def _expect_place(jurisdiction: str, period: str | None) -> None:
    try:
        if jurisdiction:
            parse_address(jurisdiction)
    except AddressError as error:
        raise typer.BadParameter(str(error), param_hint="--jurisdiction") from None
    if period is not None and not _MONTH.fullmatch(period):
        raise typer.BadParameter("a month is written YYYY-MM", param_hint="--period")


def _verify(url: str, keys: list[VerifierKey], path: Path | None, token: str | None) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)

    async def run(progress: Progress, state: State) -> Result:
        task = progress.add_task("entries", total=None)
        async with HTTPSource(url, token) as source:
            return await verify_log(
                source, keys, state, lambda done, total: progress.update(task, completed=done, total=total)
            )

    with State(path) as state, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        return asyncio.run(run(progress, state))


def figures_document(result: Result, role: str, jurisdiction: str, period: str | None) -> dict[str, Any] | None:
    """The figures as the ledger's API says them; None where there are none that could be trusted."""
    tiers = result.figures(role, jurisdiction, period)
    if not tiers:
        return None
    about = {"jurisdiction": jurisdiction, "name": None, "role": role, "period": period, "tier": None}
    total = sum(tiers.values(), Figures())
    return {**about, **_members(total), "tiers": {tier: _members(figures) for tier, figures in tiers.items()}}


def document(result: Result, figures: dict[str, Any] | None) -> dict[str, Any]:
    """All of it for programs. ``checkpoints`` are signed notes that contradict each other: evidence to keep."""
    checkpoint, numbering = result.checkpoint, result.numbering
    return {
        "holds": result.holds,
        "log": checkpoint and checkpoint.origin,
        "entries": checkpoint and checkpoint.size,
        "root": checkpoint and base64.b64encode(checkpoint.root).decode(),
        "verified_before": result.before and result.before.size,
        "newest_at": result.newest_at,
        "findings": [asdict(finding) for finding in result.findings],
        "finding_count": result.findings.count,
        "checkpoints": list(result.notes),
        "closed": dict(sorted(result.closed.items())),
        "numbering": asdict(numbering),
        "figures": figures,
    }


def _members(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "rate": figures.rate, "fraction": figures.fraction}


def _print(result: Result, figures: dict[str, Any] | None) -> None:
    clock = Clock.of_settings()
    checkpoint = result.checkpoint
    if checkpoint is not None:
        typer.echo(f"log         {checkpoint.origin}")
        before = "" if result.before is None else f", {result.before.size:,} of them verified before"
        typer.echo(f"checkpoint  {checkpoint.size:,} entries{before}")
        typer.echo(f"root        {base64.b64encode(checkpoint.root).decode()}")
    if result.newest_at is not None:
        typer.echo(f"newest      {clock.moment(result.newest_at.isoformat())} ({clock.zone})")
    if figures is not None:
        typer.echo(f"\n{place(figures)}: {_span(figures)}, counted from the entries")
        show_table(figures_table(figures))
    _print_numbering(result)
    _print_findings(result)


def _span(figures: dict[str, Any]) -> str:
    span = f"period {figures['period']}" if figures["period"] else "all periods"
    return f"{span}, as the one who asked" if figures["role"] == Role.SENDER else span


def _print_numbering(result: Result) -> None:
    numbering = result.numbering
    for title, count, told in (
        ("gaps", numbering.gap_count, numbering.gaps),
        ("repeats", numbering.repeat_count, numbering.repeats),
    ):
        if count:
            typer.echo(f"\n{count:,} {title} in the numbers that senders give their messages:")
            for one in told:
                typer.echo(f"  {one}")
            _print_rest(count - len(told))


def _print_findings(result: Result) -> None:
    if result.holds:
        senders = result.numbering.senders
        typer.echo("\nThe log holds: the signature, the tree, every total, every closing, and conservation.")
        if senders and not (result.numbering.gap_count or result.numbering.repeat_count):
            whose = "1 sender that numbers" if senders == 1 else f"{senders:,} senders that number"
            typer.echo(f"No number is missing of {whose} messages.")
        return
    count = result.findings.count
    typer.echo(f"\nThe log does NOT hold: {count:,} {'thing is' if count == 1 else 'things are'} wrong.")
    told = list(result.findings)
    for finding in told:
        typer.echo(f"  {finding.check}: {finding}")
    _print_rest(count - len(told))
    for title, note in zip(("verified before", "served now"), result.notes, strict=False):
        typer.echo(f"\nThe checkpoint that was {title}; keep it as evidence:\n\n{note}")


def _print_rest(count: int) -> None:
    if count:
        typer.echo(f"  and {count:,} more")
