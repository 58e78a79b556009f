"""`huizhi period`: the statistical periods, whether they are closed, their figures, and the circulars of them."""

import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.rates import shown
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import Clock, show_table, table
from services.cli.rate import CodeArgument, Codes, CodesOption, KindOption, TierOption, figures_table, place

app = typer.Typer(help="List, show and close statistical periods, and export their circulars.", no_args_is_help=True)

_STANDARD_OUTPUT = Path("-")
# The writer closes a month in its turn, which is a moment unless the ledger has much before it or is away.
_PATIENCE_S = 60
_LOOK_EVERY_S = 0.2
_RESTATED = ("answered", "on_time", "unanswered", "withdrawn", "forwarded")


class LevelName(StrEnum):
    """Which parts of a scope a circular lists."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
    TOWNSHIP = "township"


class FormName(StrEnum):
    """The kind of file that a circular is."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


class LanguageName(StrEnum):
    """The language of a circular."""

    ZH = "zh"
    EN = "en"


PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="A month, 2026-11, or a year, 2026.")]


@app.command("list")
def list_(
    code: CodeArgument = "",
    *,
    count: Annotated[int, typer.Option(min=1, max=120, metavar="N", help="So many, the current one included.")] = 12,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the present month and those before it, and their years, with a jurisdiction's figures as they stand now."""
    with API(data) as api:
        known = api.ask("periods", count=count)
        periods = [*known["months"], *known["years"]]
        documents = [{**api.ask("rate", jurisdiction=code, period=each["period"]), **each} for each in periods]
    if as_json:
        print_json(documents)
        return
    clock = Clock.of_settings()
    typer.echo(f"{place(documents[0])}, both tiers\n")
    made = table("period", "days", "state", "received", "answered", "rate", right=("received", "answered", "rate"))
    for document in documents:
        counts = (f"{document['received']:,}", f"{document['answered']:,}")
        days = clock.days(document["from"], document["to"])
        made.add_row(document["period"], days, document["state"], *counts, shown(document["rate"]))
    show_table(made)
    typer.echo(f"\nDays end at midnight in {clock.zone}.")


@app.command()
def show(
    period: PeriodArgument, code: CodeArgument = "", *, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False
) -> None:
    """Show a period: when it runs, whether it is closed, and the closed figures beside the present ones."""
    with API(data) as api:
        answer = api.ask(f"periods/{period}", jurisdiction=code)
    if as_json:
        print_json(answer)
        return
    clock = Clock.of_settings()
    for line in _said(answer, clock):
        typer.echo(line)
    if answer["closed"] is not None:
        typer.echo(f"\n{place(answer)}, as closed")
        show_table(figures_table({**answer["closed"], "tier": None}))
        typer.echo(f"\nrestated since: {_restated(answer['restated'])}")
    typer.echo(f"\n{place(answer)}, now")
    show_table(figures_table({**answer["present"], "tier": None}))


@app.command()
def close(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A month whose cut-off has passed: 2026-11.")],
    *,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Fix the figures of a month as of its cut-off, for good. What is answered later is a restatement beside them."""
    with API(data) as api:
        api.close_period(period)
        answer = _closed(api, period)
    if as_json:
        print_json(answer)
        return
    for line in _said(answer, Clock.of_settings()):
        typer.echo(line)
    show_table(figures_table({**answer["closed"], "tier": None}))


@app.command()
def export(
    period: PeriodArgument,
    *,
    scope: Annotated[str, typer.Option(metavar="CODE", help="Whose parts are listed. Default: the country.")] = "",
    level: Annotated[
        LevelName | None, typer.Option(help="Which parts. Default: the highest level below the scope.")
    ] = None,
    form: Annotated[FormName, typer.Option("--format", help="The kind of file.")] = FormName.XLSX,
    language: Annotated[LanguageName, typer.Option(help="Chinese or English.")] = LanguageName.ZH,
    tier: TierOption = None,
    kind: KindOption = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it stood then. Default: as closed, or now.")
    ] = None,
    codes: CodesOption = Codes.THEN,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; - is standard output. Default: a name like the circular."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Write the circular (通报) of a period: the jurisdictions of a scope, ranked by their feedback rates."""
    asked = {"scope": scope, "level": level, "tier": tier, "kind": kind, "as_of": as_of, "codes": codes}
    with API(data) as api:
        content, name = api.download(f"periods/{period}/circular", **asked, format=form, language=language)
    if out == _STANDARD_OUTPUT:
        if as_json:
            raise CommandError("--out - and --json would both write to standard output; name a file")
        sys.stdout.buffer.write(content)
        return
    path = out if out is not None else Path(Path(name).name)
    _write(path, content)
    if as_json:
        print_json({"file": str(path), "bytes": len(content), "format": form})
    else:
        typer.echo(path)


def _closed(api: API, period: str) -> dict[str, Any]:
    """The period once it is closed. Raises CommandError when that takes too long."""
    deadline = time.monotonic() + _PATIENCE_S
    while (answer := api.ask(f"periods/{period}"))["closed"] is None:
        if time.monotonic() > deadline:
            raise CommandError(
                f"the order to close {period} is given, and the ledger has not come to it in {_PATIENCE_S} seconds; "
                f"`huizhi period show {period}` says when it has"
            )
        time.sleep(_LOOK_EVERY_S)
    return answer


def _said(answer: dict[str, Any], clock: Clock) -> list[str]:
    lines = [
        f"period {answer['period']}: {clock.days(answer['from'], answer['to'])}, {_progress(answer)}",
        f"from    {clock.moment(answer['from'])} ({clock.zone})",
        f"before  {clock.moment(answer['to'])}",
        f"cut-off {clock.moment(answer['cut_off'])}",
    ]
    if answer["state"] == "closed":
        by, entry = answer["closed_by"], answer["entry"]
        lines.append(f"closed  {clock.moment(answer['closed_at'])} by {by}, entry {entry} of the ledger")
    elif len(answer["open_months"]) > 1:
        lines.append(f"months that are not closed: {', '.join(answer['open_months'])}")
    return lines


def _progress(answer: dict[str, Any]) -> str:
    to_come = answer["state"] == "open" and datetime.now(UTC) < datetime.fromisoformat(answer["from"])
    return "to come" if to_come else str(answer["state"])


def _restated(restated: dict[str, int]) -> str:
    moved = [f"{name.replace('_', ' ')} {restated[name]:+,}" for name in _RESTATED if restated[name]]
    return ", ".join(moved) or "nothing"


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); name another with --out") from error
