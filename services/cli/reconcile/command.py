"""`huizhi reconcile`: a participant's own list of its queries beside the ledger's."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.listing_wire import ListName
from contracts.period import Calendar, PeriodError
from services.cli.client import API, LedgerAddress
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import Clock, show_table
from services.cli.rate import FromOption, PeriodOption, ToOption
from services.cli.reconcile.comparison import Question, compare
from services.cli.reconcile.own_list import OwnItem, OwnListError, read_own_list
from services.cli.reconcile.report import Compared, counts_table, difference_lines, document, heading

NOT_COMPARED = 2
_PAGE = 1000


def reconcile(
    *,
    mine: Annotated[
        Path,
        typer.Option(metavar="FILE", help="CSV with the header id,list[,period], or JSON lines of these; - reads it."),
    ],
    participant: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose list it is. Default: the token's account.")
    ] = None,
    only: Annotated[
        list[ListName] | None, typer.Option("--list", help="Compare only this list; may be given again.")
    ] = None,
    period: PeriodOption = None,
    start: FromOption = None,
    end: ToOption = None,
    ledger: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask this ledger, with --token, and no local stack.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", envvar="HUIZHI_TOKEN", help="A participant's token, instead of the stack's."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Compare a participant's own list of queries it sent, received and answered with the ledger, id by id.

    Every difference is said with its reason, both ways. Ends with 0 where there is none, 1 where there are some, and 2
    where nothing could be compared.
    """
    try:
        clock = Clock.of_settings()
        own = _read(mine, clock.calendar)
        with _api(data, ledger, token, participant) as api:
            asked = _Asked(api, clock, participant, only or list(ListName))
            compared = asked.compared(own, _spans(own, period, start, end, clock.calendar))
    except CommandError as error:
        error.status = NOT_COMPARED
        raise
    if as_json:
        print_json(document(compared))
    else:
        _show(compared, clock)
    if not compared.comparison.equal:
        raise typer.Exit(1)


class _Asked:
    """Asks the ledger for what is to be compared."""

    def __init__(self, api: API, clock: Clock, participant: str | None, lists: Sequence[ListName]) -> None:
        self._api = api
        self._clock = clock
        self._participant = participant
        self._lists = lists

    def compared(self, own: Sequence[OwnItem], spans: Sequence[dict[str, str | None]]) -> Compared:
        """The comparison over all spans together. Raises CommandError."""
        calendar = self._clock.calendar
        pages = {list_: [self._page(list_, span) for span in spans] for list_ in self._lists}
        first = pages[self._lists[0]]
        within = [item for item in own if _within(item, first, calendar)]
        question = Question(first[0]["participant"], calendar.months, self._api.message, self._clock.moment)
        items = {list_: [item for page in each for item in page["items"]] for list_, each in pages.items()}
        said = [{name: page[name] for name in ("period", "from", "to")} for page in first]
        return Compared(question.account, said, len(own) - len(within), compare(within, items, question))

    def _page(self, list_: ListName, span: dict[str, str | None]) -> dict[str, Any]:
        return self._api.pages(
            "messages", all_pages=True, list=list_, participant=self._participant, limit=_PAGE, **span
        )


def _within(item: OwnItem, pages: Sequence[dict[str, Any]], calendar: Calendar) -> bool:
    """Whether an item belongs to the spans: where they are periods, one that names another one does not."""
    if item.period is None or any(page["period"] is None for page in pages):
        return True
    compared = {month for page in pages for month in calendar.months(page["period"])}
    return not compared.isdisjoint(calendar.months(item.period))


def _spans(
    own: Sequence[OwnItem], period: str | None, start: str | None, end: str | None, calendar: Calendar
) -> list[dict[str, str | None]]:
    """What to ask for: as the options say, else every month that the list names, else the current one."""
    named = {item.period for item in own if item.period is not None}
    if period or start or end or not named:
        return [{"period": period, "from_": start, "to": end}]
    return [{"period": month} for month in sorted({month for name in named for month in calendar.months(name)})]


def _read(file: Path, calendar: Calendar) -> list[OwnItem]:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return read_own_list(content.decode("utf-8-sig"), calendar)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is not UTF-8; save it as CSV UTF-8") from error
    except (OwnListError, PeriodError) as error:
        raise CommandError(f"{name}, {error}") from error


def _api(data: Path, ledger: str | None, token: str | None, participant: str | None) -> API:
    if ledger is not None:
        if token is None:
            raise CommandError("--ledger needs the participant's token: --token, or HUIZHI_TOKEN in the environment")
        return API(data, LedgerAddress(ledger.rstrip("/"), token))
    if token is None and participant is None:
        raise CommandError("say whose list it is: --participant ADDRESS, or the participant's own --token")
    return API(data, token=token)


def _show(compared: Compared, clock: Clock) -> None:
    for line in heading(compared, clock):
        typer.echo(line)
    typer.echo("")
    show_table(counts_table(compared.comparison))
    for line in difference_lines(compared.comparison):
        typer.echo(line)
    typer.echo("\nno difference" if compared.comparison.equal else f"\nTimes are in {clock.zone}.")
