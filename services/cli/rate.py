"""`huizhi rate`: the feedback rate of a jurisdiction, by tier and in total."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from contracts.rates import shown
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import WHOLE_PLATFORM, Clock, show_table, table
from services.cli.proof_file import write_proof

COUNTS = {
    "received": "received",
    "answered": "answered",
    "on_time": "on time",
    "on_time_original": "on time at first",
    "substantive": "substantive",
    "unanswered": "unanswered",
    "withdrawn": "withdrawn",
    "forwarded": "forwarded",
}
"""The figures that are shown, and what each is called; `on time at first` is by the date before any extension."""


class Role(StrEnum):
    """Whose figures they are."""

    RECIPIENT = "recipient"
    SENDER = "sender"


class TierName(StrEnum):
    """Between provinces, or within one."""

    NATIONAL = "national"
    PROVINCIAL = "provincial"


class Codes(StrEnum):
    """Under which codes figures are read."""

    THEN = "then"
    TODAY = "today"


CodeArgument = Annotated[
    str, typer.Argument(metavar="[CODE]", help="A code of any level; it counts with all below it. Default: all.")
]
TierOption = Annotated[TierName | None, typer.Option(help="Only this tier.")]
KindOption = Annotated[str | None, typer.Option(metavar="KIND", help="Only this kind.")]
PeriodOption = Annotated[
    str | None, typer.Option(metavar="PERIOD", help="Received in this statistical month or year: 2026-11, 2026.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="Received at or after this day or moment.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Received up to this day or moment.")]

CodesOption = Annotated[
    Codes, typer.Option(help="As counted under the codes of the time, or read under today's codes.")
]


def rate(
    code: CodeArgument = "",
    *,
    role: Annotated[Role, typer.Option(help="As the one who was asked, or as the one who asked.")] = Role.RECIPIENT,
    tier: TierOption = None,
    period: PeriodOption = None,
    start: FromOption = None,
    end: ToOption = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="As it stood then. Default: now.")] = None,
    kind: KindOption = None,
    codes: CodesOption = Codes.THEN,
    proof: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a proof of a month's figures there; `huizhi log check` checks it."),
    ] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="With --proof: of the figures that were fixed when the month was closed.")
    ] = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show the feedback rate: answered of received, in the current period unless another span is named."""
    asked = {"jurisdiction": code, "role": role, "tier": tier, "period": period, "from": start, "to": end}
    asked |= {"as_of": as_of, "kind": kind, "codes": codes}
    if closed and proof is None:
        raise CommandError("--closed goes with --proof; `huizhi period show` has closed figures")
    with API(data) as api:
        if proof is not None:
            # Before the figures: where they cannot be proved the reason is said, and nothing else.
            content, _ = api.download("rate", **asked, proof="true", closed=str(closed).lower())
            write_proof(content, proof)
        answer = api.ask("rate", **asked)
    if as_json:
        print_json(answer)
        return
    for line in heading(answer, Clock.of_settings()):
        typer.echo(line)
    show_table(figures_table(answer))


def heading(answer: Mapping[str, Any], clock: Clock) -> list[str]:
    """Of whom, when and what a rate is, above its table."""
    lines = [place(answer)]
    if answer["role"] == Role.SENDER:
        lines[0] += ", as the one who asked"
    return [*lines, *spanned(answer, clock), ""]


def spanned(answer: Mapping[str, Any], clock: Clock) -> list[str]:
    """When what is counted was received, as of when it is counted, and of which kind it is."""
    span = clock.days(answer["from"], answer["to"])
    lines = [f"received {span}" + (f" (period {answer['period']})" if answer["period"] else "")]
    lines.append(f"as of {clock.moment(answer['as_of'])} ({clock.zone})")
    if answer["kind"]:
        lines.append(f"kind {answer['kind']}")
    if answer.get("codes") == Codes.TODAY:
        lines.append("read under today's codes")
    return lines


def place(answer: Mapping[str, Any]) -> str:
    """`410102 中原区`."""
    if not answer["jurisdiction"]:
        return WHOLE_PLATFORM
    return f"{answer['jurisdiction']} {answer['name'] or ''}".rstrip()


def figures_table(answer: Mapping[str, Any]) -> Table:
    """The figures as columns: each tier and both together, or the one tier that was asked for."""
    columns = columns_of(answer)
    made = table("", *columns, right=tuple(columns))
    for count, name in COUNTS.items():
        made.add_row(name, *(f"{figures[count]:,}" for figures in columns.values()))
    made.add_row("feedback rate", *(figures["fraction"] for figures in columns.values()))
    made.add_row("", *(shown(figures["rate"]) for figures in columns.values()), style="bold")
    return made


def columns_of(answer: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The figures under their headings."""
    if answer["tier"]:
        return {answer["tier"]: answer}
    return {**answer["tiers"], "total": answer}
