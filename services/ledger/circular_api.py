"""The ledger's API of circulars: one for download, of a scope and a period, in a form and a language."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from contracts.directory import LEVEL_DIGITS, Directory, Level
from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType
from contracts.readings import Codes
from contracts.targets import Targets
from services.ledger.access import readable_jurisdiction, reader_of
from services.ledger.api import AsOf, CodesName, KindName, TierName
from services.ledger.circular.forms import Form, file_name, written
from services.ledger.circular.listing import levels_below, listed_names
from services.ledger.circular.words import Language
from services.ledger.circulars import CircularMaterial, CircularQuestion, Platform, read_circular
from services.ledger.moments import read_moment
from services.ledger.periods_api import months_of
from services.registry.snapshot import Snapshot

# The country's counties are some 3,000, and so are the townships of its largest province. All townships are 40,000:
# nobody reads them as one table, and to write it takes the processor from the log's writer for seconds.
MOST_ROWS = 5000
_LANGUAGES = {"zh": Language.ZH, "en": Language.EN}
# A page is looked at in the browser it came to; the rest is for other programs.
_SHOWN_IN_PLACE = (Form.HTML,)
# The page brings its own style, and the browser itself enforces that nothing else is asked for.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

Scope = Annotated[
    str | None, Query(description="The code whose parts are listed, empty for the country. Yours by default.")
]
LevelName = Annotated[
    Level | None, Query(description="Which parts are listed; the highest level below the scope by default")
]
FormName = Annotated[Form, Query(alias="format", description="The kind of file")]
LanguageName = Annotated[Literal["zh", "en"], Query(description="Chinese or English")]


def circular_router(
    pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar, targets: Targets
) -> APIRouter:
    """The route ``/v1/periods/{period}/circular``. ``snapshot`` gives the registry's newest."""
    api = _CircularAPI(pool, snapshot, calendar, targets)
    # It only documents the token: the handler asks who reads.
    router = APIRouter(prefix="/v1", tags=["periods"], dependencies=[Depends(HTTPBearer(auto_error=False))])
    router.get(
        "/periods/{period}/circular",
        summary="The circular of a scope and a period, as a file",
        response_class=Response,
        responses={200: {"description": "The file", "content": {form.media_type: {} for form in Form}}},
    )(api.circular)
    return router


class _CircularAPI:
    """The handler: reads the request, asks the ledger, and has the file written beside the event loop."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar, targets: Targets
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._calendar = calendar
        self._targets = targets
        # For the same reason one file is written at a time.
        self._writing = asyncio.Lock()

    async def circular(
        self,
        request: Request,
        period: str,
        scope: Scope = None,
        level: LevelName = None,
        tier: TierName = None,
        kind: KindName = None,
        as_of: AsOf = None,
        codes: CodesName = "then",
        form: FormName = Form.XLSX,
        language: LanguageName = "zh",
    ) -> Response:
        snapshot = self._snapshot()
        code = _scope(readable_jurisdiction(reader_of(request, snapshot), scope, snapshot), codes, snapshot.directory)
        months_of(self._calendar, period)
        moment = read_moment("as_of", as_of, self._calendar, end_of_day=True) if as_of else None
        listed = _level(snapshot.directory, code, level)
        question = CircularQuestion(code, listed, period, tier, kind, moment, codes)
        platform = Platform(snapshot.directory, self._calendar, self._targets)
        # One state of the ledger for all of it, or the lines might not add up to the total.
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            material = await read_circular(connection, platform, question, datetime.now(UTC))
        async with self._writing:
            content, name = await asyncio.to_thread(_file, material, form, _LANGUAGES[language])
        return Response(content, headers=_headers(form, name))


def _file(material: CircularMaterial, form: Form, language: Language) -> tuple[bytes, str]:
    circular = material.circular()
    return written(circular, form, language), file_name(circular, form)


def _headers(form: Form, name: str) -> dict[str, str]:
    disposition = "inline" if form in _SHOWN_IN_PLACE else "attachment"
    headers = {
        "Content-Type": form.media_type,
        "Content-Disposition": f'{disposition}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return headers | ({"Content-Security-Policy": _POLICY} if form is Form.HTML else {})


def _scope(code: str, codes: Codes, directory: Directory) -> str:
    if "." in code:
        raise ProblemError(ProblemType.INVALID_REQUEST, "scope is a code without a department: nothing lies below one")
    return directory.today(code) if code and codes == "today" else code


def _level(directory: Directory, scope: str, asked: Level | None) -> Level:
    level = _named_or_highest(directory, scope, asked)
    rows = len(listed_names(directory, scope, level))
    if rows > MOST_ROWS:
        raise ProblemError(
            ProblemType.INVALID_REQUEST,
            f"that is a circular of {rows} jurisdictions, and {MOST_ROWS} is the most; name a scope of fewer",
        )
    return level


def _named_or_highest(directory: Directory, scope: str, asked: Level | None) -> Level:
    if asked is None:
        below = levels_below(directory, scope)
        if not below:
            raise ProblemError(ProblemType.INVALID_REQUEST, f"the directory has no jurisdiction below {scope or 'all'}")
        return below[0]
    if LEVEL_DIGITS[asked] <= len(scope):
        raise ProblemError(ProblemType.INVALID_REQUEST, f"level {asked} does not lie below scope {scope}")
    return asked
