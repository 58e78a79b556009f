"""The HTTP face of a service: errors as problems, health, metrics, and documentation that asks no other host.

A service makes its application with ``create_app`` and adds its own routers; ``services.runtime.http_server`` runs it.
"""

from collections.abc import Iterable, Mapping
from importlib.resources import files

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException

from contracts.problems import Problem, ProblemError, ProblemType, echo
from services.runtime.body_limit import BodyLimit
from services.runtime.health import Health
from services.runtime.metrics import CONTENT_TYPE, huizhi_version, render

PROBLEM_JSON = "application/problem+json"

_OF_STATUS = {
    401: ProblemType.UNAUTHENTICATED,
    403: ProblemType.FORBIDDEN,
    404: ProblemType.NOT_FOUND,
    405: ProblemType.METHOD_NOT_ALLOWED,
    413: ProblemType.REQUEST_TOO_LARGE,
    503: ProblemType.UNAVAILABLE,
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_PROBLEM_RESPONSES: dict[int | str, dict[str, object]] = {
    "default": {"description": "A problem (RFC 9457)", "content": {PROBLEM_JSON: {"schema": _PROBLEM_SCHEMA}}}
}
_DOCS_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
# The browser itself enforces that the page asks no other host for anything.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'"
)

log = structlog.get_logger(__name__)


class ProblemResponse(JSONResponse):
    """A problem as an answer (RFC 9457 section 3)."""

    media_type = PROBLEM_JSON


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The answer for ``problem``, with the problem's status."""
    sent = dict(headers or {})
    if problem.type.status == 401:
        sent.setdefault("WWW-Authenticate", "Bearer")
    return ProblemResponse(problem.to_dict(), status_code=problem.type.status, headers=sent)


def create_app(
    title: str, description: str, *, health: Health, registry: CollectorRegistry, max_body_bytes: int
) -> FastAPI:
    """A FastAPI application that lacks only the service's own routes."""
    app = FastAPI(
        title=title,
        description=description,
        version=huizhi_version(),
        # The built-in pages load their scripts from a CDN, which closed networks do not reach.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        # A path with a slash too many is a path that is not there: a redirect would lead to whatever Host says.
        redirect_slashes=False,
        responses=_PROBLEM_RESPONSES,
    )
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes, refuse=problem_response)
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_failure)
    app.include_router(_operations(health, registry))
    app.include_router(_documentation(title))
    return app


def answer_unavailable(app: FastAPI, errors: Iterable[type[Exception]], detail: str) -> None:
    """Have ``app`` answer 503 where a handler fails with one of ``errors``, which say that something it needs is away.

    ``detail`` says what, and what to do. The error itself is logged and goes no further.
    """

    async def answer(request: Request, error: Exception) -> Response:
        log.warning("request_unavailable", path=request.scope["path"], error=type(error).__name__)
        return problem_response(Problem(ProblemType.UNAVAILABLE, detail))

    for error in errors:
        app.add_exception_handler(error, answer)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - Starlette calls this for nothing else.
    return problem_response(error.problem)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette calls this for nothing else.
    # Where and what, never the value: it may be somebody's payload.
    faults = (f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return problem_response(Problem(ProblemType.INVALID_REQUEST, "; ".join(faults)))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for nothing else.
    # Not request.url: it is put together from the header Host, too.
    place = echo(request.scope["path"])
    fallback = ProblemType.INTERNAL_ERROR if error.status_code >= 500 else ProblemType.INVALID_REQUEST
    problem_type = _OF_STATUS.get(error.status_code, fallback)
    detail = {
        404: f"There is nothing at {place}; /docs lists what there is.",
        405: f"{echo(request.method)} is not allowed at {place}; /docs lists what is.",
    }.get(error.status_code, str(error.detail))
    return problem_response(Problem(problem_type, detail), error.headers)


async def _answer_failure(_request: Request, _error: Exception) -> Response:
    # The server logs the error with its traceback; the client learns that it was not its fault.
    detail = "This is a fault of the exchange, not of the request; try again, and tell its operator if it stays."
    return problem_response(Problem(ProblemType.INTERNAL_ERROR, detail))


def _operations(health: Health, registry: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="Whether the service is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(
        "/readyz",
        summary="Whether everything the service needs is there",
        response_model=None,
        responses={503: {"description": "Something it needs is missing; named under `checks`."}},
    )
    async def readyz() -> JSONResponse:
        readiness = await health.readiness()
        return JSONResponse(readiness.to_dict(), status_code=200 if readiness.ready else 503)

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(render(registry), headers={"Content-Type": CONTENT_TYPE})

    return router


def _documentation(title: str) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=title,
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/favicon-32x32.png",
            # Swagger UI would otherwise have its validator's host judge our document.
            swagger_ui_parameters={"validatorUrl": None},
        )
        page.headers["Content-Security-Policy"] = _DOCS_POLICY
        return page

    @router.get("/docs/{name}")
    async def docs_file(name: str) -> Response:
        if name not in _DOCS_FILES:
            raise HTTPException(404)
        content = files("fastapi_swagger.resources").joinpath(name).read_bytes()
        return Response(content, media_type=_DOCS_FILES[name], headers={"Cache-Control": "max-age=86400"})

    return router
